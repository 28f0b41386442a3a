import pytest

from pipeline.core.errors import join_short, shorten


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a\nb", r"'a\nb'"),
        ({"a": 1}, "{'a': 1}"),
        ("x" * 100, "'" + "x" * 76 + "..."),
        (10**5000, "a number of thousands of digits"),
    ],
    ids=["line end", "mapping", "long", "huge"],
)
def test_a_value_is_shown_on_one_short_line(value, text):
    assert shorten(value) == text


def test_a_long_list_of_names_is_cut_off():
    assert join_short(["a", 2]) == "a, 2"
    assert len(join_short(map(str, range(1000)))) == 160
