"""A commit run again in a clean place, in a repository of its own."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision
from samples import Project

from ablate import verify
from ablate.compare import other_versions


def words(out: str) -> list[str]:
    return [" ".join(line.split()) for line in out.splitlines()]


def test_committed_results_are_reproduced_or_not(project):
    project.write_params({"studies.activation": ..., "datasets.images": ...})
    project.run("dvc", "repro")
    project.commit("results")
    # committed numbers that the code does not make
    path = project.folder / "reports/results/weight_decay.csv"
    table = pd.read_csv(path)
    table.loc[0, "test_loss"] *= 1 + 1e-15
    table.to_csv(path, index=False)
    measurement = project.folder / "reports/results/product.csv"
    measurement.write_text(f"{measurement.read_text().strip()}1\n")
    project.commit("edited by hand")
    # the workspace plays no part in it
    project.write_params({"seeds.count": 7})
    done = project.run("ablate", "verify", ok=False)
    assert done.returncode == 1
    assert words(done.stdout)[:4] == [
        "HEAD, run again",
        "study or measurement runs reproduced what differs",
        "weight_decay 6 not reproduced 1 of 6 rows: weight_decay_0",
        "product not reproduced 1 of 70 rows: path",
    ]
    project.run("git", "checkout", "--", "params.yaml")
    # a study alone, of another commit
    done = project.run("ablate", "verify", "weight_decay", "--rev", "HEAD~1")
    assert words(done.stdout)[2:4] == ["weight_decay 6 bit for bit", ""]
    assert "none damaged" in done.stdout
    assert project.run("git", "status", "--porcelain").stdout == ""
    done = project.run("ablate", "verify", "gone", ok=False)
    assert (done.returncode, done.stderr) == (2, "study: found 'gone', allowed: weight_decay, product\n")


def test_what_differs_is_said_by_variant():
    before = results({"a": [0.8, 0.7], "b": [0.8, 0.7], "c": [0.8, np.nan]})
    now = before.assign(test_accuracy=[0.8, 0.7, 0.8, 0.7 + 1e-16, 0.8, np.nan])
    assert verify._difference(before, now, {}) == "1 of 6 rows: b"
    now = before.assign(test_accuracy=[0.9, 0.7, 0.9, 0.7, np.nan, 0.1])
    assert verify._difference(before, now, {}) == "4 of 6 rows: a, b, c"
    assert verify._difference(before, now[1:], {}) == "5 rows, 6 in the commit"
    assert verify._difference(before, now.drop(columns="fold"), {}) == "other columns"
    assert verify._difference(before, before, {}) == "the same numbers, written in another way"
    measured = pd.DataFrame({"case": ["", ""], "quantity": ["p", "q"], "x": [0, 1], "value": [0.1, 0.2]})
    assert verify._difference(measured, measured.assign(value=[0.1, 0.3]), {}) == "1 of 2 rows: q"


def test_runs_of_torch_are_said_to_be_so():
    words = "trained by torch, whose bits are the same on x86-64 alone"
    before = results({"a": [0.8], "b": [0.7]})
    now = before.assign(test_accuracy=[0.8, 0.6])
    assert verify._difference(before, now, {"base": {"implementation": "concise"}}) == f"1 of 2 rows: b; {words}"
    assert verify._difference(before, now, {"base": {"implementation": "scratch"}}) == "1 of 2 rows: b"
    for implementations, said in ((["scratch", "concise"], True), (["concise", "scratch"], False)):
        pair = [table.assign(implementation=implementations) for table in (before, now)]
        assert (words in verify._difference(*pair, {})) == said


def test_other_versions_are_named():
    here = revision("the commit", {"s": results({"a": [0.8]})})
    there = replace(here, environment=[{"numba": "2", "numpy": "2.4.6"}])
    found = verify.Verification(
        [["s", "1", "not reproduced", "1 of 1 rows: a"]], [], [], 0, other_versions(there, here)
    )
    (table, _) = verify.tables(found, "HEAD")
    assert table.after == [
        "other versions: numba 1, numpy 2.4.6 → numba 2, numpy 2.4.6; bits may differ where nothing else does"
    ]


@pytest.mark.parametrize(
    ("reproduced", "files", "damaged", "ok"),
    [
        ("bit for bit", [], [], True),
        ("not reproduced", [], [], False),
        ("bit for bit", ["reports/index.html"], [], False),
        ("bit for bit", [], ["data/linear.npz"], False),
    ],
)
def test_one_other_byte_is_not_reproduced(reproduced, files, damaged, ok):
    assert verify.Verification([["s", "1", reproduced, ""]], files, damaged, 1).ok == ok


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
    project.run("dvc", "repro", "book/dvc.yaml:measure@product")
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
