"""The figures of a study that follow from its factors."""

import contextlib
from collections.abc import Iterator

import numpy as np
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from pipeline.report.drawing import (
    DASHES,
    Picture,
    band,
    colours,
    factor_words,
    is_long,
    is_numeric,
    label_names,
    legend,
    log_axis,
    name_ticks,
    panels_of_blocks,
    picture,
    seeds_words,
    with_labels,
)
from pipeline.report.named import NAMED, splits
from pipeline.report.section import Section

_QUANTITIES = {
    "gradient_rms": "rms of the gradients",
    "activation_sd": "sd of the activations",
}


@contextlib.contextmanager
def _numpy_state_kept() -> Iterator[None]:
    """For seaborn, which draws a jitter from NumPy's global generator also where there is none: from zero to zero."""
    state = np.random.get_state()  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002


def pictures(section: Section) -> list[Picture]:
    """The figures of a study in the order of the page: the one that it names, then those that its factors ask for."""
    n = section.seeds
    mean = "geometric mean" if section.metric.scale == "log" else "mean"
    interval = "and its 95 % interval" if n > 1 else "(no interval from a single one)"
    shaded = "and, as a band, its 95 % interval" if n > 1 else interval
    metric, factor = section.metric.label, factor_words(section.study)
    drawn = []
    named = section.study.figure
    if named is not None and named in NAMED:
        caption, draw = NAMED[named]
        drawn.append(picture(named, caption, lambda: draw(section)))
    caption = f"{metric.capitalize()} against {factor}: every run (small dots), the {mean} {seeds_words(n)} {interval}."
    drawn.append(picture("effects", caption, lambda: effects(section)))
    if is_numeric(section.study) and len(label_names(section.study)) > 3:
        caption = f"Training and test against {factor}: {mean} {seeds_words(n)} {shaded}; below, the gap between them."
        drawn.append(picture("path", caption, lambda: path(section)))
    caption = (
        f"Loss while training, on the training set (dashed) and the test set: geometric mean {seeds_words(n)} {shaded}."
        " A line ends where a run diverges."
    )
    drawn.append(picture("curves", caption, lambda: curves(section)))
    if section.shows_layers:
        caption = (
            "Size of the gradients and of the activations in each layer, at the start (solid) and after training "
            f"(dashed): geometric mean {seeds_words(n)} {shaded}; no point where it is 0 or not finite."
        )
        drawn.append(picture("layers", caption, lambda: layers(section)))
    return drawn


def effects(section: Section) -> Figure:
    """The study's metric against its factor: every run, the estimate of every variant and its 95 % interval."""
    study, metric = section.study, section.metric
    table = section.effects[metric.name]
    runs = section.results.merge(table[["variant", "label", "block"]], on="variant")
    labels, palette = label_names(study), colours(study)
    longest = max(map(len, labels))
    width = len(labels) * (0.6 if is_long(labels) else max(0.35, 0.13 * longest))
    figure, panels = panels_of_blocks(study, max(3.2 if study.blocked else 4.5, min(width, 9.0)))
    for block, axes in panels:
        with _numpy_state_kept():
            sns.stripplot(
                data=runs[(runs["block"] == block) & (runs["status"] == "finished")],
                x="label",
                y=metric.name,
                order=labels,
                hue="label",
                hue_order=labels,
                palette=palette,
                formatter=str,
                alpha=0.45,
                size=3.5,
                jitter=False,
                legend=False,
                ax=axes,
            )
        for row in table[table["block"] == block].itertuples():
            place = labels.index(row.label)
            if row.diverged:
                words = f"{row.diverged} of {row.runs} runs diverged"
                note = axes.text(place, 0.02, words, transform=axes.get_xaxis_transform(), rotation=90, ha="center")
                note.set_in_layout(False)
            axes.errorbar(
                place + 0.2,
                row.estimate,
                yerr=[[row.estimate - row.low], [row.high - row.estimate]],
                marker="o",
                markersize=5,
                capsize=3,
                linewidth=1.6,
                color=palette[row.label],
            )
        axes.set(xlabel=factor_words(study), ylabel=metric.label)
        if metric.scale == "log":
            log_axis(axes)
        name_ticks(axes, labels)
        axes.label_outer()
    return figure


def path(section: Section) -> Figure:
    """Training, validation and test against the number that tells the variants apart, and the gap between them."""
    study, kind = section.study, section.kind
    figure, panels = panels_of_blocks(study, 3.6 if study.blocked else 5.2, rows=2)
    for block, (above, below) in panels:
        splits(above, section, block)
        band(below, section.placed(f"{kind}_gap", block), "place", "black")
        below.set(xlabel=factor_words(study), ylabel=f"gap in {kind}")
        name_ticks(below, label_names(study))
        above.label_outer()
        below.label_outer()
    return figure


def curves(section: Section) -> Figure:
    """Loss against epoch, training and test, with the 95 % interval of the estimate as a band."""
    study = section.study
    table, palette = with_labels(study, section.curves), colours(study)
    figure, panels = panels_of_blocks(study, 3.2 if study.blocked else 5.2)
    for block, axes in panels:
        for (name, split), group in table[table["block"] == block].groupby(["label", "split"], sort=False):
            band(axes, group, "epoch", palette[name], linestyle=DASHES[split])
        axes.set(xlabel="epoch", ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        log_axis(axes)
        axes.label_outer()
    legend(figure, study, ("test", "train"))
    return figure


def layers(section: Section) -> Figure:
    """Size of gradients and activations against depth, at the start and after training."""
    study = section.study
    table, palette = with_labels(study, section.layers), colours(study)
    figure, panels = panels_of_blocks(study, 3.2 if study.blocked else 5.2, rows=len(_QUANTITIES))
    for block, column in panels:
        for axes, (quantity, words) in zip(column, _QUANTITIES.items(), strict=True):
            here = table[(table["block"] == block) & (table["quantity"] == quantity)]
            for (name, moment), group in here.groupby(["label", "moment"], sort=False):
                band(axes, group, "layer", palette[name], linestyle=DASHES[moment], marker="o", markersize=3)
            axes.set(xlabel="layer", ylabel=words)
            log_axis(axes)
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
            axes.label_outer()
    legend(figure, study, ("start", "end"))
    return figure
