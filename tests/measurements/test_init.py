import pytest

from pipeline import measurements
from pipeline.measurements.config import Activations, MatrixProduct, ShiftDetector
from pipeline.project import artifacts

SETTINGS = [
    Activations(kind="activations", functions=("relu", "tanh"), low=-1.0, high=1.0, points=5),
    MatrixProduct(kind="matrix_product", size=3, factors=4, repetitions=6),
    ShiftDetector(kind="shift_detector", inputs=2, examples=10, shifts=(0.0, 1.0), alpha=0.05, repetitions=3),
]


@pytest.mark.parametrize("config", SETTINGS, ids=lambda config: config.kind)
def test_every_kind_of_probe_gives_rows_of_one_shape_and_the_same_ones_again(config):
    first, second = measurements.measure(config, 0), measurements.measure(config, 0)
    assert list(first.columns) == artifacts.MEASURED_COLUMNS
    assert len(first)
    assert first.equals(second)


@pytest.mark.parametrize("config", SETTINGS[1:], ids=lambda config: config.kind)
def test_another_root_gives_other_numbers(config):
    assert not measurements.measure(config, 0).equals(measurements.measure(config, 1))
