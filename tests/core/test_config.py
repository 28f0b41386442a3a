"""Mistakes of all kinds are described by their keys, what was found and what is allowed."""

from typing import Annotated, Literal

import pytest
from pydantic import Discriminator, ValidationError
from pydantic_core import PydanticCustomError

from pipeline.core.config import Config, Count, Id, Positive, Text, check_inside, list_of, problems


class Circle(Config):
    shape: Literal["circle"]
    radius: Positive


class Square(Config):
    shape: Literal["square"]


class Drawing(Config):
    title: Text
    sizes: list_of(Count, max_length=3)
    parts: dict[Id, Annotated[Circle | Square, Discriminator("shape")]]


VALID = {"title": "?", "sizes": [1, 2], "parts": {"a": {"shape": "circle", "radius": 1.0}}}


@pytest.mark.parametrize(
    ("changes", "keys", "found", "allowed"),
    [
        ({"colour": 1}, "colour", "an unknown key", "one of title, sizes, parts"),
        ({"parts": {"a": {"shape": "square", "side": 1}}}, "parts.a.side", "an unknown key", "one of shape"),
        ({"parts": {"a": {"shape": "circle"}}}, "parts.a.radius", "nothing", "every field written out"),
        ({"parts": {"a": {"shape": "circle", "radius": float("inf")}}}, "parts.a.radius", "inf", "a finite number"),
        ({"parts": {"a": {"shape": "star"}}}, "parts.a.shape", "'star'", "circle, square"),
        ({"parts": {"a": {}}}, "parts.a.shape", "None", "a mapping with the key shape"),
        ({"parts": {"A": {"shape": "square"}}}, "parts.A", "the id 'A'", "a-z, 0-9 and _, at most 60 of them"),
        ({"title": ""}, "title", "''", "at least 1 characters"),
        ({"title": "a\x1b[2J"}, "title", "'a\\x1b[2J'", "text without control characters"),
        ({"sizes": [1, 2, 3, 4]}, "sizes", "[1, 2, 3, 4]", "at most 3 values"),
        ({"sizes": [1, True]}, "sizes.1", "True", "integer"),
        ({"sizes": [0]}, "sizes.0", "0", "greater than or equal to 1"),
    ],
)
def test_a_mistake_is_named(changes, keys, found, allowed):
    raw = VALID | changes
    with pytest.raises(ValidationError) as caught:
        Drawing.model_validate(raw)
    assert list(problems(caught.value, raw)) == [(keys.split("."), found, allowed)]


def test_a_list_is_read_as_a_tuple():
    assert Drawing.model_validate(VALID).sizes == (1, 2)


@pytest.mark.parametrize("file", ["", "/tables/a.csv", "tables/../a.csv", "a.csv", "tables", f"tables/{'a' * 256}.csv"])
def test_a_path_outside_its_folder_is_refused(file):
    check_inside("tables/deeper/a.csv", "", "tables")
    with pytest.raises(PydanticCustomError, match="a file below tables"):
        check_inside(file, "a file below tables", "tables")
