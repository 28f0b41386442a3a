import pytest

from pipeline.core.errors import UserError
from pipeline.project import artifacts
from pipeline.stages import check


def test_the_mark_of_a_valid_file_is_always_the_same(params_file, in_folder):
    marks = []
    for count in (2, 3):
        params_file({"seeds.count": count})
        check.main([])
        marks.append(artifacts.CHECKED.read_bytes())
    assert marks[0] == marks[1]


def test_a_wrong_file_leaves_none(params_file, in_folder):
    params_file({"seeds.count": 0})
    with pytest.raises(UserError, match="seeds.count"):
        check.main([])
    assert not artifacts.CHECKED.exists()
