"""From a study's variants and seeds to stacks that fit the cache, and from what they leave to tables."""

import itertools
import logging
import platform
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm import tqdm

from pipeline.artifacts import PROBE_COLUMNS, Dataset, Probes
from pipeline.seeding import Seed
from pipeline.settings import Setting
from pipeline.training import closed_form, concise, loop
from pipeline.training.mlp import padded
from pipeline.training.subsets import subset
from pipeline.training.weights import effective_examples, example_weights
from pipeline.variants import Study, Variant

log = logging.getLogger(__name__)

# A stack is quickest when what a step touches stays in the cache, and slow again when it is so small that the
# overhead of each operation counts; measured in docs/decisions/0004-stacks-that-fit-the-cache.md.
STACK_BYTES = 16 * 2**20
SMALLEST_STACK = 4

# what is kept of single runs for the figures
KEPT_WEIGHTS = 1000  # of a linear model
PICTURES = 8  # right ones and wrong ones of a variant
POINTS = 200  # examples of a split


@dataclass(frozen=True, eq=False)
class Run:
    """One training; its own key in a table of runs."""

    variant: Variant
    seed: Seed
    fold: int


@dataclass(frozen=True)
class Trained:
    """What a study's runs leave, one row a run: `results`; a long table of single runs: `curves`; and `probes`.

    Curves and probes are of the runs that train on all examples.
    """

    results: pd.DataFrame
    curves: pd.DataFrame
    probes: Probes


def train(study: Study, seeds: Sequence[Seed], dataset: Dataset, device: str) -> Trained:
    """Train every run of the study.

    Args:
        study: Its variants.
        seeds: Each variant is trained once with every seed.
        dataset: The study's data set, with examples for every seed.
        device: Of all tensors.
    """
    runs = [Run(variant, seed, fold) for variant in study.variants for seed in seeds for fold in variant.folds]
    stacks = list(chunks(runs, dataset))
    # only tables are kept: the weights of all runs need not fit into memory at once
    results: dict[Run, dict[str, object]] = {}
    curves: dict[Run, pd.DataFrame] = {}
    rows: dict[str, dict[Run, list[tuple[object, ...]]]] = {"layers": {}, "weights": {}, "pictures": {}}
    total = sum(run.variant.setting.schedule.epochs for run in runs)
    # a bar on a terminal, a line for every stack in a log
    with tqdm(total=total, unit="run-epoch", disable=None, dynamic_ncols=True) as bar:
        for number, stack in enumerate(stacks, start=1):
            names = ", ".join(dict.fromkeys(run.variant.id for run in stack))
            bar.set_description(f"{study.id}: {names if len(names) <= 60 else names[:57] + '...'}")
            if bar.disable:
                log.info("%s: stack %d of %d, %d runs: %s", study.id, number, len(stacks), len(stack), names)
            outcome = _train(stack, dataset, device, bar.update)
            for place, run in enumerate(stack):
                results[run] = _result(study, run, outcome, place, dataset)
                if run.fold == 0:
                    curves[run] = _curves(run, outcome, place)
                    rows["layers"][run] = list(_layers(run, outcome, place))
                    rows["weights"][run] = list(_weights(run, outcome, place))
                    pictured = study.figure == "predictions" and run.seed == seeds[0]
                    rows["pictures"][run] = list(_pictures(run, outcome, place, dataset)) if pictured else []
    tables = {
        table: pd.DataFrame([row for run in runs for row in found.get(run, ())], columns=PROBE_COLUMNS[table])
        for table, found in rows.items()
    }
    return Trained(
        results=pd.DataFrame([results[run] for run in runs]),
        curves=pd.concat([curves[run] for run in runs if run in curves], ignore_index=True),
        probes=Probes(**tables, points=_points(dataset), environment=environment(device)),
    )


def chunks(runs: Sequence[Run], dataset: Dataset) -> Iterator[list[Run]]:
    """The runs in stacks: each of one program, of about equal size, in the order given."""
    programs: dict[object, list[Run]] = {}
    for run in runs:
        key = loop.program(run.variant.setting, run.fold, dataset.train.examples)
        programs.setdefault(key, []).append(run)
    for alike in programs.values():
        size = max(SMALLEST_STACK, STACK_BYTES // _bytes(alike[0], dataset))
        for places in np.array_split(np.arange(len(alike)), -(-len(alike) // size)):
            yield [alike[place] for place in places]


def _bytes(run: Run, dataset: Dataset) -> int:
    """About what one step of one run touches: parameters, gradients, activations."""
    setting = run.variant.setting
    sizes = [padded(width) for width in loop.widths(setting, dataset)]
    parameters = sum(before * after for before, after in itertools.pairwise(sizes))
    rows = min(setting.schedule.batch_size, *setting.data.sizes(run.fold, dataset.train.examples)[:1])
    return 4 * (3 * parameters + 4 * rows * sum(sizes))


def _train(stack: Sequence[Run], dataset: Dataset, device: str, progress: loop.Progress) -> loop.Outcome:
    settings, seeds, folds = zip(*((run.variant.setting, run.seed, run.fold) for run in stack), strict=True)
    if settings[0].implementation == "concise":
        return loop.Outcome.join(
            [
                concise.train(setting, seed, dataset, fold=fold, device=device, progress=progress)
                for setting, seed, fold in zip(settings, seeds, folds, strict=True)
            ]
        )
    return loop.train(settings, seeds, dataset, folds=folds, device=device, progress=progress)


def _result(study: Study, run: Run, outcome: loop.Outcome, place: int, dataset: Dataset) -> dict[str, object]:
    metrics = {name: float(values[place]) for name, values in outcome.metrics().items()}
    losses = [value for name, value in metrics.items() if name.endswith("_loss")]
    finite = all(np.isfinite(losses)) and all(bool(np.isfinite(weight[place]).all()) for weight in outcome.weights)
    metrics["parameters"] = _parameters(run.variant.setting, dataset)
    if "linear" in study.traits:
        metrics |= closed_form.solve(run.variant.setting, run.seed, run.fold, dataset)
    if "shift" in study.traits:
        data = run.variant.setting.data
        trained, _ = subset(data, run.seed, run.fold, dataset.train.examples)
        metrics["effective_examples"] = effective_examples(example_weights(data.correction, dataset, run.seed, trained))
    return {
        "variant": run.variant.id,
        **run.variant.written_factors(),
        "seed_root": run.seed.root,
        "seed_index": run.seed.index,
        "fold": run.fold,
        "status": "finished" if finite else "diverged",
        # what a diverged run ended with means nothing, also where it happens to be finite
        **{
            metric.name: metrics.get(metric.name, np.nan) if finite or not metric.trained else np.nan
            for metric in study.metrics
        },
    }


def _parameters(setting: Setting, dataset: Dataset) -> int:
    pairs = itertools.pairwise(loop.widths(setting, dataset))
    return sum((before + setting.model.bias) * after for before, after in pairs)


def _curves(run: Run, outcome: loop.Outcome, place: int) -> pd.DataFrame:
    return pd.concat(
        [
            pd.DataFrame(
                {
                    "variant": run.variant.id,
                    "split": split,
                    "epoch": outcome.epochs,
                    "value": outcome.curves[f"{split}_loss"][place],
                }
            )
            for split in ("train", "test")
        ]
    )


def _layers(run: Run, outcome: loop.Outcome, place: int) -> Iterator[tuple[object, ...]]:
    for (quantity, moment), values in outcome.layers.items():
        for layer, value in enumerate(values[place], start=1):
            yield run.variant.id, run.seed.index, moment, quantity, layer, float(value)


def _weights(run: Run, outcome: loop.Outcome, place: int) -> Iterator[tuple[object, ...]]:
    values = outcome.weights[0][place].reshape(-1)
    if len(outcome.weights) == 1 and len(values) <= KEPT_WEIGHTS:
        for number, value in enumerate([*values, *outcome.biases[0][place]]):
            yield run.variant.id, run.seed.index, number, float(value)


def _pictures(run: Run, outcome: loop.Outcome, place: int, dataset: Dataset) -> Iterator[tuple[object, ...]]:
    slot = dataset.slot(run.seed.index)
    labels, predictions = dataset.test.targets[slot], outcome.predictions[place]
    for right in (True, False):
        for example in np.flatnonzero((predictions == labels) == right)[:PICTURES]:
            pixels = dataset.test.inputs[slot, example].astype(np.float32)
            pixels = (pixels - pixels.min()) / max(float(np.ptp(pixels)), 1e-9)
            yield run.variant.id, right, *(dataset.names[each[example]] for each in (labels, predictions)), pixels


def _points(dataset: Dataset) -> pd.DataFrame:
    """Examples of the first seed, where they have two features and a picture can show them."""
    tables = [pd.DataFrame(columns=PROBE_COLUMNS["points"])]
    for split, examples in (("train", dataset.train), ("test", dataset.test)) if dataset.features == 2 else ():
        x1, x2 = examples.inputs[0, :POINTS].T
        columns = {"split": split, "x1": x1, "x2": x2, "label": examples.targets[0, :POINTS]}
        tables.append(pd.DataFrame(columns))
    return pd.concat(tables[1:] or tables, ignore_index=True)


def environment(device: str) -> dict[str, str]:
    """What the bits of a run depend on besides settings, seed, data and code."""
    return {
        "processor": f"{_processor()} {torch.backends.cpu.get_cpu_capability()}",
        "device": device,
        "torch": torch.__version__.split("+")[0],
        "numpy": np.__version__,
    }


def _processor() -> str:
    """The kind of processor: libraries choose their kernels by maker, family and model."""
    try:
        known = dict(re.findall(r"^(\w[\w ]*?)\s*: (.*)$", Path("/proc/cpuinfo").read_text(), flags=re.MULTILINE))
        return f"{platform.machine()} {known['vendor_id']} family {known['cpu family']} model {known['model']}"
    except (OSError, KeyError):
        # not Linux, or not x86
        return f"{platform.machine()} {platform.processor()}".strip()
