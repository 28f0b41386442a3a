"""The page, one HTML file that opens from disk and needs no network, and its summary in Markdown."""

import re
from collections.abc import Callable, Mapping, Sequence

import jinja2
from markupsafe import Markup, escape

from pipeline.analysis.judging import why_underpowered
from pipeline.analysis.selection import RULES
from pipeline.project.metrics import METRICS
from pipeline.report import colours, reading, svg
from pipeline.report.drawing import Picture
from pipeline.report.format import (
    cells,
    count_verdicts,
    digits,
    effect_with_interval,
    p_value,
    points_in_examples,
    size,
    z_score,
)
from pipeline.report.markdown import anchor, escape_markdown, line_of, paragraph, title
from pipeline.report.provenance import configs, differs
from pipeline.report.section import Report

Pictures = Mapping[str, Sequence[Picture]]

_WARNED = 20  # columns whose warnings the summary lists


def files(drawn: Pictures) -> list[dict[str, bytes]]:
    """Return the SVG, the PNG and the CSV of every figure, each by name."""
    figures = {f"{key}_{figure.name}": figure for key, listed in drawn.items() for figure in listed}
    return [
        {name: figure.svg.encode() for name, figure in figures.items()},
        {name: figure.png for name, figure in figures.items()},
        {name: figure.csv.encode() for name, figure in figures.items()},
    ]


def render(report: Report, drawn: Pictures) -> str:
    """Return the page with its figures, as `figures.draw` returns them."""
    themes = svg.themes([figure.svg for listed in drawn.values() for figure in listed])
    inks = {verdict.replace(" ", "-"): ink.colour for verdict, ink in colours.VERDICTS.items()}
    light, dark = (
        "; ".join(
            [theme, *(f"--{name}: {ink if theme is themes[0] else colours.on_dark(ink)}" for name, ink in inks.items())]
        )
        for theme in themes
    )
    filters = (configs, differs, svg.inline, with_code)
    html = _filled("page.html.jinja", report, drawn, filters, themes=(light, dark))
    # a number stays on one line with its sign or unit
    return re.sub(r"(?<=[0-9n]) (?=%)|(?<=[×±]) (?=\d)|(?<=\bn) (?== \d)|(?<=\bn =) (?=\d)", "\N{NO-BREAK SPACE}", html)


def summary(report: Report, drawn: Pictures) -> str:
    """Return the summary in Markdown, which links to the files of the figures."""
    filters = (differs, escape_markdown, paragraph, line_of, title, anchor)
    return _filled("summary.md.jinja", report, drawn, filters, warned=_WARNED)


def with_code(text: str) -> Markup:
    """Escape a text for HTML; what stands between backticks becomes code.

    >>> with_code("`a` < b")
    Markup('<code>a</code> &lt; b')
    """
    return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _filled(
    template: str, report: Report, drawn: Pictures, filters: Sequence[Callable[..., object]], **values: object
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.report", "."),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    numbers = (cells, count_verdicts, digits, effect_with_interval, p_value, points_in_examples, size, z_score)
    words = (reading.claimed, reading.compared, reading.expectation)
    sentences = (reading.margin_of, reading.power_of, reading.sentence)
    suspicions = {section.study.id: report.suspicion(section) for section in report.sections}
    environment.filters |= {function.__name__: function for function in (*numbers, *words, *sentences, *filters)}
    text: str = environment.get_template(template).render(
        report=report,
        drawn=drawn,
        metrics=METRICS,
        rules=RULES,
        verdicts=colours.VERDICTS,
        why_underpowered=why_underpowered,
        reading=reading,
        suspicions={id: text for id, text in suspicions.items() if text},
        **values,
    )
    return text + "\n"
