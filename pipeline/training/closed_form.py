"""The solution that training of a linear model approaches: least squares or ridge regression, by scikit-learn."""

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import AdamW, Setting
from pipeline.training.subsets import subset


def solve(jobs: Sequence[tuple[Setting, Seed, int]], dataset: Dataset) -> list[dict[str, float]]:
    """Test loss and norm of the weights of the minimum of loss and l2 penalty, for models without hidden layers.

    With mean squared error, n examples and the total penalty lambda |w|^2 / 2, ridge regression has alpha =
    n lambda / 2; with half of it alpha = n lambda. Without a penalty it is least squares, of the smallest norm where
    there are many.
    An l1 penalty has no closed form, and what decoupled weight decay approaches depends on the steps: both numbers are
    then undefined (NaN).

    Args:
        jobs: Setting, seed and fold of each run.
        dataset: With examples for every seed.
    """
    # several threads add up in another order, with other bits; to say so takes milliseconds, so once for all
    with threadpool_limits(limits=1):
        return [_solve(setting, seed, fold, dataset) for setting, seed, fold in jobs]


def _solve(setting: Setting, seed: Seed, fold: int, dataset: Dataset) -> dict[str, float]:
    from sklearn.linear_model import LinearRegression, Ridge  # a second that other studies need not pay

    decoupled = isinstance(setting.optimizer, AdamW) and setting.optimizer.weight_decay > 0
    if setting.penalty.l1 > 0 or decoupled:
        return {"closed_form_test_loss": np.nan, "closed_form_weight_norm": np.nan}
    slot = dataset.slot(seed.index)
    features = dataset.features if setting.model.features == "all" else setting.model.features
    places = subset(setting, seed, fold, dataset.train.examples).trained
    half = 0.5 if setting.loss == "half_squared_error" else 1.0
    alpha = len(places) * (setting.optimizer.weight_decay + setting.penalty.l2) / (2 * half)
    bias = setting.model.bias
    inputs, targets = (values[slot][places] for values in (dataset.train.inputs, dataset.train.targets))
    inputs = inputs[:, :features]
    # a penalty that is lost in the rounding of the squares leaves equations without one solution
    smallest = np.finfo(float).eps * np.square(inputs).sum()
    model = Ridge(alpha=alpha, fit_intercept=bias) if alpha > smallest else LinearRegression(fit_intercept=bias)
    model.fit(inputs, targets)
    residuals = model.predict(dataset.test.inputs[slot][:, :features]) - dataset.test.targets[slot]
    return {
        "closed_form_test_loss": half * float(np.mean(np.square(residuals))),
        "closed_form_weight_norm": float(np.sqrt(np.square(model.coef_).sum())),
    }
