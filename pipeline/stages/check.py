"""Stage `check`: refuse a wrong `params.yaml` before any stage deletes an earlier result.

Reads   params.yaml (all of it), tables/
Writes  data/params.ok, data/configs/
"""

from pipeline.core import console
from pipeline.execution import outlook
from pipeline.project import artifacts, params


def main(arguments: list[str]) -> None:
    """Check `params.yaml`; takes no argument."""
    project = params.load()
    console.say(f"params.yaml: {len(project.studies)} studies, {len(project.measurements)} measurements")
    artifacts.write_parts(project)
    outlook.write(project)
    params.check_unchanged(project)
    # a dependency of every stage, so that none runs after a failed check; always the same bytes
    artifacts.write_text(artifacts.CHECKED, "params.yaml is valid\n")


if __name__ == "__main__":
    console.run(main)
