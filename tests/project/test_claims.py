"""Claims are completed from their study; what they name and the project does not have is noted and stops nothing."""

import pytest
from samples import CLAIM

from pipeline.project import params

CLAIMS = "studies.weight_decay.claims"
MEASURED = {"claim": "?", "quantity": "log10_largest", "against": 1.0, "expect": "higher"}


def test_a_claim_may_leave_out_the_metric_and_the_baseline(params_file):
    short = {"claim": "?", "variant": "weight_decay_3", "expect": "lower"}
    claims = params.load(params_file({CLAIMS: {"short": short, "long": CLAIM}})).claims
    for claim in claims.values():
        assert (claim.source, claim.metric, claim.against) == ("weight_decay", "test_loss", "weight_decay_0")


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({f"{CLAIMS}.c": CLAIM | {"variant": "x"}}, f"{CLAIMS}.c.variant: found 'x', there is weight_decay_0"),
        ({f"{CLAIMS}.c": CLAIM | {"metric": "x"}}, f"{CLAIMS}.c.metric: found 'x', there is train_loss"),
        ({f"{CLAIMS}.c": CLAIM | {"against": "x"}}, f"{CLAIMS}.c.against: found 'x', there is weight_decay_0"),
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
        ({f"{CLAIMS}.c": CLAIM | {"expect": "equal"}}, f"{CLAIMS}.c.margin: found None"),
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
