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
        ("amount", (0.0, 0.0, 0.5, LOSS), ("a factor of inf", "[2.00, inf]")),
        ("p_value", (NAN,), "–"),
        ("digits", (0.123456, 2), "0.12"),
    ],
)
def test_numbers_as_text(function, arguments, text):
    assert getattr(format, function)(*arguments) == text
