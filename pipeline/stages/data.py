"""Stage `data`: load or generate one data set.

Reads   data/params.ok, data/configs/data/<dataset>.json, tables/
Writes  data/<dataset>.npz
"""

from pipeline.core import console
from pipeline.project import artifacts, parts
from pipeline.stages import key_of


def main(arguments: list[str]) -> None:
    """Make the data set whose id is the argument."""
    key = key_of(arguments, parts.keys("data"))
    config, seeds = parts.read_dataset(key)
    console.say(f"data set {key}: {config.source}")
    artifacts.write_dataset(key, config.make(seeds))


if __name__ == "__main__":
    console.run(main)
