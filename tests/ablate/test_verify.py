"""A commit run again in a clean clone, in a repository of its own."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision

from ablate import verify
from pipeline.core.errors import UserError


@pytest.mark.slow
def test_committed_results_are_reproduced_or_not(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.write_params({"studies.activation": ..., "datasets.images": ...})
    project.run("dvc", "repro")
    project.commit("results")
    # committed numbers that the code does not make
    path = project.folder / "reports/results/weight_decay.csv"
    results = pd.read_csv(path)
    results.loc[0, "test_loss"] *= 1 + 1e-15
    results.to_csv(path, index=False)
    measurement = project.folder / "reports/results/product.csv"
    measurement.write_text(f"{measurement.read_text().strip()}1\n")
    environment = project.folder / "reports/environment.json"
    environment.write_text(environment.read_text().replace('"numba": "', '"numba": "0'))
    project.commit("edited by hand")
    # the workspace plays no part in it
    project.write_params({"seeds.count": 7})
    table, ok = verify.reproduction("HEAD", [])
    assert not ok
    assert table.title == "HEAD, run again"
    assert table.rows == [
        ["weight_decay", "6", "not reproduced", "test_loss of weight_decay_0"],
        ["product", "", "not reproduced", "other measurements"],
    ]
    versions, others = table.after
    assert versions.startswith("other versions: ")
    assert others == "1 other files of reports/ have other bytes: reports/environment.json"
    project.run("git", "checkout", "--", "params.yaml")
    # a study alone, of another commit
    table, ok = verify.reproduction("HEAD~1", ["weight_decay"])
    assert (table.rows, table.after, ok) == ([["weight_decay", "6", "bit for bit", ""]], [], True)
    assert project.run("git", "status", "--porcelain").stdout == ""
    with pytest.raises(UserError, match="study: found 'gone', allowed: weight_decay, product"):
        verify.reproduction("HEAD", ["gone"])


def test_what_differs_is_listed_by_metric_and_variant():
    runs = results({"a": [0.8, 0.7], "b": [0.8, 0.7]})
    committed = revision("HEAD", {"s": runs})

    def difference(again, implementation="scratch"):
        changes = {"studies.s.base.implementation": implementation}
        return verify.difference("s", committed, revision("again", {"s": again}, changes=changes))

    torch = "trained by torch, whose bits are the same on x86-64 alone"
    other = runs.assign(test_accuracy=[0.8, 0.7, 0.8, 0.7 + 1e-15])
    assert difference(other) == "test_accuracy of b"
    assert difference(other, "concise") == f"test_accuracy of b; {torch}"
    assert difference(runs) == "the same numbers, written in another way"
    assert difference(runs[1:]) == "test_accuracy of a; 1 of 2 seeds in common; identical"
    assert difference(runs.drop(columns="fold")) == "test_accuracy of a, b; results of again lack fold"
    lost = runs.assign(test_accuracy=[0.8, 0.7, 0.8, np.nan], status=["finished"] * 3 + ["diverged"])
    assert difference(lost) == "test_accuracy of b; diverged: 1 of 2 against 0 of 2"
    nothing = dataclasses.replace(committed, results={})
    assert verify.difference("s", committed, nothing) == "no results"
    assert verify.difference("s", nothing, committed) == "no results in the commit"
    measured = dataclasses.replace(committed, results={"p": runs})
    assert verify.difference("p", measured, measured) == "other measurements"


@pytest.mark.slow
def test_rot_in_the_cache_is_found_where_dvc_does_not_look(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    project.run("dvc", "repro", "train@weight_decay")
    done = project.run("ablate", "verify", "--no-run")
    assert "none damaged" in done.stdout
    assert "run again" not in done.stdout
    cached = [path for path in (project.folder / ".dvc/cache/files/md5").rglob("*") if path.is_file()]
    (curves,) = [path for path in cached if path.read_bytes().startswith(b"variant,split,epoch")]
    (folder,) = [path for path in cached if path.suffix == ".dir"]
    configs = project.folder / "data/configs/train/weight_decay.json"
    # in the cache, then in the workspace too, and in a folder; without its list, its files are unknown
    for path, count in (curves, 1), (project.folder / "data/linear.npz", 2), (configs, 3), (folder, 3):
        path.chmod(0o644)
        path.write_bytes(path.read_bytes()[:-2] + b"xx")
        table, ok = verify.integrity()
        assert not ok
        assert table.title.endswith(f": {count} damaged")
        assert f"  {path.relative_to(project.folder)}" in table.after
    assert project.run("ablate", "verify", "--no-run", ok=False).returncode == 1
    (project.folder / "dvc.yaml").write_text("stages: 1")
    with pytest.raises(UserError, match="^DVC: "):
        verify.integrity()


@pytest.mark.slow
def test_the_second_project_is_verified_from_its_folder_with_the_tables_that_dvc_keeps(project, monkeypatch, capfd):
    (project.folder / "book/tables/own.csv").write_text("a,b\n1,2\n")
    project.run("dvc", "add", "-q", "book/tables/own.csv")
    project.run("dvc", "repro", "book/dvc.yaml:measure@product")
    project.commit("results")
    monkeypatch.chdir(project.folder / "book")
    table, ok = verify.reproduction("HEAD", ["product"])
    assert (table.rows, ok) == ([["product", "", "bit for bit", ""]], True)
    assert "own.csv" in capfd.readouterr().err


@pytest.mark.slow
def test_a_run_that_fails_and_another_schema_are_lines(project, monkeypatch):
    monkeypatch.chdir(project.folder)
    (project.folder / "pipeline/stages/train.py").write_text("raise SystemExit(1)")
    project.commit("a stage that fails")
    with pytest.raises(UserError, match="`dvc repro --force train@weight_decay` failed in a clean clone"):
        verify.reproduction("HEAD", ["weight_decay"])
    project.write_params({"device": "cpu"})
    project.commit("another schema")
    with pytest.raises(UserError, match="HEAD: params.yaml: device: found an unknown key"):
        verify.reproduction("HEAD", [])
