"""Interface of a measurement: its config, its series and the quantities that are estimated from them."""

import math
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from pipeline.core.config import ClaimConfig, Config, Id, Number, refused

if TYPE_CHECKING:
    import pandas as pd

# case, quantity, x and values (n,); a single case or x applies to all values
Series = tuple[str | Sequence[str], str, np.ndarray | int, np.ndarray]


class Quantity(NamedTuple):
    """A number that is estimated from the values of one case and quantity in the table of a measurement."""

    label: str  # in the report
    source: tuple[str, str]  # case and quantity
    statistic: Literal["max", "max_abs", "mean", "share"]  # share: of values that are at most `level`
    expected: float = math.nan  # closed form, if theory has one
    level: float = math.nan


class MeasurementClaimConfig(ClaimConfig):
    """A claim about a quantity of a measurement, compared with a number."""

    quantity: str
    """One of the quantities of the measurement."""
    against: Number
    """The number that the quantity is compared with."""

    @model_validator(mode="after")
    def _has_margin(self) -> Self:
        if self.expect == "equal" and self.margin is None:
            raise refused("margin", "a number for equal, else none")
        return self


class Measurement(Config):
    """Config of one measurement."""

    claims: dict[Id, MeasurementClaimConfig] = {}  # noqa: RUF012  # pydantic copies it
    """Claims about its quantities, by id."""

    @property
    @abstractmethod
    def quantities(self) -> Mapping[str, Quantity]:
        """Return what is estimated, by the name that claims use."""

    @abstractmethod
    def series(self, root: int) -> Iterator[Series]:
        """Measure; repetition i has the seed (root, i)."""

    def measure(self, root: int) -> "pd.DataFrame":
        """Return all series as one table: case, quantity, x and value."""
        import pandas as pd  # imported lazily: every command imports the configs, and pandas takes 0.3 s

        columns = ("case", "quantity", "x", "value")
        tables = [pd.DataFrame(dict(zip(columns, series, strict=True))) for series in self.series(root)]
        return pd.concat(tables, ignore_index=True)
