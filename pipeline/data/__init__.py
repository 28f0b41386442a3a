"""Data sources, one module each: a config class that makes its data set. A new source is added to `DatasetConfig`."""

from typing import Annotated

from pydantic import Discriminator

from pipeline.data.images import Images
from pipeline.data.linear import Linear
from pipeline.data.polynomial import Polynomial
from pipeline.data.shift import ConceptShift, CovariateShift, LabelShift
from pipeline.data.table import Table

DatasetConfig = Annotated[
    Images | Polynomial | Linear | CovariateShift | LabelShift | ConceptShift | Table, Discriminator("source")
]
