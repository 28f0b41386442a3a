"""`params.yaml` at its door: every mistake is named with its place, everything valid is read to the last value."""

import copy
import itertools
import json
import os
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ruamel.yaml import YAML
from samples import ROOT, SMALL, laid_over, write_params

from pipeline.core.errors import UserError
from pipeline.core.seeding import Seed
from pipeline.project import params

DECAY = "studies.weight_decay"
BOTH = pytest.mark.parametrize("name", ["params.yaml", "book/params.yaml"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("seeds: {root: 0", "line "),
        ("a: 1\na: 2\n", "line 2: found duplicate key"),
        ("a: &x 1\nb: *x\n", "line 1: found the anchor or alias 'x'"),
        ("a: !!python/object:os.system x\n", "line 1: found the tag"),
        ("a: {<<: {b: 1}}\n", "line 1: found the merge key"),
        ("a: 2024-13-45\n", ""),
        ("a: ${b}\n", "line 1: found ${ in '${b}'"),
        ("a: 1\n<<<<<<< HEAD\nb: 1\n=======\nb: 2\n>>>>>>> x\n", "line 2: found '<<<<<<< HEAD', a conflict of git"),
        ("[" * 2_000, ""),
        ("- 1\n", "found [1], allowed: the keys title, about, seeds"),
        ("", "found None, allowed: the keys title, about, seeds"),
        ("a:\n\tb: 1\n", "line 2"),
        (b"\xff\xfe\x00", "found bytes that are not UTF-8"),
        (None, "not found; change into the folder of a project"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(text, words, tmp_path):
    path = tmp_path / "params.yaml"
    if text is not None:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(UserError) as caught:
        params.load(path)
    assert str(caught.value).startswith(f"{path}: {words}")
    assert str(caught.value).isprintable()


# --- what is valid ---------------------------------------------------------------------------------------------------


def resolved(written: dict[str, Any], study: dict[str, Any]) -> list[dict[str, Any]]:
    """The configs that a study asks for, spelled out from the file without the project's own code."""

    def lay(under, over):
        for key, value in (over or {}).items():
            if isinstance(value, dict) and "name" not in value:
                lay(under[key], value)
            else:
                under[key] = copy.deepcopy(value)
        return under

    def axes(node, path=()):
        for key, value in node.items():
            yield from [((*path, key), value)] if isinstance(value, list) else axes(value, (*path, key))

    base = lay(copy.deepcopy(written["base"]), study.get("base"))
    if study.get("grid") is None:
        return [lay(copy.deepcopy(base), override) for override in study["variants"].values()]
    paths, values = zip(*axes(study["grid"]), strict=True)
    configs = []
    for point in itertools.product(*values):
        config = copy.deepcopy(base)
        for path, value in zip(paths, point, strict=True):
            node = config
            for key in path[:-1]:
                node = node[key]
            node[path[-1]] = value
        configs.append(config)
    return configs


def as_lists(config: Any) -> Any:
    """Tuples as lists, so that numbers of both sides compare."""
    if isinstance(config, dict):
        return {key: as_lists(value) for key, value in config.items()}
    return [as_lists(value) for value in config] if isinstance(config, tuple | list) else config


def check_everything(path: Path) -> bool:
    """Whether the file is valid: then every value of it must have been read; else every line names the file."""
    try:
        project = params.load(path)
    except UserError as error:
        for line in str(error).split("\n"):
            assert line.startswith("params.yaml: "), line
            assert line.isprintable(), line
            assert len(line) < 500, line
        return False
    written = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    assert list(project.studies) == list(written["studies"])
    for key, study in written["studies"].items():
        configs = [as_lists(variant.config.model_dump()) for variant in project.studies[key].variants]
        assert configs == resolved(written, study), key
    return True


VALUES = (*(True, None, "", 0, 1, -1, 0.5, 1e300, 10**40, [], {}, [1, "x"], {"name": "none"}, {"name": "adam"}), "relu")
TEXTS = [*"'[#\t\x00\x1b\u202e\"", "{a: 1}", "&a ", "*a", "!!int 1", "- ", ": ", "${x}", "---\n"]


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every holder and key in a tree."""
    items = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    return [(node, key) for key, _ in items] + [place for _, value in items for place in places(value)]


def test_a_generated_file_is_refused_in_words_or_read_to_the_last_value(in_folder, many, tally):
    """One to three places of the small project get other values, or the text gets something in it."""
    path, valid = Path("params.yaml"), 0
    for number in range(many(1500)):
        random = np.random.default_rng([6, number])
        tree = copy.deepcopy(SMALL)
        for _ in range(random.integers(1, 4)):
            holder, key = places(tree)[random.integers(len(places(tree)))]
            change = random.integers(5)
            if change == 0:
                holder[key] = VALUES[random.integers(len(VALUES))]
            elif change == 1:
                del holder[key]
            elif change == 2 and isinstance(holder, dict):
                holder["unknown"] = holder[key]
            elif isinstance(holder[key], int | float) and not isinstance(holder[key], bool):
                holder[key] = type(holder[key])(abs(holder[key]) * random.choice([0.5, 1, 2]))
        text = write_params(in_folder, tree).read_text()
        if number % 3 == 0:
            index = random.integers(len(text))
            text = text[:index] + TEXTS[random.integers(len(TEXTS))] + text[index:]
        path.write_text(text, encoding="utf-8")
        read = check_everything(path)
        valid += read
        tally("params", "generated file", "valid, every value read" if read else "refused, named")
    assert valid > many(1500) / 20


@BOTH
def test_both_projects_are_read_to_the_last_value(name, monkeypatch):
    monkeypatch.chdir((ROOT / name).parent)
    assert check_everything(Path("params.yaml"))
    assert params.load().notes == ()


@BOTH
def test_both_projects_read_the_same_in_yaml_1_1_and_fit_on_a_screen(name):
    """DVC reads YAML 1.2; the user's other tools may not."""
    text = (ROOT / name).read_text()
    assert yaml.safe_load(text) == YAML(typ="safe", pure=True).load(text)
    assert len(text.splitlines()) <= 700
    assert max(map(len, text.splitlines())) <= 120


@BOTH
def test_every_system_of_the_chapter_is_in_both_projects(name, monkeypatch):
    monkeypatch.chdir((ROOT / name).parent)
    project = params.load()
    factors = {factor for study in project.studies.values() for factor in study.factors}
    assert factors >= {
        *("implementation", "data.importance_weights", "data.examples", "penalty.l1", "penalty.l2"),
        *("model.activation", "model.features", "model.hidden", "model.dropout", "model.initialization.weight"),
        "optimizer.weight_decay",
    }
    kinds = {measurement.kind for measurement in project.measurements.values()}
    assert kinds == {"activations", "matrix_product", "shift_detector"}
    about = {claim.source for claim in project.claims.values()}
    assert about >= {"activation_functions", "linear_collapse", "implementation", "capacity", "degree", "weight_decay"}
    assert about >= {"penalty", "dropout", "matrix_product", "symmetry", "initialization", "covariate_shift"}


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_a_byte_order_mark_and_block_style_change_nothing(ends, in_folder):
    path = write_params(in_folder, SMALL)
    project = params.load()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_text().replace("\n", ends).encode())
    assert params.load() == project
    path.write_text(yaml.safe_dump(SMALL, default_flow_style=True, sort_keys=False))
    assert params.load() == project


def test_a_data_set_may_have_seeds_of_its_own(params_file):
    project = params.load(params_file({"seeds.root": 7, "datasets.linear.seeds": 5}))
    activation, decay = project.studies["activation"], project.studies["weight_decay"]
    assert project.seeds_of(activation) == project.seeds == (Seed(7, 0), Seed(7, 1), Seed(7, 2))
    assert project.seeds_of(decay) == tuple(Seed(7, index) for index in range(5))


SHIFTED = {"source": "covariate_shift", "shift": 1.0, "slope": 1.0}
SHIFTED |= dict.fromkeys(("train_examples", "target_examples", "test_examples"), 30)


@pytest.mark.parametrize(
    ("key", "changes", "limit"),
    [
        ("activation", {}, 100_000),  # images are the same for every seed
        ("weight_decay", {}, 3),  # of drawn examples there are as many as the data set has seeds
        ("weight_decay", {"datasets.linear.seeds": 5}, 5),
        ("weight_decay", {"datasets.linear.seeds": 2}, 2),
        ("activation", {"datasets.images": SHIFTED | {"seeds": 4}}, 4),
    ],
)
def test_a_study_may_have_seeds_of_its_own_up_to_those_that_its_data_are_drawn_for(
    key, changes, limit, params_file, refused
):
    for count in (1, limit):
        project = params.load(params_file(changes | {"seeds.root": 7, f"studies.{key}.seeds": count}))
        assert project.seeds_of(project.studies[key]) == tuple(Seed(7, index) for index in range(count))
        assert len(project.seeds) == 3
    (line,) = refused(changes | {f"studies.{key}.seeds": limit + 1})
    found = line.partition(": ")[2]
    assert found.startswith(f"studies.{key}.seeds: found {limit + 1}")
    drawn = changes.get("datasets.linear.seeds", 3) if key == "weight_decay" else 4
    allowed = f"at most {drawn}, for which the data set {project.studies[key].dataset} is drawn"
    assert limit == 100_000 or found.endswith(f", allowed: {allowed}")


def test_a_study_may_have_a_margin_of_its_own(params_file):
    own = {f"{DECAY}.margin": 1.5, "studies.activation.metric": "loss_gap", "studies.activation.margin": 0.1}
    project = params.load(params_file(own))
    assert project.judging_of(project.studies["weight_decay"]).margins == {"test_accuracy": 0.005, "test_loss": 1.5}
    assert project.judging_of(project.studies["activation"]).margins == {**project.judging.margins, "loss_gap": 0.1}
    assert project.judging.margins == {"test_accuracy": 0.005, "test_loss": 1.05}
    plain = params.load(params_file())
    assert plain.judging_of(plain.studies["activation"]) == plain.judging


def test_results_of_other_values_are_refused_before_they_are_written(in_folder):
    write_params(in_folder, SMALL)
    project = params.load()
    write_params(in_folder, laid_over(SMALL, {"studies.activation.metric": "test_loss"}))
    with pytest.raises(UserError, match="changed while this stage ran"):
        params.check_unchanged(project)
    write_params(in_folder, SMALL)
    params.check_unchanged(project)


def test_an_experiment_that_dvc_prepares_is_waited_for(in_folder, monkeypatch):
    """It writes the values of `-S` into the file, and restores it before it lets go of the workspace."""
    write_params(in_folder, SMALL)
    before, held = params.PATH.read_bytes(), in_folder / ".dvc/tmp/exps/rwlock"
    held.parent.mkdir(parents=True)
    write_params(in_folder, laid_over(SMALL, {"seeds.count": 7}))
    changed = params.load()

    def hold(pid: int) -> None:
        held.write_text(json.dumps({"write": {"workspace": {"pid": pid, "cmd": "dvc exp run"}}, "read": {}}))

    def restore() -> None:
        params.PATH.write_bytes(before)
        held.write_text("{}")

    hold(os.getpid())
    timer = threading.Timer(0.3, restore)
    timer.start()
    with pytest.raises(UserError, match="changed while this stage ran"):
        params.check_unchanged(changed)
    timer.join()
    # one that was killed holds nothing
    hold(2**22 + 1)
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail("waits for a process that has ended"))
    params.check_unchanged(params.load())
