import pytest

from pipeline.core.errors import UserError
from pipeline.project import parts
from pipeline.stages import check


def test_a_valid_file_leaves_a_part_for_every_stage(params_file, in_folder):
    params_file()
    check.main([])
    assert (parts.keys("data"), parts.keys("measure")) == (["images", "linear"], ["product"])
    assert parts.keys("train") == ["activation", "weight_decay"]


def test_a_wrong_file_leaves_none(params_file, in_folder):
    params_file({"seeds.count": 0})
    with pytest.raises(UserError, match="seeds.count"):
        check.main([])
    assert not parts.FOLDER.exists()
