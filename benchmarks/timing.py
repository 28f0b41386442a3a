"""Sides measured in turns, so that a machine that slows down slows all of them."""

import gc
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.05  # seconds; threads still spin after a side's last product, which would slow the next side


def seconds(call: Callable[[], T]) -> tuple[float, T]:
    """Return how long a call takes, and its result."""
    gc.collect()
    time.sleep(PAUSE)
    start = time.perf_counter()
    result = call()
    return time.perf_counter() - start, result


def alternating(repeats: int, *sides: Callable[[], object]) -> list[tuple[float, ...]]:
    """Run all sides in turns; return their seconds, a tuple per round."""
    return [tuple(seconds(side)[0] for side in sides) for _ in range(repeats)]
