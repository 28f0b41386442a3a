"""Activation functions: their values, and their gradients by autograd.

Reference: Zhang et al., "Dive into Deep Learning", section "Multilayer perceptrons".
"""

import pandas as pd
import torch

from pipeline.project.settings.probes import Activations
from pipeline.training.activations import MODULES


def measure(settings: Activations) -> pd.DataFrame:
    """For each function its `value` and `gradient` at every point, in float64.

    With tanh and sigmoid among them also the `identity` tanh(x) + 1 - 2 sigmoid(2 x), which is 0.
    """
    points = torch.linspace(settings.low, settings.high, settings.points, dtype=torch.float64)
    tables = []

    def add(case: str, quantity: str, values: torch.Tensor) -> None:
        columns = {"case": case, "quantity": quantity, "x": points.numpy(), "value": values.detach().numpy()}
        tables.append(pd.DataFrame(columns))

    for name in settings.functions:
        x = points.clone().requires_grad_()
        values = MODULES[name]()(x)
        (gradient,) = torch.autograd.grad(values.sum(), x)
        add(name, "value", values)
        add(name, "gradient", gradient)
    if {"tanh", "sigmoid"} <= set(settings.functions):
        add("tanh", "identity", torch.tanh(points) + 1 - 2 * torch.sigmoid(2 * points))
    return pd.concat(tables, ignore_index=True)
