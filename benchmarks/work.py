"""The work that is timed: a study of one variant, its seeds and its examples.

A process that gets work from another one imports this module and no more than it needs: its start is measured
(`benchmarks.starts`). So modules that make data sets and train are imported in functions.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed
from pipeline.data import DatasetConfig
from pipeline.data.images import Images
from pipeline.data.polynomial import Polynomial
from pipeline.project.schema import StudyConfig
from pipeline.project.variants import Study, expand
from pipeline.training.config import RunConfig

# the polynomial of params.yaml
WEIGHTS = (5.0, 1.2, -3.4, 5.6)
NOISE_SD = 0.1

EVALUATION_BATCH = 512  # examples that another side evaluates at once
SIDE = 28  # of an image in pixels
CLASSES = 10
LIT = 0.3  # share of the patches of a class's pattern
WRONG = 0.1  # share of the labels; without them the loss falls to 0, where relative differences mean nothing


@dataclass(frozen=True)
class Losses:
    """The losses that every side returns, so that they can be compared.

    Attributes:
        train, test: Mean loss over the whole set at each evaluated epoch, (R, E).
        running: Mean loss of the batches of the last epoch, each before its step, (R,).
    """

    train: np.ndarray
    test: np.ndarray
    running: np.ndarray

    @classmethod
    def join(cls, parts: Sequence["Losses"]) -> "Losses":
        """Join the losses of single runs, (1, E) and (1,)."""
        return cls(
            np.concatenate([part.train for part in parts]),
            np.concatenate([part.test for part in parts]),
            np.concatenate([part.running for part in parts]),
        )

    def first(self, runs: int) -> "Losses":
        """Return the losses of the first runs."""
        return Losses(self.train[:runs], self.test[:runs], self.running[:runs])


@dataclass(frozen=True)
class Work:
    """Runs that differ in their seed only."""

    study: Study
    seeds: tuple[Seed, ...]
    dataset: Dataset

    @property
    def config(self) -> RunConfig:
        return self.study.variants[0].config

    @property
    def runs(self) -> int:
        return len(self.seeds)

    def __str__(self) -> str:
        """`784-256-256-10, dropout 0.2 and 0.5, 10 runs, 2 epochs of 30 steps`."""
        rates, epochs = self.config.model.dropout_rates, self.config.training.epochs
        dropout = [f"dropout {' and '.join(map(str, rates))}" if any(rates) else "no dropout"] if rates else []
        sizes = [f"{self.runs:,} runs", f"{epochs} epochs of {self.steps // epochs} steps"]
        return ", ".join(["-".join(map(str, self.widths)), *dropout, *sizes])

    def first(self, runs: int) -> "Work":
        """Return the work with fewer seeds: for a side that trains one run at a time, a sample is enough."""
        return replace(self, seeds=self.seeds[:runs])

    @property
    def widths(self) -> list[int]:
        """Inputs, hidden layers, outputs."""
        return [self.dataset.features, *self.config.model.hidden, self.dataset.outputs]

    @cached_property
    def evaluated(self) -> list[int]:
        """The epochs after which training and test set are evaluated."""
        from pipeline.training.engine import evaluated_epochs

        return evaluated_epochs(self.config)

    @property
    def steps(self) -> int:
        """Number of steps of one run."""
        training = self.config.training
        return training.epochs * -(-self.dataset.train.examples // training.batch_size)

    @property
    def operations(self) -> int:
        """Additions and multiplications of the matrix products of all runs.

        A step needs the outputs and the gradients of all layers, and the gradient by the inputs of all but the first;
        an evaluation needs the outputs. Nothing elementwise is counted.
        """
        pairs = list(itertools.pairwise(self.widths))
        every = 2 * sum(before * after for before, after in pairs)
        first = 2 * pairs[0][0] * pairs[0][1]
        trained, tested = self.dataset.train.examples, self.dataset.test.examples
        steps = self.config.training.epochs * trained * (3 * every - first)
        return self.runs * (steps + len(self.evaluated) * (trained + tested) * every)


# --- linear regression on a polynomial -------------------------------------------------------------------------------

POLYNOMIAL = Polynomial(
    source="polynomial", features=20, weights=WEIGHTS, noise_sd=NOISE_SD, train_examples=100, test_examples=100
)


def polynomial(runs: int = 100, epochs: int = 400) -> Work:
    """The variant `overfit` of the study `capacity` in params.yaml: 20 features, 100 examples, batches of 10."""
    base = _base(
        model={"hidden": [], "activation": "identity", "bias": False, "weight": "torch_linear", "dropout": []},
        loss="squared_error",
        learning_rate=0.01,
        epochs=epochs,
        batch_size=10,
        evaluations=min(100, epochs // 2),
    )
    written = StudyConfig(
        question="A linear model of a polynomial",
        dataset="polynomial",
        metric="test_loss",
        base=base,
        variants={"overfit": None},
        baseline="overfit",
    )
    seeds = _seeds(runs)
    return Work(_study(written, POLYNOMIAL), seeds, POLYNOMIAL.make(seeds))


def polynomial_grid(learning_rates: int, weight_decays: int, seeds: int, epochs: int) -> Work:
    """A whole study of the same kind: learning rates times weight decays times seeds.

    No weight decay is 0, so that the closed form, which a study adds to every run, is the same computation in all.
    """
    work = polynomial(seeds, epochs)
    written = StudyConfig(
        question="Many runs in one study",
        dataset="polynomial",
        metric="test_loss",
        base=work.config.model_dump(mode="json", exclude_unset=True),
        grid={
            "optimizer": {
                "learning_rate": [round(float(rate), 5) for rate in np.geomspace(0.001, 0.01, learning_rates)],
                "weight_decay": [round(float(rate), 6) for rate in np.geomspace(0.0001, 0.1, weight_decays)],
            }
        },
        baseline={"optimizer": {"learning_rate": 0.001, "weight_decay": 0.0001}},
    )
    return replace(work, study=_study(written, POLYNOMIAL))


# --- a classifier of images ------------------------------------------------------------------------------------------


def images(
    dropout: Sequence[float], runs: int = 10, epochs: int = 3, train_examples: int = 10240, test_examples: int = 1024
) -> Work:
    """784-256-256-10 with ReLU on batches of 256 images.

    The images are synthetic, so that nothing needs to be downloaded: a pattern of its class, more or less bright, and
    noise, as bytes. They are as large as those of Fashion-MNIST, but fewer. Both sets are evaluated once, after the
    last epoch: an evaluation is one large product, alike on every side, and what is compared are steps of training.
    """
    source = Images(source="mnist", scale="unit")
    study = _classifier(source, [256, 256], dropout, epochs, batch_size=256)
    random = np.random.default_rng(0)
    coarse = random.random((CLASSES, SIDE // 4, SIDE // 4)) < LIT
    patterns = coarse.repeat(4, axis=1).repeat(4, axis=2).reshape(CLASSES, -1)

    def split(examples: int) -> Split:
        classes = random.integers(CLASSES, size=examples)
        pixels = 0.6 * patterns[classes] * random.random((examples, 1)) + 0.4 * random.random((examples, SIDE**2))
        labels = np.where(random.random(examples) < WRONG, random.integers(CLASSES, size=examples), classes)
        return Split(np.round(255 * pixels).astype(np.uint8)[None], labels[None])

    dataset = Dataset(
        task="classification",
        outputs=CLASSES,
        train=split(train_examples),
        test=split(test_examples),
        factor=1 / 255,
        names=tuple(f"class {label}" for label in range(CLASSES)),
    )
    return Work(study, _seeds(runs), dataset)


def digits(runs: int = 50, epochs: int = 20) -> Work:
    """64-64-10 with ReLU on scikit-learn's digits in batches of 32; evaluated once, as the images are.

    The last 29 training examples are left out: JAX's scan needs batches that are alike.
    """
    source = Images(source="digits", scale="unit")
    seeds, batch_size = _seeds(runs), 32
    dataset = source.make(seeds)
    whole = dataset.train.examples // batch_size * batch_size
    train = Split(dataset.train.inputs[:, :whole], dataset.train.targets[:, :whole])
    study = _classifier(source, [64], [0.0], epochs, batch_size)
    return Work(study, seeds, replace(dataset, train=train))


def _classifier(source: Images, hidden: list[int], dropout: Sequence[float], epochs: int, batch_size: int) -> Study:
    """A study of one network, evaluated after its last epoch alone."""
    base = _base(
        model={
            "hidden": hidden,
            "activation": "relu",
            "bias": True,
            "weight": "xavier_uniform",
            "dropout": list(dropout),
        },
        loss="cross_entropy",
        learning_rate=0.1,
        epochs=epochs,
        batch_size=batch_size,
        evaluations=1,
    )
    written = StudyConfig(
        question="A classifier of images",
        dataset="images",
        metric="test_accuracy",
        base=base,
        variants={"network": None},
        baseline="network",
    )
    return _study(written, source)


def _seeds(count: int) -> tuple[Seed, ...]:
    return tuple(Seed(0, index) for index in range(count))


def _study(written: StudyConfig, dataset: DatasetConfig) -> Study:
    return expand("benchmark", written, {"base": written.base}, {written.dataset: dataset}, "benchmarks")


def _base(
    *, model: Mapping[str, Any], loss: str, learning_rate: float, epochs: int, batch_size: int, evaluations: int
) -> dict[str, Any]:
    """Return a complete config, as in params.yaml."""
    return {
        "implementation": "scratch",
        "data": {"examples": "all", "validation": {"name": "none"}, "importance_weights": {"name": "none"}},
        "model": {
            "features": "all",
            "hidden": model["hidden"],
            "activation": model["activation"],
            "bias": model["bias"],
            "dropout": model["dropout"],
            "initialization": {"weight": {"name": model["weight"]}, "bias": {"name": "zeros"}},
        },
        "loss": loss,
        "label_smoothing": 0.0,
        "penalty": {"l1": 0.0, "l2": 0.0},
        "optimizer": {
            "name": "sgd",
            "learning_rate": learning_rate,
            "momentum": 0.0,
            "nesterov": False,
            "weight_decay": 0.0,
        },
        "training": {
            "epochs": epochs,
            "batch_size": batch_size,
            "evaluations": evaluations,
            "lr_schedule": {"name": "constant"},
            "early_stopping": {"name": "none"},
        },
    }
