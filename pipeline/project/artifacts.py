"""Where every file of a project lives, what it holds, and how it is read and written.

Every reader holds the file to what DVC recorded (`lock.py`), checks what it reads and names the file when it is wrong
(`UserError`); every writer writes beside the place and renames, so that a place where a result belongs never holds half
a file.
"""

import contextlib
import json
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from pipeline.core.dataset import Dataset, Split
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.files import replacing, temporary
from pipeline.core.rounding import WRITTEN, rounded
from pipeline.core.seeding import Seed
from pipeline.project import arrays as stored
from pipeline.project import lock
from pipeline.project.params import Params
from pipeline.project.schema import Published
from pipeline.project.variants import Study

CURVES = Path("data/curves")
DIAGNOSTICS_FOLDER = Path("data/diagnostics")
RESULTS = Path("reports/results")
METRICS = Path("reports/metrics")
FIGURES = Path("reports/figures")
CLAIMS = Path("reports/claims")
CHECKED = Path("data/params.ok")
PAGE = Path("reports/index.html")
SUMMARY = Path("reports/summary.md")
ENVIRONMENT = Path("reports/environment.json")

STATUSES = ("finished", "diverged")
CURVE_COLUMNS = ["variant", "split", "epoch", "estimate", "low", "high"]


def _write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _write_folder(folder: Path, texts: Mapping[str, str]) -> None:
    """Files by name; whatever else lies in the folder goes, once they stand."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        _write_text(folder / name, text)
    for path in folder.glob("*"):
        if path.name not in texts and not temporary(path):
            path.unlink()


# --- data sets -------------------------------------------------------------------------------------------------------


def dataset_path(key: str) -> Path:
    """The file of a data set: arrays of both splits."""
    return Path("data") / f"{key}.npz"


def write_dataset(key: str, dataset: Dataset) -> None:
    """The same data set always gives the same bytes."""
    arrays = {
        "task": np.array(dataset.task),
        "outputs": np.array(dataset.outputs),
        "factor": np.array(dataset.factor),
        "offset": np.array(dataset.offset),
        "seeds": np.array([(seed.root, seed.index) for seed in dataset.seeds], dtype=np.int64).reshape(-1, 2),
        "train_inputs": dataset.train.inputs,
        "train_targets": dataset.train.targets,
        "test_inputs": dataset.test.inputs,
        "test_targets": dataset.test.targets,
        "names": np.array(dataset.names, dtype=str),
    }
    arrays |= {f"weights_{name}": values for name, values in dataset.weights.items()}
    with replacing(dataset_path(key)) as path, path.open("wb") as file:
        stored.write(file, arrays)


def read_dataset(key: str, seeds: Sequence[Seed]) -> Dataset:
    """The data set of `data/<key>.npz`.

    Args:
        key: Its id.
        seeds: Those that will ask for examples.

    Raises:
        UserError: If the file is missing, damaged, or was drawn for other seeds.
    """
    path = dataset_path(key)
    arrays = stored.read(path)
    try:
        dataset = Dataset(
            task=str(arrays["task"]),  # type: ignore[arg-type]
            outputs=int(arrays["outputs"]),
            train=Split(arrays["train_inputs"], arrays["train_targets"]),
            test=Split(arrays["test_inputs"], arrays["test_targets"]),
            factor=float(arrays["factor"]),
            offset=float(arrays["offset"]),
            seeds=tuple(Seed(int(root), int(index)) for root, index in arrays["seeds"]),
            weights={
                name.removeprefix("weights_"): values for name, values in arrays.items() if name.startswith("weights_")
            },
            names=tuple(map(str, arrays["names"])),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"{path}: no data set ({shorten(str(error))}); `dvc repro -f data@{key}` makes it anew"
        ) from None
    if problem := dataset.problem(seeds):
        raise UserError(f"{path}: {problem}; `dvc repro -f data@{key}` makes it anew")
    return dataset


# --- what training leaves --------------------------------------------------------------------------------------------


def results_path(study: str) -> Path:
    """The file of a study's results: one row a run."""
    return RESULTS / f"{study}.csv"


def plain(id: object) -> str:
    r"""An id as it is; anything else that stands in its place as `shorten` shows it.

    >>> plain("weight_decay_3"), plain("a\x1b[2J")
    ('weight_decay_3', "'a\\x1b[2J'")
    """
    return str(id) if str(id).isidentifier() else shorten(id)


def results_columns(study: Study) -> list[str]:
    """The columns of a study's results: one row a run."""
    run = ["variant", *study.factors, "seed_root", "seed_index", "fold", "data", "status"]
    return run + [metric.name for metric in study.metrics]


def write_results(study: Study, results: pd.DataFrame) -> None:
    """Floats are written so that reading gives the same bits; an undefined number is an empty cell."""
    with replacing(results_path(study.id)) as path:
        results[results_columns(study)].to_csv(path, index=False, lineterminator="\n")


def read_results(project: Params, key: str) -> pd.DataFrame:
    """The results of a study, one row a run.

    Args:
        project: The whole project.
        key: The study's id.

    Raises:
        UserError: If the file is missing, does not hold exactly one row for each variant, seed and fold, or was made
            with other configs than `params.yaml` has now.
    """
    study = project.studies[key]
    path = results_path(key)
    stage = f"train@{key}"
    if stale := lock.stale(lock.read(), stage, project.written):
        raise UserError(f"{path}: made with other configs: {', '.join(stale)}; `dvc repro {stage}` is due")
    results = _recorded_table(path, stage, results_columns(study), ["variant", "data", "status"], study.factors)
    remedy = f"`dvc repro -f {stage}` makes it anew"
    found = Counter(zip(*(results[name] for name in ("variant", "seed_root", "seed_index", "fold")), strict=True))
    wanted = Counter(
        (variant.id, seed.root, seed.index, fold)
        for variant in study.variants
        for seed in project.seeds_of(study.dataset)
        for fold in variant.folds
    )
    for variant, root, index, fold in [*(wanted - found), *(found - wanted)]:
        run = f"the run of {plain(variant)}, seed {root}/{index}, fold {fold}"
        counts = f"found {found[variant, root, index, fold]}, wanted {wanted[variant, root, index, fold]}"
        raise UserError(f"{path}: {run}: {counts}; {remedy}")
    if not set(results["status"]) <= set(STATUSES):
        raise UserError(f"{path}: found the status {shorten(set(results['status']) - set(STATUSES))}; {remedy}")
    return results


def write_metrics(study: str, metrics: Mapping[str, Mapping[str, Any]]) -> None:
    """One flat JSON file a variant, as `dvc metrics` shows it best; what else lies in the folder goes."""
    texts = {
        f"{variant}.json": json.dumps(_written(values), indent=2, allow_nan=False) + "\n"
        for variant, values in metrics.items()
    }
    _write_folder(METRICS / study, texts)


def _written(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _written(part) for name, part in value.items()}
    return rounded(value, WRITTEN) if isinstance(value, float) else value


def _csv(derived: pd.DataFrame) -> str:
    """Derived numbers as CSV, rounded."""
    text: str = derived.to_csv(
        index=False, lineterminator="\n", float_format=lambda value: str(rounded(value, WRITTEN))
    )
    return text


def write_curves(study: str, curves: pd.DataFrame) -> None:
    """Loss against epoch of every variant, `CURVE_COLUMNS`."""
    _write_text(CURVES / f"{study}.csv", _csv(curves[CURVE_COLUMNS]))


def read_curves(study: str) -> pd.DataFrame:
    """Loss against epoch of every variant, `CURVE_COLUMNS`.

    Raises:
        UserError: If the file is missing or no table of curves.
    """
    return _recorded_table(CURVES / f"{study}.csv", f"train@{study}", CURVE_COLUMNS, ["variant", "split"])


@dataclass(frozen=True)
class Diagnostics:
    """What the figures of a study need beyond the results.

    Attributes:
        layers: One row for each variant, seed, moment (start, end), layer and quantity.
        weights: Learned weights of small linear models, one row for each variant, seed and place.
        points: Examples of the first seed where they have two features: split, x1, x2, label.
        pictures: Test images and what was made of them by the first seed's run of each variant; pixels in [0, 1].
        environment: Versions of the libraries that compute.
        code: Digest of the code that trained, 12 hexadecimal digits.
    """

    layers: pd.DataFrame
    weights: pd.DataFrame
    points: pd.DataFrame
    pictures: pd.DataFrame
    environment: Mapping[str, str]
    code: str


DIAGNOSTICS = {
    "layers": ["variant", "seed_index", "moment", "quantity", "layer", "value"],
    "weights": ["variant", "seed_index", "place", "value"],
    "points": ["split", "x1", "x2", "label"],
    "pictures": ["variant", "right", "truth", "prediction", "pixels"],
}
_TEXT_COLUMNS = {"variant", "moment", "quantity", "split", "truth", "prediction"}


def write_diagnostics(study: str, diagnostics: Diagnostics) -> None:
    """The same diagnostics always give the same bytes."""
    arrays = {
        "environment": np.array(json.dumps(dict(diagnostics.environment), sort_keys=True)),
        "code": np.array(diagnostics.code),
    }
    for table, columns in DIAGNOSTICS.items():
        for name in columns:
            values = getattr(diagnostics, table)[name].to_numpy()
            if name == "pixels":
                values = np.stack(list(values)) if len(values) else np.zeros((0, 0))
            arrays[f"{table}.{name}"] = values.astype(str) if values.dtype.kind in "OTU" else values
    with replacing(DIAGNOSTICS_FOLDER / f"{study}.npz") as path, path.open("wb") as file:
        stored.write(file, arrays)


def read_diagnostics(study: str) -> Diagnostics:
    """What the figures of a study need beyond the results.

    Raises:
        UserError: If the file is missing or damaged.
    """
    path = DIAGNOSTICS_FOLDER / f"{study}.npz"
    arrays = stored.read(path)
    try:
        for table, columns in DIAGNOSTICS.items():
            for name in columns:
                _check_column(f"{table}.{name}", arrays[f"{table}.{name}"])
        tables = {
            table: pd.DataFrame({name: list(arrays[f"{table}.{name}"]) for name in columns})
            for table, columns in DIAGNOSTICS.items()
        }
        environment = json.loads(str(arrays["environment"]))
        if not isinstance(environment, dict):
            raise ValueError("the environment is no mapping")
        code = str(arrays["code"])
        if not re.fullmatch(r"[0-9a-f]{12}", code):
            raise ValueError(f"found the digest {shorten(code)}")
    except (KeyError, ValueError) as error:
        raise UserError(
            f"{path}: damaged ({shorten(str(error))}); `dvc repro -f train@{study}` makes it anew"
        ) from None
    return Diagnostics(**tables, environment=environment, code=code)


def _check_column(name: str, array: np.ndarray) -> None:
    """Refuse words where numbers belong, and the other way round; a table without rows may have any type."""
    kinds = "U" if name.rsplit(".", 1)[1] in _TEXT_COLUMNS else "fiub"
    if array.ndim != (2 if name == "pictures.pixels" else 1) or (len(array) and array.dtype.kind not in kinds):
        raise ValueError(f"{name}: found {array.dtype} {array.shape}")


# --- measurements ---------------------------------------------------------------------------------------------------

MEASURED_COLUMNS = ["case", "quantity", "x", "value"]


def write_measured(measurement: str, measured: pd.DataFrame) -> None:
    """What a measurement measured, `MEASURED_COLUMNS`."""
    _write_text(results_path(measurement), _csv(measured[MEASURED_COLUMNS]))


def read_measured(measurement: str) -> pd.DataFrame:
    """What a measurement measured, `MEASURED_COLUMNS`.

    Raises:
        UserError: If the file is missing or not such a table.
    """
    return _recorded_table(results_path(measurement), f"measure@{measurement}", MEASURED_COLUMNS, ["case", "quantity"])


def _recorded_table(
    path: Path, stage: str, columns: Sequence[str], words: Sequence[str], free: Sequence[str] = ()
) -> pd.DataFrame:
    """A table that a stage left: columns of `words`, `free` ones of anything, all others of numbers."""
    lock.check(path)
    table = _table(path, f"`dvc repro {stage}` makes it", dict.fromkeys(words, str))
    problem = ""
    if list(table.columns) != list(columns):
        problem = f"found the columns {shorten(', '.join(map(str, table.columns)))}, allowed: {', '.join(columns)}"
    else:
        for name in table.columns.difference([*words, *free], sort=False):
            if len(table) and table[name].dtype.kind not in "fiu":
                problem = f"found words in the column {name}, allowed: numbers"
    if problem:
        raise UserError(f"{path}: {problem}; `dvc repro -f {stage}` makes it anew")
    return table


def _table(path: Path, remedy: str, dtype: Mapping[str, type]) -> pd.DataFrame:
    try:
        return pd.read_csv(path, dtype=dict(dtype), keep_default_na=False, na_values=[""])
    except FileNotFoundError:
        raise UserError(f"{path}: missing; {remedy}") from None
    except (OSError, ValueError, OverflowError, MemoryError) as error:
        raise UserError(f"{path}: damaged ({shorten(str(error))}); {remedy}") from None


# --- what the report leaves ------------------------------------------------------------------------------------------


def write_checked() -> None:
    """The mark that `params.yaml` is valid: always the same bytes, so that it never reruns what depends on it."""
    _write_text(CHECKED, "params.yaml is valid\n")


def read_published(configs: Published | None) -> pd.DataFrame:
    """The published outcomes that the project is held to, `PUBLISHED_COLUMNS`; no row where there are none.

    Raises:
        UserError: If the file is missing or not such a table.
    """
    if configs is None:
        return pd.DataFrame(columns=PUBLISHED_COLUMNS)
    path = Path(configs.file)
    table = _table(path, "params.yaml names it under published.file", {"config": str, "factor": str})
    if list(table.columns) != PUBLISHED_COLUMNS:
        wanted = ", ".join(PUBLISHED_COLUMNS)
        raise UserError(f"{path}: found the columns {join_short(table.columns)}, wanted {wanted}")
    return table.fillna({"factor": ""})


PUBLISHED_COLUMNS = ["config", "factor", "quantity", "rebuilds", "estimate", "statistic", "sd", "low", "high"]


def prune(studies: Iterable[str]) -> None:
    """Delete what studies and diagnostics left that are gone from `params.yaml`; the report depends on the folders."""
    kept = set(studies)
    for folder in (RESULTS, METRICS, CURVES, DIAGNOSTICS_FOLDER):
        for path in folder.glob("*"):
            if path.stem not in kept and path.name != ".gitignore" and not temporary(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def write_figures(figures: Mapping[str, str]) -> None:
    """SVG text by name; what else lies in the folder goes."""
    _write_folder(FIGURES, {f"{name}.svg": svg for name, svg in figures.items()})


def write_environment(environments: Iterable[Mapping[str, str]]) -> None:
    """Versions that the numbers depend on besides configs, data and code, every combination once."""
    distinct = {json.dumps(dict(environment), sort_keys=True) for environment in environments}
    _write_text(ENVIRONMENT, json.dumps([json.loads(one) for one in sorted(distinct)], indent=2) + "\n")


def write_claims(claims: pd.DataFrame, published: pd.DataFrame) -> None:
    """What came of every claim and of every published outcome."""
    tables = {"claims.csv": claims, "published.csv": published}
    texts = {name: _csv(table) for name, table in tables.items() if len(table)}
    _write_folder(CLAIMS, texts)


def write_page(html: str) -> None:
    """The page of the whole project."""
    _write_text(PAGE, html)


def write_summary(markdown: str) -> None:
    """What the page says in short, for a git host."""
    _write_text(SUMMARY, markdown)
