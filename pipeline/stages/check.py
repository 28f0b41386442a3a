"""Stage `check`: refuse a wrong `params.yaml` before any stage deletes an earlier result.

Reads   params.yaml (all of it), tables/
Writes  data/params.ok
"""

from pipeline.core import console
from pipeline.project import artifacts, params


def main(arguments: list[str]) -> None:
    """Check; takes no argument."""
    params.load()
    artifacts.write_checked()


if __name__ == "__main__":
    console.run(main)
