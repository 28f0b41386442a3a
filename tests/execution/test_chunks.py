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
        task=task,
        metric="test_loss",
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
    for table in ("results", "curves", "layers"):
        assert getattr(whole, table).equals(getattr(cut, table))


def test_a_row_holds_the_numbers_of_its_own_run():
    found = chunks.train(study(), seeds(3), classes(), "cpu")
    variant = study().variants[3]
    alone = loop.train([variant.setting], seeds(3)[2:], classes())
    row = found.results.set_index(["variant", "seed_index"]).loc[(variant.id, 2)]
    for name, value in alone.metrics().items():
        assert row[name] == value[0]
    curve = found.curves[(found.curves["variant"] == variant.id) & (found.curves["split"] == "test")]
    assert curve["value"].tolist()[4:] == alone.curves["test_loss"][0].tolist()
    layers = found.layers[(found.layers["variant"] == variant.id) & (found.layers["seed_index"] == 2)]
    start = layers[(layers["moment"] == "start") & (layers["quantity"] == "gradient_rms")]
    assert start["value"].tolist() == alone.layers["gradient_rms", "start"][0].tolist()
    assert start["layer"].tolist() == [1, 2, 3]


def test_more_seeds_and_more_variants_change_no_run():
    few = chunks.train(study(), seeds(2), classes(), "cpu").results
    many = chunks.train(study(), seeds(3), classes(), "cpu").results
    assert few.equals(many[many["seed_index"] < 2].reset_index(drop=True))


def test_a_stack_is_of_one_program_and_none_is_much_smaller_than_the_others(monkeypatch):
    dataset = classes(10)
    runs = [chunks.Run(variant, seed) for variant in study().variants for seed in seeds(10)]
    bytes_of_one = chunks._bytes(runs[0], dataset)
    monkeypatch.setattr(chunks, "STACK_BYTES", 7 * bytes_of_one)
    stacks = list(chunks.chunks(runs, dataset))
    assert sorted(map(id, itertools.chain(*stacks))) == sorted(map(id, runs))
    assert {len({loop.program(run.variant.setting) for run in stack}) for stack in stacks} == {1}
    assert {len(stack) for stack in stacks} <= {6, 7}


def test_a_run_that_diverges_is_marked_and_the_others_are_unharmed():
    wild = study(task="regression", **{"loss": "squared_error", "model.activation": "identity"})
    variants = list(wild.variants[:2])
    rate = {"optimizer.learning_rate": 1e6, "schedule.epochs": 20, "loss": "squared_error", "model.hidden": []}
    variants[0] = Variant("wild", "wild", "", "tame", variants[0].factors, setting({**rate, "model.dropout": 0.0}))
    tame = {**rate, "optimizer.learning_rate": 0.01}
    variants[1] = Variant("tame", "tame", "", "tame", variants[1].factors, setting(tame))
    mixed = Study("study", "?", "some", "regression", "test_loss", wild.compared, (), tuple(variants))
    results = chunks.train(mixed, seeds(3), values(), "cpu").results.set_index("variant")
    assert set(results.loc["wild", "status"]) == {"diverged"}
    assert results.loc["wild", ["test_loss", "weight_norm"]].isna().all().all()
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
