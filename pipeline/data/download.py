"""A file from a web server, within limits of time and size: few redirects, few retries, never away from https."""

import http.client
import multiprocessing
import ssl
import threading
from collections.abc import Iterator
from multiprocessing.pool import ThreadPool
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from tqdm import tqdm
from urllib3.util import Retry

from pipeline.core.console import escape

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0  # for the next bytes, however few
FILE_SECONDS = 900.0  # for a file from one place, all tries together: 26 MB at 30 kB/s
RETRIES = 3
PAUSE_SECONDS = 0.5  # doubles with every retry
REDIRECTS = 5
LARGEST_FILE = 64 * 2**20  # the largest of them has 26 MB

# what a server says that a moment later may have it
_PASSING_STATUSES = {408, 425, 429, 500, 502, 503, 504}


class UnavailableError(Exception):
    """A file can not be had from a place; the message says why."""


class _PassingError(UnavailableError):
    """The same, but a moment later it may be there."""


def download(url: str) -> bytes:
    """What a server has under a URL, with a progress bar; tried again where that may help.

    Raises:
        UnavailableError: If the server does not have it, or not within `FILE_SECONDS`.
    """
    given_up = threading.Event()
    # in a thread that can be left behind: looking up a host and reading headers byte by byte have no limit of their own
    with ThreadPool(1) as pool:
        try:
            return pool.apply_async(_persist, (url, given_up)).get(FILE_SECONDS)
        except multiprocessing.TimeoutError:
            raise UnavailableError(f"not all there after {FILE_SECONDS:g} seconds") from None
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
                raise UnavailableError(f"{error}; tried {RETRIES + 1} times") from None
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
                    raise UnavailableError(f"more than {LARGEST_FILE:,} bytes")
                if given_up.is_set():
                    raise UnavailableError("given up")
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
        raise (_PassingError if passing else UnavailableError)(words)
    raise UnavailableError(f"sent on more than {REDIRECTS} times")


def _onward(url: str, location: str) -> str:
    """Where a redirect leads."""
    allowed = ("https",) if urlsplit(url).scheme == "https" else ("http", "https")
    try:
        # percent-encoded, as a server may send anything
        onward = requests.utils.requote_uri(urljoin(url, location))
        scheme = urlsplit(onward).scheme
    except ValueError as error:
        raise UnavailableError(f"sent on to no URL ({one_line(error)})") from None
    if scheme not in allowed:
        raise UnavailableError(f"sent on to {shown(onward)}, allowed: {' and '.join(allowed)}")
    return onward


def _chunks(response: requests.Response) -> Iterator[bytes]:
    """The body as it comes, bit by bit, to the end that the server promised."""
    try:
        # whoever asks for a fixed number of bytes waits for all of them
        while chunk := response.raw.read1(2**16, decode_content=False):
            yield chunk
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise _named(error) from None


def _named(error: Exception) -> UnavailableError:
    """What went wrong at the bottom of it, in a few words."""
    root: BaseException = error
    # what an answer is that breaks the protocol says it better than what it was read with
    while (below := root.__cause__ or root.__context__) and not isinstance(root, http.client.HTTPException):
        root = below
    words = one_line(getattr(root, "strerror", None) or root) or type(root).__name__
    # a wrong URL stays wrong, and so does a certificate
    fixed = isinstance(error, ValueError) or isinstance(root, ssl.SSLCertVerificationError)
    return UnavailableError(words) if fixed else _PassingError(words)


def shown(place: Path | str) -> str:
    """A place as it may be printed: a URL may hold a password."""
    if isinstance(place, Path):
        return one_line(place)
    person, at, _ = urlsplit(place).netloc.rpartition("@")
    return one_line(place.replace(person + at, "", 1) if at else place)


def one_line(words: object) -> str:
    """Words of a library or a server, as a part of a line and without what would steer a terminal."""
    return escape(" ".join(str(words).split()))
