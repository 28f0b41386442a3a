"""The files around the code: what they say is true."""

import hashlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from faults.tally import BEGIN, END, FAULTS
from packaging.utils import canonicalize_name
from ruamel.yaml import YAML
from samples import ROOT

README = (ROOT / "README.md").read_text()


def tracked() -> list[str]:
    done = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_the_tree_in_the_readme_is_the_tree():
    block = README[README.index("```text") :].split("```")[1]
    said = {line.split()[0].rstrip("/") for line in block.splitlines()[1:] if line and not line.startswith(" ")}
    inside = {line.split()[0].rstrip("/") for line in block.splitlines() if re.match(r"  \w", line)}
    top = {path.split("/")[0] for path in tracked()} - {"dvc.lock"}
    hidden = {name for name in top if name.startswith(".")} | {path.name for path in ROOT.glob("requirements-*.txt")}
    assert said == top - hidden
    rooms = {path.split("/")[1] for path in tracked() if path.startswith("pipeline/")} - {"__init__.py"}
    assert inside == rooms


def test_the_versions_in_pyproject_are_those_of_the_lock():
    lock = dict(line.split("==") for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line)
    lock = {canonicalize_name(name): version for name, version in lock.items()}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    direct = dict(one.split("==") for one in project["dependencies"])
    assert len(direct) == 26
    assert {name: lock[canonicalize_name(name)] for name in direct} == direct


def test_git_ignores_data_but_not_the_code_that_makes_it():
    assert "/data/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "pipeline/data/images.py" in tracked()


def test_analytics_are_off():
    assert "analytics = false" in (ROOT / ".dvc" / "config").read_text()


@pytest.mark.parametrize("project", [".", "book"])
def test_the_reports_in_git_are_of_the_parameters_in_git(project):
    lock = YAML(typ="safe", pure=True).load(ROOT / project / "dvc.lock")["stages"]
    params = YAML(typ="safe", pure=True).load(ROOT / project / "params.yaml")
    digest = hashlib.md5((ROOT / project / "params.yaml").read_bytes(), usedforsecurity=False).hexdigest()
    (found,) = (one["md5"] for one in lock["report"]["deps"] if one["path"] == "params.yaml")
    assert found == digest
    for study, configs in params["studies"].items():
        assert lock[f"train@{study}"]["params"]["params.yaml"][f"studies.{study}"] == configs


@pytest.mark.parametrize("project", [".", "book"])
def test_the_reports_in_git_are_of_the_code_in_git(project, tmp_path):
    """DVC compares code, parameters and results with the lock; data that only its cache holds may be missing."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    dvc = Path(sys.executable).with_name("dvc")
    done = subprocess.run(
        [dvc, "repro", "--dry", "--allow-missing", f"{project}/dvc.yaml"],
        cwd=clone,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not re.findall(r"Running stage '.*'", done.stdout), (
        f"run `dvc repro {project}/dvc.yaml` and commit what it made"
    )


def test_the_page_of_faults_has_counts_of_every_kind():
    """It is in `make soak` that they are written."""
    page = (ROOT / "docs" / "reliability.md").read_text()
    table = page[page.index(BEGIN) : page.index(END)]
    assert {line.split("|")[1].strip() for line in table.splitlines() if "|" in line} >= set(FAULTS.values())
