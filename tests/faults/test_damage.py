"""Files of a stage that were damaged, replaced or made with other configs: refused by name, and rebuilt by DVC."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from samples import ONE_STUDY

from ablate import compare, frames
from pipeline.core.errors import UserError
from pipeline.project import lock, params
from pipeline.stages import report, train

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("finished_copy")]

RESULTS = "reports/results/weight_decay.csv"
# every file that a stage reads, the stage, and another file of the same format
READ: dict[str, tuple[Callable[[], None], str]] = {
    "data/configs/train/weight_decay.json": (lambda: train.main(["weight_decay"]), "data/configs/data/linear.json"),
    "data/linear.npz": (lambda: train.main(["weight_decay"]), "data/diagnostics/weight_decay.npz"),
    "data/curves/weight_decay.csv": (lambda: report.main([]), RESULTS),
    "data/diagnostics/weight_decay.npz": (lambda: report.main([]), "data/linear.npz"),
    RESULTS: (lambda: report.main([]), "reports/results/product.csv"),
    "reports/results/product.csv": (lambda: report.main([]), RESULTS),
}
DAMAGES: dict[str, Callable[[bytearray, int, bytes], bytes]] = {
    "truncated": lambda content, place, other: bytes(content[:place]),
    "emptied": lambda content, place, other: b"",
    "bit flipped": lambda content, place, other: bytes([*content[:place], content[place] ^ 1, *content[place + 1 :]]),
    "replaced by another file": lambda content, place, other: other,
}


def overwrite(path: str, content: bytes) -> None:
    """Change a file but not its time, and its size only if the length differs."""
    status = Path(path).stat()
    Path(path).chmod(0o644)
    Path(path).write_bytes(content)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def test_a_stage_refuses_a_damaged_file(finished, many, tally):
    random = np.random.default_rng(0)
    before = finished.files()
    for number in range(many(400)):
        path, damage = list(READ)[number % len(READ)], list(DAMAGES)[number // len(READ) % len(DAMAGES)]
        stage, other = READ[path]
        place = int(random.integers(1, len(before[path])))
        overwrite(path, DAMAGES[damage](bytearray(before[path]), place, before[other]))
        named = "data/configs" if path.startswith("data/configs") else path  # DVC records the digest of the folder
        with pytest.raises(UserError, match=rf"^{named}: damaged or replaced: found md5 .*") as caught:
            stage()
        assert len(str(caught.value).splitlines()) == 1
        overwrite(path, before[path])
        tally("damage", f"{Path(path).parts[-2]}: {damage}", "refused, named")


@pytest.mark.parametrize(("path", "target"), [("data/linear.npz", "train@weight_decay"), (RESULTS, "report")])
def test_damage_that_dvc_does_not_see_is_refused_and_the_advice_helps(path, target, finished, finished_copy, tally):
    """Bit rot: same size, same time."""
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 1
    overwrite(path, bytes(content))
    assert "damaged" not in finished_copy.run("dvc", "status").stdout
    done = finished_copy.run("dvc", "repro", "--force", "--single-item", target, ok=False)
    assert done.returncode != 0
    (line,) = (line for line in done.stderr.splitlines() if path in line and "md5" in line)
    assert line.startswith(f"{path}: damaged or replaced: found md5 ")
    assert "delete it and run `dvc repro`" in line
    assert "Traceback" not in done.stderr
    Path(path).unlink()
    finished_copy.run("dvc", "repro")
    assert finished_copy.run("git", "status", "--porcelain").stdout == ""
    assert finished_copy.files() == finished.files()
    tally("damage", "unnoticed by DVC", "refused, named, rebuilt as advised")


def test_a_truncated_lock_is_named(many, tally):
    random = np.random.default_rng(2)
    content = lock.PATH.read_bytes()
    # an empty lock is that of a project that was never run
    for cut in random.integers(len("schema: '2.0'\nstages:\n  c"), len(content) // 2, size=many(200)):
        lock.PATH.write_bytes(content[:cut])
        # a cut through the configs of a stage leaves other configs
        with pytest.raises(UserError, match=r"dvc\.lock|: made with other configs; ") as caught:
            report.main([])
        assert len(str(caught.value).splitlines()) == 1
        tally("damage", "dvc.lock: truncated", "refused, named")


def test_numbers_edited_by_hand_are_refused_also_in_a_commit(finished_copy, tally):
    Path(RESULTS).write_text(Path(RESULTS).read_text().replace("finished,", "finished,1", 1))
    finished_copy.commit("edited")
    finished_copy.run("git", "commit", "-q", "--allow-empty", "-m", "the same")
    readers: dict[str, Callable[[], object]] = {
        "report": lambda: report.main([]),
        "show": lambda: frames.judged("weight_decay"),
        "compare, the workspace": lambda: compare.comparison("HEAD~1"),
        "compare, a commit": lambda: compare.comparison("HEAD", "HEAD~1"),
    }
    for name, read in readers.items():
        with pytest.raises(UserError, match=rf"{RESULTS}: damaged or replaced: found md5"):
            read()
        tally("results", "edited by hand", f"{name}: refused, named")


def test_results_of_older_configs_are_refused_or_not_comparable(finished_copy, tally):
    """`params.yaml` was changed and nothing was run since."""
    for changes in ({"studies.weight_decay.base.optimizer.learning_rate": 0.001}, {"datasets.linear.noise_sd": 0.5}):
        finished_copy.write_params({**ONE_STUDY, **changes})
        for read in (lambda: report.main([]), lambda: frames.judged("weight_decay")):
            with pytest.raises(UserError, match=rf"{RESULTS}: made with other configs; `dvc repro train@weight"):
                read()
        comparison = compare.comparison("HEAD")
        assert set(comparison.rows["verdict"]) == {"not comparable"}
        assert any("made with other configs" in note for notes in comparison.notes.values() for note in notes)
        tally("results", "of older configs", "report, show: refused; compare: not comparable")
    # also through DVC, if the page alone is asked for
    done = finished_copy.run("dvc", "repro", "--force", "--single-item", "report", ok=False)
    assert done.returncode != 0
    assert f"{RESULTS}: made with other configs" in done.stderr
    finished_copy.run("dvc", "repro")


def test_a_merge_of_two_branches_that_trained_is_named_and_recovered_as_advised(finished_copy, tally):
    rate = "studies.weight_decay.base.optimizer.learning_rate"  # of other lengths, or git may overlook the change
    reports = {}
    for branch, value in (("theirs", 0.0015), ("ours", 0.00025)):
        finished_copy.run("git", "checkout", "-qb", branch, "main")
        finished_copy.write_params({**ONE_STUDY, rate: value})
        finished_copy.run("dvc", "repro")
        finished_copy.commit(branch)
        reports[branch] = finished_copy.files()
    assert finished_copy.run("git", "merge", "theirs", ok=False).returncode == 1
    with pytest.raises(
        UserError, match=r"^params.yaml: line \d+: found '<<<<<<< HEAD', a conflict of git, allowed: one"
    ):
        params.load()
    with pytest.raises(
        UserError, match=r"^dvc.lock: damaged \(.*\); restore it by `git checkout HEAD -- dvc.lock`, or"
    ):
        lock.read()
    finished_copy.run("git", "checkout", "-q", "--theirs", "params.yaml")
    # docs/how-to/recover.md
    finished_copy.run("git", "checkout", "--quiet", "HEAD", "--", "dvc.lock", "reports")
    finished_copy.run("dvc", "repro")
    assert finished_copy.files() == reports["theirs"]
    tally("damage", "merge of two branches that trained", "conflict named, rebuilt as advised")
