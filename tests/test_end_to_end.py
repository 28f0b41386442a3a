"""What a DVC user does, in the order a user would, in a git + DVC repository."""

import json
import re

import pytest
from samples import SMALL, Project, laid_over

DECAY = "studies.weight_decay.grid.optimizer.weight_decay"
RESULTS = "reports/results/weight_decay.csv"


def ran(output: str) -> list[str]:
    """Return the stages that DVC ran in this output."""
    return sorted(line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage"))


def test_a_day_with_the_project(project):
    # the first run makes everything, a second one nothing
    done = project.run("dvc", "repro")
    stages = ["check", "data@images", "data@linear", "measure@product", "report", "train@activation"]
    assert ran(done.stdout) == [*stages, "train@weight_decay"]
    assert len(project.read(RESULTS).splitlines()) == 1 + 2 * 3
    assert len(project.read("reports/results/activation.csv").splitlines()) == 1 + 4 * 3
    assert "activation: 12 runs to train, 0 taken from the store" in done.stderr
    assert "activation: epoch " in done.stderr
    assert re.findall("^study . of .", done.stderr, flags=re.MULTILINE) == ["study 1 of 2", "study 2 of 2"]
    assert ran(project.run("dvc", "repro").stdout) == []
    project.commit("first results")
    first = project.read(RESULTS)

    # another grid by -S reruns that study and the report
    done = project.run("dvc", "exp", "run", "-n", "more", "-S", f"{DECAY}=[0,1,3]")
    assert ran(done.stdout) == ["check", "report", "train@weight_decay"]
    assert "study 1 of 1: weight_decay" in done.stderr
    assert len(project.read(RESULTS).splitlines()) == 1 + 3 * 3
    # earlier runs keep their bits
    assert set(first.splitlines()) <= set(project.read(RESULTS).splitlines())

    # metrics, parameters and experiments as a DVC user expects them
    shown = json.loads(project.run("dvc", "metrics", "show", "--json").stdout)
    losses = shown[""]["data"]["reports/metrics/weight_decay.json"]["data"]
    assert list(losses) == ["weight_decay_0", "weight_decay_1", "weight_decay_3"]
    (row,) = [line for line in project.run("dvc", "metrics", "diff").stdout.splitlines() if "weight_decay_1" in line]
    assert row.split()[:2] == ["reports/metrics/weight_decay.json", "weight_decay_1"]
    assert DECAY in project.run("dvc", "params", "diff").stdout
    experiments = project.run("dvc", "exp", "show", "--csv").stdout
    assert "more" in experiments
    assert "weight_decay_1" in experiments

    # back to the earlier parameters: their results come from the run cache, nothing is trained
    project.run("git", "checkout", "--", "params.yaml")
    done = project.run("dvc", "repro")
    assert "Stage 'train@weight_decay' is cached - skipping run" in done.stdout
    assert not [stage for stage in ran(done.stdout) if stage.startswith("train")]
    assert project.read(RESULTS) == first
    assert project.run("git", "status", "--porcelain").stdout == ""

    # a wrong config is refused before any result is lost
    for config in (f"{DECAY}=[0,-1]", "base.model.dropout=1.5"):
        done = project.run("dvc", "exp", "run", "-S", config, ok=False)
        assert done.returncode != 0
        assert config.split("=")[0] in done.stderr
        assert "Traceback" not in done.stderr
        assert project.read(RESULTS) == first
        project.run("git", "checkout", "--", "params.yaml")

    # a new study runs alone, with the report
    new = {"question": "And slower?", "base.optimizer.learning_rate": 0.001}
    project.write_params({"studies.slower": laid_over(SMALL["studies"]["weight_decay"], new)})
    assert ran(project.run("dvc", "repro").stdout) == ["check", "report", "train@slower"]
    assert "And slower?" in project.read("reports/index.html")

    # a study that is gone leaves nothing behind, and a file of the user stays
    project.write_params({"studies.activation": ...})
    own = [project.folder / "reports" / name for name in ("figures/own.svg", "tables/own.csv", "results/own.csv")]
    for path in own:
        path.write_text("own")
    assert not [stage for stage in ran(project.run("dvc", "repro").stdout) if stage.startswith("train")]
    assert not [path for path in project.files() if "activation" in path or "slower" in path]
    assert "Which activation?" not in project.read("reports/index.html")
    assert [path.read_text() for path in own] == ["own"] * 3


@pytest.mark.slow
def test_an_interrupted_run_is_recovered_as_the_readme_says(finished_copy):
    # what DVC leaves when it is interrupted in the middle of a stage: the stage's outputs are gone
    (finished_copy.folder / RESULTS).unlink()
    (finished_copy.folder / "data/curves/weight_decay.csv").unlink()
    finished_copy.run("git", "restore", "reports", "params.yaml")
    # by name: without, DVC asks for the other project too, which was never run here
    finished_copy.run("dvc", "checkout", "dvc.yaml")
    assert ran(finished_copy.run("dvc", "repro").stdout) == []
    assert finished_copy.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.slow
def test_what_was_pushed_is_pulled_and_trains_nothing(finished_copy, tmp_path):
    # a folder stands for any storage that DVC knows
    finished_copy.run("dvc", "remote", "add", "--default", "storage", str(tmp_path / "storage"))
    finished_copy.commit("where the data are")
    finished_copy.run("dvc", "push", "dvc.yaml")
    clone = Project(tmp_path / "clone")
    finished_copy.run("git", "clone", "-q", ".", str(clone.folder))
    assert not (clone.folder / "data").exists()
    clone.run("dvc", "pull", "dvc.yaml")
    assert clone.files() == finished_copy.files()
    assert "up to date" in clone.run("dvc", "status", "dvc.yaml").stdout
    assert ran(clone.run("dvc", "repro").stdout) == []
    assert clone.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.slow
def test_the_second_project_stands_on_its_own(project):
    """`book/` has parameters, lock, data and reports of its own, and the code one folder up."""
    done = project.run("dvc", "repro", "book/dvc.yaml")
    stages = ["check", "data@linear", "measure@product", "report", "train@weight_decay"]
    assert ran(done.stdout) == [f"book/dvc.yaml:{stage}" for stage in stages]
    assert project.files() == {}
    assert len(project.read(f"book/{RESULTS}").splitlines()) == 1 + 3 * 2
    assert 'id="published-outcomes"' in project.read("book/reports/index.html")
    published = project.read("book/reports/claims/published.csv").splitlines()
    assert len(published) == len(project.read("book/published.csv").splitlines())
    assert any(line.startswith("weight_decay_scratch,lambda=0,test_loss") and ",2," in line for line in published)
    assert "book/data" not in project.run("git", "status", "--porcelain").stdout
    project.commit("the second project")
    assert ran(project.run("dvc", "repro", "book/dvc.yaml").stdout) == []
    # each project runs its own stages, and leaves the other's alone
    project.run("dvc", "repro", "measure@product")
    assert project.run("git", "status", "--porcelain", "book").stdout == ""
    # its own folder is a project like any other
    book = Project(project.folder / "book")
    assert "weight_decay (3)" in book.run("ablate", "compare").stdout
    book.run("dvc", "exp", "run", "-S", "seeds.count=3", "train@weight_decay")
    assert len(book.read(RESULTS).splitlines()) == 1 + 3 * 3


@pytest.mark.slow
def test_an_experiment_in_a_temporary_folder_runs_that_folder_s_code(project):
    """An installed package would win over the copy that the experiment is to run, and silently run other code."""
    stage = project.folder / "pipeline" / "stages" / "measure.py"
    stage.write_text(f'print("edited:", __file__)\n{stage.read_text()}')
    project.commit("edited code")
    for folder in (project.folder, project.folder / "book"):
        command = ["dvc", "exp", "run", "--temp", "-S", "measurements.product.size=2", "measure@product"]
        done = Project(folder).run(*command)
        (line,) = [line for line in (done.stdout + done.stderr).splitlines() if line.startswith("edited:")]
        assert str(project.folder / ".dvc" / "tmp" / "exps") in line
