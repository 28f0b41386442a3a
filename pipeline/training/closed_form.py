"""The solution that training of a linear model approaches: least squares or ridge regression.

Reference: Golub and Van Loan, "Matrix computations", sections 5.5 and 6.1: both from one singular value decomposition.
"""

from collections.abc import Hashable, Sequence

import numpy as np

from pipeline.arithmetic.arrays import decompose, product, total
from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.training.config import RunConfig
from pipeline.training.subsets import subset

_CUTOFF = 1e-6  # of least squares, as in scikit-learn: directions with smaller singular values are left out
_FACTORS = {"squared_error": 1.0, "half_squared_error": 0.5}  # of the squared residual

_Spec = tuple[RunConfig, Seed, int]


def solve(specs: Sequence[_Spec], dataset: Dataset) -> list[dict[str, float]]:
    """Compute test loss and norm of the weights at the minimum of loss and l2 penalty, without hidden layers.

    With mean squared error, n examples and the total penalty lambda |w|^2 / 2, ridge regression has alpha =
    n lambda / 2; with half of it alpha = n lambda. Without a penalty it is least squares, of the smallest norm if
    there are several.
    An l1 penalty and other losses have no closed form, and what decoupled weight decay approaches depends on the steps:
    both numbers are then undefined (NaN).

    Runs that differ only in penalty and loss share one decomposition if they are in one call.

    Args:
        specs: Config, seed and fold of each run.
        dataset: With examples for every seed.
    """
    solutions = [{"closed_form_test_loss": np.nan, "closed_form_weight_norm": np.nan} for _ in specs]
    groups: dict[Hashable, list[int]] = {}
    for number, (config, seed, fold) in enumerate(specs):
        decays_apart = config.optimizer.decoupled and config.optimizer.weight_decay > 0
        if config.loss in _FACTORS and config.penalty.l1 == 0 and not decays_apart:
            sizes = config.sizes(fold, dataset.train.examples)
            groups.setdefault((seed, fold, sizes, config.model.features, config.model.bias), []).append(number)
    for numbers in groups.values():
        losses, norms = _solve([specs[number] for number in numbers], dataset)
        for number, loss, norm in zip(numbers, losses, norms, strict=True):
            solutions[number] = {"closed_form_test_loss": float(loss), "closed_form_weight_norm": float(norm)}
    return solutions


def _solve(specs: Sequence[_Spec], dataset: Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Compute losses and norms, (V,) each, of V runs with the same examples and inputs."""
    config, seed, fold = specs[0]
    seed_index, used = dataset.seed_index(seed.index), config.model.features
    features = slice(None) if used == "all" else slice(used)
    indices = subset(config, seed, fold, dataset.train.examples).trained
    inputs, targets = dataset.train.inputs[seed_index][indices, features], dataset.train.targets[seed_index][indices]
    test_inputs, test_targets = dataset.test.inputs[seed_index][:, features], dataset.test.targets[seed_index]
    # with a bias, weights are those of inputs and targets around their means
    means = total(inputs.T) / len(indices) if config.model.bias else np.zeros(inputs.shape[1])
    mean = total(targets) / len(indices) if config.model.bias else 0.0
    factors = np.array([_FACTORS[spec.loss] for spec, _, _ in specs])
    decays = np.array([spec.optimizer.weight_decay + spec.penalty.l2 for spec, _, _ in specs])
    penalties = len(indices) * decays / (2 * factors)
    # a penalty that is lost in the rounding of the squares leaves equations without one solution
    smallest = np.finfo(float).eps * total(np.square(inputs).reshape(-1))
    penalties = np.where(penalties > smallest, penalties, 0.0)[:, None]
    parts = decompose(inputs - means)
    coordinates = parts.coordinates(targets - mean, (penalties > 0) | parts.kept(_CUTOFF), penalties)
    # test inputs along the same directions, so that V weights need not be turned back
    rotated = product(test_inputs - means, parts.left.T)
    residuals = product(coordinates, rotated.T) + mean - test_targets
    losses = factors * (total(np.square(residuals)) / len(test_targets))
    return losses, np.sqrt(total(np.square(product(coordinates, parts.left))))
