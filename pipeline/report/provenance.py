"""What the numbers of a study come from: configs written out, and digests that tell whether two are the same."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.project.artifacts import Diagnostics
from pipeline.project.params import Params
from pipeline.project.variants import Study, Variant, label


@dataclass(frozen=True)
class Provenance:
    """Digests, the first 12 hexadecimal digits of SHA-256 each.

    Attributes:
        configs: Of seeds, data set and study as `params.yaml` has them, as JSON with sorted keys.
        code: Of the modules that compute the numbers, as they were when the study was trained.
        data: Of the examples of all seeds.
        data_sets: How many of them differ: 1 where all seeds see the same examples.
        environment: Versions of the libraries that compute.
    """

    configs: str
    code: str
    data: str
    data_sets: int
    environment: Mapping[str, str]


def provenance(project: Params, study: Study, results: pd.DataFrame, diagnostics: Diagnostics) -> Provenance:
    """Of a study; `results` one row a run."""
    written = project.written
    own = {
        "seeds": written["seeds"],
        "dataset": written["datasets"][study.dataset],
        "study": written["studies"][study.id],
    }
    data = sorted(set(results["data"]))
    return Provenance(
        configs=_digest([json.dumps(own, sort_keys=True)]),
        code=diagnostics.code,
        data=data[0] if len(data) == 1 else _digest(data),
        data_sets=len(data),
        environment=diagnostics.environment,
    )


def _digest(words: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:12]


def configs(variant: Variant) -> dict[str, str]:
    """The whole config of a variant, dotted key to value as a user reads it."""
    dumped = variant.config.model_dump(mode="json")
    found: dict[str, str] = {}
    for block, values in dumped.items():
        found |= _flat(block, values) if isinstance(values, Mapping) else {block: label(values)}
    return found


def _flat(block: str, values: Mapping[str, Any]) -> dict[str, str]:
    found: dict[str, str] = {}
    # its name before what it has
    for key, value in sorted(values.items(), key=lambda item: item[0] != "name"):
        # a choice is one value: `normal(std=0.01)`
        deeper = isinstance(value, Mapping) and "name" not in value
        found |= _flat(f"{block}.{key}", value) if deeper else {f"{block}.{key}": label(value)}
    return found


def shared(study: Study) -> dict[str, str]:
    """The configs that all variants of a study have in common, dotted key to value."""
    every = [configs(variant) for variant in study.variants]
    return {key: value for key, value in every[0].items() if all(other.get(key) == value for other in every)}


def differing(study: Study) -> pd.DataFrame:
    """The configs in which the variants differ: a row a variant, by its id, a column a dotted key; empty: has none."""
    common = shared(study)
    rows = {variant.id: configs(variant) for variant in study.variants}
    keys = dict.fromkeys(key for row in rows.values() for key in row if key not in common)
    return pd.DataFrame(
        [[row.get(key, "") for key in keys] for row in rows.values()], index=list(rows), columns=list(keys)
    )


def differs(study: Study, id: str) -> str:
    """In what a named variant differs from the baseline: "model features 2, optimizer learning rate 0.1"."""
    variant = study.variant(id)
    own, other = configs(variant), configs(study.variant(variant.baseline))
    return ", ".join(
        f"{' '.join(key.split('.')[-2:]).replace('_', ' ')} {value}"
        for key, value in own.items()
        if other.get(key) != value
    )
