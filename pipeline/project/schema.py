"""The sections of `params.yaml` besides data sets, measurements and the config of a run: studies, claims, seeds."""

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from pipeline.core.config import (
    MAX_SEEDS,
    ClaimConfig,
    Config,
    Id,
    Number,
    Positive,
    Text,
    check_inside,
    list_of,
    refused,
)
from pipeline.core.seeding import Seed
from pipeline.data import DatasetConfig
from pipeline.data.base import OwnSeeds
from pipeline.measurements import MeasurementConfig
from pipeline.project.figures import NAMED
from pipeline.project.metrics import METRICS
from pipeline.training.config import RunConfig


class StudyClaimConfig(ClaimConfig):
    """A claim about a metric of a variant, compared with another variant or with a number."""

    metric: str | None = None
    """A metric of the study; without it, the metric that the study is judged by."""
    variant: str | None = None
    """Id of the variant that the claim is about. This or `trend`."""
    against: str | Number | None = None
    """Id of another variant, or a number; without it, the baseline of the variant."""
    trend: list_of(str, min_length=3) | None = None  # type: ignore[valid-type]
    """Ids of variants, in the order along which the metric gets higher or lower. This or `variant`."""

    @model_validator(mode="after")
    def _one_subject(self) -> Self:
        if (self.variant is None) == (self.trend is None):
            raise refused("variant", "this or `trend`")
        if self.trend is not None and self.against is not None:
            raise refused("against", "none with `trend`")
        if self.trend is not None and self.expect == "equal":
            raise refused("expect", "higher, lower with `trend`")
        if self.trend is not None and len(set(self.trend)) < len(self.trend):
            raise refused("trend", "each variant once")
        return self


class StudyConfig(Config):
    """A study as written; `variants.expand` turns it into a `Study`."""

    question: Text
    """The question of the study, at most 1,000 characters: the heading of its section of the page."""
    dataset: str
    """Id of the data set, under `datasets`."""
    metric: str
    """The metric that the verdicts are about."""
    asks: Literal["difference", "agreement", "choice"] = "difference"
    """Order of the answer: variants that differ first, equivalent ones first, or the choice by validation first."""
    margin: Positive | None = None
    """The margin of this study, instead of that of its metric in `judging.margins`."""
    caveat: Annotated[Text, Field(max_length=300)] | None = None
    """A limitation, repeated by the answer and the claims; at most 300 characters."""
    seeds: OwnSeeds = None
    """Number of seeds, if it is not that of the data set; of data that each seed draws at most as many as are drawn."""
    figure: Literal[*NAMED] | None = None  # type: ignore[valid-type]
    """One more figure, beside those that follow from the factors."""
    simplest: Literal["first", "last"] = "first"
    """The end of the list of variants at which the simplest one stands, for choosing by validation."""
    base: dict[str, Any] = {}  # noqa: RUF012  # pydantic copies it
    """Differences from the `base` of the file, nested like it; all variants share them."""
    grid: dict[str, Any] | None = None
    """Nested like the base, each leaf a list of values; the variants are all combinations. This or `variants`."""
    variants: dict[Id, dict[str, Any] | None] | None = None
    """By id, the differences of a variant from the base; {} is the base itself. This or `grid`."""
    baseline: dict[str, Any] | str
    """The variant that others are compared with: an id of `variants`, or values of `grid`, nested like it."""
    claims: dict[Id, StudyClaimConfig] = {}  # noqa: RUF012
    """Claims about the study, by id."""


class PublishedConfig(Config):
    """The place in this project where a published outcome is measured."""

    config: Text
    """The config, as the table of published outcomes names it."""
    factor: str = ""
    """The factor, as the table names it; empty if it names none."""
    study: str | None = None
    """Id of the study that measures it."""
    variant: str | None = None
    """Id of the variant of that study."""
    measurement: str | None = None
    """Id of the measurement, instead of a study and a variant."""


class Published(Config):
    """A table of published outcomes (config, factor, quantity, rebuilds, estimate, statistic, sd, low, high)."""

    file: str
    """The table: a CSV file inside the project, as a relative path without `..`."""
    outcomes: list_of(PublishedConfig, max_length=10_000)  # type: ignore[valid-type]
    """The study and variant, or the measurement, that measures each of its configs."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        check_inside(self.file, "a file inside the project: a relative path without ..")
        return self


class SeedConfig(Config):
    """Every variant is trained once with each of the seeds (root, 0) to (root, count - 1)."""

    root: Annotated[int, Field(ge=0, lt=2**32)]
    """Root of all random numbers: another root gives another, independent set of seeds."""
    count: Annotated[int, Field(ge=1, le=MAX_SEEDS)]
    """Number of seeds; increasing it keeps the existing ones."""

    def seeds(self, *counts: int | None) -> tuple[Seed, ...]:
        """Return as many seeds as the first of the counts that is given, else `count`."""
        count = next((count for count in counts if count is not None), self.count)
        return tuple(Seed(self.root, index) for index in range(count))


class Judging(Config):
    """Error rate of a family of verdicts, and the differences that are too small to matter."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """At most this share of families may hold a false better or worse."""
    margins: dict[str, Positive] = {}  # noqa: RUF012
    """By metric, the largest difference that does not matter; for a loss a ratio above 1."""

    @model_validator(mode="after")
    def _margins_fit(self) -> Self:
        judged = [name for name, metric in METRICS.items() if metric.random]
        for name, margin in self.margins.items():
            if name not in judged:
                raise refused("margins", f"metrics: {', '.join(judged)}")
            if METRICS[name].scale == "log" and margin <= 1:
                raise refused("margins", f"a ratio above 1 for {name}, which is compared as a ratio")
        return self


class File(Config):
    """All of `params.yaml`; studies are still as written."""

    title: Annotated[Text, Field(max_length=100)] = "Ablation report"
    """Title of the page, at most 100 characters."""
    about: Annotated[Text, Field(max_length=600)] | None = None
    """Introduction of the page, at most 600 characters: what the project is about."""
    seeds: SeedConfig
    """The seeds of every study."""
    judging: Judging
    """Rules for verdicts."""
    base: RunConfig
    """One complete config: every variant starts from it."""
    datasets: dict[Id, DatasetConfig]
    """The data sets, by id."""
    measurements: dict[Id, MeasurementConfig]
    """Measurements without training, by id; {} if there are none."""
    studies: dict[Id, StudyConfig]
    """The studies, by id."""
    published: Published | None = None
    """Published outcomes that the project is compared with."""
