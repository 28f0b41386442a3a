"""Measurements without training, one module each. A new kind is added to `MeasurementConfig`."""

from typing import Annotated

from pydantic import Discriminator

from pipeline.measurements.activations import Activations
from pipeline.measurements.matrix_product import MatrixProduct
from pipeline.measurements.shift_detector import ShiftDetector

MeasurementConfig = Annotated[Activations | MatrixProduct | ShiftDetector, Discriminator("kind")]
