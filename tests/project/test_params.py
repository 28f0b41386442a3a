"""`params.yaml` at its door: every mistake is named with its place, everything valid is read to the last value."""

import copy
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from ruamel.yaml import YAML
from samples import CLAIM, ROOT, SMALL, laid_over, write_params

from pipeline.core.errors import UserError
from pipeline.core.seeding import Seed
from pipeline.project import params

DECAY = "studies.weight_decay"
ADAM = {"name": "adam", "learning_rate": 0.1, "beta1": 0.9, "beta2": 0.99, "epsilon": 1e-8, "weight_decay": 0.0}
MEASURED = {"claim": "?", "quantity": "log10_largest", "against": 1.0, "expect": "higher"}
BOTH = pytest.mark.parametrize("name", ["params.yaml", "book/params.yaml"])


def named(*variants: str, **overrides: Any) -> dict[str, Any]:
    """Changes that turn the grid of the study into named variants."""
    return {
        f"{DECAY}.grid": ...,
        f"{DECAY}.baseline": variants[0],
        f"{DECAY}.variants": dict.fromkeys(variants) | overrides,
    }


WRONG = {
    # changes, what one line must say
    "unknown key": ({"base.model.widht": 3}, "base.model.widht: found an unknown key, allowed: one of features"),
    "unknown section": ({"stduies": {}}, "stduies: found an unknown key, allowed: one of seeds"),
    "missing key": ({"base.loss": ...}, "base.loss: found nothing"),
    "missing section": ({"studies": ...}, "studies: found nothing"),
    "wrong type": (
        {f"{DECAY}.base.training.epochs": "ten"},
        f"{DECAY}.base.training.epochs: found 'ten', allowed: int",
    ),
    "boolean for a number": ({"base.training.epochs": True}, "base.training.epochs: found True"),
    "infinite": ({"base.optimizer.learning_rate": float("inf")}, "base.optimizer.learning_rate: found inf"),
    "beyond single precision": ({"base.optimizer.learning_rate": 1e308}, "base.optimizer.learning_rate: found 1e+308"),
    "unknown choice": ({"base.model.activation": "relo"}, "base.model.activation: found 'relo', allowed: 'relu'"),
    "list for a mapping": ({DECAY: [1]}, f"{DECAY}: found [1]"),
    "id with a dot": (
        {"datasets": {**SMALL["datasets"], "a.b": SMALL["datasets"]["images"]}},
        "datasets.a.b: found the id 'a.b'",
    ),
    "long id": ({"datasets." + "x" * 61: SMALL["datasets"]["images"]}, "found the id"),
    "id of a study": ({"measurements.activation": SMALL["measurements"]["product"]}, "measurements.activation: found"),
    "no seeds": ({"seeds.count": 0}, "seeds.count: found 0"),
    "margin of an unknown metric": ({"judging.margins": {"weight_norm": 1.0}}, "judging.margins: found"),
    "margin that is not a ratio": ({"judging.margins": {"test_loss": 0.05}}, "judging.margins: found"),
    "text that moves the cursor": ({f"{DECAY}.question": "\x1b[31m?"}, f"{DECAY}.question: found '\\x1b[31m?'"),
    "text in the other direction": ({f"{DECAY}.question": "a\u202eb"}, f"{DECAY}.question: found 'a\\u202eb'"),
    "question that DVC rewrites": ({f"{DECAY}.question": "${seeds.count}?"}, "line "),
    "override that the base lacks": (
        {f"{DECAY}.base.model.depth": 3},
        f"{DECAY}.base.model.depth: not in the base, which has a value for every key: features, hidden",
    ),
    "option of another choice": (
        {"studies.activation.base.optimizer": {**ADAM, "momentum": 0.9}},
        "studies.activation.base.optimizer.momentum: found an unknown key, allowed: one of",
    ),
    "option of another choice, in a sweep": (
        {"studies.activation.base.optimizer": {**ADAM, "momentum": 0.9}},
        "`-S '~studies.activation.base.optimizer.momentum'` removes it",
    ),
    "choice without its options": (
        {"studies.activation.base.optimizer": {"name": "adam", "learning_rate": 0.1}},
        "studies.activation.base.optimizer.weight_decay: found nothing",
    ),
    "neither grid nor variants": ({f"{DECAY}.grid": ...}, f"{DECAY}: found neither"),
    "grid and variants": ({f"{DECAY}.variants": {"a": None}}, f"{DECAY}: found both"),
    "empty grid": ({f"{DECAY}.grid": {}}, f"{DECAY}.grid: found 0 variants"),
    "empty axis": ({f"{DECAY}.grid.optimizer.weight_decay": []}, f"{DECAY}.grid.optimizer.weight_decay: found []"),
    "axis that is not a list": (
        {f"{DECAY}.grid.optimizer.weight_decay": 3},
        f"{DECAY}.grid.optimizer.weight_decay: found",
    ),
    "axis that the base lacks": (
        {f"{DECAY}.grid.optimizer.decay": [1]},
        f"{DECAY}.grid.optimizer.decay: not in the base",
    ),
    "nothing in a grid": ({f"{DECAY}.grid.penalty": {}}, f"{DECAY}.grid.penalty: found {{}}, allowed: a list"),
    "wrong value in a grid": (
        {f"{DECAY}.grid.optimizer.weight_decay": [0, -3]},
        f"{DECAY}.grid.optimizer.weight_decay: found -3",
    ),
    "value twice": ({f"{DECAY}.grid.optimizer.weight_decay": [0, 0.0]}, f"{DECAY}: found the same config twice"),
    "variants beyond counting": (
        {
            f"{DECAY}.grid": {
                "optimizer": {key: [*range(1000)] for key in ("weight_decay", "learning_rate")},
                "penalty": {key: [*range(1000)] for key in ("l1", "l2")},
            }
        },
        f"{DECAY}.grid: found 1,000,000,000,000 variants",
    ),
    "long id of a grid": (
        {f"{DECAY}.grid": {"model": {"hidden": [[1] * 120]}}, f"{DECAY}.baseline": {"model": {"hidden": [1] * 120}}},
        f"{DECAY}.grid: found the id 'hidden_1_1_1",
    ),
    "baseline outside the grid": (
        {f"{DECAY}.baseline.optimizer.weight_decay": 1},
        f"{DECAY}.baseline.optimizer.weight_decay: found 1, allowed: 0, 3",
    ),
    "baseline of no factor": ({f"{DECAY}.baseline": {"loss": "x"}}, f"{DECAY}.baseline.loss: not a factor of the grid"),
    "empty baseline": ({f"{DECAY}.baseline": {}}, f"{DECAY}.baseline: found nothing"),
    "id as the baseline of a grid": (
        {f"{DECAY}.baseline": "weight_decay_0"},
        f"{DECAY}.baseline: found 'weight_decay_0'",
    ),
    "baseline is not a variant": ({**named("a"), f"{DECAY}.baseline": "b"}, f"{DECAY}.baseline: found 'b', allowed: a"),
    "no variant": ({**named("a"), f"{DECAY}.variants": {}}, f"{DECAY}.variants: found 0 variants"),
    "wrong override": (named("a", b={"model": {"bias": 3}}), f"{DECAY}.variants.b.model.bias: found 3"),
    "mapping for a number": (
        named("a", b={"optimizer": {"learning_rate": {"x": 1}}}),
        f"{DECAY}.variants.b.optimizer.learning_rate: found {{'x': 1}}, allowed: number",
    ),
    "unknown data set": (
        {f"{DECAY}.dataset": "pictures"},
        f"{DECAY}.dataset: found 'pictures', allowed: images, linear",
    ),
    "metric that needs validation": (
        {f"{DECAY}.metric": "validation_loss"},
        f"{DECAY}.metric: found 'validation_loss'",
    ),
    "metric without a direction": ({f"{DECAY}.metric": "weight_norm"}, f"{DECAY}.metric: found 'weight_norm'"),
    "unknown figure": ({f"{DECAY}.figure": "pie"}, f"{DECAY}.figure: found 'pie'"),
    "figure of another kind of study": (
        {f"{DECAY}.figure": "selection"},
        f"{DECAY}.figure: found 'selection', allowed",
    ),
    "equal without a margin": (
        {f"{DECAY}.claims.c": {**CLAIM, "expect": "equal"}},
        f"{DECAY}.claims.c.margin: found None",
    ),
    "higher with a margin": ({f"{DECAY}.claims.c": {**CLAIM, "margin": 0.1}}, f"{DECAY}.claims.c.margin: found 0.1"),
    "margin of a ratio": (
        {f"{DECAY}.claims.c": {**CLAIM, "expect": "equal", "margin": 0.5}},
        f"{DECAY}.claims.c.margin: found 0.5, allowed: a ratio above 1 for test_loss",
    ),
    "number of a ratio": (
        {f"{DECAY}.claims.c": {**CLAIM, "against": 0.0}},
        f"{DECAY}.claims.c.against: found 0, allowed",
    ),
    "claim twice": (
        {f"{DECAY}.claims.c": CLAIM, "measurements.product.claims.c": MEASURED},
        f"{DECAY}.claims.c: found the id of another claim",
    ),
    "published file outside": ({"published": {"file": "../x.csv", "outcomes": []}}, "published.file: found '../x.csv'"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_mistake_is_named_with_its_place(case, refused):
    changes, words = WRONG[case]
    assert any(words in line for line in refused(changes)), refused(changes)


def test_all_mistakes_of_typed_values_are_named_at_once(refused):
    assert len(refused({"seeds.count": 0, "judging.alpha": 2})) == 2


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
        ("[" * 10_000, ""),
        ("- 1\n", "found [1], allowed: the keys seeds"),
        ("", "found None, allowed: the keys seeds"),
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


def plain_values(config: Any) -> Any:
    """Tuples as lists, so that numbers of both sides compare."""
    if isinstance(config, dict):
        return {key: plain_values(value) for key, value in config.items()}
    return [plain_values(value) for value in config] if isinstance(config, tuple | list) else config


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
        configs = [plain_values(variant.config.model_dump()) for variant in project.studies[key].variants]
        assert configs == resolved(written, study), key
    return True


VALUES = (*(True, None, "", 0, 1, -1, 0.5, 1e300, 10**30, [], {}, [1, "x"], {"name": "none"}, {"name": "adam"}), "relu")
TEXTS = (
    "'",
    '"',
    "[",
    "{a: 1}",
    "&a ",
    "*a",
    "!!int 1",
    "\t",
    "\x00",
    "\x1b",
    "\u202e",
    "- ",
    "#",
    ": ",
    "${x}",
    "---\n",
)


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
    about = {
        claim.study if isinstance(claim, params.StudyClaim) else claim.measurement for claim in project.claims.values()
    }
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
    assert project.seeds_of("images") == project.seeds == (Seed(7, 0), Seed(7, 1), Seed(7, 2))
    assert project.seeds_of("linear") == tuple(Seed(7, index) for index in range(5))


def test_a_claim_may_leave_out_the_metric_and_the_baseline(params_file):
    short = {"claim": "?", "variant": "weight_decay_3", "expect": "lower"}
    project = params.load(params_file({f"{DECAY}.claims": {"short": short, "long": CLAIM}}))
    assert vars(project.claims["short"]) == {**vars(project.claims["long"]), "id": "short"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {f"{DECAY}.claims.c": {**CLAIM, "variant": "x"}},
            f"{DECAY}.claims.c.variant: found 'x', there is weight_decay_0",
        ),
        ({f"{DECAY}.claims.c": {**CLAIM, "metric": "x"}}, f"{DECAY}.claims.c.metric: found 'x', there is train_loss"),
        (
            {f"{DECAY}.claims.c": {**CLAIM, "against": "x"}},
            f"{DECAY}.claims.c.against: found 'x', there is weight_decay_0",
        ),
        (
            {"measurements.product.claims.c": {**MEASURED, "quantity": "x"}},
            "measurements.product.claims.c.quantity: found 'x', there is log10_largest",
        ),
        (
            {"published": {"file": "p.csv", "outcomes": [{"config": "s", "study": "x"}]}},
            "published.outcomes.0.study: found",
        ),
        (
            {"published": {"file": "p.csv", "outcomes": [{"config": "s", "measurement": "x"}]}},
            "published.outcomes.0.measurement: found 'x'",
        ),
    ],
)
def test_a_claim_about_something_that_does_not_exist_is_noted_and_stops_nothing(changes, words, params_file):
    """A sweep changes grids; its user need not rewrite the claims."""
    (note,) = params.load(params_file(changes)).notes
    assert words in note
    assert note.endswith("; not measured")


def test_results_of_other_values_are_refused_before_they_are_written(in_folder):
    write_params(in_folder, SMALL)
    project = params.load()
    write_params(in_folder, laid_over(SMALL, {"studies.activation.metric": "test_loss"}))
    params.check_unchanged(project, "seeds", "base", DECAY)
    for keys in ((), ("studies.activation",)):
        with pytest.raises(UserError, match="changed while this stage ran"):
            params.check_unchanged(project, *keys)
