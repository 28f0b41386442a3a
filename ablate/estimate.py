"""How long the runs of a study will take, from a little of the training itself on this machine."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.execution import pool, results
from pipeline.execution.results import RunSpec
from pipeline.execution.store import Store
from pipeline.project.variants import Study
from pipeline.training.config import RunConfig
from pipeline.training.engine import Examples

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

    def __init__(self) -> None:
        self._known: dict[object, float] = {}

    def __call__(self, study: Study, seeds: Sequence[Seed], dataset: Dataset) -> Estimate:
        """The estimate of a study.

        Args:
            study: Its variants.
            seeds: Each variant is trained once with every seed.
            dataset: With examples for every seed.
        """
        specs = [
            RunSpec(variant.config, seed, fold)
            for variant in study.variants
            for seed in seeds
            for fold in variant.folds
        ]
        store, examples = Store.of_user(), Examples(dataset)
        missing = [spec for spec, key in zip(specs, store.keys(specs, dataset), strict=True) if store.get(key) is None]
        seconds = sum(self._seconds(spec, examples) for spec in missing)
        # each thread trains one run at a time
        return Estimate(len(specs), len(specs) - len(missing), seconds / max(1, min(pool.threads(), len(missing))))

    def _seconds(self, spec: RunSpec, examples: Examples) -> float:
        """Of one run, which takes about as long as every other of its kind."""
        config, shapes = (
            spec.config,
            [split.inputs.shape[1:] for split in (examples.dataset.train, examples.dataset.test)],
        )
        sizes = config.sizes(spec.fold, shapes[0][0])
        kind = (config.implementation, config.model, config.optimizer.name, config.training, sizes, *shapes)
        if kind not in self._known:
            self._known[kind] = _time(spec, examples)
        return self._known[kind]


def _time(spec: RunSpec, examples: Examples) -> float:
    """Seconds that one run takes, from as many of its epochs as take long enough to be timed."""
    epochs = spec.config.training.epochs
    tried, before = 1, (0, 0.0)
    while True:
        shorter = spec._replace(config=_shorter(spec.config, tried))
        begun = time.perf_counter()
        results.train(shorter, examples)
        seconds = time.perf_counter() - begun
        if seconds > (_LONG_ENOUGH if tried > 1 else _TOO_LONG) or tried == epochs:
            break
        before = (tried, seconds)
        # as many epochs as are likely to be long enough, and no more than there are
        tried = min(epochs, max(4 * tried, round(tried * 2 * _LONG_ENOUGH / max(seconds, 1e-3))))
    # what a run costs before its first epoch is not paid for every epoch
    each = max(0.0, seconds - before[1]) / (tried - before[0])
    return seconds + each * (epochs - tried)


def _shorter(config: RunConfig, epochs: int) -> RunConfig:
    """The same with fewer epochs, and as many evaluations for each of them."""
    training = config.training
    evaluations = max(1, round(training.evaluations * epochs / training.epochs))
    shorter = training.model_copy(update={"epochs": epochs, "evaluations": evaluations})
    return config.model_copy(update={"training": shorter})
