"""What a DVC user does, in the order a user would, in a git + DVC repository of its own."""

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


ALL = [
    "check",
    "data@images",
    "data@linear",
    "measure@product",
    "train@weight_decay",
    "train@activation",
    "report",
]


def test_a_day_with_the_project(project, tmp_path):
    # the first run makes everything, a second one nothing
    done = project.run("dvc", "repro")
    assert sorted(ran(done.stdout)) == sorted(ALL)
    assert len(runs(project, "weight_decay")) == 6
    assert len(runs(project, "activation")) == 12
    assert "activation: 12 runs to train, 0 taken from the store" in done.stderr
    assert "activation: 12 of 12 runs" in done.stderr
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
    assert "test_loss.estimate" in experiments

    # back to the earlier parameters: their results come from the run cache, nothing is trained
    project.run("git", "checkout", "--", "params.yaml")
    done = project.run("dvc", "repro")
    assert "Stage 'train@weight_decay' is cached - skipping run" in done.stdout
    assert not [stage for stage in ran(done.stdout) if stage.startswith("train")]
    assert project.read("reports/results/weight_decay.csv") == first
    assert project.run("git", "status", "--porcelain").stdout == ""

    # a wrong config is refused before any result is lost
    for config in (f"{DECAY}=[0,-1]", "base.model.dropout=1.5"):
        done = project.run("dvc", "exp", "run", "-S", config, ok=False)
        assert done.returncode != 0
        assert config.split("=")[0] in done.stderr
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
    # by name: without, DVC asks for the other project too, which was never run here
    project.run("dvc", "checkout", "dvc.yaml")
    assert ran(project.run("dvc", "repro").stdout) == []
    assert project.run("git", "status", "--porcelain").stdout == ""


def test_the_second_project_stands_on_its_own(project):
    """`book/` has parameters, lock, data and reports of its own, and the code one floor up."""
    done = project.run("dvc", "repro", "book/dvc.yaml")
    stages = [name.split(":")[-1] for name in ran(done.stdout)]
    assert sorted(stages) == ["check", "data@linear", "measure@product", "report", "train@weight_decay"]
    assert not (project.folder / "reports").exists()
    assert not (project.folder / "data").exists()
    assert len(project.read("book/reports/results/weight_decay.csv").splitlines()) == 1 + 3 * 2
    page = project.read("book/reports/index.html")
    assert 'id="published-outcomes"' in page
    published = project.read("book/reports/claims/published.csv").splitlines()
    assert len(published) == len(project.read("book/published.csv").splitlines())
    assert any(line.startswith("weight_decay_scratch,lambda=0,test_loss") and ",2," in line for line in published)
    assert "book/data" not in project.run("git", "status", "--porcelain").stdout
    project.commit("the second project")
    assert ran(project.run("dvc", "repro", "book/dvc.yaml").stdout) == []
    # each project runs its own stages, and leaves the other's alone
    project.run("dvc", "repro", "measure@product")
    assert project.run("git", "status", "--porcelain", "book").stdout == ""
    # from its own folder it is swept like any project
    book = Project(project.folder / "book")
    done = book.run("dvc", "exp", "run", "-S", "seeds.count=3", "train@weight_decay")
    assert len(project.read("book/reports/results/weight_decay.csv").splitlines()) == 1 + 3 * 3


def test_an_experiment_in_a_temporary_folder_runs_that_folder_s_code(project):
    """An installed package would win over the copy that the experiment is to run, and silently run other code."""
    stage = project.folder / "pipeline" / "stages" / "measure.py"
    stage.write_text(f'print("edited:", __file__)\n{stage.read_text()}')
    project.commit("edited code")
    for folder in (project.folder, project.folder / "book"):
        there = Project(folder)
        done = there.run("dvc", "exp", "run", "--temp", "-S", "measurements.product.size=2", "measure@product")
        (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("edited:")]
        assert str(project.folder / ".dvc" / "tmp" / "exps") in line, line
