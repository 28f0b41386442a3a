"""What one run leaves, as the tables of a study and the store need it: plain arrays, and few of them.

The weights of a large network are not among them: ten thousand runs must fit into memory, a store and a message.
"""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.project.arrays import demand_array
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting
from pipeline.training import closed_form, concise, loop

KEPT_WEIGHTS = 1000  # of a linear model

Job = tuple[Setting, Seed, int]  # a run without its place in a study: setting, seed, fold


@dataclass(frozen=True)
class Record:
    """One run.

    Attributes:
        finite: Whether its losses and weights were finite at the end.
        metrics: The numbers at the end of training, by name.
        curves: For each split the loss at the evaluated epochs, (E,).
        layers: For each quantity and moment ("start", "end"), (L,).
        weights: Of a linear model of at most 1,000 weights: weights and biases, (D * C + C,); else empty.
        predictions: The class given to each test example, (N,); empty for a regression.
    """

    finite: bool
    metrics: dict[str, float]
    curves: dict[str, np.ndarray]
    layers: dict[tuple[str, str], np.ndarray]
    weights: np.ndarray
    predictions: np.ndarray

    def to_bytes(self) -> bytes:
        """A NumPy array file of one structured element, which says by itself what is in it."""
        parts = {"finite": np.array(self.finite), "weights": self.weights, "predictions": self.predictions}
        parts |= {f"metric/{name}": np.array(value) for name, value in self.metrics.items()}
        parts |= {f"curve/{split}": values for split, values in self.curves.items()}
        parts |= {f"layers/{quantity}/{moment}": values for (quantity, moment), values in self.layers.items()}
        array = np.zeros((), dtype=[(name, part.dtype, part.shape) for name, part in parts.items()])
        for name, part in parts.items():
            array[name] = part
        file = io.BytesIO()
        np.save(file, array, allow_pickle=False)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Record":
        """What `to_bytes` made.

        Raises:
            ValueError, KeyError: If it is something else.
        """
        demand_array(io.BytesIO(content), len(content), "the record")
        array = np.load(io.BytesIO(content), allow_pickle=False)
        parts = {tuple(name.split("/")): array[name] for name in array.dtype.names or ()}
        return cls(
            finite=bool(parts["finite",]),
            metrics={name[1]: float(part) for name, part in parts.items() if name[0] == "metric"},
            curves={name[1]: part for name, part in parts.items() if name[0] == "curve"},
            layers={(name[1], name[2]): part for name, part in parts.items() if name[0] == "layers"},
            weights=parts["weights",],
            predictions=parts["predictions",],
        )


def train(
    jobs: Sequence[Job], dataset: Dataset, device: str, progress: loop.Progress = lambda run_epochs: None
) -> list[Record]:
    """Train runs of one program, as one stack where they are stacked.

    Args:
        jobs: The runs.
        dataset: With examples for every seed.
        device: Of all tensors.
        progress: Called with the number of run-epochs that just ended.
    """
    settings, seeds, folds = (list(parts) for parts in zip(*jobs, strict=True))
    if settings[0].implementation == "concise":
        outcomes = (concise.train(*job[:2], dataset, fold=job[2], device=device, progress=progress) for job in jobs)
        return [
            record for job, outcome in zip(jobs, outcomes, strict=True) for record in _records([job], outcome, dataset)
        ]
    outcome = loop.train(settings, seeds, dataset, folds=folds, device=device, progress=progress)
    return list(_records(jobs, outcome, dataset))


def _records(jobs: Sequence[Job], outcome: loop.Outcome, dataset: Dataset) -> Iterator[Record]:
    metrics = outcome.metrics()
    linear = len(outcome.weights) == 1
    solved = closed_form.solve(jobs, dataset) if linear and dataset.task == "regression" else [{} for _ in jobs]
    for place, solution in enumerate(solved):
        own = {name: float(values[place]) for name, values in metrics.items()}
        losses = [value for name, value in own.items() if name.endswith("_loss")]
        weights = np.zeros(0)
        if linear and outcome.weights[0][place].size <= KEPT_WEIGHTS:
            weights = np.concatenate([outcome.weights[0][place].reshape(-1), outcome.biases[0][place]])
        yield Record(
            finite=all(np.isfinite(losses)) and all(bool(np.isfinite(layer[place]).all()) for layer in outcome.weights),
            metrics=own | solution,
            curves={split: outcome.curves[f"{split}_loss"][place] for split in ("train", "test")},
            layers={key: values[place] for key, values in outcome.layers.items()},
            weights=weights,
            predictions=outcome.predictions[place].astype(np.uint16),
        )
