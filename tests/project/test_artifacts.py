import json
import os

import numpy as np
import pandas as pd
import pytest
from samples import classes, seeds, values

from pipeline.core import files
from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.project import artifacts, params
from pipeline.project.schema import Published


@pytest.fixture
def made(params_file, in_folder):
    return params.load(path=params_file())


@pytest.fixture
def study(made):
    return made.studies["weight_decay"]


def results(study, count: int = 3) -> pd.DataFrame:
    random = np.random.default_rng(0)
    rows = [
        {
            "variant": variant.id,
            **variant.written_factors(),
            "seed_root": 0,
            "seed_index": index,
            "fold": 0,
            "data": "0a1b2c3d4e5f",
            "status": "finished",
            **{metric.name: random.random() * 10.0 ** random.integers(-20, 20) for metric in study.metrics},
        }
        for variant in study.variants
        for index in range(count)
    ]
    return pd.DataFrame(rows)


# --- writing ---------------------------------------------------------------------------------------------------------


def test_a_file_appears_whole_or_not_at_all(in_folder):
    path = in_folder / "folder" / "file"
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert not path.exists()
    assert path.read_text() == "new"
    with pytest.raises(ZeroDivisionError), files.replacing(path) as temporary:
        temporary.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "new"
    assert os.listdir(path.parent) == ["file"]  # noqa: PTH208


def test_a_place_that_can_not_be_written_is_named(in_folder):
    (in_folder / "file").write_text("in the way")
    with pytest.raises(UserError, match="below: cannot be written"), files.replacing(in_folder / "file" / "below"):
        pass
    (in_folder / "folder").mkdir()
    with pytest.raises(UserError, match="folder: cannot be written"), files.replacing(in_folder / "folder") as path:
        path.write_text("x")


# --- data sets -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", [classes(), values()], ids=["classes", "values"])
def test_a_data_set_is_read_as_it_was_written(dataset, in_folder):
    artifacts.write_dataset("some", dataset)
    found = artifacts.read_dataset("some", seeds(3))
    assert (found.task, found.outputs, found.factor, found.offset) == (dataset.task, dataset.outputs, 1.0, 0.0)
    for ours, theirs in ((found.train, dataset.train), (found.test, dataset.test)):
        np.testing.assert_array_equal(ours.inputs, theirs.inputs)
        np.testing.assert_array_equal(ours.targets, theirs.targets)
    assert found.names == dataset.names
    assert set(found.weights) == set(dataset.weights)
    for name, weights in dataset.weights.items():
        np.testing.assert_array_equal(found.weights[name], weights)


def test_the_same_data_set_is_the_same_file(in_folder):
    artifacts.write_dataset("one", classes())
    artifacts.write_dataset("two", classes())
    assert artifacts.dataset_path("one").read_bytes() == artifacts.dataset_path("two").read_bytes()


@pytest.mark.parametrize(("drawn", "asked"), [(seeds(3), seeds(4)), (seeds(1), seeds(3)), (seeds(3), seeds(3, root=5))])
def test_a_data_set_drawn_for_other_seeds_is_refused(drawn, asked, in_folder):
    artifacts.write_dataset("some", classes(len(drawn)))
    with pytest.raises(UserError, match=r"data/some.npz: drawn for seeds 0/0 to .*, wanted: "):
        artifacts.read_dataset("some", asked)


def test_a_fixed_data_set_serves_any_seeds(in_folder):
    own = classes(1)
    artifacts.write_dataset("some", Dataset(own.task, own.outputs, own.train, own.test))
    found = artifacts.read_dataset("some", seeds(3, root=5))
    assert [found.seed_index(index) for index in range(3)] == [0, 0, 0]


def test_a_missing_data_set_is_named(in_folder):
    with pytest.raises(UserError, match="data/some.npz: missing; `dvc repro` makes it"):
        artifacts.read_dataset("some", seeds(3))


def test_a_damaged_data_set_is_named(in_folder):
    artifacts.write_dataset("some", classes())
    path = artifacts.dataset_path("some")
    whole = path.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 1
    for damaged in (b"", b"no archive", whole[:-40], whole[:1000], bytes(flipped)):
        path.write_bytes(damaged)
        with pytest.raises(UserError, match="data/some.npz: damaged"):
            artifacts.read_dataset("some", seeds(3))


def test_a_pickle_is_not_opened(in_folder):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, ("opened",))

    (in_folder / "data").mkdir()
    np.savez(artifacts.dataset_path("some"), task=np.array([Trap()], dtype=object))
    with pytest.raises(UserError, match="damaged"):
        artifacts.read_dataset("some", seeds(3))
    assert not (in_folder / "opened").exists()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"task": "sorting"}, "found the task 'sorting'"),
        ({"train_inputs": np.zeros((3, 44))}, "found the shapes"),
        ({"train_targets": np.zeros((3, 44))}, "found the types"),
        ({"train_targets": np.full((3, 44), 7)}, "found labels from 7 to 7, allowed: 0 to 6"),
        ({"test_inputs": np.zeros((3, 30, 12))}, "allowed: 3 seeds, 13 features"),
        ({"test_inputs": np.zeros((3, 0, 13)), "test_targets": np.zeros((3, 0), int)}, "found 0 examples of 13"),
        ({"outputs": None}, "no data set"),
        ({"weights_oracle": np.full((3, 44), -1.0)}, "weights oracle: found"),
        ({"weights_oracle": np.ones((3, 43))}, "weights oracle: found"),
        ({"weights_oracle": np.full((3, 44), np.nan)}, "weights oracle: found"),
    ],
)
def test_arrays_that_make_no_data_set_are_refused(changes, words, in_folder):
    artifacts.write_dataset("some", classes())
    with np.load(artifacts.dataset_path("some")) as archive:
        arrays = {**archive, **changes}
    np.savez(artifacts.dataset_path("some"), **{name: array for name, array in arrays.items() if array is not None})
    with pytest.raises(UserError, match="data/some.npz") as caught:
        artifacts.read_dataset("some", seeds(3))
    assert words in str(caught.value)


# --- results ---------------------------------------------------------------------------------------------------------


def test_results_are_read_with_the_same_bits(made, study):
    written = results(study)
    artifacts.write_results(study, written)
    found = artifacts.read_results(made, study.id)
    pd.testing.assert_frame_equal(found, written[artifacts.results_columns(study)], check_dtype=False, check_exact=True)


def test_a_diverged_run_has_empty_cells(made, study):
    written = results(study)
    written.loc[0, ["status", "test_loss"]] = ["diverged", np.nan]
    artifacts.write_results(study, written)
    assert ",diverged," in artifacts.results_path(study.id).read_text().splitlines()[1]
    assert np.isnan(artifacts.read_results(made, study.id).loc[0, "test_loss"])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda frame: frame.drop(index=4), "weight_decay_3, seed 0/1, fold 0: found 0, wanted 1"),
        (lambda frame: pd.concat([frame, frame.iloc[[4]]]), "weight_decay_3, seed 0/1, fold 0: found 2, wanted 1"),
        (lambda frame: frame.replace({"variant": {"weight_decay_3": "old"}}), "found 0, wanted 1"),
        (lambda frame: frame.assign(seed_root=9), "seed 0/0, fold 0: found 0, wanted 1"),
        (lambda frame: frame.assign(fold=1), "seed 0/0, fold 0: found 0, wanted 1"),
        (lambda frame: frame.rename(columns={"fold": "crease"}), "found the columns"),
        (lambda frame: frame.assign(status="lost"), "found the status {'lost'}"),
    ],
)
def test_results_that_are_not_the_study_s_are_refused(change, words, made, study):
    path = artifacts.results_path(study.id)
    path.parent.mkdir(parents=True)
    change(results(study)[artifacts.results_columns(study)]).to_csv(path, index=False)
    with pytest.raises(UserError, match="reports/results/weight_decay.csv") as caught:
        artifacts.read_results(made, study.id)
    assert words in str(caught.value)


def test_missing_and_damaged_tables_are_named(made, study):
    for read, path in (
        (lambda: artifacts.read_results(made, study.id), artifacts.results_path(study.id)),
        (lambda: artifacts.read_curves(study.id), artifacts.CURVES / "weight_decay.csv"),
        (lambda: artifacts.read_diagnostics(study.id), artifacts.DIAGNOSTICS_FOLDER / "weight_decay.npz"),
    ):
        with pytest.raises(UserError, match=f"{path}: missing"):
            read()
        path.parent.mkdir(parents=True)
        for content in (b"", b"\xff\xfe\x00", b"a,b\n1,2\n"):
            path.write_bytes(content)
            with pytest.raises(UserError, match=str(path)):
                read()


def test_curves_and_probes_are_read_as_they_were_written(study):
    curves = pd.DataFrame([["a", "test", 1, 0.1, 0.05, 0.2]], columns=artifacts.CURVE_COLUMNS)
    artifacts.write_curves(study.id, curves)
    pd.testing.assert_frame_equal(artifacts.read_curves(study.id), curves, check_dtype=False, check_exact=True)
    rows = {
        "layers": [["a", 0, "start", "gradient_rms", 1, 0.1]],
        "weights": [["a", 0, 3, -0.5], ["a", 1, 3, 0.5]],
        "points": [],
        "pictures": [["a", True, "Ankle boot", "Bag", np.array([0.0, 0.5, 1.0, 0.25])]],
    }
    tables = {name: pd.DataFrame(rows[name], columns=columns) for name, columns in artifacts.DIAGNOSTICS.items()}
    artifacts.write_diagnostics(
        study.id, artifacts.Diagnostics(**tables, environment={"torch": "2"}, code="0123456789ab")
    )
    found = artifacts.read_diagnostics(study.id)
    for name in ("layers", "weights"):
        pd.testing.assert_frame_equal(getattr(found, name), tables[name], check_dtype=False, check_exact=True)
    assert found.points.empty
    (picture,) = found.pictures.itertuples()
    assert (picture.right, picture.truth, picture.prediction) == (True, "Ankle boot", "Bag")
    assert picture.pixels.tolist() == [0.0, 0.5, 1.0, 0.25]
    assert found.environment == {"torch": "2"}


def test_what_a_probe_measured_is_read_as_it_was_written(in_folder):
    rows = [["", "log10_largest", 0, 0.1], ["0.5", "path", 7, 1e300]]
    measured = pd.DataFrame(rows, columns=artifacts.MEASURED_COLUMNS)
    artifacts.write_measured("measurement", measured)
    found = artifacts.read_measured("measurement")
    assert found["value"].tolist() == [0.1, 1e300]
    assert found["quantity"].tolist() == ["log10_largest", "path"]
    artifacts.results_path("measurement").write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"reports/results/measurement.csv: found the columns 'a, b'"):
        artifacts.read_measured("measurement")


def test_runs_keep_every_bit_and_what_is_derived_from_them_has_seven_digits(study):
    runs = results(study)
    runs["test_loss"] = np.random.default_rng(0).random(len(runs))
    artifacts.write_results(study, runs)
    assert pd.read_csv(artifacts.results_path(study.id))["test_loss"].tolist() == runs["test_loss"].tolist()
    artifacts.write_curves(study.id, pd.DataFrame([["a", "test", 3, 1 / 3, 1e-9 / 3, 2e20 / 3]], columns=CURVES))
    artifacts.write_measured("measurement", pd.DataFrame([["", "p", 0, 2 / 3]], columns=artifacts.MEASURED_COLUMNS))
    artifacts.write_claims(pd.DataFrame({"n": [3], "effect": [np.nan], "low": [-1 / 3]}), pd.DataFrame())
    artifacts.write_metrics("study", {"a": {"runs": 3, "test_loss": {"estimate": np.float64(1 / 3)}}})
    for path, words in (
        (artifacts.CURVES / f"{study.id}.csv", "a,test,3,0.3333333,3.333333e-10,6.666667e+19"),
        (artifacts.results_path("measurement"), ",p,0,0.6666667"),
        (artifacts.CLAIMS / "claims.csv", "3,,-0.3333333"),
        (artifacts.METRICS / "study" / "a.json", '"estimate": 0.3333333\n'),
    ):
        assert words in path.read_text()


CURVES = artifacts.CURVE_COLUMNS


def test_published_outcomes_are_read_and_other_tables_refused(in_folder):
    columns = artifacts.PUBLISHED_COLUMNS
    path = in_folder / "published.csv"
    path.write_text(",".join(columns) + "\nsoftmax,,train_loss,33,0.4473,mean,0.0003,,\n")
    configs = Published(file="published.csv", places=())
    (row,) = artifacts.read_published(configs).itertuples()
    assert (row.config, row.factor, row.estimate) == ("softmax", "", 0.4473)
    assert np.isnan(row.low)
    path.write_text("config\nsoftmax\n")
    with pytest.raises(UserError, match=r"published.csv: found the columns config"):
        artifacts.read_published(configs)
    path.unlink()
    with pytest.raises(UserError, match=r"published.csv: missing; params.yaml names it"):
        artifacts.read_published(configs)
    assert artifacts.read_published(None).empty


def test_the_ledger_holds_what_there_is(in_folder):
    some, none = pd.DataFrame({"id": ["a"]}), pd.DataFrame({"id": []})
    artifacts.write_claims(some, some)
    artifacts.write_claims(some, none)
    assert [path.name for path in artifacts.CLAIMS.iterdir()] == ["claims.csv"]
    artifacts.write_claims(none, none)
    assert list(artifacts.CLAIMS.iterdir()) == []


def test_probes_without_an_array_are_refused(study):
    artifacts.DIAGNOSTICS_FOLDER.mkdir(parents=True)
    np.savez(artifacts.DIAGNOSTICS_FOLDER / "weight_decay.npz", variant=np.array(["a"]))
    with pytest.raises(UserError, match="diagnostics/weight_decay.npz: damaged"):
        artifacts.read_diagnostics(study.id)


def test_metrics_of_variants_that_are_gone_go(in_folder):
    artifacts.write_metrics("study", {"old": {"runs": 1}, "kept": {"runs": 1}})
    artifacts.write_metrics("study", {"kept": {"runs": 2}})
    assert [path.name for path in (artifacts.METRICS / "study").iterdir()] == ["kept.json"]
    assert json.loads((artifacts.METRICS / "study" / "kept.json").read_text()) == {"runs": 2}


def test_what_studies_left_that_are_gone_goes(study):
    artifacts.write_results(study, results(study))
    artifacts.write_metrics("gone", {"a": {"runs": 1}})
    (artifacts.RESULTS / "gone.csv").write_text("x")
    artifacts.prune([study.id])
    assert [path.name for path in artifacts.RESULTS.iterdir()] == ["weight_decay.csv"]
    assert not list(artifacts.METRICS.iterdir())


def test_environments_are_listed_once(in_folder):
    artifacts.write_environment([{"numpy": "2", "numba": "1"}, {"numba": "1", "numpy": "2"}])
    assert json.loads(artifacts.ENVIRONMENT.read_text()) == [{"numba": "1", "numpy": "2"}]


def test_figures_that_are_no_longer_drawn_go(in_folder):
    artifacts.write_figures({"old_curves": "<svg/>"})
    artifacts.write_figures({"new_curves": "<svg/>"})
    assert [path.name for path in artifacts.FIGURES.iterdir()] == ["new_curves.svg"]
