"""Seaborn figures of one study, as SVG that is byte for byte the same for the same tables."""

import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import matplotlib
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from pipeline.report.section import Section
from pipeline.variants import Study, Variant

_RC = {
    "svg.hashsalt": "mlp-ablations",
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "axes.titleweight": "bold",
    "legend.frameon": False,
}
_HEIGHT = 3.3  # inches of one panel
_DASHES = {"test": "-", "train": "--", "start": "-", "end": "--"}
_WORDS = {"test": "test", "train": "training", "start": "at the start", "end": "after training"}
_QUANTITIES = {
    "gradient_rms": "rms of the gradients",
    "activation_sd": "sd of the activations",
}


def svgs(section: Section) -> Mapping[str, str]:
    """The figures of a study by name: `effects`, `curves` and, where the question asks for them, `layers`."""
    figures = {"effects": effects, "curves": curves} | ({"layers": layers} if section.shows_layers else {})
    return {name: _svg(section, draw) for name, draw in figures.items()}


def _svg(section: Section, draw: Callable[[Section], Figure]) -> str:
    style: dict[str, Any] = {**sns.plotting_context("paper", font_scale=1.15), **sns.axes_style("whitegrid"), **_RC}
    with matplotlib.rc_context(style):
        file = io.StringIO()
        draw(section).savefig(file, format="svg", bbox_inches="tight", metadata={"Date": None, "Creator": None})
    return file.getvalue()


def effects(section: Section) -> Figure:
    """The study's metric against its factor: every run, the centre of every variant and its 95 % interval."""
    study, metric = section.study, section.metric
    table = section.effects[metric.name]
    runs = section.results.merge(table[["variant", "label", "block"]], on="variant")
    labels, palette = _labels(study), _palette(study)
    longest = max(map(len, labels))
    slanted = longest > 12 or (bool(study.blocked) and longest > 6)
    width = len(labels) * (0.6 if slanted else max(0.35, 0.13 * longest))
    figure, panels = _panels(study, max(3.2 if study.blocked else 4.5, min(width, 9.0)))
    for block, axes in panels:
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
                row.centre,
                yerr=[[row.centre - row.low], [row.high - row.centre]],
                marker="o",
                markersize=5,
                capsize=3,
                linewidth=1.6,
                color=palette[row.label],
            )
        axes.set(xlabel=_factor_words(study), ylabel=metric.label)
        if metric.scale == "log":
            _log(axes)
        # also a variant of which no run finished keeps its place
        axes.set(xticks=range(len(labels)), xticklabels=labels, xlim=(-0.5, len(labels) - 0.3))
        if slanted:
            axes.tick_params(axis="x", rotation=25)
            for tick in axes.get_xticklabels():
                tick.set(ha="right", rotation_mode="anchor")
        axes.label_outer()
    return figure


def curves(section: Section) -> Figure:
    """Loss against epoch, training and test, with the 95 % interval of the centre as a band."""
    study = section.study
    table = _labelled(study, section.curves)
    figure, panels = _panels(study, 3.2 if study.blocked else 5.2)
    for block, axes in panels:
        _lines(axes, table[table["block"] == block], study, x="epoch", style="split")
        axes.set(xlabel="epoch", ylabel="loss")
        axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
        _log(axes)
        axes.label_outer()
    _legend(figure, study, ("test", "train"))
    return figure


def layers(section: Section) -> Figure:
    """Size of gradients and activations against depth, at the start and after training."""
    study = section.study
    table = _labelled(study, section.layers)
    blocks = _blocks(study)
    width = 3.2 if study.blocked else 5.2
    figure = Figure(figsize=(width * len(blocks), _HEIGHT * len(_QUANTITIES)), layout="constrained")
    grid = figure.subplots(len(_QUANTITIES), len(blocks), squeeze=False, sharex=True, sharey="row")
    for row, (quantity, words) in zip(grid, _QUANTITIES.items(), strict=True):
        for axes, block in zip(row, blocks, strict=True):
            here = table[(table["block"] == block) & (table["quantity"] == quantity)]
            _lines(axes, here, study, x="layer", style="moment", marker="o", markersize=3)
            axes.set(xlabel="layer", ylabel=words, title=block if quantity == next(iter(_QUANTITIES)) else "")
            _log(axes)
            axes.xaxis.set_major_locator(MaxNLocator("auto", integer=True))
            axes.label_outer()
    _legend(figure, study, ("start", "end"))
    return figure


# --- what the figures share ------------------------------------------------------------------------------------------


def _lines(axes: Axes, table: pd.DataFrame, study: Study, x: str, style: str, **line: Any) -> None:
    palette = _palette(study)
    for (name, part), group in table.groupby(["label", style], sort=False):
        sns.lineplot(
            data=group,
            x=x,
            y="centre",
            color=palette[name],
            linestyle=_DASHES[part],
            errorbar=None,
            estimator=None,
            ax=axes,
            **line,
        )
        axes.fill_between(group[x], group["low"], group["high"], color=palette[name], alpha=0.18, linewidth=0)


def _panels(study: Study, width: float) -> tuple[Figure, list[tuple[str, Axes]]]:
    """One panel for each block of variants that are compared with each other, on shared axes."""
    blocks = _blocks(study)
    figure = Figure(figsize=(width * len(blocks), _HEIGHT), layout="constrained")
    row = figure.subplots(1, len(blocks), squeeze=False, sharey=True, sharex=True)[0]
    panels = list(zip(blocks, row, strict=True))
    for block, axes in panels:
        axes.set_title(block)
    return figure, panels


def _log(axes: Axes) -> None:
    """A logarithmic axis; where it spans little more than a decade, with plain numbers instead of powers of ten."""
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    if high / low < 30:
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high / low > 5 else MaxNLocator(5))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.yaxis.set_minor_locator(NullLocator())
    axes.set_ylabel(f"{axes.get_ylabel()} (log scale)")


def _legend(figure: Figure, study: Study, parts: tuple[str, ...]) -> None:
    palette = _palette(study)
    handles = [Line2D([], [], color=palette[name], label=name, linewidth=2) for name in _labels(study)]
    handles += [Line2D([], [], color="grey", linestyle=_DASHES[part], label=_WORDS[part]) for part in parts]
    columns = 1 + len(handles) // 12
    figure.legend(handles=handles, loc="outside right center", title=_factor_words(study), ncols=columns)


def _labelled(study: Study, table: pd.DataFrame) -> pd.DataFrame:
    known = {variant.id: variant for variant in study.variants}
    return table.assign(
        label=[known[key].label for key in table["variant"]], block=[known[key].block for key in table["variant"]]
    )


def _labels(study: Study) -> list[str]:
    return list(dict.fromkeys(variant.label for variant in study.variants))


def _blocks(study: Study) -> list[str]:
    return list(dict.fromkeys(variant.block for variant in study.variants))


def _is_numeric(study: Study) -> bool:
    """Whether one number tells the variants apart."""

    def number(variant: Variant) -> bool:
        value = variant.factors[study.compared[0]]
        return isinstance(value, int | float) and not isinstance(value, bool)

    return not study.named and len(study.compared) == 1 and all(map(number, study.variants))


def _palette(study: Study) -> dict[str, Any]:
    """A colour for each label: shades in order for numbers, distinct colours for names."""
    labels = _labels(study)
    # the colours made for the colour-blind are ten; more variants need more hues
    named = "colorblind" if len(labels) <= 10 else "husl"
    colours = sns.color_palette("crest" if _is_numeric(study) else named, len(labels))
    return dict(zip(labels, colours, strict=True))


def _factor_words(study: Study) -> str:
    """`optimizer.weight_decay` as "weight decay", `model.initialization.weight` as "weight initialization"."""
    if study.named:
        return "variant"
    keys = [factor.split(".") for factor in study.compared]
    return ", ".join(" ".join(reversed(key[1:] or key)).replace("_", " ") for key in keys)


def captions(section: Section) -> Iterator[tuple[str, str]]:
    """Name and caption of every figure, in the order of the page."""
    metric, n = section.metric.label, section.seeds
    mean = "geometric mean" if section.metric.scale == "log" else "mean"
    interval = "and its 95 % interval" if n > 1 else "(no interval from a single one)"
    band = "and, as a band, its 95 % interval" if n > 1 else interval
    seeds = f"over {n} seed{'s' if n > 1 else ''}"
    yield (
        "effects",
        f"{metric.capitalize()} against {_factor_words(section.study)}: every run (small dots), the {mean} "
        f"{seeds} {interval}.",
    )
    yield (
        "curves",
        f"Loss while training, on the training set (dashed) and the test set: geometric mean {seeds} {band}. "
        "A line ends where a run diverges.",
    )
    if section.shows_layers:
        yield (
            "layers",
            "Size of the gradients and of the activations in each layer, at the start (solid) and after training "
            f"(dashed): geometric mean {seeds} {band}; no point where it is 0 or not finite.",
        )
