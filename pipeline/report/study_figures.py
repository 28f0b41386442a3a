"""The figures of a study: each is one function, registered by its decorator, in the order of the page.

A study has the figure that it names (`figure:` in params.yaml) and those whose condition it meets. A figure that a
study may name also needs a line in `pipeline/project/figures.py`, which says what a study must have for it.
"""

import functools
import itertools
import math
from collections.abc import Callable

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.report import drawing
from pipeline.report.section import Section

_Draw = Callable[[Section], Figure]
_Condition = Callable[[Section], bool]
FIGURES: dict[str, tuple[str, _Condition, _Draw]] = {}
_MAX_WEIGHTS = 50  # that are drawn


def register(caption: str, when: _Condition = lambda section: False) -> Callable[[_Draw], _Draw]:
    """Register a function as the figure of its name.

    Args:
        caption: Template; `sketches` lists its fields.
        when: Condition under which a study has the figure without naming it.
    """

    def add(draw: _Draw) -> _Draw:
        FIGURES[draw.__name__] = (caption, when, draw)
        return draw

    return add


def sketches(section: Section) -> list[drawing.Sketch]:
    """Return the figures of a study, not drawn yet, in the order of the page."""
    several = section.seeds > 1
    diverged, stops = section.diverged, "stopping" in section.study.traits
    fields = {
        "metric": section.metric.label,
        "factor": drawing.factor_label(section.study),
        "mean": "geometric mean" if section.metric.scale == "log" else "mean",
        "score_mean": "geometric mean" if section.study.score == "loss" else "mean",
        "survivors": " Where a run diverged, the mean is that of the others, without interval." if diverged else "",
        "ends": " A line ends where a run diverges." if diverged else "",
        "stops": " After a run stops early, the loss of the weights that it keeps is drawn." if stops else "",
        "splits": "Training, validation and test" if "validation" in section.study.traits else "Training and test",
        "seeds": f"over {section.seeds} seed{'s' if several else ''}",
        "interval": "and its 95 % interval" if several else "(no interval from a single one)",
        "shaded": "and, as a band, its 95 % interval" if several else "(no interval from a single one)",
    }
    listed = []
    for name, (template, when, draw) in FIGURES.items():
        if name == section.study.figure or when(section):
            caption = template.format(**fields)
            draw_section = functools.partial(_outer, draw, section)
            listed.append(drawing.Sketch(name, caption[0].upper() + caption[1:], draw_section))
    return listed


def _outer(draw: _Draw, section: Section) -> Figure:
    """Draw a figure with labels on its outer panels alone."""
    figure = draw(section)
    for axes in figure.axes:
        axes.label_outer()
    return figure


# --- figures that a study names --------------------------------------------------------------------------------------


@register("Test images with the predictions of the first seed's runs; a wrong prediction stands above the true class.")
def predictions(section: Section) -> Figure:
    """Draw test images, some that each variant classifies right and some that it classifies wrong."""
    groups = list(section.diagnostics.pictures.groupby(["variant", "right"], sort=False))
    columns = max(len(images) for _, images in groups)
    figure = Figure(figsize=(1.1 * columns + 1, 1.35 * len(groups)), layout="constrained")
    grid = figure.subplots(len(groups), columns, squeeze=False)
    for line, ((variant, right), images) in zip(grid, groups, strict=True):
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            axes.spines[:].set_visible(False)
        for axes, (_, row) in zip(line, images.iterrows(), strict=False):
            pixels = np.reshape(row["pixels"], (math.isqrt(len(row["pixels"])), -1))
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="none")
            title = row["truth"] if right else f"{row['prediction']}\nis {row['truth']}"
            axes.set_title(title, fontsize=8, fontweight="normal")
        line[0].set_ylabel(
            f"{drawing.short_name(section.study.variant(variant).name)}\n{'right' if right else 'wrong'}", fontsize=8
        )
    return figure


@register("Learned weights of every seed (dots), their mean with its interval (bars), and the true ones (crosses).")
def weights(section: Section) -> Figure:
    """Draw learned weights beside the true ones."""
    study = section.study
    runs, means = (
        drawing.with_labels(study, _without_bias(section, table))
        for table in (section.diagnostics.weights, section.weights)
    )
    shown = [index for index in sorted(runs["position"].unique()) if index < _MAX_WEIGHTS]
    truth = pd.Series(section.data.true_weights(), dtype=float).reindex(shown).dropna()
    labels, palette = study.labels, drawing.colours(study)
    figure, panels = drawing.panels_of_blocks(study, max(5.2, 0.13 * len(shown) * len(labels)))
    for block, axes in panels:
        for number, name in enumerate(labels):
            dots, bars = (
                table[(table["block"] == block) & (table["label"] == name) & table["position"].isin(shown)]
                for table in (runs, means)
            )
            shift = 0.7 * ((number + 0.5) / len(labels) - 0.5)
            axes.scatter(dots["position"] + shift, dots["value"], s=6, alpha=0.35, color=palette[name], linewidth=0)
            style = {"marker": "_", "linestyle": "none", "color": palette[name], "label": drawing.short_name(name)}
            drawing.error_bars(axes, bars["position"] + shift, bars, linewidth=1.2, **style)
        axes.scatter(truth.index, truth, marker="x", color="black", zorder=3, label="true")
        axes.set(xlabel="weight", ylabel="value", xticks=shown if len(shown) <= 30 else shown[::10])
    drawing.legend(figure, study, panels[0][1].get_legend_handles_labels()[0])
    return figure


def _features(section: Section, variant: str) -> int:
    features = section.study.variant(variant).config.model.features
    return section.data.facts().features if features == "all" else features


def _without_bias(section: Section, table: pd.DataFrame) -> pd.DataFrame:
    """Drop biases, which follow a variant's weights and have the index of another variant's weight."""
    counts = [_features(section, variant) for variant in table["variant"]]
    return table[table["position"].to_numpy() < np.array(counts)]


@register("Trained (line) and the closed form of the same problem (dashed), with 95 % intervals.")
def ridge(section: Section) -> Figure:
    """Draw norm of the weights and test loss beside those of the closed form."""
    study = section.study
    figure, panels = drawing.panels_of_blocks(study, 5.2, rows=2)
    trained, solved = sns.color_palette("colorblind", 2)
    for block, column in panels:
        for axes, metric, label in zip(
            column, ("weight_norm", "test_loss"), ("norm of the weights", "test loss"), strict=True
        ):
            drawing.band(axes, section.estimates(metric, block), "position", trained, marker="o", label="trained")
            closed_form = section.estimates(f"closed_form_{metric}", block)
            style = {"linestyle": "--", "marker": "o", "label": "least squares / ridge"}
            drawing.band(axes, closed_form, "position", solved, **style)
            axes.set(ylabel=label)
            drawing.log_axis(axes)
            drawing.factor_axis(axes, study)
        column[0].legend()
    return figure


@register(
    "Above, training, validation (mean over the folds of a seed) and test, with 95 % intervals; below, the number of "
    "seeds that choose each variant by validation."
)
def selection(section: Section) -> Figure:
    """Draw training, validation and test against the variants, and how often validation chooses each."""
    study = section.study
    labels = study.labels
    figure, panels = drawing.panels_of_blocks(study, max(5.2, 0.35 * len(labels)), rows=2)
    for block, (above, below) in panels:
        _splits(above, section, block)
        chosen = drawing.with_labels(study, section.choices[section.choices["block"] == block])
        rules = list(dict.fromkeys(chosen["rule"]))
        for number, rule in enumerate(rules):
            counts = chosen.loc[chosen["rule"] == rule, "label"].value_counts()
            positions = np.arange(len(labels)) + 0.8 * ((number + 0.5) / len(rules) - 0.5)
            style = {"color": sns.color_palette("colorblind")[3 + number], "label": rule.replace("_", " ")}
            below.bar(positions, [counts.get(name, 0) for name in labels], width=0.8 / len(rules), **style)
        below.set(ylabel="seeds that choose it")
        if rules:
            below.legend()
        else:
            below.text(0.5, 0.5, "none: of every variant a run diverged", transform=below.transAxes, ha="center")
        drawing.factor_axis(below, study)
    return figure


@register("Training (hollow) and test, and the gap between them, against the number of parameters.")
def capacity(section: Section) -> Figure:
    """Draw training, test and their gap against the number of parameters."""
    study, score = section.study, section.study.score
    sizes = section.effects["parameters"].set_index("variant")["estimate"]
    palette = drawing.colours(study)
    figure, panels = drawing.panels_of_blocks(study, 5.2, rows=2)
    for block, (above, below) in panels:
        for axes, metric in ((above, f"train_{score}"), (above, f"test_{score}"), (below, f"{score}_gap")):
            table = section.effects[metric]
            for row in table[table["block"] == block].itertuples():
                filled = "none" if metric.startswith("train") else palette[row.label]
                style = {"color": palette[row.label], "markerfacecolor": filled, "marker": "o", "capsize": 3}
                drawing.error_bars(axes, sizes[row.variant], row, **style)
        above.set(ylabel=score, xscale="log")
        below.set(xlabel="number of weights and biases (log scale)", ylabel=f"gap in {score}")
        if score == "loss":
            drawing.log_axis(above)
    handles = drawing.label_handles(study, marker="o", linewidth=0)
    for fill, label in (("none", "training"), ("grey", "test")):
        handles.append(Line2D([], [], color="grey", marker="o", linewidth=0, markerfacecolor=fill, label=label))
    drawing.legend(figure, study, handles)
    return figure


@register(
    "Some examples of the first seed in the colour of their class, and the boundaries that its runs draw between them."
)
def shift(section: Section) -> Figure:
    """Draw examples before and after the shift, and each variant's boundaries between the classes."""
    study, points, learned = section.study, section.diagnostics.points, section.diagnostics.weights
    blocks, palette = study.blocks, drawing.colours(study)
    figure = Figure(figsize=(8.0, drawing.HEIGHT * len(blocks) + 0.4), layout="constrained")
    grid = figure.subplots(len(blocks), 2, squeeze=False, sharex=True, sharey=True)
    low, high = points[["x1", "x2"]].min().min(), points[["x1", "x2"]].max().max()
    plane = np.stack(np.meshgrid(*[np.linspace(low, high, 121)] * 2), axis=-1)
    titles = {"train": "before the shift (training)", "test": "after it (test)"}
    for line, block in zip(grid, blocks, strict=True):
        for axes, (split, title) in zip(line, titles.items(), strict=True):
            for label, group in points[points["split"] == split].groupby("label"):
                colour = sns.color_palette("pastel")[int(label) % 10]
                axes.scatter(group["x1"], group["x2"], s=14, color=colour, edgecolor="grey", linewidth=0.3)
            for variant in study.variants:
                values = learned[(learned["variant"] == variant.id) & (learned["seed_index"] == 0)]["value"].to_numpy()
                if variant.block == block and len(values) and _features(section, variant.id) == 2:
                    _boundary(axes, plane, values, palette[variant.label])
            axes.set(xlabel="x1", ylabel="x2", title=f"{block}, {title}" if block else title)
    drawing.legend(figure, study, drawing.label_handles(study, linewidth=2))
    return figure


def _boundary(axes: Axes, plane: np.ndarray, values: np.ndarray, colour: object) -> None:
    """Draw where the largest output changes from one class to another."""
    classes = len(values) // 3
    if not np.isfinite(values).all():
        # a diverged run has no boundary
        return
    first, second, biases = values.reshape(3, classes)
    outputs = plane[..., :1] * first + plane[..., 1:] * second + biases
    for left, right in itertools.combinations(range(classes), 2):
        others = np.delete(outputs, [left, right], axis=-1).max(axis=-1, initial=-np.inf)
        difference = outputs[..., left] - outputs[..., right]
        difference[others > np.maximum(outputs[..., left], outputs[..., right])] = np.nan
        defined = difference[~np.isnan(difference)]
        if defined.size and defined.min() < 0 < defined.max():
            axes.contour(plane[..., 0], plane[..., 1], difference, levels=[0], colors=[colour], linewidths=1.8)


# --- figures that follow from the factors ----------------------------------------------------------------------------


@register(
    "{metric} against {factor}: every run (small dots), the {mean} {seeds} {interval}.{survivors}",
    when=lambda section: True,
)
def effects(section: Section) -> Figure:
    """Draw every run, the estimate of every variant and its interval."""
    study, metric = section.study, section.metric
    table = section.effects[metric.name]
    finished = section.results[section.results["status"] == "finished"]
    labels, palette = study.labels, drawing.colours(study)
    width = len(labels) * (0.6 if drawing.is_long(labels) else max(0.35, 0.13 * max(map(len, labels))))
    figure, panels = drawing.panels_of_blocks(study, max(3.2 if study.blocked else 4.5, min(width, 9.0)))
    for block, axes in panels:
        for row in table[table["block"] == block].itertuples():
            position, colour = labels.index(row.label), palette[row.label]
            values = finished.loc[finished["variant"] == row.variant, metric.name]
            dots = {"color": [colour] * len(values), "s": 3.5**2, "alpha": 0.45, "linewidth": 0, "zorder": 2.9}
            axes.scatter([position] * len(values), values, **dots)
            if row.diverged:
                style = {"transform": axes.get_xaxis_transform(), "rotation": 90, "ha": "center"}
                note = axes.text(position, 0.02, f"{row.diverged} of {row.runs} runs diverged", **style)
                note.set_in_layout(False)
            style = {"marker": "o", "markersize": 5, "capsize": 3, "linewidth": 1.6, "color": colour}
            drawing.error_bars(axes, position + 0.2, row, **style)
        axes.xaxis.grid(False)
        axes.set(ylabel=metric.label)
        if metric.scale == "log":
            drawing.log_axis(axes)
        drawing.factor_axis(axes, study)
    return figure


@register(
    "{splits} against {factor}: {score_mean} {seeds} {shaded}; below, the mean gap between them.",
    when=lambda section: drawing.is_numeric(section.study) and len(section.study.labels) > 3,
)
def path(section: Section) -> Figure:
    """Draw training, validation, test and their gap against the number that distinguishes the variants."""
    study, score = section.study, section.study.score
    figure, panels = drawing.panels_of_blocks(study, 3.6 if study.blocked else 5.2, rows=2)
    for block, (above, below) in panels:
        _splits(above, section, block)
        drawing.band(below, section.estimates(f"{score}_gap", block), "position", "black")
        below.set(ylabel=f"gap in {score}")
        drawing.factor_axis(below, study)
    return figure


def _splits(axes: Axes, section: Section, block: str) -> None:
    """Draw training, validation if there is any, and test against the variants in order."""
    for split, colour in zip(("train", "validation", "test"), sns.color_palette("colorblind", 3), strict=True):
        metric = f"{split}_{section.study.score}"
        if metric in section.effects:
            drawing.band(axes, section.estimates(metric, block), "position", colour, **drawing.PARTS[split])
    axes.set(ylabel=section.study.score)
    if section.study.score == "loss":
        drawing.log_axis(axes)
    axes.legend()


@register(
    "Loss while training, on the training set (dashed) and the test set: geometric mean {seeds} {shaded}.{ends}{stops}",
    when=lambda section: True,
)
def curves(section: Section) -> Figure:
    """Draw training and test loss against the epoch."""
    study = section.study
    table, palette = drawing.with_labels(study, section.curves), drawing.colours(study)
    figure, panels = drawing.panels_of_blocks(study, 3.2 if study.blocked else 5.2)
    for block, axes in panels:
        for (name, split), rows in table[table["block"] == block].groupby(["label", "split"], sort=False):
            drawing.band(axes, rows, "epoch", palette[name], **drawing.PARTS[split])
        axes.set(xlabel="epoch", ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        drawing.log_axis(axes)
    drawing.wide_legend(figure, study, ("test", "train"))
    return figure


def _about_layers(section: Section) -> bool:
    factors = section.study.factors
    about = any(factor.startswith(("model.initialization", "model.activation")) for factor in factors)
    return about and "hidden" in section.study.traits


@register(
    "Size of the gradients (rms) and of the activations (sd) in each layer, at the start (solid) and after training "
    "(dashed): geometric mean {seeds} {shaded}; no point where it is 0 or not finite.",
    when=_about_layers,
)
def layers(section: Section) -> Figure:
    """Draw the size of gradients and activations against depth, at the start and after training."""
    study = section.study
    quantities = {"gradient_rms": "rms of the gradients", "activation_sd": "sd of the activations"}
    table, palette = drawing.with_labels(study, section.layers), drawing.colours(study)
    figure, panels = drawing.panels_of_blocks(study, 3.2 if study.blocked else 5.2, rows=len(quantities))
    for block, column in panels:
        for axes, (quantity, label) in zip(column, quantities.items(), strict=True):
            rows = table[(table["block"] == block) & (table["quantity"] == quantity)]
            for (name, moment), group in rows.groupby(["label", "moment"], sort=False):
                drawing.band(axes, group, "layer", palette[name], marker="o", markersize=3, **drawing.PARTS[moment])
            axes.set(xlabel="layer", ylabel=label)
            drawing.log_axis(axes)
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
    drawing.wide_legend(figure, study, ("start", "end"))
    return figure
