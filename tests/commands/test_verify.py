"""A commit run again in a clean place, in a repository of its own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from commands.revisions_of import results, revision
from samples import Project

from pipeline.commands import verify
from pipeline.commands.compare import another_machine


def words(out: str) -> list[str]:
    return [" ".join(line.split()) for line in out.splitlines()]


def test_committed_results_are_reproduced_or_not(project):
    project.write_params({"studies.activation": ..., "datasets.images": ...})
    project.run("dvc", "repro")
    project.commit("results")
    # committed numbers that the code does not make: one in the last digits, those of the probe by more
    path = project.folder / "reports/results/weight_decay.csv"
    table = pd.read_csv(path)
    table.loc[0, "test_loss"] *= 1.0001
    table.to_csv(path, index=False)
    probe = project.folder / "reports/results/product.csv"
    probe.write_text(probe.read_text().replace("0.1", "0.2"))
    project.commit("edited by hand")
    # the workspace plays no part in it
    project.write_params({"seeds.count": 7})
    done = project.run("ablate", "verify", ok=False)
    assert done.returncode == 1
    assert words(done.stdout)[:4] == [
        "HEAD, run again",
        "study or probe runs reproduced what differs",
        "weight_decay 6 within the interval other bits",
        "product not reproduced other numbers, not by rounding alone",
    ]
    project.run("git", "checkout", "--", "params.yaml")
    # a study alone, of another commit
    done = project.run("ablate", "verify", "weight_decay", "--rev", "HEAD~1")
    assert words(done.stdout)[2:4] == ["weight_decay 6 bit for bit", ""]
    assert "none damaged" in done.stdout
    assert project.run("git", "status", "--porcelain").stdout == ""
    done = project.run("ablate", "verify", "gone", ok=False)
    assert (done.returncode, done.stderr) == (2, "study: found 'gone', allowed: weight_decay, product\n")


VALUES = np.array([0.8, 0.81, 0.82, 0.83])


@pytest.mark.parametrize(
    ("now", "problems"),
    [
        (VALUES + 0.001, []),
        (VALUES + 0.1, ["a: 0.915 is outside [0.7945, 0.8355]"]),
        (np.where(VALUES == 0.8, np.nan, VALUES), ["a: 1 diverged, 0 in the commit"]),
        (VALUES[:0], ["4 runs, 8 in the commit", "a: only in the commit"]),
        (VALUES[:3], ["7 runs, 8 in the commit"]),
    ],
    ids=["inside", "outside", "diverged", "gone", "a seed gone"],
)
def test_within_the_interval_means_the_centre_in_the_interval_of_the_commit(now, problems):
    committed = revision("the commit", {"s": results({"a": VALUES, "b": VALUES})})
    again = revision("again", {"s": results({"a": now, "b": VALUES})})
    assert list(verify._study_problems("s", committed, again)) == problems


@pytest.mark.parametrize(
    ("now", "problems"),
    [
        (0.8 * (1 + 1e-8), []),
        (0.801, ["a: 0.801, 0.8 in the commit; one run has no interval"]),
        (np.inf, ["a: 1 diverged, 0 in the commit"]),
    ],
)
def test_one_run_has_no_interval_to_be_within_and_may_differ_by_rounding(now, problems):
    committed, again = (revision(name, {"s": results({"a": [value]})}) for name, value in (("c", 0.8), ("again", now)))
    assert list(verify._study_problems("s", committed, again)) == problems


def test_runs_that_all_diverge_as_in_the_commit_are_reproduced():
    lost = results({"a": np.full(4, np.nan), "b": [np.nan, np.nan, np.nan, 0.8]})
    committed, again = revision("the commit", {"s": lost}), revision("again", {"s": lost.copy()})
    assert not list(verify._study_problems("s", committed, again))


def test_another_machine_is_named():
    here = revision("the commit", {"s": results({"a": VALUES})})
    rows = [["s", "4", "within the interval", "other bits"]]
    there = replace(here, environment=[{"processor": "y", "torch": "2.13.0"}])
    found = verify.Verification(rows, [], [], 0, another_machine(there, here))
    (table, _) = verify.tables(found, "HEAD")
    assert table.after == [
        "another machine: x, torch 2.13.0 → y, torch 2.13.0; bits may differ where nothing else does"
    ]


def test_rot_in_the_cache_is_found_where_dvc_does_not_look(project):
    project.run("dvc", "repro", "train@weight_decay")
    project.commit("results")
    whole = project.run("ablate", "verify", "--no-run")
    assert "none damaged" in whole.stdout
    assert "run again" not in whole.stdout
    (curves,) = [path for path in (project.folder / ".dvc/cache/files/md5").rglob("*") if is_curves(path)]
    content = bytearray(curves.read_bytes())
    content[-2] ^= 1
    curves.chmod(0o644)
    curves.write_bytes(content)
    done = project.run("ablate", "verify", "--no-run", ok=False)
    assert done.returncode == 1
    assert "1 damaged" in done.stdout
    assert str(curves.relative_to(project.folder)) in done.stdout
    # and a file in the workspace
    data = project.folder / "data/linear.npz"
    data.chmod(0o644)
    data.write_bytes(data.read_bytes()[:-1] + b"x")
    assert "2 damaged" in project.run("ablate", "verify", "--no-run", ok=False).stdout


def is_curves(path) -> bool:
    return path.is_file() and path.read_bytes().startswith(b"variant,split,epoch")


def test_the_second_project_is_verified_from_its_folder(project):
    project.run("dvc", "repro", "book/dvc.yaml:probe@product")
    project.commit("results")
    done = Project(project.folder / "book").run("ablate", "verify", "product")
    assert words(done.stdout)[2:4] == ["product bit for bit", ""]


def test_a_run_that_fails_is_said(project):
    project.write_params({"seeds.count": 0})
    project.commit("wrong")
    done = project.run("ablate", "verify", ok=False)
    assert done.returncode == 2
    assert "`dvc repro --force dvc.yaml` failed in a clean clone" in done.stderr
    assert "Traceback" not in done.stderr
