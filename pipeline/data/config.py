"""Where examples come from: what a block of `datasets` may hold."""

from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Discriminator, Field, model_validator

from pipeline.core.config import (
    LONGEST_COLUMN,
    MOST_SEEDS,
    Config,
    Count,
    Distance,
    NonNegative,
    Number,
    Positive,
    PositiveDistance,
    check_inside,
    list_of,
    refused,
)
from pipeline.project.metrics import Task

# scikit-learn's digits come in one piece: the last 360 of the 1,797 are the test set, in the published order
DIGITS_TEST_EXAMPLES = 360


class Images(Config):
    """Real images with a fixed test set: scikit-learn's digits or a member of torchvision's IDX family."""

    source: Literal["digits", "fashion_mnist", "mnist", "kmnist"]
    """Digits: 1,797 of 8 x 8 pixels, the last 360 of them to test on; else 60,000 and 10,000 of 28 x 28 pixels."""
    scale: Literal["unit", "symmetric"]
    """What pixels are scaled to: unit is [0, 1], symmetric is [-1, 1]."""

    task: ClassVar[Task] = "classification"
    seeds: ClassVar[None] = None
    shifts: ClassVar[bool] = False
    outputs: ClassVar[int] = 10

    @property
    def features(self) -> int:
        return 64 if self.source == "digits" else 784

    @property
    def train_examples(self) -> int:
        return 1797 - DIGITS_TEST_EXAMPLES if self.source == "digits" else 60_000


class Generated(Config):
    """What all data sets have in common that are drawn anew for every seed."""

    train_examples: Count
    """Examples that each seed draws to train on; of data that shift, before the shift."""
    test_examples: Count
    """Examples that each seed draws to test on; of data that shift, after the shift."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] | None = None
    """Seeds of the studies on this data set, where it is cheap enough for another number than `seeds.count`."""

    shifts: ClassVar[bool] = False
    outputs: ClassVar[int] = 1


class Polynomial(Generated):
    """y = sum_i w_i x^i / i! + noise, for x ~ N(0, 1); drawn anew for every seed."""

    source: Literal["polynomial"]
    """Selects this data set."""
    features: Annotated[int, Field(ge=1, le=100)]
    """Inputs of the model: the powers x^i / i! for i = 0 to features - 1."""
    weights: list_of(Number)  # type: ignore[valid-type]
    """True weights w of the powers 0, 1, ...; those of the other powers are 0."""
    noise_sd: NonNegative
    """Standard deviation of the noise in y; 0 is none."""

    task: ClassVar[Task] = "regression"

    @model_validator(mode="after")
    def _weights_fit(self) -> "Polynomial":
        if len(self.weights) > self.features:
            allowed = f"at most as many weights as features ({self.features})"
            raise refused("weights", allowed)
        return self


class Linear(Generated):
    """y = b + sum_j w x_j + noise, for x ~ N(0, I) and one w for all inputs; drawn anew for every seed."""

    source: Literal["linear"]
    """Selects this data set."""
    inputs: Count
    """Number of inputs j."""
    weight: Number
    """True weight w, the same for all inputs."""
    bias: Number
    """True bias b."""
    noise_sd: NonNegative
    """Standard deviation of the noise in y; 0 is none."""

    task: ClassVar[Task] = "regression"

    @property
    def features(self) -> int:
        return self.inputs


class Shift(Generated):
    """Training examples from a source distribution p, test examples from a target distribution q; two classes or more.

    `target_examples` of q are there for estimating the weights q / p; the test set plays no part in it.
    """

    target_examples: Count
    """Examples after the shift that each seed draws to estimate weights from, with labels where the concept shifts."""

    task: ClassVar[Task] = "classification"
    shifts: ClassVar[bool] = True
    features: ClassVar[int] = 2

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """Number of classes."""
        return 2


class CovariateShift(Shift):
    """x ~ N(0, I) becomes N((shift, 0), I); P(y = 1 | x) = sigmoid(slope (x_2 + x_1^2 / 2 - 1/2)) stays."""

    source: Literal["covariate_shift"]
    """Selects this data set."""
    shift: Distance
    """How far the mean of the first input moves, in standard deviations of it; 0 is no shift."""
    slope: Positive
    """Factor of the log odds: the larger, the sharper the boundary between the classes."""


class LabelShift(Shift):
    """P(y) changes from one list to the other; x | y ~ N(c_y, I), c_y evenly on a circle of radius `separation`."""

    source: Literal["label_shift"]
    """Selects this data set."""
    proportions: list_of(Positive, least=2, most=100)  # type: ignore[valid-type]
    """Share of each class before the shift; they sum to 1."""
    target_proportions: list_of(Positive, least=2, most=100)  # type: ignore[valid-type]
    """Share of each class after the shift; they sum to 1."""
    separation: PositiveDistance
    """Radius of the circle of estimates, in standard deviations of an input."""

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """Number of classes."""
        return len(self.proportions)

    @model_validator(mode="after")
    def _proportions_fit(self) -> "LabelShift":
        for name in ("proportions", "target_proportions"):
            shares = getattr(self, name)
            if len(shares) != len(self.proportions) or abs(sum(shares) - 1) > 1e-9:
                raise refused(name, "as many shares as classes, that sum to 1")
        return self


class ConceptShift(Shift):
    """x ~ N(0, I) stays; P(y = 1 | x) = sigmoid(slope x_1) turns by `angle` degrees."""

    source: Literal["concept_shift"]
    """Selects this data set."""
    angle: Number
    """How far the boundary between the classes turns, in degrees; 0 is no shift."""
    slope: Positive
    """Factor of the log odds: the larger, the sharper the boundary between the classes."""


ColumnName = Annotated[str, Field(min_length=1, max_length=LONGEST_COLUMN)]


class Table(Config):
    """A table of the user's own, split into training and test part anew for every seed."""

    source: Literal["table"]
    """Selects this data set."""
    file: str
    """A CSV or Parquet file in the folder tables of the project, such as tables/own.csv."""
    target: ColumnName
    """Column that is predicted."""
    task: Literal["infer", "classification", "regression"] = "infer"
    """What is predicted; infer takes text for classes, and at most 10 whole numbers with 5 rows each on average."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the rows that each seed draws to test on; the others are trained on."""
    missing: Literal["refuse", "mean", "median", "most_frequent"] = "refuse"
    """What of the column, in the training part, takes the place of a missing number; refuse: nothing may be missing."""
    categorical: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are categories though they hold numbers."""
    ignore: list_of(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are left out."""
    standardize_target: bool = True
    """Whether the target of a regression is standardised: a loss is then in units of its variance."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] | None = None
    """Seeds of the studies on this data set, where it is cheap enough for another number than `seeds.count`."""

    def split_correlation(self, split: str, validated: float = 0.0) -> float:
        """What the seeds, which all split one table, have in common (analysis/statistics.py): q / (1 - q).

        Args:
            split: What part of the data a value is measured on.
            validated: Share of the training part that a seed is validated on, all folds together.

        Returns:
            q is the share of the table that the value of one seed is measured on.
        """
        shares = {"test": self.test_fraction, "validation": (1 - self.test_fraction) * validated}
        share = shares.get(split, 1 - self.test_fraction)
        return share / (1 - share)

    @model_validator(mode="after")
    def _in_its_folder(self) -> Self:
        allowed = "a .csv or .parquet file in the folder tables: a relative path like tables/own.csv"
        check_inside(self.file, allowed, "tables")
        if PurePosixPath(self.file).suffix not in (".csv", ".parquet"):
            raise refused("file", allowed)
        return self


class Facts(NamedTuple):
    """What a table holds: what other data sets know from their config."""

    task: Task
    outputs: int  # number of classes, or 1 for a regression
    features: int  # after encoding
    train_examples: int
    test_examples: int
    source: str = "table"
    shifts: bool = False


Described = Images | Polynomial | Linear | CovariateShift | LabelShift | ConceptShift | Facts
DatasetConfig = Annotated[
    Images | Polynomial | Linear | CovariateShift | LabelShift | ConceptShift | Table, Discriminator("source")
]
