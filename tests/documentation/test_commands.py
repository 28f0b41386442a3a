"""Every command of README and pages, run in order as a reader would, in a small project with the same ids."""

import re
import shutil
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import small_project
from documentation.blocks import TUTORIAL, Block, blocks, commands, pages, status, transcript, without_comment
from ruamel.yaml import YAML
from samples import ROOT, Project, write_params

from ablate import plots_page

pytestmark = pytest.mark.xdist_group("docs")

# what is not run here, and what runs it instead
NOT_RUN = {
    "make": "installs packages: .ci/run calls it",
    "make test": "these tests: .ci/run calls it",
    "make check": "it is .ci/run",
    "ablate verify": "tests/ablate/test_verify.py; `ablate verify dropout` is run here",
    ".venv/bin/pre-commit install": "tests/architecture/test_contributing.py runs the hooks",
    "make TORCH_INDEX=https://download.pytorch.org/whl/cpu": "downloads PyTorch: a workflow calls it",
    "source .venv/bin/activate": "the environment is the one of these tests",
    "ABLATE_STORE=off make": "half of .ci/run",
    "make soak": "half an hour; writes the table of docs/reliability.md",
    "pip install '.[cluster]'": "packages: the tests have distributed installed",
    "dask scheduler": "tests/execution/test_pool.py starts one",
    "dask worker tcp://127.0.0.1:8786 --nworkers 16 --nthreads 1": "tests/execution/test_pool.py starts some",
    "DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:8786 dvc repro": "tests/execution/test_pool.py trains on workers",
    "dvc exp run -S datasets.images.source=fashion_mnist -S seeds.count=2 \\\n"
    "  -S +studies.dropout.base.training.epochs=2 train@dropout": (
        "downloads 30 MB: book/ was run on them, and tests/data/test_images.py reads such files"
    ),
}
READ = {"", "text", "html"}  # languages that nobody runs
# what is run by another test or on another page
RUN_ELSEWHERE = {
    ("docs/reference/commands.md", "ablate new projects/own --table own.csv --target price"): "docs/how-to/own-data.md",
    ("docs/how-to/sweep.md", "dvc queue start -j 2"): TUTORIAL[2],
    ("docs/how-to/sweep.md", "dvc queue logs sweep-1"): "needs the line above; tests/test_sweeps.py asks for logs",
}
PAGES = [page for page in pages() if page not in TUTORIAL]
RUN = {
    page: found
    for page in [*PAGES, "tutorial"]
    if (
        found := [
            block
            for name in (TUTORIAL if page == "tutorial" else [page])
            for block in blocks(name)
            if block.language not in READ or transcript(block.text)
        ]
    )
}


KEPT = {
    "datasets": ["images", "linear"],
    "measurements": ["matrix_product"],
    "studies": ["weight_decay", "dropout"],
}
SMALLER = [  # no metric that the pages show is one of validation
    ("      data: {validation: {name: k_fold, folds: 5}}\n", ""),
    (
        "      training: {epochs: 100, batch_size: 5, evaluations: 100}\n",
        "      training: {epochs: 100, batch_size: 5, evaluations: 2}\n",
    ),
    ("hidden: [256, 256]", "hidden: [16, 16]"),
    ("      optimizer: {learning_rate: 0.5}\n", "      training: {epochs: 1, evaluations: 1}\n"),
    ("repetitions: 1000", "repetitions: 20"),
]


def thin(text: str) -> str:
    """The file with few and small studies: those that the pages name, `weight_decay` with its true numbers."""
    for section, kept in KEPT.items():
        (body,) = re.findall(rf"^{section}:\n((?:  .*\n)+)", text, flags=re.MULTILINE)
        entries = re.findall(r"  \w+:.*\n(?:    .*\n)*", body)
        text = text.replace(body, "".join(entry for entry in entries if entry.split(":")[0].strip() in kept))
    for before, after in SMALLER:
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


def written(folder: Path) -> dict[str, Any]:
    values: dict[str, Any] = YAML(typ="safe", pure=True).load(folder / "params.yaml")
    return values


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project after `make` and two commits."""
    project = small_project(tmp_path_factory.mktemp("docs") / "project")
    store = tmp_path_factory.mktemp("store")
    project.environment |= {"ABLATE_STORE": str(store), "DASK_SCHEDULER_ADDRESS": "", "COLUMNS": "200"}
    (project.folder / "params.yaml").write_text(thin((ROOT / "params.yaml").read_text()))
    (project.folder / ".venv").symlink_to(Path(sys.executable).parents[1])
    with (project.folder / ".git" / "info" / "exclude").open("a") as file:
        file.write("/.venv\n")
    plots_page.write(project.folder / plots_page.PATH)
    project.run("dvc", "config", "--local", "plots.html_template", "plots/page.html")
    project.run("dvc", "repro")
    project.commit("first results")
    (project.folder / "NOTES.md").write_text("Nothing that a result depends on.\n")
    project.commit("notes")
    return project


def write_block(block: Block, folder: Path) -> None:
    """Put a block of YAML into params.yaml where its keys belong; what is a part of a study stays where it is."""
    params, found = written(folder), YAML(typ="safe", pure=True).load(block.text)
    if not found.keys() <= params.keys():
        found = {"studies": found} if all("question" in (one or {}) for one in found.values()) else {}
    for section, values in found.items():
        for key, value in values.items():
            params[section][key] = value
            if isinstance(value, dict) and "file" in value:
                # "lay the file into the folder"
                shutil.copy(folder / Path(value["file"]).name, folder / value["file"])
    if found:
        write_params(folder, params)


def write_diff(block: Block, path: Path) -> None:
    """Change a file as a block of lines with + and - says."""
    before, after = (
        "".join(line[1:] for line in block.text.splitlines(keepends=True) if line[0] in kept) for kept in (" -", " +")
    )
    assert path.read_text().count(before) == 1, f"{block.page}: not once in {path.name}:\n{before}"
    path.write_text(path.read_text().replace(before, after))


SEEN: set[str] = set()


def run_once(project: Project, command: str, page: str, changed: bool) -> bool:
    """Run a command; one that only reads, and has read the project as it was made, need not read it again.

    Returns:
        Whether the project may now be another than it was made.
    """
    words = without_comment(command)
    writes = words.startswith("ablate new") or ">" in words
    reads = words.startswith(("ablate ", "git status")) and not writes
    if changed or words not in SEEN:
        run(project, command, page)
    if reads and not changed:
        SEEN.add(words)
    return changed or not reads


def run(project: Project, command: str, page: str) -> str:
    wanted = status(command)
    began = time.monotonic()
    done = project.run("bash", "-ec", command, ok=False)
    print(f"{time.monotonic() - began:6.1f} s  {page}: {command}")
    shown = f"{page}: {command}\nended with {done.returncode}, not {wanted}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == wanted, shown
    if without_comment(command).startswith("dvc queue start"):
        work_off(project, command)
    return done.stdout


def work_off(project: Project, command: str) -> None:
    """Wait for the queue; workers that stopped early are started again, as the page says."""
    deadline = time.monotonic() + 240
    while True:
        shown = project.run("dvc", "queue", "status").stdout
        states = [line.split()[-1] for line in shown.splitlines() if line.split()[-1:] and line.split()[0] != "Task"]
        if not {"Queued", "Running"} & set(states):
            assert "Success" in states, shown
            assert "Failed" not in states, shown
            return
        assert time.monotonic() < deadline, shown
        if "Worker status: 0 active, 0 idle" in shown:
            project.run("bash", "-ec", f"{without_comment(command)} > queue.log 2>&1; rm queue.log")
        time.sleep(3)


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def same_shape(shown: str, found: str) -> bool:
    """Whether two lines have the same words and, to 10 %, the same numbers."""
    words = [NUMBER.sub("#", " ".join(line.split())) for line in (shown, found)]
    numbers = [[float(one.replace(",", "")) for one in NUMBER.findall(line)] for line in (shown, found)]
    return words[0] == words[1] and numbers[1] == pytest.approx(numbers[0], rel=0.1)


@pytest.mark.parametrize("page", RUN)
def test_every_command_of_a_page_does_what_it_says(page, made, tmp_path):
    project = made.copy(tmp_path / "project")
    changed = False
    for block in RUN[page]:
        if block.language == "sh":
            there = project
            for command in commands(block.text):
                words = without_comment(command)
                if entered := re.fullmatch(r"cd (\S+)", words):
                    there = Project(there.folder / entered[1])
                    there.environment = project.environment
                elif words not in NOT_RUN and (block.page, words) not in RUN_ELSEWHERE:
                    changed = run_once(there, command, block.page, changed)
        elif block.language == "text":
            changed = True
            for command, lines in transcript(block.text):
                found = run(project, command, block.page).splitlines()
                if lines:
                    assert len(found) == len(lines), "\n".join(found)
                    for shown, line in zip(lines, found, strict=True):
                        assert same_shape(shown, line), f"{block.page}:\n{shown}\nis now\n{line}"
        elif block.language == "python":
            project.run(sys.executable, "-c", block.text)
        elif block.language == "yaml":
            changed = True
            write_block(block, project.folder)
            project.run("ablate", "check")
        elif block.language == "diff":
            changed = True
            write_diff(block, project.folder / "params.yaml")
        else:
            raise AssertionError(f"{block.page}: no way to run {block.language}")


def test_what_is_not_run_is_on_a_page():
    there = {
        without_comment(command)
        for found in RUN.values()
        for block in found
        if block.language == "sh"
        for command in commands(block.text)
    }
    assert set(NOT_RUN) <= there
    assert all(words in there for _, words in RUN_ELSEWHERE)


def test_changes_that_a_page_shows_fit_the_default_project(tmp_path):
    shown = [block for found in RUN.values() for block in found if block.language == "diff"]
    assert shown
    for block in shown:
        path = tmp_path / "params.yaml"
        path.write_bytes((ROOT / "params.yaml").read_bytes())
        write_diff(block, path)


def test_a_line_that_changed_is_noticed():
    assert same_shape("a  10  41.4 [35.3, 48.7] × 0.487  better", "a 10 41.5 [35.2, 48.7]  × 0.487 better")
    assert not same_shape("a 10 41.4 better", "a 10 41.4 worse")
    assert not same_shape("a 10 41.4 better", "a 10 61.4 better")
    assert commands("a \\\n  b  # c\n\n# d\ne\n") == ["a \\\n  b  # c", "e"]
    assert status("ablate compare  # exit status 1") == 1
    assert status("ablate compare  # exit status 1 if it is worse") == 0
