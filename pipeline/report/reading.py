"""Sentences that explain the numbers, for the page and the summary."""

import math
from collections.abc import Iterator
from typing import Any

from pipeline.analysis.significance import EXACT, SAMPLED
from pipeline.project.metrics import METRICS
from pipeline.report.format import digits, effect_with_interval, size, within
from pipeline.report.section import Report, Section


def how_to_read(report: Report) -> Iterator[str]:
    """Yield the paragraphs on estimates, verdicts and answers, with the rules that the project declares."""
    sections, judging = report.sections, report.project.judging
    text = ESTIMATES
    if any(section.data.facts().images for section in sections):
        text += f" {IMAGES}"
    if any(section.study.split_correlations["test"] for section in sections):
        text += f" {TABLES}"
    yield text
    judged = {section.study.metric for section in sections}
    margins = ", ".join(
        f"{METRICS[name].label} {within(margin, METRICS[name])}"
        for name, margin in judging.margins.items()
        if name in judged
    )
    yield VERDICTS.format(
        alpha=digits(judging.alpha),
        percent=digits(100 * judging.alpha, 3),
        exact=EXACT,
        draws=f"{SAMPLED:,}",
        margins=f" ({margins})" if margins else "",
    )
    if any(section.diverged for section in sections):
        yield DIVERGED
    yield ANSWERS


ESTIMATES = """\
A study trains variants that differ in declared factors and compares them with a baseline, seed by seed: losses as
ratios of geometric means (× 0.5 is half the loss), accuracies as differences of means in percentage points. n is the
number of seeds, or of repetitions of a measurement, that a number rests on. Intervals are 95 % t intervals, cut to
the range of the metric (of a share, Clopper and Pearson’s); each holds for its row alone. If a run diverged, the
estimate is that of the runs that finished, without interval or effect."""

IMAGES = """\
Training and test images are fixed: intervals cover the randomness of training, not the choice of the images."""

TABLES = """\
A table is split again for every seed: intervals and p are those of the corrected resampled t test and hold for
another table of the same size."""

VERDICTS = """\
The variants of a study, judged by its metric, are one family. Better and worse (for a metric without a better
direction, higher and lower): p, adjusted by Holm’s procedure, is at most {alpha}, and the interval at the same
adjusted level excludes zero effect; if variants and baseline are drawn alike, at most {percent} % of families report
an effect (docs/statistics.md has the limits). p comes from sign flips: all of them up to {exact} seeds, else Monte
Carlo with {draws} draws. Equivalent, even if p is small: the 95 % interval lies within the margin declared in
params.yaml{margins}, or all pairs are identical. Undecided does not mean “no difference”: “80 % power from” is the
smallest effect that these seeds find in 80 % of cases."""

DIVERGED = """\
If runs of a variant or of its baseline diverged, p compares how often they did (exact McNemar test): the verdict is
worse or better if the rates differ significantly, else not comparable; for a metric without a better direction it is
not comparable."""

ANSWERS = """\
An answer lists the variants by verdict. Its intervals are adjusted for the selection of rows by their adjusted p,
which equivalent rows can have, too (false coverage rate, Benjamini and Yekutieli). Of more than five variants it
names the one with the largest effect, which tends to be overestimated. An interaction of two factors is a difference
of differences, for losses a ratio of ratios, beside the reference values of all other factors; the interactions of a
study are a family of their own."""

CLAIMS = """\
A claim was declared in params.yaml, with its expected direction. A claim about a pair and a metric that its study
judges is the verdict of the study: it holds if the verdict is the expected one, fails if it is another, and is
undecided with it. All other claims of a study or measurement are one family of their own, adjusted together by Holm’s
procedure: a claim holds if its adjusted p is at most {alpha} and its interval at the same adjusted level lies on the
expected side (for “the same”, within the margin), and fails if it lies on the other side. p comes from sign flips, of
“the same” and of a measured mean from the t test, of a share from the binomial test. A claim about a trend is tested
by Page’s rank correlation of the metric with the order of the variants in each seed. It fails, too, if a step between
neighbours significantly goes the other way, which is one more test of the family, and if the whole change lies within
the margin. A number in brackets is the measured one."""


def how_claims_are_judged(report: Report) -> str:
    """Return the rules for claims."""
    return CLAIMS.format(alpha=digits(report.project.judging.alpha))


THEORY = """\
Theory is an approximation: it counts the directions outside the data alone, or the noise alone."""

PUBLISHED = """\
Results of executed notebooks of “Dive into Deep Learning” (edition 0.x), over independent rebuilds of the book, and
the results of this project with the same configs. The rule: inside the published range if there is one, else within
two published standard deviations of the estimate, else within 10 %. Inside does not mean equal; z is Welch’s
two-sample statistic of both means, with p adjusted over the table by Holm’s procedure. Measured is the same
statistic, mean or median; z is that of means. For image models, training loss and accuracy are running means over the
last epoch; everything else is measured after training."""


def power_of(section: Section) -> str:
    """Say which effects the seeds of a study detect, the smallest and the largest with their variants."""
    # pairs without any spread say nothing about another effect
    known = section.power.loc[section.power["sd"] > 0, "detectable"].dropna()
    if known.empty:
        return ""
    ends = known.idxmin(), known.idxmax()
    sizes = [size(known[id], section.metric) for id in ends]
    if sizes[0] == sizes[1]:
        found = sizes[0]
    else:
        blocks = [section.study.variant(id).block for id in ends]
        names = [section.study.spoken(id) for id in ends]
        words = [f"{name} with {block}" if block else name for name, block in zip(names, blocks, strict=True)]
        found = f"at best {sizes[0]} ({words[0]}), at worst {sizes[1]} ({words[1]})"
    return f"With 80 % power these seeds detect {found}; smaller effects are found less often, or are equivalent."


def margin_of(section: Section) -> str:
    """Say which margin a study has of its own; empty if it has none."""
    own = section.study.margin
    return "" if own is None else f"Equivalent within {within(own, section.metric)}."


def compared(claim: Any) -> str:
    """Return the metric of a claim in words, and what is compared."""
    metric = METRICS.get(claim.metric)
    label = f"{metric.label}: " if metric else ""
    return f"{label}{claim.where}"


def expectation(claim: Any) -> str:
    """Return what a claim expects, with its margin."""
    text = "the same" if claim.expected == "equal" else str(claim.expected)
    if claim.scale == "rank":
        return "rises" if claim.expected == "higher" else "falls"
    return text if math.isnan(claim.margin) else f"{text}, within {within(claim.margin, METRICS.get(claim.metric))}"


def claimed(claim: Any) -> tuple[str, str]:
    """Return the effect of a claim, of a trend the mean rank correlation, and its interval."""
    is_trend = claim.scale == "rank"
    metric = None if is_trend else METRICS.get(claim.metric)
    text, limits = effect_with_interval(claim.effect, claim.low, claim.high, metric)
    return f"rank correlation {text}" if is_trend and not math.isnan(claim.effect) else text, limits


def sentence(text: str) -> str:
    """Return a text that begins with a capital letter and ends with a full stop.

    >>> sentence("two words"), sentence("`x` is one.")
    ('Two words.', '`x` is one.')
    """
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
