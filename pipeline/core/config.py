"""What all blocks of configs have in common: types with their limits, and how a mistake is named."""

import unicodedata
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Any, Literal, LiteralString, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_core import PydanticCustomError

from pipeline.core.errors import shorten


def refused(key: Any, allowed: str, kind: LiteralString = "refused") -> PydanticCustomError:
    """What `problems` reports as a mistake at this key of the block."""
    return PydanticCustomError(kind, "{allowed}", {"key": key, "allowed": allowed})


class Config(BaseModel):
    """What every block of `params.yaml` is: strict about types, closed to unknown keys, unchangeable."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown_keys(cls, value: Any) -> Any:
        """Name the allowed keys, which pydantic's own message does not."""
        if isinstance(value, dict):
            for key in value:
                if key not in cls.model_fields:
                    raise refused(key, f"one of {', '.join(cls.model_fields)}", kind="unknown_key")
        return value


def list_of(item: Any, least: int = 0, most: int = 1000) -> Any:
    """A YAML list as a tuple; its items stay strict."""
    return Annotated[tuple[item, ...], Field(strict=False, min_length=least, max_length=most)]


def _printable(text: str) -> str:
    """Refuse control characters and marks that turn the direction of writing: text would show other than it is."""
    for letter in text:
        turns = "\u202a" <= letter <= "\u202e" or "\u2066" <= letter <= "\u2069"
        if letter != "\n" and (turns or unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp")):
            raise PydanticCustomError("text", "text without control characters")
    return text


def check_inside(file: str, allowed: str, folder: str = "") -> None:
    """Refuse a path that does not lie inside the project, or not in that folder of it."""
    path = PurePosixPath(file)
    fits = path.parts and len(file) <= 1000 and all(len(part.encode()) <= 255 for part in path.parts)
    inside = not folder or (path.parts[:1] == (folder,) and len(path.parts) > 1)
    if not fits or not inside or path.is_absolute() or ".." in path.parts:
        raise refused("file", allowed)


# far beyond what anyone means; within them every number has its place in single precision, and so has its square root
MOST = 1_000_000_000
LARGEST = 1e30
LONGEST_ID = 60  # characters: it becomes part of names of files, of at most 255 bytes
LONGEST_COLUMN = 200  # characters of the name of a table's column

# what is drawn or trained must fit into memory; machines differ, so this only stops what no one can mean
LARGEST_DATASET = 16 * 2**30
LARGEST_NETWORK = 8 * 2**30
LARGEST_PROBE = 16 * 2**30
MOST_SEEDS = 100_000

Count = Annotated[int, Field(ge=1, le=MOST)]
Rate = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Positive = Annotated[float, Field(gt=0, le=LARGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LARGEST)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=LONGEST_ID)]
Text = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]
# standard deviations of inputs that are N(0, 1): farther apart no classifier converges
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
        if (self.expect == "equal") != (self.margin is not None):
            raise refused("margin", "a number for equal, else none")
        return self


def problems(error: ValidationError, raw: Any) -> Iterator[tuple[list[str], str, str]]:
    """What pydantic found wrong in `raw`: the keys that lead there, what was found and what is allowed."""
    for item in error.errors():
        node: Any = raw
        keys: list[str] = []
        for key in item["loc"]:
            # pydantic adds the tag of a union to the place; only what the file really holds is a key of the file
            inside = key in node if isinstance(node, dict) else isinstance(node, list) and isinstance(key, int)
            if inside:
                node = node[key]
                keys.append(str(key))
        context, kind = item.get("ctx", {}), item["type"]
        allowed = item["msg"].removeprefix("Input should be ").removeprefix("a valid ")
        if kind == "missing":
            yield [*keys, str(item["loc"][-1])], "nothing", "every field written out"
        elif "key" in context:
            found = node.get(context["key"]) if isinstance(node, dict) else node
            yield [*keys, str(context["key"])], "an unknown key" if kind == "unknown_key" else shorten(found), allowed
        elif kind in ("union_tag_not_found", "union_tag_invalid"):
            tag = str(context["discriminator"]).strip("'")
            found = shorten(node.get(tag)) if isinstance(node, dict) else shorten(node)
            tags = context.get("expected_tags", f"a mapping with the key {tag}").replace("'", "")
            yield [*keys, tag], found, tags
        elif item["loc"][-1:] == ("[key]",):
            yield keys, f"the id {shorten(item['input'])}", f"a-z, 0-9 and _, at most {LONGEST_ID} of them"
        elif kind in ("too_short", "too_long", "string_too_short", "string_too_long"):
            things = "characters" if kind.startswith("string") else "values"
            side, limit = ("at least", "min_length") if kind.endswith("short") else ("at most", "max_length")
            yield keys, shorten(node), f"{side} {context[limit]} {things}"
        else:
            yield keys, shorten(node), allowed
