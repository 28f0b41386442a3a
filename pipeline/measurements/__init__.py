"""What is measured without training a study: config in, a table of case, quantity, x and value out."""

import pandas as pd

from pipeline.core.seeding import Seed
from pipeline.measurements import activations, matrix_product, shift_detector
from pipeline.measurements.config import Activations, MatrixProduct, MeasurementConfig


def measure(config: MeasurementConfig, root: int) -> pd.DataFrame:
    """Measure a measurement: the rows of its table, `artifacts.MEASURED_COLUMNS`.

    Args:
        config: Of the measurement.
        root: Of all seeds; each repetition has the seed (root, repetition).
    """
    if isinstance(config, Activations):
        return activations.measure(config)
    seeds = [Seed(root, repetition) for repetition in range(config.repetitions)]
    if isinstance(config, MatrixProduct):
        return matrix_product.measure(config, seeds)
    return shift_detector.measure(config, seeds)
