"""A table of a person's own: split into training and test part anew for every seed, encoded and standardised.

What is learned from data - means, standard deviations, what takes the place of a missing number - is learned from the
training part alone. The levels of categories are those of the whole table, so that every seed has the same features.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipeline.project import table
from pipeline.project.dataset import Dataset, Split
from pipeline.project.seeding import Seed, generator
from pipeline.project.settings.datasets import Table


def make(settings: Table, seeds: Sequence[Seed]) -> Dataset:
    """Inputs (S, N, D) and targets (S, N): first the columns of numbers, then one for each level of each category.

    A seed's split depends on the seed and the number of rows alone.

    Raises:
        UserError: If the table can not be read or is not as its settings say.
    """
    columns = table.read(settings)
    rows = len(columns.target)
    numbers = np.stack(list(columns.numbers.values()), axis=1) if columns.numbers else np.zeros((rows, 0))
    levels = _one_hot(columns)
    held = round(settings.test_fraction * rows)
    inputs, targets = [], []
    for seed in seeds:
        order = generator(seed, "data").permutation(rows)  # the first are the test set
        train = order[held:]
        scaled = _numeric(settings).fit(numbers[train]).transform(numbers) if columns.numbers else numbers
        inputs.append(np.concatenate([scaled, levels], axis=1)[order])
        target = columns.target
        if not columns.classes and settings.standardize_target:
            target = StandardScaler().fit(target[train, None]).transform(target[:, None])[:, 0]
        targets.append(target[order])
    both, values = np.stack(inputs), np.stack(targets)
    return Dataset(
        task=columns.task,
        outputs=len(columns.classes) or 1,
        train=Split(both[:, held:], values[:, held:]),
        test=Split(both[:, :held], values[:, :held]),
        seeds=tuple(seeds),
        names=columns.classes,
    )


def _numeric(settings: Table) -> Pipeline:
    if settings.missing == "refuse":
        return make_pipeline(StandardScaler())
    # a column that is empty in the training part stays, as zeros: every seed has the same features
    return make_pipeline(SimpleImputer(strategy=settings.missing, keep_empty_features=True), StandardScaler())


def _one_hot(columns: table.Columns) -> np.ndarray:
    """(N, levels of all columns), 0 or 1; a missing category is a level of its own."""
    if not columns.levels:
        return np.zeros((len(columns.target), 0))
    cells = np.stack(list(columns.levels.values()), axis=1)
    encoder = OneHotEncoder(categories=columns.categories, sparse_output=False)
    found: np.ndarray = encoder.fit_transform(cells)
    return found
