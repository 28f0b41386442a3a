import dataclasses
import itertools
import logging
import platform

import numpy as np
import pytest
from samples import classes, seeds, setting, values

from pipeline import artifacts, params
from pipeline.execution import chunks
from pipeline.training import loop
from pipeline.variants import Study, Variant


def study(task: str = "classification", **changes) -> Study:
    """Variants of three programs: two activations, one of them by both implementations, two learning rates each."""
    variants = []
    for name, rate in itertools.product(("tanh", "relu", "concise"), (0.1, 0.2)):
        own = {"optimizer.learning_rate": rate, "schedule.epochs": 2, **changes}
        own |= {"implementation": "concise"} if name == "concise" else {"model.activation": name}
        own_id = f"{name}_{rate}".replace(".", "p")
        factors = {"model.activation": name, "model.hidden": [33, 20], "optimizer.learning_rate": rate}
        variants.append(Variant(own_id, own_id, "", "tanh_0p1", factors, setting(own)))
    return Study(
        id="study",
        question="?",
        dataset="some",
        metric="test_loss",
        traits=frozenset([task, "hidden"]),
        figure=None,
        simplest_first=True,
        compared=tuple(variants[0].factors),
        blocked=(),
        variants=tuple(variants),
    )


def test_every_run_has_its_row_whatever_the_stacks(monkeypatch):
    whole = chunks.train(study(), seeds(3), classes(), "cpu")
    assert list(whole.results.columns) == artifacts.results_columns(study())
    runs = list(zip(whole.results["variant"], whole.results["seed_index"], strict=True))
    assert runs == [(variant.id, index) for variant in study().variants for index in range(3)]
    assert (whole.results["status"] == "finished").all()
    assert whole.results["model.hidden"].unique().tolist() == ["[33, 20]"]
    # the same bits when everything is cut to pieces
    monkeypatch.setattr(chunks, "STACK_BYTES", 0)
    monkeypatch.setattr(chunks, "SMALLEST_STACK", 1)
    cut = chunks.train(study(), seeds(3), classes(), "cpu")
    assert whole.results.equals(cut.results)
    assert whole.curves.equals(cut.curves)
    assert whole.probes.layers.equals(cut.probes.layers)


def test_a_row_holds_the_numbers_of_its_own_run():
    found = chunks.train(study(), seeds(3), classes(), "cpu")
    variant = study().variants[3]
    alone = loop.train([variant.setting], seeds(3)[2:], classes())
    row = found.results.set_index(["variant", "seed_index"]).loc[(variant.id, 2)]
    for name, value in alone.metrics().items():
        assert row[name] == value[0]
    curve = found.curves[(found.curves["variant"] == variant.id) & (found.curves["split"] == "test")]
    assert curve["value"].tolist()[4:] == alone.curves["test_loss"][0].tolist()
    layers = found.probes.layers[
        (found.probes.layers["variant"] == variant.id) & (found.probes.layers["seed_index"] == 2)
    ]
    start = layers[(layers["moment"] == "start") & (layers["quantity"] == "gradient_rms")]
    assert start["value"].tolist() == alone.layers["gradient_rms", "start"][0].tolist()
    assert start["layer"].tolist() == [1, 2, 3]


def test_more_seeds_and_more_variants_change_no_run():
    few = chunks.train(study(), seeds(2), classes(), "cpu").results
    many = chunks.train(study(), seeds(3), classes(), "cpu").results
    assert few.equals(many[many["seed_index"] < 2].reset_index(drop=True))


def test_a_stack_is_of_one_program_and_none_is_much_smaller_than_the_others(monkeypatch):
    dataset = classes(10)
    runs = [chunks.Run(variant, seed, 0) for variant in study().variants for seed in seeds(10)]
    bytes_of_one = chunks._bytes(runs[0], dataset)
    monkeypatch.setattr(chunks, "STACK_BYTES", 7 * bytes_of_one)
    stacks = list(chunks.chunks(runs, dataset))
    assert sorted(map(id, itertools.chain(*stacks))) == sorted(map(id, runs))
    assert {len({loop.program(run.variant.setting, run.fold, 44) for run in stack}) for stack in stacks} == {1}
    assert {len(stack) for stack in stacks} <= {6, 7}


def test_a_run_that_diverges_is_marked_and_the_others_are_unharmed():
    wild = study(task="regression", **{"loss": "squared_error", "model.activation": "identity"})
    variants = list(wild.variants[:2])
    rate = {"optimizer.learning_rate": 1e6, "schedule.epochs": 20, "loss": "squared_error", "model.hidden": []}
    variants[0] = Variant("wild", "wild", "", "tame", variants[0].factors, setting({**rate, "model.dropout": 0.0}))
    tame = {**rate, "optimizer.learning_rate": 0.01}
    variants[1] = Variant("tame", "tame", "", "tame", variants[1].factors, setting(tame))
    traits = frozenset(["regression", "linear"])
    mixed = dataclasses.replace(wild, variants=tuple(variants), traits=traits)
    results = chunks.train(mixed, seeds(3), values(), "cpu").results.set_index("variant")
    assert set(results.loc["wild", "status"]) == {"diverged"}
    assert results.loc["wild", ["test_loss", "weight_norm", "loss_gap"]].isna().all().all()
    # what does not come from training means something all the same
    assert results.loc["wild", ["parameters", "closed_form_test_loss"]].notna().all().all()
    assert set(results.loc["tame", "status"]) == {"finished"}
    assert np.isfinite(results.loc["tame", "test_loss"]).all()


def test_the_log_names_every_variant(caplog):
    with caplog.at_level(logging.INFO):
        chunks.train(study(), seeds(2), classes(), "cpu")
    for variant in study().variants:
        assert variant.id in caplog.text


def test_the_bar_names_the_variants_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    chunks.train(study(), seeds(2), classes(), "cpu")
    shown = capsys.readouterr().err
    assert "study: tanh_0p1, tanh_0p2" in shown
    assert "100%" in shown


def test_the_environment_names_what_bits_depend_on_and_nothing_else():
    found = chunks.environment("cpu")
    assert set(found) == {"processor", "device", "torch", "numpy"}
    assert found["processor"].startswith(platform.machine())


def test_a_machine_without_linux_s_list_of_processors_has_a_name_too(monkeypatch):
    def refuse(path):
        raise FileNotFoundError

    monkeypatch.setattr(chunks.Path, "read_text", refuse)
    assert chunks._processor().startswith(platform.machine())


@pytest.mark.parametrize("count", [1, 2])
def test_a_study_of_one_variant_and_few_seeds_trains(count, params_file):
    changes = {"studies.weight_decay.grid.optimizer.weight_decay": [0]}
    only = params.load(path=params_file(changes)).studies["weight_decay"]
    found = chunks.train(only, seeds(count), values(count, features=30), "cpu")
    assert len(found.results) == count


def with_folds(**changes) -> Study:
    """Two variants, each with the whole and three folds."""
    own = {"data.validation": {"name": "k_fold", "folds": 3}, "schedule.epochs": 2, **changes}
    plain = study()
    variants = [
        dataclasses.replace(variant, setting=setting({**own, "optimizer.learning_rate": rate}))
        for variant, rate in zip(plain.variants[:2], (0.1, 0.2), strict=True)
    ]
    return dataclasses.replace(plain, variants=tuple(variants), traits=plain.traits | {"validation"})


def test_folds_are_runs_of_the_same_stack():
    dataset = classes(2)
    runs = [
        chunks.Run(variant, seed, fold)
        for variant in with_folds().variants
        for seed in seeds(2)
        for fold in variant.folds
    ]
    stacks = list(chunks.chunks(runs, dataset))
    assert [{run.fold for run in stack} for stack in stacks] == [{0}, {1, 2, 3}]
    assert len(stacks[1]) == 2 * 2 * 3


def test_only_folds_are_validated_and_the_whole_is_as_without_them():
    folded = with_folds()
    found = chunks.train(folded, seeds(2), classes(2), "cpu")
    results = found.results
    assert results.groupby("fold").size().tolist() == [4, 4, 4, 4]
    assert results["validation_loss"].isna().tolist() == (results["fold"] == 0).tolist()
    assert len(found.curves) == 2 * 2 * 2 * 2  # variants, seeds, splits, epochs: of the whole alone
    without = [
        dataclasses.replace(one, setting=setting({"optimizer.learning_rate": rate, "schedule.epochs": 2}))
        for one, rate in zip(folded.variants, (0.1, 0.2), strict=True)
    ]
    alone = chunks.train(
        dataclasses.replace(folded, variants=tuple(without), traits=folded.traits - {"validation"}),
        seeds(2),
        classes(2),
        "cpu",
    ).results
    whole = results[results["fold"] == 0].reset_index(drop=True)
    assert whole[list(alone.columns)].equals(alone)


def test_weights_of_small_linear_models_are_kept_and_no_others():
    linear = study("regression", **{"loss": "squared_error", "model.hidden": [], "model.dropout": 0.0})
    found = chunks.train(linear, seeds(2), values(2), "cpu").probes.weights
    assert len(found) == len(linear.variants) * 2 * (13 + 1)
    alone = loop.train([linear.variants[0].setting], seeds(2)[1:], values(2))
    own = found[(found["variant"] == linear.variants[0].id) & (found["seed_index"] == 1)]["value"].tolist()
    assert own == [*alone.weights[0][0, :, 0], *alone.biases[0][0]]
    assert chunks.train(study(), seeds(2), classes(2), "cpu").probes.weights.empty


def test_pictures_are_kept_where_the_study_asks_for_them():
    asked = dataclasses.replace(study(), figure="predictions")
    dataset = classes(2)
    found = chunks.train(asked, seeds(2), dataset, "cpu").probes.pictures
    assert set(found["variant"]) == {variant.id for variant in asked.variants}
    alone = loop.train([asked.variants[0].setting], seeds(2)[:1], dataset)
    labels, predictions = dataset.test.targets[0], alone.predictions[0]
    own = found[found["variant"] == asked.variants[0].id]
    for right in (True, False):
        places = np.flatnonzero((labels == predictions) == right)[: chunks.PICTURES]
        rows = own[own["right"] == right]
        assert rows["truth"].tolist() == [f"class {labels[place]}" for place in places]
        assert rows["prediction"].tolist() == [f"class {predictions[place]}" for place in places]
    assert chunks.train(study(), seeds(2), dataset, "cpu").probes.pictures.empty


def test_points_are_kept_of_data_with_two_features():
    found = chunks.train(study(), seeds(2), classes(2, features=2), "cpu").probes.points
    assert found.groupby("split").size().to_dict() == {"train": 44, "test": 30}
    assert found["x1"].tolist()[:44] == classes(2, features=2).train.inputs[0, :, 0].tolist()


def test_parameters_and_effective_examples_are_counted():
    weighed = with_folds(**{"data.correction": {"name": "oracle"}})
    weighed = dataclasses.replace(weighed, traits=weighed.traits | {"shift"})
    dataset = classes(2)
    results = chunks.train(weighed, seeds(2), dataset, "cpu").results
    assert set(results["parameters"]) == {13 * 33 + 33 + 33 * 20 + 20 + 20 * 7 + 7}
    first = results[(results["seed_index"] == 1) & (results["fold"] == 0)]["effective_examples"].iloc[0]
    weights = dataset.weights["oracle"][1]
    assert first == pytest.approx(weights.sum() ** 2 / np.square(weights).sum())
