"""The files around the code: what they say is true."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from samples import ROOT


def test_the_tree_in_the_readme_is_the_tree():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = (ROOT / "README.md").read_text().split("```text")[1].split("```")[0].splitlines()
    said = {line.split()[0].rstrip("/") for line in lines if re.match(r"\S", line)}
    inside = {line.split()[0].rstrip("/") for line in lines if re.match(r"  \w", line)}
    top = {path.split("/")[0] for path in listed if not path.startswith((".", "requirements-", "dvc.lock"))}
    assert said == top
    assert inside == {path.split("/")[1] for path in listed if path.startswith("pipeline/")} - {"__init__.py"}


def test_the_citation_is_that_of_the_package():
    citation = YAML(typ="safe", pure=True).load(ROOT / "CITATION.cff")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert {"cff-version", "message", "authors"} <= citation.keys()
    assert all("name" in author or "family-names" in author for author in citation["authors"])
    keys = {"title": "name", "version": "version", "license": "license"}
    assert {key: citation[key] for key in keys} == {key: project[name] for key, name in keys.items()}
    # the how-to page states the version that a paper cites
    assert f"mlp-ablations {project['version']} " in (ROOT / "docs" / "how-to" / "paper.md").read_text()


def test_analytics_are_off():
    assert "analytics = false" in (ROOT / ".dvc" / "config").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("project", [".", "book"])
def test_the_reports_in_git_are_of_the_code_and_the_parameters_in_git(project, tmp_path):
    """DVC compares code, parameters and results with the lock; data that only its cache holds may be missing."""
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", ROOT, clone], check=True)
    dvc = Path(sys.executable).with_name("dvc")
    command = [dvc, "repro", "--dry", "--allow-missing", f"{project}/dvc.yaml"]
    done = subprocess.run(command, cwd=clone, capture_output=True, text=True, check=True)
    due = re.findall(r"Running stage '.*'", done.stdout)
    assert due == [], f"run `dvc repro {project}/dvc.yaml` and commit what it made"
