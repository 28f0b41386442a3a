import pytest
from samples import ROOT

from pipeline.project import params

DECAY = "studies.weight_decay"


def test_a_grid_spans_the_product_and_each_block_has_its_baseline(params_file):
    study = params.load(params_file()).studies["activation"]
    assert study.compared == ("model.activation",)
    assert study.blocked == ("optimizer.learning_rate",)
    assert [(v.id, v.label, v.block, v.baseline) for v in study.variants] == [
        (
            "activation_sigmoid_learning_rate_0p1",
            "sigmoid",
            "learning rate 0.1",
            "activation_sigmoid_learning_rate_0p1",
        ),
        (
            "activation_sigmoid_learning_rate_0p5",
            "sigmoid",
            "learning rate 0.5",
            "activation_sigmoid_learning_rate_0p5",
        ),
        ("activation_relu_learning_rate_0p1", "relu", "learning rate 0.1", "activation_sigmoid_learning_rate_0p1"),
        ("activation_relu_learning_rate_0p5", "relu", "learning rate 0.5", "activation_sigmoid_learning_rate_0p5"),
    ]


def test_a_variant_differs_from_its_baseline_in_what_it_declares_and_nothing_else(params_file):
    everything = [params.load(ROOT / name).studies for name in ("params.yaml", "book/params.yaml")]
    for study in [study for studies in everything for study in studies.values()]:
        for variant in study.variants:
            config, baseline = variant.config.model_dump(), study.variant(variant.baseline).config.model_dump()
            for factor in study.factors:
                *path, last = factor.split(".")[:2]
                for values in (config, baseline):
                    (values[path[0]] if path else values)[last] = None
            assert config == baseline


def test_named_variants_lay_their_overrides_over_base(params_file):
    path = params_file(
        {
            f"{DECAY}.grid": ...,
            f"{DECAY}.baseline": "unchanged",
            f"{DECAY}.variants": {
                "unchanged": None,
                "started_wide": {"model": {"initialization": {"weight": {"std": 3.0}}}},
                "xavier": {"model": {"initialization": {"weight": {"name": "xavier_uniform"}}}},
            },
        }
    )
    study = params.load(path).studies["weight_decay"]
    weights = {v.id: v.config.model.initialization.weight.model_dump() for v in study.variants}
    assert weights["unchanged"] == {"name": "normal", "std": 1.0}
    assert weights["started_wide"] == {"name": "normal", "std": 3.0}
    # a choice with a name of its own replaces the whole: nothing of the base's choice stays
    assert weights["xavier"] == {"name": "xavier_uniform"}
    assert study.variant("xavier").factors["model.initialization.weight.std"] is None


@pytest.mark.parametrize(
    ("factor", "value", "id", "label"),
    [
        ("optimizer.weight_decay", 1e-05, "weight_decay_1em05", "1e-05"),
        ("optimizer.weight_decay", 3, "weight_decay_3", "3"),
        ("optimizer.weight_decay", 0.5, "weight_decay_0p5", "0.5"),
        ("model.hidden", [], "hidden_none", "[]"),
        ("model.hidden", [64, 32], "hidden_64_32", "[64, 32]"),
        ("model.bias", False, "bias_false", "false"),
        ("model.initialization.weight", {"name": "normal", "std": 0.01}, "weight_normal_std_0p01", "normal(std=0.01)"),
        ("model.initialization.weight", {"name": "xavier_normal"}, "weight_xavier_normal", "xavier_normal"),
        (
            "model.initialization.weight",
            {"name": "constant", "value": -1},
            "weight_constant_value_m1",
            "constant(value=-1)",
        ),
    ],
)
def test_ids_and_labels_come_from_the_value(factor, value, id, label, params_file):
    *path, leaf = factor.split(".")
    grid, baseline = {leaf: [value]}, {leaf: value}
    for key in reversed(path):
        grid, baseline = {key: grid}, {key: baseline}
    loaded = params.load(params_file({f"{DECAY}.grid": grid, f"{DECAY}.baseline": baseline}))
    (variant,) = loaded.studies["weight_decay"].variants
    assert (variant.id, variant.label) == (id, label)


def test_one_number_for_dropout_stands_for_all_hidden_layers(params_file):
    loaded = params.load(params_file({"studies.activation.base.model.dropout": 0.25}))
    assert loaded.studies["activation"].variants[0].config.model.dropout_rates == (0.25, 0.25)


def test_a_study_has_the_traits_of_its_data_and_its_variants(params_file):
    folds, shift = {"name": "k_fold", "folds": 2}, SHIFT | {"train_examples": 30, "target_examples": 30}
    changes = {
        "datasets.shifted": {**shift, "test_examples": 30},
        "studies.activation.dataset": "shifted",
        f"{DECAY}.base.data.validation": folds,
    }
    studies = params.load(params_file(changes)).studies
    assert studies["weight_decay"].traits == {"regression", "linear", "validation"}
    assert studies["activation"].traits == {"classification", "images", "hidden", "shift"}
    assert [metric.name for metric in studies["weight_decay"].metrics] == [
        "train_loss_running",
        "train_loss",
        "validation_loss",
        "test_loss",
        "loss_gap",
        "weight_norm",
        "parameters",
        "closed_form_test_loss",
        "closed_form_weight_norm",
    ]


def test_the_epoch_that_is_kept_is_measured_where_a_variant_is_stopped_early(params_file):
    early = {"name": "validation_loss", "fraction": 0.3, "patience": 2}
    changes = {f"{DECAY}.base.training.early_stopping": {"name": "none"}, f"{DECAY}.grid": ...}
    variants = {"long": None, "early": {"training": {"early_stopping": early}}}
    changes |= {f"{DECAY}.variants": variants, f"{DECAY}.baseline": "long"}
    study = params.load(params_file(changes)).studies["weight_decay"]
    assert "stopping" in study.traits
    assert "best_epoch" in [metric.name for metric in study.metrics]
    assert study.factors == ("training.early_stopping",)
    assert study.variant("early").config.training.early_stopping.patience == 2


SHIFT = {"source": "covariate_shift", "shift": 1.0, "slope": 1.0}


def test_runs_have_a_fold_for_each_part_that_is_left_out(params_file):
    for validation, folds in (
        ({"name": "none"}, [0]),
        ({"name": "hold_out", "fraction": 0.5}, [0, 1]),
        ({"name": "k_fold", "folds": 3}, [0, 1, 2, 3]),
    ):
        study = params.load(params_file({f"{DECAY}.base.data.validation": validation})).studies["weight_decay"]
        assert [list(variant.folds) for variant in study.variants] == [folds, folds]


def test_blocks_say_what_their_numbers_are_of(params_file):
    changes = {
        f"{DECAY}.grid": {
            "optimizer": {"weight_decay": [0, 3]},
            "model": {"bias": [True, False], "initialization": {"weight": [{"name": "zeros"}]}},
            "implementation": ["scratch"],
        }
    }
    study = params.load(params_file(changes)).studies["weight_decay"]
    assert {variant.block for variant in study.variants} == {"bias true, zeros, scratch", "bias false, zeros, scratch"}
