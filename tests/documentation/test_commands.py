"""Every command of README and pages, run in order as a reader would, in a small project with the same ids."""

import re
import shutil
import sys
from pathlib import Path

import pytest
from conftest import small_project
from documentation.blocks import Block, apply_diff, blocks, commands, pages, transcript
from ruamel.yaml import YAML
from samples import ROOT, Project, write_params

from ablate import plots_page

pytestmark = pytest.mark.slow

TUTORIAL = [f"docs/tutorial/first-{name}.md" for name in ("report", "change", "sweep", "comparison")]
# what is not run here, and why
NOT_RUN = {
    "make": "installs packages: .ci/run calls it",
    "make test": "these tests: .ci/run calls it",
    "make check": "it is .ci/run",
    "ablate verify": "tests/ablate/test_verify.py; `ablate verify main --study dropout` is run here",
    "ablate verify https://example.org/user/project.git@v1.0 --markdown": "tests/ablate/test_rerun.py has a repository",
    "ablate verify https://example.org/user/project.git@v1.0 --markdown > verdict.md": "the same",
    "make .venv/installed": "installs packages: .ci/run calls `make`",
    ".venv/bin/pre-commit install": "tests/architecture/test_contributing.py runs the hooks",
    "make TORCH_INDEX=": "downloads gigabytes of CUDA",
    "source .venv/bin/activate": "the environment is the one of these tests",
    "ABLATE_STORE=off make": "half of .ci/run",
    "make soak": "seven minutes; writes the table of docs/reliability.md",
    "pip install '.[cluster]'": "packages: the tests have distributed installed",
    "pdflatex paper.tex": "tests/ablate/test_latex.py compiles the document of the page",
    "dask scheduler": "tests/execution/test_pool.py starts one",
    "dask worker tcp://127.0.0.1:8786 --nworkers 16 --nthreads 1": "tests/execution/test_pool.py starts some",
    "DASK_SCHEDULER_ADDRESS=tcp://127.0.0.1:8786 dvc repro": "tests/execution/test_pool.py trains on workers",
    "dvc exp run -S datasets.images.source=fashion_mnist -S seeds.count=2 \\\n"
    "  -S +studies.dropout.base.training.epochs=2 train@dropout": (
        "downloads 30 MB: book/ was run on them, and tests/data/test_images.py reads such files"
    ),
}
OWN_TESTS = ("docs/extending.md", "docs/faq.md")
# what another page or another test runs
RUN_ELSEWHERE = {
    ("docs/reference/commands.md", "ablate new projects/own --table own.csv --target price"): "docs/how-to/own-data.md",
    (
        "docs/reference/commands.md",
        "ablate new projects/own --table own.csv --target price --missing median --ignore name --date sold",
    ): "tests/ablate/test_new.py calls it with such options",
    ("docs/how-to/sweep.md", "dvc queue start -j 2"): TUTORIAL[2],
    ("docs/how-to/sweep.md", "dvc queue logs sweep-1"): "needs the line above; tests/test_sweeps.py asks for logs",
}


def to_run() -> dict[str, list[Block]]:
    """Return the blocks to run, by page; the tutorial is one page, and two pages have tests of their own."""
    found: dict[str, list[Block]] = {}
    for page in [*TUTORIAL, *(page for page in pages() if page not in (*TUTORIAL, *OWN_TESTS))]:
        for block in blocks(page):
            if block.language not in ("", "text", "html", "latex") or transcript(block.text):
                found.setdefault("tutorial" if page in TUTORIAL else page, []).append(block)
    return found


RUN = to_run()
KEPT = {"datasets": ["images", "linear"], "measurements": ["matrix_product"], "studies": ["weight_decay", "dropout"]}
SMALLER = {
    # no metric that the pages show is of validation
    "    asks: choice\n": "",
    "      data: {validation: {name: k_fold, folds: 5}}\n": "",
    "    seeds: 100\n": "",
    "{epochs: 100, batch_size: 5, evaluations: 100}": "{epochs: 100, batch_size: 5, evaluations: 2}",
    "hidden: [256, 256]": "hidden: [16, 16]",
    "      optimizer: {learning_rate: 0.5}\n": "      training: {epochs: 1, evaluations: 1}\n",
    "repetitions: 1000": "repetitions: 20",
}


def thin(text: str) -> str:
    """Return params.yaml with the studies that the pages name, made small; `weight_decay` keeps its numbers."""
    for section, kept in KEPT.items():
        (body,) = re.findall(rf"^{section}:\n((?:  .*\n)+)", text, flags=re.MULTILINE)
        entries = re.findall(r"  \w+:.*\n(?:    .*\n)*", body)
        text = text.replace(body, "".join(entry for entry in entries if entry.split(":")[0].strip() in kept))
    for before, after in SMALLER.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Return the project after `make` and two commits."""
    project = small_project(tmp_path_factory.mktemp("docs") / "project")
    store = tmp_path_factory.mktemp("store")
    project.environment |= {"ABLATE_STORE": str(store), "COLUMNS": "200"}
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
    """Put a block of YAML into params.yaml where its keys belong; a part of a study changes nothing."""
    yaml = YAML(typ="safe", pure=True)
    params, found = yaml.load(folder / "params.yaml"), yaml.load(block.text)
    if not found.keys() <= params.keys():
        found = {"studies": found} if all("question" in (study or {}) for study in found.values()) else {}
    for section, values in found.items():
        params[section] |= values
        for value in values.values():
            if isinstance(value, dict) and "file" in value:
                # "lay the file into the folder"
                shutil.copy(folder / Path(value["file"]).name, folder / value["file"])
    write_params(folder, params)


def without_comment(command: str) -> str:
    return re.sub(r"\s+# .*$", "", command)


def run(project: Project, command: str, page: str) -> str:
    """Run a command that ends with the status that its comment states, by default 0; return what it prints."""
    if without_comment(command) == "dvc queue start -j 2":
        # its workers outlive it and would keep a pipe open
        assert set(project.finish_queue(jobs=2)) == {"Success"}
        return ""
    stated = re.search(r"# exit status (\d+)$", command)
    wanted = int(stated[1]) if stated else 0
    done = project.run("bash", "-ec", command, ok=False)
    shown = f"{page}: {command}\nended with {done.returncode}, not {wanted}\n{done.stdout}\n{done.stderr}"
    assert done.returncode == wanted, shown
    return done.stdout


SEEN: set[str] = set()


def run_once(project: Project, command: str, page: str, changed: bool) -> bool:
    """Run a command, unless it only reads and has already read the unchanged project.

    Returns:
        Whether the project may have changed.
    """
    words = without_comment(command)
    reads = words.startswith(("ablate ", "git status")) and not words.startswith("ablate new") and ">" not in words
    if changed or words not in SEEN:
        run(project, command, page)
    if reads and not changed:
        SEEN.add(words)
    return changed or not reads


NUMBER = re.compile(r"\d[\d,]*(?:\.\d+)?")


def same_shape(shown: str, found: str) -> bool:
    """Return if two lines have the same words and, to 10 %, the same numbers."""
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
            apply_diff(block.text, project.folder / "params.yaml")
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
        apply_diff(block.text, path)
