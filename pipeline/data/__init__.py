"""One module a source, one shape: settings and seeds in, a `Dataset` out."""

from collections.abc import Sequence

from pipeline import params
from pipeline.artifacts import Dataset
from pipeline.data import images, linear, polynomial
from pipeline.seeding import Seed


def make(settings: params.Images | params.Polynomial | params.Linear, seeds: Sequence[Seed]) -> Dataset:
    """The data set that the settings describe.

    Raises:
        UserError: If raw files can not be had or are not what they should be.
    """
    match settings:
        case params.Images():
            return images.make(settings)
        case params.Polynomial():
            return polynomial.make(settings, seeds)
        case params.Linear():
            return linear.make(settings, seeds)
