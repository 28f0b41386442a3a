"""The figure of a measurement."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from pipeline.measurements.config import Activations, MatrixProduct, MeasurementConfig
from pipeline.report.drawing import HEIGHT, Picture, picture


def measurement_picture(config: MeasurementConfig, measured: pd.DataFrame, found: pd.DataFrame) -> Picture:
    """The one figure of a measurement.

    Args:
        config: Of the measurement.
        measured: Its rows, `artifacts.MEASURED_COLUMNS`.
        found: What `findings.findings` made of them.
    """
    if isinstance(config, Activations):
        caption = "Activation functions and their gradients by autograd."
        return picture("functions", caption, lambda: activations(measured))
    if isinstance(config, MatrixProduct):
        caption = (
            f"Largest entry of a product of standard normal {config.size} x {config.size} matrices: median and "
            f"ranges of 50 % and 90 % of {config.repetitions} repetitions."
        )
        return picture("product", caption, lambda: matrix_product(measured))
    caption = (
        f"How often a shift is detected at level {config.alpha:g}, with 95 % intervals over {config.repetitions} "
        f"repetitions of {config.examples} inputs before and after it; without a shift it is a false alarm."
    )
    return picture("detections", caption, lambda: shift_detector(config.alpha, config.shifts, found))


def activations(measured: pd.DataFrame) -> Figure:
    """Value and gradient side by side."""
    figure = Figure(figsize=(9.6, HEIGHT), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    names = list(dict.fromkeys(measured["case"]))
    palette = dict(zip(names, sns.color_palette("colorblind", len(names)), strict=True))
    for axes, quantity in zip(panels, ("value", "gradient"), strict=True):
        for name, group in measured[measured["quantity"] == quantity].groupby("case", sort=False):
            axes.plot(group["x"], group["value"], color=palette[name], label=name.replace("_", " "))
        axes.set(xlabel="x", ylabel=quantity)
    panels[0].legend()
    return figure


def matrix_product(measured: pd.DataFrame) -> Figure:
    """Quantiles of log10 of the largest entry against the number of factors, and its distribution at the end."""
    figure = Figure(figsize=(9.6, HEIGHT), layout="constrained")
    left, right = figure.subplots(1, 2)
    path = measured[measured["quantity"] == "path"].pivot_table(index="x", columns="case", values="value")
    colour = sns.color_palette("colorblind")[0]
    left.plot(path.index, path["0.5"], color=colour)
    for low, high in (("0.05", "0.95"), ("0.25", "0.75")):
        left.fill_between(path.index, path[low], path[high], color=colour, alpha=0.2, linewidth=0)
    left.set(xlabel="factors", ylabel="log10 of the largest entry")
    sns.histplot(data=measured[measured["quantity"] == "log10_largest"], x="value", color=colour, ax=right)
    right.set(xlabel="log10 of the largest entry at the end", ylabel="repetitions")
    return figure


def shift_detector(alpha: float, shifts: tuple[float, ...], found: pd.DataFrame) -> Figure:
    """Share of detections against the size of the shift."""
    figure = Figure(figsize=(5.2, HEIGHT), layout="constrained")
    axes = figure.subplots()
    errors = [found["estimate"] - found["low"], found["high"] - found["estimate"]]
    axes.errorbar(shifts, found["estimate"], yerr=errors, marker="o", capsize=3)
    axes.axhline(alpha, linestyle="--", color="grey", label=f"level {alpha:g}")
    axes.set(xlabel="shift of the mean, in standard deviations", ylabel="share of detections", ylim=(-0.02, 1.02))
    axes.legend()
    return figure
