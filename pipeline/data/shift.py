"""Data whose distribution shifts between training and test, with the importance weights that correct for it.

A training example weighs q / p, the ratio of its densities after and before the shift. The oracle weights follow from
the distributions, the estimated weights from what a user would have: the training examples and `target_examples` of the
target distribution, which have labels only if the concept shifts.

Reference: Zhang et al., "Dive into Deep Learning", section "Environment and distribution shift"; for label shift Lipton
et al. (2018), "Detecting and correcting for label shift with black box predictors".
"""

import math
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Self

import numpy as np
from pydantic import model_validator

from pipeline.arithmetic import logistic
from pipeline.arithmetic.arrays import decompose, exp, log, normals, product, total
from pipeline.core.config import Count, Distance, Number, Positive, PositiveDistance, list_of, refused
from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed, generator
from pipeline.data.base import Facts, Generated, stack

# weights are clipped so that their mean is finite and not 0; in float32 the smallest round to 0 anyway
_MIN_WEIGHT, _MAX_WEIGHT = 1e-200, 1e200

_Sample = tuple[np.ndarray, np.ndarray]  # inputs (N, 2) and labels (N,)


class _Logistic(NamedTuple):
    """x ~ N(mean, I), P(y = 1 | x) = sigmoid(logit(x))."""

    mean: np.ndarray
    logit: Callable[[np.ndarray], np.ndarray]  # (N, 2) -> (N,)

    def sample(self, examples: int, stream: np.random.Generator) -> _Sample:
        inputs = normals(stream, (examples, 2)) + self.mean
        return inputs, (stream.random(examples) < 1 / (1 + exp(-self.logit(inputs)))).astype(np.int64)

    def log_density(self, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Compute log p(x, y), (N,), up to a constant."""
        odds = np.where(labels == 1, -1.0, 1.0) * self.logit(inputs)  # log odds of the other label
        softplus = np.maximum(odds, 0) + log(1 + exp(-np.abs(odds)))
        density: np.ndarray = -total(np.square(inputs - self.mean) / 2) - softplus
        return density


class _Clusters(NamedTuple):
    """P(y) = shares[y], x | y ~ N(means[y], I)."""

    shares: np.ndarray  # (classes,)
    means: np.ndarray  # (classes, 2)

    def sample(self, examples: int, stream: np.random.Generator) -> _Sample:
        noise = normals(stream, (examples, 2))
        labels = np.searchsorted(np.cumsum(self.shares)[:-1], stream.random(examples), side="right")
        return self.means[labels] + noise, labels

    def log_density(self, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Compute log p(x, y), (N,), up to a constant."""
        density: np.ndarray = log(self.shares[labels]) - total(np.square(inputs - self.means[labels]) / 2)
        return density


class Shift(Generated):
    """Training examples from a source distribution p, test examples from a target distribution q; two inputs."""

    target_examples: Count
    """Examples after the shift that each seed draws to estimate weights from, with labels if the concept shifts."""

    @property
    def classes(self) -> int:
        return 2

    def facts(self) -> Facts:
        return Facts("classification", self.classes, 2, self.train_examples, self.test_examples, shifts=True)

    def make(self, seeds: Sequence[Seed]) -> Dataset:
        """Draw inputs (S, N, 2), labels (S, N) and the weights (S, N) of the training examples."""
        p, q = self.distributions()
        train, test, oracle, estimated = [], [], [], []
        for seed in seeds:
            source = p.sample(self.train_examples, generator(seed, "data", 0))
            target = q.sample(self.target_examples, generator(seed, "data", 1))
            train.append(source)
            test.append(q.sample(self.test_examples, generator(seed, "data", 2)))
            oracle.append(_clipped_exp(q.log_density(*source) - p.log_density(*source)))
            estimated.append(self.estimate_weights(source, target))
        return Dataset(
            task="classification",
            outputs=self.classes,
            train=stack(train),
            test=stack(test),
            seeds=tuple(seeds),
            weights={"oracle": np.stack(oracle), "estimated": np.stack(estimated)},
            names=tuple(map(str, range(self.classes))),
        )

    @abstractmethod
    def distributions(self) -> tuple[_Logistic | _Clusters, _Logistic | _Clusters]:
        """Return p and q, with densities up to the same constant."""

    @abstractmethod
    def estimate_weights(self, source: _Sample, target: _Sample) -> np.ndarray:
        """Estimate the weights (N,) of the source examples from examples alone."""


class CovariateShift(Shift):
    """x ~ N(0, I) becomes N((shift, 0), I); P(y = 1 | x) = sigmoid(slope (x_2 + x_1^2 / 2 - 1/2)) stays."""

    slope: Positive
    """Factor of the log odds: the larger, the sharper the boundary between the classes."""
    source: Literal["covariate_shift"]
    shift: Distance
    """How far the mean of the first input moves, in its standard deviations; 0 for no shift."""

    def distributions(self) -> tuple[_Logistic, _Logistic]:
        def logit(inputs: np.ndarray) -> np.ndarray:
            odds: np.ndarray = self.slope * (inputs[:, 1] + np.square(inputs[:, 0]) / 2 - 0.5)
            return odds

        return _Logistic(np.zeros(2), logit), _Logistic(np.array([self.shift, 0.0]), logit)

    def estimate_weights(self, source: _Sample, target: _Sample) -> np.ndarray:
        """Return the odds of a logistic regression that tells target inputs from source inputs."""
        both = np.concatenate([source[0], target[0]])
        is_target = np.repeat([0, 1], [len(source[0]), len(target[0])])
        odds = logistic.log_odds(source[0], logistic.fit(both, is_target, 2))[:, 1]
        return _clipped_exp(odds) * len(source[0]) / len(target[0])


class LabelShift(Shift):
    """P(y) changes from one list to the other; x | y ~ N(c_y, I), c_y evenly on a circle of radius `separation`."""

    source: Literal["label_shift"]
    proportions: list_of(Positive, min_length=2, max_length=100)  # type: ignore[valid-type]
    """Share of each class before the shift; they sum to 1."""
    target_proportions: list_of(Positive, min_length=2, max_length=100)  # type: ignore[valid-type]
    """Share of each class after the shift; they sum to 1."""
    separation: PositiveDistance
    """Radius of the circle of class means, in standard deviations of an input."""

    @model_validator(mode="after")
    def _proportions_fit(self) -> Self:
        for name in ("proportions", "target_proportions"):
            shares = getattr(self, name)
            if len(shares) != self.classes or abs(sum(shares) - 1) > 1e-9:
                raise refused(name, "as many shares as classes, that sum to 1")
        return self

    @property
    def classes(self) -> int:
        return len(self.proportions)

    def distributions(self) -> tuple[_Clusters, _Clusters]:
        means = self.separation * np.array([direction(360 * k / self.classes) for k in range(self.classes)])
        return _Clusters(np.array(self.proportions), means), _Clusters(np.array(self.target_proportions), means)

    def estimate_weights(self, source: _Sample, target: _Sample) -> np.ndarray:
        """Return the weight of each example's class, as `label_weights` estimates it."""
        weights: np.ndarray = np.maximum(label_weights(source, target[0], self.classes), _MIN_WEIGHT)
        return weights[source[1]]


class ConceptShift(Shift):
    """x ~ N(0, I) stays; P(y = 1 | x) = sigmoid(slope x_1) turns by `angle` degrees."""

    slope: Positive
    """Factor of the log odds: the larger, the sharper the boundary between the classes."""
    source: Literal["concept_shift"]
    angle: Number
    """How far the boundary between the classes turns, in degrees; 0 for no shift."""

    def distributions(self) -> tuple[_Logistic, _Logistic]:
        def turned(angle: float) -> _Logistic:
            cosine, sine = direction(angle)
            return _Logistic(np.zeros(2), lambda inputs: self.slope * (cosine * inputs[:, 0] + sine * inputs[:, 1]))

        return turned(0.0), turned(self.angle)

    def estimate_weights(self, source: _Sample, target: _Sample) -> np.ndarray:
        """Return the ratio of two logistic regressions of the label, on the target and on the source examples."""
        inputs, labels = source
        new, old = (_probabilities(fit, inputs, 2)[np.arange(len(labels)), labels] for fit in (target, source))
        ratio: np.ndarray = np.maximum(new, _MIN_WEIGHT) / np.maximum(old, _MIN_WEIGHT)
        return ratio


def _clipped_exp(logarithm: np.ndarray) -> np.ndarray:
    return exp(np.clip(logarithm, *log([_MIN_WEIGHT, _MAX_WEIGHT])))


def direction(degrees: float) -> tuple[float, float]:
    """Compute cosine and sine of an angle, by their series for the angle to the next axis.

    >>> direction(90.0), direction(180.0)
    ((0.0, 1.0), (-1.0, 0.0))
    """
    degrees = math.fmod(degrees, 360)
    rest = math.remainder(degrees, 90)  # exact with every C library, like fmod
    x = rest * (math.pi / 180)
    cosine = sine = 1.0
    for n in range(20, 0, -2):
        cosine = 1 - x * x / (n * (n - 1)) * cosine
        sine = 1 - x * x / (n * (n + 1)) * sine
    sine *= x
    for _ in range(round((degrees - rest) / 90) % 4):
        cosine, sine = -sine, cosine
    return cosine + 0.0, sine + 0.0


def label_weights(source: _Sample, target: np.ndarray, classes: int) -> np.ndarray:
    """Estimate the weight of each class, (classes,), from labelled source examples and unlabelled target inputs.

    The weights w solve C w = mu: C is the confusion matrix of a classifier on source examples that it was not trained
    on, mu the share of each class among its predictions on the target. Negative weights become 0. If C is singular, or
    no weight is left, all weights are 1.
    """
    inputs, labels = source
    half = len(labels) // 2
    both = np.concatenate([target, inputs[half:]])
    predictions = _probabilities((inputs[:half], labels[:half]), both, classes).argmax(axis=1)
    confusion = np.zeros((classes, classes))  # of the other half: share with this prediction (row) and label (column)
    np.add.at(confusion, (predictions[len(target) :], labels[half:]), 1 / (len(labels) - half))
    predicted = np.bincount(predictions[: len(target)], minlength=classes) / len(target)
    parts = decompose(confusion)
    kept = parts.kept(classes * np.finfo(float).eps)  # the tolerance of numpy.linalg.matrix_rank
    if not kept.all():
        return np.ones(classes)
    solved: np.ndarray = np.maximum(product(parts.coordinates(predicted, kept)[None], parts.left)[0], 0)
    return solved if solved.any() else np.ones(classes)


def _probabilities(sample: _Sample, inputs: np.ndarray, classes: int) -> np.ndarray:
    """Compute the probabilities of the labels, (N, classes), by a logistic regression that is fitted on the sample."""
    known, labels = np.unique(sample[1], return_inverse=True)
    shares = np.zeros((len(inputs), classes))  # a class that is missing from the sample is never predicted
    if len(known) > 1:
        shares[:, known] = logistic.probabilities(inputs, logistic.fit(sample[0], labels, len(known)))
    else:
        shares[:, known] = 1.0
    return shares
