"""The house against its plan: who imports whom, what is documented, what is tested."""

import ast
import doctest
import importlib
import os
import subprocess
import sys
from collections.abc import Iterator
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


def test_the_engine_reads_no_files_and_prints_nothing():
    for module in MODULES:
        if room(module) == "training":
            nodes = [node.func for node in _nodes(module) if isinstance(node, ast.Call)]
            calls = {node.id for node in nodes if isinstance(node, ast.Name)}
            assert not calls & {"open", "print"}, module
            assert "params.load" not in (ROOT / modules()[module]).read_text()


def test_only_concise_imports_torch():
    """torch chooses its kernels by processor, and its import takes seconds."""
    importing = set()
    for module in MODULES:
        for node in _nodes(module):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [str(node.module)] if isinstance(node, ast.ImportFrom) else []
            importing |= {module for name in names if name.partition(".")[0] == "torch"}
    # images are read by torchvision, whose import fails beside some builds of torch unless it gets help
    assert importing == {"pipeline.training.concise", "pipeline.data.images"}


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
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests")])
    for _ in range(2):  # the first may have to compile the kernels, and needs numba
        loaded = subprocess.run(
            [sys.executable, "-c", TRAINING],
            env={**os.environ, "PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    assert "pipeline.training.engine" in loaded
    assert not {"torch", "numba", "scipy.stats", "sklearn", "matplotlib", "distributed"} & set(loaded)


def test_every_module_has_its_test_file():
    for module, path in modules().items():
        relative = Path(path.removeprefix("pipeline/"))
        name = "init" if relative.name == "__init__.py" else relative.stem
        if name == "init" and not _definitions(module):
            continue
        assert (ROOT / "tests" / relative.parent / f"test_{name}.py").is_file(), path


def test_every_test_file_stands_where_its_module_stands():
    of_several = {
        "test_arm64.py",
        "test_in_a_browser.py",
        "test_processors.py",
        "test_purity.py",
        "test_untried.py",
    }
    rooms = {room(module) for module in MODULES}
    for path in (ROOT / "tests").rglob("test_*.py"):
        relative = path.relative_to(ROOT / "tests")
        if relative.parts[0] in rooms and relative.name not in of_several:
            name = relative.name.removeprefix("test_").replace("init.py", "__init__.py")
            # or beside it, of what only tests need
            assert (
                any((ROOT / top / relative.parent / name).is_file() for top in ("pipeline", "."))
                or (path.parent / name).is_file()
            ), relative


@pytest.mark.parametrize("module", [module for module in MODULES if ".stages" not in module])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.failed == 0


def _nodes(module: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((ROOT / modules()[module]).read_text()))


def _definitions(module: str) -> list[ast.FunctionDef | ast.ClassDef]:
    body = ast.parse((ROOT / modules()[module]).read_text()).body
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
