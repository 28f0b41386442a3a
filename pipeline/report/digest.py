"""Digest of tables and configs by their content."""

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import BaseModel


def digest(value: Any) -> str:
    """Return a SHA-256 of a value: numbers, text, tables, arrays, dataclasses, configs, and collections of them.

    Mappings count in their order, sets do not. Types and lengths count, too: no two values run into one another.

    Raises:
        TypeError: If a value has another type.
    """
    content = hashlib.sha256()
    _feed(content.update, value)
    return content.hexdigest()


def _feed(update: Callable[[bytes], None], value: Any) -> None:
    match value:
        case None | bool() | int() | float() | str() | np.generic():
            parts: list[Any] = [repr(value).encode()]
        case bytes():
            parts = [value]
        case np.ndarray() if value.dtype != object:
            parts = [value.dtype.str, value.shape, value.tobytes()]
        case np.ndarray():
            items = value.ravel().tolist()
            # of text it is enough, and much faster
            parts = [value.shape, repr(items) if all(type(item) is str for item in items) else items]
        case pd.DataFrame():
            columns = [value[name].to_numpy() for name in value.columns]
            parts = [list(value.columns), value.index.to_numpy(), *columns]
        case BaseModel():
            parts = [getattr(value, name) for name in type(value).model_fields]
        case Mapping():
            parts = [item for pair in value.items() for item in pair]
        case set() | frozenset():
            parts = sorted(map(digest, value))
        case list() | tuple():
            parts = list(value)
        case _ if dataclasses.is_dataclass(value):
            parts = [getattr(value, field.name) for field in dataclasses.fields(value)]
        case _:
            raise TypeError(f"no digest of {type(value)}")
    update(f"{type(value).__qualname__} {len(parts)} ".encode())
    for part in parts:
        if isinstance(part, bytes):
            update(f"{len(part)} ".encode() + part)
        else:
            _feed(update, part)
