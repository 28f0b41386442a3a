"""Nested mappings by dotted key: `{"model": {"bias": True}}` has the value True at `model.bias`."""

from collections.abc import Callable, Mapping
from typing import Any


def value_at(values: Any, dotted: str) -> Any:
    """Return the value at a dotted key, or None if it is missing."""
    for key in dotted.split("."):
        values = values.get(key) if isinstance(values, Mapping) else None
    return values


def flatten(
    values: Mapping[str, Any], is_leaf: Callable[[str, Any], bool] = lambda dotted, value: False, prefix: str = ""
) -> dict[str, Any]:
    """Return the leaves by dotted key: all values that are not mappings, and empty mappings.

    Args:
        values: Nested mappings.
        is_leaf: Whether the mapping with this dotted key is a leaf, too.
        prefix: Put before all keys.

    >>> flatten({"model": {"bias": True, "hidden": [8, 8]}, "penalty": {}})
    {'model.bias': True, 'model.hidden': [8, 8], 'penalty': {}}
    """
    leaves: dict[str, Any] = {}
    for key, value in values.items():
        dotted = f"{prefix}{key}"
        if isinstance(value, Mapping) and value and not is_leaf(dotted, value):
            leaves |= flatten(value, is_leaf, f"{dotted}.")
        else:
            leaves[dotted] = value
    return leaves


def nest(leaves: Mapping[str, Any]) -> dict[str, Any]:
    """Return the nested mappings that have these leaves.

    >>> nest({"model.bias": True, "model.hidden": [8, 8], "loss": "huber"})
    {'model': {'bias': True, 'hidden': [8, 8]}, 'loss': 'huber'}
    """
    nested: dict[str, Any] = {}
    for dotted, value in leaves.items():
        *path, last = dotted.split(".")
        node = nested
        for key in path:
            node = node.setdefault(key, {})
        node[last] = value
    return nested
