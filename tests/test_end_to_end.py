"""What a DVC user does, in the order a person would, in a git + DVC repository of its own."""

import csv
import json

from ruamel.yaml import YAML
from samples import SMALL, Project, laid_over

DECAY = "studies.weight_decay.grid.optimizer.weight_decay"


def ran(output: str) -> list[str]:
    """The stages that DVC ran in this output."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def runs(project: Project, study: str) -> list[dict[str, str]]:
    with (project.folder / f"reports/results/{study}.csv").open() as file:
        return list(csv.DictReader(file))


ALL = ["check", "data@images", "data@linear", "train@weight_decay", "train@activation", "report"]


def test_a_day_with_the_project(project, tmp_path):
    # the first run makes everything, a second one nothing
    done = project.run("dvc", "repro")
    assert sorted(ran(done.stdout)) == sorted(ALL)
    assert len(runs(project, "weight_decay")) == 6
    assert len(runs(project, "activation")) == 12
    assert "activation: stack 1 of" in done.stderr
    assert "activation_relu_learning_rate_0p5" in done.stderr
    assert ran(project.run("dvc", "repro").stdout) == []
    project.commit("first results")
    first = project.read("reports/results/weight_decay.csv")

    # a fresh clone makes the same bytes
    clone = Project(tmp_path / "clone")
    project.run("git", "clone", "-q", str(project.folder), str(clone.folder))
    clone.run("dvc", "repro")
    clone.run("dvc", "repro", "-f", "-s", "report")
    assert clone.run("git", "status", "--porcelain").stdout == ""

    # one study is a target of its own, and what is up to date stays
    assert ran(project.run("dvc", "repro", "train@activation").stdout) == []

    # another grid by -S reruns that study and the report
    done = project.run("dvc", "exp", "run", "-n", "more", "-S", f"{DECAY}=[0,1,3]")
    assert sorted(ran(done.stdout)) == ["check", "report", "train@weight_decay"]
    assert len(runs(project, "weight_decay")) == 9
    assert json.loads(project.read("reports/metrics/weight_decay/weight_decay_1.json"))["runs"] == 3
    # runs that were there before have the bits they had
    assert set(first.splitlines()) <= set(project.read("reports/results/weight_decay.csv").splitlines())

    # metrics, parameters and experiments as a DVC user expects them
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)
    paths = shown[""]["data"]
    assert "test_loss" in paths["reports/metrics/weight_decay/weight_decay_3.json"]["data"]
    assert "weight_decay_1.json" in project.run("dvc", "metrics", "diff").stdout
    assert DECAY in project.run("dvc", "params", "diff").stdout
    experiments = project.run("dvc", "exp", "show", "--csv").stdout
    assert "more" in experiments
    assert "test_loss.centre" in experiments

    # back to the earlier parameters: their results come from the run cache, nothing is trained
    project.run("git", "checkout", "--", "params.yaml")
    done = project.run("dvc", "repro")
    assert "Stage 'train@weight_decay' is cached - skipping run" in done.stdout
    assert not [stage for stage in ran(done.stdout) if stage.startswith("train")]
    assert project.read("reports/results/weight_decay.csv") == first
    assert project.run("git", "status", "--porcelain").stdout == ""

    # a wrong setting is refused before any result is lost
    for setting in (f"{DECAY}=[0,-1]", "studies.activation.base.model.dropout=1.5"):
        done = project.run("dvc", "exp", "run", "-S", setting, ok=False)
        assert done.returncode != 0
        assert setting.split("=")[0] in done.stderr
        assert "Traceback" not in done.stderr
        assert project.read("reports/results/weight_decay.csv") == first
        project.run("git", "checkout", "--", "params.yaml")

    # a new study runs alone, with the report
    new = laid_over(SMALL["studies"]["weight_decay"], {"question": "And slower?"})
    new = laid_over(new, {"base.optimizer.learning_rate": 0.001})
    project.write_params({"studies.slower": new})
    assert sorted(ran(project.run("dvc", "repro").stdout)) == ["check", "report", "train@slower"]
    assert "And slower?" in project.read("reports/index.html")

    # a study that is gone leaves nothing behind
    project.write_params({"studies.activation": ...})
    assert not [stage for stage in ran(project.run("dvc", "repro").stdout) if stage.startswith("train")]
    assert not list((project.folder / "reports").rglob("*activation*"))
    assert not list((project.folder / "reports").rglob("*slower*"))
    assert "Which activation?" not in project.read("reports/index.html")


def test_more_seeds_keep_the_runs_there_are(project):
    project.run("dvc", "repro", "train@weight_decay")
    few = project.read("reports/results/weight_decay.csv").splitlines()
    project.run("dvc", "exp", "run", "-S", "seeds.count=5", "train@weight_decay")
    many = project.read("reports/results/weight_decay.csv").splitlines()
    assert len(many) == 1 + 2 * 5
    assert set(few) <= set(many)
    assert YAML(typ="safe").load(project.read("params.yaml"))["seeds"]["count"] == 5


def test_an_interrupted_run_is_recovered_as_the_readme_says(project):
    project.run("dvc", "repro")
    project.commit("results")
    # what DVC leaves when it is interrupted in the middle of a stage: the stage's outputs are gone
    (project.folder / "reports/results/activation.csv").unlink()
    (project.folder / "data/curves/activation.csv").unlink()
    project.run("git", "restore", "reports", "params.yaml")
    project.run("dvc", "checkout")
    assert ran(project.run("dvc", "repro").stdout) == []
    assert project.run("git", "status", "--porcelain").stdout == ""
