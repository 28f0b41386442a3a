"""How long the runs of a study will take, from a little of the training itself on this machine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.execution import records
from pipeline.execution.chunks import chunks
from pipeline.execution.environment import environment
from pipeline.execution.records import Job
from pipeline.execution.store import Store
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting
from pipeline.project.variants import Study
from pipeline.training import loop

_LONG_ENOUGH = 0.2  # seconds that a measurement takes, lest it measure the start of it
_TOO_LONG = 5.0  # seconds of an epoch of which no second measurement is taken


@dataclass(frozen=True)
class Estimate:
    """What is before a study: its runs, those that the store has, and the seconds that the rest takes to train."""

    runs: int
    stored: int
    seconds: float


class Estimator:
    """Remembers how long it took to train what it has timed: most studies of a sweep are alike."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._known: dict[object, float] = {}

    def __call__(self, study: Study, seeds: Sequence[Seed], dataset: Dataset) -> Estimate:
        """The estimate of a study.

        Args:
            study: Its variants.
            seeds: Each variant is trained once with every seed.
            dataset: With examples for every seed.
        """
        runs = [(variant.setting, seed, fold) for variant in study.variants for seed in seeds for fold in variant.folds]
        store = Store.of_user()
        keys = store.keys(runs, dataset, environment(self._device))
        missing = [run for run, key in zip(runs, keys, strict=True) if store.get(key) is None]
        stacks = [[missing[place] for place in stack] for stack in chunks(missing, dataset, self._device)]
        return Estimate(len(runs), len(runs) - len(missing), sum(self._seconds(stack, dataset) for stack in stacks))

    def _seconds(self, stack: Sequence[Job], dataset: Dataset) -> float:
        setting, _, fold = stack[0]
        epochs = setting.schedule.epochs
        # what is one program takes about as long for each of its runs
        program = loop.program(setting, fold, dataset.train.examples)
        alike = (program, dataset.train.inputs.shape[1:], dataset.test.inputs.shape[1:])
        if alike not in self._known:
            tried, before = 1, (0, 0.0)
            while True:
                begun = time.perf_counter()
                records.train([(_shorter(one, tried), seed, fold) for one, seed, fold in stack], dataset, self._device)
                seconds = time.perf_counter() - begun
                if seconds > (_LONG_ENOUGH if tried > 1 else _TOO_LONG) or tried == epochs:
                    break
                before = (tried, seconds)
                # as many epochs as are likely to be long enough, and no more than there are
                tried = min(epochs, max(4 * tried, round(tried * 2 * _LONG_ENOUGH / max(seconds, 1e-3))))
            # what a stack costs before its first epoch is not paid for every epoch
            each = max(0.0, seconds - before[1]) / (tried - before[0])
            self._known[alike] = (seconds + each * (epochs - tried)) / len(stack)
        return self._known[alike] * len(stack)


def _shorter(setting: Setting, epochs: int) -> Setting:
    """The same with fewer epochs, and as many evaluations for each of them."""
    schedule = setting.schedule
    evaluations = max(1, round(schedule.evaluations * epochs / schedule.epochs))
    shorter = schedule.model_copy(update={"epochs": epochs, "evaluations": evaluations})
    return setting.model_copy(update={"schedule": shorter})
