"""The tables of the user as the page shows them: the task, the split and the columns."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from pipeline.data import DatasetConfig
from pipeline.data.base import Facts
from pipeline.data.columns import Column, Description
from pipeline.data.table import Table
from pipeline.report.suspicion import Evidence, evidence

_OPEN = 12  # columns that are shown unfolded at most


class TableView(NamedTuple):
    """A data set from a table."""

    config: Table
    facts: Facts
    description: Description
    evidence: Evidence

    @property
    def warned(self) -> list[Column]:
        """Return the columns with warnings."""
        return [column for column in self.description.columns if column.warnings]

    @property
    def parts(self) -> tuple[Sequence[Column], Sequence[Column]]:
        """Return the columns to show and to fold; of many columns, the target and those with warnings are shown."""
        columns = self.description.columns
        if len(columns) <= _OPEN:
            return columns, ()
        target = [column for column in columns if column.role == "target"]
        first = [*target, *(column for column in self.warned if column not in target)][:_OPEN]
        return first, [column for column in columns if column not in first]

    @property
    def split(self) -> str:
        """Describe the numbers of rows, of their split and of inputs."""
        inputs = sum(column.role == "input" for column in self.description.columns)
        test, train = f"{self.facts.test_examples:,}", f"{self.facts.train_examples:,}"
        rows = f"{self.description.rows:,} rows, of which each seed draws {test} to test on and trains on {train}"
        return f"{rows}; inputs: {inputs:,}, after encoding {self.facts.features:,}"


def views(datasets: Mapping[str, DatasetConfig]) -> dict[str, TableView]:
    """Read the tables among these data sets."""
    found = {}
    for key, config in datasets.items():
        if isinstance(config, Table) and (seen := evidence(key, config)):
            found[key] = TableView(config, config.facts(), config.described(), seen)
    return found
