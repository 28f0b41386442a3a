"""Two sides measured in turns, so that a machine that slows down slows both of them."""

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


def alternating(ours: Callable[[], object], theirs: Callable[[], object], repeats: int) -> list[tuple[float, float]]:
    """Seconds of both sides, ours, theirs, ours, theirs, ...; a pair for each round."""
    return [(seconds(ours)[0], seconds(theirs)[0]) for _ in range(repeats)]
