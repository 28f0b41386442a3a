"""The page about extending the code, applied to a clone: all ideas are trained, measured and drawn together."""

import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from documentation.blocks import apply_diff, blocks
from samples import BASE, ROOT, laid_over, write_params

pytestmark = pytest.mark.slow

RMSPROP = {"name": "rmsprop", "learning_rate": 0.003, "alpha": 0.9, "weight_decay": 0.0}
KINK = {"source": "kink", "kink": 0.5, "noise_sd": 0.1, "train_examples": 60, "test_examples": 60}
PARAMS = {
    "seeds": {"root": 0, "count": 3},
    "judging": {"alpha": 0.05, "margins": {}},
    "base": laid_over(
        BASE, {"model.hidden": [16], "model.activation": "softplus", "loss": "huber", "optimizer": RMSPROP}
    ),
    "datasets": {"kink": KINK},
    "measurements": {"largest": {"kind": "maximum", "numbers": 100, "repetitions": 50}},
    "studies": {
        "all": {
            "question": "Do all new ideas work together?",
            "dataset": "kink",
            "metric": "test_loss",
            "figure": "violin",
            "base": {"training": {"epochs": 5}},
            "grid": {"implementation": ["scratch", "concise"]},
            "baseline": {"implementation": "scratch"},
        }
    },
}
PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from faults.whole import run; run()"


def test_every_idea_of_the_page_is_trained_measured_and_drawn(tmp_path):
    clone, folder = tmp_path / "clone", tmp_path / "project"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
    for block in blocks("docs/extending.md"):
        first, _, rest = block.text.partition("\n")
        if block.language == "python":
            (clone / first.removeprefix("# ")).write_text(rest)
        else:
            apply_diff(rest, clone / first.removeprefix("--- "))
    folder.mkdir()
    write_params(folder, PARAMS)
    environment = {**os.environ, "PYTHONPATH": str(clone), "ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    command = [sys.executable, "-c", PROGRAM, str(clone / "tests")]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    results = pd.read_csv(folder / "reports/results/all.csv").set_index(["variant", "seed_index"])
    for metric in ("train_loss", "test_loss", "weight_norm"):
        scratch, concise = (results.loc[f"implementation_{name}", metric] for name in ("scratch", "concise"))
        assert concise.tolist() == pytest.approx(scratch.tolist(), rel=1e-3)
    assert (results["train_loss"] < 0.25).all()  # it starts at about 0.5
    for path in ("figures/all_violin.svg", "images/all_violin.png", "tables/all_violin.csv"):
        assert (folder / "reports" / path).is_file()
    page = (folder / "reports/index.html").read_text()
    assert "largest of the numbers" in page
    checked = subprocess.run(
        [sys.executable, "-m", "docs.generate"], cwd=clone, env=environment, capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "rmsprop" in (clone / "docs/reference/parameters.md").read_text()
    assert json.loads((folder / "reports/environment.json").read_text())
