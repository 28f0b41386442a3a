"""The raw files of torchvision's IDX family: kept in the platform's user cache folder and checked on every use.

`ABLATE_MIRROR` (a folder or a URL with the files) says where to take them from instead of the data set's own servers. A
file is written nowhere before its digest was found right.
"""

import hashlib
import logging
import os
import stat
from pathlib import Path
from urllib.parse import unquote, urlsplit

import platformdirs

from pipeline.core.errors import UserError
from pipeline.core.files import replacing
from pipeline.data.download import LARGEST_FILE, UnavailableError, download, one_line, shown

# torchvision's list has two that know no https, though the same hosts or the authors' repository do
SERVERS = {
    "fashion_mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    ),
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
    "kmnist": ("https://codh.rois.ac.jp/kmnist/dataset/kmnist",),
}

# The original files of Fashion-MNIST; the others are held to torchvision's own MD5 digests.
SHA256 = {
    "fashion_mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    }
}

log = logging.getLogger(__name__)


def raw_file(source: str, name: str, md5: str) -> bytes:
    """The bytes of a file, checked: from the cache, else from the mirror, else from the data set's own servers.

    Raises:
        UserError: If no place has it, one line a place, or if it can not be kept.
    """
    algorithm, expected = ("sha256", SHA256[source][name]) if source in SHA256 else ("md5", md5)
    kept = platformdirs.user_cache_path("mlp-ablations") / "raw" / source / name
    try:
        content = _read(kept)
    except UnavailableError:
        pass  # nothing there that could be used; why, the attempt to put the file there says
    else:
        if hashlib.new(algorithm, content).hexdigest() == expected:
            return content
        log.info("%s: damaged, so it is fetched again", kept)
    remedy = "set ABLATE_MIRROR to a folder or URL that has the file"
    mirror = os.environ.get("ABLATE_MIRROR")
    problems = []
    for place in [_mirror(mirror)] if mirror else SERVERS[source]:
        try:
            content = _read(place / name) if isinstance(place, Path) else download(f"{place}/{name}")
        except UnavailableError as error:
            problems.append(f"{shown(place)}/{name}: cannot be had ({error}); {remedy}")
            continue
        found = hashlib.new(algorithm, content).hexdigest()
        if found == expected:
            with replacing(kept) as path:
                path.write_bytes(content)
            return content
        size = f"{len(content):,} bytes"
        problems.append(f"{shown(place)}: {name}: found {algorithm} {found} ({size}), expected {expected}; {remedy}")
    raise UserError("\n".join(problems))


def _mirror(text: str) -> Path | str:
    """What `ABLATE_MIRROR` names: a folder or the URL of one.

    Raises:
        UserError: If it is a URL of another kind.
    """
    allowed = "allowed: a folder, file:///folder, http://host/folder or https://host/folder"
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - the only check of it
    except ValueError as error:
        raise UserError(f"ABLATE_MIRROR: found {one_line(repr(text))} ({one_line(error)}), {allowed}") from None
    if "://" not in text and parts.scheme != "file":
        return Path(text)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return Path(unquote(parts.path))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"ABLATE_MIRROR: found {one_line(repr(shown(text)))}, {allowed}")
    return text.rstrip("/")


def _read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        UnavailableError: If it can not be read, is larger than a raw file can be, or is no file.
    """
    try:
        # to open a pipe that nobody writes to would otherwise wait for ever
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(LARGEST_FILE + 1) if regular else None
    except (OSError, ValueError) as error:
        raise UnavailableError(one_line(getattr(error, "strerror", None) or error)) from None
    if content is None:
        raise UnavailableError("no regular file")
    if len(content) > LARGEST_FILE:
        raise UnavailableError(f"more than {LARGEST_FILE:,} bytes")
    return content
