"""Configs of the variants written out, and digests of what the numbers of a study depend on."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from pipeline.project.artifacts import Diagnostics
from pipeline.project.params import Params
from pipeline.project.variants import Study, Variant, label


@dataclass(frozen=True)
class Provenance:
    """Digests, each the first 12 hexadecimal digits of SHA-256.

    Attributes:
        config: Digest of seeds, data set, base and study as written in `params.yaml`, without claims.
        code: Digest of the modules that computed the numbers, taken when the study was trained.
        data: Digest of the examples of all seeds.
        data_sets: Number of distinct data sets; 1 if all seeds see the same examples.
        environment: Versions of the libraries that compute.
    """

    config: str
    code: str
    data: str
    data_sets: int
    environment: Mapping[str, str]


def provenance(project: Params, study: Study, results: pd.DataFrame, diagnostics: Diagnostics) -> Provenance:
    """Return the provenance of a study; `results` has one row per run."""
    written = project.written
    config = {
        "seeds": written["seeds"],
        "dataset": written["datasets"][study.dataset],
        "base": written["base"],
        "study": {key: value for key, value in written["studies"][study.id].items() if key != "claims"},
    }
    data = sorted(set(results["data"]))
    return Provenance(
        config=_digest(json.dumps(config, sort_keys=True)),
        code=diagnostics.code,
        data=data[0] if len(data) == 1 else _digest("\n".join(data)),
        data_sets=len(data),
        environment=diagnostics.environment,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def resolved(variant: Variant) -> dict[str, str]:
    """Return the complete config of a variant: dotted key to formatted value."""
    return dict(_leaves(variant.config.model_dump(mode="json")))


def _leaves(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    # the name of a choice before its options
    for key, value in sorted(values.items(), key=lambda item: item[0] != "name"):
        # below the top level a choice is one value: `normal(std=0.01)`
        if isinstance(value, Mapping) and not (prefix and "name" in value):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", label(value)


def shared(study: Study) -> dict[str, str]:
    """Return the part of the config that all variants of a study share."""
    first, *others = [resolved(variant) for variant in study.variants]
    return {key: value for key, value in first.items() if all(other.get(key) == value for other in others)}


def differing(study: Study) -> pd.DataFrame:
    """Return the part of the config that differs: one row per variant, one column per dotted key, "" if it has none."""
    common = shared(study)
    rows = [resolved(variant) for variant in study.variants]
    keys = list(dict.fromkeys(key for row in rows for key in row if key not in common))
    ids = [variant.id for variant in study.variants]
    return pd.DataFrame([[row.get(key, "") for key in keys] for row in rows], index=ids, columns=keys)


def differs(study: Study, id: str) -> str:
    """Return in words how a variant differs from its baseline: "model features 2, optimizer learning rate 0.1"."""
    variant = study.variant(id)
    baseline = resolved(study.variant(variant.baseline))
    return ", ".join(
        f"{' '.join(key.split('.')[-2:]).replace('_', ' ')} {value}"
        for key, value in resolved(variant).items()
        if baseline.get(key) != value
    )
