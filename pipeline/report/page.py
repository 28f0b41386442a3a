"""The page: one HTML file that opens from disk and needs no network."""

import math
import re
from collections.abc import Mapping, Sequence

import jinja2
from markupsafe import Markup

from pipeline.metrics import METRICS, Metric
from pipeline.params import Params
from pipeline.report.figures import captions
from pipeline.report.section import Section
from pipeline.variants import Variant, label


def render(project: Params, sections: Sequence[tuple[Section, Mapping[str, str]]]) -> str:
    """The page.

    Args:
        project: The settings that the runs were made with.
        sections: Every study with its figures by name.
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
    }
    template = environment.get_template("page.html.jinja")
    html: str = template.render(project=project, sections=sections, metrics=METRICS, captions=captions)
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


def effect(value: float, metric: Metric) -> str:
    """An effect on the metric's scale: a factor for losses, percentage points for accuracies.

    >>> effect(0.5, METRICS["test_loss"]), effect(-0.012, METRICS["test_accuracy"])
    ('× 0.500', '−1.20 points')
    """
    if math.isnan(value):
        return "–"
    if metric.scale == "log":
        return f"× {significant(value)}"
    points = f"{100 * value:+.2f} points" if metric.unit == "fraction" else f"{value:+.3g}"
    return points.replace("-", "−")


def differs(variant: Variant) -> str:
    """What a named variant sets: "features 2, learning rate 0.1"."""
    return ", ".join(
        f"{factor.rsplit('.', 1)[-1].replace('_', ' ')} {label(value)}" for factor, value in variant.factors.items()
    )


def significant(value: float) -> str:
    """Three significant digits, without an exponent where a person reads it better so.

    >>> significant(90.123), significant(1.2e-7), significant(12345.6)
    ('90.1', '1.20e-07', '12346')
    """
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
