"""The house against its plan: who imports whom, what is documented, what is tested."""

import ast
import doctest
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from imports import imported, modules, reached
from samples import ROOT

FLOORS = [
    {"project"},
    {"data", "training", "analysis"},
    {"execution", "probes", "report"},
    {"commands"},
    {"stages", "cli"},
]
MODULES = sorted(modules())


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else ""


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


def test_only_the_engine_needs_torch():
    """`import torch` costs two seconds: stages that need none do not pay for it."""
    for stage in ("check", "data", "report"):
        for module in reached(f"pipeline.stages.{stage}"):
            for node in ast.parse((ROOT / modules()[module]).read_text()).body:
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                assert not [name for name in names if str(name).split(".")[0].startswith("torch")], module


def test_training_starts_without_what_it_does_not_need():
    """`scipy.stats` alone would cost each of a project's training stages another second."""
    listed = [sys.executable, "-c", "import sys, pipeline.stages.train; print(*sys.modules)"]
    loaded = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split()
    assert "torch" in loaded
    assert not {"scipy.stats", "sklearn", "matplotlib", "distributed"} & set(loaded)


def test_every_module_has_its_test_file():
    for module, path in modules().items():
        relative = Path(path).relative_to("pipeline")
        name = "init" if relative.name == "__init__.py" else relative.stem
        if name == "init" and not _definitions(module):
            continue
        assert (ROOT / "tests" / relative.parent / f"test_{name}.py").is_file(), path


def test_every_test_file_stands_where_its_module_stands():
    extra = {"training/test_purity.py", "training/test_untried.py", "training/test_cuda.py", "test_end_to_end.py"}
    extra |= {"analysis/test_between.py", "test_compare_commits.py"}
    extra |= {"benchmarks/test_benchmarks.py", "benchmarks/test_coverage.py"}
    extra |= {"test_plots.py", "test_remote.py", "test_sweeps.py", "report/test_in_a_browser.py"}
    for path in (ROOT / "tests").rglob("test_*.py"):
        relative = path.relative_to(ROOT / "tests")
        if relative.parts[0] in ("architecture", "documentation", "faults") or str(relative) in extra:
            continue
        name = relative.name.removeprefix("test_").replace("init.py", "__init__.py")
        assert (ROOT / "pipeline" / relative.parent / name).is_file() or (
            ROOT / "pipeline" / relative.parent / relative.name.removeprefix("test_")
        ).is_file(), relative


@pytest.mark.parametrize("module", [module for module in MODULES if ".stages" not in module])
def test_examples_in_docstrings_hold(module):
    result = doctest.testmod(importlib.import_module(module))
    assert result.failed == 0


def _nodes(module: str) -> Iterator[ast.AST]:
    return ast.walk(ast.parse((ROOT / modules()[module]).read_text()))


def _definitions(module: str) -> list[ast.FunctionDef | ast.ClassDef]:
    body = ast.parse((ROOT / modules()[module]).read_text()).body
    return [node for node in body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
