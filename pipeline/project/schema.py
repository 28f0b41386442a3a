"""The whole of `params.yaml`: studies as written, claims, published outcomes, and what they all share."""

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pipeline.core.config import MOST_SEEDS, Config, Id, Number, Positive, Words, check_inside, list_of, refused
from pipeline.data.config import DatasetConfig
from pipeline.measurements.config import MeasurementConfig
from pipeline.project.metrics import METRICS

# --- studies ---------------------------------------------------------------------------------------------------------

FigureName = Literal["predictions", "weights", "ridge", "selection", "capacity", "shift", "layers"]


class StudyConfig(Config):
    """A study as written; `variants.Study` is what it comes to."""

    question: Words
    """What the study asks, in a sentence of at most 1,000 characters: the heading of its section of the page."""
    dataset: str
    """Id of the data set, under `datasets`."""
    metric: str
    """The metric that verdicts are about."""
    figure: FigureName | None = None
    """One figure more, beside those that follow from the factors."""
    simplest: Literal["first", "last"] = "first"
    """Which of the variants as listed is the simplest, for choosing one by validation."""
    base: dict[str, Any]
    """One complete config, every field written out: what all variants share."""
    grid: dict[str, Any] | None = None
    """Nested like `base`, each leaf a list of values: variants are all their combinations. This or `variants`."""
    variants: dict[Id, dict[str, Any] | None] | None = None
    """By id, what is laid over `base` key by key; {} is `base` itself. This or `grid`."""
    baseline: dict[str, Any] | str
    """What variants are compared with: one of `variants`, or values of `grid`, nested like it."""


# --- claims and published outcomes -----------------------------------------------------------------------------------


class _Claim(Config):
    claim: Words
    """The claim in words, at most 1,000 characters."""
    expected: Literal["higher", "lower", "equal"]
    """How the variant or quantity is expected to lie to what it is compared with."""
    margin: Positive | None = None
    """For equal, and only then: the largest difference that counts as none, or of losses the largest ratio, above 1."""

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if (self.expected == "equal") != (self.margin is not None):
            raise refused("margin", "a number for equal, else none")
        return self


class StudyClaim(_Claim):
    """That a metric of a variant is higher, lower or the same as that of another variant, or as a number."""

    study: str
    """Id of the study."""
    metric: str
    """Any metric that the study has."""
    variant: str
    """Id of the variant that the claim is about."""
    against: str | Number
    """What it is compared with: the id of another variant, or a number."""

    @model_validator(mode="after")
    def _ratio_fits(self) -> Self:
        if self.metric in METRICS and METRICS[self.metric].scale == "log":
            if self.margin is not None and self.margin <= 1:
                raise refused("margin", f"a ratio above 1 for {self.metric}, which is compared as a ratio")
            if not isinstance(self.against, str) and self.against <= 0:
                raise refused("against", f"more than 0 for {self.metric}, which is compared as a ratio")
        return self


class MeasurementClaim(_Claim):
    """That a quantity of a measurement is higher, lower or the same as a number."""

    measurement: str
    """Id of the measurement."""
    quantity: str
    """One of the quantities that a measurement of this kind has."""
    against: Number
    """The number that it is compared with."""


def _about(value: Any) -> str:
    # tags must not be keys of a claim, or `problems` would take them for part of the way
    return "of_probe" if isinstance(value, dict) and "measurement" in value else "of_study"


Claim = Annotated[
    Annotated[StudyClaim, Tag("of_study")] | Annotated[MeasurementClaim, Tag("of_probe")], Discriminator(_about)
]


class Place(Config):
    """Where the project measures what was published for a config (and its factor)."""

    config: str
    """The config, as the table of published outcomes names it."""
    factor: str = ""
    """The factor, as the table names it; empty where it names none."""
    study: str | None = None
    """Id of the study that measures it."""
    variant: str | None = None
    """Id of the variant of that study."""
    measurement: str | None = None
    """Id of the measurement that measures it, instead of a study and a variant."""


class Published(Config):
    """A table of published outcomes (config, factor, quantity, rebuilds, estimate, statistic, sd, low, high)."""

    file: str
    """The table: a CSV file inside the project, as a relative path without `..`."""
    places: list_of(Place, most=10_000)  # type: ignore[valid-type]
    """Which study and variant, or which measurement, measures each of its configs."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        check_inside(self.file, "a file inside the project: a relative path without ..")
        return self


# --- the file --------------------------------------------------------------------------------------------------------


class SeedConfig(Config):
    """Every variant is trained once with each of the seeds (root, 0) to (root, count - 1)."""

    root: Annotated[int, Field(ge=0, lt=2**32)]
    """What all random numbers come from: another root is another, independent set of seeds."""
    count: Annotated[int, Field(ge=1, le=MOST_SEEDS)]
    """Number of seeds; more of them keep those that there were."""


class Judging(Config):
    """What verdicts hold to: the error rate of a family, and what is too small to matter."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Of all families, at most this share may hold a false better or worse."""
    margins: dict[str, Positive] = {}  # noqa: RUF012  # pydantic copies it
    """By metric, what is too small to matter: a difference, or of losses a ratio above 1."""

    @model_validator(mode="after")
    def _margins_fit(self) -> Self:
        judged = [name for name, metric in METRICS.items() if metric.better]
        for name, margin in self.margins.items():
            if name not in judged:
                raise refused("margins", f"metrics with a better direction: {', '.join(judged)}")
            if METRICS[name].scale == "log" and margin <= 1:
                raise refused("margins", f"a ratio above 1 for {name}, which is compared as a ratio")
        return self


class File(Config):
    """The whole of `params.yaml`; studies are still as written."""

    seeds: SeedConfig
    """The seeds of every study."""
    judging: Judging
    """What verdicts hold to."""
    datasets: dict[Id, DatasetConfig]
    """The data sets, by id."""
    measurements: dict[Id, MeasurementConfig]
    """What is measured without training, by id; {} is nothing."""
    studies: dict[Id, StudyConfig]
    """The studies, by id."""
    claims: dict[Id, Claim] = {}  # noqa: RUF012  # pydantic copies it
    """What is expected of studies and measurements, by id."""
    published: Published | None = None
    """Published outcomes that the project is held to."""
