"""One complete config of model and training: what `base` of a study, and a variant, may hold."""

import math
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, Self

from pydantic import Discriminator, Field, Tag, model_validator

from pipeline.core.config import LARGEST, MOST, Config, Count, NonNegative, Number, Positive, Rate, list_of, refused


class NoValidation(Config):
    """All examples are trained on."""

    name: Literal["none"]
    """Selects this: no validation."""

    folds: ClassVar[int] = 0
    split_correlation: ClassVar[float] = 0.0
    validated: ClassVar[float] = 0.0


class HoldOut(Config):
    """Beside the training on all examples, one that leaves this fraction out and is validated on it."""

    name: Literal["hold_out"]
    """Selects this kind of validation."""
    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the used training examples that is left out."""

    folds: ClassVar[int] = 1

    @property
    def split_correlation(self) -> float:
        """Validation examples for each training example: what seeds that split the same data have in common."""
        return self.fraction / (1 - self.fraction)

    @property
    def validated(self) -> float:
        """Share of the training examples that a seed is validated on, all folds together."""
        return self.fraction


class KFold(Config):
    """Beside the training on all examples, one for each fold that leaves the fold out and is validated on it."""

    name: Literal["k_fold"]
    """Selects this kind of validation."""
    folds: Annotated[int, Field(ge=2, le=MOST)]
    """Number of folds; all of one size, what is left over is always trained on."""

    @property
    def split_correlation(self) -> float:
        """As of a hold-out, for each of the folds whose mean a seed has."""
        return self.folds / (self.folds - 1)

    validated: ClassVar[float] = 1.0


class NoWeights(Config):
    """Every example weighs the same."""

    name: Literal["none"]
    """Selects this: no correction."""


class OracleWeights(Config):
    """An example weighs as many times more as it is more frequent after the shift, by the true distributions."""

    name: Literal["oracle"]
    """Selects this correction."""


class EstimatedWeights(Config):
    """The same weight estimated from examples of both distributions, not above `clip`."""

    name: Literal["estimated"]
    """Selects this correction."""
    clip: Positive
    """Largest weight of an example; an estimate above it is cut to it."""


Validation = Annotated[NoValidation | HoldOut | KFold, Discriminator("name")]
ImportanceWeights = Annotated[NoWeights | OracleWeights | EstimatedWeights, Discriminator("name")]


def _all_or_number(value: Any) -> str:
    return "all" if isinstance(value, str) else "number"


AllOrCount = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[Count, Tag("number")], Discriminator(_all_or_number)
]


class Data(Config):
    """What of the training set is used, and how."""

    examples: AllOrCount
    """Training examples that are used: all of them, or so many from the first."""
    validation: Validation
    """Which of them are left out of an additional training and validated on."""
    importance_weights: ImportanceWeights
    """How examples are weighted where the test distribution differs from that of training."""


class Zeros(Config):
    """All 0."""

    name: Literal["zeros"]
    """Selects this start."""


class Constant(Config):
    """All `value`: an equal start, whose symmetry nothing but dropout breaks."""

    name: Literal["constant"]
    """Selects this start."""
    value: Number
    """The number that all of them start with."""


class Normal(Config):
    """N(0, std^2)."""

    name: Literal["normal"]
    """Selects this start."""
    std: NonNegative
    """Standard deviation; 0 is all zeros."""


class Uniform(Config):
    """Uniform within `bound`."""

    name: Literal["uniform"]
    """Selects this start."""
    bound: NonNegative
    """Half the width of the interval, which is centred at 0; 0 is all zeros."""


class XavierUniform(Config):
    """Uniform within gain * sqrt(6 / (fan_in + fan_out))."""

    name: Literal["xavier_uniform"]
    """Selects this start."""
    gain: Positive = 1.0
    """Factor of the scale, as `torch.nn.init` has it."""


class XavierNormal(Config):
    """N(0, gain^2 * 2 / (fan_in + fan_out))."""

    name: Literal["xavier_normal"]
    """Selects this start."""
    gain: Positive = 1.0
    """Factor of the scale, as `torch.nn.init` has it."""


class KaimingUniform(Config):
    """Uniform within sqrt(6 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_uniform"]
    """Selects this start."""


class KaimingNormal(Config):
    """N(0, 2 / fan_in), as `torch.nn.init` does by default."""

    name: Literal["kaiming_normal"]
    """Selects this start."""


class TorchLinear(Config):
    """What `torch.nn.Linear` starts with: uniform within 1 / sqrt(fan_in), weight and bias alike."""

    name: Literal["torch_linear"]
    """Selects this start."""


WeightInitializer = Annotated[
    Zeros | Constant | Normal | Uniform | XavierUniform | XavierNormal | KaimingUniform | KaimingNormal | TorchLinear,
    Discriminator("name"),
]
BiasInitializer = Annotated[Zeros | Constant | Normal | Uniform | TorchLinear, Discriminator("name")]


class Initialization(Config):
    """What weights and biases start with. Without `model.bias` there is no bias to start."""

    weight: WeightInitializer
    """Start of the weights of all layers."""
    bias: BiasInitializer
    """Start of the biases of all layers."""


def _one_or_many(value: Any) -> str:
    return "many" if isinstance(value, list | tuple) else "one"


ActivationName = Literal["relu", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "identity"]


class Model(Config):
    """A multilayer perceptron. With `hidden: []` it is linear (softmax) regression."""

    features: AllOrCount
    """Features of the data set that the model sees: all of them, or so many from the first."""
    hidden: list_of(Count)  # type: ignore[valid-type]
    """Width of each hidden layer, from the inputs on; [] is linear or softmax regression."""
    activation: ActivationName
    """What follows each hidden layer; identity leaves the network linear."""
    bias: bool
    """Whether layers have biases."""
    dropout: Annotated[
        Annotated[Rate, Tag("one")] | Annotated[list_of(Rate), Tag("many")],  # type: ignore[valid-type]
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
            raise refused("dropout", allowed)
        return self


class Penalty(Config):
    """What is added to the loss that is trained: l2 |w|^2 / 2 + l1 |w|_1, over all weights and no bias."""

    l1: NonNegative
    """Factor of the sum of absolute weights; 0 is none."""
    l2: NonNegative
    """Factor of half the sum of squared weights; 0 is none."""


class SGD(Config):
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
            raise refused("nesterov", "true only with momentum above 0")
        return self


class _Adaptive(Config):
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


class ConstantSchedule(Config):
    """The learning rate of the optimizer in every epoch."""

    name: Literal["constant"]
    """Selects this training."""

    def factor(self, epoch: int, epochs: int) -> float:
        """What the learning rate is multiplied by in an epoch, from 1 to `epochs`."""
        return 1.0


class StepSchedule(Config):
    """The learning rate times `gamma` after every so many epochs, as `torch.optim.lr_scheduler.StepLR`."""

    name: Literal["step"]
    """Selects this training."""
    every: Count
    """Epochs from one step to the next."""
    gamma: Annotated[float, Field(gt=0, le=1)]
    """Factor of the learning rate at each step."""

    def factor(self, epoch: int, epochs: int) -> float:
        """As of a constant rate."""
        return float(self.gamma ** ((epoch - 1) // self.every))


class CosineSchedule(Config):
    """From the learning rate down half a cosine, as `torch.optim.lr_scheduler.CosineAnnealingLR` over all epochs."""

    name: Literal["cosine"]
    """Selects this training."""
    final: Rate
    """Share of the learning rate that would be left after the last epoch; 0 is none."""

    def factor(self, epoch: int, epochs: int) -> float:
        """As of a constant rate."""
        return self.final + (1 - self.final) * (1 + math.cos(math.pi * (epoch - 1) / epochs)) / 2


LRSchedule = Annotated[ConstantSchedule | StepSchedule | CosineSchedule, Discriminator("name")]


class NoStopping(Config):
    """All epochs are trained, and the weights after the last one are kept."""

    name: Literal["none"]
    """Selects this: no early stopping."""

    fraction: ClassVar[float] = 0.0


class StoppingOnLoss(Config):
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


class Training(Config):
    """How long, in which batches and with which learning rate; the last batch of an epoch may be short."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Passes over the training examples; with early stopping, at most."""
    batch_size: Count
    """Examples in a minibatch; at least as many as there are makes each epoch one step."""
    evaluations: Annotated[int, Field(ge=1, le=100)]
    """Passes over training and test set for the learning curves, spread over the epochs."""
    lr_schedule: LRSchedule = ConstantSchedule(name="constant")
    """How the optimizer's learning rate changes from epoch to epoch."""
    early_stopping: EarlyStopping = NoStopping(name="none")
    """When training ends before the last epoch, and which weights are kept."""


class Sizes(NamedTuple):
    """How many examples a run trains on, is validated on, and is stopped by."""

    trained: int
    validation: int
    stopping: int


LossName = Literal["cross_entropy", "squared_error", "half_squared_error"]


class RunConfig(Config):
    """One complete config of model and training, every field without a default written out."""

    implementation: Literal["scratch", "concise"]
    """Scratch: compiled kernels, the same numbers on every processor. Concise: `torch.nn`, `torch.optim`, autograd."""
    data: Data
    """What of the training set is used, and how."""
    model: Model
    """The network."""
    loss: LossName
    """What is trained: cross_entropy where the data set has classes, one of the others where it has numbers."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Of classes, the share of each label that is trained as if it were spread over all classes; 0 is none."""
    penalty: Penalty
    """What is added to the loss that is trained; no reported loss contains it."""
    optimizer: Optimizer
    """What makes steps from gradients."""
    training: Training
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
            # folds of one size; what is left over is always trained on
            held = round(validation.fraction * used) if isinstance(validation, HoldOut) else used // validation.folds
        stopping = round(self.training.early_stopping.fraction * (used - held))
        return Sizes(used - held - stopping, held, stopping)
