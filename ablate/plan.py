"""`ablate plan`: what a run of the project, or a sweep by `dvc exp run -S`, would train and how long it would take."""

import itertools
import math
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from ablate import names
from ablate.estimate import Estimate, Estimator
from ablate.text import Table
from pipeline import data
from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.project import params
from pipeline.project.params import Params

_HEADER = ("experiment", "study", "variants", "seeds", "runs", "in the store", "time")
_FORM = "write KEY=VALUE with the dotted key of params.yaml, +KEY=VALUE for a new key, ~KEY for one that goes"
_MOST = 10_000  # experiments of a sweep; more are a mistake in a range


def tables(studies: Sequence[str], overrides: Sequence[str]) -> list[Table]:
    """One row for each experiment and study.

    Args:
        studies: Only these; all where none are named.
        overrides: As after `-S` of `dvc exp run`, lists and ranges included.

    Raises:
        UserError: If an override can not be understood or leads to configs that are not allowed.
    """
    rows: list[list[str]] = []
    total = Estimate(0, 0, 0.0)
    made: dict[object, Dataset] = {}
    sweep = _sweep(overrides)
    estimator = Estimator()
    trained: set[tuple[str, str]] = set()
    for number, chosen in enumerate(sweep, start=1):
        project = _with(chosen)
        names.check("study", studies, project.studies)
        for key in studies or project.studies:
            study = project.studies[key]
            seeds = project.seeds_of(study.dataset)
            # what an earlier experiment of the sweep leaves in DVC's run cache or in the store is not trained again
            same = (key, f"{study} {seeds} {project.datasets[study.dataset]}")
            if same in trained:
                continue
            trained.add(same)
            one = estimator(study, seeds, _dataset(project, study.dataset, made))
            total = Estimate(total.runs + one.runs, total.stored + one.stored, total.seconds + one.seconds)
            experiment = f"{number}" if len(sweep) > 1 else ""
            rows.append(
                [experiment, key, *map(str, (len(study.variants), len(seeds), one.runs, one.stored)), _time(one)]
            )
    title = f"{len(sweep)} experiments" if len(sweep) > 1 else "one run of the project"
    before = [f"{number}: {', '.join(chosen)}" for number, chosen in enumerate(sweep, start=1) if len(sweep) > 1]
    after = [
        f"{total.runs - total.stored} runs to train, {total.stored} in the store: {_time(total)} of training here",
        "measured on a few epochs of each kind of network; starting a stage takes a few seconds more",
    ]
    shown = [row if len(sweep) > 1 else ["", *row[1:]] for row in rows]
    return [Table(title, _HEADER, shown, frozenset([0, 1]), before, after)]


def _sweep(overrides: Sequence[str]) -> list[list[str]]:
    """Every combination that DVC would queue, by DVC's own reader."""
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import get_hydra_sweeps, to_hydra_overrides
    from hydra.errors import HydraException

    if not overrides:
        return [[]]
    try:
        # DVC lists them all, which for range(1, 1000000000) takes all memory: so they are counted first
        swept = [each.sweep_iterator() for each in to_hydra_overrides(list(overrides)) if each.is_sweep_override()]
        if math.prod(sum(1 for _ in itertools.islice(values, _MOST + 1)) for values in swept) > _MOST:
            raise UserError(
                f"-S: found more than {_MOST} experiments, allowed: at most {_MOST}; sweep fewer values at a time"
            )
        return [list(one["params.yaml"]) for one in get_hydra_sweeps({"params.yaml": list(overrides)})]
    except (DvcException, HydraException, ValueError, RecursionError) as error:
        raise UserError(f"-S: {' '.join(str(error).split())[:300]}; {_FORM}") from None


def _with(overrides: Sequence[str]) -> Params:
    """The project as it would be with these overrides, which DVC writes into the file."""
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import apply_overrides
    from omegaconf.errors import OmegaConfBaseException

    if not overrides:
        return params.load()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / params.PATH.name
        shutil.copy(params.PATH, path)
        try:
            apply_overrides(path, list(overrides))
        except (DvcException, OmegaConfBaseException, ValueError, RecursionError) as error:
            words = f"{error} ({error.__cause__})" if error.__cause__ else str(error)
            raise UserError(f"-S: {' '.join(words.split())[:300]}; {_FORM}") from None
        try:
            return params.load(path=path)
        except UserError as error:
            raise UserError(str(error).replace(str(path), str(params.PATH))) from None


def _dataset(project: Params, key: str, made: dict[object, Dataset]) -> Dataset:
    configs, seeds = project.datasets[key], project.seeds_of(key)
    known = (configs, seeds)
    if known not in made:
        made[known] = data.make(configs, seeds)
    return made[known]


def _time(one: Estimate) -> str:
    seconds = round(one.seconds)
    if one.runs == one.stored:
        return "0 s"
    if seconds < 120:
        return f"{max(1, seconds)} s"
    return f"{round(seconds / 60)} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
