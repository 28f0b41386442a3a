"""A folder of computed contents; the key of each is a digest of everything that it depends on.

A damaged file counts as missing, and its content is computed again. Files are written under a temporary name and
renamed. They end with a digest of key and content, so a file under the name of another counts as damaged, too.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
import time
from pathlib import Path

import platformdirs

log = logging.getLogger(__name__)

LIMIT = 2**30  # bytes
_DIGEST = 32  # bytes of the digest at the end of a file
_ABANDONED = 3600  # seconds without a change after which the writer of a temporary file is gone


def folder_of_user(name: str) -> Path | None:
    """Return the folder of these contents in the user's cache; `ABLATE_STORE` names another one, or `off` for none."""
    folder = os.environ.get("ABLATE_STORE") or platformdirs.user_cache_path("mlp-ablations") / name
    return None if folder == "off" else Path(folder)


class Cache:
    """Contents by key: a digest of 64 hexadecimal digits, of which the first two name a folder.

    Args:
        folder: Folder of the files; None keeps nothing.
        suffix: End of their names.
        content: What they hold, for messages.
        limit: Bytes of all files together; the least recently used are deleted first.
    """

    def __init__(self, folder: Path | None, suffix: str, content: str, limit: int = LIMIT) -> None:
        self.folder, self._suffix, self._content, self._limit = folder, suffix, content, limit
        self._failed = False

    def path(self, key: str) -> Path:
        """Return the file of a key."""
        assert self.folder is not None
        return self.folder / key[:2] / f"{key[2:]}{self._suffix}"

    def get(self, key: str) -> bytes | None:
        """Return the content under a key, or None if it is missing or damaged."""
        if self.folder is None:
            return None
        path = self.path(key)
        try:
            sealed = path.read_bytes()
        except OSError:
            return None  # missing or unreadable; the next write reports why
        content = sealed[:-_DIGEST]
        if sealed != _sealed(key, content):
            log.info("%s: damaged, ignored", path)
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return content

    def put(self, key: str, content: bytes) -> None:
        """Write a content; if that fails, log it once and write nothing from then on."""
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
        """Delete the least recently used files if all together exceed the limit, down to 90 % of it."""
        if self.folder is None:
            return
        # files of other names stay: the user may have named any folder
        digits = "[0-9a-f]"
        with contextlib.suppress(OSError):  # another process deletes too
            for temporary in self.folder.glob(f"{digits * 2}/.*.tmp"):
                if time.time() - temporary.stat().st_mtime > _ABANDONED:
                    temporary.unlink(missing_ok=True)
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
