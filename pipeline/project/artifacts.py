"""The files of a project: where each lies, what it holds, and how it is written and read.

    path                                     written by         read by           content
    data/params.ok                           write_text         DVC               mark of a valid params.yaml
    data/configs/<stage>/<id>.json           write_parts        parts.py          what a stage reads of params.yaml
    data/configs/studies.json                outlook.py         outlook.py        expected seconds of each study
    data/<dataset>.npz                       write_dataset      read_dataset      examples of both splits
    data/curves/<study>.csv                  write_curves       read_curves       loss against epoch
    data/diagnostics/<study>.npz             write_diagnostics  read_diagnostics  what figures need besides
    reports/results/<study>.csv              write_results      read_results      one row per run
    reports/results/<measurement>.csv        write_measured     read_measured     one row per measured value
    reports/metrics/<study>.json             write_metrics      DVC               the judged metric by variant
    reports/claims/*.csv                     write_claims       users             claims and published outcomes
    reports/figures/*.svg                    write_figures      users             figures of the page
    reports/images/*.png                     write_figures      users             the same for slides and chats
    reports/tables/*.csv                     write_figures      users             what each figure shows
    reports/index.html, summary.md           write_text         users             the page and its short form
    reports/environment.json                 write_environment  `ablate`          versions of libraries

Every writer replaces its file atomically (`core/files.py`). Every reader of a file that a stage left first checks it
against `dvc.lock` (`lock.check`), which also names a missing file; what lies behind that check is relied on.
"""

import contextlib
import json
import shutil
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from pipeline.core.dataset import Dataset, Split
from pipeline.core.errors import UserError, join_short, shorten
from pipeline.core.files import is_being_written, replacing
from pipeline.core.rounding import WRITTEN, rounded
from pipeline.core.seeding import Seed
from pipeline.project import lock, parts
from pipeline.project.params import Params
from pipeline.project.schema import Published
from pipeline.project.variants import Study

CHECKED = Path("data/params.ok")
CURVES = Path("data/curves")
DIAGNOSTICS_FOLDER = Path("data/diagnostics")
RESULTS = Path("reports/results")
METRICS = Path("reports/metrics")
CLAIMS = Path("reports/claims")
FIGURES = Path("reports/figures")
IMAGES = Path("reports/images")
TABLES = Path("reports/tables")
PAGE = Path("reports/index.html")
SUMMARY = Path("reports/summary.md")
ENVIRONMENT = Path("reports/environment.json")

CURVE_COLUMNS = ["variant", "split", "epoch", "estimate", "low", "high"]
MEASURED_COLUMNS = ["case", "quantity", "x", "value"]
PUBLISHED_COLUMNS = ["config", "factor", "quantity", "rebuilds", "estimate", "statistic", "sd", "low", "high"]
DIAGNOSTICS = {
    "layers": ["variant", "seed_index", "moment", "quantity", "layer", "value"],
    "weights": ["variant", "seed_index", "position", "value"],
    "points": ["split", "x1", "x2", "label"],
    "pictures": ["variant", "right", "truth", "prediction", "pixels"],
}
_SCALARS = ("task", "outputs", "factor", "offset")  # fields of a data set


def write_parts(project: Params) -> None:
    """Write for each data set, measurement and study the part of `params.yaml` that its stage depends on."""
    for kind, section in parts.STAGES.items():
        ids = project.written[section]
        files = {f"{id}.json": parts.text_of(f"{kind}@{id}", project.written).encode() for id in ids}
        _write_folder(parts.FOLDER / kind, files)


def dataset_path(key: str) -> Path:
    """Return the file of a data set."""
    return Path("data") / f"{key}.npz"


def results_path(key: str) -> Path:
    """Return the table of a study or measurement."""
    return RESULTS / f"{key}.csv"


def curves_path(study: str) -> Path:
    """Return the table of losses against epochs of a study."""
    return CURVES / f"{study}.csv"


def diagnostics_path(study: str) -> Path:
    """Return the file of the diagnostics of a study."""
    return DIAGNOSTICS_FOLDER / f"{study}.npz"


def results_columns(study: Study) -> list[str]:
    """Return the columns of a study's results."""
    run = ["variant", *study.factors, "seed_root", "seed_index", "fold", "data", "status"]
    return run + [metric.name for metric in study.metrics]


def write_dataset(key: str, dataset: Dataset) -> None:
    """Write a data set."""
    arrays = {name: np.array(getattr(dataset, name)) for name in _SCALARS} | {
        "seeds": np.array([(seed.root, seed.index) for seed in dataset.seeds], dtype=np.int64).reshape(-1, 2),
        "train_inputs": dataset.train.inputs,
        "train_targets": dataset.train.targets,
        "test_inputs": dataset.test.inputs,
        "test_targets": dataset.test.targets,
        "names": np.array(dataset.names, dtype=str),
    }
    arrays |= {f"weights_{name}": weights for name, weights in dataset.weights.items()}
    _write_arrays(dataset_path(key), arrays)


def read_dataset(key: str, seeds: Sequence[Seed]) -> Dataset:
    """Read a data set for runs with these seeds; refuse one that was not drawn for them."""
    arrays = _read_arrays(dataset_path(key), f"data@{key}")
    drawn = tuple(Seed(int(root), int(index)) for root, index in arrays["seeds"])
    if drawn and drawn[: len(seeds)] != tuple(seeds):
        ranges = [f"{group[0].root}/{group[0].index} to {group[-1].root}/{group[-1].index}" for group in (drawn, seeds)]
        problem = f"drawn for the seeds {ranges[0]}, params.yaml has {ranges[1]}"
        raise UserError(f"{dataset_path(key)}: {problem}; `dvc repro data@{key}` draws it again")
    return Dataset(
        **{name: arrays[name].item() for name in _SCALARS},
        train=Split(arrays["train_inputs"], arrays["train_targets"]),
        test=Split(arrays["test_inputs"], arrays["test_targets"]),
        seeds=drawn,
        weights={name.removeprefix("weights_"): array for name, array in arrays.items() if name.startswith("weights_")},
        names=tuple(map(str, arrays["names"])),
    )


def write_results(study: Study, results: pd.DataFrame) -> None:
    """Write one row per run; floats keep every bit, and an undefined number is an empty cell."""
    write_text(results_path(study.id), results[results_columns(study)].to_csv(index=False, lineterminator="\n"))


def read_results(project: Params, key: str) -> pd.DataFrame:
    """Read the results of a study, one row per run; refuse those of other configs than `params.yaml` has now."""
    path, stage, study = results_path(key), f"train@{key}", project.studies[key]
    if lock.is_stale(lock.read(), stage, parts.path_of(stage), parts.text_of(stage, project.written)):
        raise UserError(f"{path}: made with other configs; `dvc repro {stage}` is due")
    results = _read_csv(path, stage, ["variant", "data", "status"])
    # without dvc.lock, after stages were run by hand, nothing else tells that params.yaml has changed since
    runs = {(variant.id, seed.root, seed.index) for variant in study.variants for seed in project.seeds_of(study)}
    if set(zip(results["variant"], results["seed_root"], results["seed_index"], strict=True)) != runs:
        raise UserError(f"{path}: made with other variants or seeds; `dvc repro {stage}` is due")
    return results


def write_metrics(study: str, metrics: Mapping[str, float]) -> None:
    """Write the estimates of the variants, rounded; `dvc metrics diff` shows a row per variant."""
    values = {variant: rounded(estimate, WRITTEN) for variant, estimate in metrics.items()}
    write_text(METRICS / f"{study}.json", json.dumps(values, indent=2, allow_nan=False) + "\n")


def write_curves(study: str, curves: pd.DataFrame) -> None:
    """Write the loss of every variant against the epoch."""
    write_text(curves_path(study), _csv(curves[CURVE_COLUMNS]))


def read_curves(study: str) -> pd.DataFrame:
    """Read the loss of every variant against the epoch."""
    return _read_csv(curves_path(study), f"train@{study}", ["variant", "split"])


@dataclass(frozen=True)
class Diagnostics:
    """What the figures of a study need besides results and curves; `DIAGNOSTICS` has the columns of the tables.

    Attributes:
        layers: One row per variant, seed, moment (start, end), layer and quantity.
        weights: Learned weights of small linear models.
        points: Examples of the first seed, if they have two features.
        pictures: Test images and their predictions by the first seed's run of each variant; pixels in [0, 1].
        environment: Versions of the libraries that compute.
        code: Digest of the code that trained, 12 hexadecimal digits.
    """

    layers: pd.DataFrame
    weights: pd.DataFrame
    points: pd.DataFrame
    pictures: pd.DataFrame
    environment: Mapping[str, str]
    code: str


def write_diagnostics(study: str, diagnostics: Diagnostics) -> None:
    """Write the diagnostics of a study."""
    environment = json.dumps(dict(diagnostics.environment), sort_keys=True)
    arrays = {"environment": np.array(environment), "code": np.array(diagnostics.code)}
    for table, columns in DIAGNOSTICS.items():
        for name in columns:
            values = getattr(diagnostics, table)[name].to_numpy()
            if name == "pixels":
                values = np.stack(list(values)) if len(values) else np.zeros((0, 0))
            arrays[f"{table}.{name}"] = values.astype(str) if values.dtype.kind in "OTU" else values
    _write_arrays(diagnostics_path(study), arrays)


def read_diagnostics(study: str) -> Diagnostics:
    """Read the diagnostics of a study."""
    arrays = _read_arrays(diagnostics_path(study), f"train@{study}")
    tables = {
        table: pd.DataFrame({name: list(arrays[f"{table}.{name}"]) for name in columns})
        for table, columns in DIAGNOSTICS.items()
    }
    return Diagnostics(**tables, environment=json.loads(arrays["environment"].item()), code=arrays["code"].item())


def write_measured(measurement: str, measured: pd.DataFrame) -> None:
    """Write the values of a measurement."""
    write_text(results_path(measurement), _csv(measured[MEASURED_COLUMNS]))


def read_measured(measurement: str) -> pd.DataFrame:
    """Read the values of a measurement."""
    return _read_csv(results_path(measurement), f"measure@{measurement}", ["case", "quantity"])


def read_published(published: Published | None) -> pd.DataFrame:
    """Read the user's table of published outcomes; no rows if `params.yaml` names none.

    Raises:
        UserError: If the file is missing, or is not a table with these columns.
    """
    if published is None:
        return pd.DataFrame(columns=PUBLISHED_COLUMNS)
    try:
        table = pd.read_csv(published.file, dtype={"config": str, "factor": str}, keep_default_na=False, na_values=[""])
    except (OSError, ValueError, OverflowError) as error:
        problem = f"cannot be read ({shorten(str(error))})"
        raise UserError(f"{published.file}: {problem}; params.yaml names it under published.file") from None
    if list(table.columns) != PUBLISHED_COLUMNS:
        problem = f"found the columns {join_short(table.columns)}, allowed: {', '.join(PUBLISHED_COLUMNS)}"
        raise UserError(f"{published.file}: {problem}")
    return table.fillna({"factor": ""})


def write_claims(claims: pd.DataFrame, published: pd.DataFrame) -> None:
    """Write the results of claims and of published outcomes; a table without rows has no file."""
    _make(CLAIMS)
    for name, table in (("claims.csv", claims), ("published.csv", published)):
        if len(table):
            write_text(CLAIMS / name, _csv(table))
        else:
            (CLAIMS / name).unlink(missing_ok=True)


def write_figures(figures: Mapping[str, bytes], images: Mapping[str, bytes], tables: Mapping[str, bytes]) -> None:
    """Write figures by name: as SVG, as PNG, and what they show as CSV; delete those of an earlier report.

    A name with all three files is a figure of an earlier report; other files in these folders are the user's.
    """
    folders = {FIGURES: ("svg", figures), IMAGES: ("png", images), TABLES: ("csv", tables)}
    for folder, (suffix, files) in folders.items():
        _make(folder)
        for name, content in files.items():
            write_bytes(folder / f"{name}.{suffix}", content)
    names = [{path.stem for path in folder.glob(f"*.{suffix}")} for folder, (suffix, _) in folders.items()]
    for name in set.intersection(*names).difference(figures):
        for folder, (suffix, _) in folders.items():
            (folder / f"{name}.{suffix}").unlink(missing_ok=True)


def write_environment(environments: Iterable[Mapping[str, str]]) -> None:
    """Write the versions that the numbers depend on besides configs, data and code."""
    texts = sorted(json.dumps(dict(environment), sort_keys=True) for environment in environments)
    write_text(ENVIRONMENT, json.dumps([json.loads(text) for text in texts], indent=2) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file."""
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def prune(keys: Iterable[str]) -> None:
    """Delete the files of studies and measurements other than these: the report depends on their folders.

    In `data/`, all of them; in `reports/`, those that `dvc.lock` lists: the others are the user's.
    """
    kept, recorded = set(keys), lock.digests(lock.read())
    for folder in (RESULTS, METRICS, CURVES, DIAGNOSTICS_FOLDER):
        for path in folder.glob("*"):
            ours = folder in (CURVES, DIAGNOSTICS_FOLDER) or path.as_posix() in recorded
            if ours and path.stem not in kept and path.name != ".gitignore" and not is_being_written(path):
                shutil.rmtree(path) if path.is_dir() else path.unlink()


def _write_folder(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write these files, given by name, then delete all others in the folder."""
    _make(folder)
    for name, content in files.items():
        write_bytes(folder / name, content)
    for path in folder.glob("*"):
        if path.name not in files and not is_being_written(path):
            path.unlink()


def _make(folder: Path) -> None:
    """Make a folder; if that fails, writing a file in it says why."""
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)


def _read_csv(path: Path, stage: str, text: Iterable[str]) -> pd.DataFrame:
    """Read a table that this stage left; the columns `text` are not parsed."""
    lock.check(path, stage)
    return pd.read_csv(path, dtype=dict.fromkeys(text, str), keep_default_na=False, na_values=[""])


def _csv(derived: pd.DataFrame) -> str:
    """Format derived numbers as CSV, rounded."""
    text: str = derived.to_csv(
        index=False, lineterminator="\n", float_format=lambda value: str(rounded(value, WRITTEN))
    )
    return text


def _write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays as npz, a zip archive of npy files, with the same bytes everywhere.

    `numpy.savez` marks every array as possibly larger than 4 GiB, which versions of Python 3.11 write differently, and
    the bytes of compressed arrays depend on the zlib.
    """
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # has a fixed date
            entry.file_size = array.nbytes  # decides whether the entry is marked as larger than 4 GiB
            with archive.open(entry, "w") as file:
                np.lib.format.write_array(file, array, allow_pickle=False)


def _read_arrays(path: Path, stage: str) -> dict[str, np.ndarray]:
    """Read the arrays that this stage left, without unpickling anything."""
    lock.check(path, stage)
    with np.load(path, allow_pickle=False) as archive:
        return dict(archive)
