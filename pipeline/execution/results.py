"""What one run leaves, as the tables of a study and the store need it: plain arrays, and few of them.

The weights of a large network are not among them: ten thousand runs must fit into memory, a store and a message.
"""

import io
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.project.arrays import demand_array
from pipeline.project.seeding import Seed
from pipeline.project.settings.training import Setting
from pipeline.training import engine
from pipeline.training.engine import Control, Examples, one_nan

KEPT_WEIGHTS = 1000  # of a linear model


class RunSpec(NamedTuple):
    """A run without its place in a study: all that it is a function of, but for the examples."""

    setting: Setting
    seed: Seed
    fold: int


@dataclass(frozen=True)
class RunResult:
    """The numbers of one run.

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
    def from_bytes(cls, content: bytes) -> "RunResult":
        """What `to_bytes` made.

        Raises:
            ValueError, KeyError: If it is something else.
        """
        demand_array(io.BytesIO(content), len(content), "the result")
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


def train(spec: RunSpec, examples: Examples, control: Control | None = None) -> RunResult:
    """Train one run.

    Raises:
        StoppedError: If `control` was stopped.
    """
    setting, seed, fold = spec
    if setting.implementation == "concise":
        from pipeline.training import concise  # torch takes seconds to import, and few studies need it

        outcome = concise.train(setting, seed, examples, fold=fold, control=control)
    else:
        outcome = engine.train(setting, seed, examples, fold=fold, control=control)
    metrics = outcome.metrics()
    losses = [value for name, value in metrics.items() if name.endswith("_loss")]
    weights = np.zeros(0)
    if len(outcome.weights) == 1 and outcome.weights[0].size <= KEPT_WEIGHTS:
        weights = np.concatenate([outcome.weights[0].reshape(-1), outcome.biases[0]])
    return RunResult(
        finite=bool(np.isfinite(losses).all()) and all(bool(np.isfinite(layer).all()) for layer in outcome.weights),
        metrics=dict(zip(metrics, one_nan(list(metrics.values())).tolist(), strict=True)),
        curves={split: outcome.curves[f"{split}_loss"] for split in ("train", "test")},
        layers=outcome.layers,
        weights=weights,
        predictions=outcome.predictions.astype(np.uint16),
    )
