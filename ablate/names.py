"""Ids that a user types: errors about unknown ones, and what a shell offers for incomplete ones.

Completion runs at every press of the Tab key, so nothing slow is imported, and an invalid `params.yaml` offers nothing.
"""

import subprocess
from collections.abc import Callable, Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from pipeline.core.errors import UserError, join_short

if TYPE_CHECKING:
    from pipeline.project.params import Params
    from pipeline.project.variants import Study


def project(*studies: str) -> "Params":
    """Return the project of the current folder; refuse studies that it does not have."""
    from pipeline.project import params  # imported lazily: `--help` needs no config class

    checked = params.load()
    check("study", studies, checked.studies)
    return checked


def check(what: str, names: Iterable[str], allowed: Iterable[str], of: str = "") -> None:
    """Refuse names that are not allowed.

    Args:
        what: What they name: `study`, `metric`, ...
        names: What the user typed.
        allowed: The existing names.
        of: Restriction of the allowed names, for the message: ` for this study`.
    """
    allowed = list(allowed)
    for name in names:
        if name not in allowed:
            known = join_short(allowed) or "none, as there are none"
            near = get_close_matches(name, allowed)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise UserError(f"{what}: found {name!r}, allowed{of}: {known}{hint}")


def sources() -> list[str]:
    """Return the data sources for which `ablate new` has a template."""
    return sorted(path.stem for path in Path(__file__).with_name("templates").glob("sources/*.yaml"))


_Names = Callable[["Params", Sequence["Study"]], Iterable[str]]


def _completion(names: _Names) -> Callable[[typer.Context, str], list[str]]:
    """Return a completion; `names` gets the project and the studies on the command line, all if it has none yet."""

    def offer(context: typer.Context, incomplete: str) -> list[str]:
        from pipeline.project import params

        # while an option waits for its value, click leaves the arguments in `args`
        typed = context.params.get("study") or context.args
        ids = [typed] if isinstance(typed, str) else typed
        try:
            project = params.load()
        except UserError:
            return []
        studies = [study for key, study in project.studies.items() if not ids or key in ids]
        return [name for name in dict.fromkeys(names(project, studies)) if name.startswith(incomplete)]

    return offer


studies = _completion(lambda project, _: project.studies)
studies_and_measurements = _completion(lambda project, _: [*project.studies, *project.measurements])
with_figures = _completion(lambda project, _: ["overview", *project.studies, *project.measurements])
variants = _completion(lambda _, studies: (variant.id for study in studies for variant in study.variants))
metrics = _completion(lambda _, studies: (metric.name for study in studies for metric in study.metrics))
judged_metrics = _completion(
    lambda _, studies: (metric.name for study in studies for metric in study.metrics if metric.random)
)


def revisions(incomplete: str) -> list[str]:
    """Offer the branches and tags of this repository."""
    command = ["git", "for-each-ref", "--format=%(refname:short)", "refs/heads", "refs/tags"]
    try:
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()  # noqa: S603
    except (OSError, subprocess.CalledProcessError):
        return []
    return [name for name in listed if name.startswith(incomplete)]


def figures(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the figures of what the command line names; the last report has drawn them."""
    from pipeline.project import params

    try:
        project = params.load()
    except UserError:
        return []
    key, ids = context.params.get("study"), {"overview", *project.studies, *project.measurements}
    found = []
    for path in sorted(Path("reports/figures").glob("*.svg")):
        # the longest id that the file's name begins with: not `dropout` for `dropout_and_weight_decay_effects`
        owner = max((id for id in ids if path.stem.startswith(f"{id}_")), key=len, default="")
        found += [path.stem.removeprefix(f"{owner}_")] if owner == key else []
    return [name for name in found if name.startswith(incomplete)]
