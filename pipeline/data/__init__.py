"""One module a source, one shape: settings and seeds in, a `Dataset` out."""

from collections.abc import Sequence

from pipeline.artifacts import Dataset
from pipeline.data import images, linear, polynomial
from pipeline.seeding import Seed
from pipeline.settings import DatasetSettings, Images, Linear, Polynomial


def make(settings: DatasetSettings, seeds: Sequence[Seed]) -> Dataset:
    """The data set that the settings describe.

    Raises:
        UserError: If raw files can not be had or are not what they should be.
    """
    match settings:
        case Images():
            return images.make(settings)
        case Polynomial():
            return polynomial.make(settings, seeds)
        case Linear():
            return linear.make(settings, seeds)
