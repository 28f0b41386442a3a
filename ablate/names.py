"""Ids that a user types: errors about unknown ones, and what a shell offers for incomplete ones.

Completion runs at every press of the Tab key, so nothing slow is imported, and an invalid `params.yaml` offers nothing.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches

import typer

from pipeline.core.errors import UserError, join_short
from pipeline.project import params
from pipeline.project.params import Params
from pipeline.project.variants import Study


def project(*studies: str) -> Params:
    """Return the project of the current folder; refuse studies that it does not have."""
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


def studies(incomplete: str) -> list[str]:
    """Offer ids of studies."""
    return _offered(incomplete, lambda project: project.studies)


def studies_and_measurements(incomplete: str) -> list[str]:
    """Offer ids of studies and measurements."""
    return _offered(incomplete, lambda project: [*project.studies, *project.measurements])


def variants(context: typer.Context, incomplete: str) -> list[str]:
    """Offer ids of variants."""
    return _of_studies(context, incomplete, lambda study: [variant.id for variant in study.variants])


def metrics(context: typer.Context, incomplete: str) -> list[str]:
    """Offer names of metrics."""
    return _of_studies(context, incomplete, lambda study: [metric.name for metric in study.metrics])


def judged_metrics(context: typer.Context, incomplete: str) -> list[str]:
    """Offer names of metrics with a better direction."""
    return _of_studies(context, incomplete, lambda study: [metric.name for metric in study.metrics if metric.better])


def _of_studies(context: typer.Context, incomplete: str, names: Callable[[Study], list[str]]) -> list[str]:
    """Offer names of the studies that the command line already has, or of all studies."""
    # while an option waits for its value, click leaves the arguments in `args`
    given = context.params.get("study") or context.args
    ids = [given] if isinstance(given, str) else list(given)

    def of_project(project: Params) -> list[str]:
        studies = [study for key, study in project.studies.items() if not ids or key in ids]
        return [name for study in studies for name in names(study)]

    return _offered(incomplete, of_project)


def _offered(incomplete: str, names: Callable[[Params], Iterable[str]]) -> list[str]:
    try:
        checked = params.load()
    except UserError:
        return []
    return [name for name in dict.fromkeys(names(checked)) if name.startswith(incomplete)]
