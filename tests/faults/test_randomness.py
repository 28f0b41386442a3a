"""A whole project neither reads nor changes the global random generators."""

import random
from typing import Any

import numpy as np
import rich.style  # noqa: F401  # draws a number when it is imported
import torch
from faults.whole import run
from ruamel.yaml import YAML
from samples import ROOT, SMALL, Project, laid_over, write_params


def whole_project() -> dict[str, Any]:
    """Return params with every data source, every kind of measurement and both implementations, with dropout."""
    own = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    fewer = {"matrix_product.repetitions": 20, "matrix_product.factors": 10, "shift_detector.repetitions": 20}
    return laid_over(
        SMALL,
        {
            "seeds.count": 6,
            "datasets": {**own["datasets"], **SMALL["datasets"]},
            "measurements": laid_over(own["measurements"], fewer),
            "studies.activation.base.model.dropout": 0.5,
            "studies.activation.grid": {"implementation": ["scratch", "concise"], "model": {"dropout": [0.0, 0.5]}},
            "studies.activation.baseline": {"implementation": "scratch", "model": {"dropout": 0.0}},
        },
    )


def states() -> tuple[object, ...]:
    name, numbers, *rest = np.random.get_state()  # noqa: NPY002  # the global generator is what is looked at
    return random.getstate(), name, numbers.tolist(), rest, torch.get_rng_state().tolist()


def test_global_generators_are_neither_read_nor_changed(tmp_path, monkeypatch, tally):
    outcomes = []
    for seed in (1, 2):
        folder = tmp_path / str(seed)
        folder.mkdir()
        monkeypatch.chdir(folder)
        write_params(folder, whole_project())
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        torch.manual_seed(seed)
        before = states()
        run()
        assert states() == before
        outcomes.append(Project(folder).files())
    first, second = outcomes
    assert first == second
    assert {"reports/results/activation.csv", "reports/index.html", "data/label_shift.npz"} <= first.keys()
    # dropout was on, so that a generator was asked
    rows = first["reports/results/activation.csv"].decode().splitlines()
    assert len({row.split(",", 3)[-1] for row in rows}) > 3 * 6
    tally("randomness", "global state before and after", "same bytes, same state", len(first))
