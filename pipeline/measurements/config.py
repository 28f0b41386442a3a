"""What is measured without training: what a block of `measurements` may hold."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, model_validator

from pipeline.core.config import LARGEST_PROBE, MOST, ClaimConfig, Config, Count, Id, Number, list_of, refused
from pipeline.core.errors import in_bytes
from pipeline.training.config import ActivationName


class MeasurementClaimConfig(ClaimConfig):
    """A claim about a quantity of a measurement, compared with a number."""

    quantity: str
    """One of the quantities of the measurement."""
    against: Number
    """The number that the quantity is compared with."""


class Measurement(Config):
    """A measurement without training."""

    claims: dict[Id, MeasurementClaimConfig] = {}  # noqa: RUF012  # pydantic copies it
    """Claims about its quantities, by id."""


class Activations(Measurement):
    """Value and gradient of activation functions at evenly spaced points."""

    kind: Literal["activations"]
    """Selects this measurement."""
    functions: list_of(ActivationName, least=1)  # type: ignore[valid-type]
    """The activation functions, each once."""
    low: Number
    """Leftmost point."""
    high: Number
    """Rightmost point; more than `low`."""
    points: Annotated[int, Field(ge=2, le=10_000)]
    """How many points, both ends included."""

    @property
    def quantities(self) -> list[str]:
        """What its report has."""
        found = [f"largest_gradient_{name}" for name in self.functions]
        return found + (["tanh_identity"] if {"tanh", "sigmoid"} <= set(self.functions) else [])

    @model_validator(mode="after")
    def _ordered(self) -> "Activations":
        if self.low >= self.high:
            raise refused("high", f"more than low ({self.low:g})")
        if len(set(self.functions)) < len(self.functions):
            raise refused("functions", "each once")
        return self


class MatrixProduct(Measurement):
    """A standard normal matrix (size, size), times `factors` more."""

    kind: Literal["matrix_product"]
    """Selects this measurement."""
    size: Annotated[int, Field(ge=1, le=100)]
    """Rows, and columns, of each matrix."""
    factors: Annotated[int, Field(ge=1, le=1000)]
    """Matrices that the first is multiplied by, one after the other."""
    repetitions: Annotated[int, Field(ge=2, le=100_000)]
    """Products that are drawn."""

    @property
    def quantities(self) -> list[str]:
        """What its report has."""
        return ["log10_largest", "log10_growth"]

    @model_validator(mode="after")
    def _fits(self) -> Self:
        size = 8 * self.repetitions * (self.factors + 1) * self.size**2
        if size > LARGEST_PROBE:
            allowed = f"matrices of at most {in_bytes(LARGEST_PROBE)}; these would need {in_bytes(size)}"
            raise refused("repetitions", allowed)
        return self


class ShiftDetector(Measurement):
    """A classifier two-sample test of N(0, I) against N((shift, 0, ..), I), for every shift; 0 is a false alarm."""

    kind: Literal["shift_detector"]
    """Selects this measurement."""
    inputs: Count
    """Number of inputs, of which the first is shifted."""
    examples: Annotated[int, Field(ge=4, le=MOST)]
    """Examples of each of the two samples."""
    shifts: list_of(Annotated[float, Field(ge=0, le=1000)], least=1, most=100)  # type: ignore[valid-type]
    """How far the mean of the first input moves, in standard deviations of it; 0 counts false alarms."""
    alpha: Annotated[float, Field(gt=0, lt=1)]
    """Level of the test: the share of false alarms that it may have."""
    repetitions: Annotated[int, Field(ge=2, le=100_000)]
    """Pairs of samples that are drawn and tested for each shift."""

    @property
    def quantities(self) -> list[str]:
        """What its report has."""
        return [f"detections_{shift:g}".replace(".", "p") for shift in self.shifts]

    @model_validator(mode="after")
    def _told_apart_and_fits(self) -> Self:
        if len(set(self.quantities)) < len(self.shifts):
            raise refused("shifts", "each once, and different in six digits")
        size = 8 * 4 * self.examples * self.inputs
        if size > LARGEST_PROBE:
            allowed = f"samples of at most {in_bytes(LARGEST_PROBE)}; these would need {in_bytes(size)}"
            raise refused("examples", allowed)
        return self


MeasurementConfig = Annotated[Activations | MatrixProduct | ShiftDetector, Discriminator("kind")]
