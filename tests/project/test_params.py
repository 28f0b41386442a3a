from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML
from samples import CLAIM, ROOT

from pipeline.core.errors import UserError
from pipeline.core.seeding import Seed
from pipeline.project import params


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds: {root: 0", "params.yaml: line"),
        ("a: 1\na: 2\n", "params.yaml: line 2: found duplicate key"),
        ("a: &x 1\nb: *x\n", "line 1: found the anchor or alias 'x'"),
        ("- 1\n", "found [1], allowed: the keys"),
        ("", "found None, allowed: the keys"),
        ("a:\n\tb: 1\n", "params.yaml: line 2"),
    ],
)
def test_text_that_is_no_project_is_named(text, words, tmp_path):
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match="params.yaml") as caught:
        params.load(path=path)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(UserError, match="missing; change into the folder of a project"):
        params.load(path=tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        params.load(path=tmp_path / "params.yaml")


def test_seeds_are_the_product_of_root_and_count(params_file):
    loaded = params.load(path=params_file({"seeds.root": 5, "seeds.count": 2}))
    assert loaded.seeds == (Seed(5, 0), Seed(5, 1))


def test_a_stage_checks_its_own_part_alone(params_file):
    path = params_file({"studies.activation.metric": "nonsense", "datasets.images.scale": "nonsense"})
    assert list(params.load(path=path, study="weight_decay").studies) == ["weight_decay"]
    assert list(params.load(path=path, dataset="linear").datasets) == ["linear"]
    for part in ({"study": "activation"}, {"dataset": "images"}, {}):
        with pytest.raises(UserError, match="nonsense"):
            params.load(path=path, **part)


@pytest.mark.parametrize("part", [{"study": "missing"}, {"dataset": "missing"}])
def test_a_part_that_is_not_there_is_named(part, params_file):
    with pytest.raises(UserError, match="missing: not found, allowed: "):
        params.load(path=params_file(), **part)


@pytest.mark.parametrize("name", ["params.yaml", "book/params.yaml"])
def test_both_projects_read_the_same_in_yaml_1_1(name):
    """DVC reads YAML 1.2; the user's other tools may not."""
    path = ROOT / name
    assert yaml.safe_load(path.read_text()) == YAML(typ="safe", pure=True).load(path)


@pytest.mark.parametrize("name", ["params.yaml", "book/params.yaml"])
def test_both_projects_are_in_block_style_without_anchors(name):
    """`dvc exp run -S` rewrites the file; in this style a change of one value is a change of one line."""
    lines = (ROOT / name).read_text().splitlines()
    values = [line.split("#")[0].replace("[]", "").replace("{}", "") for line in lines]
    assert not [value for value in values if set(value) & set("[{&*")]
    assert max(map(len, lines)) <= 80


def test_the_file_is_where_the_process_stands(params_file, monkeypatch):
    monkeypatch.chdir(Path(params_file()).parent)
    assert set(params.load().studies) == {"weight_decay", "activation"}


def test_a_data_set_may_have_seeds_of_its_own(params_file):
    project = params.load(path=params_file({"seeds.root": 7, "datasets.linear.seeds": 5}))
    assert project.seeds_of("images") == project.seeds == (Seed(7, 0), Seed(7, 1), Seed(7, 2))
    assert project.seeds_of("linear") == tuple(Seed(7, index) for index in range(5))


def test_a_part_of_the_file_needs_none_of_the_others(params_file):
    path = params_file({"claims.c": {"claim": "about nothing"}, "measurements.wrong": {}, "datasets.wrong": {}})
    assert set(params.load(path=path, study="weight_decay").studies) == {"weight_decay"}
    assert set(params.load(path=path, dataset="linear").datasets) == {"linear"}
    assert set(params.load(path=path, measurement="product").measurements) == {"product"}


def test_the_book_has_a_claim_about_every_system_of_the_chapter():
    """Written before it was run; a claim that fails stands in the report as failed."""
    project = params.load(path=ROOT / "book" / "params.yaml")
    about = {getattr(claim, "study", None) or claim.measurement for claim in project.claims.values()}
    assert about >= {
        "activation_functions",
        "linear_collapse",
        "implementation",
        "capacity",
        "examples",
        "size",
        "degree",
        "weight_decay",
        "penalty",
        "dropout",
        "matrix_product",
        "symmetry",
        "initialization",
        "covariate_shift",
        "label_shift",
        "concept_shift",
        "shift_detector",
    }
    assert len(project.seeds) >= 10


@pytest.mark.parametrize("name", ["params.yaml", "book/params.yaml"])
def test_every_system_of_the_chapter_is_in_both_projects(name):
    project = params.load(path=ROOT / name)
    factors = {factor for study in project.studies.values() for factor in study.factors}
    assert factors >= {
        "implementation",
        "data.importance_weights",
        "data.examples",
        "model.activation",
        "model.features",
        "model.hidden",
        "model.dropout",
        "model.initialization.weight",
        "optimizer.weight_decay",
        "penalty.l1",
        "penalty.l2",
    }
    assert {one.kind for one in project.measurements.values()} == {"activations", "matrix_product", "shift_detector"}
    assert any(variant.config.data.validation.name == "k_fold" for variant in project.studies["degree"].variants)


PROBED = {"claim": "?", "measurement": "product", "quantity": "log10_largest", "against": 1.0, "expected": "higher"}


@pytest.mark.parametrize(
    ("claim", "words"),
    [
        ({**CLAIM, "study": "x"}, "study: found 'x', there is weight_decay, activation"),
        ({**CLAIM, "variant": "x"}, "variant: found 'x', there is weight_decay_0, weight_decay_3"),
        ({**CLAIM, "metric": "x"}, "metric: found 'x', there is train_loss_running"),
        ({**CLAIM, "against": "x"}, "against: found 'x', there is weight_decay_0, weight_decay_3, a number"),
        ({**PROBED, "measurement": "x"}, "measurement: found 'x', there is product"),
        ({**PROBED, "quantity": "x"}, "quantity: found 'x', there is log10_largest, log10_growth"),
    ],
)
def test_a_claim_about_what_is_not_there_is_noted_and_stops_nothing(claim, words, params_file):
    """A sweep changes grids; whoever sweeps need not rewrite the claims."""
    (note,) = params.load(path=params_file({"claims.c": claim})).notes
    assert f"params.yaml: claims.c.{words}" in note
    assert note.endswith("; not measured")


@pytest.mark.parametrize(
    ("place", "words"),
    [
        ({"study": "x", "variant": "y"}, "study: found 'x'"),
        ({"study": "weight_decay", "variant": "y"}, "variant: found 'y'"),
        ({"measurement": "x"}, "measurement: found 'x'"),
        ({}, "study: found None"),
    ],
)
def test_a_published_outcome_without_its_place_is_noted(place, words, params_file):
    published = {"file": "p.csv", "places": [{"config": "s", **place}]}
    (note,) = params.load(path=params_file({"published": published})).notes
    assert f"published.places.0.{words}" in note


@pytest.mark.parametrize("name", ["params.yaml", "book/params.yaml"])
def test_everything_that_both_projects_claim_is_there(name):
    assert params.load(path=ROOT / name).notes == ()
