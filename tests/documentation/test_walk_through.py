"""The section about a new factor, followed to the letter in a clone."""

import os
import subprocess
from pathlib import Path

import pytest
from documentation.blocks import commands, walk
from ruamel.yaml import YAML
from samples import ROOT, laid_over, write_params

pytestmark = pytest.mark.xdist_group("docs")

KEPT = ("label_smoothing", "input_noise")


def run(clone: Path, *words: str, text: str | None = None) -> str:
    folder = str(ROOT / ".venv/bin")
    environment = {**os.environ, "PYTHONPATH": str(clone), "PATH": os.pathsep.join([folder, os.environ["PATH"]])}
    # a test within a test measures nothing
    environment = {key: value for key, value in environment.items() if not key.startswith(("COV", "PYTEST"))}
    done = subprocess.run(words, cwd=clone, env=environment, input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def thin(clone: Path) -> None:
    """The new study and one that was there, with few seeds: the others take minutes and would show the same."""
    whole = YAML(typ="safe", pure=True).load(clone / "params.yaml")
    studies = {key: laid_over(whole["studies"][key], {"base.training.epochs": 5}) for key in KEPT}
    claims = {key: one for key, one in whole["claims"].items() if one.get("study") in KEPT}
    datasets = {"images": whole["datasets"]["images"]}
    changes = {"seeds.count": 3, "studies": studies, "claims": claims, "datasets": datasets, "measurements": {}}
    write_params(clone, laid_over(whole, changes))


def test_a_new_factor_goes_from_the_yaml_line_to_the_figure(tmp_path):
    clone = tmp_path / "clone"
    run(tmp_path, "git", "clone", "--quiet", str(ROOT), str(clone))
    (clone / ".venv").symlink_to(ROOT / ".venv")
    for name in ("requirements.txt", "pyproject.toml"):
        os.utime(clone / name, (0, 0))  # what is installed is not older
    printed = ""
    for block in walk():
        if block.language == "diff":
            run(clone, "git", "apply", "-", text=block.text)
            if "+++ b/params.yaml" in block.text:
                run(clone, "ablate", "check")
                thin(clone)
        else:
            assert block.language == "sh"
            for command in commands(block.text):
                printed += run(clone, "bash", "-ec", command)
    assert "passed" in printed
    assert "failed" not in printed
    assert "1\t0\ttests/training/golden.json" in printed  # no other run has changed a bit
    assert "studies.<id>.base.data.input_noise" in (clone / "docs/reference/parameters.md").read_text()
    rows = [line.split()[0] for line in printed.splitlines() if line.startswith("  0")]
    assert rows == ["0", "0.1", "0.2", "0.4", "0.8"]
    page = (clone / "reports/index.html").read_text()
    for figure in ("effects", "path", "curves"):
        assert (clone / f"reports/figures/input_noise_{figure}.svg").is_file()
        assert f'id="input_noise-{figure}"' in page
    assert "Does noise on the inputs help on unseen images?" in page
    changed = run(clone, "git", "status", "--short")
    for path in ("docs/reference/parameters.md", "reports/figures/input_noise_effects.svg"):
        assert path in changed
