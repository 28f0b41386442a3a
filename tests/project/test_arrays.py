import hashlib

import numpy as np
import pytest

from pipeline.core.errors import UserError
from pipeline.project import arrays

SOME = {
    "scalar": np.array(0.5),
    "words": np.array(["a", "ß"]),
    "table": np.arange(12.0, dtype=np.float32).reshape(3, 4),
    "columns_first": np.arange(12).reshape(3, 4).T,
    "none": np.zeros((0, 3)),
}


@pytest.fixture
def path(in_folder):
    path = in_folder / "some.npz"
    with path.open("wb") as file:
        arrays.write(file, SOME)
    return path


def test_arrays_are_read_as_they_were_written(path):
    found = arrays.read(path)
    assert list(found) == list(SOME)
    for name, array in SOME.items():
        assert found[name].dtype == array.dtype
        np.testing.assert_array_equal(found[name], array)
    with np.load(path) as archive:
        np.testing.assert_array_equal(archive["table"], SOME["table"])


def test_the_bytes_are_the_same_everywhere(path):
    """Another digest here is another digest of every array file in every `dvc.lock`."""
    assert (
        hashlib.sha256(path.read_bytes()).hexdigest()
        == "1f7d855437161c447bc755b412cf3f1e4f4778bf3eb74e56376fb92b4127cb4d"
    )


def test_what_is_no_file_of_arrays_is_named(path, in_folder):
    with pytest.raises(UserError, match="other.npz: missing; `dvc repro` makes it"):
        arrays.read(in_folder / "other.npz")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="some.npz: damaged"):
        arrays.read(path)


def test_objects_are_not_written(in_folder):
    with pytest.raises(ValueError, match="[Oo]bject"), (in_folder / "some.npz").open("wb") as file:
        arrays.write(file, {"some": np.array([{}], dtype=object)})
