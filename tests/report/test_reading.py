import dataclasses
import math

import numpy as np
import pytest
from report import invented
from report.sections import made, of

from pipeline.analysis.claims import COLUMNS
from pipeline.report import reading


def paragraphs(*sections, **judging) -> str:
    project = dataclasses.replace(made().project, judging=made().project.judging.model_copy(update=judging))
    return "\n".join(reading.how_to_read(dataclasses.replace(made(), project=project, sections=list(sections))))


def test_the_rules_that_apply_are_said_and_no_others():
    linear, images, diverged = of("weight_decay"), of("activation"), of("named")
    on_table = dataclasses.replace(linear, study=dataclasses.replace(linear.study, split_correlations={"test": 0.25}))
    for text, given in ((reading.IMAGES, images), (reading.TABLES, on_table), (reading.DIVERGED, diverged)):
        assert text in paragraphs(given)
        others = [section for section in (linear, images, diverged, on_table) if section is not given]
        assert text not in paragraphs(*others)
    assert paragraphs(linear, images).count("\n\n") == 0


def test_alpha_and_the_margins_of_the_judged_metrics_are_said():
    text = " ".join(paragraphs(of("weight_decay"), alpha=0.01).split())
    assert "is at most 0.01, " in text
    assert "at most 1 % of families" in text
    assert "(test loss × 0.952 to × 1.05)" in text
    both = paragraphs(of("weight_decay"), of("activation"), margins={"test_loss": 1.1, "test_accuracy": 0.02})
    assert "(test loss × 0.909 to × 1.10, test accuracy ± 2.00 points)" in both
    assert "declared in params.yaml, or all pairs" in " ".join(paragraphs(of("weight_decay"), margins={}).split())


def test_the_power_of_a_study_is_that_of_its_easiest_and_its_hardest_variant():
    """Of one size no variant is named; of none that is known, nothing is said."""
    section = of("ridge")
    names = [variant.id for variant in section.study.variants[1:]]

    def said(*detectable: float) -> str:
        return reading.power_of(
            dataclasses.replace(section, power=section.power.loc[names].assign(detectable=list(detectable)))
        )

    end = "; smaller effects are found less often, or are equivalent."
    easy, hard = "× 0.800 or × 1.25 (weight decay 1)", "× 0.500 or × 2.00 (weight decay 3)"
    assert said(1.25, 2.0, math.nan) == f"With 80 % power these seeds detect at best {easy}, at worst {hard}{end}"
    assert said(2.0, 2.0, 2.0) == f"With 80 % power these seeds detect × 0.500 or × 2.00{end}"
    assert said(math.nan, math.nan, math.nan) == ""
    # pairs without any spread say nothing about another effect
    power = section.power.loc[names].assign(detectable=[1.25, 2.0, 1.0], sd=[0.1, 0.0, 0.0])
    one = reading.power_of(dataclasses.replace(section, power=power))
    assert one == f"With 80 % power these seeds detect × 0.800 or × 1.25{end}"


def test_a_study_says_its_own_margin():
    section = of("weight_decay")
    assert reading.margin_of(section) == ""
    own = dataclasses.replace(section, study=dataclasses.replace(section.study, margin=1.001))
    assert reading.margin_of(own) == "Equivalent within × 0.99900 to × 1.00100."


CLAIMS = [
    # expected, margin, effect, low, high, scale, metric -> expectation, effect, interval
    (("lower", np.nan, 0.8, 0.7, 0.9, "log", "test_loss"), "lower", "× 0.800", "[0.700, 0.900]"),
    (("equal", 1.05, 1.0, 1.0, 1.0, "log", "test_loss"), "the same, within × 0.952 to × 1.05", "× 1.00", "all equal"),
    (("equal", 0.002, 0.01, 0.0, 0.02, "linear", "test_accuracy"), "the same, within ± 0.20 points", "+1.00 points",
     "[0.00, +2.00]"),
    (("equal", 1e-9, 0.0, np.nan, np.nan, "linear", "a_quantity"), "the same, within ± 1e−09", "0", ""),
    (("higher", np.nan, -0.5, -0.75, -0.25, "rank", "test_loss"), "rises", "rank correlation −0.500",
     "[−0.750, −0.250]"),
    (("lower", np.nan, np.nan, np.nan, np.nan, "rank", "test_loss"), "falls", "–", ""),
    (("higher", np.nan, np.nan, np.nan, np.nan, "log", "test_loss"), "higher", "–", ""),
]  # fmt: skip


@pytest.mark.parametrize(("cells", "expected", "effect", "interval"), CLAIMS)
def test_a_claim_in_words(cells, expected, effect, interval):
    names = ("expected", "margin", "effect", "low", "high", "scale", "metric")
    assert set(names) < set(COLUMNS)
    claims = invented.made()[3].claims
    row = next(claims.iloc[:1].assign(**dict(zip(names, cells, strict=True))).itertuples())
    found = (reading.expectation(row), *reading.claimed(row))
    assert found == (expected, effect, interval)


def test_a_claim_says_what_is_compared():
    claims = {row.id: row for row in invented.made()[3].claims.itertuples()}
    assert reading.compared(claims["helps"]) == "test loss: elu against tanh"
    assert reading.compared(claims["contrary"]) == "gap of test loss to training loss: 50, 100, 200, 400"
    assert reading.compared(claims["computed"]) == "largest gradient of sigmoid (0.25) against 0.25"
