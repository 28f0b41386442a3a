from typing import Any

import pytest
from samples import ROOT, SMALL

from pipeline.project import params

DECAY = "studies.weight_decay"
GRID = f"{DECAY}.grid.optimizer.weight_decay"
SHIFT = {"source": "covariate_shift", "shift": 1.0, "slope": 1.0}


def named(*variants: str, **overrides: Any) -> dict[str, Any]:
    """Changes that turn the grid of the study into named variants; the first one is the baseline."""
    return {
        f"{DECAY}.grid": ...,
        f"{DECAY}.baseline": variants[0],
        f"{DECAY}.variants": dict.fromkeys(variants) | overrides,
    }


def test_a_grid_spans_the_product_and_each_block_has_its_baseline(params_file):
    study = params.load(params_file()).studies["activation"]
    assert study.compared == ("model.activation",)
    assert study.blocked == ("optimizer.learning_rate",)
    variants = [(variant.id, variant.label, variant.block, variant.baseline) for variant in study.variants]
    assert variants == [
        (f"activation_{label}_{id}", label, block, f"activation_sigmoid_{id}")
        for label in ("sigmoid", "relu")
        for id, block in (("learning_rate_0p1", "learning rate 0.1"), ("learning_rate_0p5", "learning rate 0.5"))
    ]
    assert [variant.config.optimizer.learning_rate for variant in study.variants] == [0.1, 0.5, 0.1, 0.5]
    last = study.variants[-1]
    assert (study.named, study.spoken(last.id), last.name) == (False, "relu", "learning rate 0.5, relu")


def test_a_grid_may_have_choices_as_values_or_the_names_of_choices(params_file):
    weight = {"weight": {"name": ["zeros", "xavier_uniform"]}, "bias": [{"name": "zeros"}, {"name": "torch_linear"}]}
    changes = {f"{DECAY}.grid": {"model": {"initialization": weight}}}
    baseline = {"model": {"initialization": {"weight": {"name": "zeros"}, "bias": {"name": "torch_linear"}}}}
    study = params.load(params_file(changes | {f"{DECAY}.baseline": baseline})).studies["weight_decay"]
    assert study.compared == ("model.initialization.weight.name", "model.initialization.bias")
    assert [variant.label for variant in study.variants][:3] == [
        "zeros, zeros",
        "zeros, torch_linear",
        "xavier_uniform, zeros",
    ]
    assert {variant.baseline for variant in study.variants} == {study.variants[1].id}


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
    wide = {"model": {"initialization": {"weight": {"std": 3.0}}}}
    xavier = {"model": {"initialization": {"weight": {"name": "xavier_uniform"}}}}
    changes = named("unchanged", started_wide=wide, xavier=xavier)
    study = params.load(params_file(changes)).studies["weight_decay"]
    assert [variant.config.model.initialization.weight.model_dump() for variant in study.variants] == [
        {"name": "normal", "std": 1.0},
        {"name": "normal", "std": 3.0},
        {"name": "xavier_uniform"},  # a choice replaces the whole of the base's choice
    ]
    assert study.factors == ("model.initialization.weight.std", "model.initialization.weight")
    assert study.variant("xavier").factors["model.initialization.weight.std"] is None
    assert (study.named, study.spoken("xavier"), study.variant("xavier").name) == (True, "xavier", "xavier")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({f"{DECAY}.dataset": "pictures"}, f"{DECAY}.dataset: found 'pictures', allowed: images, linear"),
        ({f"{DECAY}.metric": "validation_loss"}, f"{DECAY}.metric: found 'validation_loss', allowed: "),
        ({f"{DECAY}.metric": "parameters"}, f"{DECAY}.metric: found 'parameters', allowed: train_loss_running"),
        ({f"{DECAY}.metric": "unit_spread"}, f"{DECAY}.metric: found 'unit_spread'"),
        ({f"{DECAY}.margin": 0.9}, f"{DECAY}.margin: found 0.9, allowed: a ratio above 1 for test_loss"),
        ({f"{DECAY}.margin": 1}, f"{DECAY}.margin: found 1, allowed: a ratio above 1 for test_loss"),
        ({f"{DECAY}.asks": "choice"}, f"{DECAY}.asks: found 'choice', allowed: choice only with data.validation"),
        ({f"{DECAY}.grid": ...}, f"{DECAY}: found neither, allowed: grid or variants"),
        ({f"{DECAY}.variants": {"a": None}}, f"{DECAY}: found both"),
        # grids
        ({f"{DECAY}.grid": {}}, f"{DECAY}.grid: found 0 variants, allowed: 1 to 1,000"),
        ({GRID: []}, f"{GRID}: found [], allowed: a list of at least one value"),
        ({f"{DECAY}.grid.penalty": {}}, f"{DECAY}.grid.penalty: found {{}}, allowed: a list"),
        ({f"{DECAY}.grid.optimizer.decay": [1]}, f"{DECAY}.grid.optimizer.decay: not in the base"),
        ({GRID: [0, -3]}, f"{GRID}: found -3"),
        ({GRID: [0, 0.0]}, f"{DECAY}: found the same config twice"),
        ({GRID: [*range(1001)]}, f"{DECAY}.grid: found 1,001 variants, allowed: 1 to 1,000"),
        (
            {
                f"{DECAY}.grid": {"model": {"hidden": [[1] * 120]}},
                f"{DECAY}.baseline": {"model": {"hidden": [1] * 120}},
            },
            f"{DECAY}.grid: found the id 'hidden_1_1_1",
        ),
        (
            {f"{DECAY}.baseline.optimizer.weight_decay": 1},
            f"{DECAY}.baseline.optimizer.weight_decay: found 1, allowed: 0, 3",
        ),
        ({f"{DECAY}.baseline": {"loss": "x"}}, f"{DECAY}.baseline.loss: not a factor of the grid"),
        ({f"{DECAY}.baseline": {}}, f"{DECAY}.baseline: found nothing"),
        ({f"{DECAY}.baseline": "weight_decay_0"}, f"{DECAY}.baseline: found 'weight_decay_0', allowed: a mapping"),
        # named variants
        (named("a") | {f"{DECAY}.baseline": "b"}, f"{DECAY}.baseline: found 'b', allowed: a"),
        (named("a") | {f"{DECAY}.variants": {}}, f"{DECAY}.variants: found 0 variants"),
        (named("a", b={"model": {"bias": 3}}), f"{DECAY}.variants.b.model.bias: found 3"),
        (named("a", b={}), f"{DECAY}: found the same config twice ('a', 'b')"),
    ],
)
def test_a_mistake_is_named_with_its_place(changes, line, refused):
    found = refused(changes)[0].partition(": ")[2]
    assert found.startswith(line), found


def test_a_study_has_the_traits_of_its_data_and_its_variants(params_file):
    sizes = dict.fromkeys(("train_examples", "target_examples", "test_examples"), 30)
    early = {"name": "validation_loss", "fraction": 0.3, "patience": 2}
    changes = {
        "datasets.shifted": SHIFT | sizes,
        "studies.shifted": {**SMALL["studies"]["activation"], "dataset": "shifted"},
        f"{DECAY}.base.data.validation": {"name": "k_fold", "folds": 2},
    } | named("long", early={"training": {"early_stopping": early}})
    studies = params.load(params_file(changes)).studies
    assert studies["activation"].traits == {"classification", "images", "hidden"}
    assert studies["shifted"].traits == {"classification", "hidden", "shift"}
    assert studies["weight_decay"].traits == {"regression", "linear", "validation", "stopping"}
    assert {"validation_loss", "best_epoch"} < {metric.name for metric in studies["weight_decay"].metrics}
    assert studies["weight_decay"].factors == ("training.early_stopping",)


def test_a_study_has_what_its_report_is_to_say(params_file):
    plain = params.load(params_file()).studies["weight_decay"]
    assert (plain.asks, plain.margin, plain.caveat, plain.seeds) == ("difference", None, "", None)
    changes = {
        f"{DECAY}.asks": "choice",
        f"{DECAY}.base.data.validation": {"name": "k_fold", "folds": 2},
        f"{DECAY}.metric": "loss_gap",
        f"{DECAY}.margin": 0.5,  # a difference: below 1 is allowed
        f"{DECAY}.caveat": "One\n  rate.",
        f"{DECAY}.seeds": 2,
    }
    study = params.load(params_file(changes)).studies["weight_decay"]
    assert (study.asks, study.margin, study.caveat, study.seeds) == ("choice", 0.5, "One rate.", 2)
    assert (study.metric, study.score) == ("loss_gap", "loss")
    study = params.load(params_file({"studies.activation.metric": "accuracy_gap"})).studies["activation"]
    assert study.score == "accuracy"


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
    assert study.blocks == ["bias true, zeros, scratch", "bias false, zeros, scratch"]
    assert (study.labels, study.score) == (["0", "3"], "loss")
    assert study.variants[0].name == "bias true, zeros, scratch, 0"
