"""Number of threads and processes to use."""

import os

from pipeline.core.errors import UserError


def threads() -> int:
    """Return the number of threads: `ABLATE_THREADS`, by default the cores that this process may use."""
    count = os.environ.get("ABLATE_THREADS")
    if count is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not count.isdecimal() or not int(count):
        raise UserError(f"ABLATE_THREADS: found {count!r}, allowed: a number of threads, at least 1")
    return int(count)
