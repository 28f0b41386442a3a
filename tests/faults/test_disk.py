"""A file size limit or a full disk while a file is written: one line, and the earlier file stays whole."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from samples import ROOT, laid_over, seeds, values, write_params
from samples import SMALL as PARAMS

from pipeline.core.errors import UserError
from pipeline.execution.runs import train_study
from pipeline.execution.store import Store
from pipeline.project import params
from pipeline.stages import check, data, measure, report, train

SMALL = laid_over(PARAMS, {"studies.activation": ..., "datasets.images": ...})
# the same runs with other numbers in every file
CHANGED = laid_over(
    SMALL,
    {
        "datasets.linear.noise_sd": 0.02,
        "measurements.product.repetitions": 21,
        "studies.weight_decay.base.optimizer.learning_rate": 0.002,
        "studies.weight_decay.question": "And slower?",
    },
)
STAGES: list[tuple[Callable[[list[str]], None], list[str]]] = [
    (check.main, []),
    (data.main, ["linear"]),
    (measure.main, ["product"]),
    (train.main, ["weight_decay"]),
    (report.main, []),
]


def files() -> dict[str, bytes]:
    paths = [path for top in ("data", "reports") for path in Path(top).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in paths}


def run_all(folder: Path, written: dict) -> dict[str, bytes]:
    """Run all stages with these params; return the files that they leave."""
    write_params(folder, written)
    for stage, arguments in STAGES:
        stage(arguments)
    return files()


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond this number of bytes; Python turns the signal into an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def refused(message: str, reason: str, before: dict[str, bytes]) -> str:
    """Return the path that the one line names; it still holds the earlier file."""
    (line,) = message.splitlines()
    path, _, words = line.partition(": ")
    assert words == f"cannot be written ({reason})"
    assert Path(path).read_bytes() == before[path]
    return path


def test_a_file_size_limit(in_folder, tally):
    """Each size makes another file of a stage the first that cannot be written."""
    after = run_all(in_folder, CHANGED)
    for folder in ("data", "reports"):
        shutil.rmtree(folder)
    run_all(in_folder, SMALL)
    write_params(in_folder, CHANGED)
    refusals = set()
    for stage, arguments in STAGES:
        before = files()
        for size in sorted({len(content) - 1 for content in after.values()} | {0, 100}):
            try:
                with largest_file(size):
                    stage(arguments)
            except UserError as error:
                refusals.add(refused(str(error), "File too large", before))
            now = files()
            assert set(now) == set(before), "no half file is left"
            assert all(content in (before[path], after[path]) for path, content in now.items())
            for path, content in before.items():
                Path(path).write_bytes(content)
        stage(arguments)
    assert files() == after
    assert len({Path(path).parts[:2] for path in refusals}) >= 6
    tally("disk", "file size limit", "one line, earlier artifact whole", len(refusals))


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk(tiny_disk, monkeypatch, tally):
    monkeypatch.chdir(tiny_disk)
    before = run_all(tiny_disk, SMALL)
    write_params(tiny_disk, CHANGED)
    filling = tiny_disk / "filling"
    refusals = 0
    for pages in (0, 1, 8, 16, 32):  # of 4 KiB that are left
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        os.truncate(filling, max(0, filling.stat().st_size - 4096 * pages))
        for stage, arguments in STAGES:
            try:
                stage(arguments)
            except UserError as error:
                refused(str(error), "No space left on device", before)
                refusals += 1
            assert set(files()) == set(before)
        filling.unlink()
        for path, content in before.items():
            Path(path).write_bytes(content)
    assert refusals > 5
    tally("disk", "full disk", "one line, earlier artifact whole", refusals)


def test_a_stage_says_it_in_one_line(in_folder, tally):
    """As a program, with the limit that a user or a cluster sets."""
    before = run_all(in_folder, SMALL)
    write_params(in_folder, CHANGED)
    # Python 3.11 does not notice that a limit cut off the bytecode that it caches
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
    command = f'ulimit -f 1; exec "{sys.executable}" -m pipeline.stages.data linear'
    done = subprocess.run(["bash", "-c", command], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    refused(done.stderr, "File too large", before)
    tally("disk", "file size limit", "one line, exit status 2")


def test_a_store_that_is_full_keeps_nothing_and_training_goes_on(in_folder, params_file, caplog, tally):
    study = params.load(path=params_file({"studies.activation": ..., "datasets.images": ...})).studies["weight_decay"]
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
