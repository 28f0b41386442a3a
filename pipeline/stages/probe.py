"""Stage `probe`: measure one probe from its settings.

Reads   data/params.ok, params.yaml (seeds.root, probes.<probe>)
Writes  reports/results/<probe>.csv
"""

from pipeline import probes
from pipeline.project import artifacts, console, params
from pipeline.stages import named


def main(arguments: list[str]) -> None:
    """Measure the probe whose id is the argument."""
    key = named(arguments)
    project = params.load(probe=key)
    measured = probes.measure(project.probes[key], project.seeds[0].root)
    params.demand_unchanged(project, probe=key)
    artifacts.write_measured(key, measured)


if __name__ == "__main__":
    console.run(main)
