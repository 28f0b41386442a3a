"""One module per source, one shape: config and seeds in, a `Dataset` out."""

from collections.abc import Sequence

from pipeline.core.dataset import Dataset
from pipeline.core.seeding import Seed
from pipeline.data import images, linear, polynomial, shift, table
from pipeline.data.config import DatasetConfig, Images, Linear, Polynomial, Shift, Table


def make(config: DatasetConfig, seeds: Sequence[Seed]) -> Dataset:
    """The data set that the config describe.

    Raises:
        UserError: If raw files cannot be had or are not what they should be.
    """
    match config:
        case Images():
            return images.make(config)
        case Polynomial():
            return polynomial.make(config, seeds)
        case Linear():
            return linear.make(config, seeds)
        case Shift():
            return shift.make(config, seeds)
        case Table():
            return table.make(config, seeds)
