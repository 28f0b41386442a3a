import pytest
from samples import seeds

from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.stages import data


def test_the_stage_writes_the_data_set_of_its_settings(params_file, in_folder):
    params_file()
    data.main(["linear"])
    dataset = artifacts.read_dataset("linear", seeds(3))
    assert dataset.train.inputs.shape == (3, 20, 30)


def test_a_data_set_that_is_not_there_is_named(params_file, in_folder):
    params_file()
    with pytest.raises(UserError, match="datasets.missing: not found, allowed: images, linear"):
        data.main(["missing"])
