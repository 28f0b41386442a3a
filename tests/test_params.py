from pathlib import Path

import pytest
import yaml
from ruamel.yaml import YAML
from samples import ROOT, SMALL

from pipeline import params
from pipeline.errors import UserError
from pipeline.seeding import Seed

DECAY = "studies.weight_decay"
WRONG = {
    # changes, what the one line must name
    "unknown key": ({f"{DECAY}.base.model.widht": 3}, [f"{DECAY}.base.model.widht: found an unknown key", "hidden"]),
    "missing key": ({f"{DECAY}.base.loss": ...}, [f"{DECAY}.base.loss: found nothing"]),
    "wrong type": ({f"{DECAY}.base.schedule.epochs": "ten"}, [f"{DECAY}.base.schedule.epochs: found 'ten'", "integer"]),
    "boolean for a number": ({f"{DECAY}.base.schedule.epochs": True}, ["schedule.epochs: found True"]),
    "float epochs": ({f"{DECAY}.base.schedule.epochs": 2.5}, ["schedule.epochs: found 2.5"]),
    "negative epochs": ({f"{DECAY}.base.schedule.epochs": -1}, ["schedule.epochs: found -1", "greater than or equal"]),
    "dropout above 1": ({f"{DECAY}.base.model.dropout": 1.5}, [f"{DECAY}.base.model.dropout: found 1.5", "equal to 1"]),
    "dropout list": (
        {"studies.activation.base.model.dropout": [0.1, 1.5]},
        ["studies.activation.base.model.dropout.1: found 1.5"],
    ),
    "dropout of another length": (
        {"studies.activation.base.model.dropout": [0.1]},
        ["studies.activation.base.model.dropout: found [0.1]", "2 hidden layers"],
    ),
    "infinite": ({f"{DECAY}.base.optimizer.learning_rate": float("inf")}, ["learning_rate: found inf", "finite"]),
    "unknown choice": ({f"{DECAY}.base.model.activation": "relo"}, ["model.activation: found 'relo'", "'relu'"]),
    "unknown initializer": (
        {f"{DECAY}.base.model.initialization.weight": {"name": "xavier"}},
        ["initialization.weight.name: found 'xavier'", "xavier_uniform"],
    ),
    "initializer without std": (
        {f"{DECAY}.base.model.initialization.weight": {"name": "normal"}},
        ["initialization.weight.std: found nothing"],
    ),
    "empty grid": ({f"{DECAY}.grid": {}}, [f"{DECAY}.grid: found nothing"]),
    "empty axis": ({f"{DECAY}.grid.optimizer.weight_decay": []}, [f"{DECAY}.grid.optimizer.weight_decay: found an em"]),
    "axis that is no list": ({f"{DECAY}.grid.optimizer.weight_decay": 3}, ["weight_decay: found 3", "a list"]),
    "axis that base lacks": ({f"{DECAY}.grid.optimizer.decay": [1]}, [f"{DECAY}.grid.optimizer.decay: not in base"]),
    "wrong value in a grid": (
        {f"{DECAY}.grid.optimizer.weight_decay": [0, -3]},
        [f"{DECAY}.grid.optimizer.weight_decay: found -3"],
    ),
    "value twice": ({f"{DECAY}.grid.optimizer.weight_decay": [0, 0.0]}, [f"{DECAY}: found the same setting twice"]),
    "baseline outside": ({f"{DECAY}.baseline.optimizer.weight_decay": 1}, ["baseline.optimizer.weight_decay: found 1"]),
    "baseline of no factor": ({f"{DECAY}.baseline": {"loss": "x"}}, [f"{DECAY}.baseline.loss: no factor"]),
    "empty baseline": ({f"{DECAY}.baseline": {}}, [f"{DECAY}.baseline: found nothing"]),
    "baseline is an id": ({f"{DECAY}.baseline": "weight_decay_0"}, [f"{DECAY}.baseline: found 'weight_decay_0'"]),
    "grid and variants": ({f"{DECAY}.variants": {"a": None}}, [f"{DECAY}: found both"]),
    "neither": ({f"{DECAY}.grid": ...}, [f"{DECAY}: found neither"]),
    "baseline is no variant": (
        {f"{DECAY}.grid": ..., f"{DECAY}.variants": {"a": None}, f"{DECAY}.baseline": "b"},
        [f"{DECAY}.baseline: found 'b', allowed: a"],
    ),
    "no variant": ({f"{DECAY}.grid": ..., f"{DECAY}.variants": {}}, [f"{DECAY}.variants: found none"]),
    "override that base lacks": (
        {f"{DECAY}.grid": ..., f"{DECAY}.variants": {"a": {"model": {"depth": 3}}}, f"{DECAY}.baseline": "a"},
        [f"{DECAY}.variants.a.model.depth: not in base", "hidden"],
    ),
    "wrong override": (
        {f"{DECAY}.grid": ..., f"{DECAY}.variants": {"a": {"model": {"bias": 3}}}, f"{DECAY}.baseline": "a"},
        [f"{DECAY}.variants.a.model.bias: found 3", "boolean"],
    ),
    "id with a dot": ({"datasets": {**SMALL["datasets"], "a.b": SMALL["datasets"]["images"]}}, ["'a.b'", "a-z"]),
    "unknown dataset": ({f"{DECAY}.dataset": "pictures"}, [f"{DECAY}.dataset: found 'pictures'", "images, linear"]),
    "unknown metric": ({f"{DECAY}.metric": "test_accuracy"}, [f"{DECAY}.metric: found 'test_accuracy'", "test_loss"]),
    "metric without direction": ({f"{DECAY}.metric": "weight_norm"}, [f"{DECAY}.metric: found 'weight_norm'"]),
    "loss of another task": ({f"{DECAY}.base.loss": "cross_entropy"}, [f"{DECAY}.base.loss: found", "squared_error"]),
    "more features than there are": ({f"{DECAY}.base.model.features": 31}, ["model.features: found 31", "30"]),
    "no features": ({f"{DECAY}.base.model.features": 0}, ["model.features: found 0"]),
    "features in words": ({f"{DECAY}.base.model.features": "some"}, ["model.features: found 'some'", "'all'"]),
    "unknown source": ({"datasets.images.source": "cifar"}, ["datasets.images.source: found 'cifar'"]),
    "no source": ({"datasets.images": {"scale": "unit"}}, ["datasets.images.source: found None"]),
    "too many weights": (
        {"datasets.linear": {**SMALL["datasets"]["linear"], "source": "polynomial"}},
        ["datasets.linear"],
    ),
    "no seeds": ({"seeds.count": 0}, ["seeds.count: found 0"]),
    "device": ({"device": "abacus"}, ["device: found 'abacus'", "'cpu'"]),
    "section missing": ({"studies": ...}, ["studies: found nothing"]),
    "study is a list": ({"studies.weight_decay": [1]}, ["studies.weight_decay: found [1]"]),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, params_file):
    changes, words = WRONG[case]
    with pytest.raises(UserError) as caught:
        params.load(path=params_file(changes))
    lines = str(caught.value).splitlines()
    assert all(str(line).count("params.yaml: ") == 1 for line in lines)
    assert any(all(word in line for word in words) for line in lines), lines


def test_all_mistakes_of_the_typed_part_are_named_at_once(params_file):
    path = params_file({"seeds.count": 0, "device": "abacus"})
    with pytest.raises(UserError) as caught:
        params.load(path=path)
    assert len(str(caught.value).splitlines()) == 2


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
    with pytest.raises(UserError, match="cannot be read"):
        params.load(path=tmp_path / "params.yaml")
    (tmp_path / "params.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="cannot be read"):
        params.load(path=tmp_path / "params.yaml")


def test_seeds_are_the_product_of_root_and_count(params_file):
    loaded = params.load(path=params_file({"seeds.root": 5, "seeds.count": 2}))
    assert loaded.seeds == (Seed(5, 0), Seed(5, 1))


def test_a_grid_spans_the_product_and_each_block_has_its_baseline(params_file):
    study = params.load(path=params_file()).studies["activation"]
    assert study.compared == ("model.activation",)
    assert study.blocked == ("optimizer.learning_rate",)
    assert [(v.id, v.label, v.block, v.baseline) for v in study.variants] == [
        ("activation_sigmoid_learning_rate_0p1", "sigmoid", "0.1", "activation_sigmoid_learning_rate_0p1"),
        ("activation_sigmoid_learning_rate_0p5", "sigmoid", "0.5", "activation_sigmoid_learning_rate_0p5"),
        ("activation_relu_learning_rate_0p1", "relu", "0.1", "activation_sigmoid_learning_rate_0p1"),
        ("activation_relu_learning_rate_0p5", "relu", "0.5", "activation_sigmoid_learning_rate_0p5"),
    ]


def test_a_variant_differs_from_its_baseline_in_what_it_declares_and_nothing_else(params_file):
    for study in params.load(path=ROOT / "params.yaml").studies.values():
        for variant in study.variants:
            ours, theirs = variant.setting.model_dump(), study.variant(variant.baseline).setting.model_dump()
            for factor in study.factors:
                section, key = factor.split(".")[:2]
                ours[section][key] = theirs[section][key] = None
            assert ours == theirs


def test_named_variants_lay_their_overrides_over_base(params_file):
    path = params_file(
        {
            f"{DECAY}.grid": ...,
            f"{DECAY}.baseline": "plain",
            f"{DECAY}.variants": {
                "plain": None,
                "started_wide": {"model": {"initialization": {"weight": {"std": 3.0}}}},
                "xavier": {"model": {"initialization": {"weight": {"name": "xavier_uniform"}}}},
            },
        }
    )
    study = params.load(path=path).studies["weight_decay"]
    weights = {v.id: v.setting.model.initialization.weight.model_dump() for v in study.variants}
    assert weights["plain"] == {"name": "normal", "std": 1.0}
    assert weights["started_wide"] == {"name": "normal", "std": 3.0}
    # a choice with a name of its own replaces the whole: nothing of the base's choice stays
    assert weights["xavier"] == {"name": "xavier_uniform", "gain": 1.0}
    assert study.variant("xavier").factors["model.initialization.weight.std"] is None


@pytest.mark.parametrize(
    ("factor", "value", "own_id", "label"),
    [
        ("optimizer.weight_decay", 1e-05, "weight_decay_1em05", "1e-05"),
        ("optimizer.weight_decay", 3, "weight_decay_3", "3"),
        ("optimizer.weight_decay", 0.5, "weight_decay_0p5", "0.5"),
        ("model.hidden", [], "hidden_none", "[]"),
        ("model.hidden", [64, 32], "hidden_64_32", "[64, 32]"),
        ("model.bias", False, "bias_false", "false"),
        ("model.initialization.weight", {"name": "normal", "std": 0.01}, "weight_normal_std_0p01", "normal(std=0.01)"),
        ("model.initialization.weight", {"name": "xavier_normal", "gain": 1}, "weight_xavier_normal", "xavier_normal"),
        (
            "model.initialization.weight",
            {"name": "constant", "value": -1},
            "weight_constant_value_m1",
            "constant(value=-1)",
        ),
    ],
)
def test_ids_and_labels_come_from_the_value(factor, value, own_id, label, params_file):
    *path, leaf = factor.split(".")
    grid, baseline = {leaf: [value]}, {leaf: value}
    for key in reversed(path):
        grid, baseline = {key: grid}, {key: baseline}
    loaded = params.load(path=params_file({f"{DECAY}.grid": grid, f"{DECAY}.baseline": baseline}))
    (variant,) = loaded.studies["weight_decay"].variants
    assert (variant.id, variant.label) == (own_id, label)


def test_one_number_for_dropout_stands_for_all_hidden_layers(params_file):
    loaded = params.load(path=params_file({"studies.activation.base.model.dropout": 0.25}))
    assert loaded.studies["activation"].variants[0].setting.model.dropout_rates == (0.25, 0.25)


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


def test_the_default_project_reads_the_same_in_yaml_1_1():
    """DVC reads YAML 1.2; a person's other tools may not."""
    path = ROOT / "params.yaml"
    assert yaml.safe_load(path.read_text()) == YAML(typ="safe", pure=True).load(path)


def test_the_default_project_is_in_block_style_without_anchors():
    """`dvc exp run -S` rewrites the file; in this style a change of one value is a change of one line."""
    lines = (ROOT / "params.yaml").read_text().splitlines()
    values = [line.split("#")[0].replace("[]", "").replace("{}", "") for line in lines]
    assert not [value for value in values if set(value) & set("[{&*")]
    assert max(map(len, lines)) <= 80


def test_the_file_is_where_the_process_stands(params_file, monkeypatch):
    monkeypatch.chdir(Path(params_file()).parent)
    assert set(params.load().studies) == {"weight_decay", "activation"}
