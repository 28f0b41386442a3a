"""The overview: which effect stands for a study, and how it is drawn."""

import dataclasses
import math
import re

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from report import invented

from pipeline.report import colours, drawing, overview
from pipeline.report.figures import render
from pipeline.report.overview import MainEffect


def effects() -> dict[str, MainEffect]:
    return {main.study: main for main in overview.main_effects(invented.made()[3])}


def example(study: str, effect: float, **fields) -> MainEffect:
    values = {
        "scale": "ratio",
        "metric": "test_loss",
        "variant": "a",
        "compared": "a against b",
        "rule": "only",
        "claim": "",
        "n": 5,
        "low": effect * 0.9,
        "high": effect * 1.1,
        "verdict": "undecided",
        "note": "",
        "margin": 1.05,
        "others": (),
    }
    return MainEffect(study=study, effect=effect, **(values | fields))


def drawn(*mains: MainEffect):
    with drawing.style():
        made = overview.draw(mains)
        made.figure.draw_without_rendering()
    return made.figure.axes[0], made


@pytest.mark.parametrize(
    ("study", "variant", "rule"),
    [
        ("few", "activation_relu", "claim"),
        ("trend", "examples_400", "claim"),  # the last variant of the trend
        ("choice", "weight_decay_0p1", "largest"),
        ("perfect", "activation_sigmoid", "largest"),
        ("stopping", "early_stopping_validation_loss_fraction_0p2_patience_3", "only"),
    ],
)
def test_the_main_effect_is_that_of_the_first_claim_otherwise_the_largest(study, variant, rule):
    main = effects()[study]
    assert (main.variant, main.rule) == (variant, rule)
    section = next(section for section in invented.made()[3].sections if section.study.id == study)
    row = section.effects[section.study.metric].set_index("variant").loc[variant]
    assert (main.effect, main.verdict, main.n) == (row.effect, row.verdict, row.n)
    assert main.claim in (("holds", "fails", "undecided") if rule == "claim" else ("",))
    chosen = rule == "largest"
    assert (main.low, main.high) == (
        (row.selected_low, row.selected_high) if chosen else (row.effect_low, row.effect_high)
    )
    assert not chosen or main.high - main.low > row.effect_high - row.effect_low
    assert len(main.others) == section.effects[section.study.metric]["effect"].notna().sum() - 1


def test_a_claim_about_another_metric_or_baseline_does_not_choose():
    """The study `trend` has a claim about the test loss, and it judges the gap."""
    project = invented.made()[0]
    claims = {
        id: claim for id, claim in project.claims.items() if claim.source == "trend" and claim.metric != "loss_gap"
    }
    assert claims
    assert overview._claimed(dataclasses.replace(project, claims=claims)) == {}


def test_studies_that_compare_nothing_have_no_main_effect_and_scales_stay_apart():
    found = effects()
    assert "alone" not in found
    assert found.keys() | {"alone"} == invented.made()[0].studies.keys()
    sketches = overview.sketches(list(found.values()))
    assert [sketch.name for sketch in sketches] == ["ratio", "points", "loss_gap"]
    assert {found[study].scale for study in ("perfect", "agreement", "rates")} == {"points"}
    assert sketches[0].sources == tuple(
        f"reports/results/{study}.csv" for study, main in found.items() if main.scale == "ratio"
    )
    assert "* The largest effect" in sketches[1].caption
    assert overview.sketches([]) == []


def test_every_study_is_a_link_with_its_comparison_its_number_and_its_mark():
    mains = [
        example("one_study", 0.5, verdict="better"),
        example("other", 1.2, verdict="worse", rule="largest", metric="train_loss", claim="fails"),
    ]
    axes, made = drawn(*mains)
    texts = {text.get_text(): text for text in axes.texts}
    assert texts["One study"].get_url() == "#one_study"
    assert {"One study", "a against b", "Other", "a against b; training loss; claim fails"} == set(texts)
    assert axes.get_xlabel() == "test loss unless named: ratio to the baseline; left is better"
    (levels,) = axes.child_axes
    numbers = {tick.get_text(): tick.get_color() for tick in levels.get_yticklabels()}
    assert numbers == {
        "× 0.500 [0.450, 0.550]": colours.VERDICTS["better"].colour,
        "× 1.20* [1.08, 1.32]": colours.VERDICTS["worse"].colour,
    }
    assert [line.get_marker() for line in axes.lines if line.get_marker() in ("^", "v")] == ["^", "v"]
    svg = render(drawing.Sketch("ratio", "", (), lambda: overview.draw(mains)))["svg"].decode()
    assert set(re.findall('<a xlink:href="([^"]*)"', svg)) == {"../index.html#one_study", "../index.html#other"}
    assert "<title>One study, a against b: × 0.500 [0.450, 0.550], better, n = 5</title>" in svg
    assert made.data[["study", "effect", "verdict", "rule"]].values.tolist() == [
        ["one_study", 0.5, "better", "only"],
        ["other", 1.2, "worse", "largest"],
    ]


def test_points_are_percentage_points():
    axes, _ = drawn(example("study", 0.0123, scale="points", metric="test_accuracy", low=0.01, high=0.02, margin=0.005))
    assert [tick.get_text() for tick in axes.child_axes[0].get_yticklabels()] == ["+1.23 [+1.00, +2.00]"]
    assert {"0", "+1"} <= {tick.get_text() for tick in axes.get_xticklabels()}


def test_a_study_whose_runs_diverged_says_so():
    lost = example(
        "lost", math.nan, low=math.nan, high=math.nan, verdict="worse", note="diverged: 3 of 3 against 0 of 3"
    )
    axes, _ = drawn(dataclasses.replace(lost, rule="largest"), example("kept", 0.9))
    assert "diverged: 3 of 3 against 0 of 3" in {text.get_text() for text in axes.texts}
    assert [tick.get_text() for tick in axes.child_axes[0].get_yticklabels()] == ["–", "× 0.900 [0.810, 0.990]"]
    drawn(lost)


@pytest.mark.parametrize("study", ["s", "a_study_with_a_long_name", "a_name_of_60_" + "x" * 47])
def test_text_stays_within_the_figure(study):
    compared = "weight decay 0.001 and dropout [0.2, 0.5] against weight decay 0 and dropout [0, 0] with $\\frac"
    axes, made = drawn(example(study, 0.9, compared=compared, verdict="better"))
    renderer = FigureCanvasAgg(made.figure).get_renderer()
    boxes = [text.get_window_extent(renderer) for text in axes.texts if text.get_text()]
    assert all(0 <= box.x0 < box.x1 <= made.figure.bbox.x1 for box in boxes)
