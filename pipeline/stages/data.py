"""Stage `data`: make one data set from its configs.

Reads   data/params.ok, params.yaml (seeds, datasets.<dataset>), tables/
Writes  data/<dataset>.npz
"""

from pipeline import data
from pipeline.core import console
from pipeline.project import artifacts, params
from pipeline.stages import named


def main(arguments: list[str]) -> None:
    """Make the data set whose id is the argument."""
    key = named(arguments)
    project = params.load()
    dataset = data.make(project.datasets[key], project.seeds_of(key))
    params.check_unchanged(project, "seeds", f"datasets.{key}")
    artifacts.write_dataset(key, dataset)


if __name__ == "__main__":
    console.run(main)
