"""A sweep through DVC's queue, as the README says, in the order a user would do it."""

import csv
import io
import json
import re

import pytest
from samples import Project

pytestmark = pytest.mark.slow

DECAY = "studies.weight_decay.grid.optimizer.weight_decay"
EPOCHS = "studies.weight_decay.base.training.epochs"
METRICS = "reports/metrics/weight_decay.json"


def test_a_sweep_through_the_queue(finished_copy):
    project = finished_copy
    # a range and a list: every combination is queued, nothing is trained yet, the workspace stays as it is
    values = ["-S", f"{EPOCHS}=range(2,4,1)", "-S", f"{DECAY}=[0,1],[0,2]"]
    done = project.run("dvc", "exp", "run", "--queue", "-n", "sweep", *values)
    assert done.stdout.count("Queued experiment 'sweep-") == 4
    assert project.finish_queue() == ["Success"] * 4
    assert "train@weight_decay" in project.run("dvc", "queue", "logs", "sweep-1").stdout
    assert project.run("git", "status", "--porcelain").stdout == ""

    # their configs and metrics side by side
    table = csv.DictReader(io.StringIO(project.run("dvc", "exp", "show", "--csv").stdout))
    shown = {row["Experiment"]: row for row in table if row["Experiment"].startswith("sweep-")}
    configs = {name: (row[f"params.yaml:{EPOCHS}"], row[f"params.yaml:{DECAY}"]) for name, row in shown.items()}
    assert sorted(configs.values()) == [("2", "[0, 1]"), ("2", "[0, 2]"), ("3", "[0, 1]"), ("3", "[0, 2]")]
    losses = {name: row["weight_decay_0"] for name, row in shown.items()}
    # the same config trains to the same bits, whatever else is trained
    assert all((losses[a] == losses[b]) == (configs[a][0] == configs[b][0]) for a in shown for b in shown)

    # two of them
    difference = json.loads(project.run("dvc", "exp", "diff", "sweep-1", "sweep-4", "--json").stdout)
    changed = difference["params"]["params.yaml"]
    assert {key: str(change["old"]) for key, change in changed.items()} == dict(
        zip((EPOCHS, DECAY), configs["sweep-1"], strict=True)
    )
    assert METRICS in difference["metrics"]

    # a second project of the repository and an experiment that fails share the queue; an edit stays where it is
    book = Project(project.folder / "book")
    book.environment = project.environment
    (project.folder / "params.yaml").write_text(project.read("params.yaml") + "# an edit\n")
    project.run("dvc", "exp", "run", "--queue", "-n", "few", "-S", "seeds.count=0,2", "train@weight_decay")
    book.run("dvc", "exp", "run", "--queue", "-n", "book", "-S", "seeds.count=3", "train@weight_decay")
    assert project.finish_queue().count("Failed") == 1
    assert re.search(r"few-1 .* Failed", project.run("dvc", "queue", "status").stdout)
    assert "params.yaml: seeds.count: found 0, allowed: " in project.run("dvc", "queue", "logs", "few-1").stdout
    assert project.run("git", "status", "--porcelain").stdout == " M params.yaml\n"
    project.run("git", "checkout", "params.yaml")
    project.run("dvc", "queue", "remove", "--failed")
    assert "seeds.count: 3 → 2" in project.run("ablate", "compare", "HEAD", "few-2").stdout
    assert "seeds.count: 2 → 3" in book.run("ablate", "compare", "HEAD", "book").stdout

    # an experiment that was pushed can be removed and brought back
    project.run("git", "init", "-q", "--bare", "../bare")
    project.run("git", "remote", "add", "origin", "../bare")
    project.run("dvc", "exp", "push", "--no-cache", "origin", "few-2")
    project.run("dvc", "exp", "remove", "few-2")
    done = project.run("ablate", "compare", "HEAD", "few-2", ok=False)
    assert (done.returncode, done.stderr.split(";")[0]) == (
        2,
        "few-2: no branch, tag, commit or experiment of this repository",
    )
    project.run("dvc", "exp", "pull", "--no-cache", "origin", "few-2")
    assert "seeds.count: 3 → 2" in project.run("ablate", "compare", "HEAD", "few-2").stdout

    # to apply one replaces edits, which DVC keeps elsewhere
    (project.folder / "params.yaml").write_text(project.read("params.yaml") + "# another edit\n")
    project.run("dvc", "exp", "apply", "few-2", ok=False)
    assert "# another edit" not in project.read("params.yaml")
    project.run("git", "checkout", "refs/exps/apply/stash", "--", "params.yaml")
    assert project.read("params.yaml").endswith("# another edit\n")
    project.run("git", "reset", "-q", "--hard")

    # one of them becomes the workspace; DVC names the data of the second project, which was never run, as missing
    done = project.run("dvc", "exp", "apply", "sweep-4", ok=False)
    missing = [line for line in done.stderr.splitlines() if line.startswith(("book/", "data/", "reports/"))]
    assert done.returncode == 0 or missing, done.stderr
    assert all(line.startswith("book/data/") for line in missing), done.stderr
    project.run("dvc", "checkout", "dvc.yaml")
    rows = list(csv.DictReader(io.StringIO(project.read("reports/results/weight_decay.csv"))))
    assert {row["variant"] for row in rows} == {"weight_decay_0", "weight_decay_2"}
    assert float(losses["sweep-4"]) == pytest.approx(json.loads(project.read(METRICS))["weight_decay_0"])
    assert "up to date" in project.run("dvc", "status", "dvc.yaml").stdout
    assert "Running stage" not in project.run("dvc", "repro").stdout
