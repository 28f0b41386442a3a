import hashlib
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report.sections import trained
from samples import classes, seeds, values
from trained import fill

from pipeline.core.errors import UserError
from pipeline.project import artifacts, lock, params
from pipeline.project.schema import Published


@pytest.fixture
def project(params_file, in_folder):
    return params.load(path=params_file())


@pytest.fixture
def study(project):
    return project.studies["weight_decay"]


@pytest.mark.parametrize("dataset", [classes(), values()], ids=["classes", "values"])
def test_a_data_set_is_read_as_it_was_written(dataset, in_folder):
    artifacts.write_dataset("some", dataset)
    read = artifacts.read_dataset("some", seeds(3))
    for field in ("task", "outputs", "factor", "offset", "seeds", "names"):
        assert getattr(read, field) == getattr(dataset, field)
    assert [read.digest(index) for index in range(3)] == [dataset.digest(index) for index in range(3)]


def test_a_data_set_serves_the_first_of_the_seeds_that_it_is_drawn_for(in_folder):
    artifacts.write_dataset("some", classes())
    whole, part = (artifacts.read_dataset("some", seeds(count)) for count in (3, 2))
    assert part.seeds == whole.seeds == tuple(seeds(3))
    np.testing.assert_array_equal(part.train.inputs, whole.train.inputs)
    with pytest.raises(UserError, match=r"drawn for the seeds 0/0 to 0/2, params.yaml has 0/1 to 0/2"):
        artifacts.read_dataset("some", seeds(3)[1:])


@pytest.mark.parametrize(("drawn", "asked"), [(seeds(3), seeds(4)), (seeds(1), seeds(3)), (seeds(3), seeds(3, root=5))])
def test_a_data_set_drawn_for_other_seeds_is_refused(drawn, asked, in_folder):
    artifacts.write_dataset("some", classes(len(drawn)))
    with pytest.raises(UserError, match=r"^data/some.npz: drawn for the seeds 0/0 to .*; `dvc repro data@some`"):
        artifacts.read_dataset("some", asked)


def test_arrays_are_read_as_they_were_written_and_have_the_same_bytes_everywhere(in_folder):
    """Another digest here is another digest of every array file in every `dvc.lock`."""
    path = in_folder / "some.npz"
    arrays = {
        "scalar": np.array(0.5),
        "words": np.array(["a", "ß"]),
        "table": np.arange(12.0, dtype=np.float32).reshape(3, 4),
        "columns_first": np.arange(12).reshape(3, 4).T,
        "none": np.zeros((0, 3)),
    }
    artifacts._write_arrays(path, arrays)
    digest = "1f7d855437161c447bc755b412cf3f1e4f4778bf3eb74e56376fb92b4127cb4d"
    assert hashlib.sha256(path.read_bytes()).hexdigest() == digest
    read = artifacts._read_arrays(path, "train@some")
    assert list(read) == list(arrays)
    for name, array in arrays.items():
        assert read[name].dtype == array.dtype
        np.testing.assert_array_equal(read[name], array)


def test_a_pickle_is_neither_written_nor_opened(in_folder):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, ("opened",))

    path, trap = artifacts.DIAGNOSTICS_FOLDER / "study.npz", np.array([Trap()], dtype=object)
    with pytest.raises(ValueError, match="[Oo]bject"):
        artifacts._write_arrays(path, {"code": trap})
    np.savez(path, code=trap)
    with pytest.raises(ValueError, match="allow_pickle=False"):
        artifacts.read_diagnostics("study")
    assert not (in_folder / "opened").exists()


def test_results_are_read_with_the_same_bits(project, study):
    fill()
    written = pd.read_csv(artifacts.results_path(study.id))
    written["test_loss"] *= 10.0 ** np.arange(-15, 15, 5)
    written.loc[0, ["status", "train_loss"]] = ["diverged", np.nan]
    artifacts.write_results(study, written)
    read = artifacts.read_results(project, study.id)
    assert list(read.columns) == artifacts.results_columns(study)
    pd.testing.assert_frame_equal(read, written, check_dtype=False, check_exact=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"studies.weight_decay.grid.optimizer.weight_decay": [0, 1]},
        {"seeds.count": 4},
        {"seeds.root": 1},
        {"studies.weight_decay.seeds": 2},
    ],
)
def test_results_of_other_runs_than_those_asked_for_are_refused(changes, study, params_file):
    fill()
    with pytest.raises(
        UserError, match=r"^reports/results/weight_decay.csv: .*; `dvc repro train@weight_decay` is due"
    ):
        artifacts.read_results(params.load(path=params_file(changes)), study.id)


def test_curves_and_diagnostics_are_read_as_they_were_written(in_folder):
    curves = pd.DataFrame([["a", "test", 1, 0.1, 0.05, 0.2]], columns=artifacts.CURVE_COLUMNS)
    artifacts.write_curves("study", curves)
    pd.testing.assert_frame_equal(artifacts.read_curves("study"), curves, check_dtype=False, check_exact=True)
    for study in ("predictions", "shifted"):
        written = trained()[1][study].diagnostics
        artifacts.write_diagnostics("study", written)
        read = artifacts.read_diagnostics("study")
        for name in artifacts.DIAGNOSTICS:
            pd.testing.assert_frame_equal(
                getattr(read, name), getattr(written, name), check_dtype=False, check_exact=True
            )
        assert (read.environment, read.code) == (written.environment, written.code)


def test_derived_numbers_have_seven_digits(in_folder):
    curves = pd.DataFrame([["a", "test", 3, 1 / 3, 1e-9 / 3, 2e20 / 3]], columns=artifacts.CURVE_COLUMNS)
    artifacts.write_curves("study", curves)
    measured = [["", "p", 0, 2 / 3], ["0.5", "path", 7, 1e300]]
    artifacts.write_measured("measurement", pd.DataFrame(measured, columns=artifacts.MEASURED_COLUMNS))
    artifacts.write_claims(pd.DataFrame({"n": [3], "effect": [np.nan], "low": [-1 / 3]}), pd.DataFrame())
    artifacts.write_metrics("study", {"a": np.float64(1 / 3)})
    for path, part in (
        (artifacts.CURVES / "study.csv", "a,test,3,0.3333333,3.333333e-10,6.666667e+19"),
        (artifacts.results_path("measurement"), ",p,0,0.6666667"),
        (artifacts.CLAIMS / "claims.csv", "3,,-0.3333333"),
        (artifacts.METRICS / "study.json", '"a": 0.3333333\n'),
    ):
        assert part in path.read_text()
    read = artifacts.read_measured("measurement")
    assert read["case"].tolist()[1] == "0.5"  # text, not a number
    assert read["value"].tolist() == [0.6666667, 1e300]


def test_published_outcomes_are_read_and_other_tables_refused(in_folder):
    path = in_folder / "published.csv"
    path.write_text(",".join(artifacts.PUBLISHED_COLUMNS) + "\nsoftmax,,train_loss,33,0.4473,mean,0.0003,,\n")
    published = Published(file="published.csv", outcomes=())
    (row,) = artifacts.read_published(published).itertuples()
    assert (row.config, row.factor, row.estimate) == ("softmax", "", 0.4473)
    assert np.isnan(row.low)
    path.write_text("config\nsoftmax\n")
    with pytest.raises(UserError, match=r"published.csv: found the columns config, allowed: config, factor"):
        artifacts.read_published(published)
    path.unlink()
    with pytest.raises(UserError, match=r"published.csv: cannot be read .*; params.yaml names it"):
        artifacts.read_published(published)
    assert artifacts.read_published(None).empty


SOME, EMPTY = pd.DataFrame({"id": ["a"]}), pd.DataFrame({"id": []})


@pytest.mark.parametrize(
    ("write", "before", "after", "left"),
    [
        (artifacts.write_claims, (SOME, SOME), (SOME, EMPTY), ["claims/claims.csv"]),
        (artifacts.write_claims, (SOME, SOME), (EMPTY, EMPTY), []),
        (
            artifacts.write_figures,
            [{"a_old": b""}] * 3,
            [{"a_new": b""}] * 3,
            ["figures/a_new.svg", "images/a_new.png", "tables/a_new.csv"],
        ),
    ],
)
def test_files_of_an_earlier_report_are_deleted_and_those_of_the_user_kept(write, before, after, left, in_folder):
    write(*before)
    own = [f"{kind}/mine.{suffix}" for kind in ("claims", "figures", "images", "tables") for suffix in ("png", "csv")]
    for name in own:
        (in_folder / "reports" / name).parent.mkdir(exist_ok=True)
        (in_folder / "reports" / name).write_text("mine")
    (in_folder / "reports/figures/a_old2.svg").write_text("mine")
    write(*after)
    files = sorted(path.relative_to("reports").as_posix() for path in Path("reports").rglob("*.*"))
    assert files == sorted([*own, "figures/a_old2.svg", *left])


def test_files_of_studies_that_are_gone_are_deleted_and_those_of_the_user_kept(in_folder):
    kept = [artifacts.results_path("kept"), artifacts.curves_path("kept")]
    mine = [folder / name for folder in (artifacts.RESULTS, artifacts.METRICS) for name in ("mine.csv", "notes/a.txt")]
    # another branch leaves its files in data/, which git ignores
    gone = [artifacts.results_path("gone"), artifacts.curves_path("gone"), artifacts.curves_path("elsewhere")]
    for path in [*kept, *mine, *gone]:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    lock.PATH.write_text(
        f"stages: {{train@gone: {{outs: [{{path: {gone[0]}, md5: 0}}, {{path: {gone[1]}, md5: 0}}]}}}}"
    )
    artifacts.prune(["kept"])
    assert [path for path in [*kept, *mine, *gone] if not path.exists()] == gone
