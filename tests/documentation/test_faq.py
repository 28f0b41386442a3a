"""The questions by symptom: every message that the page shows is what the command prints in the default project."""

import re
import subprocess

import pytest
from documentation.blocks import blocks, transcript
from samples import ROOT, Project

pytestmark = pytest.mark.slow

STEPS = [step for block in blocks("docs/faq.md") for step in transcript(block.text)]


def grid(project):
    replace(project, "params.yaml", "weight_decay: [0, 0.3, 1, 3, 10]", "weight_decay: [0, 0.3, 1, 3, 30]")


def line_ends(project):
    replace(project, "reports/results/dropout.csv", "\n", "\r\n")


def brace(project):
    replace(project, "params.yaml", "How strongly should large weights be punished?", '"Does ${seeds.count} matter?"')


def replace(project, name, before, after):
    path = project.folder / name
    content = path.read_bytes()
    assert before.encode() in content
    path.write_bytes(content.replace(before.encode(), after.encode()))


# what happened before a command; all others work on the last commit
BEFORE = {"ablate show weight_decay": grid, "ablate show dropout": line_ends, "ablate check": brace}


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    """Return the files of the default project that git tracks, in a repository of their own."""
    project = Project(tmp_path_factory.mktemp("faq") / "project")
    subprocess.run(["git", "clone", "--quiet", "--no-local", "--depth", "1", ROOT, project.folder], check=True)
    return project


@pytest.mark.parametrize(("command", "shown"), STEPS, ids=[command for command, _ in STEPS])
def test_a_command_prints_what_the_page_shows(command, shown, committed):
    committed.run("git", "checkout", "--quiet", "HEAD", "--", ".")
    BEFORE.get(command, lambda project: None)(committed)
    done = committed.run("bash", "-c", command, ok=False)
    printed = [" ".join(line.split()) for line in (done.stdout + done.stderr).splitlines()]
    for line in shown:
        pattern = ".*".join(map(re.escape, " ".join(line.split()).split("…")))
        assert [text for text in printed if re.fullmatch(pattern, text)], f"{line}\nis not in\n" + "\n".join(printed)


def test_every_preparation_is_of_a_command_of_the_page():
    assert BEFORE.keys() <= {command for command, _ in STEPS}
