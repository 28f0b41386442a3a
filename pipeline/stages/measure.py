"""Stage `measure`: take one measurement without training.

Reads   data/params.ok, params.yaml (seeds.root, measurements.<measurement>)
Writes  reports/results/<measurement>.csv
"""

from pipeline.core import console
from pipeline.project import artifacts, params
from pipeline.stages import key_of


def main(arguments: list[str]) -> None:
    """Take the measurement whose id is the argument."""
    project = params.load()
    key = key_of(arguments, project.measurements)
    measured = project.measurements[key].measure(project.seeds[0].root)
    params.check_unchanged(project, "seeds.root", f"measurements.{key}")
    artifacts.write_measured(key, measured)


if __name__ == "__main__":
    console.run(main)
