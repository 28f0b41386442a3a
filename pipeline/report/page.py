"""The page: one HTML file that opens from disk and needs no network."""

import math
import re
from collections.abc import Mapping, Sequence

import jinja2
from markupsafe import Markup

from pipeline.analysis.selection import RULES
from pipeline.project.metrics import METRICS, Metric
from pipeline.project.variants import Study, label
from pipeline.report.drawing import Picture
from pipeline.report.figures import pictures
from pipeline.report.probe_figures import probe_picture
from pipeline.report.section import Report


def draw(report: Report) -> dict[str, list[Picture]]:
    """All figures, by id of the study or probe."""
    drawn = {one.study.id: pictures(one) for one in report.sections}
    return drawn | {one.id: [probe_picture(one.settings, one.measured, one.findings)] for one in report.probes}


def files(drawn: Mapping[str, Sequence[Picture]]) -> dict[str, str]:
    """SVG text by the name of its file."""
    return {f"{key}_{one.name}": one.svg for key, figures in drawn.items() for one in figures}


def render(report: Report, drawn: Mapping[str, Sequence[Picture]]) -> str:
    """The page.

    Args:
        report: What it says.
        drawn: The figures, as `draw` makes them.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("pipeline.report", "."),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {
        "number": number,
        "interval": interval,
        "effect": effect,
        "differs": differs,
        "inline": inline,
        "pixels": pixels,
        "digits": digits,
    }
    template = environment.get_template("page.html.jinja")
    html: str = template.render(report=report, drawn=drawn, metrics=METRICS, rules=RULES)
    return html + "\n"


def number(value: float, metric: Metric) -> str:
    """A value of a metric: accuracies in percent, everything else with three significant digits.

    >>> number(0.0123456, METRICS["test_loss"]), number(0.91234, METRICS["test_accuracy"])
    ('0.0123', '91.2 %')
    """
    if math.isnan(value):
        return "–"
    return f"{100 * value:.1f} %" if metric.unit == "fraction" else significant(value)


def interval(low: float, high: float, metric: Metric) -> str:
    """An interval in square brackets, empty where it is not defined."""
    return "" if math.isnan(low) else f"[{number(low, metric)}, {number(high, metric)}]"


def effect(value: float, metric: Metric | None) -> str:
    """An effect on the metric's scale: a factor for losses, percentage points for accuracies; else a difference.

    >>> effect(0.5, METRICS["test_loss"]), effect(-0.012, METRICS["test_accuracy"])
    ('× 0.500', '−1.20 points')
    """
    if math.isnan(value):
        return "–"
    if metric is not None and metric.scale == "log":
        # three digits would hide an effect that is nearly none
        return f"× {value:.5f}" if 0.99 < value < 1.01 and value != 1 else f"× {significant(value)}"
    fraction = metric is not None and metric.unit == "fraction"
    points = f"{100 * value:+.2f} points" if fraction else f"{value:+.3g}"
    return points.replace("-", "−")


def digits(value: float, count: int = 4) -> str:
    """So many significant digits; published numbers have four."""
    return "–" if math.isnan(value) else f"{value:.{count}g}"


def differs(study: Study, id: str) -> str:
    """In what a named variant differs from the baseline: "model features 2, optimizer learning rate 0.1"."""
    variant = study.variant(id)
    baseline = study.variant(variant.baseline)
    return ", ".join(
        f"{' '.join(factor.split('.')[-2:]).replace('_', ' ')} {label(value)}"
        for factor, value in variant.factors.items()
        if value != baseline.factors[factor]
    )


def significant(value: float) -> str:
    """Three significant digits, without an exponent where a person reads it better so.

    >>> significant(90.123), significant(1.2e-7), significant(12345.6)
    ('90.1', '1.20e-07', '12346')
    """
    if math.isnan(value):
        return "–"
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    magnitude = math.floor(math.log10(abs(value)))
    if -4 <= magnitude < 6:
        return f"{value:.{max(0, 2 - magnitude)}f}"
    return f"{value:.2e}"


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
