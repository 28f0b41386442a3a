"""Values of factors as text: on pages and figures, in sentences, in ids."""

import re
from collections.abc import Mapping
from typing import Any


def label(value: Any) -> str:
    """Return a value as a user reads it.

    >>> label(0.50), label([0.2, 0.5]), label({"name": "normal", "std": 1.0}), label(True)
    ('0.5', '[0.2, 0.5]', 'normal(std=1)', 'true')
    """
    if isinstance(value, Mapping):
        options = ", ".join(f"{key}={label(option)}" for key, option in value.items() if key != "name")
        name = str(value.get("name", ""))
        return f"{name}({options})" if options else name
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(label, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e16:
        return str(int(value))
    return str(value)


def spoken(factors: Mapping[str, Any]) -> str:
    """Return values by dotted key as in a sentence; a number, or none, needs the name of its factor.

    >>> spoken({"model.activation": "tanh", "optimizer.weight_decay": 3.0})
    'tanh, weight decay 3'
    """
    parts = []
    for factor, value in factors.items():
        text = label(value)
        says_all = isinstance(value, str | Mapping) and text != "none"
        parts.append(text if says_all else f"{_last(factor).replace('_', ' ')} {text}")
    return ", ".join(parts)


def id_of(factors: Mapping[str, Any]) -> str:
    """Return the id of the variant that has these values by dotted key; it becomes part of file names.

    >>> id_of({"model.dropout": [0.2, 0.5], "model.initialization.weight": {"name": "normal", "std": 0.01}})
    'dropout_0p2_0p5_weight_normal_std_0p01'
    """
    return "_".join(f"{_last(factor)}_{_slug(value)}" for factor, value in factors.items())


def _last(factor: str) -> str:
    return factor.rpartition(".")[2]


def _slug(value: Any) -> str:
    if isinstance(value, Mapping):
        return "_".join(_slug(option) if key == "name" else f"{key}_{_slug(option)}" for key, option in value.items())
    if isinstance(value, list | tuple):
        return "_".join(map(_slug, value)) or "none"
    text = label(value).lower().replace("-", "m").replace("+", "").replace(".", "p")
    return re.sub(r"[^a-z0-9]+", "_", text)
