"""The side that is on trial: the stacked engine, alone or as a study calls it."""

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.work import Losses, Work
from pipeline.execution import runs
from pipeline.training import loop


def stack(work: Work) -> Losses:
    """All runs as one stack."""
    outcome = loop.train([work.setting] * work.runs, work.seeds, work.dataset)
    curves = outcome.curves
    return Losses(curves["train_loss"], curves["test_loss"], curves["train_loss_running"][:, -1])


def study(work: Work) -> Losses:
    """All runs as a study of one variant, with its tables: what `dvc repro` calls."""
    trained = runs.train(work.study, work.seeds, work.dataset, "cpu")
    splits = {
        split: np.stack([one["value"].to_numpy() for _, one in table.groupby(table["epoch"], sort=True)], axis=1)
        for split, table in trained.curves.groupby("split")
    }
    return Losses(splits["train"], splits["test"], trained.results["train_loss_running"].to_numpy())


ENGINES: Mapping[str, Callable[[Work], Losses]] = {"stack": stack, "study": study}
