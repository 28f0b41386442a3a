"""No run is trained twice, and only the result of the same run is taken."""

import dataclasses
import logging
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path

import pytest
from execution.studies import study, with_folds
from imports import modules, reached
from samples import classes, config, seeds

from pipeline.core.dataset import Dataset, Split
from pipeline.execution import store
from pipeline.execution.results import RunSpec
from pipeline.execution.runs import train_study
from pipeline.execution.store import Store, environment
from pipeline.project.variants import Study


def key(spec: RunSpec, dataset: Dataset) -> str:
    (digest,) = Store(Path("unused")).keys([spec], dataset)
    return digest


def counted(caplog, *arguments):
    """Train a study; return its tables, and the numbers of trained and of stored runs in the log."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        result = train_study(*arguments)
    (line,) = [record.message for record in caplog.records if "to train" in record.message]
    numbers = [int(word) for word in line.split() if word.isdigit()]
    return result, (numbers[0], numbers[-1])


def same(left, right) -> bool:
    tables = [(left.results, right.results), (left.curves, right.curves)]
    for name in ("layers", "weights", "pictures"):
        tables.append((getattr(left.diagnostics, name), getattr(right.diagnostics, name)))
    return all(first.equals(second) for first, second in tables)


def diverging() -> Study:
    return study(**{"optimizer.learning_rate": 1e30, "penalty.l2": 1.0})


@pytest.mark.parametrize("make", [study, with_folds, diverging])
def test_cold_warm_and_off_give_the_same_bits(make, tmp_path, caplog):
    chosen = dataclasses.replace(make(), figure="predictions")
    total = sum(len(variant.folds) for variant in chosen.variants) * 3
    off, counts = counted(caplog, chosen, seeds(3), classes(), Store(None))
    assert counts == (total, 0)
    for expected in ((total, 0), (0, total)):
        result, counts = counted(caplog, chosen, seeds(3), classes(), Store(tmp_path))
        assert counts == expected
        assert same(off, result)
    assert ("diverged" in set(off.results["status"])) == (make is diverging)
    assert off.results["parameters"].notna().all()


def fewer(dataset: Dataset, count: int) -> Dataset:
    """The same examples for the first seeds."""
    train, test = (Split(split.inputs[:count], split.targets[:count]) for split in (dataset.train, dataset.test))
    weights = {name: values[:count] for name, values in dataset.weights.items()}
    return dataclasses.replace(dataset, train=train, test=test, seeds=dataset.seeds[:count], weights=weights)


def test_more_seeds_and_variants_train_only_new_runs_and_rewording_trains_none(tmp_path, caplog):
    first = dataclasses.replace(study(), variants=study().variants[:5])
    _, counts = counted(caplog, first, seeds(2), fewer(classes(5), 2), Store(tmp_path))
    assert counts == (10, 0)
    _, counts = counted(caplog, first, seeds(5), classes(5), Store(tmp_path))
    assert counts == (15, 10)
    grown, counts = counted(caplog, study(), seeds(5), classes(5), Store(tmp_path))
    assert counts == (5, 25)
    assert same(grown, train_study(study(), seeds(5), classes(5), Store(None)))
    reworded = dataclasses.replace(study(), question="The same?", id="renamed", metric="train_loss")
    _, counts = counted(caplog, reworded, seeds(5), classes(5), Store(tmp_path))
    assert counts == (0, 30)


def test_a_key_depends_on_everything_that_a_run_depends_on(monkeypatch, tmp_path):
    spec, dataset = RunSpec(config(), seeds(5)[1], 0), classes(5)
    changed = classes(5)
    changed.train.inputs[1, 0, 0] += 1
    keys = [
        key(spec, dataset),
        key(spec, changed),
        key(spec, dataclasses.replace(dataset, factor=0.5)),
        key(spec._replace(config=config({"optimizer.learning_rate": 0.2})), dataset),
        key(spec._replace(config=config({"training.evaluations": 1})), dataset),
        key(spec._replace(seed=seeds(5)[2]), dataset),
        key(spec._replace(seed=seeds(5, root=1)[1]), dataset),
        key(spec._replace(fold=1), dataset),
    ]
    for name, value in store.environment().items():
        monkeypatch.setattr(store, "environment", lambda names, name=name, value=value: {name: f"{value}.1"})
        keys.append(key(spec, dataset))
    monkeypatch.undo()
    monkeypatch.setattr(store, "_PACKAGE", tmp_path)
    (tmp_path / "training").mkdir()
    for code in ("a = 1\n", "a = 2\n"):
        (tmp_path / "training" / "engine.py").write_text(code)
        keys.append(key(spec, dataset))
    assert len(set(keys)) == len(keys)


def test_the_code_of_a_key_is_the_code_that_trains():
    """Every module that a run's numbers pass through, but those that hold data, read files or describe metrics."""
    listed = {str(path.relative_to(store._PACKAGE)) for name in store._CODE for path in store._PACKAGE.glob(name)}
    needed = set()
    for module in ("pipeline.training.engine", "pipeline.training.concise", "pipeline.training.closed_form"):
        needed |= {modules()[name].removeprefix("pipeline/") for name in reached(module)}
    others = {f"core/{name}.py" for name in ("__init__", "cache", "dataset", "errors", "files")}
    assert needed - listed <= others | {"__init__.py"}


def test_the_variable_names_the_folder_or_switches_the_store_off(tmp_path, monkeypatch):
    assert Store.of_user().cache.folder is None
    monkeypatch.setenv("ABLATE_STORE", str(tmp_path))
    assert Store.of_user().cache.folder == tmp_path
    monkeypatch.delenv("ABLATE_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert "mlp-ablations" in str(Store.of_user().cache.folder)


def test_the_environment_names_libraries_and_no_machine():
    assert environment() == {name: version(name) for name in ("numpy", "numba", "llvmlite")}
    assert set(environment(["scratch", "concise"])) == {"numpy", "numba", "llvmlite", "torch"}


def test_two_that_write_at_once_get_the_same_results(tmp_path, caplog):
    with ThreadPoolExecutor(2) as executor:
        both = list(executor.map(lambda _: train_study(study(), seeds(6), classes(6), Store(tmp_path)), range(2)))
    result, counts = counted(caplog, study(), seeds(6), classes(6), Store(tmp_path))
    assert counts == (0, 36)
    assert all(same(result, other) for other in both)
