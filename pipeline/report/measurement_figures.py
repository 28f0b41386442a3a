"""Figures of measurements: one function and one entry of `FIGURES` for each kind."""

import functools
from collections.abc import Callable, Mapping

import seaborn as sns

from pipeline.measurements.activations import Activations
from pipeline.measurements.matrix_product import MatrixProduct
from pipeline.measurements.shift_detector import ShiftDetector
from pipeline.project import artifacts
from pipeline.report import colours, drawing
from pipeline.report.drawing import Drawing, Sketch
from pipeline.report.format import digits
from pipeline.report.section import MeasurementSection
from pipeline.report.svg import tip


def sketches(section: MeasurementSection) -> list[Sketch]:
    """Return the figure of a measurement, not drawn yet, if its kind has one."""
    config = section.config
    if config.kind not in FIGURES:
        return []
    draw, name, caption = FIGURES[config.kind]
    sources = (str(artifacts.results_path(section.id)),)
    return [Sketch(name, caption.format(config=config), sources, functools.partial(draw, config, section))]


def activations(config: Activations, section: MeasurementSection) -> Drawing:
    """Draw values and gradients side by side."""
    figure, panels = drawing.grid(1, 2, 1.6, sharex=True)
    table = section.measured[section.measured["quantity"].isin(["value", "gradient"])]
    for axes, quantity in zip(panels.flat, ("value", "gradient"), strict=True):
        for index, name in enumerate(config.functions):
            rows = table[(table["quantity"] == quantity) & (table["case"] == name)]
            style = {
                "color": colours.CATEGORICAL[index % len(colours.CATEGORICAL)],
                "linestyle": drawing.DASHES[index % len(drawing.DASHES)],
                "label": name,
            }
            (line,) = axes.plot(rows["x"], rows["value"], **style)
            tip(line, f"{name}, {quantity}")
        axes.set(xlabel="x", title=quantity)
    drawing.legend_below(figure, panels.flat[0].get_legend_handles_labels()[0])
    return Drawing(figure, table)


def matrix_product(config: MatrixProduct, section: MeasurementSection) -> Drawing:
    """Draw quantiles of log10 of the largest entry against the number of factors, and its distribution at the end."""
    figure, panels = drawing.grid(1, 2, 1.6)
    left, right = panels.flat
    measured = section.measured
    path = measured[measured["quantity"] == "path"].pivot_table(index="x", columns="case", values="value")
    colour = colours.CATEGORICAL[0]
    left.plot(path.index, path["0.5"], color=colour)
    for low, high in (("0.05", "0.95"), ("0.25", "0.75")):
        left.fill_between(path.index, path[low], path[high], color=colour, alpha=0.2, linewidth=0)
    left.set(xlabel="factors", ylabel="log10 of the largest entry")
    sns.histplot(data=measured[measured["quantity"] == "log10_largest"], x="value", color=colour, ax=right)
    right.set(xlabel="log10 at the end", ylabel="repetitions")
    return Drawing(figure, measured[measured["quantity"].isin(["path", "log10_largest"])])


def shift_detector(config: ShiftDetector, section: MeasurementSection) -> Drawing:
    """Draw the share of detections against the size of the shift."""
    figure, panels = drawing.grid(1, height=1.8)
    (axes,) = panels.flat
    table = section.findings.assign(shift=config.shifts)
    bars = drawing.error_bars(axes, table["shift"], table, marker="o", markersize=4, capsize=2, color=colours.INK)
    shares = [
        f"shift {row.shift:g}: {digits(row.estimate)} [{digits(row.low)}, {digits(row.high)}]"
        for row in table.itertuples()
    ]
    tip(bars.lines[0], shares)
    level = axes.axhline(config.alpha, linestyle="--", color=colours.QUIET, label=f"level {config.alpha:g}")
    axes.set(xlabel="shift of the mean, in standard deviations", ylabel="share of detections", ylim=(-0.02, 1.02))
    drawing.legend_below(figure, [level])
    return Drawing(figure, table[["shift", "n", "estimate", "low", "high"]])


# function, name of the file, caption
FIGURES: Mapping[str, tuple[Callable[..., Drawing], str, str]] = {
    "activations": (activations, "functions", "Activation functions and their gradients."),
    "matrix_product": (
        matrix_product,
        "product",
        "Largest entry of a product of standard normal {config.size}\N{NO-BREAK SPACE}×\N{NO-BREAK SPACE}{config.size} "
        "matrices: median and ranges of 50 % and 90 % of {config.repetitions} repetitions.",
    ),
    "shift_detector": (
        shift_detector,
        "detections",
        "How often a shift is detected at level {config.alpha:g}, with 95 % intervals over {config.repetitions} "
        "repetitions of {config.examples} examples before and after it; without a shift it is a false alarm.",
    ),
}
