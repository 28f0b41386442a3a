"""Describe the columns of the user's tables, for `ablate new` and `ablate check`."""

from collections.abc import Iterable

from ablate.text import Table
from pipeline.data import table
from pipeline.data.columns import Description
from pipeline.project.params import Params


def of(config: table.Table) -> Table:
    """Describe the columns of a table: role, kind, levels, missing cells, values and warnings."""
    return described(config.file, config.described())


def of_studies(project: Params, keys: Iterable[str]) -> list[Table]:
    """Describe the tables of these studies."""
    datasets = dict.fromkeys(project.studies[key].dataset for key in keys)
    configs = (project.datasets[key] for key in datasets)
    return [of(config) for config in configs if isinstance(config, table.Table)]


def described(file: str, description: Description) -> Table:
    """Return a description as a table for a terminal."""
    header = ["column", "role", "kind", "levels", "missing", "values", "warnings"]
    rows = [
        [
            column.name,
            column.role,
            column.kind,
            "" if column.levels is None else str(column.levels),
            str(column.missing or ""),
            column.example,
            "; ".join(column.warnings),
        ]
        for column in description.columns
    ]
    before = [description.task] if description.task else []
    title = f"{file}: {description.rows:,} rows"
    return Table(title, header, rows, frozenset([0, 1, 2, 5, 6]), before=before, after=description.notes)
