"""Sides measured in turns, so that a machine that slows down slows all of them."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.05  # seconds; threads spin for a while after a side's last product, and the next side shall not pay for it


def seconds(call: Callable[[], T]) -> tuple[float, T]:
    """How long a call takes, and what it returns."""
    gc.collect()
    time.sleep(PAUSE)
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def alternating(repeats: int, *sides: Callable[[], object]) -> list[tuple[float, ...]]:
    """Seconds of all sides, first, second, ..., first, second, ...; a tuple for each round."""
    return [tuple(seconds(side)[0] for side in sides) for _ in range(repeats)]
