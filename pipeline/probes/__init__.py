"""What is measured without training a study: settings in, a table of case, quantity, x and value out."""

import pandas as pd
from threadpoolctl import threadpool_limits

from pipeline.project.seeding import Seed
from pipeline.project.settings.probes import Activations, MatrixProduct, ProbeSettings


def measure(settings: ProbeSettings, root: int) -> pd.DataFrame:
    """The rows that the probe has to say, `artifacts.MEASURED_COLUMNS`.

    Args:
        settings: Of the probe.
        root: Of all seeds; each repetition has the seed (root, repetition).
    """
    # each probe alone pays for the libraries that it needs; several threads would add up in another order
    with threadpool_limits(limits=1):
        if isinstance(settings, Activations):
            from pipeline.probes import activations

            return activations.measure(settings)
        seeds = [Seed(root, repetition) for repetition in range(settings.repetitions)]
        if isinstance(settings, MatrixProduct):
            from pipeline.probes import matrix_product

            return matrix_product.measure(settings, seeds)
        from pipeline.probes import shift_detector

        return shift_detector.measure(settings, seeds)
