import pytest

from pipeline.project.metrics import METRICS
from pipeline.report import format

LOSS, ACCURACY, NORM, GAP = (METRICS[name] for name in ("test_loss", "test_accuracy", "weight_norm", "loss_gap"))
NAN = float("nan")


@pytest.mark.parametrize(
    ("function", "arguments", "text"),
    [
        # three significant digits, accuracies in percent
        ("number", (1.0, ACCURACY), "100.0 %"),
        ("number", (0.00012345, LOSS), "0.000123"),
        ("number", (1.2345e-9, LOSS), "1.23e-09"),
        ("number", (12345.678, NORM), "12346"),
        ("number", (1.5e22, LOSS), "1.50e+22"),
        ("number", (NAN, LOSS), "–"),
        ("interval", (0.5, 0.75, ACCURACY), "[50.0 %, 75.0 %]"),
        ("interval", (NAN, NAN, LOSS), ""),
        # ratios, points or differences
        ("effect", (1.0000123, LOSS), "× 1.00001"),
        ("effect", (1.0, LOSS), "× 1.00"),
        ("effect", (-0.00012, None), "−0.00012"),
        ("effect", (NAN, LOSS), "–"),
        ("effect_interval", (-0.012, 0.01, GAP), "[−0.012, +0.01]"),
        ("effect_interval", (NAN, NAN, LOSS), ""),
        # if all pairs are equal there is no interval
        ("interval", (0.5, 0.5, ACCURACY), "all equal"),
        ("effect_interval", (1.0, 1.0, LOSS), "all equal"),
        # both directions of an effect
        ("size", (0.8, LOSS), "× 0.800 or × 1.25"),
        ("size", (-0.012, ACCURACY), "± 1.20 points"),
        ("size", (0.02, GAP), "± 0.02"),
        ("within", (1.001, LOSS), "× 0.99900 to × 1.00100"),
        ("within", (0.02, GAP), "± 0.02"),
        # runs that a number rests on
        ("count", (10, 0), "10"),
        ("count", (10, 10), "0 of 10"),
        # only the test accuracy counts test examples
        ("points_in_examples", (ACCURACY, 10000), "1 point is 100 of 10,000 test examples"),
        ("points_in_examples", (METRICS["train_accuracy"], 360), ""),
        ("points_in_examples", (METRICS["accuracy_gap"], 360), ""),
        ("points_in_examples", (LOSS, 360), ""),
        ("p_value", (NAN,), "–"),
        ("digits", (0.123456, 2), "0.12"),
    ],
)
def test_numbers_as_text(function, arguments, text):
    assert getattr(format, function)(*arguments) == text
