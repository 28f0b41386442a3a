"""The page: one HTML file that opens from disk and needs no network; and its summary as Markdown."""

import re
from collections.abc import Callable, Mapping, Sequence

import jinja2
from markupsafe import Markup

from pipeline.analysis.judging import VERDICTS, floor
from pipeline.analysis.selection import RULES
from pipeline.project.metrics import METRICS
from pipeline.report.drawing import Picture
from pipeline.report.figures import pictures
from pipeline.report.markdown import anchor, escaped, line_of, paragraph, title
from pipeline.report.measurement_figures import measurement_picture
from pipeline.report.numbers import digits, effect, effect_interval, interval, number, p_value
from pipeline.report.provenance import differing, differs, shared
from pipeline.report.section import Report


def draw(report: Report) -> dict[str, list[Picture]]:
    """All figures, by id of the study or measurement."""
    drawn = {one.study.id: pictures(one) for one in report.sections}
    return drawn | {
        one.id: [measurement_picture(one.config, one.measured, one.findings)] for one in report.measurements
    }


def files(drawn: Mapping[str, Sequence[Picture]]) -> dict[str, str]:
    """SVG text by the name of its file."""
    return {f"{key}_{one.name}": one.svg for key, figures in drawn.items() for one in figures}


def render(report: Report, drawn: Mapping[str, Sequence[Picture]]) -> str:
    """The page.

    Args:
        report: What it says.
        drawn: The figures, as `draw` makes them.
    """
    filters = {one.__name__: one for one in (differs, shared, differing, inline, pixels)}
    html = _filled("page.html.jinja", filters, report, drawn)
    # a number and its percent sign stay on one line
    return re.sub(r"(?<=[0-9n]) %", "\N{NO-BREAK SPACE}%", html)


def summary(report: Report, drawn: Mapping[str, Sequence[Picture]]) -> str:
    """The page in short, as Markdown beside the figures' files; arguments as of `render`."""
    filters: dict[str, Callable[..., object]] = {
        "escaped": escaped,
        "paragraph": paragraph,
        "line_of": line_of,
        "title": title,
        "anchor": anchor,
    }
    return _filled("summary.md.jinja", filters, report, drawn)


def _filled(
    template: str,
    filters: Mapping[str, Callable[..., object]],
    report: Report,
    drawn: Mapping[str, Sequence[Picture]],
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.report", "."),
        autoescape=jinja2.select_autoescape(["html.jinja"]),
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    numbers = (number, interval, effect, effect_interval, digits, p_value)
    environment.filters |= {one.__name__: one for one in numbers} | dict(filters)
    text: str = environment.get_template(template).render(
        report=report, drawn=drawn, metrics=METRICS, rules=RULES, verdicts=VERDICTS, floor=floor
    )
    return text + "\n"


def pixels(svg: str) -> int:
    """Natural width of a figure on a screen, for which matplotlib writes points."""
    found = re.search(r'viewBox="0 0 ([\d.]+) ', svg)
    assert found, "matplotlib writes a viewBox"
    return round(float(found[1]) * 4 / 3)


def inline(svg: str, name: str) -> Markup:
    """A figure as part of the page: without prologue and fixed size, its ids made unique by a prefix."""
    body = svg[svg.index("<svg") :]
    body = re.sub(r'<svg [^>]*?viewBox="([^"]+)"[^>]*>', r'<svg viewBox="\1">', body, count=1)
    body = re.sub(r'\bid="', f'id="{name}-', body)
    body = body.replace("url(#", f"url(#{name}-").replace('xlink:href="#', f'href="#{name}-')
    # made by matplotlib from text that it escaped itself
    return Markup(body)  # noqa: S704
