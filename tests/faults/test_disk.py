"""A file size limit or a full disk while an artifact is written: one line, and what was there before stays whole."""

import contextlib
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import pytest
from faults.tally import Mutant
from samples import ROOT, laid_over, seeds, values, write_params
from samples import SMALL as PARAMS

from ablate import plots_page
from pipeline.core.errors import UserError
from pipeline.execution import runs
from pipeline.execution.store import Store
from pipeline.project import artifacts, params
from pipeline.stages import check, data, report, train
from pipeline.stages import measure as measurement

MUTANTS = [
    Mutant(
        file="pipeline/project/artifacts.py",
        guard="        yield temporary\n        temporary.replace(path)\n",
        without="        yield path\n",
        test="test_a_file_size_limit",
    ),
    Mutant(
        file="pipeline/project/artifacts.py",
        guard='    except OSError as error:\n        raise UserError(f"{path}: cannot be written',
        without='    except ZeroDivisionError as error:\n        raise UserError(f"{path}: cannot be written',
        test="test_a_file_size_limit",
    ),
    Mutant(
        file="pipeline/core/cache.py",
        guard='        except OSError as error:\n            log.info("%s are not kept',
        without='        except ZeroDivisionError as error:\n            log.info("%s are not kept',
        test="test_a_store_that_is_full_keeps_nothing_and_training_goes_on",
    ),
    Mutant(
        file="pipeline/core/console.py",
        guard="        if error.errno not in _OF_THE_MACHINE:\n",
        without="        if True:\n",
        test="test_a_disk_that_is_full_elsewhere_is_a_line",
    ),
]

# Python 3.11 does not notice that a limit cut off the bytecode that it keeps
OWN = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "ABLATE_STORE": "off"}
Stage = Callable[[list[str]], None]
SMALL = laid_over(PARAMS, {"studies.activation": ..., "datasets.images": ...})
# the same runs with other numbers in every artifact
CHANGED = laid_over(
    SMALL,
    {
        "datasets.linear.noise_sd": 0.02,
        "measurements.product.repetitions": 21,
        "studies.weight_decay.base.optimizer.learning_rate": 0.002,
        "studies.weight_decay.question": "And slower?",
    },
)
STAGES: list[tuple[Stage, list[str]]] = [
    (check.main, []),
    (data.main, ["linear"]),
    (measurement.main, ["product"]),
    (train.main, ["weight_decay"]),
    (report.main, []),
]


def files() -> dict[str, bytes]:
    found = [path for top in ("data", "reports") for path in Path(top).rglob("*") if path.is_file()]
    return {str(path): path.read_bytes() for path in found}


def run_all() -> None:
    for stage, arguments in STAGES:
        stage(arguments)


@pytest.fixture
def two_states(in_folder: Path) -> tuple[dict[str, bytes], dict[str, bytes]]:
    """A project that was run, and whose configs were then changed: its files before and what they will be."""
    write_params(in_folder, CHANGED)
    run_all()
    after = files()
    write_params(in_folder, SMALL)
    shutil.rmtree("data")
    shutil.rmtree("reports")
    run_all()
    before = files()
    write_params(in_folder, CHANGED)
    return before, after


@contextlib.contextmanager
def largest_file(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes; Python turns the signal into an error."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def put_back(content: dict[str, bytes]) -> None:
    for path, old in content.items():
        Path(path).write_bytes(old)


def test_a_file_size_limit(two_states, tally):
    """Of every size that makes another artifact the first that cannot be written."""
    _, after = two_states
    sizes = sorted({len(content) - 1 for content in after.values()} | {0, 100})
    hit = set()
    for stage, arguments in STAGES:
        before = files()
        for size in sizes:
            try:
                with largest_file(size):
                    stage(arguments)
            except UserError as error:
                (line,) = str(error).splitlines()
                path, _, reason = line.partition(": ")
                assert reason == "cannot be written (File too large)"
                assert before[path] == Path(path).read_bytes(), "the earlier one stays"
                hit.add(path)
            found = files()
            assert set(found) == set(before), "no half file is left"
            assert all(content in (before[path], after[path]) for path, content in found.items())
            put_back(before)
        stage(arguments)  # with room enough
    assert files() == after
    # in each place something has failed once, but where a larger artifact of the stage always comes before
    places = {Path(path).parts[:2] for path in after}
    assert places - {Path(path).parts[:2] for path in hit} == {
        ("data", "curves"),
        *(("reports", name) for name in ("metrics", "environment.json", "summary.md")),
    }
    tally("disk", "file size limit", "one line, earlier artifact whole", len(hit))


def test_a_file_size_limit_of_small_artifacts(in_folder, tally):
    frames = [pd.DataFrame({"id": [name]}) for name in ("earlier", "later")]
    writers: dict[str, Callable[[str], None]] = {
        "reports/metrics/study/variant.json": lambda word: artifacts.write_metrics("study", {"variant": {word: 1}}),
        "reports/environment.json": lambda word: artifacts.write_environment([{"numpy": word}]),
        "reports/claims/claims.csv": lambda word: artifacts.write_claims(frames[word == "later"], frames[0][:0]),
        "data/params.ok": lambda word: artifacts.write_checked(),
    }
    for path, write in writers.items():
        write("earlier")
        before = files()
        with largest_file(5), pytest.raises(UserError, match=rf"^{path}: cannot be written \(File too large\)$"):
            write("later")
        assert files() == before
        tally("disk", "file size limit", "one line, earlier artifact whole")


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk(tiny_disk, monkeypatch, tally):
    monkeypatch.chdir(tiny_disk)
    write_params(tiny_disk, SMALL)
    run_all()
    before = files()
    write_params(tiny_disk, CHANGED)
    filling = tiny_disk / "filling"
    count = 0
    for left in (0, 1, 8, 16, 32):  # pages of 4 KiB
        filling.write_bytes(b"")
        with contextlib.suppress(OSError), filling.open("wb", buffering=0) as file:
            while True:
                file.write(b"x" * 4096)
        with filling.open("r+b") as file:
            file.truncate(max(0, filling.stat().st_size - 4096 * left))
        for stage, arguments in STAGES:
            try:
                stage(arguments)
            except UserError as error:
                (line,) = str(error).splitlines()
                assert line.endswith(": cannot be written (No space left on device)")
                assert Path(line.split(": ")[0]).read_bytes() == before[line.split(": ")[0]]
                count += 1
            assert set(files()) == set(before)
        filling.unlink()
        put_back(before)
    run_all()
    assert count > 5
    tally("disk", "full disk", "one line, earlier artifact whole", count)


@pytest.mark.parametrize("stage", ["data linear", "measurement product", "train weight_decay", "report"])
def test_a_stage_says_it_in_one_line(stage, two_states, tally):
    """As a program, with the limit that a user or a cluster sets."""
    before, _ = two_states
    name, *arguments = stage.split()
    command = f'ulimit -f 1; exec "{sys.executable}" -m pipeline.stages.{name} {" ".join(arguments)}'
    done = subprocess.run(["bash", "-c", command], env=OWN, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if not line.startswith("weight_decay: ")]
    assert len(lines) == 1, done.stderr
    path = lines[0].split(": ")[0]
    assert lines[0] == f"{path}: cannot be written (File too large)"
    assert Path(path).read_bytes() == before[path]
    tally("disk", "file size limit", "one line, exit status 2")


def test_a_store_that_is_full_keeps_nothing_and_training_goes_on(in_folder, params_file, caplog, tally):
    study = params.load(path=params_file({"studies.activation": ..., "datasets.images": ...})).studies["weight_decay"]
    dataset = values(3, 30)
    whole = runs.train(study, seeds(3), dataset, Store(None))
    caplog.set_level("INFO")
    with largest_file(64):
        found = runs.train(study, seeds(3), dataset, Store(in_folder / "store"))
    assert found.results.equals(whole.results)
    assert [record.message for record in caplog.records if "are not kept" in record.message] == [
        f"finished runs are not kept: {in_folder / 'store'} (File too large)"
    ]
    assert not [path for path in (in_folder / "store").rglob("*") if path.is_file()]
    tally("disk", "file size limit, store", "said, training goes on")


def test_the_page_for_plots_is_whole_or_as_it_was(in_folder, tally):
    page = Path(".dvc/plots/page.html")
    page.parent.mkdir(parents=True)
    page.write_text("earlier")
    with largest_file(1000), pytest.raises(UserError, match=r"page.html: cannot be written \(File too large\)$"):
        plots_page.main([])
    assert page.read_text() == "earlier"
    tally("disk", "file size limit", "one line, earlier artifact whole")


def test_a_disk_that_is_full_elsewhere_is_a_line(tally):
    """What libraries write for themselves: a cache, a temporary folder."""
    script = "from pipeline.core import console; console.run(lambda _: open('/dev/full', 'w').write('x' * 100_000))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "this machine: No space left on device\n"
    script = "from pipeline.core import console; console.run(lambda _: bytearray(2 ** 62))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "out of memory\n"
    tally("disk", "full disk or memory, elsewhere", "one line, exit status 2", 2)
