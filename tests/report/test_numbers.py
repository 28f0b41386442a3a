import pytest

from pipeline.project.metrics import METRICS
from pipeline.report import numbers

LOSS, ACCURACY, NORM = METRICS["test_loss"], METRICS["test_accuracy"], METRICS["weight_norm"]


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.91234, ACCURACY, "91.2 %"),
        (1.0, ACCURACY, "100.0 %"),
        (0.0123456, LOSS, "0.0123"),
        (0.00012345, LOSS, "0.000123"),
        (1.2345e-9, LOSS, "1.23e-09"),
        (12345.678, NORM, "12346"),
        (1.5e22, LOSS, "1.50e+22"),
        (0.0, NORM, "0"),
        (float("nan"), LOSS, "–"),
    ],
)
def test_numbers_have_three_significant_digits(value, metric, text):
    assert numbers.number(value, metric) == text


@pytest.mark.parametrize(
    ("value", "metric", "text"),
    [
        (0.5, LOSS, "× 0.500"),
        (-0.012, ACCURACY, "−1.20 points"),
        (1.0000123, LOSS, "× 1.00001"),
        (-0.00012, None, "−0.00012"),
        (0.25, METRICS["loss_gap"], "+0.25"),
        (0.012, ACCURACY, "+1.20 points"),
        (float("nan"), LOSS, "–"),
    ],
)
def test_effects_are_factors_or_points(value, metric, text):
    assert numbers.effect(value, metric) == text


def test_an_undefined_interval_is_left_out():
    assert numbers.interval(float("nan"), float("nan"), LOSS) == ""


@pytest.mark.parametrize(
    ("low", "high", "metric", "text"),
    [
        (0.4, 0.6, LOSS, "[0.400, 0.600]"),
        (-0.012, 0.01, ACCURACY, "[−1.20, +1.00]"),
        (-0.012, 0.01, METRICS["loss_gap"], "[−0.012, +0.01]"),
        (float("nan"), float("nan"), LOSS, ""),
    ],
)
def test_the_unit_of_an_interval_stands_beside_the_effect(low, high, metric, text):
    assert numbers.effect_interval(low, high, metric) == text


@pytest.mark.parametrize(
    ("p", "text"), [(0.03217, "0.032"), (1.0, "1"), (0.00012, "0.00012"), (0.00001, "< 0.0001"), (float("nan"), "–")]
)
def test_p_has_two_digits(p, text):
    assert numbers.p_value(p) == text


def test_published_numbers_have_four_digits():
    assert (numbers.digits(0.123456), numbers.digits(0.123456, 2), numbers.digits(float("nan"))) == (
        "0.1235",
        "0.12",
        "–",
    )
