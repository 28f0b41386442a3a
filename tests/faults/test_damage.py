"""Files that were damaged where they lie: noticed before they are used, named, and rebuilt or refused."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import small_project
from samples import Project

from pipeline.core.errors import UserError
from pipeline.project import lock
from pipeline.stages import report, train

pytestmark = pytest.mark.xdist_group("damage")

# every file that a stage of the small project reads, that stage, and another file of the same format
READ: dict[str, tuple[Callable[[], None], str]] = {
    "data/linear.npz": (lambda: train.main(["weight_decay"]), "data/images.npz"),
    "data/curves/weight_decay.csv": (lambda: report.main([]), "data/curves/activation.csv"),
    "data/diagnostics/weight_decay.npz": (lambda: report.main([]), "data/diagnostics/activation.npz"),
    "reports/results/weight_decay.csv": (lambda: report.main([]), "reports/results/activation.csv"),
    "reports/results/product.csv": (lambda: report.main([]), "reports/results/weight_decay.csv"),
}
DAMAGES = ["truncated", "emptied", "bit flipped", "replaced by another study's"]


def damaged(damage: str, path: str, random: np.random.Generator) -> bytes:
    content = bytearray(Path(path).read_bytes())
    if damage == "bit flipped":
        content[int(random.integers(len(content)))] ^= 1 << int(random.integers(8))
    cut = content[: int(random.integers(1, len(content)))]
    return {"truncated": bytes(cut), "emptied": b"", "bit flipped": bytes(content)}.get(
        damage, Path(READ[path][1]).read_bytes()
    )


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


def contents() -> dict[str, bytes]:
    return {path: Path(path).read_bytes() for path in READ}


def overwrite(path: str, content: bytes) -> None:
    """Change a file but not its time, and its size only if the length differs."""
    status = Path(path).stat()
    Path(path).chmod(0o644)
    with Path(path).open("r+b") as file:
        file.write(content)
        file.truncate(len(content))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.usefixtures("project")
def test_a_stage_refuses_a_damaged_file(many, tally):
    """A stage that is run by itself names the file and leaves all others as they were."""
    random = np.random.default_rng(0)
    before = contents()
    for number in range(many(2000)):
        path, damage = list(READ)[number % len(READ)], DAMAGES[number // len(READ) % len(DAMAGES)]
        overwrite(path, damaged(damage, path, random))
        with pytest.raises(UserError) as caught:
            READ[path][0]()
        (line,) = str(caught.value).splitlines()
        assert line.startswith(f"{path}: damaged or replaced: found md5 ")
        overwrite(path, before[path])
        tally("damage", f"{Path(path).parts[-2]}: {damage}", "refused, named")
    assert contents() == before


@pytest.mark.parametrize("path", ["data/linear.npz", "reports/results/weight_decay.csv"])
def test_damage_that_dvc_does_not_see_is_refused_and_the_advice_helps(path, project, tally):
    """Bit rot: same size, same time."""
    before = contents()
    content = bytearray(before[path])
    content[len(content) // 2] ^= 1
    overwrite(path, bytes(content))
    assert "damaged" not in project.run("dvc", "status").stdout
    target = "train@weight_decay" if path == "data/linear.npz" else "report"
    done = project.run("dvc", "repro", "--force", "--single-item", target, ok=False)
    assert done.returncode != 0
    (line,) = (line for line in done.stderr.splitlines() if path in line and "md5" in line)
    assert line.startswith(f"{path}: damaged or replaced: found md5 ")
    assert "delete it and run `dvc repro`" in line
    assert "Traceback" not in done.stderr
    Path(path).unlink()
    project.run("dvc", "repro")
    assert project.run("git", "status", "--porcelain").stdout == ""
    assert contents() == before
    tally("damage", "unnoticed by DVC", "refused, named, rebuilt as advised")


@pytest.mark.usefixtures("project")
def test_a_damaged_lock_is_a_line(many, tally):
    """No stage goes on as if nothing had been recorded."""
    random = np.random.default_rng(2)
    content = lock.PATH.read_bytes()
    # an empty lock is that of a project that was never run
    for cut in random.integers(len("schema: '2.0'\nstages:\n  c"), len(content) // 2, size=many(200)):
        lock.PATH.write_bytes(content[:cut])
        with pytest.raises(UserError) as caught:
            report.main([])
        (line,) = str(caught.value).splitlines()
        # a cut through the configs of a stage leaves other configs
        assert "dvc.lock" in line or ": made with other configs: " in line
        tally("damage", "dvc.lock: truncated", "refused, named")
