"""Two states of a project without a repository: studies whose results are known."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from pipeline.analysis.comparison import Revision

JUDGING = {"alpha": 0.05, "margins": {"test_accuracy": 0.005, "test_loss": 1.05}}
DATASETS = {
    "images": {"source": "digits", "scale": "unit"},
    "linear": {"source": "linear", "train_examples": 20, "test_examples": 100, "seeds": 10},
}


def results(
    values: Mapping[str, Sequence[float]], metric: str = "test_accuracy", root: int = 0, data: str | None = "fixed"
) -> pd.DataFrame:
    """One row a run; a value that is not a number is a run that diverged. `data=None`: drawn by seed."""
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
        for variant, each in values.items()
        for index, value in enumerate(each)
    ]
    return pd.DataFrame(rows)


def revision(
    name: str,
    tables: Mapping[str, pd.DataFrame],
    metrics: Mapping[str, str] | None = None,
    dataset: str = "images",
    **params: Any,
) -> Revision:
    """A state of a project with these results; `params` replace sections of `params.yaml`."""
    judged = {key: (metrics or {}).get(key, "test_accuracy") for key in tables}
    studies = {key: {"question": "?", "dataset": dataset, "metric": metric} for key, metric in judged.items()}
    written = {"seeds": {"root": 0, "count": 10}, "judging": JUDGING, "datasets": DATASETS, "studies": studies}
    return Revision(name, {**written, **params}, dict(tables), {}, [{"numba": "1", "numpy": "2.4.6"}])
