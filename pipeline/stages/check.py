"""Stage `check`: refuse a wrong `params.yaml` before any stage deletes an earlier result.

Reads   params.yaml (all of it), tables/
Writes  data/params.ok
"""

from pipeline.core import console
from pipeline.project import artifacts, params


def main(arguments: list[str]) -> None:
    """Check `params.yaml`; takes no argument."""
    params.load()
    # always the same bytes, so that an edit of params.yaml reruns no stage by way of this file
    artifacts.write_text(artifacts.CHECKED, "params.yaml is valid\n")


if __name__ == "__main__":
    console.run(main)
