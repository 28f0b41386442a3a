"""The verdict on a second run of a commit, from the command line and from files that differ."""

import dataclasses
import re

import numpy as np
import pandas as pd
import pytest
from revisions_of import results, revision
from samples import ROOT
from typer.testing import CliRunner

from ablate import cli, text, verify
from ablate.checkout import Commit
from ablate.rerun import Rerun, State
from pipeline.core.errors import UserError

DIGEST = "0123456789" * 4
RUNS = results({"a": [0.8, 0.7], "b": [0.8, 0.7]})
OUTPUTS = ["reports/results/s.csv", "reports/metrics/s.json", "data/curves/s.csv", "reports/figures"]
STAGES = {"train@s": OUTPUTS[:3], "report": OUTPUTS[3:]}
LOCK = {"stages": {stage: {"outs": [{"path": path} for path in paths]} for stage, paths in STAGES.items()}}
FILES = {"reports/results/s.csv": "1", "reports/metrics/s.json": "2", "reports/figures/a.svg": "3"}
KEPT = {"data/curves/s.csv": "4", "data/params.ok": "5"}


def rerun(before=(), after=(), *, lost=(), tables=None, **changes) -> Rerun:
    """Return a run of one study whose files differ from those of the commit in these digests."""
    project = dataclasses.replace(revision("HEAD", {"s": RUNS}), lock=LOCK)
    again = dataclasses.replace(project, results=tables or {"s": RUNS})
    sides = [{**FILES, **KEPT, **dict(given)} for given in (before, after)]
    commit = Commit("v1", "https://x.test/p", DIGEST, "Größer | @x", "2026-01-02", ROOT, None, "")
    states = [
        State(
            side,
            {path: digest for path, digest in digests.items() if path.startswith("reports/")},
            {path: digest for path, digest in digests.items() if not path.startswith("reports/")},
        )
        for side, digests in zip((project, again), sides, strict=True)
    ]
    for path in lost:
        states[1].files.pop(path, None)
    values = {"project": "", "stages": {"s": "train"}, "keys": [], "ignored": frozenset(), "other_versions": []}
    return Rerun(**{"commit": commit, "before": states[0], "after": states[1], "seconds": 7.4, **values, **changes})


def test_a_page_has_the_commit_the_verdict_the_environment_and_the_command(capsys):
    verdict = verify.verdict(rerun(project="book"))
    assert verdict.ok
    text.show([verdict.table], markdown=True, heading=verdict.heading)
    page = capsys.readouterr().out
    assert page.startswith(f"## Verification of commit {DIGEST} of https:<!-- -->//x.test/p, project book\n\n**")
    counts = "1 of 1 studies and measurements, 1 of 1 other files of reports/, 1 of 1 outputs that only DVC keeps"
    assert f"\n**Reproduced bit for bit: {counts}**\n" in page
    assert "\n- v1: Größer \\| @<!-- -->x (2026-01-02)\n" in page
    assert re.search(r"\n- Python 3\.\S+, \w+ .+, \d+ threads?\n- numpy \d", page)
    assert "\n| s | 4 | bit for bit |\n" in page
    assert page.endswith(f"\n```sh\nablate verify https://x.test/p@{DIGEST} --project book\n```\n")
    text.show([verdict.table], heading=verdict.heading)
    shown = capsys.readouterr().out
    for words in (verdict.heading, counts, "v1: Größer | @x (2026-01-02)", "bit for bit", "took 7 s", "--project book"):
        assert words in shown


@pytest.mark.parametrize(
    ("run", "row", "counts", "note"),
    [
        # of a study: its results, its estimates, what only DVC keeps
        (rerun(after={"reports/results/s.csv": "x"}, tables={"s": RUNS[1:]}), "test_accuracy of a; ", "0 of 1 s", ""),
        (rerun(after={"reports/metrics/s.json": "x"}), "reports/metrics/s.json", "0 of 1 s", ""),
        (rerun(after={"data/curves/s.csv": "x"}), "data/curves/s.csv", "0 of 1 s", ""),
        # of the others: changed, lost, new
        (
            rerun(after={"reports/figures/a.svg": "x"}),
            "",
            "0 of 1 other",
            "other files of reports/ (1): ",
        ),
        (rerun(lost=["reports/figures/a.svg"]), "", "0 of 1 other", "other files of reports/ (1): "),
        (rerun(after={"reports/figures/b.svg": "x"}), "", "1 of 2 other", "reports/ (1): reports/figures/b.svg"),
        (rerun(after={"data/params.ok": "x"}), "", "0 of 1 outputs", "outputs that only DVC keeps (1): data/params.ok"),
        # a table that no study makes
        (rerun(before={"reports/results/t.csv": "x"}, lost=["reports/results/t.csv"]), "", "1 of 2 other", "t.csv"),
    ],
)
def test_a_file_with_other_bytes_is_counted_and_named(run, row, counts, note):
    verdict = verify.verdict(run)
    assert not verdict.ok
    ((*_, reproduced, problem),) = verdict.table.rows
    assert (reproduced, problem[: len(row)]) == ("not reproduced" if row else "bit for bit", row)
    assert verdict.table.title.startswith("Not reproduced; equal bit for bit are only: ")
    assert f" {counts}" in verdict.table.title
    assert any(note in line for line in verdict.table.after)


def test_what_was_not_compared_is_said_and_is_no_failure():
    new = {"reports/figures/b.svg": "x", "data/diagnostics/s.npz": "y"}
    run = rerun(
        before={"reports/NOTES.md": "n", "data/of a stage that is gone.npz": "z"},
        after=new,
        lost=["reports/NOTES.md"],
        ignored=frozenset(["reports/figures/b.svg"]),
        other_versions=["numpy 1 (pinned: 2)"],
    )
    verdict = verify.verdict(run)
    assert verdict.ok
    assert verdict.table.after[:3] == [
        "packages of other versions than the commit pins (1): numpy 1 (pinned: 2)",
        "not compared, as no stage writes them (1): reports/NOTES.md",
        "not compared, as the commit lacks them (2): data/diagnostics/s.npz, reports/figures/b.svg",
    ]


def test_a_run_of_one_study_names_the_others():
    run = rerun(lost=["reports/figures/a.svg"], keys=["s"], stages={"s": "train", "t": "train", "m": "measure"})
    verdict = verify.verdict(run)
    assert verdict.ok
    assert verdict.table.title.endswith("1 of 1 studies and measurements, 1 of 1 outputs that only DVC keeps")
    assert verdict.table.after[0] == "other studies and measurements, not run (2): m, t"
    assert verdict.table.command.endswith(f"@{DIGEST} --study s")


def test_a_study_without_results_in_the_commit_is_not_reproduced():
    run = rerun(lost=[])
    del run.before.files["reports/results/s.csv"]
    verdict = verify.verdict(run)
    assert not verdict.ok
    assert verdict.table.rows == [["s", "4", "not reproduced", "no results in the commit"]]


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
    measured = dataclasses.replace(committed, results={"product": runs})
    assert verify.difference("product", measured, measured) == "other measurements"
    # a params.yaml of another version explains nothing
    other_schema = dataclasses.replace(committed, params=None)
    assert verify.difference("s", other_schema, other_schema) == "other bytes"


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_committed_results_are_reproduced_or_not(finished_copy):
    project = finished_copy
    done = project.run("ablate", "verify", "--markdown")
    assert "**Reproduced bit for bit: 2 of 2 studies and measurements, 1" in done.stdout
    assert "files that DVC keeps: none damaged" in done.stdout
    good = project.run("git", "rev-parse", "HEAD").stdout.strip()
    # committed numbers that the code does not make
    path = project.folder / "reports/results/weight_decay.csv"
    edited = pd.read_csv(path)
    edited.loc[0, "test_loss"] *= 1 + 1e-15
    edited.to_csv(path, index=False)
    measurement = project.folder / "reports/results/product.csv"
    measurement.write_text(f"{measurement.read_text().strip()}1\n")
    environment = project.folder / "reports/environment.json"
    environment.write_text(environment.read_text().replace('"numba": "', '"numba": "0'))
    project.commit("edited by hand")
    # the workspace plays no part in it, nor does code that is found first on the path
    project.write_params({"seeds.count": 7})
    project.environment["PYTHONSAFEPATH"] = "1"
    done = project.run("ablate", "verify", "HEAD", ok=False)
    assert done.returncode == 1, done.stderr
    assert "Not reproduced; equal bit for bit are only: 0 of 2 studies and measurements, 15 of 16 other" in done.stdout
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert ["weight_decay", "6  not reproduced  test_loss of weight_decay_0"] in lines
    assert ["product", "not reproduced  other measurements"] in lines
    assert "not reproduced, other files of reports/ (1): reports/environment.json" in done.stdout
    assert "other versions: " in done.stdout
    assert "files that DVC keeps" not in done.stdout
    project.run("git", "checkout", "--", "params.yaml")
    # a study alone, of another commit, as the verdict repeats it
    done = project.run("ablate", "verify", good[:12], "--study", "weight_decay")
    assert "Reproduced bit for bit: 1 of 1 studies and measurements" in done.stdout
    assert f"ablate verify {good} --study weight_decay" in done.stdout
    assert project.run("git", "status", "--porcelain").stdout == ""


@pytest.mark.slow
def test_rot_in_the_cache_is_found_where_dvc_does_not_look(finished_copy):
    project = finished_copy
    done = project.run("ablate", "verify", "--no-run")
    assert "none damaged" in done.stdout
    assert "Verification" not in done.stdout
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


@pytest.mark.parametrize("arguments", [["HEAD"], ["--study", "weight_decay"], ["--project", "book"]])
def test_no_run_takes_no_commit(arguments, in_folder):
    refused = CliRunner().invoke(cli.app, ["verify", "--no-run", *arguments])
    assert str(refused.exception).startswith("--no-run: ")
