"""States of a project with known results, without a repository."""

import copy
import functools
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from samples import SMALL, laid_over

from ablate.revisions import Revision
from pipeline.project import params
from pipeline.project.params import Params

BASES = {
    name: SMALL["studies"][study]["base"] for name, study in (("images", "activation"), ("linear", "weight_decay"))
}


def results(
    values: Mapping[str, Sequence[float]], metric: str = "test_accuracy", root: int = 0, data: str | None = "fixed"
) -> pd.DataFrame:
    """Return one row per run; a value that is not finite is a diverged run. `data=None`: other examples per seed."""
    rows = [
        {
            "variant": variant,
            "seed_root": root,
            "seed_index": index,
            "fold": 0,
            "data": data or f"{root}/{index}",
            "status": "finished" if np.isfinite(value) else "diverged",
            metric: value,
        }
        for variant, outcomes in values.items()
        for index, value in enumerate(outcomes)
    ]
    return pd.DataFrame(rows)


def revision(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    metrics: Mapping[str, str] | None = None,
    changes: Mapping[str, Any] | None = None,
    dataset: str = "images",
) -> Revision:
    """Return a state with these results, one study per table, and `changes` at dotted keys of `params.yaml`."""
    studies = {
        key: {
            "question": "?",
            "dataset": dataset,
            "metric": (metrics or {}).get(key, "test_accuracy"),
            "base": copy.deepcopy(BASES[dataset]),
            "variants": {"a": {}, "b": {"optimizer": {"learning_rate": 0.2}}},
            "baseline": "a",
        }
        for key in tables
    }
    written = laid_over({**SMALL, "seeds": {"root": 0, "count": 10}, "studies": studies}, changes or {})
    return Revision(name, checked(json.dumps(written)), "", dict(tables), {}, [{"numba": "1", "numpy": "2.4.6"}])


@functools.cache
def checked(text: str) -> Params:
    return params.parse(text.encode(), "params.yaml")
