"""Real images with a fixed test set: scikit-learn's digits, or torchvision's IDX family.

Raw files of the IDX family are kept in the platform's user cache folder and checked on every use. `ABLATE_MIRROR` (a
folder or a URL with the files) says where to take them from instead of the data set's own servers. A file is written
nowhere before its digest was found right.
"""

import gzip
import hashlib
import http.client
import logging
import multiprocessing
import os
import ssl
import stat
import tempfile
import threading
import zlib
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urljoin, urlsplit

import numpy as np
import platformdirs
import requests
import urllib3
from tqdm import tqdm
from urllib3.util import Retry

from pipeline.project.artifacts import Dataset, Split, replacing
from pipeline.project.errors import UserError
from pipeline.project.settings import DIGITS_TEST_EXAMPLES, Images

_CLASSES = {"fashion_mnist": "FashionMNIST", "mnist": "MNIST", "kmnist": "KMNIST"}

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

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0  # for the next bytes, however few
FILE_SECONDS = 900.0  # for a file from one place, all tries together: 26 MB at 30 kB/s
RETRIES = 3
PAUSE_SECONDS = 0.5  # doubles with every retry
REDIRECTS = 5
LARGEST_FILE = 64 * 2**20  # the largest of them has 26 MB

# what a server says that a moment later may have it
_PASSING_STATUSES = {408, 425, 429, 500, 502, 503, 504}

log = logging.getLogger(__name__)


def make(settings: Images) -> Dataset:
    """Bytes (1, N, D) and labels (1, N); `factor` and `offset` bring the bytes to the wanted scale.

    Raises:
        UserError: If a raw file can not be had or is not the right one.
    """
    if settings.source == "digits":
        largest, names, train, test = 16, tuple("0123456789"), *_digits()
    else:
        largest, names, train, test = 255, *_idx(settings.source)
    unit = settings.scale == "unit"
    return Dataset(
        task="classification",
        outputs=10,
        train=train,
        test=test,
        factor=1 / largest if unit else 2 / largest,
        offset=0.0 if unit else -1.0,
        names=names,
    )


def _split(images: np.ndarray, labels: np.ndarray) -> Split:
    flat = images.reshape(1, len(images), -1).astype(np.uint8)
    return Split(np.ascontiguousarray(flat), labels.reshape(1, -1).astype(np.int64))


def _digits() -> tuple[Split, Split]:
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    cut = len(images) - DIGITS_TEST_EXAMPLES
    return _split(images[:cut], labels[:cut]), _split(images[cut:], labels[cut:])


def _idx(source: str) -> tuple[tuple[str, ...], Split, Split]:
    kind = getattr(_torchvision_datasets(), _CLASSES[source])
    with tempfile.TemporaryDirectory() as folder:
        # torchvision trusts what lies there and would download what does not; so it gets a folder of its own
        raw = Path(folder, kind.__name__, "raw")
        raw.mkdir(parents=True)
        contents = {name: _content(source, name, md5) for name, md5 in kind.resources}
        try:
            for name, content in contents.items():
                (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(content))
            parts = [kind(folder, train=train, download=False) for train in (True, False)]
        except (gzip.BadGzipFile, EOFError, zlib.error, RuntimeError, ValueError, AssertionError) as error:
            raise UserError(f"{source}: the files are no IDX files ({_line(error)})") from None
    train, test = (_split(part.data.numpy(), part.targets.numpy()) for part in parts)
    # "0 - zero" in one data set, "Ankle boot" in another
    return tuple(name.split(" - ")[0] for name in kind.classes), train, test


def _torchvision_datasets() -> ModuleType:
    """`torchvision.datasets`, also beside a build of torch for which torchvision was not compiled.

    The wheel on the Python package index is built for torch with CUDA; beside a CPU build its import stops because
    two compiled operators do not exist. Data sets need none of them: to declare them is enough.
    """
    try:
        import torchvision.datasets
    except RuntimeError as error:
        if "torchvision::nms" not in str(error):
            raise
        import torch

        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        globals()["_declared_operators"] = library  # the declaration lives as long as this object
        import torchvision.datasets
    datasets: ModuleType = torchvision.datasets
    return datasets


# --- where the raw files come from -----------------------------------------------------------------------------------


class _UnavailableError(Exception):
    """A file can not be had from a place; the message says why."""


class _PassingError(_UnavailableError):
    """The same, but a moment later it may be there."""


def _content(source: str, name: str, md5: str) -> bytes:
    """A raw file, checked: from the cache, else from the mirror, else from the data set's own servers.

    Raises:
        UserError: If no place has it, one line a place, or if it can not be kept.
    """
    algorithm, expected = ("sha256", SHA256[source][name]) if source in SHA256 else ("md5", md5)
    kept = platformdirs.user_cache_path("mlp-ablations") / "raw" / source / name
    try:
        content = _read(kept)
    except _UnavailableError:
        pass  # nothing there that could be used; why, the attempt to put the file there says
    else:
        if hashlib.new(algorithm, content).hexdigest() == expected:
            return content
        log.info("%s: damaged, so it is fetched again", kept)
    remedy = "set ABLATE_MIRROR to a folder or URL that has the file"
    mirror = os.environ.get("ABLATE_MIRROR")
    problems = []
    for place in [_mirror(mirror)] if mirror else SERVERS[source]:
        shown = _shown(place)
        try:
            content = _read(place / name) if isinstance(place, Path) else _download(f"{place}/{name}")
        except _UnavailableError as error:
            problems.append(f"{shown}/{name}: cannot be had ({error}); {remedy}")
            continue
        found = hashlib.new(algorithm, content).hexdigest()
        if found == expected:
            with replacing(kept) as path:
                path.write_bytes(content)
            return content
        size = f"{len(content):,} bytes"
        problems.append(f"{shown}: {name}: found {algorithm} {found} ({size}), expected {expected}; {remedy}")
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
        raise UserError(f"ABLATE_MIRROR: found {_line(repr(text))} ({_line(error)}), {allowed}") from None
    if "://" not in text and parts.scheme != "file":
        return Path(text)
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return Path(unquote(parts.path))
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UserError(f"ABLATE_MIRROR: found {_line(repr(_shown(text)))}, {allowed}")
    return text.rstrip("/")


def _shown(place: Path | str) -> str:
    """A place as it may be printed: a URL may hold a password."""
    if isinstance(place, Path):
        return _line(place)
    person, at, _ = urlsplit(place).netloc.rpartition("@")
    return _line(place.replace(person + at, "", 1) if at else place)


def _line(words: object) -> str:
    """Words of a library or a server, as a part of a line and without what would steer a terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(str(words).split()))


def _read(path: Path) -> bytes:
    """The content of a file.

    Raises:
        _UnavailableError: If it can not be read, is larger than a raw file can be, or is no file.
    """
    try:
        # to open a pipe that nobody writes to would otherwise wait for ever
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
            regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
            content = file.read(LARGEST_FILE + 1) if regular else None
    except (OSError, ValueError) as error:
        raise _UnavailableError(_line(getattr(error, "strerror", None) or error)) from None
    if content is None:
        raise _UnavailableError("no regular file")
    if len(content) > LARGEST_FILE:
        raise _UnavailableError(f"more than {LARGEST_FILE:,} bytes")
    return content


def _download(url: str) -> bytes:
    """What a server has under a URL, with a progress bar; tried again where that may help.

    Raises:
        _UnavailableError: If the server does not have it, or not within `FILE_SECONDS`.
    """
    given_up = threading.Event()
    # in a thread that can be left behind: looking up a host and reading headers byte by byte have no limit of their own
    with ThreadPool(1) as pool:
        try:
            return pool.apply_async(_persist, (url, given_up)).get(FILE_SECONDS)
        except multiprocessing.TimeoutError:
            raise _UnavailableError(f"not all there after {FILE_SECONDS:g} seconds") from None
        finally:
            given_up.set()


def _persist(url: str, given_up: threading.Event) -> bytes:
    """Try until it is there, `RETRIES` were of no use, or the reason is none that passes."""
    retries = Retry(total=RETRIES, backoff_factor=PAUSE_SECONDS)
    while True:
        try:
            return _try(url, given_up)
        except _PassingError as error:
            try:
                retries = retries.increment("GET", url, error=error)
            except urllib3.exceptions.MaxRetryError:
                raise _UnavailableError(f"{error}; tried {RETRIES + 1} times") from None
            retries.sleep()


class _Session(requests.Session):
    """Follows no redirect by itself: before the next request it would read the whole body of one, however long."""

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        return None


def _try(url: str, given_up: threading.Event) -> bytes:
    with _Session() as session, _answer(session, url) as response:
        total = response.raw.length_remaining  # None where the server promises nothing that makes sense
        content = bytearray()
        name = url.rpartition("/")[2]
        with tqdm(desc=name, total=total, unit="B", unit_scale=True) as bar:
            for chunk in _chunks(response):
                content += chunk
                bar.update(len(chunk))
                if len(content) > LARGEST_FILE:
                    raise _UnavailableError(f"more than {LARGEST_FILE:,} bytes")
                if given_up.is_set():
                    raise _UnavailableError("given up")
        return bytes(content)


def _answer(session: requests.Session, url: str) -> requests.Response:
    """The response that has the file; redirects are followed, but never away from https."""
    for _ in range(REDIRECTS + 1):
        try:
            response = session.get(
                url,
                stream=True,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                # the files are compressed; a server must not unpack or pack them on the way
                headers={"Accept-Encoding": "identity"},
            )
        except (requests.RequestException, urllib3.exceptions.HTTPError, ValueError) as error:
            raise _named(error) from None
        if response.is_redirect:
            response.close()
            url = _onward(url, response.headers["location"])
            continue
        if response.status_code == http.client.OK:
            return response
        response.close()
        words = f"{response.status_code} {http.client.responses.get(response.status_code, '')}".strip()
        passing = response.status_code in _PASSING_STATUSES
        raise (_PassingError if passing else _UnavailableError)(words)
    raise _UnavailableError(f"sent on more than {REDIRECTS} times")


def _onward(url: str, location: str) -> str:
    """Where a redirect leads."""
    allowed = ("https",) if urlsplit(url).scheme == "https" else ("http", "https")
    try:
        # percent-encoded, as a server may send anything
        onward = requests.utils.requote_uri(urljoin(url, location))
        scheme = urlsplit(onward).scheme
    except ValueError as error:
        raise _UnavailableError(f"sent on to no URL ({_line(error)})") from None
    if scheme not in allowed:
        raise _UnavailableError(f"sent on to {_shown(onward)}, allowed: {' and '.join(allowed)}")
    return onward


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, bit by bit, to the end that the server promised."""
    try:
        # whoever asks for a fixed number of bytes waits for all of them
        while chunk := response.raw.read1(2**16, decode_content=False):
            yield chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _named(error) from None


def _named(error: Exception) -> _UnavailableError:
    """What went wrong at the bottom of it, in a few words."""
    root: BaseException = error
    # what an answer is that breaks the protocol says it better than what it was read with
    while (below := root.__cause__ or root.__context__) and not isinstance(root, http.client.HTTPException):
        root = below
    words = _line(getattr(root, "strerror", None) or root) or type(root).__name__
    # a wrong URL stays wrong, and so does a certificate
    fixed = isinstance(error, ValueError) or isinstance(root, ssl.SSLCertVerificationError)
    return _UnavailableError(words) if fixed else _PassingError(words)
