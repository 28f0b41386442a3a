"""Claims are completed from their study; what they name and the project does not have is noted and stops nothing."""

import pytest
from samples import CLAIM

from pipeline.project import params

CLAIMS = "studies.weight_decay.claims"
GRID = "studies.weight_decay.grid.optimizer.weight_decay"
REVERSE = CLAIM | {"variant": "weight_decay_0", "against": "weight_decay_3"}
TREND = {"claim": "?", "trend": ["weight_decay_0", "weight_decay_3", "weight_decay_5"], "expect": "lower"}
MEASURED = {"claim": "?", "quantity": "log10_largest", "against": 1.0, "expect": "higher"}


def test_a_claim_may_leave_out_the_metric_and_the_baseline(params_file):
    short = {"claim": "?", "variant": "weight_decay_3", "expect": "lower"}
    claims = params.load(params_file({CLAIMS: {"short": short, "long": CLAIM}})).claims
    for claim in claims.values():
        assert (claim.source, claim.metric, claim.against) == ("weight_decay", "test_loss", "weight_decay_0")


def test_a_claim_about_what_the_study_judges_is_decided_by_its_verdict(params_file):
    """The verdict is about a variant and its baseline; a claim may name them in any order."""
    written = {
        "plain": {"claim": "?", "variant": "weight_decay_3", "expect": "lower"},
        "full": CLAIM,
        "reverse": REVERSE,
        "equal": CLAIM | {"expect": "equal"},
        "other_metric": CLAIM | {"metric": "weight_norm"},
        "other_pair": CLAIM | {"against": "weight_decay_5"},
        "number": CLAIM | {"against": 0.5},
        "itself": {"claim": "?", "variant": "weight_decay_0", "expect": "lower"},
        "trend": TREND,
    }
    project = params.load(params_file({GRID: [0, 3, 5], CLAIMS: written}))
    judged = {id: claim.judged for id, claim in project.claims.items()}
    assert [id for id in judged if judged[id]] == ["plain", "full", "reverse", "equal"]
    assert {judged[id] for id in judged if judged[id]} == {"weight_decay_3"}
    trend = project.claims["trend"]
    assert (trend.source, trend.metric, trend.against, trend.unknown) == ("weight_decay", "test_loss", "", "")
    # judged by another metric, other claims are decided by it
    changes = {GRID: [0, 3, 5], "studies.weight_decay.metric": "weight_norm"}
    changes[CLAIMS] = {id: claim for id, claim in written.items() if id != "equal"}
    judged = {id: claim.judged for id, claim in params.load(params_file(changes)).claims.items()}
    assert [id for id in judged if judged[id]] == ["plain", "other_metric"]


def test_a_claim_of_two_variants_of_a_block_is_judged_and_of_two_blocks_is_not(params_file):
    def claim(variant, against):
        return {"claim": "?", "variant": f"activation_{variant}", "against": f"activation_{against}", "expect": "lower"}

    written = {
        "one": claim("sigmoid_learning_rate_0p5", "relu_learning_rate_0p5"),
        "two": claim("relu_learning_rate_0p1", "sigmoid_learning_rate_0p5"),
        "baselines": claim("sigmoid_learning_rate_0p1", "sigmoid_learning_rate_0p5"),
    }
    claims = params.load(params_file({"studies.activation.claims": written})).claims
    assert {id: claim.judged for id, claim in claims.items()} == {
        "one": "activation_relu_learning_rate_0p5",
        "two": "",
        "baselines": "",
    }


@pytest.mark.parametrize("margin", [{}, {"margin": 1.1}])
@pytest.mark.parametrize("gone", ["variant", "against"])
def test_about_a_claim_on_a_variant_that_is_gone_a_margin_is_no_mistake(margin, gone, params_file):
    project = params.load(params_file({f"{CLAIMS}.c": CLAIM | {"expect": "equal", gone: "gone"} | margin}))
    assert project.claims["c"].unknown.startswith(f"{gone}: found 'gone'")
    assert len(project.notes) == 1


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({f"{CLAIMS}.c": CLAIM | {"variant": "x"}}, f"{CLAIMS}.c.variant: found 'x', there is weight_decay_0"),
        ({f"{CLAIMS}.c": CLAIM | {"metric": "x"}}, f"{CLAIMS}.c.metric: found 'x', there is train_loss"),
        ({f"{CLAIMS}.c": CLAIM | {"against": "x"}}, f"{CLAIMS}.c.against: found 'x', there is weight_decay_0"),
        ({f"{CLAIMS}.c": CLAIM | {"metric": "parameters"}}, f"{CLAIMS}.c.metric: found 'parameters', there is"),
        # a change of the baseline or the metric decides what the study judges
        ({f"{CLAIMS}.c": CLAIM | {"expect": "equal", "margin": 1.1}}, f"{CLAIMS}.c.margin: found 1.1, but"),
        ({f"{CLAIMS}.c": REVERSE | {"expect": "equal", "margin": 1.1}}, f"{CLAIMS}.c.margin: found 1.1, but"),
        ({f"{CLAIMS}.c": CLAIM | {"expect": "equal", "against": 0.5}}, f"{CLAIMS}.c.margin: found nothing, but equal"),
        (
            {f"{CLAIMS}.c": CLAIM | {"expect": "equal", "metric": "weight_norm"}},
            f"{CLAIMS}.c.margin: found nothing, but equal",
        ),
        (
            {f"{CLAIMS}.c": CLAIM | {"variant": "weight_decay_0"}},
            f"{CLAIMS}.c.against: found 'weight_decay_0', the variant",
        ),
        ({f"{CLAIMS}.c": TREND}, f"{CLAIMS}.c.trend: found 'weight_decay_5', there is weight_decay_0"),
        (
            {"measurements.product.claims.c": MEASURED | {"quantity": "x"}},
            "measurements.product.claims.c.quantity: found 'x', there is log10_largest",
        ),
    ],
)
def test_a_claim_about_something_that_does_not_exist_is_noted(changes, note, params_file):
    """A sweep changes grids; its user need not rewrite the claims."""
    project = params.load(params_file(changes))
    (line,) = project.notes
    assert line.partition(": ")[2].startswith(note)
    assert line.endswith("; not measured")
    assert project.claims["c"].unknown in line


def test_a_published_outcome_without_its_source_is_noted_and_left_out(params_file):
    sources = [
        {"study": "x"},
        {"study": "weight_decay", "variant": "weight_decay_0"},
        {"study": "weight_decay", "variant": "x"},
        {"measurement": "x"},
        {"measurement": "product"},
    ]
    outcomes = [{"config": "?", **source} for source in sources]
    project = params.load(params_file({"published": {"file": "p.csv", "outcomes": outcomes}}))
    assert [outcome.model_dump(exclude_none=True) for outcome in project.published.outcomes] == [
        {"config": "?", "factor": "", **source} for source in (sources[1], sources[4])
    ]
    places = [note.partition(": ")[2].partition(": ")[0] for note in project.notes]
    assert places == [f"published.outcomes.{key}" for key in ("0.study", "2.variant", "3.measurement")]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        (
            {"measurements.product.claims.c": MEASURED | {"expect": "equal"}},
            "measurements.product.claims.c.margin: found None, allowed: a number for equal",
        ),
        (
            {f"{CLAIMS}.c": TREND | {"variant": "weight_decay_3"}},
            f"{CLAIMS}.c.variant: found 'weight_decay_3', allowed: this",
        ),
        (
            {f"{CLAIMS}.c": {"claim": "?", "expect": "lower"}},
            f"{CLAIMS}.c.variant: found None, allowed: this or `trend`",
        ),
        ({f"{CLAIMS}.c": TREND | {"against": 0.5}}, f"{CLAIMS}.c.against: found 0.5, allowed: none with `trend`"),
        ({f"{CLAIMS}.c": TREND | {"expect": "equal"}}, f"{CLAIMS}.c.expect: found 'equal', allowed: higher, lower"),
        ({f"{CLAIMS}.c": TREND | {"trend": ["a", "b"]}}, f"{CLAIMS}.c.trend: found ['a', 'b'], allowed: at least 3"),
        (
            {f"{CLAIMS}.c": TREND | {"trend": ["a", "b", "a"]}},
            f"{CLAIMS}.c.trend: found ['a', 'b', 'a'], allowed: each",
        ),
        ({f"{CLAIMS}.c": TREND | {"margin": 1.1}}, f"{CLAIMS}.c.margin: found 1.1, allowed: a number for equal"),
        ({f"{CLAIMS}.c": CLAIM | {"margin": 0.1}}, f"{CLAIMS}.c.margin: found 0.1, allowed: a number for equal"),
        (
            {f"{CLAIMS}.c": CLAIM | {"expect": "equal", "margin": 0.5}},
            f"{CLAIMS}.c.margin: found 0.5, allowed: a ratio above 1 for test_loss",
        ),
        ({f"{CLAIMS}.c": CLAIM | {"against": 0.0}}, f"{CLAIMS}.c.against: found 0, allowed: more than 0"),
        (
            {f"{CLAIMS}.c": CLAIM, "measurements.product.claims.c": MEASURED},
            f"{CLAIMS}.c: found the id of another claim",
        ),
    ],
)
def test_a_wrong_claim_is_named_with_its_place(changes, line, refused):
    assert line in refused(changes)[0]
