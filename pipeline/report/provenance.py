"""Configs of the variants written out, and digests of what the numbers of a study depend on."""

import hashlib
import json
from dataclasses import dataclass

import pandas as pd

from pipeline.core.nested import flatten
from pipeline.project.labels import label
from pipeline.project.params import Params
from pipeline.project.variants import Study, Variant


@dataclass(frozen=True)
class Provenance:
    """Digests, each the first 12 hexadecimal digits of SHA-256; that of the code is among the diagnostics."""

    config: str  # of seeds, data set, base and study as written in `params.yaml`, without claims
    data: str  # of the examples of all seeds
    data_sets: int  # number of distinct data sets; 1 if all seeds see the same examples


def provenance(project: Params, study: Study, results: pd.DataFrame) -> Provenance:
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
        data=data[0] if len(data) == 1 else _digest("\n".join(data)),
        data_sets=len(data),
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def resolved(variant: Variant) -> dict[str, str]:
    """Return the complete config of a variant: dotted key to formatted value."""
    values = variant.config.model_dump(mode="json")
    # below the top level a choice is one value: `normal(std=0.01)`
    leaves = flatten(values, lambda dotted, value: "." in dotted and "name" in value)
    return {dotted: label(value) for dotted, value in leaves.items()}


def configs(study: Study) -> tuple[dict[str, str], pd.DataFrame]:
    """Return the part of the config that all variants share, by dotted key, and the part that differs.

    The second has one row per variant and one column per dotted key, "" where the variant does not have it.
    """
    ids = [variant.id for variant in study.variants]
    table = pd.DataFrame([resolved(variant) for variant in study.variants], index=ids).fillna("")
    varied = table.nunique() > 1
    return table.loc[ids[0], ~varied].to_dict(), table.loc[:, varied]


def differs(study: Study, id: str) -> str:
    """Return in words how a variant differs from its baseline: "model features 2, optimizer learning rate 0.1"."""
    variant = study.variant(id)
    baseline = resolved(study.variant(variant.baseline))
    return ", ".join(
        f"{' '.join(key.split('.')[-2:]).replace('_', ' ')} {value}"
        for key, value in resolved(variant).items()
        if baseline.get(key) != value
    )
