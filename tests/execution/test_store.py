"""Nothing is trained twice, and nothing is taken that is not the same run."""

import dataclasses
import itertools
import json
import logging
import os
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import pytest
from execution.studies import study, with_folds
from imports import modules, reached
from samples import classes, config, seeds, values

from pipeline.core.dataset import Dataset, Split
from pipeline.execution import pool, results, runs, store
from pipeline.execution.results import RunSpec
from pipeline.execution.store import Store, environment


def entries(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/*.run"))


def key(job, dataset: Dataset) -> str:
    (found,) = Store(Path("unused")).keys([RunSpec(*job)], dataset)
    return found


def counted(caplog, *arguments, **keywords):
    """What a study leaves, and how many of its runs were trained and taken, as the log has it."""
    caplog.clear()
    with caplog.at_level(logging.INFO):
        found = runs.train(*arguments, **keywords)
    (line,) = [record.message for record in caplog.records if "to train" in record.message]
    numbers = [int(word) for word in line.split() if word.isdigit()]
    return found, numbers[0], numbers[-1]


def same(one, other) -> bool:
    tables = [(one.results, other.results), (one.curves, other.curves)]
    tables += [
        (getattr(one.diagnostics, name), getattr(other.diagnostics, name)) for name in ("layers", "weights", "pictures")
    ]
    return all(left.equals(right) for left, right in tables)


@pytest.mark.parametrize("make", [study, with_folds])
def test_cold_warm_and_off_give_the_same_bits(make, tmp_path, caplog):
    chosen = dataclasses.replace(make(), figure="predictions")
    total = sum(len(variant.folds) for variant in chosen.variants) * 3
    off, trained, taken = counted(caplog, chosen, seeds(3), classes(), Store(None))
    assert (trained, taken) == (total, 0)
    cold, trained, taken = counted(caplog, chosen, seeds(3), classes(), Store(tmp_path))
    assert (trained, taken) == (total, 0)
    warm, trained, taken = counted(caplog, chosen, seeds(3), classes(), Store(tmp_path))
    assert (trained, taken) == (0, total)
    assert same(off, cold)
    assert same(off, warm)


def test_a_linear_study_and_a_diverged_run_come_back_as_they_were(tmp_path, caplog):
    changes = {"loss": "squared_error", "model.hidden": [], "model.dropout": 0.0}
    linear = study("regression", **changes)
    linear = dataclasses.replace(linear, traits=frozenset(["regression", "linear"]), variants=linear.variants[:2])
    wild = config({**changes, "optimizer.learning_rate": 1e6, "training.epochs": 20})
    linear = dataclasses.replace(
        linear, variants=(linear.variants[0], dataclasses.replace(linear.variants[1], config=wild))
    )
    cold = runs.train(linear, seeds(2), values(), Store(tmp_path))
    warm, trained, _ = counted(caplog, linear, seeds(2), values(), Store(tmp_path))
    assert trained == 0
    assert same(cold, warm)
    assert set(cold.results["status"]) == {"finished", "diverged"}
    assert cold.results["closed_form_test_loss"].notna().all()


def test_more_seeds_and_one_more_variant_train_what_is_new(tmp_path, caplog):
    first = dataclasses.replace(study(), variants=study().variants[:5])
    _, trained, taken = counted(caplog, first, seeds(2), classes(5), Store(tmp_path))
    assert (trained, taken) == (10, 0)
    # the data set of five seeds holds the same examples for the first two, in another file
    _, trained, taken = counted(caplog, first, seeds(5), classes(5), Store(tmp_path))
    assert (trained, taken) == (15, 10)
    grown, trained, taken = counted(caplog, study(), seeds(5), classes(5), Store(tmp_path))
    assert (trained, taken) == (5, 25)
    assert same(grown, runs.train(study(), seeds(5), classes(5), Store(None)))


def fewer(dataset: Dataset, count: int) -> Dataset:
    """The same examples for the first seeds."""

    def first(split: Split) -> Split:
        return Split(split.inputs[:count], split.targets[:count])

    weights = {name: each[:count] for name, each in dataset.weights.items()}
    return dataclasses.replace(
        dataset, train=first(dataset.train), test=first(dataset.test), seeds=dataset.seeds[:count], weights=weights
    )


def test_a_key_depends_on_the_run_s_own_examples_alone():
    job = (config(), seeds(5)[1], 0)
    assert key(job, classes(5)) == key(job, fewer(classes(5), 2))
    changed = classes(5)
    changed.train.inputs[2, 0, 0] += 1
    assert key(job, changed) == key(job, classes(5))
    for array in ("train.inputs", "train.targets", "test.inputs", "test.targets"):
        changed = classes(5)
        split, field = array.split(".")
        getattr(getattr(changed, split), field)[1, 0] += 1
        assert key(job, changed) != key(job, classes(5)), array
    changed = classes(5)
    changed.weights["oracle"][1, 0] += 1
    assert key(job, changed) != key(job, classes(5))


def test_a_key_depends_on_everything_that_a_run_depends_on(monkeypatch, tmp_path):
    job = (config(), seeds(5)[1], 0)
    dataset = classes(5)
    others = [
        key((config({"optimizer.learning_rate": 0.2}), job[1], 0), dataset),
        key((config({"training.evaluations": 1}), job[1], 0), dataset),
        key((job[0], seeds(5)[2], 0), dataset),
        key((job[0], seeds(5, root=1)[1], 0), dataset),
        key((job[0], job[1], 1), dataset),
        key(job, dataclasses.replace(dataset, factor=0.5)),
    ]
    # on the versions of what computes
    for name, value in store.environment().items():
        monkeypatch.setattr(store, "environment", lambda names, name=name, value=value: {name: f"{value}.1"})
        others.append(key(job, dataset))
    monkeypatch.undo()
    # and on the code, byte by byte
    package = tmp_path / "pipeline"
    for name in ("core/seeding.py", "training/engine.py"):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("a = 1\n")
    monkeypatch.setattr(store, "_PACKAGE", package)
    before = key(job, dataset)
    (package / "training" / "engine.py").write_text("a = 2\n")
    others += [before, key(job, dataset)]
    monkeypatch.undo()
    assert len({key(job, dataset), *others}) == len(others) + 1


def test_the_code_of_a_key_is_the_code_that_trains():
    """Every module that a run's numbers pass through, but those that hold data, read files or describe metrics."""
    found = {str(path.relative_to(store._PACKAGE)) for pattern in store._CODE for path in store._PACKAGE.glob(pattern)}
    needed = set()
    for module in ("pipeline.training.engine", "pipeline.training.concise", "pipeline.training.closed_form"):
        needed |= {modules()[name].removeprefix("pipeline/") for name in reached(module)}
    files = {f"project/{name}.py" for name in ("__init__", "dataset", "errors", "metrics")} | {"__init__.py"}
    assert needed - found <= files


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "other", "folder"])
def test_a_damaged_entry_is_trained_again(damage, tmp_path, caplog):
    chosen = dataclasses.replace(study(), variants=study().variants[:1])
    whole = runs.train(chosen, seeds(2), classes(), Store(tmp_path))
    first, second = entries(tmp_path)
    content = first.read_bytes()
    if damage == "cut":
        first.write_bytes(content[:-7])
    elif damage == "flipped":
        first.write_bytes(content[:200] + bytes([content[200] ^ 1]) + content[201:])
    elif damage == "empty":
        first.write_bytes(b"")
    elif damage == "other":
        first.write_bytes(second.read_bytes()[:-1])
    else:
        first.unlink()
        first.mkdir()
    found, trained, taken = counted(caplog, chosen, seeds(2), classes(), Store(tmp_path))
    assert (trained, taken) == (1, 1)
    assert same(found, whole)
    if damage != "folder":
        assert first.read_bytes() == content


def test_an_entry_under_the_name_of_another_run_is_not_taken(tmp_path, caplog):
    """A copied or renamed file is whole by its digest: only its name says which run it is of."""
    chosen = dataclasses.replace(study(), variants=study().variants[:1])
    whole = runs.train(chosen, seeds(2), classes(), Store(tmp_path))
    first, second = entries(tmp_path)
    first.write_bytes(second.read_bytes())
    found, trained, taken = counted(caplog, chosen, seeds(2), classes(), Store(tmp_path))
    assert (trained, taken) == (1, 1)
    assert same(found, whole)


def test_where_nothing_can_be_written_training_goes_on(tmp_path, caplog):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    found, trained, _ = counted(caplog, study(), seeds(2), classes(), Store(blocked))
    assert trained == 12
    assert same(found, runs.train(study(), seeds(2), classes(), Store(None)))
    assert len([record for record in caplog.records if "not kept" in record.message]) == 1


def test_a_full_disk_leaves_no_half_of_an_entry(tmp_path, caplog, monkeypatch):
    written, replace = itertools.count(), Path.replace

    def full(self, target):
        if next(written) >= 3:
            raise OSError(28, "No space left on device")
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", full)
    found, trained, _ = counted(caplog, study(), seeds(2), classes(), Store(tmp_path))
    monkeypatch.undo()
    assert trained == 12
    assert "No space left on device" in caplog.text
    assert len(entries(tmp_path)) == len([path for path in tmp_path.rglob("*") if path.is_file()]) == 3
    _, trained, taken = counted(caplog, study(), seeds(2), classes(), Store(tmp_path))
    assert (trained, taken) == (9, 3)
    assert same(found, runs.train(study(), seeds(2), classes(), Store(None)))


def test_the_variable_names_the_folder_or_switches_it_off(tmp_path, monkeypatch):
    assert Store.of_user().cache.folder is None
    monkeypatch.setenv("ABLATE_STORE", str(tmp_path))
    assert Store.of_user().cache.folder == tmp_path
    monkeypatch.delenv("ABLATE_STORE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    default = Store.of_user().cache.folder
    assert default is not None
    assert "mlp-ablations" in str(default)
    runs.train(study(), seeds(1), classes(), Store(None))
    assert not default.exists() or not list(default.iterdir())


def test_the_environment_names_what_computes_and_no_machine():
    assert environment() == {name: version(name) for name in ("numpy", "numba", "llvmlite")}
    assert set(environment(["scratch", "concise"])) == {"numpy", "numba", "llvmlite", "torch"}


PROGRAM = """
import sys
from pathlib import Path
from execution.studies import study
from samples import classes, seeds
from pipeline.execution import runs
from pipeline.execution.store import Store
found = runs.train(study(), seeds(6), classes(6), Store(Path(sys.argv[1])))
print(found.results.to_csv())
"""


def start(folder: Path) -> subprocess.Popen:
    tests = Path(__file__).parents[1]
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env={**os.environ, "PYTHONPATH": f"{tests}{os.pathsep}{tests.parent}"},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_two_that_write_at_once_and_one_that_is_killed(tmp_path, caplog):
    """What was finished stays and is taken up; the numbers are those of a run without a store."""
    killed = start(tmp_path)
    while len(entries(tmp_path)) < 8 and killed.poll() is None:
        time.sleep(0.01)
    killed.kill()
    killed.communicate()
    kept = len(entries(tmp_path))
    assert kept >= 8
    pair = [start(tmp_path), start(tmp_path)]
    one, other = (process.communicate()[0] for process in pair)
    assert one == other
    found, trained, taken = counted(caplog, study(), seeds(6), classes(6), Store(tmp_path))
    assert (trained, taken) == (0, 36)
    assert found.results.to_csv() == one.rstrip("\n") + "\n"
    assert same(found, runs.train(study(), seeds(6), classes(6), Store(None)))


def test_a_run_that_is_done_is_kept_while_others_train(tmp_path, monkeypatch):
    """So a stage that is killed loses the runs that it was at, and no other."""
    monkeypatch.setenv("ABLATE_THREADS", "1")
    train, begun = results.train, []

    def counting(spec, examples, control):
        begun.append(len(entries(tmp_path)))
        time.sleep(0.02)  # in which what was finished before is written
        return train(spec, examples, control)

    monkeypatch.setattr(pool.results, "train", counting)
    runs.train(study(), seeds(2), classes(), Store(tmp_path))
    assert all(kept >= number - 1 for number, kept in enumerate(begun))


def test_rewording_a_question_trains_nothing(tmp_path, caplog):
    runs.train(study(), seeds(2), classes(2), Store(tmp_path))
    reworded = dataclasses.replace(study(), question="The same?", id="renamed", metric="train_loss")
    _, trained, taken = counted(caplog, reworded, seeds(2), classes(2), Store(tmp_path))
    assert (trained, taken) == (0, 12)


def test_an_entry_lies_under_its_key(tmp_path):
    chosen = dataclasses.replace(study(), variants=study().variants[:1])
    runs.train(chosen, seeds(1), classes(), Store(tmp_path))
    (entry,) = entries(tmp_path)
    assert entry.parent.name + entry.stem == key((chosen.variants[0].config, seeds(1)[0], 0), classes())
    content = entry.read_bytes()[:-32]  # before the digest
    assert json.loads(content)["finite"] is True
