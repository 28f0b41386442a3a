"""Estimate the time that the remaining studies take; used for lines of progress alone, so no result depends on it."""

import contextlib
import itertools
import json
import math
import time
from pathlib import Path

import psutil

from pipeline.project import artifacts, lock, parts
from pipeline.project.params import Params

PATH = parts.FOLDER / "studies.json"  # the seconds that training each study is expected to take, by id, in order

# seconds of two cores with AVX2, from the default project; the time of the current study corrects them
_START = 1.0  # to start a stage
_STAGE = 1.5  # to start a stage, write its tables and record it
_STEP = {"scratch": 1e-7, "concise": 4e-4}  # per step
_PRODUCT = 2.2e-11  # per example and weight


def write(project: Params) -> None:
    """Write how long each study is expected to take."""
    artifacts.write_text(PATH, json.dumps({id: expected(project, id) for id in project.studies}, indent=1) + "\n")


def expected(project: Params, key: str) -> float:
    """Return the seconds that training a study is expected to take."""
    study = project.studies[key]
    facts, seconds = project.datasets[study.dataset].facts(), 0.0
    for variant in study.variants:
        config = variant.config
        features = facts.features if config.model.features == "all" else config.model.features
        weights = sum(a * b for a, b in itertools.pairwise([features, *config.model.hidden, facts.outputs]))
        for fold in variant.folds:
            examples = config.sizes(fold, facts.train_examples).trained
            steps = math.ceil(examples / config.training.batch_size)
            epoch = steps * _STEP[config.implementation] + examples * weights * _PRODUCT
            seconds += config.training.epochs * epoch * len(project.seeds_of(study))
    return seconds


def title(key: str) -> str:
    """Return the place of a study in this `dvc repro`, such as `study 7 of 20: dropout`."""
    done, later = _places(key)
    return f"study {done + 1} of {done + 1 + len(later)}: {key}"


def left(key: str) -> str:
    """Return how many studies are to be trained after this one, and about how long they take."""
    _, later = _places(key)
    seconds = _seconds()
    spent = max(0.0, time.time() - psutil.Process().create_time() - _START)
    slower = (spent + 1) / (seconds[key] + 1)  # a short study says little about the speed of this machine
    total = sum(_STAGE + slower * seconds[other] for other in later)
    return f"studies left: {len(later)}, about {total:.0f} s" if later else "studies left: none"


def _places(key: str) -> tuple[int, list[str]]:
    """Return how many studies this `dvc repro` has done before this one, and those that it will train after it.

    DVC does not say either, and its order is not always that of the file.
    """
    others = [other for other in _seconds() if other != key]
    begun = next((process.create_time() for process in psutil.Process().parents() if _is_dvc(process)), math.inf)
    done = [other for other in others if _written(other) > begun]
    later = [other for other in others if other not in done]
    if _edited(key):  # otherwise the code or the data have changed, or results are missing: for the others, too
        later = [other for other in later if _edited(other)]
    return len(done), later


def _is_dvc(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return "dvc" in [Path(word).name for word in process.cmdline()[:3]]  # dvc, python dvc, python -m dvc
    return False


def _written(key: str) -> float:
    path = artifacts.results_path(key)
    return path.stat().st_mtime if path.exists() else -math.inf


def _edited(key: str) -> bool:
    """Return whether `dvc.lock` has no results of a study with the present config."""
    stage, locked = f"train@{key}", lock.read()
    path = parts.path_of(stage)
    return not lock.dependencies(locked, stage) or lock.is_stale(locked, stage, path, path.read_text())


def _seconds() -> dict[str, float]:
    return dict(json.loads(PATH.read_text()))
