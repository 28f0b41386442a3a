"""The page, one HTML file that opens from disk and needs no network, and its summary in Markdown."""

import re
from collections.abc import Callable, Mapping, Sequence

import jinja2
from markupsafe import Markup

from pipeline.analysis.judging import why_underpowered
from pipeline.analysis.selection import RULES
from pipeline.project.metrics import METRICS
from pipeline.report import reading
from pipeline.report.drawing import Picture
from pipeline.report.format import (
    cells,
    count_verdicts,
    digits,
    effect,
    effect_interval,
    p_value,
    points_in_examples,
    size,
)
from pipeline.report.markdown import anchor, escape_markdown, line_of, paragraph, title
from pipeline.report.provenance import configs, differs
from pipeline.report.section import Report

Pictures = Mapping[str, Sequence[Picture]]


def files(drawn: Pictures) -> dict[str, str]:
    """Return the SVG of every figure by the name of its file."""
    return {f"{key}_{figure.name}": figure.svg for key, figures in drawn.items() for figure in figures}


def render(report: Report, drawn: Pictures) -> str:
    """Return the page with its figures, as `figures.draw` returns them."""
    html = _filled("page.html.jinja", report, drawn, configs, differs, inline, pixels)
    # a number stays on one line with its sign or unit
    return re.sub(r"(?<=[0-9n]) (?=%)|(?<=[×±]) (?=\d)|(?<=\bn) (?== \d)|(?<=\bn =) (?=\d)", "\N{NO-BREAK SPACE}", html)


def summary(report: Report, drawn: Pictures) -> str:
    """Return the summary in Markdown, which links to the files of the figures."""
    return _filled("summary.md.jinja", report, drawn, differs, escape_markdown, paragraph, line_of, title, anchor)


def _filled(template: str, report: Report, drawn: Pictures, *filters: Callable[..., object]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.report", "."),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    numbers = (cells, count_verdicts, digits, effect, effect_interval, p_value, points_in_examples, size)
    words = (reading.claimed, reading.claimed_interval, reading.compared, reading.expectation)
    sentences = (reading.margin_of, reading.power_of)
    environment.filters |= {function.__name__: function for function in (*numbers, *words, *sentences, *filters)}
    text: str = environment.get_template(template).render(
        report=report,
        drawn=drawn,
        metrics=METRICS,
        rules=RULES,
        why_underpowered=why_underpowered,
        reading=reading,
        how_to_read=reading.how_to_read,
        how_claims_are_judged=reading.how_claims_are_judged,
    )
    return text + "\n"


def pixels(svg: str) -> int:
    """Return the natural width of a figure on a screen; matplotlib writes it in points."""
    return round(float(svg.partition('viewBox="0 0 ')[2].split()[0]) * 4 / 3)


def inline(svg: str, name: str) -> Markup:
    """Return a figure as part of the page: without prologue and fixed size, its ids prefixed to make them unique."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1">', body, count=1)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    # written by matplotlib, which escapes text
    return Markup(body)  # noqa: S704
