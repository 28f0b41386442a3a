"""What a shell offers for the next word of a command: ids of the project in the current folder.

Asked at every press of a key, so nothing slow is imported, and a `params.yaml` that is wrong offers nothing.
"""

from collections.abc import Iterable
from typing import Any

import typer

from pipeline.core.errors import UserError
from pipeline.project import params
from pipeline.project.variants import Study


def studies(incomplete: str) -> list[str]:
    """Ids of studies."""
    return _beginning(incomplete, (one.id for one in _studies()))


def studies_and_measurements(incomplete: str) -> list[str]:
    """Ids of studies and measurements."""
    try:
        project = params.load()
    except UserError:
        return []
    return _beginning(incomplete, [*project.studies, *project.measurements])


def variants(context: typer.Context, incomplete: str) -> list[str]:
    """Ids of variants: of the studies that are named before, else of all."""
    return _beginning(incomplete, (variant.id for one in _named(context) for variant in one.variants))


def metrics(context: typer.Context, incomplete: str) -> list[str]:
    """Names of metrics: of the studies that are named before, else of all."""
    return _beginning(incomplete, (metric.name for one in _named(context) for metric in one.metrics))


def judged_metrics(context: typer.Context, incomplete: str) -> list[str]:
    """As `metrics`, those with a better direction."""
    return _beginning(incomplete, (metric.name for one in _named(context) for metric in one.metrics if metric.better))


def _named(context: typer.Context) -> list[Study]:
    # an option that still waits for its value leaves arguments where they are
    given: Any = context.params.get("study") or context.args
    ids = [given] if isinstance(given, str) else list(given)
    return [one for one in _studies() if not ids or one.id in ids]


def _studies() -> list[Study]:
    try:
        return list(params.load().studies.values())
    except UserError:
        return []


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in dict.fromkeys(names) if name.startswith(incomplete)]
