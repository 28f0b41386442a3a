"""The figures of a study: each is one registered function, in the order of the page.

A study has the figure that it names (`figure:` in params.yaml) and those whose condition it meets. A figure that a
study may name also needs a line in `pipeline/project/figures.py`, which says what a study must have for it.
"""

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from pipeline.analysis.selection import RULES
from pipeline.project import artifacts
from pipeline.project.metrics import METRICS
from pipeline.report import colours, drawing, effect_figures
from pipeline.report.drawing import Drawing
from pipeline.report.format import described, significant
from pipeline.report.section import Section
from pipeline.report.svg import tip

_Draw = Callable[[Section], Drawing]
_Condition = Callable[[Section], bool]
FIGURES: dict[str, tuple[str, _Condition, _Draw]] = {}
_PICTURE = 0.29  # inches of a test image
_SMALL_LINE, _GAP = 0.11, 0.07  # inches of a line of its words, and between rows of images
_TITLE = 60  # characters of a line above a row of images
_MARKERS = "osD^v<>pPX"  # of classes
_MAX_WEIGHTS = 50  # that are drawn
_WIDE = 4  # blocks of a table of colours whose cells have room for text
_DECADES = 3  # powers of ten between no colour and the full colour of a signal
_NEAR = 0.00095  # numbers from here to its reciprocal are written with digits


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
    study, metric = section.study, section.metric
    several, many = section.seeds > 1, len(study.labels) > len(drawing.highlighted(study))
    stops = "stopping" in study.traits
    fields = {
        "metric": metric.label,
        "factor": drawing.factor_label(study),
        "kind": "ratio" if metric.scale == "log" else "difference",
        "better": f" ({metric.better} is better)" if metric.better else "",
        "good": "better" if metric.better else "higher",
        "bad": "worse" if metric.better else "lower",
        "mean": "geometric mean" if metric.scale == "log" else "mean",
        "score_mean": "geometric mean" if study.score == "loss" else "mean",
        "survivors": ", where runs diverged of the others" if section.diverged else "",
        "ends": " A line ends where a run diverges." if section.diverged else "",
        "stops": " After a run stops early, the loss of the weights that it keeps is drawn." if stops else "",
        "splits": "Training, validation and test" if "validation" in study.traits else "Training and test",
        "seeds": f"over {section.seeds} seed{'s' if several else ''}",
        "interval": "and its 95 % interval" if several else "(no interval from a single one)",
        "shaded": "and, as a band, its 95 % interval" if several else "(no interval from a single one)",
        "others": " Some variants have colours, the others are grey." if many else "",
    }
    listed = []
    for name, (template, when, draw) in FIGURES.items():
        if name == study.figure or when(section):
            caption = template.format(**fields)
            sources = tuple(str(source(study.id)) for source in _SOURCES.get(name, (artifacts.results_path,)))
            draw_section = functools.partial(draw, section)
            listed.append(drawing.Sketch(name, caption[0].upper() + caption[1:], sources, draw_section))
    return listed


# --- effects ---------------------------------------------------------------------------------------------------------

register(
    "Effect of each variant against the baseline: the {kind} of the {metric}{better} in every seed (small dots; arrows "
    "at an edge lie beyond it), its {mean} {seeds} {interval}. Verdicts are adjusted for all variants, intervals are "
    "not. At the right, the {mean} of the {metric}{survivors}.",
    when=lambda section: True,
)(effect_figures.effects)

register(
    "{metric} of every combination of two factors, and its effect against the baseline with the mark of its verdict; "
    "blue is {good}, orange {bad}, in proportion to the largest effect.",
    when=lambda section: len(section.study.compared) == 2 and not section.study.named and not section.study.blocked,
)(effect_figures.heat)


# --- figures that a study names --------------------------------------------------------------------------------------


@register(
    "Test images of the first seed’s runs: above each the predicted class, below a wrong one the true class. Variants "
    "with the same images and predictions share a row."
)
def predictions(section: Section) -> Drawing:
    """Draw test images, some that each variant classifies right and some that it classifies wrong."""
    pictures = section.diagnostics.pictures
    alike: dict[tuple[Any, ...], list[str]] = {}
    for variant, images in pictures.groupby("variant", sort=False):
        shown = images.drop(columns="variant").assign(pixels=images["pixels"].map(tuple))
        alike.setdefault(tuple(shown.itertuples(index=False, name=None)), []).append(variant)
    groups = [
        (variants, right, images)
        for variants in alike.values()
        for right, images in pictures[pictures["variant"] == variants[0]].groupby("right", sort=False)
    ]
    wrapped = {name: drawing.wrapped(name, 9) for name in {*pictures["truth"], *pictures["prediction"]}}
    words = _SMALL_LINE * (1 + max(name.count("\n") for name in wrapped.values()))
    width = drawing.WIDTH / max(len(images) for *_, images in groups)
    left = (width - _PICTURE) / 2
    places = []
    top = 0.0
    for variants, right, images in groups:
        names = "; ".join(drawing.short_name(section.study.variant(variant).name) for variant in variants)
        title = drawing.wrapped(f"{names}: {'right' if right else 'wrong'}", _TITLE)
        above = top + drawing.LINE + _SMALL_LINE * title.count("\n")
        places.append(((top + above) / 2, title, above + words, images))
        top = above + words + _PICTURE + (_GAP if right else words + _GAP)
    figure, panels = drawing.grid(1, height=top - 0.4)
    (axes,) = panels.flat
    style: dict[str, Any] = {"ha": "center", "fontsize": 5.5}
    for middle, title, above, images in places:
        axes.text(0, middle, title, va="center", fontsize=7)
        for column, (_, row) in enumerate(images.iterrows()):
            start, below = column * width + left, above + _PICTURE
            pixels = np.reshape(row["pixels"], (math.isqrt(len(row["pixels"])), -1))
            place = {"extent": (start, start + _PICTURE, below, above), "aspect": "auto"}
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="none", **place)
            axes.text(start + _PICTURE / 2, above, wrapped[row["prediction"]], va="bottom", **style)
            if not row["right"]:
                axes.text(start + _PICTURE / 2, below, wrapped[row["truth"]], va="top", color=colours.QUIET, **style)
    axes.set(xlim=(0, drawing.WIDTH), ylim=(top, 0))
    axes.axis("off")
    return Drawing(figure, pictures.drop(columns="pixels"))


@register("Learned weights of every seed (dots), their mean with its interval (bars), and the true ones (crosses).")
def weights(section: Section) -> Drawing:
    """Draw learned weights beside the true ones."""
    study = section.study
    runs, means = (
        drawing.with_labels(study, _without_bias(section, table))
        for table in (section.diagnostics.weights, section.weights)
    )
    shown = [index for index in sorted(runs["position"].unique()) if index < _MAX_WEIGHTS]
    truth = pd.Series(section.data.true_weights(), dtype=float).reindex(shown).dropna()
    labels, palette = drawing.highlighted(study), drawing.palette(study)
    figure, panels = drawing.panels_of_blocks(study, [""], height=2.2)
    for (_, block, _), axes in panels.items():
        for index, name in enumerate(labels):
            dots, bars = (
                table[(table["block"] == block) & (table["label"] == name) & table["position"].isin(shown)]
                for table in (runs, means)
            )
            shift = 0.7 * ((index + 0.5) / len(labels) - 0.5)
            axes.scatter(dots["position"] + shift, dots["value"], s=4, alpha=0.35, color=palette[name], linewidth=0)
            style: dict[str, Any] = {
                "marker": "_",
                "linestyle": "none",
                "color": palette[name],
                "label": drawing.short_name(name),
            }
            drawing.error_bars(axes, bars["position"] + shift, bars, linewidth=1.2, **style)
        style = {"marker": "x", "s": 16, "linewidth": 1, "color": colours.INK, "zorder": 3, "label": "true"}
        crosses = axes.scatter(truth.index, truth, **style)
        tip(crosses, [f"true weight {index}: {value:g}" for index, value in truth.items()])
        axes.set(xlabel="weight", ylabel="value", xticks=shown[:: 1 + len(shown) // 12])
    drawing.legend_below(figure, axes.get_legend_handles_labels()[0])
    columns = ["variant", "label", "block", "position"]
    return Drawing(
        figure, pd.concat([means[[*columns, "estimate", "low", "high"]], runs[[*columns, "seed_index", "value"]]])
    )


def _features(section: Section, variant: str) -> int:
    features = section.study.variant(variant).config.model.features
    return section.data.facts().features if features == "all" else features


def _without_bias(section: Section, table: pd.DataFrame) -> pd.DataFrame:
    """Drop biases, which follow a variant's weights and have the index of another variant's weight."""
    counts = [_features(section, variant) for variant in table["variant"]]
    return table[table["position"].to_numpy() < np.array(counts)]


@register("Trained (line) and the closed form of the same problem (dashed), with 95 % intervals.")
def ridge(section: Section) -> Drawing:
    """Draw norm of the weights and test loss beside those of the closed form."""
    metrics = ("weight_norm", "test_loss")
    figure, panels = drawing.panels_of_blocks(section.study, [""], metrics)
    for (metric, block, _), axes in panels.items():
        forms = ((metric, 0, "trained"), (f"closed_form_{metric}", 1, "least squares / ridge"))
        for name, index, form in forms:
            style: dict[str, Any] = {"linestyle": drawing.DASHES[index], "marker": "o", "markersize": 3, "label": form}
            line = drawing.band(axes, section.estimates(name, block), "position", colours.CATEGORICAL[index], **style)
            tip(line, [described(row, METRICS[name], form) for row in section.estimates(name, block).itertuples()])
        axes.set(ylabel=_axis_label(metric))
        drawing.log_axis(axes)
        drawing.factor_axis(axes, section.study)
    handles = axes.get_legend_handles_labels()[0]
    drawing.label_outer(figure)
    drawing.legend_below(figure, handles)
    return Drawing(
        figure, _estimates(section, [name for metric in metrics for name in (metric, f"closed_form_{metric}")])
    )


@register(
    "Above, training, validation (mean over the folds of a seed) and test, with 95 % intervals; below, the number of "
    "seeds that choose each variant by validation."
)
def selection(section: Section) -> Drawing:
    """Draw training, validation and test against the variants, and how often validation chooses each."""
    study = section.study
    labels, choices = study.labels, drawing.with_labels(study, section.choices)
    rules = list(dict.fromkeys(choices["rule"]))
    figure, panels = drawing.panels_of_blocks(study, [""], ["splits", "choices"])
    for block in study.blocks:
        above, below = panels["splits", block, ""], panels["choices", block, ""]
        handles = _splits(above, section, block)
        chosen = choices[choices["block"] == block]
        for index, rule in enumerate(rules):
            counts = chosen.loc[chosen["rule"] == rule, "label"].value_counts()
            positions = np.arange(len(labels)) + 0.8 * ((index + 0.5) / len(rules) - 0.5)
            style: dict[str, Any] = {
                "color": colours.CATEGORICAL[3 + index],
                "label": RULES[rule],
                "hatch": ["", "////"][index],
            }
            bars = below.bar(positions, [counts.get(name, 0) for name in labels], width=0.8 / len(rules), **style)
            for bar, name in zip(bars, labels, strict=True):
                tip(bar, f"{name}: {counts.get(name, 0)} of {section.seeds} seeds, {RULES[rule]}")
            handles.append(bars)
        below.set(ylabel="seeds that choose it")
        if not rules:
            below.text(0.5, 0.5, "none: of every variant a run diverged", transform=below.transAxes, ha="center")
        for axes in (above, below):
            drawing.factor_axis(axes, study)
    drawing.label_outer(figure)
    drawing.legend_below(figure, handles)
    counts = choices.groupby(["block", "rule", "variant", "label"], sort=False).size().reset_index(name="seeds")
    return Drawing(figure, pd.concat([_estimates(section, _split_metrics(section)), counts]))


@register("Training (hollow) and test, and the gap between them, against the number of parameters.")
def capacity(section: Section) -> Drawing:
    """Draw training, test and their gap against the number of parameters."""
    study, score = section.study, section.study.score
    sizes = section.effects["parameters"].set_index("variant")["estimate"]
    palette = drawing.palette(study)
    figure, panels = drawing.panels_of_blocks(study, [""], ["score", "gap"])
    metrics = {f"train_{score}": "score", f"test_{score}": "score", f"{score}_gap": "gap"}
    for block in study.blocks:
        for metric, row in metrics.items():
            axes, table = panels[row, block, ""], section.effects[metric]
            for numbers in table[table["block"] == block].itertuples():
                filled = colours.GROUND if metric.startswith("train") else palette[numbers.label]
                style: dict[str, Any] = {
                    "color": palette[numbers.label],
                    "markerfacecolor": filled,
                    "marker": "o",
                    "capsize": 2,
                }
                bars = drawing.error_bars(axes, sizes[numbers.variant], numbers, markersize=4, **style)
                tip(bars.lines[0], [described(numbers, METRICS[metric], numbers.label)])
        above, below = panels["score", block, ""], panels["gap", block, ""]
        above.set(ylabel=score, xscale="log")
        drawing.label_log(above.xaxis)
        below.set(xlabel=f"{METRICS['parameters'].label} (log scale)", ylabel=_axis_label(f"{score}_gap"))
        if score == "loss":
            drawing.log_axis(above)
    drawing.label_outer(figure)
    handles = [
        Line2D([], [], color=palette[name], marker="o", linewidth=0, label=drawing.short_name(name))
        for name in drawing.highlighted(study)
    ]
    for fill, name in ((colours.GROUND, "training"), (colours.QUIET, "test")):
        style = {"color": colours.QUIET, "marker": "o", "linewidth": 0, "markerfacecolor": fill}
        handles.append(Line2D([], [], label=name, **style))
    drawing.legend_below(figure, handles)
    data = _estimates(section, metrics)
    return Drawing(figure, data.assign(parameters=data["variant"].map(sizes)))


@register(
    "Some examples of the first seed with the colour and marker of their class, and the boundaries between the classes "
    "that its runs draw."
)
def shift(section: Section) -> Drawing:
    """Draw examples before and after the shift, and each variant's boundaries between the classes."""
    study, points, learned = section.study, section.diagnostics.points, section.diagnostics.weights
    styles = drawing.lines_of(study)
    titles = {"train": "before the shift (training)", "test": "after it (test)"}
    figure, panels = drawing.panels_of_blocks(study, list(titles.values()), height=1.8)
    low, high = points[["x1", "x2"]].min().min(), points[["x1", "x2"]].max().max()
    plane = np.stack(np.meshgrid(*[np.linspace(low, high, 121)] * 2), axis=-1)
    for block in study.blocks:
        for split, title in titles.items():
            axes = panels["", block, title]
            for number_of_class, group in points[points["split"] == split].groupby("label"):
                marker, colour = _style_of_class(number_of_class)
                style: dict[str, Any] = {"marker": marker, "color": colour, "edgecolor": colours.QUIET}
                axes.scatter(group["x1"], group["x2"], s=9, linewidth=0.3, **style)
            for variant in study.variants:
                values = learned[(learned["variant"] == variant.id) & (learned["seed_index"] == 0)]["value"].to_numpy()
                if variant.block == block and len(values) and _features(section, variant.id) == 2:
                    _boundary(axes, plane, values, styles[variant.label])
            axes.set(xlabel="x1", ylabel="x2")
    drawing.label_outer(figure)
    drawing.legend_above(figure, _handles_of_classes(points["label"]))
    drawing.legend_below(figure, drawing.label_handles(study), drawing.factor_label(study))
    first = drawing.with_labels(study, learned[learned["seed_index"] == 0])
    return Drawing(figure, pd.concat([points, first[["variant", "position", "value"]]]))


def _style_of_class(number_of_class: int) -> tuple[str, str]:
    """Return the marker and the colour of a class; every tenth class has the same."""
    return _MARKERS[number_of_class % len(_MARKERS)], colours.CLASSES[number_of_class % len(colours.CLASSES)]


def _handles_of_classes(labels: Iterable[int]) -> list[Line2D]:
    """Return an entry of a legend for each marker, with the classes that have it."""
    names: dict[tuple[str, str], list[str]] = {}
    for number_of_class in sorted(set(labels)):
        names.setdefault(_style_of_class(number_of_class), []).append(str(number_of_class))
    style: dict[str, Any] = {"linewidth": 0, "markersize": 4, "markeredgewidth": 0.3, "markeredgecolor": colours.QUIET}
    return [
        Line2D([], [], marker=marker, color=colour, label=f"class {', '.join(classes)}", **style)
        for (marker, colour), classes in names.items()
    ]


def _boundary(axes: Axes, plane: np.ndarray, values: np.ndarray, style: Mapping[str, Any]) -> None:
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
            line = {"colors": [style["color"]], "linestyles": [style["linestyle"]], "linewidths": 1.5}
            axes.contour(plane[..., 0], plane[..., 1], difference, levels=[0], **line)


# --- figures that follow from the factors ----------------------------------------------------------------------------


@register(
    "{splits} against {factor}: {score_mean} {seeds} {shaded}; below, the mean gap between them.",
    when=lambda section: (
        drawing.is_numeric(section.study) and len(section.study.labels) > 3 and section.study.figure != "selection"
    ),
)
def path(section: Section) -> Drawing:
    """Draw training, validation, test and their gap against the number that distinguishes the variants."""
    study, score = section.study, section.study.score
    figure, panels = drawing.panels_of_blocks(study, [""], ["splits", "gap"])
    for block in study.blocks:
        above, below = panels["splits", block, ""], panels["gap", block, ""]
        handles = _splits(above, section, block)
        gaps = section.estimates(f"{score}_gap", block)
        line = drawing.band(below, gaps, "position", colours.INK, marker="o", markersize=3)
        tip(line, [described(row, METRICS[f"{score}_gap"], row.label) for row in gaps.itertuples()])
        below.set(ylabel=_axis_label(f"{score}_gap"))
        for axes in (above, below):
            drawing.factor_axis(axes, study)
    drawing.label_outer(figure)
    drawing.legend_below(figure, handles)
    return Drawing(figure, _estimates(section, [*_split_metrics(section), f"{score}_gap"]))


def _split_metrics(section: Section) -> list[str]:
    names = [f"{split}_{section.study.score}" for split in ("train", "validation", "test")]
    return [name for name in names if name in section.effects]


def _splits(axes: Axes, section: Section, block: str) -> list[Any]:
    """Draw training, validation if there is any, and test against the variants in order; return their lines."""
    lines = []
    for metric in _split_metrics(section):
        table, part = section.estimates(metric, block), drawing.PARTS[metric.partition("_")[0]]
        # dots of validation stay visible where test has the same values
        style: dict[str, Any] = {"marker": "o", "markersize": 3, "zorder": 3 if "validation" in metric else 2, **part}
        line = drawing.band(axes, table, "position", **style)
        tip(line, [described(row, METRICS[metric], row.label) for row in table.itertuples()])
        lines.append(line)
    axes.set(ylabel=section.study.score)
    if section.study.score == "loss":
        drawing.log_axis(axes)
    return lines


@register(
    "Loss while training, on the training set (left) and the test set (right): geometric mean {seeds} {shaded}."
    "{others}{ends}{stops}",
    when=lambda section: True,
)
def curves(section: Section) -> Drawing:
    """Draw training and test loss against the epoch."""
    study = section.study
    table, styles = drawing.with_labels(study, section.curves), drawing.lines_of(study)
    titles = {"train": "training", "test": "test"}
    figure, panels = drawing.panels_of_blocks(study, list(titles.values()), alike=False)
    for block in study.blocks:
        for split, title in titles.items():
            axes = panels["", block, title]
            chosen = table[(table["block"] == block) & (table["split"] == split)]
            for name, rows in chosen.groupby("label", sort=False):
                line = drawing.band(axes, rows, "epoch", **styles[name])
                last = rows.iloc[-1]
                tip(line, f"{name}, {title}: {significant(last['estimate'])} after epoch {last['epoch']:g}")
            axes.set(xlabel="epoch", ylabel="loss")
            axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return _finished(figure, section, table)


# quantities of a layer, and their axis
_QUANTITIES = {"gradient_rms": "gradients\n(rms)", "activation_sd": "activations\n(sd)"}


def _about_layers(section: Section) -> bool:
    factors = section.study.factors
    about = any(factor.startswith(("model.initialization", "model.activation")) for factor in factors)
    return bool(about and "hidden" in section.study.traits)


def _drawn_quantities(section: Section) -> list[str]:
    """Return the quantities that several layers have: the activations of a single hidden layer are a point."""
    layers = section.layers.groupby("quantity")["layer"].nunique()
    return [quantity for quantity in _QUANTITIES if layers.get(quantity, 0) > 1]


@register(
    "How far signals reach at the start: activations (sd) in the last hidden layer and gradients (rms) in the first "
    "layer, geometric mean {seeds}, below 0.001 and above 1,000 to the nearest power of ten; – if 0 or not finite. "
    "Blue is larger than the median of the panel, orange smaller, up to 1,000 times.",
    when=lambda section: (
        any(factor.startswith("model.initialization") for factor in section.study.factors)
        and len(section.study.blocks) > 1
        and len(_drawn_quantities(section)) > 1
    ),
)
def signals(section: Section) -> Drawing:
    """Draw the size of activations and gradients after all layers, for each variant, as a table of colours."""
    study = section.study
    start = section.layers[section.layers["moment"] == "start"].set_index(["variant", "quantity", "layer"])["estimate"]
    rows = []
    for variant in study.variants:
        for quantity, layer in (("activation_sd", len(variant.config.model.hidden)), ("gradient_rms", 1)):
            # 0 and sizes that are not finite have no estimate
            size = start.get((variant.id, quantity, layer), math.nan)
            rows.append([variant.id, variant.label, variant.block, quantity, layer, size])
    table = pd.DataFrame(rows, columns=["variant", "label", "block", "quantity", "layer", "estimate"])
    titles = {"activation_sd": "activations (sd),\nlast hidden layer", "gradient_rms": "gradients (rms),\nfirst layer"}
    figure, panels = drawing.grid(1, 2, height=0.2 * len(study.labels) + 0.5, sharey=True)
    for axes, (quantity, title) in zip(panels.flat, titles.items(), strict=True):
        sizes = table[table["quantity"] == quantity]
        decades = np.log10(sizes["estimate"])
        tints = np.clip(np.nan_to_num(decades - decades.median()) / _DECADES, -1, 1)
        for row, tint in zip(sizes.itertuples(), tints, strict=True):
            place = study.blocks.index(row.block), study.labels.index(row.label)
            text = _rough(row.estimate) if len(study.blocks) <= _WIDE else ""
            cell = drawing.colour_cell(axes, *place, tint, text, fontsize=6)
            size = "0 or not finite" if math.isnan(row.estimate) else significant(row.estimate)
            tip(cell, f"{row.label}, {row.block}: {size} in layer {row.layer}")
        names = ([drawing.short_name(name, 24) for name in names] for names in (study.blocks, study.labels))
        drawing.label_cells(axes, *names)
        axes.tick_params(axis="x", rotation=35, length=0, labelsize=6.5)
        axes.set_title(title, fontweight="normal", fontsize=7.5)
    return Drawing(figure, table)


def _rough(value: float) -> str:
    """Return at most two digits and three decimals of a number, of one that is far from 1 the nearest power of ten."""
    if math.isnan(value):
        return "–"
    if _NEAR <= value < 1 / _NEAR:
        return np.format_float_positional(float(f"{value:.2g}"), precision=3, trim="-")
    return drawing.power_of_ten(round(math.log10(value)))


@register(
    "Size of the gradients (rms) and of the activations (sd, of several hidden layers) in each layer, at the start "
    "(left) and after training (right), on log scales: geometric mean {seeds} {shaded}; no point where it is 0 or not "
    "finite.{others}",
    when=_about_layers,
)
def layers(section: Section) -> Drawing:
    """Draw the size of gradients and activations against depth, at the start and after training."""
    study = section.study
    titles = {"start": "at the start", "end": "after training"}
    table, styles = drawing.with_labels(study, section.layers), drawing.lines_of(study)
    height = 1.05 if study.blocked else drawing.PANEL
    figure, panels = drawing.panels_of_blocks(study, list(titles.values()), _drawn_quantities(section), height)
    for (quantity, block, title), axes in panels.items():
        chosen = table[(table["block"] == block) & (table["quantity"] == quantity)]
        for (name, moment), rows in chosen.groupby(["label", "moment"], sort=False):
            if titles[moment] == title:
                tip(drawing.band(axes, rows, "layer", marker="o", markersize=2.5, **styles[name]), name)
        axes.set(xlabel="layer", ylabel=_QUANTITIES[quantity])
        axes.xaxis.set_major_locator(MaxNLocator(4, integer=True))
    return _finished(figure, section, table, "")


def _finished(figure: Figure, section: Section, table: pd.DataFrame, suffix: str = " (log scale)") -> Drawing:
    """Add logarithmic axes and the legend of the variants."""
    for axes in figure.axes:
        drawing.log_axis(axes, suffix)
    drawing.label_outer(figure)
    drawing.legend_below(figure, drawing.label_handles(section.study), drawing.factor_label(section.study))
    return Drawing(figure, table)


def _axis_label(metric: str) -> str:
    """Return the label of a metric for the y axis of a panel."""
    return drawing.wrapped(METRICS[metric].label, 20)


def _estimates(section: Section, metrics: Iterable[str]) -> pd.DataFrame:
    """Return a row for each metric and variant: what it is estimated as."""
    columns = ["variant", "label", "block", "n", "diverged", "estimate", "low", "high"]
    return pd.concat([section.effects[name][columns].assign(metric=name) for name in metrics], ignore_index=True)


# the files that a figure is drawn from, if these are not the results alone
_SOURCES: Mapping[str, tuple[Callable[[str], Path], ...]] = {
    "predictions": (artifacts.diagnostics_path,),
    "weights": (artifacts.diagnostics_path,),
    "shift": (artifacts.diagnostics_path,),
    "signals": (artifacts.diagnostics_path,),
    "layers": (artifacts.diagnostics_path,),
    "curves": (artifacts.curves_path,),
}
