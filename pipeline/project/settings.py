"""The typed settings: what each block of `params.yaml` may hold, and how a mistake in it is named."""

import math
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, ClassVar, Literal, LiteralString, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.project.metrics import METRICS, Task


def _refused(key: Any, allowed: str, kind: LiteralString = "refused") -> PydanticCustomError:
    """What `problems` reports as a mistake at this key of the block."""
    return PydanticCustomError(kind, "{allowed}", {"key": key, "allowed": allowed})


class Settings(BaseModel):
    """What every block of `params.yaml` is: strict about types, closed to unknown keys, unchangeable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Name the allowed keys, which pydantic's own message does not."""
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise _refused(key, f"one of {', '.join(cls.model_fields)}", kind="unknown_key")
        return value


def _list(item: Any, least: int = 0, most: int = 1000) -> Any:
    """A YAML list as a tuple; its items stay strict."""
    return Annotated[tuple[item, ...], Field(strict=False, min_length=least, max_length=most)]


def _demand_inside(file: str, allowed: str, folder: str = "") -> None:
    """Refuse a path that does not lie inside the project, or not in that folder of it."""
    path = PurePosixPath(file)
    fits = path.parts and len(file) <= 1000 and all(len(part.encode()) <= 255 for part in path.parts)
    inside = not folder or (path.parts[:1] == (folder,) and len(path.parts) > 1)
    if not fits or not inside or path.is_absolute() or ".." in path.parts:
        raise _refused("file", allowed)


# far beyond what anyone means; within them every number has its place in single precision, and so has its square root
MOST = 1_000_000_000
LARGEST = 1e30
LONGEST_ID = 60  # characters: it becomes part of names of files, of at most 255 bytes
LONGEST_COLUMN = 200  # characters of the name of a table's column

# what is drawn or trained must fit into memory; machines differ, so this only stops what no one can mean
LARGEST_DATASET = 16 * 2**30
LARGEST_NETWORK = 8 * 2**30
LARGEST_PROBE = 16 * 2**30
MOST_SEEDS = 100_000

Count = Annotated[int, Field(ge=1, le=MOST)]
Rate = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=LONGEST_ID)]
Words = Annotated[str, Field(min_length=1, max_length=1000)]
# standard deviations of inputs that are N(0, 1): farther apart no classifier converges
Distance = Annotated[float, Field(ge=-1000, le=1000)]
PositiveDistance = Annotated[float, Field(gt=0, le=1000)]


# --- data sets -------------------------------------------------------------------------------------------------------

# scikit-learn's digits come in one piece: the last 360 of the 1,797 are the test set, in the published order
DIGITS_TEST_EXAMPLES = 360


class Images(Settings):
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


class Generated(Settings):
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
    weights: _list(Number)  # type: ignore[valid-type]
    """True weights w of the powers 0, 1, ...; those of the other powers are 0."""
    noise_sd: NonNegative
    """Standard deviation of the noise in y; 0 is none."""

    task: ClassVar[Task] = "regression"

    @model_validator(mode="after")
    def _weights_fit(self) -> "Polynomial":
        if len(self.weights) > self.features:
            allowed = f"at most as many weights as features ({self.features})"
            raise _refused("weights", allowed)
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
    proportions: _list(Positive, least=2, most=100)  # type: ignore[valid-type]
    """Share of each class before the shift; they sum to 1."""
    target_proportions: _list(Positive, least=2, most=100)  # type: ignore[valid-type]
    """Share of each class after the shift; they sum to 1."""
    separation: PositiveDistance
    """Radius of the circle of centres, in standard deviations of an input."""

    @property
    def outputs(self) -> int:  # type: ignore[override]
        """Number of classes."""
        return len(self.proportions)

    @model_validator(mode="after")
    def _proportions_fit(self) -> "LabelShift":
        for name in ("proportions", "target_proportions"):
            shares = getattr(self, name)
            if len(shares) != len(self.proportions) or abs(sum(shares) - 1) > 1e-9:
                raise _refused(name, "as many shares as classes, that sum to 1")
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


class Table(Settings):
    """A table of a person's own, split into training and test part anew for every seed."""

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
    categorical: _list(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are categories though they hold numbers."""
    ignore: _list(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are left out."""
    standardize_target: bool = True
    """Whether the target of a regression is standardised: a loss is then in units of its variance."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] | None = None
    """Seeds of the studies on this data set, where it is cheap enough for another number than `seeds.count`."""

    def resplit(self, split: str, validated: float = 0.0) -> float:
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
        _demand_inside(self.file, allowed, "tables")
        if PurePosixPath(self.file).suffix not in (".csv", ".parquet"):
            raise _refused("file", allowed)
        return self


class Facts(NamedTuple):
    """What a table holds: what other data sets know from their settings."""

    task: Task
    outputs: int  # number of classes, or 1 for a regression
    features: int  # after encoding
    train_examples: int
    test_examples: int
    source: str = "table"
    shifts: bool = False


Described = Images | Polynomial | Linear | CovariateShift | LabelShift | ConceptShift | Facts
DatasetSettings = Annotated[
    Images | Polynomial | Linear | CovariateShift | LabelShift | ConceptShift | Table, Discriminator("source")
]


# --- one complete setting --------------------------------------------------------------------------------------------


class NoValidation(Settings):
    """All examples are trained on."""

    name: Literal["none"]
    """Selects this: no validation."""

    folds: ClassVar[int] = 0
    resplit: ClassVar[float] = 0.0
    validated: ClassVar[float] = 0.0


class HoldOut(Settings):
    """Beside the training on all examples, one that leaves this fraction out and is validated on it."""

    name: Literal["hold_out"]
    """Selects this kind of validation."""
    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the used training examples that is left out."""

    folds: ClassVar[int] = 1

    @property
    def resplit(self) -> float:
        """Validation examples for each training example: what seeds that split the same data have in common."""
        return self.fraction / (1 - self.fraction)

    @property
    def validated(self) -> float:
        """Share of the training examples that a seed is validated on, all folds together."""
        return self.fraction


class KFold(Settings):
    """Beside the training on all examples, one for each fold that leaves the fold out and is validated on it."""

    name: Literal["k_fold"]
    """Selects this kind of validation."""
    folds: Annotated[int, Field(ge=2, le=MOST)]
    """Number of folds; all of one size, what is left over is always trained on."""

    @property
    def resplit(self) -> float:
        """As of a hold-out, for each of the folds whose mean a seed has."""
        return self.folds / (self.folds - 1)

    validated: ClassVar[float] = 1.0


class NoCorrection(Settings):
    """Every example weighs the same."""

    name: Literal["none"]
    """Selects this: no correction."""


class Oracle(Settings):
    """An example weighs as many times more as it is more frequent after the shift, by the true distributions."""

    name: Literal["oracle"]
    """Selects this correction."""


class Estimated(Settings):
    """The same weight estimated from examples of both distributions, not above `clip`."""

    name: Literal["estimated"]
    """Selects this correction."""
    clip: Positive
    """Largest weight of an example; an estimate above it is cut to it."""


Validation = Annotated[NoValidation | HoldOut | KFold, Discriminator("name")]
Correction = Annotated[NoCorrection | Oracle | Estimated, Discriminator("name")]


def _all_or_number(value: Any) -> str:
    return "all" if isinstance(value, str) else "number"


AllOrCount = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[Count, Tag("number")], Discriminator(_all_or_number)
]


class Data(Settings):
    """What of the training set is used, and how."""

    examples: AllOrCount
    """Training examples that are used: all of them, or so many from the first."""
    validation: Validation
    """Which of them are left out of an additional training and validated on."""
    correction: Correction
    """How examples are weighted where the test distribution differs from that of training."""


class Zeros(Settings):
    """All 0."""

    name: Literal["zeros"]
    """Selects this start."""


class Constant(Settings):
    """All `value`: an equal start, whose symmetry nothing but dropout breaks."""

    name: Literal["constant"]
    """Selects this start."""
    value: Number
    """The number that all of them start with."""


class Normal(Settings):
    """N(0, std^2)."""

    name: Literal["normal"]
    """Selects this start."""
    std: NonNegative
    """Standard deviation; 0 is all zeros."""


class Uniform(Settings):
    """Uniform within `bound`."""

    name: Literal["uniform"]
    """Selects this start."""
    bound: NonNegative
    """Half the width of the interval, which is centred at 0; 0 is all zeros."""


class XavierUniform(Settings):
    """Uniform within gain * sqrt(6 / (fan_in + fan_out))."""

    name: Literal["xavier_uniform"]
    """Selects this start."""
    gain: Positive = 1.0
    """Factor of the scale, as `torch.nn.init` has it."""


class XavierNormal(Settings):
    """N(0, gain^2 * 2 / (fan_in + fan_out))."""

    name: Literal["xavier_normal"]
    """Selects this start."""
    gain: Positive = 1.0
    """Factor of the scale, as `torch.nn.init` has it."""


class KaimingUniform(Settings):
    """Uniform within sqrt(6 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_uniform"]
    """Selects this start."""


class KaimingNormal(Settings):
    """N(0, 2 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_normal"]
    """Selects this start."""


class TorchLinear(Settings):
    """What `torch.nn.Linear` starts with: uniform within 1 / sqrt(fan_in), weight and bias alike."""

    name: Literal["torch_linear"]
    """Selects this start."""


WeightInitializer = Annotated[
    Zeros | Constant | Normal | Uniform | XavierUniform | XavierNormal | KaimingUniform | KaimingNormal | TorchLinear,
    Discriminator("name"),
]
BiasInitializer = Annotated[Zeros | Constant | Normal | Uniform | TorchLinear, Discriminator("name")]


class Initialization(Settings):
    """What weights and biases start with. Without `model.bias` there is no bias to start."""

    weight: WeightInitializer
    """Start of the weights of all layers."""
    bias: BiasInitializer
    """Start of the biases of all layers."""


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, list | tuple) else "one"


ActivationName = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity"]


class Model(Settings):
    """A multilayer perceptron. With `hidden: []` it is linear (softmax) regression."""

    features: AllOrCount
    """Features of the data set that the model sees: all of them, or so many from the first."""
    hidden: _list(Count)  # type: ignore[valid-type]
    """Width of each hidden layer, from the inputs on; [] is linear or softmax regression."""
    activation: ActivationName
    """What follows each hidden layer; identity leaves the network linear."""
    bias: bool
    """Whether layers have biases."""
    dropout: Annotated[
        Annotated[Rate, Tag("one")] | Annotated[_list(Rate), Tag("many")],  # type: ignore[valid-type]
        Discriminator(_one_or_many),
    ]
    """Probability that a hidden unit is dropped: one for all hidden layers, or a list with one for each; 0 is none."""
    initialization: Initialization
    """What weights and biases start with."""

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """One rate a hidden layer; a single number in `params.yaml` stands for all of them."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * len(self.hidden)

    @model_validator(mode="after")
    def _rates_fit(self) -> "Model":
        if len(self.dropout_rates) != len(self.hidden):
            allowed = f"one number, or a list with one rate for each of the {len(self.hidden)} hidden layers"
            raise _refused("dropout", allowed)
        return self


class Penalty(Settings):
    """What is added to the loss that is trained: l2 |w|^2 / 2 + l1 |w|_1, over all weights and no bias."""

    l1: NonNegative
    """Factor of the sum of absolute weights; 0 is none."""
    l2: NonNegative
    """Factor of half the sum of squared weights; 0 is none."""


class SGD(Settings):
    """Stochastic gradient descent, as `torch.optim.SGD` has it."""

    name: Literal["sgd"]
    """Selects this optimizer."""
    learning_rate: Positive
    """Factor of the step against the gradient."""
    momentum: Annotated[float, Field(ge=0, lt=1)]
    """Share of the accumulated gradient that the next step keeps; 0 is plain gradient descent."""
    nesterov: bool = False
    """Whether the gradient is followed from where the momentum leads (Nesterov); needs momentum."""
    weight_decay: NonNegative
    """Factor of the weights that are added to their gradients; never of biases; 0 is none."""

    @model_validator(mode="after")
    def _momentum_fits(self) -> Self:
        if self.nesterov and not self.momentum:
            raise _refused("nesterov", "true only with momentum above 0")
        return self


class _Adaptive(Settings):
    """What Adam and AdamW have in common."""

    learning_rate: Positive
    """Factor of the step against the gradient, which is divided by its root mean square."""
    beta1: Annotated[float, Field(ge=0, lt=1)] = 0.9
    """Share of the mean of gradients that the next step keeps."""
    beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Share of the mean of squared gradients that the next step keeps."""
    epsilon: Annotated[float, Field(ge=1e-30, le=LARGEST)] = 1e-8
    """Added to the root of the mean of squared gradients, by which is divided."""


class Adam(_Adaptive):
    """Adaptive moments, as `torch.optim.Adam` has them."""

    name: Literal["adam"]
    """Selects this optimizer."""
    weight_decay: NonNegative
    """Factor of the weights that are added to their gradients; never of biases; 0 is none."""


class AdamW(_Adaptive):
    """Adam with decoupled weight decay, as `torch.optim.AdamW` has it."""

    name: Literal["adamw"]
    """Selects this optimizer."""
    weight_decay: NonNegative
    """Times the learning rate, the share of the weights that each step takes away; never of biases; 0 is none."""


Optimizer = Annotated[SGD | Adam | AdamW, Discriminator("name")]


class ConstantRate(Settings):
    """The learning rate of the optimizer in every epoch."""

    name: Literal["constant"]
    """Selects this schedule."""

    def factor(self, epoch: int, epochs: int) -> float:
        """What the learning rate is multiplied by in an epoch, from 1 to `epochs`."""
        return 1.0


class StepRate(Settings):
    """The learning rate times `gamma` after every so many epochs, as `torch.optim.lr_scheduler.StepLR`."""

    name: Literal["step"]
    """Selects this schedule."""
    every: Count
    """Epochs from one step to the next."""
    gamma: Annotated[float, Field(gt=0, le=1)]
    """Factor of the learning rate at each step."""

    def factor(self, epoch: int, epochs: int) -> float:
        """As of a constant rate."""
        return float(self.gamma ** ((epoch - 1) // self.every))


class CosineRate(Settings):
    """From the learning rate down half a cosine, as `torch.optim.lr_scheduler.CosineAnnealingLR` over all epochs."""

    name: Literal["cosine"]
    """Selects this schedule."""
    final: Rate
    """Share of the learning rate that would be left after the last epoch; 0 is none."""

    def factor(self, epoch: int, epochs: int) -> float:
        """As of a constant rate."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2


LearningRate = Annotated[ConstantRate | StepRate | CosineRate, Discriminator("name")]


class NoStopping(Settings):
    """All epochs are trained, and the weights after the last one are kept."""

    name: Literal["none"]
    """Selects this: no early stopping."""

    fraction: ClassVar[float] = 0.0


class StoppingOnLoss(Settings):
    """A part of the training examples is set aside; the weights after the epoch of its lowest loss are kept.

    Training ends when the loss has not been lower for `patience` epochs.
    """

    name: Literal["validation_loss"]
    """Selects this kind of early stopping."""
    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training examples that is set aside, drawn by seed; nothing is trained on them."""
    patience: Count
    """Epochs without a lower loss after which training ends."""


EarlyStopping = Annotated[NoStopping | StoppingOnLoss, Discriminator("name")]


class Schedule(Settings):
    """How long, in which batches and with which learning rate; the last batch of an epoch may be short."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Passes over the training examples; with early stopping, at most."""
    batch_size: Count
    """Examples in a minibatch; at least as many as there are makes each epoch one step."""
    evaluations: Annotated[int, Field(ge=1, le=100)]
    """Passes over training and test set for the learning curves, spread over the epochs."""
    learning_rate: LearningRate = ConstantRate(name="constant")
    """How the optimizer's learning rate changes from epoch to epoch."""
    early_stopping: EarlyStopping = NoStopping(name="none")
    """When training ends before the last epoch, and which weights are kept."""


class Sizes(NamedTuple):
    """How many examples a run trains on, is validated on, and is stopped by."""

    trained: int
    validation: int
    stopping: int


class Setting(Settings):
    """One complete setting of model and training, every field without a default written out."""

    implementation: Literal["scratch", "concise"]
    """Scratch: the stacked engine, many runs at once. Concise: `torch.nn` and `torch.optim`, one run at a time."""
    data: Data
    """What of the training set is used, and how."""
    model: Model
    """The network."""
    loss: Literal["cross_entropy", "squared_error", "half_squared_error"]
    """What is trained: cross_entropy where the data set has classes, one of the others where it has numbers."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of classes, the share of each label that is trained as if it were spread over all classes; 0 is none."""
    penalty: Penalty
    """What is added to the loss that is trained; no reported loss contains it."""
    optimizer: Optimizer
    """What makes steps from gradients."""
    schedule: Schedule
    """How long, in which batches and with which learning rate."""

    def sizes(self, fold: int, examples: int) -> Sizes:
        """How many examples a run has of each kind.

        Args:
            fold: 0 trains on all and validates on none; 1, 2, ... leave one part out.
            examples: Of the whole training set.
        """
        used = examples if self.data.examples == "all" else self.data.examples
        validation = self.data.validation
        held = 0
        if fold:
            # folds of one size, so that all of them stack; what is left over is always trained on
            held = round(validation.fraction * used) if isinstance(validation, HoldOut) else used // validation.folds
        stopping = round(self.schedule.early_stopping.fraction * (used - held))
        return Sizes(used - held - stopping, held, stopping)


# --- studies ---------------------------------------------------------------------------------------------------------

FigureName = Literal["predictions", "weights", "ridge", "selection", "capacity", "shift", "layers"]


class StudySettings(Settings):
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
    """One complete setting, every field written out: what all variants share."""
    grid: dict[str, Any] | None = None
    """Nested like `base`, each leaf a list of values: variants are all their combinations. This or `variants`."""
    variants: dict[Id, dict[str, Any] | None] | None = None
    """By id, what is laid over `base` key by key; {} is `base` itself. This or `grid`."""
    baseline: dict[str, Any] | str
    """What variants are compared with: one of `variants`, or values of `grid`, nested like it."""


# --- probes ----------------------------------------------------------------------------------------------------------


class Activations(Settings):
    """Value and gradient of activation functions at evenly spaced points."""

    kind: Literal["activations"]
    """Selects this probe."""
    functions: _list(ActivationName, least=1)  # type: ignore[valid-type]
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
            raise _refused("high", f"more than low ({self.low:g})")
        if len(set(self.functions)) < len(self.functions):
            raise _refused("functions", "each once")
        return self


class MatrixProduct(Settings):
    """A standard normal matrix (size, size), times `factors` more."""

    kind: Literal["matrix_product"]
    """Selects this probe."""
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
            raise _refused("repetitions", allowed)
        return self


class ShiftDetector(Settings):
    """A classifier two-sample test of N(0, I) against N((shift, 0, ..), I), for every shift; 0 is a false alarm."""

    kind: Literal["shift_detector"]
    """Selects this probe."""
    inputs: Count
    """Number of inputs, of which the first is shifted."""
    examples: Annotated[int, Field(ge=4, le=MOST)]
    """Examples of each of the two samples."""
    shifts: _list(Annotated[float, Field(ge=0, le=1000)], least=1, most=100)  # type: ignore[valid-type]
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
            raise _refused("shifts", "each once, and different in six digits")
        size = 8 * 4 * self.examples * self.inputs
        if size > LARGEST_PROBE:
            allowed = f"samples of at most {in_bytes(LARGEST_PROBE)}; these would need {in_bytes(size)}"
            raise _refused("examples", allowed)
        return self


ProbeSettings = Annotated[Activations | MatrixProduct | ShiftDetector, Discriminator("kind")]


# --- claims and published outcomes -----------------------------------------------------------------------------------


class _Claim(Settings):
    claim: Words
    """The claim in words, at most 1,000 characters."""
    expected: Literal["higher", "lower", "equal"]
    """How the variant or quantity is expected to lie to what it is compared with."""
    margin: Positive | None = None
    """For equal, and only then: the largest difference that counts as none, or of losses the largest ratio, above 1."""

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if (self.expected == "equal") != (self.margin is not None):
            raise _refused("margin", "a number for equal, else none")
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
                raise _refused("margin", f"a ratio above 1 for {self.metric}, which is compared as a ratio")
            if not isinstance(self.against, str) and self.against <= 0:
                raise _refused("against", f"more than 0 for {self.metric}, which is compared as a ratio")
        return self


class ProbeClaim(_Claim):
    """That a quantity of a probe is higher, lower or the same as a number."""

    probe: str
    """Id of the probe."""
    quantity: str
    """One of the quantities that a probe of this kind has."""
    against: Number
    """The number that it is compared with."""


def _about(value: Any) -> str:
    # tags must not be keys of a claim, or `problems` would take them for part of the way
    return "of_probe" if isinstance(value, dict) and "probe" in value else "of_study"


Claim = Annotated[
    Annotated[StudyClaim, Tag("of_study")] | Annotated[ProbeClaim, Tag("of_probe")], Discriminator(_about)
]


class Place(Settings):
    """Where the project measures what was published for a setting (and its factor)."""

    setting: str
    """The setting, as the table of published outcomes names it."""
    factor: str = ""
    """The factor, as the table names it; empty where it names none."""
    study: str | None = None
    """Id of the study that measures it."""
    variant: str | None = None
    """Id of the variant of that study."""
    probe: str | None = None
    """Id of the probe that measures it, instead of a study and a variant."""


class Published(Settings):
    """A table of published outcomes (setting, factor, quantity, rebuilds, centre, statistic, sd, low, high)."""

    file: str
    """The table: a CSV file inside the project, as a relative path without `..`."""
    places: _list(Place, most=10_000)  # type: ignore[valid-type]
    """Which study and variant, or which probe, measures each of its settings."""

    @model_validator(mode="after")
    def _inside(self) -> Self:
        _demand_inside(self.file, "a file inside the project: a relative path without ..")
        return self


# --- the file --------------------------------------------------------------------------------------------------------


class SeedSettings(Settings):
    """Every variant is trained once with each of the seeds (root, 0) to (root, count - 1)."""

    root: Annotated[int, Field(ge=0, lt=2**32)]
    """What all random numbers come from: another root is another, independent set of seeds."""
    count: Annotated[int, Field(ge=1, le=MOST_SEEDS)]
    """Number of seeds; more of them keep those that there were."""


class Judging(Settings):
    """What verdicts hold to: the error rate of a family, and what is too small to matter."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    """Of all families, at most this share may hold a false better or worse."""
    margins: dict[str, Positive] = {}
    """By metric, what is too small to matter: a difference, or of losses a ratio above 1."""

    @model_validator(mode="after")
    def _margins_fit(self) -> Self:
        judged = [name for name, metric in METRICS.items() if metric.better]
        for name, margin in self.margins.items():
            if name not in judged:
                raise _refused("margins", f"metrics with a better direction: {', '.join(judged)}")
            if METRICS[name].scale == "log" and margin <= 1:
                raise _refused("margins", f"a ratio above 1 for {name}, which is compared as a ratio")
        return self


class File(Settings):
    """The whole of `params.yaml`; studies are still as written."""

    seeds: SeedSettings
    """The seeds of every study."""
    judging: Judging
    """What verdicts hold to."""
    device: Literal["cpu", "cuda"]
    """What trains: the processor, or the first CUDA device. A parameter, because it changes bits."""
    datasets: dict[Id, DatasetSettings]
    """The data sets, by id."""
    probes: dict[Id, ProbeSettings]
    """What is measured without training, by id; {} is nothing."""
    studies: dict[Id, StudySettings]
    """The studies, by id."""
    claims: dict[Id, Claim] = {}
    """What is expected of studies and probes, by id."""
    published: Published | None = None
    """Published outcomes that the project is held to."""


# --- mistakes --------------------------------------------------------------------------------------------------------


def problems(error: ValidationError, raw: Any) -> Iterator[tuple[list[str], str, str]]:
    """What pydantic found wrong in `raw`: the keys that lead there, what was found and what is allowed."""
    for item in error.errors():
        node: Any = raw
        keys: list[str] = []
        for key in item["loc"]:
            # pydantic adds the tag of a union to the place; only what the file really holds is a key of the file
            inside = key in node if isinstance(node, dict) else isinstance(node, list) and isinstance(key, int)
            if inside:
                node = node[key]
                keys.append(str(key))
        context, kind = item.get("ctx", {}), item["type"]
        allowed = item["msg"].removeprefix("Input should be ").removeprefix("a valid ")
        if kind == "missing":
            yield [*keys, str(item["loc"][-1])], "nothing", "every field written out"
        elif "key" in context:
            found = node.get(context["key"]) if isinstance(node, dict) else node
            yield [*keys, str(context["key"])], "an unknown key" if kind == "unknown_key" else brief(found), allowed
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            tag = str(context["discriminator"]).strip("'")
            found = brief(node.get(tag)) if isinstance(node, dict) else brief(node)
            tags = context.get("expected_tags", f"a mapping with the key {tag}").replace("'", "")
            yield [*keys, tag], found, tags
        elif item["loc"][-1:] == ("[key]",):
            yield keys, f"the id {brief(item['input'])}", f"a-z, 0-9 and _, at most {LONGEST_ID} of them"
        elif kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
            things = "characters" if kind.startswith("string") else "values"
            side, limit = ("at least", "min_length") if kind.endswith("short") else ("at most", "max_length")
            yield keys, brief(node), f"{side} {context[limit]} {things}"
        else:
            yield keys, brief(node), allowed


def brief(value: Any) -> str:
    """A value as an error message shows it, on one line and not too long."""
    try:
        text = " ".join(repr(value).split())
    except ValueError:  # Python writes no integer of that many digits
        text = "a number of thousands of digits"
    return text if len(text) <= 80 else text[:77] + "..."


def listed(names: Iterable[object]) -> str:
    """What is allowed, as an error message lists it: not too long, however many there are."""
    text = ", ".join(map(str, names))
    return text if len(text) <= 160 else text[:157] + "..."


def in_bytes(size: float) -> str:
    """A size as a person reads it.

    >>> in_bytes(16 * 2**30), in_bytes(3e12)
    ('16 GiB', '2.73 TiB')
    """
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size, unit = size / 1024, unit + 1
    return f"{size:.3g} {_UNITS[unit]}"


_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
