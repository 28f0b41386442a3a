"""A file size limit or a full disk while a file is written: one line, and the earlier file stays whole."""

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults.whole import run, stages
from samples import ONE_STUDY, SMALL, Project, laid_over, seeds, values, write_params

from pipeline.core.errors import UserError
from pipeline.execution.runs import train_study
from pipeline.execution.store import Store
from pipeline.project import params

pytestmark = pytest.mark.slow

BEFORE = laid_over(SMALL, ONE_STUDY)
# the same runs with other numbers in every file
CHANGED = laid_over(
    BEFORE,
    {
        "datasets.linear.noise_sd": 0.02,
        "measurements.product.repetitions": 21,
        "studies.weight_decay.base.optimizer.learning_rate": 0.002,
        "studies.weight_decay.question": "And slower?",
    },
)


def run_all(folder: Path, written: dict) -> dict[str, bytes]:
    """Run all stages with these params; return the files that they leave."""
    write_params(folder, written)
    run()
    return Project(folder).files()


def restore(content: dict[str, bytes]) -> None:
    for path, before in content.items():
        Path(path).write_bytes(before)


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Limit the bytes of a file; Python turns the signal into an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def named(error: UserError, reason: str, before: dict[str, bytes]) -> str:
    """Return the path that the one line names; it still holds the earlier file."""
    path, _, words = str(error).partition(": ")
    assert words == f"cannot be written ({reason})"
    assert Path(path).read_bytes() == before[path]
    return path


def test_a_file_size_limit(in_folder, tally):
    """Each size makes another file of a stage the first that cannot be written."""
    after = run_all(in_folder, CHANGED)
    for folder in ("data", "reports"):
        shutil.rmtree(folder)
    run_all(in_folder, BEFORE)
    write_params(in_folder, CHANGED)
    refusals = set()
    for stage in stages():
        before = Project(in_folder).files()
        for size in sorted({len(content) - 1 for content in after.values()} | {0, 100}):
            try:
                with largest_file(size):
                    stage()
            except UserError as error:
                refusals.add(named(error, "File too large", before))
            now = Project(in_folder).files()
            assert set(now) == set(before), "no half file is left"
            assert all(content in (before[path], after[path]) for path, content in now.items())
            restore(before)
        stage()
    assert Project(in_folder).files() == after
    assert len({Path(path).parts[:2] for path in refusals}) >= 6
    tally("disk", "file size limit", "one line, earlier artifact whole", len(refusals))


@pytest.fixture
def tiny_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Make a file system of 2 MB the current folder."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    monkeypatch.chdir(folder)
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk(tiny_disk, tally):
    before = run_all(tiny_disk, BEFORE)
    write_params(tiny_disk, CHANGED)
    filling = tiny_disk / "filling"
    refusals = 0
    for pages in (0, 1, 8, 16, 32):  # of 4 KiB that are left
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        os.truncate(filling, max(0, filling.stat().st_size - 4096 * pages))
        for stage in stages():
            try:
                stage()
            except UserError as error:
                named(error, "No space left on device", before)
                refusals += 1
            assert set(Project(tiny_disk).files()) == set(before)
        filling.unlink()
        restore(before)
    assert refusals > 5
    tally("disk", "full disk", "one line, earlier artifact whole", refusals)


def test_a_store_that_is_full_keeps_nothing_and_training_goes_on(in_folder, params_file, caplog, tally):
    study = params.load(path=params_file(ONE_STUDY)).studies["weight_decay"]
    dataset = values(3, 30)
    whole = train_study(study, seeds(3), dataset, Store(None))
    caplog.set_level("INFO")
    with largest_file(64):
        result = train_study(study, seeds(3), dataset, Store(in_folder / "store"))
    assert result.results.equals(whole.results)
    (message,) = [record.message for record in caplog.records if "are not kept" in record.message]
    assert message == f"finished runs are not kept: {in_folder / 'store'} (File too large)"
    assert not [path for path in (in_folder / "store").rglob("*") if path.is_file()]
    tally("disk", "file size limit, store", "said, training goes on")
