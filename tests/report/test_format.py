from types import SimpleNamespace

import pytest

from pipeline.project.metrics import METRICS
from pipeline.report import format

LOSS, ACCURACY, NORM, GAP = (METRICS[name] for name in ("test_loss", "test_accuracy", "weight_norm", "loss_gap"))
NAN = float("nan")


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        # three significant digits, accuracies in percent
        ("number", (0.91234, ACCURACY), "91.2 %"),
        ("number", (1.0, ACCURACY), "100.0 %"),
        ("number", (0.00012345, LOSS), "0.000123"),
        ("number", (1.2345e-9, LOSS), "1.23e-09"),
        ("number", (12345.678, NORM), "12346"),
        ("number", (1.5e22, LOSS), "1.50e+22"),
        ("number", (0.0, NORM), "0"),
        ("number", (NAN, LOSS), "–"),
        ("number", (NAN, ACCURACY), "–"),
        ("interval", (0.5, 0.75, ACCURACY), "[50.0 %, 75.0 %]"),
        ("interval", (NAN, NAN, LOSS), ""),
        # ratios, points or differences
        ("effect", (1.0000123, LOSS), "× 1.00001"),
        ("effect", (1.0, LOSS), "× 1.00"),
        ("effect", (-0.00012, None), "−0.00012"),
        ("effect", (0.25, GAP), "+0.25"),
        ("effect", (0.012, ACCURACY), "+1.20 points"),
        ("effect", (NAN, LOSS), "–"),
        ("effect_interval", (-0.012, 0.01, GAP), "[−0.012, +0.01]"),
        ("effect_interval", (NAN, NAN, LOSS), ""),
        ("amount", (0.0, 0.0, 0.5, LOSS), ("a factor of inf", "[2.00, inf]")),
        ("p_value", (0.00012,), "0.00012"),
        ("p_value", (NAN,), "–"),
        ("digits", (0.123456,), "0.1235"),
        ("digits", (0.123456, 2), "0.12"),
        ("digits", (NAN,), "–"),
    ],
)
def test_numbers_as_text(function, arguments, text):
    assert getattr(format, function)(*arguments) == text


ROW = {"estimate": 0.5, "low": 0.4, "high": 0.6, "effect": 0.8, "effect_low": 0.7, "effect_high": 0.9}
ROW |= {"p_adjusted": 0.0123, "win_rate": 0.9, "identical": False, "verdict": "better", "note": ""}


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({}, ["0.500", "[0.400, 0.600]", "× 0.800", "[0.700, 0.900]", "0.012", "90 %", "better", ""]),
        (
            {"identical": True, "win_rate": 0.0},
            ["0.500", "[0.400, 0.600]", "× 0.800", "[0.700, 0.900]", "0.012", "", "better", ""],
        ),
        (
            dict.fromkeys(list(ROW)[:8], NAN) | {"verdict": "not comparable", "note": "only in main"},
            ["", "", "", "", "", "", "not comparable", "only in main"],
        ),
    ],
)
def test_a_row_has_a_cell_for_each_quantity_and_undefined_ones_are_empty(changes, texts):
    cells = format.cells(SimpleNamespace(**{**ROW, **changes}), LOSS)
    assert list(cells) == ["estimate", "interval", "effect", "effect_interval", "p", "wins", "verdict", "note"]
    assert list(cells.values()) == texts
