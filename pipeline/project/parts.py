"""The part of `params.yaml` that a stage depends on: `check` writes it as a file, the stage reads it.

A stage of DVC that lists parameters copies their values into `dvc.lock`, which DVC reads and writes at every stage, and
runs again after an edit of a text. A part leaves out what only the report reads, such as the question and the claims
(docs/decisions/0028).

    data/configs/data/<dataset>.json      seeds, datasets.<dataset>
    data/configs/measure/<id>.json        seeds.root, measurements.<id>
    data/configs/train/<study>.json       seeds, base, the data set of the study, studies.<study> without its texts
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pipeline.core.config import Id
from pipeline.core.errors import UserError
from pipeline.core.seeding import Seed
from pipeline.data import DatasetConfig
from pipeline.measurements import MeasurementConfig
from pipeline.project import lock
from pipeline.project.schema import SeedConfig, StudyConfig
from pipeline.project.variants import Study, expand

FOLDER = Path("data/configs")
STAGES = {"data": "datasets", "measure": "measurements", "train": "studies"}  # section of params.yaml with their ids

_ONLY_REPORTED = ("question", "asks", "margin", "caveat", "claims", "simplest")


class _Part(BaseModel):
    seeds: SeedConfig
    base: dict[str, Any] = {}
    datasets: dict[Id, DatasetConfig] = {}
    measurements: dict[Id, MeasurementConfig] = {}
    studies: dict[Id, dict[str, Any]] = {}


def path_of(stage: str) -> Path:
    """Return the file with the part of a stage.

    >>> path_of("train@dropout").as_posix()
    'data/configs/train/dropout.json'
    """
    kind, _, key = stage.partition("@")
    return FOLDER / kind / f"{key}.json"


def text_of(stage: str, written: Mapping[str, Any]) -> str:
    """Return the part of a stage as JSON, given the values of a valid `params.yaml`."""
    kind, _, key = stage.partition("@")
    section = STAGES[kind]
    values = {"seeds": written["seeds"], section: {key: written[section][key]}}
    if kind == "measure":
        values["seeds"] = {"root": written["seeds"]["root"], "count": 1}  # a measurement has no other seeds
    if kind == "train":
        study = {name: value for name, value in written["studies"][key].items() if name not in _ONLY_REPORTED}
        datasets = {study["dataset"]: written["datasets"][study["dataset"]]}
        values |= {"base": written["base"], "datasets": datasets, "studies": {key: study}}
    return json.dumps(values, indent=1) + "\n"


def keys(kind: str) -> list[str]:
    """Return the ids for which `check` has left a part: of data sets, measurements or studies."""
    ids = sorted(path.stem for path in (FOLDER / kind).glob("*.json"))
    if not ids:
        raise UserError(f"{FOLDER / kind}: missing; `dvc repro check` writes it")
    return ids


def read_dataset(key: str) -> tuple[DatasetConfig, tuple[Seed, ...]]:
    """Return the config of a data set, and the seeds of the runs on it."""
    part = _read(f"data@{key}")
    dataset = part.datasets[key]
    return dataset, part.seeds.seeds(dataset.seeds)


def read_measurement(key: str) -> tuple[MeasurementConfig, int]:
    """Return the config of a measurement, and the root of its random numbers."""
    part = _read(f"measure@{key}")
    return part.measurements[key], part.seeds.root


def read_study(key: str) -> tuple[Study, tuple[Seed, ...]]:
    """Return a study, without what only the report reads, and its seeds."""
    part = _read(f"train@{key}")
    (dataset,) = part.datasets.values()
    config = StudyConfig.model_validate(part.studies[key] | {"question": key})
    study = expand(key, config, {"base": part.base}, part.datasets, str(path_of(f"train@{key}")))
    return study, part.seeds.seeds(study.seeds, dataset.seeds)


def _read(stage: str) -> _Part:
    lock.check_folder(FOLDER, "check")
    return _Part.model_validate_json(path_of(stage).read_bytes())
