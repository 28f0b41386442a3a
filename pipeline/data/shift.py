"""Data whose distribution shifts between training and test, with the weights that correct for it; drawn for every seed.

A training example weighs q / p, as many times as it is more frequent after the shift. The true weights follow from the
distributions; the estimated ones from what a user would have: the training examples and `target_examples` of the
target distribution, without labels where x or y shifts, with labels where the concept does.

Reference: Zhang et al., "Dive into Deep Learning", section "Environment and distribution shift"; for label shift Lipton
et al. (2018), "Detecting and correcting for label shift with black box predictors".
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.arithmetic import logistic
from pipeline.arithmetic.arrays import decompose, exp, log, normals, product, total
from pipeline.core.dataset import Dataset, Split
from pipeline.core.seeding import Seed, generator
from pipeline.data.config import ConceptShift, CovariateShift, LabelShift, Shift

# A weight that is 0, or no float, has no mean to be divided by: examples of which nothing is known but that they weigh
# next to nothing still weigh the same beside each other. Single precision, in which is trained, knows it as 0 anyway.
_LIGHTEST, _HEAVIEST = 1e-200, 1e200

_Sample = tuple[np.ndarray, np.ndarray]  # inputs (N, 2) and labels (N,)


@dataclass(frozen=True)
class _Side:
    """A joint distribution of inputs and labels: how to draw from it, and its log density up to a common constant."""

    config: Shift
    after: bool

    def draw(self, examples: int, stream: np.random.Generator) -> _Sample:
        noise = normals(stream, (examples, 2))
        uniform = stream.random(examples)
        if isinstance(self.config, LabelShift):
            labels = np.searchsorted(np.cumsum(self._proportions)[:-1], uniform, side="right")
            return self._centres[labels] + noise, labels
        inputs = noise + self._mean
        return inputs, (uniform < 1 / (1 + exp(-self._logit(inputs)))).astype(np.int64)

    def log_density(self, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
        density: np.ndarray
        if isinstance(self.config, LabelShift):
            density = log(self._proportions[labels]) - _half_square(inputs - self._centres[labels])
            return density
        odds = np.where(labels == 1, -1.0, 1.0) * self._logit(inputs)  # log odds of the other label
        softplus = np.maximum(odds, 0) + log(1 + exp(-np.abs(odds)))
        density = -_half_square(inputs - self._mean) - softplus
        return density

    @property
    def _mean(self) -> np.ndarray:
        moves = isinstance(self.config, CovariateShift) and self.after
        return np.array([self.config.shift if moves else 0.0, 0.0])  # type: ignore[attr-defined]

    def _logit(self, inputs: np.ndarray) -> np.ndarray:
        config = self.config
        if isinstance(config, CovariateShift):
            curved: np.ndarray = config.slope * (inputs[:, 1] + np.square(inputs[:, 0]) / 2 - 0.5)
            return curved
        assert isinstance(config, ConceptShift)
        cosine, sine = direction(config.angle if self.after else 0.0)
        turned: np.ndarray = config.slope * (cosine * inputs[:, 0] + sine * inputs[:, 1])
        return turned

    @property
    def _proportions(self) -> np.ndarray:
        assert isinstance(self.config, LabelShift)
        return np.array(self.config.target_proportions if self.after else self.config.proportions)

    @property
    def _centres(self) -> np.ndarray:
        assert isinstance(self.config, LabelShift)
        classes = len(self.config.proportions)
        return self.config.separation * np.array([direction(360 * k / classes) for k in range(classes)])


def _half_square(offsets: np.ndarray) -> np.ndarray:
    return total(np.square(offsets) / 2)


def direction(degrees: float) -> tuple[float, float]:
    """Cosine and sine of an angle, by their series for the angle to the next axis.

    >>> direction(90.0), direction(180.0)
    ((0.0, 1.0), (-1.0, 0.0))
    """
    degrees = math.fmod(degrees, 360)
    rest = math.remainder(degrees, 90)  # as exact as fmod, whatever the C library
    x = rest * (math.pi / 180)
    cosine = sine = 1.0
    for n in range(20, 0, -2):
        cosine = 1 - x * x / (n * (n - 1)) * cosine
        sine = 1 - x * x / (n * (n + 1)) * sine
    sine *= x
    for _ in range(round((degrees - rest) / 90) % 4):
        cosine, sine = -sine, cosine
    return cosine + 0.0, sine + 0.0


def make(config: Shift, seeds: Sequence[Seed]) -> Dataset:
    """Inputs (S, N, 2), labels (S, N) and the weights (S, N) of the training examples, true and estimated."""
    before, after = _Side(config, after=False), _Side(config, after=True)
    train, test, oracle, estimated = [], [], [], []
    for seed in seeds:
        source = before.draw(config.train_examples, generator(seed, "data", 0))
        target = after.draw(config.target_examples, generator(seed, "data", 1))
        train.append(source)
        test.append(after.draw(config.test_examples, generator(seed, "data", 2)))
        oracle.append(_ratio(after.log_density(*source) - before.log_density(*source)))
        estimated.append(estimate(config, source, target))
    classes = len(config.proportions) if isinstance(config, LabelShift) else 2
    return Dataset(
        task="classification",
        outputs=classes,
        train=_split(train),
        test=_split(test),
        seeds=tuple(seeds),
        weights={"oracle": np.stack(oracle), "estimated": np.stack(estimated)},
        names=tuple(map(str, range(classes))),
    )


def estimate(config: Shift, source: _Sample, target: _Sample) -> np.ndarray:
    """Weights (N,) of the source examples, from examples alone.

    Covariate shift: a logistic regression that tells target inputs from source inputs; its odds are the ratio of
    densities. Label shift: the confusion matrix C of a classifier on source examples it was not trained on, and how
    often it names each class on the target, mu; the weights of the classes solve C w = mu. Concept shift: the
    ratio of two logistic regressions of the label, one on labelled examples of the target.
    """
    inputs, labels = source
    if isinstance(config, CovariateShift):
        both = np.concatenate([inputs, target[0]])
        is_target = np.repeat([0, 1], [len(inputs), len(target[0])])
        odds = logistic.log_odds(inputs, logistic.fit(both, is_target, 2))[:, 1]
        return _ratio(odds) * len(inputs) / len(target[0])
    if isinstance(config, LabelShift):
        weights = label_weights(source, target[0], len(config.proportions))
        estimated: np.ndarray = np.maximum(weights, _LIGHTEST)[labels]
        return estimated
    old, new = (_probabilities(sample, 2)(inputs)[np.arange(len(labels)), labels] for sample in (source, target))
    ratio: np.ndarray = np.maximum(new, _LIGHTEST) / np.maximum(old, _LIGHTEST)
    return ratio


def _ratio(logarithm: np.ndarray) -> np.ndarray:
    """Its exponential, as far as a weight can be far from 1."""
    lightest, heaviest = log([_LIGHTEST, _HEAVIEST])
    return exp(np.clip(logarithm, lightest, heaviest))


def label_weights(source: _Sample, target: np.ndarray, classes: int) -> np.ndarray:
    """Weight of each class, (classes,), from labelled source examples and unlabelled target inputs.

    A weight below 0, which a solution of the linear equations may have, is 0. If the confusion matrix is singular, all
    weights are 1: nothing is known.
    """
    inputs, labels = source
    half = len(labels) // 2
    predict = _probabilities((inputs[:half], labels[:half]), classes)
    confusion = np.zeros((classes, classes))  # of the other half: share with this prediction (row) and label (column)
    np.add.at(confusion, (predict(inputs[half:]).argmax(axis=1), labels[half:]), 1 / (len(labels) - half))
    predicted = np.bincount(predict(target).argmax(axis=1), minlength=classes) / len(target)
    parts = decompose(confusion)
    kept = parts.kept(classes * np.finfo(float).eps)  # as numpy.linalg.matrix_rank has it
    if not kept.all():
        return np.ones(classes)
    solved: np.ndarray = np.maximum(product(parts.coordinates(predicted, kept)[None], parts.left)[0], 0)
    return solved if solved.any() else np.ones(classes)


def _probabilities(sample: _Sample, classes: int) -> Callable[[np.ndarray], np.ndarray]:
    """Of the labels given inputs, (N, 2) -> (N, classes), by a logistic regression on the sample."""
    known, labels = np.unique(sample[1], return_inverse=True)
    model = logistic.fit(sample[0], labels, len(known)) if len(known) > 1 else None

    def predict(inputs: np.ndarray) -> np.ndarray:
        shares = np.zeros((len(inputs), classes))
        # a class that is missing from the sample is never predicted
        shares[:, known] = 1.0 if model is None else logistic.probabilities(inputs, model)
        return shares

    return predict


def _split(samples: Sequence[_Sample]) -> Split:
    return Split(np.stack([inputs for inputs, _ in samples]), np.stack([labels for _, labels in samples]))
