"""A commit run again: which project, in which environment, and what ends it."""

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from samples import Project
from typer.testing import CliRunner

from ablate import cli, rerun
from pipeline.core.errors import UserError


def refused(*arguments: str) -> str:
    """Return the line with which `ablate verify` ends."""
    done = CliRunner().invoke(cli.app, ["verify", *arguments])
    assert isinstance(done.exception, UserError), done.output
    assert str(done.exception).isprintable()
    return str(done.exception)


def test_what_cannot_be_answered_is_a_line_before_anything_is_run(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    assert refused().startswith("HEAD: no results in the folder . of this commit, so nothing to reproduce; ")
    assert "no results in the folder book of" in refused("--project", "book")
    assert "no results of product of this commit" in refused("--study", "product")
    assert refused("--study", "gone").startswith("study: found 'gone', allowed: weight_decay, activation, product")
    line = "HEAD: no params.yaml in the folder pipeline of this commit; --project takes one of ., book"
    assert refused("HEAD", "--project", "pipeline") == line
    for outside in ("..", "/etc", "book/../../x"):
        assert refused("HEAD", "--project", outside).startswith(f"--project: found '{outside}', allowed: a folder of")
    monkeypatch.chdir(project.folder / "book")
    assert "no results in the folder book of" in refused()
    monkeypatch.chdir(project.folder / "pipeline")
    assert "no params.yaml in the folder pipeline of" in refused()
    assert "no results in the folder book of" in refused("--project", "book")
    monkeypatch.chdir(project.folder.parent)
    assert f"{project.folder}: no results in the folder . of" in refused("./project")
    # without a project of DVC
    project.run("git", "rm", "-rq", "--cached", ".dvc")
    (project.folder / "reports/results").mkdir(parents=True)
    (project.folder / "reports/results/product.csv").write_text("case\n")
    project.run("git", "add", "reports")
    project.run("git", "commit", "-qm", "no .dvc")
    assert "no folder .dvc in this commit" in refused("./project")


def test_stages_run_the_code_of_the_commit_on_this_machine(monkeypatch, tmp_path):
    for name in ("PYTHONSAFEPATH", "DASK_SCHEDULER_ADDRESS", "DVC_ROOT", "ABLATE_STORE", "KEPT"):
        monkeypatch.setenv(name, "x")
    environment = rerun._environment(tmp_path)
    assert environment["ABLATE_STORE"] == "off"
    assert environment["KEPT"] == "x"
    assert not {"PYTHONSAFEPATH", "DASK_SCHEDULER_ADDRESS", "DVC_ROOT"} & environment.keys()


def end(project: Project, *arguments: str) -> tuple[int, str, str]:
    """Return status, output and the last line of the errors of `ablate verify`."""
    done = project.run("ablate", "verify", *arguments, ok=False)
    return done.returncode, done.stdout, (done.stderr.splitlines() or [""])[-1]


@pytest.mark.slow
def test_a_commit_of_another_repository_is_verified_from_anywhere(finished_copy, tmp_path):
    """From no repository, into a temporary folder in one, with a name that is not ASCII, under a hostile git config."""
    outside = Project(tmp_path / "outside")
    temporary = finished_copy.folder / "tmp größe"
    for folder in (outside.folder, temporary, tmp_path / "home"):
        folder.mkdir()
    (tmp_path / "home/.gitconfig").write_text("[core]\nsplitIndex = true\n[feature]\nmanyFiles = true\n")
    kernels = {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")}
    outside.environment |= {"TMPDIR": str(temporary), "HOME": str(tmp_path / "home"), "LC_ALL": "C", **kernels}
    finished_copy.run("git", "config", "core.splitIndex", "true")
    finished_copy.run("git", "update-index", "--split-index")
    status, output, line = end(outside, f"{finished_copy.folder}@main", "--markdown")
    assert status == 0, line
    digest = finished_copy.run("git", "rev-parse", "main").stdout.strip()
    assert output.startswith(f"## Verification of commit {digest} of ")
    assert "\n**Reproduced bit for bit: 2 of 2 studies and measurements, 1" in output
    assert list(temporary.iterdir()) == list(outside.folder.iterdir()) == []
    assert not list((tmp_path / "home").glob("**/dvc/repo/*"))


@pytest.mark.slow
def test_tables_that_dvc_keeps_come_from_the_cache_or_the_remote(project, tmp_path):
    (project.folder / "book/tables/größe.csv").write_text("a,b\n1,2\n")
    project.run("dvc", "add", "-q", "book/tables/größe.csv")
    project.run("dvc", "remote", "add", "-q", "--default", "storage", "../../storage")
    project.run("dvc", "repro", "book/dvc.yaml:measure@product")
    project.commit("results")
    book, outside = Project(project.folder / "book"), Project(tmp_path)
    assert end(book, "HEAD", "--study", "product")[0] == 0
    # with the remote alone
    project.run("dvc", "push", "-q", "book/tables/größe.csv.dvc")
    (project.folder / ".dvc/cache").rename(tmp_path / "cache")
    assert end(outside, str(book.folder), "--study", "product")[0] == 0
    # a bare clone has neither
    outside.run("git", "clone", "-q", "--bare", str(project.folder), "bare.git")
    status, _, line = end(outside, "./bare.git", "--project", "book", "--study", "product")
    assert status == 2
    assert "`dvc pull tables/größe.csv.dvc` failed (" in line
    assert line.endswith("its tables must be in DVC's cache, or in a remote that can be read without a question")


@pytest.mark.slow
def test_a_stage_that_is_frozen_or_fails_is_no_success(finished_copy):
    """A stage that leaves the committed file in place would otherwise pass for one that makes it."""
    project, path = finished_copy, finished_copy.folder / "dvc.yaml"
    text = path.read_text()
    yaml = YAML()
    stages = yaml.load(text)
    stages["stages"]["measure"]["do"]["frozen"] = True
    yaml.dump(stages, path)
    project.commit("frozen")
    status, output, line = end(project, "HEAD")
    assert (status, output, line) == (2, "", "HEAD: `dvc repro dvc.yaml` failed in a temporary folder, see above")
    path.write_text(text)
    (project.folder / "pipeline/stages/measure.py").write_text("raise SystemExit(1)")
    project.commit("a stage that fails")
    status, _, line = end(project, "HEAD", "--study", "product")
    assert (status, line) == (2, "HEAD: `dvc repro measure@product` failed in a temporary folder, see above")
    # invalid for the commit's own code too
    project.write_params({"device": "cpu"})
    project.commit("another schema")
    status, _, line = end(project, "HEAD", "--study", "product")
    assert status == 2
    assert line.startswith("HEAD: params.yaml: device: found an unknown key")


@pytest.mark.slow
def test_a_commit_with_another_schema_is_compared_by_its_bytes(finished_copy):
    """Its own code reads its params.yaml; today's does not."""
    project = finished_copy
    (project.folder / "pipeline/stages/check.py").unlink()
    text = "from pathlib import Path\nfor name in ('configs/a', 'params.ok'):\n"
    text += "    Path('data', name).parent.mkdir(exist_ok=True, parents=True)\n    Path('data', name).write_text('')\n"
    (project.folder / "pipeline/stages/check.py").write_text(text)
    (project.folder / "pipeline/stages/measure.py").write_text(
        "from pathlib import Path\nPath('reports/results').mkdir(parents=True, exist_ok=True)\n"
        "Path('reports/results/product.csv').write_text('case\\n')\n"
    )
    yaml = YAML()
    stages = yaml.load(project.folder / "dvc.yaml")
    stages["stages"]["measure"]["do"]["deps"] = ["data/params.ok"]
    yaml.dump(stages, project.folder / "dvc.yaml")
    with (project.folder / "params.yaml").open("a") as file:
        file.write("of_another_version: 1\n")
    project.run("dvc", "repro", "measure@product")
    project.commit("another version")
    status, output, _ = end(project, "HEAD", "--study", "product")
    assert status == 0, output
    assert "1 of 1 studies and measurements" in output


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_neither_processes_nor_files(number, finished_copy, tmp_path):
    project = finished_copy
    (project.folder / "pipeline/stages/measure.py").write_text(
        f"import os, time\nopen({str(tmp_path / 'stage')!r}, 'w').write(str(os.getpid()))\ntime.sleep(300)\n"
    )
    project.commit("a stage that takes long")
    (tmp_path / "tmp").mkdir()
    environment = {**project.environment, "TMPDIR": str(tmp_path / "tmp")}
    command = ["ablate", "verify", "HEAD", "--study", "product"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        while not (tmp_path / "stage").exists() or not (stage := (tmp_path / "stage").read_text()):
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(20) == 128 + number
    assert not Path(f"/proc/{stage}/cmdline").exists() or not Path(f"/proc/{stage}/cmdline").read_bytes()
    assert list((tmp_path / "tmp").iterdir()) == []
