"""What holds for every kind of measurement."""

import subprocess
import sys

import pytest
from pydantic import TypeAdapter
from samples import ROOT, SMALL

from pipeline.measurements import MeasurementConfig
from pipeline.project import artifacts

BLOCKS = {
    "activations": {"functions": ["relu", "tanh"], "low": -1.0, "high": 1.0, "points": 5},
    "matrix_product": {"size": 3, "factors": 4, "repetitions": 6},
    "shift_detector": {"inputs": 2, "examples": 10, "shifts": [0.0, 1.0], "alpha": 0.05, "repetitions": 3},
}


@pytest.mark.parametrize("kind", BLOCKS)
def test_a_root_decides_a_table_of_known_columns(kind):
    config = TypeAdapter(MeasurementConfig).validate_python({"kind": kind, **BLOCKS[kind]})
    measured = config.measure(0)
    assert list(measured.columns) == artifacts.MEASURED_COLUMNS
    assert measured.equals(config.measure(0))
    assert measured.equals(config.measure(1)) == (kind == "activations")


MISTAKES = {
    "unknown kind": ({"m.kind": "sum"}, "m.kind: found 'sum', allowed: activations, matrix_product, shift_detector"),
    "out of range": ({"m.repetitions": 1}, "m.repetitions: found 1, allowed: greater than or equal to 2"),
    "twice": ({"m": {"kind": "activations", **BLOCKS["activations"], "functions": ["elu"] * 2}}, "m.functions: found"),
    "alike": ({"m": {"kind": "shift_detector", **BLOCKS["shift_detector"], "shifts": [1.0] * 2}}, "m.shifts: found"),
    "id of a study": ({"activation": SMALL["measurements"]["product"]}, "activation: found the id of a study"),
    "descending": ({"m": {"kind": "activations", **BLOCKS["activations"], "low": 1.0}}, "m.high: found 1.0, allowed"),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_a_mistake_is_refused_by_its_key(case, refused):
    changes, message = MISTAKES[case]
    block = {"measurements.m": {"kind": "matrix_product", **BLOCKS["matrix_product"]}}
    lines = refused(block | {f"measurements.{key}": value for key, value in changes.items()})
    assert any(f"measurements.{message}" in line for line in lines), lines


def test_params_are_read_without_heavy_packages():
    """Only measurements, tables and pages need them."""
    program = "import sys; from pipeline.project import params; params.load(); print(*sys.modules)"
    command = [sys.executable, "-c", program]
    imported = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert not {"scipy", "sklearn", "pandas", "polars", "numba", "torch", "matplotlib"} & set(imported)
