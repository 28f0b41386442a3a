"""`ablate plan`: how many runs the project, or a sweep by `dvc exp run -S`, trains, and about how long they take."""

import functools
import itertools
import logging
import math
import shutil
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ablate import names
from ablate.text import Table
from pipeline.core.cores import threads
from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.core.seeding import Seed
from pipeline.data import DatasetConfig
from pipeline.execution import results
from pipeline.execution.results import RunSpec
from pipeline.execution.store import Store
from pipeline.project import params
from pipeline.project.params import Params
from pipeline.project.variants import Study
from pipeline.training.engine import Examples

log = logging.getLogger(__name__)

_FORM = "write KEY=VALUE with the dotted key of params.yaml, +KEY=VALUE for a new key, ~KEY to remove one"
_MAX = 10_000  # more are a mistake in a range
_LONG_ENOUGH = 0.2  # seconds of training that can be timed
_TOO_LONG = 5.0  # seconds of a first epoch after which no second measurement is taken


class Estimate(NamedTuple):
    """The runs of a study, how many of them the store has, and the seconds that training the others takes."""

    runs: int
    stored: int
    seconds: float


def table(studies: Sequence[str], overrides: Sequence[str]) -> Table:
    """Return one row per experiment and study.

    Args:
        studies: Only these; default: all.
        overrides: As for `-S` of `dvc exp run`, lists and ranges included.

    Raises:
        UserError: If an override is malformed or leads to an invalid `params.yaml`.
    """
    experiments = _experiments(overrides)
    several = len(experiments) > 1
    estimates: dict[str, Estimate] = {}
    known: dict[object, float] = {}
    rows = []
    for number, (_, project) in enumerate(experiments, start=1):
        names.check("study", studies, project.studies)
        for place, key in enumerate(studies or project.studies, start=1):
            of = f"study {place} of {len(studies or project.studies)}, {key}"
            log.info("timing %s%s", of, f", of experiment {number} of {len(experiments)}" if several else "")
            study = project.studies[key]
            dataset, seeds = project.datasets[study.dataset], project.seeds_of(study)
            # an earlier experiment of the sweep leaves its runs in the store
            identity = f"{study} {seeds} {dataset}"
            if identity not in estimates:
                runs, stored, seconds = estimates[identity] = estimate(study, dataset, seeds, known)
                counts = map(str, (len(study.variants), len(seeds), runs, stored))
                rows.append([f"{number}" if several else "", key, *counts, duration(seconds)])
    runs, stored, seconds = (sum(numbers) for numbers in zip((0, 0, 0.0), *estimates.values(), strict=True))
    return Table(
        f"{len(experiments)} experiments" if several else "one run of the project",
        ["experiment", "study", "variants", "seeds", "runs", "in the store", "time"],
        rows,
        frozenset([0, 1]),
        [f"{number}: {', '.join(chosen)}" for number, (chosen, _) in enumerate(experiments, start=1) if several],
        [
            f"{runs - stored} runs to train, {stored} in the store: {duration(seconds)} of training here",
            "measured on a few epochs of each kind of network; starting a stage takes a few seconds more",
        ],
    )


def duration(seconds: float) -> str:
    """Format a time by its size; only no time at all is 0.

    >>> duration(0.0), duration(0.2), duration(119), duration(600), duration(9000)
    ('0 s', '1 s', '119 s', '10 min', '2.5 h')
    """
    if round(seconds) < 120:
        return f"{max(1, round(seconds)) if seconds else 0} s"
    return f"{round(seconds / 60)} min" if round(seconds) < 7200 else f"{seconds / 3600:.1f} h"


def _experiments(overrides: Sequence[str]) -> list[tuple[list[str], Params]]:
    """Return the overrides of every experiment that DVC would queue, and the project with them, as DVC writes it."""
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides, get_hydra_sweeps, to_hydra_overrides
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    if not overrides:
        return [([], params.load())]
    experiments = []
    try:
        # DVC lists all experiments: for range(1, 1000000000) that takes all memory, so they are counted first
        swept = [override for override in to_hydra_overrides(list(overrides)) if override.is_sweep_override()]
        counts = [sum(1 for _ in itertools.islice(override.sweep_iterator(), _MAX + 1)) for override in swept]
        if math.prod(counts) > _MAX:
            raise UserError(f"-S: found more than {_MAX} experiments, allowed: at most {_MAX}")
        for chosen in get_hydra_sweeps({"params.yaml": list(overrides)}):
            with tempfile.TemporaryDirectory() as folder:
                path = Path(shutil.copy(params.PATH, folder))
                apply_overrides(path, list(chosen["params.yaml"]))
                experiments.append((list(chosen["params.yaml"]), params.parse(path.read_bytes(), str(params.PATH))))
    except (DvcException, HydraException, OmegaConfBaseException, ValueError, RecursionError) as error:
        cause = f" ({error.__cause__})" if error.__cause__ else ""
        raise UserError(f"-S: {' '.join(f'{error}{cause}'.split())[:300]}; {_FORM}") from None
    return experiments


@functools.cache
def _dataset(config: DatasetConfig, seeds: tuple[Seed, ...]) -> Dataset:
    return config.make(seeds)


def estimate(study: Study, config: DatasetConfig, seeds: tuple[Seed, ...], known: dict[object, float]) -> Estimate:
    """Estimate a study; `known` gets the seconds of each kind of run, which is timed once."""
    dataset = _dataset(config, seeds)
    specs = [
        RunSpec(variant.config, seed, fold) for variant in study.variants for seed in seeds for fold in variant.folds
    ]
    store, examples = Store.of_user(), Examples(dataset)
    missing = [spec for spec, key in zip(specs, store.keys(specs, dataset), strict=True) if store.get(key) is None]
    shapes = dataset.train.inputs.shape[2:], dataset.test.inputs.shape[1:]
    seconds = 0.0
    for spec in missing:
        run = spec.config
        sizes = run.sizes(spec.fold, dataset.train.inputs.shape[1])
        network = (run.implementation, run.model, run.optimizer.name, run.training, sizes, shapes)
        if network not in known:
            known[network] = seconds_of(spec, examples)
        seconds += known[network]
    # each thread trains one run at a time
    return Estimate(len(specs), len(specs) - len(missing), seconds / max(1, min(threads(), len(missing))))


def seconds_of(spec: RunSpec, examples: Examples) -> float:
    """Estimate the seconds that one run takes, from as many of its epochs as take long enough to be timed."""
    training = spec.config.training
    epochs, earlier = 1, (0, 0.0)
    while True:
        # with as many evaluations per epoch as the whole run
        evaluations = max(1, round(training.evaluations * epochs / training.epochs))
        shorter = training.model_copy(update={"epochs": epochs, "evaluations": evaluations})
        begun = time.perf_counter()
        results.run_one(spec._replace(config=spec.config.model_copy(update={"training": shorter})), examples)
        seconds = time.perf_counter() - begun
        if seconds > (_LONG_ENOUGH if epochs > 1 else _TOO_LONG) or epochs == training.epochs:
            # the seconds before the first epoch are not counted for every epoch
            per_epoch = max(0.0, seconds - earlier[1]) / (epochs - earlier[0])
            return seconds + per_epoch * (training.epochs - epochs)
        earlier = (epochs, seconds)
        # as many epochs as are likely to be long enough
        epochs = min(training.epochs, max(4 * epochs, round(epochs * 2 * _LONG_ENOUGH / max(seconds, 1e-3))))
