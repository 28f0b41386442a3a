"""One run: spec in, result out.

A run has diverged if a loss or a weight is infinite or NaN at the end of training. Its result is stored like any other.
In the tables it has the status "diverged" and none of the metrics of training (`tables.py`); verdicts count it
(`analysis/judging.py`).

Only small linear models keep their weights, since ten thousand results must fit into memory and into the store.
"""

import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.core.seeding import Seed
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Control, Examples, canonical_nan

_KEPT_WEIGHTS = 1000  # largest number of weights that are kept of a linear model


class RunSpec(NamedTuple):
    """Everything that a run depends on, besides the examples."""

    config: RunConfig
    seed: Seed
    fold: int


@dataclass(frozen=True)
class RunResult:
    """The numbers of one run."""

    diverged: bool
    metrics: dict[str, float]  # at the end of training
    curves: dict[str, np.ndarray]  # the loss at the evaluated epochs, (E,), by split
    layers: dict[tuple[str, str], np.ndarray]  # (L,), by quantity and moment ("start", "end")
    weights: np.ndarray  # weights and biases of a small linear model, (D * C + C,); else empty
    predictions: np.ndarray  # the predicted class of each test example, (N,); empty for a regression

    def to_bytes(self) -> bytes:
        """Serialise to JSON, with all digits."""
        parts = vars(self) | {"layers": [[*key, values] for key, values in self.layers.items()]}
        return json.dumps(parts, default=np.ndarray.tolist).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "RunResult":
        """Restore the result that `to_bytes` serialised."""
        parts = json.loads(content)
        parts["curves"] = {split: np.array(values) for split, values in parts["curves"].items()}
        parts["layers"] = {(quantity, moment): np.array(values) for quantity, moment, values in parts["layers"]}
        parts["weights"] = np.array(parts["weights"])
        parts["predictions"] = np.array(parts["predictions"], np.uint16)
        return cls(**parts)


def run_one(spec: RunSpec, examples: Examples, control: Control | None = None) -> RunResult:
    """Train one run with the implementation that its config names; raise `StoppedError` if `control` stops it."""
    train = engine.train
    if spec.config.implementation == "concise":
        from pipeline.training.concise import train  # imports torch, which takes seconds and few studies need
    trained = train(spec.config, spec.seed, examples, fold=spec.fold, control=control)
    metrics = trained.metrics()
    losses = np.array([value for name, value in metrics.items() if name.endswith("_loss")])
    weights = np.zeros(0)
    if len(trained.weights) == 1 and trained.weights[0].size <= _KEPT_WEIGHTS:
        weights = np.concatenate([trained.weights[0].reshape(-1), trained.biases[0]])
    return RunResult(
        diverged=not all(np.isfinite(numbers).all() for numbers in [losses, *trained.weights]),
        metrics=dict(zip(metrics, canonical_nan(list(metrics.values())).tolist(), strict=True)),
        curves={split: trained.curves[f"{split}_loss"] for split in ("train", "test")},
        layers=trained.layers,
        weights=weights,
        predictions=trained.predictions.astype(np.uint16),
    )
