"""How long the runs of a study will take, from a little of the training itself on this machine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.execution import records
from pipeline.execution.chunks import chunks
from pipeline.execution.environment import environment
from pipeline.execution.records import Job
from pipeline.execution.store import Store
from pipeline.project.artifacts import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings import Setting
from pipeline.project.variants import Study

_LONG_ENOUGH = 0.5  # seconds that a measurement takes, lest it measure the start of it


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
        program = setting.model_dump_json(exclude={"optimizer", "penalty"})
        alike = (program, len(stack), fold > 0, dataset.train.inputs.shape, dataset.test.inputs.shape)
        if alike not in self._known:
            tried, seconds = 1, 0.0
            while True:
                begun = time.perf_counter()
                records.train([(_shorter(one, tried), seed, fold) for one, seed, fold in stack], dataset, self._device)
                seconds = time.perf_counter() - begun
                if seconds > _LONG_ENOUGH or tried == epochs:
                    break
                # as many epochs as are likely to be long enough, and no more than there are
                tried = min(epochs, max(tried + 1, round(tried * 1.5 * _LONG_ENOUGH / seconds)))
            self._known[alike] = seconds * epochs / tried
        return self._known[alike]


def _shorter(setting: Setting, epochs: int) -> Setting:
    """The same with fewer epochs, and as many evaluations for each of them."""
    schedule = setting.schedule
    evaluations = max(1, round(schedule.evaluations * epochs / schedule.epochs))
    shorter = schedule.model_copy(update={"epochs": epochs, "evaluations": evaluations})
    return setting.model_copy(update={"schedule": shorter})
