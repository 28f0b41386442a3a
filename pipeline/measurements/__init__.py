"""Measurements without training. Each kind is one module, whose config measures itself; register it in the union."""

from typing import Annotated

from pydantic import Discriminator

from pipeline.measurements.activations import Activations
from pipeline.measurements.matrix_product import MatrixProduct
from pipeline.measurements.shift_detector import ShiftDetector

MeasurementConfig = Annotated[Activations | MatrixProduct | ShiftDetector, Discriminator("kind")]
