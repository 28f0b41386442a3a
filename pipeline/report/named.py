"""Figures that a study asks for by name (`figure:` in params.yaml)."""

import itertools
import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from pipeline.data.config import Linear, Polynomial
from pipeline.project.variants import described
from pipeline.report.drawing import (
    DASHES,
    HEIGHT,
    WORDS,
    band,
    block_names,
    colours,
    factor_words,
    label_names,
    log_axis,
    name_ticks,
    panels_of_blocks,
    shortened,
    with_labels,
)
from pipeline.report.section import Section


def splits(axes: Axes, section: Section, block: str) -> None:
    """Training, validation where there is one, and test against the variants as they are listed."""
    palette = dict(zip(("train", "validation", "test"), sns.color_palette("colorblind", 3), strict=True))
    for split, colour in palette.items():
        name = f"{split}_{section.kind}"
        if name in section.effects:
            band(axes, section.placed(name, block), "place", colour, linestyle=DASHES[split], label=WORDS[split])
    axes.set(ylabel=section.kind)
    if section.kind == "loss":
        log_axis(axes)
    axes.legend()


def predictions(section: Section) -> Figure:
    """Test images with label and prediction, for each variant some that are right and some that are wrong."""
    rows = list(section.diagnostics.pictures.groupby(["variant", "right"], sort=False))
    columns = max(len(group) for _, group in rows)
    figure = Figure(figsize=(1.1 * columns + 1, 1.35 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for line, ((variant, right), group) in zip(grid, rows, strict=True):
        for axes in line:
            axes.set(xticks=[], yticks=[])
            axes.grid(False)
            axes.spines[:].set_visible(False)
        for axes, (_, row) in zip(line, group.iterrows(), strict=False):
            side = math.isqrt(len(row["pixels"]))
            pixels = np.asarray(row["pixels"]).reshape(side, -1)
            axes.imshow(pixels, cmap="gray_r", vmin=0, vmax=1, interpolation="none")
            words = row["truth"] if right else f"{row['prediction']}\nis {row['truth']}"
            axes.set_title(words, fontsize=8, fontweight="normal")
        line[0].set_ylabel(f"{shortened(section.name(variant))}\n{'right' if right else 'wrong'}", fontsize=8)
    return figure


def weights(section: Section) -> Figure:
    """The weights that were learned beside the true ones: every seed, and the mean with its 95 % interval."""
    study = section.study
    table, learned = (
        with_labels(study, _without_bias(section, one)) for one in (section.diagnostics.weights, section.weights)
    )
    truth = _true_weights(section)
    shown = [place for place in sorted(table["place"].unique()) if place < _MOST_WEIGHTS]
    labels, palette = label_names(study), colours(study)
    figure, panels = panels_of_blocks(study, max(5.2, 0.13 * len(shown) * len(labels)))
    for block, axes in panels:
        for number, name in enumerate(labels):
            runs = table[(table["block"] == block) & (table["label"] == name) & table["place"].isin(shown)]
            shift = 0.7 * ((number + 0.5) / len(labels) - 0.5)
            axes.scatter(runs["place"] + shift, runs["value"], s=6, alpha=0.35, color=palette[name], linewidth=0)
            means = learned[(learned["block"] == block) & (learned["label"] == name) & learned["place"].isin(shown)]
            errors = [means["estimate"] - means["low"], means["high"] - means["estimate"]]
            look = {"marker": "_", "linestyle": "none", "color": palette[name], "label": shortened(name)}
            axes.errorbar(means["place"] + shift, means["estimate"], yerr=errors, linewidth=1.2, **look)
        known = [place for place in shown if place < len(truth)]
        axes.scatter(known, [truth[place] for place in known], marker="x", color="black", zorder=3, label="true")
        axes.set(xlabel="weight", ylabel="value", xticks=shown if len(shown) <= 30 else shown[::10])
        axes.label_outer()
    handles, words = panels[0][1].get_legend_handles_labels()
    figure.legend(handles, words, loc="outside right center", title=factor_words(study))
    return figure


_MOST_WEIGHTS = 50


def _features(section: Section, variant: str) -> int:
    features = section.study.variant(variant).config.model.features
    return described(section.data).features if features == "all" else features


def _without_bias(section: Section, table: pd.DataFrame) -> pd.DataFrame:
    """The bias stands behind the weights of a variant, where another variant has a weight."""
    counts = [_features(section, variant) for variant in table["variant"]]
    return table[table["place"].to_numpy() < np.array(counts)]


def _true_weights(section: Section) -> list[float]:
    match section.data:
        case Polynomial():
            return [*section.data.weights, *[0.0] * (section.data.features - len(section.data.weights))]
        case Linear():
            return [section.data.weight] * section.data.inputs
    return []


_SOLVED = {"weight_norm": "norm of the weights", "test_loss": "test loss"}


def ridge(section: Section) -> Figure:
    """Norm of the weights and test loss as trained, beside those of the closed form of the same problem."""
    study = section.study
    figure, panels = panels_of_blocks(study, 5.2, rows=2)
    trained, solved = sns.color_palette("colorblind", 2)
    for block, column in panels:
        for axes, metric, words in zip(column, _SOLVED, _SOLVED.values(), strict=True):
            for name, colour, style in ((metric, trained, "-"), (f"closed_form_{metric}", solved, "--")):
                label = "trained" if name == metric else "least squares / ridge"
                band(axes, section.placed(name, block), "place", colour, linestyle=style, marker="o", label=label)
            axes.set(xlabel=factor_words(study), ylabel=words)
            log_axis(axes)
            name_ticks(axes, label_names(study))
            axes.label_outer()
        column[0].legend()
    return figure


def selection(section: Section) -> Figure:
    """Training, validation and test against the variants, and how often each is chosen by validation."""
    study = section.study
    labels = label_names(study)
    figure, panels = panels_of_blocks(study, max(5.2, 0.35 * len(labels)), rows=2)
    for block, (above, below) in panels:
        splits(above, section, block)
        chosen = with_labels(study, section.choices[section.choices["block"] == block])
        rules = list(dict.fromkeys(chosen["rule"]))
        for number, rule in enumerate(rules):
            counts = chosen.loc[chosen["rule"] == rule, "label"].value_counts()
            places = [place + 0.8 * ((number + 0.5) / len(rules) - 0.5) for place in range(len(labels))]
            heights = [int(counts.get(name, 0)) for name in labels]
            colour = sns.color_palette("colorblind")[3 + number]
            below.bar(places, heights, width=0.8 / len(rules), color=colour, label=rule.replace("_", " "))
        below.set(xlabel=factor_words(study), ylabel="seeds that choose it")
        if rules:
            below.legend()
        else:
            below.text(0.5, 0.5, "none: of every variant a run diverged", transform=below.transAxes, ha="center")
        name_ticks(below, labels)
        above.label_outer()
        below.label_outer()
    return figure


def capacity(section: Section) -> Figure:
    """Training and test, and the gap between them, against the number of parameters."""
    study, kind = section.study, section.kind
    sizes = section.effects["parameters"].set_index("variant")["estimate"]
    palette = colours(study)
    figure, panels = panels_of_blocks(study, 5.2, rows=2)
    for block, (above, below) in panels:
        for axes, name in ((above, f"train_{kind}"), (above, f"test_{kind}"), (below, f"{kind}_gap")):
            table = section.effects[name]
            for row in table[table["block"] == block].itertuples():
                error = [[row.estimate - row.low], [row.high - row.estimate]]
                filled = "none" if name.startswith("train") else palette[row.label]
                look = {"color": palette[row.label], "markerfacecolor": filled, "capsize": 3}
                axes.errorbar(sizes[row.variant], row.estimate, yerr=error, marker="o", **look)
        above.set(ylabel=kind, xscale="log")
        below.set(xlabel="number of weights and biases (log scale)", ylabel=f"gap in {kind}")
        if kind == "loss":
            log_axis(above)
        above.label_outer()
        below.label_outer()
    handles = [
        Line2D([], [], color=palette[name], marker="o", linewidth=0, label=shortened(name))
        for name in label_names(study)
    ]
    for fill, words in (("none", "training"), ("grey", "test")):
        handles.append(Line2D([], [], color="grey", marker="o", linewidth=0, markerfacecolor=fill, label=words))
    figure.legend(handles=handles, loc="outside right center", title=factor_words(study))
    return figure


_SIDES = {"train": "before the shift (training)", "test": "after it (test)"}


def shift(section: Section) -> Figure:
    """Examples before and after the shift, and where each variant of the first seed draws the line between classes."""
    study, points, table = section.study, section.diagnostics.points, section.diagnostics.weights
    blocks, palette = block_names(study), colours(study)
    figure = Figure(figsize=(8.0, HEIGHT * len(blocks) + 0.4), layout="constrained")
    grid = figure.subplots(len(blocks), 2, squeeze=False, sharex=True, sharey=True)
    low, high = points[["x1", "x2"]].min().min(), points[["x1", "x2"]].max().max()
    plane = np.stack(np.meshgrid(*[np.linspace(low, high, 121)] * 2), axis=-1)
    for line, block in zip(grid, blocks, strict=True):
        for axes, (split, words) in zip(line, _SIDES.items(), strict=True):
            for label, group in points[points["split"] == split].groupby("label"):
                colour = sns.color_palette("pastel")[int(label) % 10]
                axes.scatter(group["x1"], group["x2"], s=14, color=colour, edgecolor="grey", linewidth=0.3)
            for variant in study.variants:
                own = table[(table["variant"] == variant.id) & (table["seed_index"] == 0)].sort_values("place")
                if variant.block == block and len(own) and _features(section, variant.id) == 2:
                    _boundary(axes, plane, own["value"].to_numpy(), palette[variant.label])
            axes.set(xlabel="x1", ylabel="x2", title=", ".join(part for part in (block, words) if part))
            axes.label_outer()
    handles = [Line2D([], [], color=palette[name], label=shortened(name), linewidth=2) for name in label_names(study)]
    figure.legend(handles=handles, loc="outside right center", title=factor_words(study))
    return figure


def _boundary(axes: Any, plane: np.ndarray, values: np.ndarray, colour: Any) -> None:
    """Where the largest output changes from one class to another."""
    classes = len(values) // 3
    if not np.isfinite(values).all():
        # where training diverged no line divides anything
        return
    first, second, biases = values.reshape(3, classes)
    outputs = plane[..., :1] * first + plane[..., 1:] * second + biases
    for one, other in itertools.combinations(range(classes), 2):
        rest = np.delete(outputs, [one, other], axis=-1)
        highest = np.maximum(outputs[..., one], outputs[..., other])
        difference = outputs[..., one] - outputs[..., other]
        if rest.shape[-1]:
            difference = np.where(rest.max(axis=-1) > highest, np.nan, difference)
        seen = difference[~np.isnan(difference)]
        if seen.size and seen.min() < 0 < seen.max():
            axes.contour(plane[..., 0], plane[..., 1], difference, levels=[0], colors=[colour], linewidths=1.8)


NAMED: Mapping[str, tuple[str, Callable[[Section], Figure]]] = {
    "predictions": (
        "Test images as the first seed's runs see them; of a wrong one the prediction, then what it is.",
        predictions,
    ),
    "weights": (
        "Learned weights of every seed (dots), their mean with its interval (bars), and the true ones (crosses).",
        weights,
    ),
    "ridge": (
        "As trained (line) and the closed form of the same problem (dashed), with 95 % intervals.",
        ridge,
    ),
    "selection": (
        "Above, training, validation (mean over the folds of a seed) and test, with 95 % intervals; below, how many "
        "seeds choose each variant by validation.",
        selection,
    ),
    "capacity": ("Training (hollow) and test, and the gap between them, against the number of parameters.", capacity),
    "shift": (
        "Examples of the first seed in the colour of their class, and the boundaries that its runs draw between them.",
        shift,
    ),
}
