"""Activation functions: their values, and the gradients that the backward pass multiplies by.

Reference: Zhang et al., "Dive into Deep Learning", section "Multilayer perceptrons".
"""

import numpy as np
import pandas as pd

from pipeline.arithmetic import library
from pipeline.measurements.config import Activations
from pipeline.training.kernels.arguments import ACTIVATIONS

_LANES = 16


def measure(config: Activations) -> pd.DataFrame:
    """For each function its `value` and `gradient` at every point, in float64.

    With tanh and sigmoid among them also the `identity` tanh(x) + 1 - 2 sigmoid(2 x), which is 0.
    """
    steps = np.arange(config.points)
    points = (config.low * steps[::-1] + config.high * steps) / steps[-1]
    tables = []

    def add(case: str, quantity: str, values: np.ndarray) -> None:
        tables.append(pd.DataFrame({"case": case, "quantity": quantity, "x": points, "value": values}))

    for name in config.functions:
        values, gradients = values_and_slopes(name, points)
        add(name, "value", values)
        add(name, "gradient", gradients)
    if {"tanh", "sigmoid"} <= set(config.functions):
        add(
            "tanh",
            "identity",
            values_and_slopes("tanh", points)[0] + 1 - 2 * values_and_slopes("sigmoid", 2 * points)[0],
        )
    return pd.concat(tables, ignore_index=True)


def values_and_slopes(name: str, points: np.ndarray) -> np.ndarray:
    """Value and slope, (2, N) float64, of an activation at points (N,): what the kernels of training compute."""
    count = len(points)
    arrays = np.zeros((3, -(-count // _LANES) * _LANES))
    arrays[0, :count] = points
    write = library.function(
        "pipeline.training.kernels.activations:values_and_slopes", "int64", *["float64*"] * 3, "int64"
    )
    write(ACTIVATIONS.index(name), *(array.ctypes.data for array in arrays), arrays.shape[1] // _LANES)
    return arrays[1:, :count]
