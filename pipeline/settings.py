"""The typed settings: what each block of `params.yaml` may hold, and how a mistake in it is named."""

from collections.abc import Iterator
from typing import Annotated, Any, ClassVar, Literal, LiteralString

from pydantic import BaseModel, ConfigDict, Discriminator, Field, Tag, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.metrics import Task


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


def _list(item: Any) -> Any:
    """A YAML list as a tuple; its items stay strict."""
    return Annotated[tuple[item, ...], Field(strict=False)]


Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]


# --- data sets -------------------------------------------------------------------------------------------------------


class Images(Settings):
    """Real images with a fixed test set: scikit-learn's digits or a member of torchvision's IDX family."""

    source: Literal["digits", "fashion_mnist", "mnist", "kmnist"]
    scale: Literal["unit", "symmetric"]

    task: ClassVar[Task] = "classification"

    @property
    def features(self) -> int:
        return 64 if self.source == "digits" else 784


class Polynomial(Settings):
    """y = sum_i w_i x^i / i! + noise, for x ~ N(0, 1); drawn anew for every seed."""

    source: Literal["polynomial"]
    features: Annotated[int, Field(ge=1, le=100)]
    weights: _list(float)  # type: ignore[valid-type]  # of the powers 0, 1, ...; the rest are 0
    noise_sd: NonNegative
    train_examples: Count
    test_examples: Count

    task: ClassVar[Task] = "regression"

    @model_validator(mode="after")
    def _weights_fit(self) -> "Polynomial":
        if len(self.weights) > self.features:
            allowed = f"at most as many weights as features ({self.features})"
            raise _refused("weights", allowed)
        return self


class Linear(Settings):
    """y = b + sum_j w x_j + noise, for x ~ N(0, I) and one w for all inputs; drawn anew for every seed."""

    source: Literal["linear"]
    inputs: Count
    weight: float
    bias: float
    noise_sd: NonNegative
    train_examples: Count
    test_examples: Count

    task: ClassVar[Task] = "regression"

    @property
    def features(self) -> int:
        return self.inputs


DatasetSettings = Annotated[Images | Polynomial | Linear, Discriminator("source")]


# --- one complete setting --------------------------------------------------------------------------------------------


class Zeros(Settings):
    """All 0."""

    name: Literal["zeros"]


class Constant(Settings):
    """All `value`: an equal start, whose symmetry nothing but dropout breaks."""

    name: Literal["constant"]
    value: float


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


def _all_or_number(value: Any) -> str:
    return "all" if isinstance(value, str) else "number"


class Model(Settings):
    """A multilayer perceptron. With `hidden: []` it is linear (softmax) regression."""

    features: Annotated[
        Annotated[Literal["all"], Tag("all")] | Annotated[Count, Tag("number")], Discriminator(_all_or_number)
    ]
    hidden: _list(Count)  # type: ignore[valid-type]
    activation: Literal["relu", "sigmoid", "tanh", "identity"]
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


class SGD(Settings):
    """Stochastic gradient descent, as `torch.optim.SGD` has it."""

    name: Literal["sgd"]
    learning_rate: Positive
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegative  # of the weights; never of the bias


class Schedule(Settings):
    """How long and in which batches; the last batch of an epoch may be short."""

    epochs: Count
    batch_size: Count
    evaluations: Annotated[int, Field(ge=1, le=100)]  # passes over training and test set, spread over the epochs


class Setting(Settings):
    """One complete setting of model and training, every field written out."""

    implementation: Literal["scratch", "concise"]
    model: Model
    loss: Literal["cross_entropy", "squared_error", "half_squared_error"]
    optimizer: SGD
    schedule: Schedule


# --- studies ---------------------------------------------------------------------------------------------------------


class StudySettings(Settings):
    """A study as written; `variants.Study` is what it comes to."""

    question: str
    dataset: str
    metric: str
    base: dict[str, Any]
    grid: dict[str, Any] | None = None
    variants: dict[Id, dict[str, Any] | None] | None = None
    baseline: dict[str, Any] | str


class SeedSettings(Settings):
    """Every variant is trained once with each of the seeds (root, 0) to (root, count - 1)."""

    root: Annotated[int, Field(ge=0, lt=2**32)]
    count: Annotated[int, Field(ge=1, le=100_000)]


class File(Settings):
    """The whole of `params.yaml`; studies are still as written."""

    seeds: SeedSettings
    device: Literal["cpu"]
    datasets: dict[Id, DatasetSettings]
    studies: dict[Id, StudySettings]


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
            yield [*keys, tag], found, str(context.get("expected_tags", f"a mapping with the key {tag}"))
        elif item["loc"][-1:] == ("[key]",):
            yield keys, f"the id {brief(item['input'])}", "a-z, 0-9 and _"
        else:
            yield keys, brief(node), allowed


def brief(value: Any) -> str:
    """A value as an error message shows it, on one line and not too long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 80 else text[:77] + "..."
