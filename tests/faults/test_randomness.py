"""Global random state is neither touched nor trusted by a whole project that is run."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML
from samples import BASE, ROOT, SMALL, laid_over, write_params

DROPPED = laid_over(
    BASE,
    {"model.hidden": [8, 8], "model.dropout": 0.5, "training.batch_size": 128, "training.epochs": 2},
)


def whole_project() -> dict[str, Any]:
    """Every source of data, every kind of measurement, both implementations, with dropout."""
    own = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")
    fewer = {"matrix_product.repetitions": 20, "matrix_product.factors": 10, "shift_detector.repetitions": 20}
    return laid_over(
        SMALL,
        {
            "seeds.count": 6,
            "datasets": {**own["datasets"], **SMALL["datasets"]},
            "measurements": laid_over(own["measurements"], fewer),
            "studies.activation": ...,
            "studies.dropout": {
                **SMALL["studies"]["activation"],
                "base": DROPPED,
                "grid": {"implementation": ["scratch", "concise"], "model": {"dropout": [0.0, 0.5]}},
                "baseline": {"implementation": "scratch", "model": {"dropout": 0.0}},
            },
        },
    )


PROGRAM = """
import hashlib, json, random, sys

import numpy as np
import rich.style  # draws a number when it is imported, by scikit-learn
import torch

from pipeline.project import params
from pipeline.stages import check, data, measure, report, train

number = int(sys.argv[1])
random.seed(number)
np.random.seed(number)
torch.manual_seed(number)


def states():
    # a list of numbers and a tensor of bytes
    arrays = np.random.get_state()
    kinds = {"random": random.getstate(), "numpy": (arrays[0], arrays[1].tolist(), *arrays[2:]),
             "torch": torch.get_rng_state().tolist()}
    return {kind: hashlib.sha256(repr(state).encode()).hexdigest() for kind, state in kinds.items()}


before, touched = states(), []
project = params.load()
steps = [(check, []), *((data, [key]) for key in project.datasets), *((measure, [key]) for key in project.measurements),
         *((train, [key]) for key in project.studies), (report, [])]
for stage, arguments in steps:
    stage.main(arguments)
    after = states()
    touched += [f"{stage.__name__} {' '.join(arguments)} {kind}" for kind in before if after[kind] != before[kind]]
    before = after
print(json.dumps({"steps": len(steps), "touched": touched}))
"""


def content(folder: Path) -> dict[str, bytes]:
    found = [path for top in ("data", "reports") for path in (folder / top).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


Found = tuple[list[dict[str, Any]], list[dict[str, bytes]]]


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """The project, run as two programs that begin with other global states, the seed of `hash` included."""
    folders = [tmp_path_factory.mktemp(f"seeded_{number}") for number in (1, 2)]
    programs = []
    for number, folder in enumerate(folders):
        write_params(folder, whole_project())
        own = {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": str(number), "ABLATE_STORE": "off"}
        programs.append(
            subprocess.Popen(
                [sys.executable, "-c", PROGRAM, str(number)],
                cwd=folder,
                env={**os.environ, **own, "DASK_SCHEDULER_ADDRESS": ""},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
    outputs = [program.communicate() for program in programs]
    assert [program.returncode for program in programs] == [0, 0], outputs
    return [json.loads(output.splitlines()[-1]) for output, _ in outputs], [content(folder) for folder in folders]


def test_a_whole_project_leaves_the_global_states_alone(twice, tally):
    said, _ = twice
    assert [one["touched"] for one in said] == [[], []]
    count = sum(3 * one["steps"] for one in said)
    tally("randomness", "global state after a stage", "as before", count)


def test_a_whole_project_gives_the_same_bytes_whatever_the_global_states(twice, tally):
    _, (first, second) = twice
    assert first.keys() == second.keys()
    assert [path for path in first if first[path] != second[path]] == []
    assert {"reports/results/dropout.csv", "reports/index.html", "data/label_shift.npz"} <= first.keys()
    # dropout was on, so that a generator was asked
    rows = first["reports/results/dropout.csv"].decode().splitlines()
    assert len(rows) == 1 + 4 * 6
    assert len({row.split(",", 3)[-1] for row in rows}) > 4 * 6 - 6
    tally("randomness", "global state seeded otherwise before", "same bytes", len(first))
