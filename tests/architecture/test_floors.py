"""The packages: which imports which, what training loads, and that modules and test files match."""

import ast
import doctest
import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from imports import imported, modules
from samples import ROOT

FLOORS = [
    {"core"},
    {"arithmetic"},
    {"data", "training"},
    {"measurements"},
    {"project"},
    {"analysis", "execution"},
    {"report"},
    {"stages"},
    {"ablate"},
]
MODULES = sorted(modules())


def room(module: str) -> str:
    package, _, rest = module.partition(".")
    return "ablate" if package == "ablate" else rest.split(".")[0]


def floor(module: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room(module) in rooms)


@pytest.mark.parametrize("module", [module for module in MODULES if room(module)])
def test_a_module_imports_from_floors_below_or_from_its_own_room(module):
    for other in imported(module):
        if room(other) and room(other) != room(module):
            assert floor(other) < floor(module), f"{module} imports {other}"


TRAINING = """
import sys, pipeline.stages.train
from samples import classes, seeds, config, values
from pipeline.execution.results import RunSpec, run_one
from pipeline.training.engine import Examples

linear = {"model.hidden": [], "loss": "squared_error"}
for changes, dataset in (({}, classes(1)), (linear, values(1))):
    run_one(RunSpec(config(changes), seeds(1)[0], 0), Examples(dataset))
print(*sys.modules)
"""


def test_training_needs_few_imports():
    """Each of these would cost every training stage between half a second and three."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests")])}
    command = [sys.executable, "-c", TRAINING]
    for _ in range(2):  # the first may have to compile the kernels, which needs numba
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "pipeline.training.engine" in loaded
    assert not {"torch", "numba", "scipy.stats", "sklearn", "matplotlib", "distributed"} & loaded


# about several modules
OF_SEVERAL = {"test_arm64.py", "test_in_a_browser.py", "test_processors.py", "test_purity.py", "test_statements.py"}


def test_modules_and_test_files_match():
    expected = set()
    for path in modules().values():
        relative = Path(path.removeprefix("pipeline/"))
        name = "init" if relative.name == "__init__.py" else relative.stem
        body = ast.parse((ROOT / path).read_text()).body
        if name != "init" or any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body):
            expected.add(f"{relative.parent}/test_{name}.py")
    files = {path.relative_to(ROOT / "tests").as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    assert expected - files == set()
    rooms = {room(module) for module in MODULES}
    for extra in files - expected:
        path = ROOT / "tests" / extra
        beside = path.with_name(path.name.removeprefix("test_"))  # a module that only tests need
        assert extra.split("/")[0] not in rooms or path.name in OF_SEVERAL or beside.is_file(), extra


@pytest.mark.parametrize("module", [module for module in MODULES if ".stages" not in module])
def test_examples_in_docstrings_hold(module):
    assert doctest.testmod(importlib.import_module(module)).failed == 0
