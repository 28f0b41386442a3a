"""The files around the code: what they say is true."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from samples import ROOT


def test_the_tree_in_the_readme_is_the_tree():
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    lines = (ROOT / "README.md").read_text().split("```text")[1].split("```")[0].splitlines()
    said = {line.split()[0].rstrip("/") for line in lines if re.match(r"\S", line)}
    inside = {line.split()[0].rstrip("/") for line in lines if re.match(r"  \w", line)}
    top = {path.split("/")[0] for path in listed if not path.startswith((".", "requirements-", "dvc.lock"))}
    assert said == top
    assert inside == {path.split("/")[1] for path in listed if path.startswith("pipeline/")} - {"__init__.py"}


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
