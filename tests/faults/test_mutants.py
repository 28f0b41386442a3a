"""The guards that `make mutants` takes out stand where they are said to stand, and so do their tests."""

import ast

import pytest
from faults.mutants import ROOT, mutants, mutated

ALL = list(mutants())


@pytest.mark.parametrize(("module", "mutant"), ALL, ids=lambda one: getattr(one, "test", None))
def test_a_guard_can_be_taken_out_and_its_test_is_there(module, mutant):
    text = mutated(mutant)
    if mutant.file.endswith(".py"):
        ast.parse(text)
    tests = {node.name for node in ast.parse((ROOT / module).read_text()).body if isinstance(node, ast.FunctionDef)}
    assert mutant.test.split("[")[0] in tests


def test_every_kind_of_fault_has_its_guards():
    modules = {path.stem for path in (ROOT / "tests" / "faults").glob("test_*.py")} - {"test_tally", "test_mutants"}
    assert {module.split("/")[-1].removesuffix(".py") for module, _ in ALL} == modules
