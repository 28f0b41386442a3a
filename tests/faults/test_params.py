"""Generated `params.yaml`, wrong in every way that one can be: refused in words, or read to the last leaf and run."""

import copy
import functools
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faults.tally import Mutant, Tally
from faults.whole import run
from ruamel.yaml import YAML
from samples import CLAIM, ROOT, SMALL, Project, laid_over, write_params

from ablate import cli
from pipeline.core import console
from pipeline.core.errors import UserError
from pipeline.project import params

MUTANTS = [
    Mutant(
        file="pipeline/project/params.py",
        guard='if getattr(event, "anchor", None):',
        without="if False:",
        test="test_a_trick_of_yaml_is_refused[anchor]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard='if getattr(event, "tag", None):',
        without="if False:",
        test="test_a_trick_of_yaml_is_refused[tag]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard='if isinstance(event, ScalarEvent) and event.value == "<<":',
        without="if False:",
        test="test_a_trick_of_yaml_is_refused[merge]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard='if line.startswith("%"):',
        without="if False:",
        test="test_a_file_that_is_no_project_is_refused[directive 1.1]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if depth > MOST_LEVELS:",
        without="if False:",
        test="test_a_trick_of_yaml_is_refused[deep]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if path.stat().st_size > MOST_BYTES:",
        without="if False:",
        test="test_a_file_that_is_no_project_is_refused[too large]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="        except ValueError as error:\n            problem",
        without="        except ZeroDivisionError as error:\n            problem",
        test="test_a_trick_of_yaml_is_refused[no date]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if isinstance(key, str) and _KEY.fullmatch(key):",
        without="if True:",
        test="test_a_trick_of_yaml_is_refused[key that is a number]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if refused is not None:",
        without="if False:",
        test="test_a_trick_of_yaml_is_refused[direction]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if not -(2**63) <= node < 2**63:",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[400 digits]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="elif not isinstance(node, float | None):",
        without="elif False:",
        test="test_a_trick_of_yaml_is_refused[date]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if size > LARGEST_DATASET:",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[data set]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if runs > MOST_RUNS:",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[runs]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard='one if one.isprintable() else one.encode("unicode_escape").decode()',
        without="one",
        test="test_a_trick_of_yaml_is_refused[twice, with what writes]",
    ),
    Mutant(
        file="pipeline/project/params.py",
        guard="if foreign:",
        without="if False:",
        test="test_a_generated_file_is_refused_in_words_or_read_to_the_last_leaf",
    ),
    Mutant(
        file="pipeline/core/errors.py",
        guard="except ValueError:  # Python writes",
        without="except ZeroDivisionError:  # Python writes",
        test="test_a_trick_of_yaml_is_refused[5000 hexadecimal digits]",
    ),
    Mutant(
        file="pipeline/core/errors.py",
        guard='text if len(text) <= 80 else text[:77] + "..."',
        without="text",
        test="test_a_generated_file_is_refused_in_words_or_read_to_the_last_leaf",
    ),
    Mutant(
        file="pipeline/training/config.py",
        guard="epochs: Annotated[int, Field(ge=1, le=1_000_000)]",
        without="epochs: Annotated[int, Field(ge=1)]",
        test="test_what_can_not_be_meant_is_refused[epochs]",
    ),
    Mutant(
        file="pipeline/core/config.py",
        guard="Positive = Annotated[float, Field(gt=0, le=LARGEST)]",
        without="Positive = Annotated[float, Field(gt=0)]",
        test="test_what_can_not_be_meant_is_refused[number]",
    ),
    Mutant(
        file="pipeline/measurements/config.py",
        guard="if len(set(self.functions)) < len(self.functions):",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[function twice]",
    ),
    Mutant(
        file="pipeline/measurements/config.py",
        guard="if len(set(self.quantities)) < len(self.shifts):",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[shift twice]",
    ),
    Mutant(
        file="pipeline/project/schema.py",
        guard='if self.metric in METRICS and METRICS[self.metric].scale == "log":',
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[margin of a ratio]",
    ),
    Mutant(
        file="pipeline/core/config.py",
        guard='if not fits or not inside or path.is_absolute() or ".." in path.parts:',
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[published file '/etc/passwd']",
    ),
    Mutant(
        file="pipeline/project/schema.py",
        guard="question: Words",
        without="question: str",
        test="test_what_can_not_be_meant_is_refused[question]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard="if size > LARGEST_NETWORK:",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[network]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard="+ 16 * features * max(widths[1:])",
        without="",
        test="test_what_can_not_be_meant_is_refused[product of layers]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard="if count > MOST_VARIANTS:",
        without="if count > 2 * MOST_VARIANTS:",
        test="test_what_can_not_be_meant_is_refused[variants]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard="if len(variant.id) > LONGEST_VARIANT:",
        without="if False:",
        test="test_what_can_not_be_meant_is_refused[id of a grid]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard='return isinstance(value, dict) and "name" not in value and isinstance(under, dict)',
        without='return isinstance(value, dict) and "name" not in value',
        test="test_what_can_not_be_meant_is_refused[mapping for a number]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard="elif isinstance(node, dict) and node and isinstance(base[key], dict):",
        without="elif isinstance(node, dict) and isinstance(base[key], dict):",
        test="test_what_can_not_be_meant_is_refused[nothing in a grid]",
    ),
    Mutant(
        file="pipeline/project/variants.py",
        guard="elif isinstance(node, dict) and node and any(factor",
        without="elif isinstance(node, dict) and any(factor",
        test="test_what_can_not_be_meant_is_refused[nothing in a baseline]",
    ),
]

Many = Callable[[int], int]
LONGEST_LINE = 400

# --- mistakes as they stand in the file ------------------------------------------------------------------------------

# what a value is replaced by; in the notation of YAML, since most of it no program would write
VALUES = """
true|false|null|~|''|'1'|"1"|0|1|-1|2|7|-0|-0.0|0.0|0.5|1.5|1e-3|1e3|1E3|.5|5.|+1|5e-324|1e30|1e308|-1e308|1e400
1000000000000|1000000000000000|9223372036854775808|-9223372036854775809|.inf|-.inf|.nan|.NaN|on|yes|no|off|y
010|08|0o17|0x1F|0b11|1_000|1__0|_|1:30|1:30:00|2024-01-01|2024-13-45|2024-01-01T00:00:00Z|12:60
[]|{}|[1]|[1, two, 3.5, null]|{a: 1}|{name: none}|{name: normal}|{name: normal, std: 1.0}|[[[[1]]]]|[{a: [1]}]
{a: {b: {c: 1}}}|!!python/object:os.system x|!!python/name:os.system|!!binary aGk=|!!set {x: , y: }|!!omap [x: 1]
!!str 1|!!int '1'|!!float 1|!own 1|! 1|&a 1|*a|<<|=|{<<: {a: 1}}|{1: 2}|{true: 1}|{null: 1}|{1.5: 1}|{.nan: 1}|{'': 1}
{? [a, b] : 1}|{? {a: 1} : 1}|'größe ✓ 数 🎲'|"\\ud800"|"\\e[31m red"|"\\u202e"|"\\u2028"|"\\uffff"|"\\0"|"\\x85"
"a\\tb"|"a\\nb"|\u202eabc|\x1b[31m|a\x00b|'a.b'|a b|'a/b'|../x|/etc/passwd|all|some|none|cpu|cuda|linear|images
weight_decay|test_loss|digits|sgd|relu|zeros|first|equal|1.0e+00|3|"unterminated|'unterminated|[unterminated
{unterminated|a: b|- a|# nothing|@x|`x`|%x|?|:|-|>|| |>-|x # comment
"""
LARGE = [
    "1" + "0" * 400,
    "-" + "9" * 5000,
    "0x" + "f" * 5000,
    "[" * 10_000 + "]" * 10_000,
    "{a: " * 200 + "1" + "}" * 200,
    "'" + "x" * 100_000 + "'",
    "{" + "k" * 1000 + ": 1}",
    "[" + "1, " * 2000 + "1]",
    "[" + "1000000000, " * 3 + "1]",
    "[1000000000000]",
]
WORDS = [value for line in VALUES.strip().split("\n") for value in line.split("|")] + LARGE
KEYS = ["1", "true", "null", "1.5", "'1'", "''", "a.b", "A", "größe", "k" * 300, '"\\e[1m"', "? [a, b]", "<<", "name"]
KEYS += ["studies", "model", "on", "2024-01-01", "!!str a", "&a b", "'a b'", "../a", "x" * 61, '"\\ud800"', ".nan", "~"]


def places(node: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a tree, the root left out."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield (*way, key)
        yield from places(value, (*way, key))


def at(node: Any, way: tuple[Any, ...]) -> Any:
    return functools.reduce(lambda inner, key: inner[key], way, node)


class Written:
    """A tree with marks for what only text can say, such as a tag or a bracket that stays open."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def mark(self, text: str) -> str:
        mark = f"mark{len(self._texts)}mark"
        self._texts[mark] = text
        return mark

    def text(self, tree: Any, folder: Path) -> str:
        text = write_params(folder, tree).read_text()
        for mark, own in self._texts.items():
            text = text.replace(mark, own)
        return text


def pick(random: np.random.Generator, things: Any) -> Any:
    return things[int(random.integers(len(things)))]


def near(random: np.random.Generator, value: Any) -> Any:
    """Another value of the same kind, mostly one that is allowed."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return max(0, value + int(random.integers(-2, 3)))
    if isinstance(value, float):
        return float(f"{value * random.choice([0.5, 0.9, 1.0, 1.1, 2.0]):.3g}")
    if isinstance(value, str):
        return pick(random, [value, value.upper(), value + "x", value[:-1], "sigmoid", "concise", "constant", "zeros"])
    return value


WAYS = ("value", "value", "near", "near", "near", "delete", "key", "unknown", "copy", "move")
TAME = ("value", "near", "near", "near", "near", "move")


def mutated_tree(
    random: np.random.Generator, base: Mapping[str, Any], folder: Path, ways: tuple[str, ...] = WAYS
) -> str:
    """The text of a project of which one to three places are other than they were."""
    tree, written = copy.deepcopy(dict(base)), Written()
    for _ in range(int(random.integers(1, 4))):
        way = pick(random, list(places(tree)))
        holder, key = at(tree, way[:-1]), way[-1]
        match pick(random, ways):
            case "value":
                holder[key] = written.mark(pick(random, WORDS))
            case "near":
                holder[key] = near(random, holder[key])
            case "delete":
                del holder[key]
            case "key" if isinstance(holder, dict):
                holder[written.mark(pick(random, KEYS))] = holder.pop(key)
            case "unknown" if isinstance(holder, dict):
                holder[written.mark(pick(random, KEYS))] = pick(random, [1, "x", [], {}, holder[key]])
            case "copy":
                holder[key] = copy.deepcopy(at(tree, pick(random, list(places(tree)))))
            case "move" if isinstance(holder, dict):
                # the order of keys means nothing
                holder[key] = holder.pop(key)
        if not list(places(tree)):
            break
    return written.text(tree, folder)


SPECIAL = [
    *":-[]{},#&*!|>'\"%@`?~=<",
    "\t",
    "\n",
    " ",
    "\r",
    "\x00",
    "\x1b",
    "\ufeff",
    "\u202e",
    "\u2028",
    "\x85",
    "<<: ",
    "é",
]


def mutated_text(random: np.random.Generator, base: Mapping[str, Any], folder: Path) -> bytes:
    """The bytes of a project's file with something done to them."""
    text = write_params(folder, base).read_text()
    lines = text.splitlines(keepends=True)
    line, other = (int(random.integers(len(lines))) for _ in range(2))
    place = int(random.integers(len(text)))
    match int(random.integers(22)):
        case 0 | 1 | 2 | 3:
            text = text[:place] + pick(random, SPECIAL) + text[place:]
        case 4 | 5:
            text = text[:place] + text[place + int(random.integers(1, 20)) :]
        case 6 | 7:
            text = "".join([*lines[:line], lines[line], *lines[line:]])
        case 8:
            lines[line], lines[other] = lines[other], lines[line]
            text = "".join(lines)
        case 9 | 10:
            lines[line] = pick(random, ["  ", " ", "\t", "- "]) + lines[line]
            text = "".join(lines)
        case 11:
            text = text[:place]
        case 12:
            text = (
                pick(random, ["%YAML 1.1\n---\n", "%YAML 1.2\n---\n", "%YAML 1.3\n---\n", "%TAG ! x:\n---\n", "%X\n"])
                + text
            )
        case 13:
            text = text + pick(
                random, ["---\na: 1\n", "...\n", "...\n---\n", "--- x\n", "\x00", "# ends", "a: &x [*x]\n"]
            )
        case 14:
            text = (
                pick(
                    random,
                    ["---\n", "# a comment\n", "\ufeff", "\n\n", "--- !!map\n", "? a\n", "\ufeff%YAML 1.1\n---\n"],
                )
                + text
            )
        case 15:
            return pick(random, [text.encode("utf-16"), text.encode("utf-32"), b"\xff" + text.encode(), b"\x80" * 9])
        case 16:
            text = text.replace("\n", pick(random, ["\r\n", "\r", "\n\n", " # a comment\n", "\u2028"]))
        case 17:
            text = pick(
                random,
                [
                    "",
                    " ",
                    "null",
                    "3",
                    "text",
                    "- 1\n- 2\n",
                    "[]",
                    "{}",
                    "{",
                    "#",
                    "\x00",
                    "!!set {a}",
                    "'",
                    "---\n---\n",
                ],
            )
        case 18:
            text = text.replace(": ", pick(random, [":", ":  ", " : ", ":\t"]))
        case 19:
            lines[line] = lines[line].rstrip("\n") + pick(random, [" # a comment\n", "   \n", " x\n", "\t\n", ",\n"])
            text = "".join(lines)
        case 20:
            text = text.replace("'", '"')
        case 21:
            text = laughs() + text
    return text.encode("utf-8", "surrogatepass")


def laughs() -> str:
    """A few lines that are a billion values."""
    lines = ["a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    return "\n".join(lines) + "\n"


# --- what must come of them ------------------------------------------------------------------------------------------


def loaded() -> params.Params | None:
    """The project of the current folder; none where it is refused, and then in words as they must be."""
    try:
        return params.load()
    except UserError as error:
        check_words(str(error))
        return None


def check_words(text: str) -> None:
    """Every line names the file, and a dotted key or a line in it."""
    lines = text.split("\n")
    assert text
    for line in lines:
        assert line.startswith("params.yaml: "), line
        assert line.isprintable(), line
        assert len(line) <= LONGEST_LINE, line
        where = line.removeprefix("params.yaml: ").split(": ")[0]
        dotted = all(part.replace("-", "_").isidentifier() or part.isdecimal() for part in where.split("."))
        whole = where.startswith(("line ", "found ", "cannot be read"))
        assert dotted or whole, line


def check_everything(project: params.Params, path: Path) -> None:
    """Every leaf that the file has is one that the typed configs have, and the other way round."""
    raw = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    typed = {
        "seeds": {"root": project.seeds[0].root, "count": len(project.seeds)},
        "judging": project.judging.model_dump(exclude_unset=True),
        "datasets": {key: one.model_dump(exclude_unset=True) for key, one in project.datasets.items()},
        "measurements": {key: one.model_dump(exclude_unset=True) for key, one in project.measurements.items()},
    }
    if "claims" in raw:
        typed["claims"] = {key: one.model_dump(exclude_unset=True) for key, one in project.claims.items()}
    if "published" in raw:
        typed["published"] = project.published and project.published.model_dump(exclude_unset=True)
    studies = raw.pop("studies")
    check_equal(typed, raw, "")
    assert list(project.studies) == list(studies)
    for key, study in project.studies.items():
        own = studies[key]
        assert set(own) <= {
            "question",
            "dataset",
            "metric",
            "figure",
            "simplest",
            "base",
            "grid",
            "variants",
            "baseline",
        }
        assert (study.question, study.dataset, study.metric) == (
            " ".join(own["question"].split()),
            own["dataset"],
            own["metric"],
        )
        assert study.figure == own.get("figure")
        assert study.simplest_first == (own.get("simplest", "first") == "first")
        configs = list(spanned(own))
        assert len(configs) == len(study.variants)
        for variant, wanted in zip(study.variants, configs, strict=True):
            check_equal(variant.config.model_dump(exclude_unset=True), wanted, key)
        check_baseline(study, own)


def check_equal(typed: Any, raw: Any, where: str) -> None:
    if isinstance(raw, dict):
        assert isinstance(typed, dict), where
        assert typed.keys() == raw.keys(), where
        for key in raw:
            check_equal(typed[key], raw[key], f"{where}.{key}")
    elif isinstance(raw, list):
        assert isinstance(typed, list | tuple), where
        assert len(typed) == len(raw), where
        for mine, other in zip(typed, raw, strict=True):
            check_equal(mine, other, where)
    else:
        # an integer where a number is wanted is one; truth and text are nothing but themselves
        same = {bool: bool, str: str, int: (int, float), float: float, type(None): type(None)}[type(raw)]
        assert isinstance(typed, same), (where, typed, raw)
        assert isinstance(typed, bool) == isinstance(raw, bool), (where, typed, raw)
        assert typed == raw, (where, typed, raw)


def spanned(own: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The configs that a study asks for, spelled out from the file without the project's own code."""
    base = own["base"]
    if own.get("grid") is not None:
        axes = list(grid_leaves(own["grid"]))
        for values in itertools.product(*(values for _, values in axes)):
            changed = copy.deepcopy(base)
            for (way, _), value in zip(axes, values, strict=True):
                at(changed, way[:-1])[way[-1]] = value
            yield changed
    else:
        for override in own["variants"].values():
            changed = copy.deepcopy(base)
            lay(changed, override or {})
            yield changed


def grid_leaves(node: Any, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    for key, value in node.items():
        if isinstance(value, list):
            yield (*way, key), value
        else:
            yield from grid_leaves(value, (*way, key))


def lay(under: dict[str, Any], over: Mapping[str, Any]) -> None:
    for key, value in over.items():
        if isinstance(value, dict) and "name" not in value and isinstance(under[key], dict):
            lay(under[key], value)
        else:
            under[key] = value


def check_baseline(study: Any, own: Mapping[str, Any]) -> None:
    """Every value that `baseline` fixes is one of each variant's baseline."""
    if isinstance(own["baseline"], str):
        assert {variant.baseline for variant in study.variants} == {own["baseline"]}
        return
    for variant in study.variants:
        wanted = copy.deepcopy(variant.config.model_dump())
        for way in places(own["baseline"]):
            dotted = ".".join(map(str, way))
            if dotted in study.factors:
                at(wanted, way[:-1])[way[-1]] = at(own["baseline"], way)
        assert type(variant.config).model_validate(wanted) == study.variant(variant.baseline).config


# --- the projects that are mutated -----------------------------------------------------------------------------------

SHIFTED = {"source": "label_shift", "proportions": [0.5, 0.5], "target_proportions": [0.2, 0.8], "separation": 1.0}
SHIFTED |= {"train_examples": 20, "test_examples": 20, "target_examples": 10}
ONE = laid_over(SMALL, {"studies.activation": ..., "datasets.images": ..., "measurements": {}})
# every section and every kind of block, in few lines that train in no time
EVERY = laid_over(
    ONE,
    {
        "datasets.linear.seeds": 4,
        "datasets.shifted": SHIFTED,
        "measurements": {
            "product": SMALL["measurements"]["product"],
            "functions": {"kind": "activations", "functions": ["relu", "tanh"], "low": -2.0, "high": 2.0, "points": 9},
            "detector": {
                "kind": "shift_detector",
                "inputs": 2,
                "examples": 8,
                "shifts": [0.0, 1.0],
                "alpha": 0.05,
                "repetitions": 3,
            },
        },
        "studies.weight_decay.base.data.validation": {"name": "k_fold", "folds": 2},
        "studies.weight_decay.figure": "selection",
        "studies.shift": {
            **SMALL["studies"]["activation"],
            "dataset": "shifted",
            "figure": "shift",
            "grid": ...,
            "variants": {
                "plain": None,
                "mended": {"data": {"importance_weights": {"name": "estimated", "clip": 20.0}}},
            },
            "baseline": "plain",
        },
        "claims": {
            "helps": {
                "claim": "?",
                "study": "weight_decay",
                "metric": "test_loss",
                "variant": "weight_decay_3",
                "against": "weight_decay_0",
                "expected": "lower",
            },
            "grows": {
                "claim": "?",
                "measurement": "product",
                "quantity": "log10_growth",
                "against": 1.0,
                "expected": "higher",
            },
        },
        "published": {"file": "published.csv", "places": [{"config": "s", "study": "shift", "variant": "plain"}]},
    },
)
del EVERY["studies"]["shift"]["grid"]
PUBLISHED = """config,factor,quantity,rebuilds,estimate,statistic,sd,low,high
s,,test_accuracy,3,0.8,mean,0.1,,
"""


@functools.cache
def own() -> dict[str, Any]:
    """The parameters of the repository itself."""
    return YAML(typ="safe", pure=True).load((ROOT / "params.yaml").read_text(encoding="utf-8"))


def drawn(number: int, folder: Path) -> str:
    """Writes the file with this number; says of which kind it is."""
    random = np.random.default_rng([6, number])
    base = [ONE, EVERY, EVERY, SMALL, own()][number % 5]
    kind = pick(random, ["tree", "tree", "text"])
    path = folder / "params.yaml"
    if kind == "tree":
        path.write_bytes(mutated_tree(random, base, folder).encode("utf-8", "surrogatepass"))
    else:
        path.write_bytes(mutated_text(random, base, folder))
    return f"{kind} of the {'own' if base is own() else 'small'} file changed"


# --- tests -----------------------------------------------------------------------------------------------------------


def test_a_generated_file_is_refused_in_words_or_read_to_the_last_leaf(in_folder: Path, many: Many, tally: Tally):
    for number in range(many(1000)):
        kind = drawn(number, in_folder)
        project = loaded()
        if project is not None:
            check_everything(project, in_folder / "params.yaml")
        tally("params", kind, "refused, named" if project is None else "valid, every leaf read")


def cost(project: params.Params) -> float:
    """About how many seconds the project takes: examples that are seen, and figures."""
    seen = 0.0
    for study in project.studies.values():
        examples = project.datasets[study.dataset].train_examples
        for variant in study.variants:
            training, hidden = variant.config.training, sum(variant.config.model.hidden)
            steps = training.epochs * (1 + examples / training.batch_size)
            seen += len(variant.folds) * len(project.seeds_of(study.dataset)) * steps * (1 + hidden / 1000)
    return (
        seen / 10_000
        + 0.2 * len(project.studies)
        + sum(getattr(one, "repetitions", 0) for one in project.measurements.values()) / 1e4
    )


def test_the_valid_ones_run(in_folder: Path, many: Many, tally: Tally):
    tried, left = set[str](), 0
    for number in range(many(1000)):
        random = np.random.default_rng([7, number])
        text = mutated_tree(random, EVERY if number % 10 == 0 else ONE, in_folder, TAME)
        (in_folder / "params.yaml").write_text(text, encoding="utf-8", errors="surrogatepass")
        project = loaded()
        if project is None or text in tried:
            continue
        tried.add(text)
        if cost(project) > 5:
            left += 1
            continue
        (in_folder / (project.published.file if project.published else "published.csv")).write_text(PUBLISHED)
        run()
        tally("params", "valid file, small", "trained and reported")
    assert len(tried) > many(1000) / 10
    assert left < len(tried) / 5


def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    """Exit status and output of `ablate check`, without the second that a process takes."""
    monkeypatch.setattr(sys, "argv", ["ablate", "check"])
    with pytest.raises(SystemExit) as caught:
        console.run(lambda arguments: cli.app(arguments))
    read = capsys.readouterr()
    return int(caught.value.code or 0), read.out, read.err


def test_the_command_says_it_with_its_status(in_folder: Path, many: Many, tally: Tally, monkeypatch, capsys):
    for number in range(many(200)):
        drawn(1000 + number, in_folder)
        status, out, err = command(monkeypatch, capsys)
        if status:
            assert (status, out) == (2, "")
            check_words(err.removesuffix("\n"))
        else:
            assert out.endswith("params.yaml is valid\n")
        tally("params", "changed file, by ablate check", "status 2, named" if status else "status 0, valid")


@pytest.mark.parametrize("text", ["a: [" * 3, "seeds: {root: 1" + "0" * 5000 + "}", "[" * 10_000, laughs()])
def test_the_program_itself_leaves_no_traceback(text: str, tmp_path: Path, tally: Tally):
    (tmp_path / "params.yaml").write_text(text)
    done = Project(tmp_path).run("ablate", "check", ok=False)
    assert (done.returncode, done.stdout) == (2, "")
    check_words(done.stderr.removesuffix("\n"))
    tally("params", "a process of its own", "status 2, named")


# --- tricks of YAML ---------------------------------------------------------------------------------------------------

START = "studies.weight_decay.base"
REFUSED = {
    # the text of a value, or of the whole file, and what the one line must say
    "tag": ("!!int 3", "line 3: found the tag 'tag:yaml.org,2002:int', allowed: none"),
    "object": ("!!python/object:os.system x", "line 3: found the tag 'tag:yaml.org,2002:python/object:os.system'"),
    "own tag": ("!mine 3", "line 3: found the tag '!mine'"),
    "no tag": ("! 3", "line 3: found the tag '!'"),
    "set": ("!!set {a: }", "line 3: found the tag"),
    "binary": ("!!binary aGk=", "line 3: found the tag"),
    "anchor": ("&a 3", "line 3: found the anchor or alias 'a'"),
    "alias": ("*a", "line 3: found the anchor or alias 'a'"),
    "merge": ("{<<: {a: 1}}", "line 3: found the merge key '<<'"),
    "date": ("2024-01-01", "seeds.count: found datetime.date(2024, 1, 1), allowed: text in quotes"),
    "no date": ("2024-13-45", "line 3: found '2024-13-45', which is no value (month must be in 1..12)"),
    "text": ("'3'", "seeds.count: found '3', allowed: integer"),
    "true": ("true", "seeds.count: found True, allowed: integer"),
    "no number": ("1:30", "seeds.count: found '1:30'"),
    "float": ("3.0", "seeds.count: found 3.0"),
    "infinite": (".inf", "seeds.count: found inf"),
    "nothing": ("", "seeds.count: found None"),
    "400 digits": ("1" + "0" * 400, "seeds.count: found 1000"),
    "5000 digits": ("9" * 5000, "line 3: found '9999"),
    "5000 hexadecimal digits": ("0x" + "f" * 5000, "seeds.count: found a number of thousands of digits, allowed"),
    "deep": ("[" * 10_000 + "]" * 10_000, "line 3: found more than 16 levels"),
    "key that is a number": ("{1: 2}", "seeds.count: found the key 1, allowed: a-z, 0-9 and _"),
    "key that is true": ("{true: 2}", "seeds.count: found the key True"),
    "key that is a list": ("{? [a, b] : 1}", "seeds.count: found the key ('a', 'b')"),
    "key that is a mapping": ("{? {a: 1} : 1}", "line 3: found unhashable key"),
    "long key": ("{" + "k" * 61 + ": 1}", "seeds.count: found the key 'kkk"),
    "key that writes": ('{"\\e[1m": 1}', "seeds.count: found the key '\\x1b[1m'"),
    "character that writes": ('"\\e[1m"', "seeds.count: found the character U+001B in '\\x1b[1m'"),
    "half a character": ('"\\ud800"', "seeds.count: found the character U+D800"),
    "direction": ("\u202ex", "seeds.count: found the character U+202E"),
    "raw character that writes": ("\x1b[1m", "line 3: found the character U+001B"),
    "zero": ("\x00", "line 3: found the character U+0000"),
    "twice": ("3\n  count: 4", 'line 4: found duplicate key "count"'),
    "twice, with what writes": ('3\n  count: "\\e[1m"', 'line 4: found duplicate key "count" with value "\\x1b[1m'),
    "open": ('"3', "line 1"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_trick_of_yaml_is_refused(case: str, in_folder: Path, tally: Tally):
    value, words = REFUSED[case]
    text = write_params(in_folder, SMALL).read_text().replace("count: 3", f"count: {value}", 1)
    (in_folder / "params.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(UserError) as caught:
        params.load()
    check_words(str(caught.value))
    if case != "open":
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"params.yaml: {words}")
    tally("params", "trick of YAML", "refused, named")


WHOLE = {
    "directive 1.1": (lambda text: "%YAML 1.1\n---\n" + text, "line 1: found the directive '%YAML 1.1', allowed: none"),
    "directive 1.3": (lambda text: "%YAML 1.3\n---\n" + text, "line 1: found the directive '%YAML 1.3'"),
    "directive behind a mark": (lambda text: "\ufeff%YAML 1.1\n---\n" + text, "line 1: found the directive"),
    "directive of tags": (lambda text: "# x\n%TAG ! a:\n---\n" + text, "line 2: found the directive '%TAG ! a:'"),
    "two documents": (lambda text: text + "---\na: 1\n", "line "),
    "a billion": (lambda text: laughs() + text, "line 1: found the anchor or alias 'a0'"),
    "empty": (lambda text: "", "found None, allowed: the keys seeds"),
    "text": (lambda text: "text", "found 'text', allowed: the keys"),
    "list": (lambda text: "- 1\n- 2\n", "found [1, 2], allowed: the keys"),
    "UTF-16": (lambda text: text.encode("utf-16"), "cannot be read as UTF-8 text"),
    "tab": (lambda text: text.replace("  root", "\troot", 1), "line 2: "),
    "too large": (lambda text: text + "#" * 5_000_000, "found 4.77 MiB, allowed: at most 4 MiB"),
}


@pytest.mark.parametrize("case", WHOLE)
def test_a_file_that_is_no_project_is_refused(case: str, in_folder: Path, tally: Tally):
    change, words = WHOLE[case]
    path = write_params(in_folder, SMALL)
    changed = change(path.read_text())
    path.write_bytes(changed if isinstance(changed, bytes) else changed.encode())
    with pytest.raises(UserError) as caught:
        params.load()
    check_words(str(caught.value))
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"params.yaml: {words}")
    tally("params", "no project", "refused, named")


def test_a_folder_in_its_place_is_refused(in_folder: Path, tally: Tally):
    (in_folder / "params.yaml").mkdir()
    assert loaded() is None
    tally("params", "no project", "refused, named")


# what is no trick: the text of a value, and what it is
VALID = {"010": 10, "0o17": 15, "0x1F": 31, "1_0": 10, "+3": 3, "3 # many": 3}


@pytest.mark.parametrize("text", VALID)
def test_a_number_is_what_yaml_1_2_says(text: str, in_folder: Path, tally: Tally):
    path = write_params(in_folder, SMALL)
    path.write_text(path.read_text().replace("count: 3", f"count: {text}", 1))
    assert len(params.load().seeds) == VALID[text]
    tally("params", "notation of a number", "valid, read as YAML 1.2")


@pytest.mark.parametrize("ends", ["\r\n", "\r"])
def test_line_ends_and_a_byte_order_mark_change_nothing(ends: str, in_folder: Path, tally: Tally):
    path = write_params(in_folder, EVERY)
    wanted = params.load()
    path.write_bytes(b"\xef\xbb\xbf" + path.read_text().replace("\n", ends).encode())
    assert params.load() == wanted
    tally("params", "other line ends", "valid, every leaf read")


# --- what no machine could hold ---------------------------------------------------------------------------------------

LINEAR = "datasets.linear"
LIMITS = {
    "examples": ({f"{LINEAR}.train_examples": 10**12}, f"{LINEAR}.train_examples: found 1000000000000, allowed: less"),
    "data set": (
        {f"{LINEAR}.train_examples": 10**9},
        f"{LINEAR}: found train_examples 1000000000, test_examples 20, 30 features and 3 seeds: 693 GiB, allowed: at",
    ),
    "data set of many seeds": (
        {"seeds.count": 100_000, f"{LINEAR}.inputs": 2000},
        f"{LINEAR}: found train_examples 20",
    ),
    "shifted data set": (
        {"datasets.shifted": SHIFTED | {"target_examples": 10**9}},
        "datasets.shifted: found train_examples 20, test_examples 20, target_examples 1000000000",
    ),
    "width": ({f"{START}.model.hidden": [10**12]}, f"{START}.model.hidden.0: found 1000000000000"),
    "network": (
        {f"{START}.model.hidden": [100_000, 100_000]},
        f"{START}.model.hidden: found [100000, 100000], allowed: a network that needs at most 8 GiB; this one needs",
    ),
    "network of a grid": (
        {
            "studies.weight_decay.grid": {"model": {"hidden": [[3], [10**9]]}},
            "studies.weight_decay.baseline": {"model": {"hidden": [3]}},
        },
        "studies.weight_decay.grid.model.hidden: found [1000000000], allowed: a network that needs at most 8 GiB",
    ),
    "product of layers": (
        {f"{LINEAR}.inputs": 10**5, f"{START}.model.hidden": [1, 10**5]},
        f"{START}.model.hidden: found",
    ),
    "depth": ({f"{START}.model.hidden": [1] * 1001}, f"{START}.model.hidden: found [1, 1,"),
    "epochs": ({f"{START}.training.epochs": 10**15}, f"{START}.training.epochs: found 1000000000000000, allowed: less"),
    "batch": ({f"{START}.training.batch_size": 10**18}, f"{START}.training.batch_size: found"),
    "400 digits": (
        {f"{START}.optimizer.learning_rate": 10**400},
        f"{START}.optimizer.learning_rate: found 1{'0' * 76}..., allowed: a number of at most 18 digits",
    ),
    "number": (
        {f"{START}.optimizer.learning_rate": 1e308},
        f"{START}.optimizer.learning_rate: found 1e+308, allowed: less",
    ),
    "seeds": ({"seeds.count": 10**9}, "seeds.count: found 1000000000, allowed: less than or equal to 100000"),
    "seeds of a data set": ({f"{LINEAR}.seeds": 10**9}, f"{LINEAR}.seeds: found 1000000000"),
    "variants": (
        {"studies.weight_decay.grid.optimizer": {"weight_decay": [*range(40)], "learning_rate": [*range(1, 41)]}},
        "studies.weight_decay.grid: found 1,600 variants, allowed: at most 1,000",
    ),
    "variants beyond counting": (
        {
            "studies.weight_decay.grid": {
                **{"optimizer": {key: [*range(1000)] for key in ("weight_decay", "learning_rate", "momentum")}},
                **{"penalty": {key: [*range(1000)] for key in ("l1", "l2")}},
            }
        },
        "studies.weight_decay.grid: found 1,000,000,000,000,000 variants",
    ),
    "runs": (
        {"seeds.count": 100_000, "studies.weight_decay.grid.optimizer.weight_decay": [*range(11)]},
        "studies.weight_decay: found 11 variants and 100,000 seeds: 1,100,000 runs",
    ),
    "matrices": (
        {"measurements.product": {"kind": "matrix_product", "size": 100, "factors": 1000, "repetitions": 100_000}},
        "measurements.product.repetitions: found 100000, allowed: matrices of at most 16 GiB; these would need 7.28 TiB",
    ),
    "samples": (
        {"measurements.d": EVERY["measurements"]["detector"] | {"inputs": 10**9}},
        "measurements.d.examples: found 8, allowed: samples of at most 16 GiB; these would need",
    ),
    "id": ({"datasets." + "x" * 61: SHIFTED}, "datasets: found the key 'xxx"),
    "id of a grid": (
        {
            "studies.weight_decay.grid": {"model": {"hidden": [[1] * 120]}},
            "studies.weight_decay.baseline": {"model": {"hidden": [1] * 120}},
        },
        "studies.weight_decay.grid: found the id 'hidden_1_1_1",
    ),
    "question": ({"studies.weight_decay.question": "x" * 1001}, "studies.weight_decay.question: found 'xxx"),
    "no question": (
        {"studies.weight_decay.question": ""},
        "studies.weight_decay.question: found '', allowed: at least 1",
    ),
    "no function": (
        {"measurements.f": EVERY["measurements"]["functions"] | {"functions": []}},
        "measurements.f.functions: found [], allowed",
    ),
    "function twice": (
        {"measurements.f": EVERY["measurements"]["functions"] | {"functions": ["relu", "relu"]}},
        "measurements.f.functions: found ['relu', 'relu'], allowed: each once",
    ),
    "no shift": (
        {"measurements.d": EVERY["measurements"]["detector"] | {"shifts": []}},
        "measurements.d.shifts: found [], allowed: at least",
    ),
    "shift twice": (
        {"measurements.d": EVERY["measurements"]["detector"] | {"shifts": [1.0, 1.0000001]}},
        "measurements.d.shifts: found [1.0, 1.0000001], allowed: each once",
    ),
    "far shift": (
        {"datasets.shifted": {**SHIFTED, "separation": 1e6}},
        "datasets.shifted.separation: found 1000000.0, allowed: less than or equal to 1000",
    ),
    "margin of a ratio": (
        {"claims.c": CLAIM | {"expected": "equal", "margin": 0.5}},
        "claims.c.margin: found 0.5, allowed: a ratio above 1 for test_loss",
    ),
    "number of a ratio": ({"claims.c": CLAIM | {"against": 0.0}}, "claims.c.against: found 0.0, allowed: more than 0"),
    "nothing in a grid": (
        {"studies.weight_decay.grid.penalty": {}},
        "studies.weight_decay.grid.penalty: found {}, allowed: a list of values",
    ),
    "nothing in a baseline": (
        {"studies.weight_decay.grid.penalty.l1": [0, 1], "studies.weight_decay.baseline.penalty": {}},
        "studies.weight_decay.baseline.penalty: no factor of the grid",
    ),
    "key with a dot": (
        {"studies.weight_decay.baseline": {"optimizer.weight_decay": 3, "optimizer": {"weight_decay": 0}}},
        "studies.weight_decay.baseline: found the key 'optimizer.weight_decay'",
    ),
    "mapping for a number": (
        {
            "studies.weight_decay.grid": None,
            "studies.weight_decay.variants": {"a": {"optimizer": {"learning_rate": {"x": 1}}}},
            "studies.weight_decay.baseline": "a",
        },
        "studies.weight_decay.variants.a.optimizer.learning_rate: found {'x': 1}, allowed: number",
    ),
} | {
    f"published file {path!r}": (
        {"published": {"file": path, "places": []}},
        "published.file: found " + repr(path)[:20],
    )
    for path in ("/etc/passwd", "../x.csv", "a/../../x.csv", "", ".", "x" * 256, "a/" * 600 + "x")
}


@pytest.mark.parametrize("case", LIMITS)
def test_what_can_not_be_meant_is_refused(case: str, params_file, monkeypatch, tmp_path: Path, tally: Tally):
    changes, words = LIMITS[case]
    params_file(changes)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError) as caught:
        params.load()
    check_words(str(caught.value))
    assert str(caught.value).startswith(f"params.yaml: {words}")
    tally("params", "beyond a limit", "refused, named")


def test_the_longest_line_is_short_enough(params_file, monkeypatch, tmp_path: Path):
    """With the longest ids there can be, at the deepest place, with the longest list of what is allowed."""
    study, variant = "s" * 60, "v" * 60
    own = copy.deepcopy(SMALL["studies"]["weight_decay"])
    del own["grid"]
    wrong = {"model": {"initialization": {"weight": {"name": "n" * 500}}}}
    params_file({f"studies.{study}": own | {"variants": {variant: wrong}, "baseline": variant}})
    monkeypatch.chdir(tmp_path)
    assert loaded() is None


def test_limits_leave_room_for_whoever_means_it(params_file, monkeypatch, tmp_path: Path, tally: Tally):
    changes = {
        "seeds.count": 10_000,
        f"{START}.model.hidden": [8192, 8192],
        f"{START}.training.epochs": 100_000,
        f"{LINEAR}.inputs": 1000,
        "datasets.shifted": SHIFTED | {"train_examples": 10_000, "seeds": 100},
        "published": {"file": "tables/of a book/größe.csv", "places": []},
        "claims.c": CLAIM | {"claim": "größer ✓ 数 🎲, and one\nline more"},
        "studies.weight_decay.grid.optimizer.weight_decay": [*range(100)],
    }
    params_file(changes)
    monkeypatch.chdir(tmp_path)
    assert len(params.load().studies["weight_decay"].variants) == 100
    tally("params", "within the limits", "valid, every leaf read")
