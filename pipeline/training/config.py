"""`RunConfig`, the complete config of model and training of one run: what `params.yaml` states for a variant."""

import math
from typing import Annotated, ClassVar, Literal, NamedTuple

from pydantic import Discriminator, Field, Tag, model_validator

from pipeline.core.config import MAX_COUNT, Config, Count, NonNegative, Positive, Rate, list_of, refused
from pipeline.training.initializers import Initialization
from pipeline.training.kernels.arguments import ActivationName, LossName
from pipeline.training.lr_schedules import LRSchedule
from pipeline.training.optimizers import Optimizer


class NoValidation(Config):
    """All examples are trained on."""

    name: Literal["none"]

    folds: ClassVar[int] = 0
    split_correlation: ClassVar[float] = 0.0
    validated: ClassVar[float] = 0.0

    def held_out(self, examples: int) -> int:
        """Return how many of these training examples a fold leaves out."""
        return 0


class HoldOut(Config):
    """In addition to the run on all examples, one that leaves this fraction out and is validated on it."""

    name: Literal["hold_out"]
    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the used training examples that is left out."""

    folds: ClassVar[int] = 1

    @property
    def split_correlation(self) -> float:
        """Return q / (1 - q) for the share q that is validated: the second term of the corrected variance of a mean.

        Reference: Nadeau and Bengio (2003), "Inference for the generalization error".
        """
        return self.fraction / (1 - self.fraction)

    @property
    def validated(self) -> float:
        """Return the share of the training examples that a seed is validated on, over all folds."""
        return self.fraction

    def held_out(self, examples: int) -> int:
        return round(self.fraction * examples)


class KFold(Config):
    """In addition to the run on all examples, one per fold that leaves the fold out and is validated on it."""

    name: Literal["k_fold"]
    folds: Annotated[int, Field(ge=2, le=MAX_COUNT)]
    """Number of folds; all of one size, and the remainder is always trained on."""

    validated: ClassVar[float] = 1.0

    @property
    def split_correlation(self) -> float:
        """Return k q / (1 - q) for q = 1 / k: k times that of a hold-out.

        The value of a seed is a mean over k folds, whose variance is 1 / k of that of one fold.
        """
        return self.folds / (self.folds - 1)

    def held_out(self, examples: int) -> int:
        return examples // self.folds


class NoWeights(Config):
    """Every example weighs the same."""

    name: Literal["none"]


class OracleWeights(Config):
    """The weight of an example is its density after the shift divided by that before, from the true distributions."""

    name: Literal["oracle"]

    clip: ClassVar[float] = math.inf


class EstimatedWeights(Config):
    """The weight of an example is the ratio of densities after and before the shift, estimated from examples."""

    name: Literal["estimated"]
    clip: Positive
    """Largest weight of an example; larger estimates are reduced to it."""


Validation = Annotated[NoValidation | HoldOut | KFold, Discriminator("name")]
ImportanceWeights = Annotated[NoWeights | OracleWeights | EstimatedWeights, Discriminator("name")]


# tags, so that an error mentions only the type that was intended
AllOrCount = Annotated[
    Annotated[Literal["all"], Tag("all")] | Annotated[Count, Tag("number")],
    Discriminator(lambda value: "all" if isinstance(value, str) else "number"),
]


class Data(Config):
    """Which part of the training set is used, and how."""

    examples: AllOrCount
    """Training examples that are used: all, or the first n."""
    validation: Validation
    """Which of them additional runs leave out and are validated on."""
    importance_weights: ImportanceWeights
    """How examples are weighted where the test distribution differs from that of training."""


class Model(Config):
    """A multilayer perceptron. With `hidden: []` it is linear (softmax) regression."""

    features: AllOrCount
    """Features of the data set that the model sees: all, or the first n."""
    hidden: list_of(Count)  # type: ignore[valid-type]
    """Width of each hidden layer, from input to output; [] is linear or softmax regression."""
    activation: ActivationName
    """Function that follows each hidden layer; identity leaves the network linear."""
    bias: bool
    """Whether layers have biases."""
    dropout: Annotated[
        Annotated[Rate, Tag("number")] | Annotated[list_of(Rate), Tag("list")],  # type: ignore[valid-type]
        Discriminator(lambda value: "list" if isinstance(value, list | tuple) else "number"),
    ]
    """Probability that a hidden unit is dropped: a number for all hidden layers, or a list with one per layer."""
    initialization: Initialization
    """Initial weights and biases."""

    @property
    def dropout_rates(self) -> tuple[float, ...]:
        """Return one rate per hidden layer."""
        return self.dropout if isinstance(self.dropout, tuple) else (self.dropout,) * len(self.hidden)

    @model_validator(mode="after")
    def _check_rates(self) -> "Model":
        if len(self.dropout_rates) != len(self.hidden):
            allowed = f"one number, or a list with one rate for each of the {len(self.hidden)} hidden layers"
            raise refused("dropout", allowed)
        return self


class Penalty(Config):
    """Term of the training loss: l2 |w|^2 / 2 + l1 |w|_1, over all weights and no bias."""

    l1: NonNegative
    """Factor of the sum of absolute weights; 0 for none."""
    l2: NonNegative
    """Factor of half the sum of squared weights; 0 for none."""


class NoStopping(Config):
    """All epochs are trained, and the weights after the last one are kept."""

    name: Literal["none"]

    fraction: ClassVar[float] = 0.0
    patience: ClassVar[int] = 0


class StoppingOnLoss(Config):
    """A part of the training examples is set aside; the weights of the epoch with its lowest loss are kept.

    Training ends after `patience` epochs without a lower loss.
    """

    name: Literal["validation_loss"]
    fraction: Annotated[float, Field(gt=0, lt=1)]
    """Share of the training examples that is set aside, drawn by seed; they are not trained on."""
    patience: Count
    """Epochs without a lower loss after which training ends."""


EarlyStopping = Annotated[NoStopping | StoppingOnLoss, Discriminator("name")]


class Training(Config):
    """Number of epochs, batches, and learning rates; the last batch of an epoch may be short."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Passes over the training examples; with early stopping, the maximum."""
    batch_size: Count
    """Examples in a minibatch; if it covers all training examples, an epoch is one step."""
    evaluations: Annotated[int, Field(ge=1, le=100)]
    """Number of evaluations on training and test set for the learning curves, spread evenly over the epochs."""
    lr_schedule: LRSchedule
    """How the optimizer's learning rate changes from epoch to epoch."""
    early_stopping: EarlyStopping
    """When training ends before the last epoch, and which weights are kept."""


class Sizes(NamedTuple):
    """Number of examples for training, for validation, and for early stopping."""

    trained: int
    validation: int
    stopping: int


class RunConfig(Config):
    """Complete config of model and training; no field has a default."""

    implementation: Literal["scratch", "concise"]
    """Scratch: compiled kernels, the same numbers on every processor. Concise: `torch.nn`, `torch.optim`, autograd."""
    data: Data
    """Which part of the training set is used, and how."""
    model: Model
    """The network."""
    loss: LossName
    """Training loss: cross_entropy where the data set has classes, one of the others where it has numbers."""
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    """Share of each label that training spreads evenly over all classes; 0 for none."""
    penalty: Penalty
    """Term that is added to the training loss; no reported loss contains it."""
    optimizer: Optimizer
    """How a step follows from the gradients."""
    training: Training
    """Number of epochs, batches, and learning rates."""

    def sizes(self, fold: int, examples: int) -> Sizes:
        """Return how many examples a run uses for each purpose.

        Args:
            fold: 0 trains on all and validates on none; 1, 2, ... leave one part out.
            examples: Size of the whole training set.
        """
        used = examples if self.data.examples == "all" else self.data.examples
        held = self.data.validation.held_out(used) if fold else 0
        stopping = round(self.training.early_stopping.fraction * (used - held))
        return Sizes(used - held - stopping, held, stopping)
