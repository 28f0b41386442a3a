"""Figures of measurements: one function and one entry of `FIGURES` for each kind."""

import functools
from collections.abc import Callable, Mapping

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from pipeline.measurements.activations import Activations
from pipeline.measurements.matrix_product import MatrixProduct
from pipeline.measurements.shift_detector import ShiftDetector
from pipeline.report.drawing import HEIGHT, Sketch, error_bars
from pipeline.report.section import MeasurementSection


def sketches(section: MeasurementSection) -> list[Sketch]:
    """Return the figure of a measurement, not drawn yet, if its kind has one."""
    config = section.config
    if config.kind not in FIGURES:
        return []
    draw, name, caption = FIGURES[config.kind]
    draw_section = functools.partial(draw, config, section.measured, section.findings)
    return [Sketch(name, caption.format(config=config), draw_section)]


def activations(config: Activations, measured: pd.DataFrame, findings: pd.DataFrame) -> Figure:
    """Draw values and gradients side by side."""
    figure = Figure(figsize=(9.6, HEIGHT), layout="constrained")
    panels = figure.subplots(1, 2, sharex=True)
    palette = dict(zip(config.functions, sns.color_palette("colorblind", len(config.functions)), strict=True))
    for axes, quantity in zip(panels, ("value", "gradient"), strict=True):
        for name, group in measured[measured["quantity"] == quantity].groupby("case", sort=False):
            axes.plot(group["x"], group["value"], color=palette[name], label=name.replace("_", " "))
        axes.set(xlabel="x", ylabel=quantity)
    panels[0].legend()
    return figure


def matrix_product(config: MatrixProduct, measured: pd.DataFrame, findings: pd.DataFrame) -> Figure:
    """Draw quantiles of log10 of the largest entry against the number of factors, and its distribution at the end."""
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


def shift_detector(config: ShiftDetector, measured: pd.DataFrame, findings: pd.DataFrame) -> Figure:
    """Draw the share of detections against the size of the shift."""
    figure = Figure(figsize=(5.2, HEIGHT), layout="constrained")
    axes = figure.subplots()
    error_bars(axes, config.shifts, findings, marker="o", capsize=3)
    axes.axhline(config.alpha, linestyle="--", color="grey", label=f"level {config.alpha:g}")
    axes.set(xlabel="shift of the mean, in standard deviations", ylabel="share of detections", ylim=(-0.02, 1.02))
    axes.legend()
    return figure


# function, name of the file, caption
FIGURES: Mapping[str, tuple[Callable[..., Figure], str, str]] = {
    "activations": (activations, "functions", "Activation functions and their gradients."),
    "matrix_product": (
        matrix_product,
        "product",
        "Largest entry of a product of standard normal {config.size} x {config.size} matrices: median and ranges of "
        "50 % and 90 % of {config.repetitions} repetitions.",
    ),
    "shift_detector": (
        shift_detector,
        "detections",
        "How often a shift is detected at level {config.alpha:g}, with 95 % intervals over {config.repetitions} "
        "repetitions of {config.examples} examples before and after it; without a shift it is a false alarm.",
    ),
}
