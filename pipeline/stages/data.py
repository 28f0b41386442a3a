"""Stage `data`: load or generate one data set.

Reads   data/params.ok, params.yaml (seeds, datasets.<dataset>), tables/
Writes  data/<dataset>.npz
"""

from pipeline.core import console
from pipeline.project import artifacts, params
from pipeline.stages import key_of


def main(arguments: list[str]) -> None:
    """Make the data set whose id is the argument."""
    project = params.load()
    key = key_of(arguments, project.datasets)
    dataset = project.datasets[key].make(project.seeds_of(key))
    params.check_unchanged(project, "seeds", f"datasets.{key}")
    artifacts.write_dataset(key, dataset)


if __name__ == "__main__":
    console.run(main)
