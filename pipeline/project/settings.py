"""The typed settings: what each block of `params.yaml` may hold, and how a mistake in it is named."""

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
    scale: Literal["unit", "symmetric"]

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
    test_examples: Count
    # how many, where this data set is cheap enough for another number than `seeds.count`
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] | None = None

    shifts: ClassVar[bool] = False
    outputs: ClassVar[int] = 1


class Polynomial(Generated):
    """y = sum_i w_i x^i / i! + noise, for x ~ N(0, 1); drawn anew for every seed."""

    source: Literal["polynomial"]
    features: Annotated[int, Field(ge=1, le=100)]
    weights: _list(Number)  # type: ignore[valid-type]  # of the powers 0, 1, ...; the rest are 0
    noise_sd: NonNegative

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
    inputs: Count
    weight: Number
    bias: Number
    noise_sd: NonNegative

    task: ClassVar[Task] = "regression"

    @property
    def features(self) -> int:
        return self.inputs


class Shift(Generated):
    """Training examples from a source distribution p, test examples from a target distribution q; two classes or more.

    `target_examples` of q are there for estimating the weights q / p; the test set plays no part in it.
    """

    target_examples: Count

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
    shift: Distance
    slope: Positive


class LabelShift(Shift):
    """P(y) changes from one list to the other; x | y ~ N(c_y, I), c_y evenly on a circle of radius `separation`."""

    source: Literal["label_shift"]
    proportions: _list(Positive, least=2, most=100)  # type: ignore[valid-type]
    target_proportions: _list(Positive, least=2, most=100)  # type: ignore[valid-type]
    separation: PositiveDistance

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
    angle: Number
    slope: Positive


ColumnName = Annotated[str, Field(min_length=1, max_length=LONGEST_COLUMN)]


class Table(Settings):
    """A table of a person's own, split into training and test part anew for every seed."""

    source: Literal["table"]
    """`table`."""
    file: str
    """A CSV (`.csv`) or Parquet (`.parquet`) file in the folder `tables/` of the project."""
    target: ColumnName
    """The column that is predicted."""
    task: Literal["infer", "classification", "regression"] = "infer"
    """`infer`: classes where the target is text or few whole numbers, else numbers."""
    test_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.25
    """Share of the rows that each seed keeps for its test set."""
    missing: Literal["refuse", "mean", "median", "most_frequent"] = "refuse"
    """What takes the place of a missing number, of its column in the training part; `refuse`: none may be missing."""
    categorical: _list(ColumnName) = ()  # type: ignore[valid-type]
    """Columns of numbers that stand for categories."""
    ignore: _list(ColumnName) = ()  # type: ignore[valid-type]
    """Columns that are left out."""
    standardize_target: bool = True
    """Whether the target of a regression is standardised, so that a loss is in units of its variance."""
    seeds: Annotated[int, Field(ge=1, le=MOST_SEEDS)] | None = None
    """How many, where this data set is cheap enough for another number than `seeds.count`."""

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

    folds: ClassVar[int] = 0
    resplit: ClassVar[float] = 0.0
    validated: ClassVar[float] = 0.0


class HoldOut(Settings):
    """Beside the training on all examples, one that leaves this fraction out and is validated on it."""

    name: Literal["hold_out"]
    fraction: Annotated[float, Field(gt=0, lt=1)]

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
    folds: Annotated[int, Field(ge=2, le=MOST)]

    @property
    def resplit(self) -> float:
        """As of a hold-out, for each of the folds whose mean a seed has."""
        return self.folds / (self.folds - 1)

    validated: ClassVar[float] = 1.0


class NoCorrection(Settings):
    """Every example weighs the same."""

    name: Literal["none"]


class Oracle(Settings):
    """An example weighs as many times more as it is more frequent after the shift, by the true distributions."""

    name: Literal["oracle"]


class Estimated(Settings):
    """The same weight estimated from examples of both distributions, not above `clip`."""

    name: Literal["estimated"]
    clip: Positive


Validation = Annotated[NoValidation | HoldOut | KFold, Discriminator("name")]
Correction = Annotated[NoCorrection | Oracle | Estimated, Discriminator("name")]


def _all_or_number(value: Any) -> str:
    return "all" if isinstance(value, str) else "number"


AllOrCount = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[Count, Tag("number")], Discriminator(_all_or_number)
]


class Data(Settings):
    """What of the training set is used, and how."""

    examples: AllOrCount  # the first of them
    validation: Validation
    correction: Correction

    def sizes(self, fold: int, examples: int) -> tuple[int, int]:
        """How many examples a run trains on and how many it is validated on.

        Args:
            fold: 0 trains on all and validates on none; 1, 2, ... leave one part out.
            examples: Of the whole training set.
        """
        used = examples if self.examples == "all" else self.examples
        if fold == 0:
            return used, 0
        # folds of one size, so that all of them stack; what is left over is always trained on
        held = used // self.validation.folds
        if isinstance(self.validation, HoldOut):
            held = round(self.validation.fraction * used)
        return used - held, held


class Zeros(Settings):
    """All 0."""

    name: Literal["zeros"]


class Constant(Settings):
    """All `value`: an equal start, whose symmetry nothing but dropout breaks."""

    name: Literal["constant"]
    value: Number


class Normal(Settings):
    """N(0, std^2)."""

    name: Literal["normal"]
    std: NonNegative


class Uniform(Settings):
    """Uniform within `bound`."""

    name: Literal["uniform"]
    bound: NonNegative


class XavierUniform(Settings):
    """Uniform within gain * sqrt(6 / (fan_in + fan_out))."""

    name: Literal["xavier_uniform"]
    gain: Positive = 1.0


class XavierNormal(Settings):
    """N(0, gain^2 * 2 / (fan_in + fan_out))."""

    name: Literal["xavier_normal"]
    gain: Positive = 1.0


class KaimingUniform(Settings):
    """Uniform within sqrt(6 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_uniform"]


class KaimingNormal(Settings):
    """N(0, 2 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_normal"]


class TorchLinear(Settings):
    """What `torch.nn.Linear` starts with: uniform within 1 / sqrt(fan_in), weight and bias alike."""

    name: Literal["torch_linear"]


WeightInitializer = Annotated[
    Zeros | Constant | Normal | Uniform | XavierUniform | XavierNormal | KaimingUniform | KaimingNormal | TorchLinear,
    Discriminator("name"),
]
BiasInitializer = Annotated[Zeros | Constant | Normal | Uniform | TorchLinear, Discriminator("name")]


class Initialization(Settings):
    """What weights and biases start with. Without `model.bias` there is no bias to start."""

    weight: WeightInitializer
    bias: BiasInitializer


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, list | tuple) else "one"


ActivationName = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity"]


class Model(Settings):
    """A multilayer perceptron. With `hidden: []` it is linear (softmax) regression."""

    features: AllOrCount  # the first of them
    hidden: _list(Count)  # type: ignore[valid-type]
    activation: ActivationName
    bias: bool
    dropout: Annotated[
        Annotated[Rate, Tag("one")] | Annotated[_list(Rate), Tag("many")],  # type: ignore[valid-type]
        Discriminator(_one_or_many),
    ]
    initialization: Initialization

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
    l2: NonNegative


class SGD(Settings):
    """Stochastic gradient descent, as `torch.optim.SGD` has it."""

    name: Literal["sgd"]
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative  # of the weights; never of the bias


class Schedule(Settings):
    """How long and in which batches; the last batch of an epoch may be short."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    batch_size: Count
    evaluations: Annotated[int, Field(ge=1, le=100)]  # passes over training and test set, spread over the epochs


class Setting(Settings):
    """One complete setting of model and training, every field written out."""

    implementation: Literal["scratch", "concise"]
    data: Data
    model: Model
    loss: Literal["cross_entropy", "squared_error", "half_squared_error"]
    penalty: Penalty
    optimizer: SGD
    schedule: Schedule


# --- studies ---------------------------------------------------------------------------------------------------------

FigureName = Literal["predictions", "weights", "ridge", "selection", "capacity", "shift", "layers"]


class StudySettings(Settings):
    """A study as written; `variants.Study` is what it comes to."""

    question: Words
    dataset: str
    metric: str
    figure: FigureName | None = None  # beside those that follow from the factors
    simplest: Literal["first", "last"] = "first"  # of the variants as listed, for choosing one by validation
    base: dict[str, Any]
    grid: dict[str, Any] | None = None
    variants: dict[Id, dict[str, Any] | None] | None = None
    baseline: dict[str, Any] | str


# --- probes ----------------------------------------------------------------------------------------------------------


class Activations(Settings):
    """Value and gradient of activation functions at evenly spaced points."""

    kind: Literal["activations"]
    functions: _list(ActivationName, least=1)  # type: ignore[valid-type]
    low: Number
    high: Number
    points: Annotated[int, Field(ge=2, le=10_000)]

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
    size: Annotated[int, Field(ge=1, le=100)]
    factors: Annotated[int, Field(ge=1, le=1000)]
    repetitions: Annotated[int, Field(ge=2, le=100_000)]

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
    inputs: Count
    examples: Annotated[int, Field(ge=4, le=MOST)]  # of each of the two samples
    shifts: _list(Annotated[float, Field(ge=0, le=1000)], least=1, most=100)  # type: ignore[valid-type]
    alpha: Annotated[float, Field(gt=0, lt=1)]
    repetitions: Annotated[int, Field(ge=2, le=100_000)]

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
    expected: Literal["higher", "lower", "equal"]
    margin: Positive | None = None  # for equal: a difference, or on a log scale a ratio above 1

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if (self.expected == "equal") != (self.margin is not None):
            raise _refused("margin", "a number for equal, else none")
        return self


class StudyClaim(_Claim):
    """That a metric of a variant is higher, lower or the same as that of another variant, or as a number."""

    study: str
    metric: str
    variant: str
    against: str | Number

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
    quantity: str
    against: Number


def _about(value: Any) -> str:
    # tags must not be keys of a claim, or `problems` would take them for part of the way
    return "of_probe" if isinstance(value, dict) and "probe" in value else "of_study"


Claim = Annotated[
    Annotated[StudyClaim, Tag("of_study")] | Annotated[ProbeClaim, Tag("of_probe")], Discriminator(_about)
]


class Place(Settings):
    """Where the project measures what was published for a setting (and its factor)."""

    setting: str
    factor: str = ""
    study: str | None = None
    variant: str | None = None
    probe: str | None = None


class Published(Settings):
    """A table of published outcomes (setting, factor, quantity, rebuilds, centre, statistic, sd, low, high)."""

    file: str
    places: _list(Place, most=10_000)  # type: ignore[valid-type]

    @model_validator(mode="after")
    def _inside(self) -> Self:
        _demand_inside(self.file, "a file inside the project: a relative path without ..")
        return self


# --- the file --------------------------------------------------------------------------------------------------------


class SeedSettings(Settings):
    """Every variant is trained once with each of the seeds (root, 0) to (root, count - 1)."""

    root: Annotated[int, Field(ge=0, lt=2**32)]
    count: Annotated[int, Field(ge=1, le=MOST_SEEDS)]


class Judging(Settings):
    """What verdicts hold to: the error rate of a family, and what is too small to matter."""

    alpha: Annotated[float, Field(gt=0, lt=1)] = 0.05
    margins: dict[str, Positive] = {}  # by metric: a difference, or on a log scale a ratio above 1

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
    judging: Judging
    device: Literal["cpu", "cuda"]
    datasets: dict[Id, DatasetSettings]
    probes: dict[Id, ProbeSettings]
    studies: dict[Id, StudySettings]
    claims: dict[Id, Claim] = {}
    published: Published | None = None


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
