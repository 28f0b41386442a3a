"""Progress of long work: a bar on a terminal, otherwise a line every two seconds, also while kernels are compiled."""

import contextlib
import logging
import time
from collections.abc import Callable, Iterator

from tqdm import tqdm

log = logging.getLogger(__name__)

_INTERVAL = 2.0  # seconds between two lines


class _Bar(tqdm):  # type: ignore[misc]
    monitor_interval = 0  # starts no thread: a process with threads cannot be forked safely


@contextlib.contextmanager
def progress(label: str, total: int, unit: str) -> Iterator[Callable[..., None]]:
    """Show how much of `total` is done: `label: unit 23 of 59 (name)`.

    Yields the function to call with the number done so far and, optionally, a name, as often as convenient.
    """
    # tqdm disables the bar if there is no terminal
    with _Bar(desc=label, total=total, unit=unit, disable=None, dynamic_ncols=True) as bar:
        last, logged = 0, time.monotonic()

        def show(done: int, name: str = "") -> None:
            nonlocal last, logged
            if not bar.disable:
                bar.set_postfix_str(name, refresh=False)
                bar.update(done - bar.n)
            elif (done == total > last) or time.monotonic() - logged > _INTERVAL:
                log.info("%s: %s %d of %d%s", label, unit, done, total, f" ({name})" if name else "")
                last, logged = done, time.monotonic()

        yield show
