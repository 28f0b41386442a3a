"""Stage `measure`: take one measurement without training.

Reads   data/params.ok, data/configs/measure/<measurement>.json
Writes  reports/results/<measurement>.csv
"""

from pipeline.core import console
from pipeline.project import artifacts, parts
from pipeline.stages import key_of


def main(arguments: list[str]) -> None:
    """Take the measurement whose id is the argument."""
    key = key_of(arguments, parts.keys("measure"))
    config, root = parts.read_measurement(key)
    console.say(f"measurement {key}: {config.kind}")
    artifacts.write_measured(key, config.measure(root))


if __name__ == "__main__":
    console.run(main)
