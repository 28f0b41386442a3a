"""`dvc.yaml` against the code: a stage depends on exactly what it imports and reads, and writes what it says."""

import ast
import importlib
import inspect
import re

import pytest
from imports import modules, reached
from ruamel.yaml import YAML
from samples import ROOT

from ablate import new

STAGES = YAML(typ="safe", pure=True).load(ROOT / "dvc.yaml")["stages"]


def entry(stage: str) -> dict:
    return STAGES[stage].get("do", STAGES[stage])


def names(items) -> set[str]:
    """Return the paths of a list, whose entries may carry options; `${item.x}` and `${key}` become <x> and <key>."""
    paths = [next(iter(item)) if isinstance(item, dict) else item for item in items]
    return {re.sub(r"\$\{(?:item\.)?(\w+)\}", r"<\1>", path) for path in paths}


def has_code(path: str) -> bool:
    return len(ast.parse((ROOT / path).read_text()).body) > 1  # more than a docstring


def written(stage: str, word: str) -> set[str]:
    """Return what the module's header lists after `Reads` or `Writes`, with <key> for the stage's key."""
    header = importlib.import_module(f"pipeline.stages.{stage}").__doc__ or ""
    (line,) = re.findall(rf"^{word}\s+(.*(?:\n\s+.*)*)", header, flags=re.MULTILINE)
    parts = re.split(r",\s+(?![^(]*\))", " ".join(line.split()))
    key = {"data": "<dataset>", "train": "<study>", "measure": "<measurement>"}.get(stage, "")
    return {part.replace(key, "<key>").rstrip("/") if key else part.rstrip("/") for part in parts}


@pytest.mark.parametrize("stage", STAGES)
def test_code_dependencies_are_what_the_stage_imports(stage):
    needed = {path for module in reached(f"pipeline.stages.{stage}") if has_code(path := modules()[module])}
    declared = {path for path in names(entry(stage)["deps"]) if path.startswith("pipeline")}
    folders = {path for path in declared if not path.endswith(".py")}
    covered = {path for path in declared if path.endswith(".py")}
    for folder in folders:
        inside = {path for path in modules().values() if path.startswith(folder + "/") and has_code(path)}
        # a folder is listed only if all of its modules are imported, or if it seldom changes or all training depends on
        # it: more names make dvc.lock longer, which DVC reads and writes at every stage
        if folder in ("pipeline/arithmetic", "pipeline/core", "pipeline/training"):
            inside &= needed
        assert inside <= needed, f"{stage} depends on {folder} but does not import {inside - needed}"
        covered |= inside
    assert covered == needed


@pytest.mark.parametrize("stage", STAGES)
def test_the_header_of_a_stage_says_what_dvc_yaml_says(stage):
    declared = entry(stage)
    reads = {path for path in names(declared["deps"]) if not path.startswith("pipeline")}
    outs = names([*declared.get("outs", []), *declared.get("metrics", []), *declared.get("plots", [])])
    said = {path.removesuffix(" (all of it)") for path in written(stage, "Reads")}
    assert said == {path.rstrip("/") for path in reads}
    assert written(stage, "Writes") == {path.rstrip("/") for path in outs}


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_has_no_branches(stage):
    main = importlib.import_module(f"pipeline.stages.{stage}").main
    nodes = ast.walk(ast.parse(inspect.getsource(main)))
    assert not [node for node in nodes if isinstance(node, ast.If | ast.While | ast.Try)]


def test_the_book_s_stages_are_those_of_the_default_project_one_floor_down():
    """The same file but for the path to the code and the published table."""
    text = (ROOT / "dvc.yaml").read_text()
    assert (ROOT / "book" / "dvc.yaml").read_text() == new.stages(text, "..", tables=("published.csv",))
