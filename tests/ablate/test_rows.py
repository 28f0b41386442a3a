from types import SimpleNamespace

import numpy as np
import pandas as pd

from ablate import rows
from pipeline.project.metrics import METRICS

ROW = {
    "effect": 0.8,
    "effect_low": 0.7,
    "effect_high": 0.9,
    "p_adjusted": 0.0123,
    "wins": 0.9,
    "verdict": "better",
    "note": "",
    "identical": False,
}


def cells(**changes):
    return rows.evidence(SimpleNamespace(**{**ROW, **changes}), METRICS["test_loss"])


def test_a_row_has_a_cell_for_each_heading():
    assert dict(zip(rows.HEADER, cells(), strict=True)) == {
        "effect": "× 0.800",
        "95 % interval": "[0.700, 0.900]",
        "p, adjusted": "0.012",
        "wins": "90 %",
        "verdict": "better",
        "note": "",
    }


def test_what_is_undefined_is_left_empty():
    nothing = dict.fromkeys(("effect", "effect_low", "effect_high", "p_adjusted", "wins"), np.nan)
    assert cells(**nothing, verdict="not comparable", note="only in main") == [
        "",
        "",
        "",
        "",
        "not comparable",
        "only in main",
    ]


def test_pairs_that_are_all_equal_have_no_winner():
    assert cells(identical=True, wins=0.0)[3] == ""


def test_records_keep_every_digit_and_null_what_is_undefined():
    table = pd.DataFrame({"a": [0.1 + 0.2, np.nan], "n": [1, 2], "ok": [True, False], "text": ["x", None]})
    assert rows.records(table) == [
        {"a": 0.1 + 0.2, "n": 1, "ok": True, "text": "x"},
        {"a": None, "n": 2, "ok": False, "text": None},
    ]


def test_directions_are_said():
    assert rows.direction(METRICS["test_accuracy"]) == "test accuracy, higher is better"
    assert rows.direction(METRICS["weight_norm"]) == "norm of all weights, neither way is better"
