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

from pipeline.artifacts import LAYER_COLUMNS, Dataset
from pipeline.metrics import measured
from pipeline.seeding import Seed
from pipeline.training import concise, loop
from pipeline.training.mlp import padded
from pipeline.variants import Study, Variant

log = logging.getLogger(__name__)

# A stack is quickest when what a step touches stays in the cache, and slow again when it is so small that the
# overhead of each operation counts; measured in docs/decisions/0004-stacks-that-fit-the-cache.md.
STACK_BYTES = 16 * 2**20
SMALLEST_STACK = 4


@dataclass(frozen=True, eq=False)
class Run:
    """One training; its own key in a table of runs."""

    variant: Variant
    seed: Seed


@dataclass(frozen=True)
class Trained:
    """What a study's runs leave, one row a run: `results`; long tables of single runs: `curves`, `layers`."""

    results: pd.DataFrame
    curves: pd.DataFrame
    layers: pd.DataFrame


def train(study: Study, seeds: Sequence[Seed], dataset: Dataset, device: str) -> Trained:
    """Train every run of the study.

    Args:
        study: Its variants.
        seeds: Each variant is trained once with every seed.
        dataset: The study's data set, with examples for every seed.
        device: Of all tensors.
    """
    runs = [Run(variant, seed) for variant in study.variants for seed in seeds]
    stacks = list(chunks(runs, dataset))
    # only tables are kept: the weights of all runs need not fit into memory at once
    results: dict[Run, dict[str, object]] = {}
    curves: dict[Run, pd.DataFrame] = {}
    layers: dict[Run, list[tuple[object, ...]]] = {}
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
                results[run] = _result(study, run, outcome, place)
                curves[run] = _curves(run, outcome, place)
                layers[run] = list(_layers(run, outcome, place))
    return Trained(
        results=pd.DataFrame([results[run] for run in runs]),
        curves=pd.concat([curves[run] for run in runs], ignore_index=True),
        layers=pd.DataFrame([row for run in runs for row in layers[run]], columns=LAYER_COLUMNS),
    )


def chunks(runs: Sequence[Run], dataset: Dataset) -> Iterator[list[Run]]:
    """The runs in stacks: each of one program, of about equal size, in the order given."""
    programs: dict[object, list[Run]] = {}
    for run in runs:
        programs.setdefault(loop.program(run.variant.setting), []).append(run)
    for alike in programs.values():
        size = max(SMALLEST_STACK, STACK_BYTES // _bytes(alike[0], dataset))
        for places in np.array_split(np.arange(len(alike)), -(-len(alike) // size)):
            yield [alike[place] for place in places]


def _bytes(run: Run, dataset: Dataset) -> int:
    """About what one step of one run touches: parameters, gradients, activations."""
    setting = run.variant.setting
    sizes = [padded(width) for width in loop.widths(setting, dataset)]
    parameters = sum(before * after for before, after in itertools.pairwise(sizes))
    rows = min(setting.schedule.batch_size, dataset.train.examples)
    return 4 * (3 * parameters + 4 * rows * sum(sizes))


def _train(stack: Sequence[Run], dataset: Dataset, device: str, progress: loop.Progress) -> loop.Outcome:
    settings, seeds = [run.variant.setting for run in stack], [run.seed for run in stack]
    if settings[0].implementation == "concise":
        return loop.Outcome.join(
            [
                concise.train(setting, seed, dataset, device=device, progress=progress)
                for setting, seed in zip(settings, seeds, strict=True)
            ]
        )
    return loop.train(settings, seeds, dataset, device=device, progress=progress)


def _result(study: Study, run: Run, outcome: loop.Outcome, place: int) -> dict[str, object]:
    metrics = {name: float(values[place]) for name, values in outcome.metrics().items()}
    finite = all(np.isfinite(list(metrics.values()))) and all(
        bool(np.isfinite(weight[place]).all()) for weight in outcome.weights
    )
    return {
        "variant": run.variant.id,
        **run.variant.written_factors(),
        "seed_root": run.seed.root,
        "seed_index": run.seed.index,
        "fold": 0,
        "status": "finished" if finite else "diverged",
        # of a diverged run no number means anything, also where one happens to be finite
        **{metric.name: metrics[metric.name] if finite else np.nan for metric in measured(study.task)},
    }


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
