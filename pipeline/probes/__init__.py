"""What is measured without training a study: settings in, a table of case, quantity, x and value out."""

import pandas as pd

from pipeline.probes import activations, matrix_product, shift_detector
from pipeline.project.seeding import Seed
from pipeline.project.settings.probes import Activations, MatrixProduct, ProbeSettings


def measure(settings: ProbeSettings, root: int) -> pd.DataFrame:
    """Measure a probe: the rows of its table, `artifacts.MEASURED_COLUMNS`.

    Args:
        settings: Of the probe.
        root: Of all seeds; each repetition has the seed (root, repetition).
    """
    if isinstance(settings, Activations):
        return activations.measure(settings)
    seeds = [Seed(root, repetition) for repetition in range(settings.repetitions)]
    if isinstance(settings, MatrixProduct):
        return matrix_product.measure(settings, seeds)
    return shift_detector.measure(settings, seeds)
