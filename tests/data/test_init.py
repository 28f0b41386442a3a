import pytest
from pydantic import TypeAdapter
from samples import SMALL, seeds

from pipeline import data
from pipeline.project.settings.datasets import DatasetSettings

POLYNOMIAL = {**SMALL["datasets"]["linear"], "source": "polynomial", "features": 4, "weights": [1.0]}
for key in ("inputs", "weight", "bias"):
    del POLYNOMIAL[key]


@pytest.mark.parametrize("settings", [*SMALL["datasets"].values(), POLYNOMIAL], ids=lambda settings: settings["source"])
def test_every_source_makes_a_data_set_of_the_size_that_its_settings_announce(settings):
    typed = TypeAdapter(DatasetSettings).validate_python(settings)
    dataset = data.make(typed, seeds(2))
    assert (dataset.task, dataset.features) == (typed.task, typed.features)
    assert dataset.train.inputs.shape[0] in (1, 2)
