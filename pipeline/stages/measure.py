"""Stage `measurement`: measure one measurement from its configs.

Reads   data/params.ok, params.yaml (seeds.root, measurements.<measurement>)
Writes  reports/results/<measurement>.csv
"""

from pipeline import measurements as measurements
from pipeline.core import console
from pipeline.project import artifacts, params
from pipeline.stages import named


def main(arguments: list[str]) -> None:
    """Measure the measurement whose id is the argument."""
    key = named(arguments)
    project = params.load()
    measured = measurements.measure(project.measurements[key], project.seeds[0].root)
    params.check_unchanged(project, "seeds.root", f"measurements.{key}")
    artifacts.write_measured(key, measured)


if __name__ == "__main__":
    console.run(main)
