"""The base of all config classes: base class, types with limits, and the description of mistakes."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, LiteralString, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.core.errors import shorten


def refused(key: Any, allowed: str, code: LiteralString = "refused") -> PydanticCustomError:
    """Return the error of a validator about one key of its block, as `problems` reports it."""
    return PydanticCustomError(code, "{allowed}", {"key": key, "allowed": allowed})


class Config(BaseModel):
    """Base class of every block of `params.yaml`: frozen, strict about types, closed to unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Name the allowed keys, which pydantic's own message does not."""
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise refused(key, f"one of {', '.join(cls.model_fields)}", code="unknown_key")
        return value


def list_of(item: Any, min_length: int = 0, max_length: int = 1000) -> Any:
    """Return the type of a YAML list, read as a tuple; its items stay strict."""
    return Annotated[tuple[item, ...], Field(strict=False, min_length=min_length, max_length=max_length)]


# control characters but the line end; surrogates; separators of lines; marks that turn the direction of writing
_CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\ud800-\udfff\u2028-\u202e\u2066-\u2069]")


def _printable(text: str) -> str:
    """Refuse characters with which text is displayed other than it is written."""
    if _CONTROL.search(text):
        raise PydanticCustomError("text", "text without control characters")
    return text


def check_inside(file: str, allowed: str, folder: str = "") -> None:
    """Refuse a path outside the project or, if `folder` is given, outside that folder."""
    path = PurePosixPath(file)
    fits = path.parts and len(file) <= 1000 and all(len(part.encode()) <= 255 for part in path.parts)
    inside = not folder or (path.parts[:1] == (folder,) and len(path.parts) > 1)
    if not fits or not inside or path.is_absolute() or ".." in path.parts:
        raise refused("file", allowed)


# far beyond any useful value; every number within these limits is finite in single precision
MAX_COUNT = 1_000_000_000
LARGEST = 1e30
LONGEST_ID = 60  # characters: an id becomes part of file names, which have at most 255 bytes
LONGEST_COLUMN = 200  # characters in the name of a table's column

MAX_SEEDS = 100_000

Count = Annotated[int, Field(ge=1, le=MAX_COUNT)]
Rate = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=LONGEST_ID)]
Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]
# in standard deviations of inputs that are N(0, 1): no classifier converges beyond
Distance = Annotated[float, Field(ge=-1000, le=1000)]
PositiveDistance = Annotated[float, Field(gt=0, le=1000)]


class ClaimConfig(Config):
    """A claim: a comparison whose direction is declared before it is run."""

    claim: Text
    """The claim in words, at most 1,000 characters."""
    expect: Literal["higher", "lower", "equal"]
    """Expected direction of the difference."""
    margin: Positive | None = None
    """For `equal` only: the largest difference that counts as equal; for a loss the largest ratio, above 1."""

    @model_validator(mode="after")
    def _margin_fits(self) -> Self:
        if self.margin is not None and self.expect != "equal":
            raise refused("margin", "a number for equal, else none")
        return self


def problems(error: ValidationError, raw: Any) -> Iterator[tuple[list[str], str, str]]:
    """Yield the mistakes that pydantic found in `raw`: the keys that lead there, what was found, what is allowed."""
    for item in error.errors():
        node: Any = raw
        keys: list[str] = []
        for key in item["loc"]:
            # pydantic adds the tag of a union to the location; only keys that the file has are shown
            inside = key in node if isinstance(node, dict) else isinstance(node, list) and isinstance(key, int)
            if inside:
                node = node[key]
                keys.append(str(key))
        context, code = item.get("ctx", {}), item["type"]
        if "key" in context or "discriminator" in context:
            key = context["key"] if "key" in context else str(context["discriminator"]).strip("'")
            node = node.get(key) if isinstance(node, dict) else node
            keys.append(str(key))
        found, allowed = shorten(node), item["msg"].removeprefix("Input should be ").removeprefix("a valid ")
        if code == "missing":
            keys.append(str(item["loc"][-1]))
            found, allowed = "nothing", "every field written out"
        elif code == "unknown_key":
            found = "an unknown key"
        elif code in ("union_tag_not_found", "union_tag_invalid"):
            allowed = context.get("expected_tags", f"a mapping with the key {key}").replace("'", "")
        elif item["loc"][-1:] == ("[key]",):
            found, allowed = f"the id {shorten(item['input'])}", f"a-z, 0-9 and _, at most {LONGEST_ID} of them"
        elif code in ("too_short", "too_long", "string_too_short", "string_too_long"):
            unit = "characters" if code.startswith("string") else "values"
            side, limit = ("at least", "min_length") if code.endswith("short") else ("at most", "max_length")
            allowed = f"{side} {context[limit]} {unit}"
        yield keys, found, allowed
