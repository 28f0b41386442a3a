"""Global random state is neither touched nor trusted: in the syntax trees, and in a whole project that is run."""

import ast
import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from faults.tally import Mutant
from ruamel.yaml import YAML
from samples import BASE, ROOT, SMALL, laid_over, write_params

MUTANTS = [
    Mutant(
        file="pipeline/report/figures.py",
        guard="        np.random.set_state(state)  # noqa: NPY002\n",
        without="        pass\n",
        test="test_a_whole_project_leaves_the_global_states_alone",
    ),
    Mutant(
        file="pipeline/analysis/significance.py",
        guard="        flipped = np.random.default_rng(0).integers(",
        without="        flipped = np.random.default_rng().integers(",
        test="test_no_module_draws_from_a_global_generator",
    ),
    Mutant(
        file="pipeline/core/seeding.py",
        guard="np.random.Generator(np.random.PCG64(np.random.SeedSequence("
        "[seed.root, seed.index], spawn_key=spawn_key)))",
        without="np.random.default_rng([seed.root, seed.index, abs(hash(purpose)), *key])",
        test="test_a_whole_project_gives_the_same_bytes_whatever_the_global_states",
    ),
]

# seaborn draws from the global generator, so the figures put its state back
EXCEPT = {
    ("pipeline/report/figures.py", "numpy.random.get_state"),
    ("pipeline/report/figures.py", "numpy.random.set_state"),
}

NUMPY = {"numpy.random.Generator", "numpy.random.PCG64", "numpy.random.SeedSequence"}
TORCH = {"bernoulli", "multinomial", "normal", "poisson", "rand", "rand_like", "randint", "randint_like", "randn"}
TORCH |= {"randn_like", "randperm"}
IN_PLACE = {"bernoulli_", "cauchy_", "exponential_", "geometric_", "log_normal_", "normal_", "random_", "uniform_"}
# solvers of scikit-learn that draw; others have the argument `random_state` and do nothing with it
DRAWING = {"liblinear", "sag", "saga", "randomized", "arpack", "adam", "sgd"}


def names(tree: ast.AST) -> dict[str, str]:
    """What the imported names of a module stand for."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                found[alias.asname or alias.name.partition(".")[0]] = (
                    alias.name if alias.asname else alias.name.partition(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def dotted(node: ast.AST, known: dict[str, str]) -> str:
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value, known)}.{node.attr}"
    return known.get(node.id, node.id) if isinstance(node, ast.Name) else "?"


def takes_random_state(name: str) -> bool:
    module, _, last = name.rpartition(".")
    return "random_state" in inspect.signature(getattr(importlib.import_module(module), last)).parameters


def offences(text: str, place: str = "") -> Iterator[str]:
    """Every use of a global generator, or of a generator that nobody seeded, in the text of a module."""
    tree = ast.parse(text)
    known = names(tree)
    for name in known.values():
        if name.split(".")[0] in {"random", "secrets", "uuid"}:
            yield name
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            name = dotted(node, known)
            allowed = name in NUMPY | {"numpy.random.default_rng"} or (place, name) in EXCEPT
            if name.startswith("numpy.random.") and not allowed:
                yield name
            if name == "torch.default_generator" or (name.startswith("torch.") and name.endswith("Dropout")):
                yield name
        if not isinstance(node, ast.Call):
            continue
        name, given = dotted(node.func, known), {keyword.arg: keyword.value for keyword in node.keywords}
        last = name.rpartition(".")[2]
        if name in {"hash", "os.urandom", "os.getrandom"} or (
            name == "numpy.random.default_rng" and not node.args and not given
        ):
            yield name
        elif name.startswith("torch."):
            drawing = last in TORCH and name == f"torch.{last}" and "generator" not in given
            seeding = name in {"torch.manual_seed", "torch.seed"} or name.startswith(
                ("torch.random.", "torch.cuda.manual")
            )
            if drawing or seeding or name.startswith("torch.nn.init.") or last == "dropout":
                yield name
        elif name.startswith("sklearn.") and takes_random_state(name):
            solver = given.get("solver")
            fixed = "random_state" in given and not (
                isinstance(given["random_state"], ast.Constant) and given["random_state"].value is None
            )
            quiet = last in {"LogisticRegression", "Ridge"} and (
                solver is None or (isinstance(solver, ast.Constant) and solver.value not in DRAWING)
            )
            if not fixed and not quiet:
                yield name
        elif last in IN_PLACE:
            if "generator" not in given:
                yield name
        elif last in {"sample", "rvs", "bootstrap"} and not given.keys() & {"random_state", "rng"}:
            yield name


BAD = """
import random
from random import shuffle
import uuid
import numpy as np; np.random.rand(3)
import numpy as np; np.random.seed(0)
import numpy; numpy.random.default_rng()
from numpy import random; random.shuffle([])
from numpy.random import default_rng; default_rng()
import torch; torch.manual_seed(0)
import torch; torch.randn(3)
import torch; torch.randperm(3)
import torch; torch.random.fork_rng()
import torch; torch.rand(3, generator=torch.default_generator)
import torch; torch.nn.init.normal_(torch.empty(3))
import torch; torch.nn.Dropout(0.5)
import torch; torch.nn.functional.dropout(torch.ones(3), 0.5)
import torch; torch.empty(3).uniform_(0, 1)
from sklearn.linear_model import LogisticRegression; LogisticRegression(solver="saga")
from sklearn.neural_network import MLPClassifier; MLPClassifier()
from sklearn.neural_network import MLPClassifier; MLPClassifier(random_state=None)
from sklearn.model_selection import train_test_split; train_test_split([1, 2])
import pandas as pd; pd.DataFrame().sample(n=3)
from scipy import stats; stats.norm.rvs(size=3)
from scipy import stats; stats.bootstrap(([1, 2],), len)
import os; os.urandom(3)
hash("word")
""".strip().splitlines()

GOOD = """
import numpy as np; np.random.default_rng(0).normal()
import numpy as np; np.random.Generator(np.random.PCG64(3))
import torch; torch.rand(3, generator=g)
import torch; torch.empty(3).uniform_(0, 1, generator=g)
from sklearn.linear_model import LogisticRegression; LogisticRegression()
from sklearn.linear_model import LinearRegression; LinearRegression()
from sklearn.neural_network import MLPClassifier; MLPClassifier(random_state=3)
import pandas as pd; pd.DataFrame().sample(n=3, random_state=0)
""".strip().splitlines()


def test_each_kind_of_use_is_noticed(tally):
    assert [line for line in BAD if not list(offences(line))] == []
    assert [line for line in GOOD if list(offences(line))] == []
    tally("randomness", "use in the code", "noticed", len(BAD))


def test_no_module_draws_from_a_global_generator():
    found = {}
    for path in sorted((ROOT / "pipeline").rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        found |= {place: one} if (one := list(offences(path.read_text(), place))) else {}
    assert found == {}
    # the exceptions are still needed
    for place in {place for place, _ in EXCEPT}:
        assert set(offences((ROOT / place).read_text())) == {name for there, name in EXCEPT if there == place}


# --- a whole project -------------------------------------------------------------------------------------------------

DROPPED = laid_over(
    BASE,
    {"model.hidden": [8, 8], "model.dropout": 0.5, "training.batch_size": 128, "training.epochs": 2},
)


def whole_project() -> dict[str, Any]:
    """Every source of data, every kind of measurement, both implementations, with dropout."""
    own = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    fewer = {"matrix_product.repetitions": 20, "matrix_product.factors": 10, "shift_detector.repetitions": 20}
    return laid_over(
        SMALL,
        {
            "seeds.count": 6,
            "datasets": {**own["datasets"], **SMALL["datasets"]},
            "measurements": laid_over(own["measurements"], fewer),
            "studies.activation": ...,
            "studies.dropout": {
                **SMALL["studies"]["activation"],
                "base": DROPPED,
                "grid": {"implementation": ["scratch", "concise"], "model": {"dropout": [0.0, 0.5]}},
                "baseline": {"implementation": "scratch", "model": {"dropout": 0.0}},
            },
        },
    )


PROGRAM = """
import hashlib, json, random, sys

import numpy as np
import rich.style  # draws a number when it is imported, by scikit-learn
import torch

from pipeline.project import params
from pipeline.stages import check, data, measurement, report, train

number = int(sys.argv[1])
random.seed(number)
np.random.seed(number)
torch.manual_seed(number)


def states():
    # a list of numbers and a tensor of bytes
    arrays = np.random.get_state()
    kinds = {"random": random.getstate(), "numpy": (arrays[0], arrays[1].tolist(), *arrays[2:]),
             "torch": torch.get_rng_state().tolist()}
    return {kind: hashlib.sha256(repr(state).encode()).hexdigest() for kind, state in kinds.items()}


before, touched = states(), []
project = params.load()
steps = [(check, []), *((data, [key]) for key in project.datasets), *((measurement, [key]) for key in project.measurements),
         *((train, [key]) for key in project.studies), (report, [])]
for stage, arguments in steps:
    stage.main(arguments)
    after = states()
    touched += [f"{stage.__name__} {' '.join(arguments)} {kind}" for kind in before if after[kind] != before[kind]]
    before = after
print(json.dumps({"steps": len(steps), "touched": touched}))
"""


def content(folder: Path) -> dict[str, bytes]:
    found = [path for top in ("data", "reports") for path in (folder / top).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


Found = tuple[list[dict[str, Any]], list[dict[str, bytes]]]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The project, run as two programs that begin with other global states, the seed of `hash` included."""
    folders = [tmp_path_factory.mktemp(f"seeded_{number}") for number in (1, 2)]
    programs = []
    for number, folder in enumerate(folders):
        write_params(folder, whole_project())
        own = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(number), "ABLATE_STORE": "off"}
        programs.append(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(number)],
                cwd=folder,
                env={**os.environ, **own, "DASK_SCHEDULER_ADDRESS": ""},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [program.communicate() for program in programs]
    assert [program.returncode for program in programs] == [0, 0], outputs
    return [json.loads(output.splitlines()[-1]) for output, _ in outputs], [content(folder) for folder in folders]


def test_a_whole_project_leaves_the_global_states_alone(twice, tally):
    said, _ = twice
    assert [one["touched"] for one in said] == [[], []]
    count = sum(3 * one["steps"] for one in said)
    tally("randomness", "global state after a stage", "as before", count)


def test_a_whole_project_gives_the_same_bytes_whatever_the_global_states(twice, tally):
    _, (first, second) = twice
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []
    assert {"reports/results/dropout.csv", "reports/index.html", "data/label_shift.npz"} <= first.keys()
    # dropout was on, so that a generator was asked
    rows = first["reports/results/dropout.csv"].decode().splitlines()
    assert len(rows) == 1 + 4 * 6
    assert len({row.split(",", 3)[-1] for row in rows}) > 4 * 6 - 6
    tally("randomness", "global state seeded otherwise before", "same bytes", len(first))
