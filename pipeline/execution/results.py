"""What one run leaves, as the tables of a study and the store need it: plain arrays, and few of them.

The weights of a large network are not among them: ten thousand runs must fit into memory, a store and a message.
"""

import json
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from pipeline.core.seeding import Seed
from pipeline.training import engine
from pipeline.training.config import RunConfig
from pipeline.training.engine import Control, Examples, one_nan

KEPT_WEIGHTS = 1000  # of a linear model


class RunSpec(NamedTuple):
    """A run without its place in a study: all that it is a function of, but for the examples."""

    config: RunConfig
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
        """As JSON, whose numbers have all digits."""
        parts = vars(self) | {"layers": [[*key, values] for key, values in self.layers.items()]}
        return json.dumps(parts, default=np.ndarray.tolist).encode()

    @classmethod
    def from_bytes(cls, content: bytes) -> "RunResult":
        """What `to_bytes` made."""
        parts = json.loads(content)
        return cls(
            finite=parts["finite"],
            metrics=parts["metrics"],
            curves={split: np.array(values) for split, values in parts["curves"].items()},
            layers={(quantity, moment): np.array(values) for quantity, moment, values in parts["layers"]},
            weights=np.array(parts["weights"]),
            predictions=np.array(parts["predictions"], np.uint16),
        )


def train(spec: RunSpec, examples: Examples, control: Control | None = None) -> RunResult:
    """Train one run.

    Raises:
        StoppedError: If `control` was stopped.
    """
    config, seed, fold = spec
    if config.implementation == "concise":
        from pipeline.training import concise  # torch takes seconds to import, and few studies need it

        outcome = concise.train(config, seed, examples, fold=fold, control=control)
    else:
        outcome = engine.train(config, seed, examples, fold=fold, control=control)
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
