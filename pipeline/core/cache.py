"""A folder of what was computed once, each part under a digest of all that it follows from.

Whatever is wrong with a file, its content is computed again: files are written beside their place and renamed, and end
with a digest of key and content, so that a file under the name of another is not taken either.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from pathlib import Path

log = logging.getLogger(__name__)

LIMIT = 2**30  # bytes
_DIGEST = 32  # bytes of the digest at the end of a file
_ABANDONED = 3600  # seconds without a change after which the writer of a temporary file is gone


class Cache:
    """Contents by key: digests of 64 hexadecimal digits, two of which name a folder.

    Args:
        folder: Where the files are; without one nothing is kept.
        suffix: The end of their names.
        content: What they hold, for messages.
        limit: Bytes of all files together; what was used longest ago goes first.
    """

    def __init__(self, folder: Path | None, suffix: str, content: str, limit: int = LIMIT) -> None:
        self.folder, self._suffix, self._content, self._limit = folder, suffix, content, limit
        self._failed = False

    def path(self, key: str) -> Path:
        """Where the content under a key is."""
        assert self.folder is not None
        return self.folder / key[:2] / f"{key[2:]}{self._suffix}"

    def get(self, key: str) -> bytes | None:
        """The content under this key; nothing if there is none or it is damaged."""
        if self.folder is None:
            return None
        path = self.path(key)
        try:
            sealed = path.read_bytes()
        except OSError:
            return None  # there is none, or it cannot be read: writing says why
        content = sealed[:-_DIGEST]
        if sealed != _sealed(key, content):
            log.info("%s: damaged, left aside", path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Keep this; where that fails, say so and keep nothing from then on."""
        if self.folder is None or self._failed:
            return
        path = self.path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", suffix=".tmp", delete=False) as file:
                try:
                    file.write(_sealed(key, content))
                    file.close()
                    Path(file.name).replace(path)
                finally:
                    Path(file.name).unlink(missing_ok=True)
        except OSError as error:
            log.info("%s are not kept: %s (%s)", self._content, self.folder, error.strerror or error)
            self._failed = True

    def prune(self) -> None:
        """Delete what was used longest ago until all files are well within the limit."""
        if self.folder is None:
            return
        # whatever folder was named, what is called otherwise is not ours
        digits = "[0-9a-f]"
        with contextlib.suppress(OSError):  # another process is deleting too
            for left in self.folder.glob(f"{digits * 2}/.*.tmp"):
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink(missing_ok=True)
            paths = self.folder.glob(f"{digits * 2}/{digits * 62}{self._suffix}")
            files = sorted(((path.stat(), path) for path in paths), key=lambda file: file[0].st_mtime_ns)
            total = sum(status.st_size for status, _ in files)
            goal = 0.9 * self._limit if total > self._limit else total
            for status, path in files:
                if total <= goal:
                    return
                path.unlink(missing_ok=True)
                total -= status.st_size


def _sealed(key: str, content: bytes) -> bytes:
    return content + hashlib.sha256(key.encode() + content).digest()
