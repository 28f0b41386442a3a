import pytest

from pipeline.project.labels import id_of, label, spoken


@pytest.mark.parametrize(
    ("value", "id", "text"),
    [
        (1e-05, "1em05", "1e-05"),
        (3.0, "3", "3"),
        ([], "none", "[]"),
        ([64, 32], "64_32", "[64, 32]"),
        (False, "false", "false"),
        ({"name": "normal", "std": 0.01}, "normal_std_0p01", "normal(std=0.01)"),
        ({"name": "constant", "value": -1}, "constant_value_m1", "constant(value=-1)"),
        ({"name": "xavier_normal"}, "xavier_normal", "xavier_normal"),
    ],
)
def test_a_value_has_a_label_and_a_part_of_an_id(value, id, text):
    assert label(value) == text
    assert id_of({"model.factor": value}) == f"factor_{id}"


def test_none_is_spoken_with_the_name_of_their_factor():
    assert spoken({"data.validation": {"name": "none"}}) == "validation none"
