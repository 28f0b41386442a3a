"""Artifacts that went wrong where they lie: noticed before they are used, named, and rebuilt or refused."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import small_project
from execution.studies import study as some_study
from faults.tally import Mutant
from samples import Project, classes, seeds

from pipeline.core.errors import UserError
from pipeline.execution import runs
from pipeline.execution.store import Store
from pipeline.project import lock
from pipeline.stages import report, train

pytestmark = pytest.mark.xdist_group("damage")

MUTANTS = [
    Mutant(
        file="pipeline/project/lock.py",
        guard="    return None if recorded == digest else",
        without="    return None if True else",
        test="test_a_stage_refuses_a_damaged_artifact",
    ),
    Mutant(
        file="pipeline/project/arrays.py",
        guard='is not the one that DVC recorded.\n    """\n    lock.check(path)\n',
        without='is not the one that DVC recorded.\n    """\n',
        test="test_a_stage_refuses_a_damaged_artifact",
    ),
    Mutant(
        file="pipeline/project/artifacts.py",
        guard='all others of numbers."""\n    lock.check(path)\n',
        without='all others of numbers."""\n',
        test="test_a_stage_refuses_a_damaged_artifact",
    ),
    Mutant(
        file="pipeline/core/cache.py",
        guard="        if sealed != _sealed(key, content):\n",
        without="        if False:\n",
        test="test_a_damaged_entry_of_the_store_is_trained_again",
    ),
]

# every file that a stage of the small project reads, the stage, and a stranger of the same kind
READ: dict[str, tuple[Callable[[], None], str]] = {
    "data/linear.npz": (lambda: train.main(["weight_decay"]), "data/images.npz"),
    "data/curves/weight_decay.csv": (lambda: report.main([]), "data/curves/activation.csv"),
    "data/diagnostics/weight_decay.npz": (lambda: report.main([]), "data/diagnostics/activation.npz"),
    "reports/results/weight_decay.csv": (lambda: report.main([]), "reports/results/activation.csv"),
    "reports/results/product.csv": (lambda: report.main([]), "reports/results/weight_decay.csv"),
}
KINDS = ["truncated", "emptied", "bit flipped", "replaced by another study's"]


def damaged(kind: str, whole: bytes, other: bytes, random: np.random.Generator) -> bytes:
    if kind == "truncated":
        return whole[: int(random.integers(1, len(whole)))]
    if kind == "bit flipped":
        flipped = bytearray(whole)
        flipped[int(random.integers(len(whole)))] ^= 1 << int(random.integers(8))
        return bytes(flipped)
    return b"" if kind == "emptied" else other


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """A small project that was run; tests work on copies."""
    made = small_project(tmp_path_factory.mktemp("damage") / "whole")
    made.environment |= {"ABLATE_STORE": "off", "DASK_SCHEDULER_ADDRESS": ""}
    made.run("dvc", "repro")
    made.commit("results")
    return made


@pytest.fixture
def project(whole: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    made = whole.copy(tmp_path / "project")
    monkeypatch.chdir(made.folder)
    return made


def unnoticed(path: Path, content: bytes) -> None:
    """Change a file so that its time says nothing, and where it can be its size."""
    status = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.write(content)
        file.truncate(len(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.usefixtures("project")
def test_a_stage_refuses_a_damaged_artifact(many, tally):
    """A stage by itself, whoever calls it: it names the file, and leaves all others as they were."""
    random = np.random.default_rng(0)
    contents = {path: Path(path).read_bytes() for path in READ}
    for number in range(many(2000)):
        path = list(READ)[number % len(READ)]
        stage, stranger = READ[path]
        kind = KINDS[number // len(READ) % len(KINDS)]
        content = damaged(kind, contents[path], Path(stranger).read_bytes(), random)
        unnoticed(Path(path), content)
        with pytest.raises(UserError) as caught:
            stage()
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"{path}: damaged or replaced: found md5 ")
        unnoticed(Path(path), contents[path])
        tally("damage", f"{Path(path).parts[-2]}: {kind}", "refused, named")
    assert {path: Path(path).read_bytes() for path in READ} == contents


def test_dvc_repro_brings_back_what_is_damaged(whole, project, many, tally):
    """Where DVC can see it, by size or time."""
    random = np.random.default_rng(1)
    before = {path: (project.folder / path).read_bytes() for path in READ}
    places = [(path, kind) for path in READ for kind in KINDS]
    for number in random.permutation(len(places))[: many(len(places))]:
        path, kind = places[number]
        (project.folder / path).chmod(0o644)
        (project.folder / path).write_bytes(damaged(kind, before[path], Path(READ[path][1]).read_bytes(), random))
        project.run("dvc", "repro")
        assert {path: (project.folder / path).read_bytes() for path in READ} == before
        assert project.run("git", "status", "--porcelain").stdout == ""
        tally("damage", f"{Path(path).parts[-2]}: {kind}, then `dvc repro`", "rebuilt, same bits")


@pytest.mark.parametrize(
    "path", ["data/linear.npz", "data/curves/weight_decay.csv", "reports/results/weight_decay.csv"]
)
def test_what_dvc_takes_for_whole_is_refused_and_the_advice_helps(path, whole, project, tally):
    """Bit rot: same size, same time. DVC believes its own notes; the stage does not."""
    content = bytearray((project.folder / path).read_bytes())
    content[len(content) // 2] ^= 1
    unnoticed(project.folder / path, bytes(content))
    assert "damaged" not in project.run("dvc", "status").stdout
    target = "train@weight_decay" if path == "data/linear.npz" else "report"
    done = project.run("dvc", "repro", "--force", "--single-item", target, ok=False)
    assert done.returncode != 0
    (line,) = (line for line in done.stderr.splitlines() if path in line and "md5" in line)
    assert line.startswith(f"{path}: damaged or replaced: found md5 ")
    assert "delete it and run `dvc repro`" in line
    assert "Traceback" not in done.stderr
    (project.folder / path).unlink()
    project.run("dvc", "repro")
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert all((project.folder / one).read_bytes() == (whole.folder / one).read_bytes() for one in READ)
    tally("damage", "unnoticed by DVC", "refused, named, rebuilt as advised")


@pytest.mark.usefixtures("project")
def test_a_damaged_lock_is_a_line(many, tally):
    """Whatever is cut off from it: no stage reads on as if nothing had been recorded."""
    random = np.random.default_rng(2)
    content = lock.PATH.read_bytes()
    # an empty one is that of a project that was never run
    for cut in random.integers(len("schema: '2.0'\nstages:\n  c"), len(content) // 2, size=many(200)):
        lock.PATH.write_bytes(content[:cut])
        with pytest.raises(UserError) as caught:
            report.main([])
        (line,) = str(caught.value).splitlines()
        # where the cut goes through the configs of a stage, they are other ones
        assert "dvc.lock" in line or ": made with other configs: " in line
        tally("damage", "dvc.lock: truncated", "refused, named")


def test_a_damaged_entry_of_the_store_is_trained_again(in_folder, caplog, many, tally):
    study, dataset = some_study(), classes()
    store = Store(in_folder / "store")
    first = runs.train(study, seeds(3), dataset, store)
    entries = sorted((in_folder / "store").rglob("*.run"))
    contents = [entry.read_bytes() for entry in entries]
    assert len(entries) == 18
    random = np.random.default_rng(3)
    caplog.set_level("INFO")
    for number in range(many(120)):
        place, kind = number % len(entries), KINDS[number % len(KINDS)]
        entries[place].write_bytes(damaged(kind, contents[place], contents[place - 1], random))
        caplog.clear()
        again = runs.train(study, seeds(3), dataset, store)
        assert again.results.equals(first.results)
        assert again.curves.equals(first.curves)
        assert any(str(entries[place]) in record.message for record in caplog.records)
        assert [entry.read_bytes() for entry in entries] == contents
        tally("damage", f"store: {kind}", "named, trained again, same bits")
