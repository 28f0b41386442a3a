import pytest
from pydantic import TypeAdapter
from samples import SMALL, seeds

from pipeline import data
from pipeline.data.config import DatasetConfig

POLYNOMIAL = {**SMALL["datasets"]["linear"], "source": "polynomial", "features": 4, "weights": [1.0]}
for key in ("inputs", "weight", "bias"):
    del POLYNOMIAL[key]


@pytest.mark.parametrize("config", [*SMALL["datasets"].values(), POLYNOMIAL], ids=lambda config: config["source"])
def test_every_source_makes_a_data_set_of_the_size_that_its_settings_announce(config):
    typed = TypeAdapter(DatasetConfig).validate_python(config)
    dataset = data.make(typed, seeds(2))
    assert (dataset.task, dataset.features) == (typed.task, typed.features)
    assert dataset.train.inputs.shape[0] in (1, 2)
