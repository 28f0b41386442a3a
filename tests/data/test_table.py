"""A table becomes examples: parity with scikit-learn fitted by hand, nothing learned from the test part, purity."""

import copy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import polars
import pytest
from faults import whole
from samples import SMALL, laid_over, seeds, write_params
from sklearn import datasets as scikit
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from pipeline import data
from pipeline.core.dataset import Dataset
from pipeline.core.errors import UserError
from pipeline.core.seeding import generator
from pipeline.data.config import Table
from pipeline.project import artifacts, params
from pipeline.project.metrics import METRICS

ROWS = 60


def frame() -> pd.DataFrame:
    """Numbers of many sizes, categories, and nothing here and there."""
    random = np.random.default_rng(3)
    found = pd.DataFrame(
        {
            "large": 1e6 + 1e3 * random.standard_normal(ROWS),
            "town": random.choice(["a", "b", "c"], ROWS),
            "small": 1e-4 * random.standard_normal(ROWS),
            "constant": 7.0,
            "kind": random.choice(["x", "y"], ROWS),
            "price": random.gamma(2.0, size=ROWS),
        }
    )
    found.loc[[3, 20, 41], "small"] = np.nan
    found.loc[[5, 6], "town"] = None
    return found


@pytest.fixture
def make(in_folder: Path) -> Callable[..., Dataset]:
    """Writes the table and makes the data set."""
    (in_folder / "tables").mkdir()

    def make(table: pd.DataFrame, count: int = 3, **changes) -> Dataset:
        table.to_csv("tables/own.csv", index=False)
        values = {"source": "table", "file": "tables/own.csv", "target": "price", "missing": "mean", **changes}
        return data.make(Table.model_validate(values), seeds(count))

    return make


@pytest.mark.parametrize("missing", ["mean", "median", "most_frequent"])
def test_examples_are_what_scikit_learn_s_transformers_make_of_them(make, missing):
    table = frame()
    dataset = make(table, missing=missing)
    numbers, levels = ["large", "small", "constant"], ["town", "kind"]
    table[levels] = table[levels].fillna("")
    for seed_index, seed in enumerate(seeds(3)):
        order = generator(seed, "data").permutation(ROWS)
        train, test = order[15:], order[:15]
        transformer = ColumnTransformer(
            [
                ("numbers", make_pipeline(SimpleImputer(strategy=missing), StandardScaler()), numbers),
                ("levels", OneHotEncoder(categories=[["", "a", "b", "c"], ["x", "y"]], sparse_output=False), levels),
            ]
        ).fit(table.iloc[train])
        target = StandardScaler().fit(table[["price"]].to_numpy()[train])
        for split, rows in ((dataset.train, train), (dataset.test, test)):
            np.testing.assert_allclose(split.inputs[seed_index], transformer.transform(table.iloc[rows]), atol=1e-9)
            expected = target.transform(table[["price"]].to_numpy()[rows])[:, 0]
            np.testing.assert_allclose(split.targets[seed_index], expected, rtol=1e-12)
    assert dataset.train.inputs.shape == (3, 45, 3 + 4 + 2)
    assert dataset.test.inputs.shape == (3, 15, 9)


def test_the_training_part_has_mean_0_and_variance_1_and_a_constant_column_is_0(make):
    dataset = make(frame())
    np.testing.assert_allclose(dataset.train.inputs[..., :3].mean(axis=1), 0, atol=1e-9)
    np.testing.assert_allclose(dataset.train.inputs[..., :2].std(axis=1), 1, rtol=1e-9)
    assert (dataset.train.inputs[..., 2] == 0).all()
    np.testing.assert_allclose(dataset.train.targets.std(axis=1), 1, rtol=1e-9)
    assert (dataset.test.inputs[..., 2] == 0).all()


def test_a_target_can_stay_as_it_is(make):
    table = frame()
    dataset = make(table, standardize_target=False)
    for seed_index in range(3):
        both = np.concatenate([dataset.train.targets[seed_index], dataset.test.targets[seed_index]])
        assert sorted(both) == sorted(table["price"])


def test_nothing_is_learned_from_the_test_part(make):
    """Other values in the test rows of a seed leave its training examples as they are, to the bit."""
    table = frame()
    before = make(table, count=1)
    test = generator(seeds(1)[0], "data").permutation(ROWS)[:15]
    table.loc[test, ["large", "small", "price"]] = [5.0, 1e3, 1e6]
    table.loc[test, "town"] = "b"
    after = make(table, count=1)
    np.testing.assert_array_equal(after.train.inputs, before.train.inputs)
    np.testing.assert_array_equal(after.train.targets, before.train.targets)
    assert not np.array_equal(after.test.inputs, before.test.inputs)


def test_a_column_that_is_empty_in_a_training_part_keeps_its_place(make):
    table = frame()
    train = generator(seeds(1)[0], "data").permutation(ROWS)[15:]
    table.loc[train, "small"] = np.nan
    dataset = make(table)
    assert dataset.features == 9
    assert (dataset.train.inputs[0, :, 1] == 0).all()
    assert np.isfinite(dataset.test.inputs).all()


def test_the_smallest_of_the_most_frequent_numbers_takes_the_place_of_a_missing_one(make):
    """Of two zeros it is the positive one, wherever they stand."""
    table = frame()
    table["small"] = np.tile([3.0, -0.0, 0.0, np.nan], ROWS // 4)
    dataset = make(table, missing="most_frequent", count=1)
    column = np.concatenate([dataset.train.inputs[0, :, 1], dataset.test.inputs[0, :, 1]])
    assert len(set(column)) == 2
    table["small"] = np.tile([3.0, -0.0, 0.0, 0.0], ROWS // 4)
    np.testing.assert_array_equal(make(table, count=1).train.inputs, dataset.train.inputs)


def test_numbers_that_are_equal_up_to_rounding_are_constant(make):
    table = frame()
    table["small"] = 1e9 + 1e-7 * (np.arange(ROWS) % 3)
    assert (np.abs(make(table).train.inputs[..., 1]) < 1e-6).all()


def test_a_seed_s_split_does_not_depend_on_how_many_seeds_there_are(make):
    few, many = make(frame(), count=1), make(frame(), count=4)
    for one, other in ((few.train, many.train), (few.test, many.test)):
        np.testing.assert_array_equal(one.inputs[0], other.inputs[0])
        np.testing.assert_array_equal(one.targets[0], other.targets[0])
    assert len({many.fingerprint(seed_index) for seed_index in range(4)}) == 4


@pytest.mark.parametrize(("fraction", "test"), [(0.02, 1), (0.25, 15), (0.96, 58)])
def test_the_test_fraction_counts_rows(make, fraction, test):
    dataset = make(frame(), test_fraction=fraction)
    assert (dataset.test.examples, dataset.train.examples) == (test, ROWS - test)


def test_classes_are_named(make):
    dataset = make(frame(), target="kind")
    assert (dataset.task, dataset.outputs, dataset.names) == ("classification", 2, ("x", "y"))
    assert dataset.train.targets.dtype == np.int64


def test_a_table_of_categories_alone_is_one_too(make):
    table = frame()[["town", "kind", "price"]]
    dataset = make(table)
    assert set(np.unique(dataset.train.inputs)) == {0.0, 1.0}
    # every row has one level of each column
    assert (dataset.train.inputs.sum(axis=2) == 2).all()


def test_csv_and_parquet_give_the_same_examples(make):
    table = frame()
    ours = make(table)
    polars.from_dict({name: table[name].to_list() for name in table}, strict=False).fill_nan(None).write_parquet(
        "tables/own.parquet"
    )
    theirs = make(table, file="tables/own.parquet")
    assert [ours.fingerprint(seed_index) for seed_index in range(3)] == [
        theirs.fingerprint(seed_index) for seed_index in range(3)
    ]
    np.testing.assert_array_equal(ours.train.inputs, theirs.train.inputs)


# --- never seen before -----------------------------------------------------------------------------------------------


def linnerud() -> pd.DataFrame:
    whole = scikit.load_linnerud(as_frame=True)
    return pd.concat([whole.data, whole.target["Waist"]], axis=1)


def titled() -> pd.DataFrame:
    """Names for classes, categories, and nothing here and there."""
    found = scikit.load_iris(as_frame=True).frame
    found["target"] = np.array(["setosa", "versicolor", "virginica"])[found["target"]]
    found["size"] = np.where(found.pop("petal length (cm)") > 4, "large", "small")
    found.loc[::7, "petal width (cm)"] = np.nan
    return found


NEVER_SEEN = {
    "iris": (lambda: scikit.load_iris(as_frame=True).frame, {"target": "target"}, "classification"),
    "wine": (lambda: scikit.load_wine(as_frame=True).frame, {"target": "target"}, "classification"),
    "breast_cancer": (lambda: scikit.load_breast_cancer(as_frame=True).frame, {"target": "target"}, "classification"),
    "diabetes": (lambda: scikit.load_diabetes(as_frame=True).frame, {"target": "target"}, "regression"),
    "linnerud": (linnerud, {"target": "Waist"}, "regression"),
    "titled": (titled, {"target": "target", "missing": "median"}, "classification"),
}


def project(folder: Path, tables: dict[str, tuple]) -> None:
    """A project with a study on each table; the study of regressions is one that has the figures of linear models."""
    (folder / "tables").mkdir()
    changes: dict = {"datasets": {}, "studies": {}, "measurements": {}}
    for name, (load, block, task) in tables.items():
        load().to_csv(folder / "tables" / f"{name}.csv", index=False)
        changes["datasets"][name] = {"source": "table", "file": f"tables/{name}.csv", **block}
        study = copy.deepcopy(SMALL["studies"]["activation" if task == "classification" else "weight_decay"])
        validation = {"name": "k_fold", "folds": 3}
        changes["studies"][f"on_{name}"] = laid_over(study, {"dataset": name, "base.data.validation": validation})
    write_params(folder, laid_over(SMALL, changes))


def test_tables_that_were_never_seen_go_from_file_to_report(in_folder):
    project(in_folder, NEVER_SEEN)
    made = whole.run()
    whole.check_counted(made)
    for name, (_, _, task) in NEVER_SEEN.items():
        study = made.studies[f"on_{name}"]
        assert task in study.traits
        assert ("linear" in study.traits) == (task == "regression")
        # every fold together validates on the whole training part; 1 of 4 rows is tested on
        assert study.split_correlation_of(METRICS["validation_loss"]) == pytest.approx(3.0)
        assert study.split_correlation_of(METRICS["test_loss"]) == pytest.approx(1 / 3)
        assert f"on_{name}" in artifacts.PAGE.read_text()
        results = artifacts.read_results(made, study.id)
        assert results["data"].nunique() == 3


@pytest.mark.parametrize("figure", ["ridge", "weights", "selection", "capacity"])
def test_figures_of_linear_models_are_there_for_tables(in_folder, figure):
    project(in_folder, {"diabetes": NEVER_SEEN["diabetes"]})
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("metric: test_loss\n", f"metric: test_loss\n    figure: {figure}\n", 1))
    whole.run()
    assert (artifacts.FIGURES / f"on_diabetes_{figure}.svg").is_file()


def test_rows_of_a_table_are_no_pictures(in_folder):
    project(in_folder, {"iris": NEVER_SEEN["iris"]})
    text = Path("params.yaml").read_text()
    Path("params.yaml").write_text(text.replace("metric: test_ac", "figure: predictions\n    metric: test_ac", 1))
    with pytest.raises(UserError) as caught:
        params.load()
    found = "params.yaml: studies.on_iris.figure: found 'predictions', allowed for this study: "
    assert str(caught.value) == found + "selection, capacity, layers"


def test_settings_are_held_to_what_the_table_has(in_folder):
    project(in_folder, {"iris": NEVER_SEEN["iris"]})
    text = Path("params.yaml").read_text()
    for before, after, line in (
        ("features: all", "features: 5", "base.model.features: found 5, allowed: all, or at most the data set's 4"),
        (
            "examples: all",
            "examples: 113",
            "base.data.examples: found 113, allowed: all, or at most the data set's 112",
        ),
        ("loss: cross_entropy", "loss: squared_error", "base.loss: found 'squared_error', allowed: cross_entropy"),
    ):
        Path("params.yaml").write_text(text.replace(before, after, 1))
        with pytest.raises(UserError, match=f"params.yaml: studies.on_iris.{line}"):
            params.load()
