"""One module per source, one shape: settings and seeds in, a `Dataset` out."""

from collections.abc import Sequence

from pipeline.data import images, linear, polynomial, shift, table
from pipeline.project.dataset import Dataset
from pipeline.project.seeding import Seed
from pipeline.project.settings.datasets import DatasetSettings, Images, Linear, Polynomial, Shift, Table


def make(settings: DatasetSettings, seeds: Sequence[Seed]) -> Dataset:
    """The data set that the settings describe.

    Raises:
        UserError: If raw files cannot be had or are not what they should be.
    """
    match settings:
        case Images():
            return images.make(settings)
        case Polynomial():
            return polynomial.make(settings, seeds)
        case Linear():
            return linear.make(settings, seeds)
        case Shift():
            return shift.make(settings, seeds)
        case Table():
            return table.make(settings, seeds)
