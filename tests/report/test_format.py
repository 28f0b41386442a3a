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
        ("effect", (-0.00012, None), "−0.000120"),
        ("effect", (NAN, LOSS), "–"),
        ("effect_with_interval", (NAN, -0.012, 0.01, GAP), ("–", "[−0.0120, +0.0100]")),
        ("effect_with_interval", (NAN, NAN, NAN, LOSS), ("–", "")),
        # if all pairs are equal there is no interval
        ("interval", (0.5, 0.5, ACCURACY), "all equal"),
        ("effect_with_interval", (1.0, 1.0, 1.0, LOSS), ("× 1.00", "all equal")),
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


@pytest.mark.parametrize(
    ("metric", "numbers", "texts"),
    [
        # as many decimals for the effect as for its interval
        (GAP, (0.25, 0.2412, 0.2561), ("+0.250", "[+0.241, +0.256]")),
        (GAP, (-0.00036, -0.00102, 0.000307), ("−0.00036", "[−0.00102, +0.00031]")),
        (GAP, (0.0, -0.1, 0.1), ("0.000", "[−0.100, +0.100]")),
        (GAP, (1234.5, 1200.0, 1300.0), ("+1234", "[+1200, +1300]")),
        (GAP, (-2e-7, -3e-7, 1e-9), ("−2.00e−07", "[−3.00e−07, +1.00e−09]")),
        (LOSS, (0.000154, 0.000134, 0.000177), ("× 0.000154", "[0.000134, 0.000177]")),
        (LOSS, (1.05, 0.9923, 1.11), ("× 1.05", "[0.99, 1.11]")),
        (LOSS, (133.0, 79.3, 223.0), ("× 133", "[79, 223]")),
        (LOSS, (0.9953, 0.71, 1.39), ("× 0.995", "[0.710, 1.390]")),
        (LOSS, (2.0, 0.1, 30.0), ("× 2.00", "[0.100, 30.0]")),
        (LOSS, (0.0, 0.0, 2.0), ("× 0", "[0, 2.00]")),
        # more if one would seem to be no effect, or the interval to have no width
        (ACCURACY, (-0.00001, -0.00012, 0.0001), ("−0.001 points", "[−0.012, +0.010]")),
        (ACCURACY, (0.01, -0.00002, 0.02), ("+1.000 points", "[−0.002, +2.000]")),
        (ACCURACY, (0.183512, 0.183508, 0.183516), ("+18.3512 points", "[+18.3508, +18.3516]")),
        (LOSS, (1.00123, 1.0004, 1.0021), ("× 1.0012", "[1.0004, 1.0021]")),
        # no sign of what is rounded to 0
        (ACCURACY, (0.0, 0.0, 0.0), ("0.00 points", "all equal")),
        (ACCURACY, (-1e-17, -0.01, 0.01), ("0.00 points", "[−1.00, +1.00]")),
        (ACCURACY, (-1e-17, NAN, NAN), ("0.00 points", "")),
        (ACCURACY, (0.00001, NAN, NAN), ("+0.001 points", "")),
    ],
)
def test_an_effect_and_its_interval_share_decimals(metric, numbers, texts):
    assert format.effect_with_interval(*numbers, metric) == texts


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.0 %"), (-1e-17, "0.0 %"), (-0.0003, "-0.03 %"), (0.0003, "0.03 %"), (-0.25, "-25.0 %")]
)
def test_a_share_that_is_not_0_is_not_printed_as_0(value, text):
    assert format.number(value, ACCURACY) == text
