"""The raw files of torchvision's IDX family: downloaded once into the user's cache folder, checked at every use."""

import os
import re
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import platformdirs

from pipeline.core.errors import UserError, escape

# torchvision's own list has two servers that do not offer https
SERVERS = {
    "fashion_mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "https://fashion-mnist.s3.eu-central-1.amazonaws.com",
    ),
    "mnist": ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist"),
    "kmnist": ("https://codh.rois.ac.jp/kmnist/dataset/kmnist",),
}

# other data sets are checked by torchvision's MD5 digests
SHA256 = {
    "fashion_mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    }
}
RETRIES = 2


def raw_file(source: str, name: str, md5: str) -> Path:
    """Return the path of a raw file in the cache; download it if it is missing there or damaged.

    `ABLATE_MIRROR`, a folder or a URL, replaces the data set's own servers.

    Raises:
        UserError: If no server has the file; one line per server.
    """
    import pooch  # imported lazily: only these data sets need it

    digest = SHA256.get(source, {}).get(name) or f"md5:{md5}"
    cache = platformdirs.user_cache_path("mlp-ablations") / "raw" / source
    mirror = os.environ.get("ABLATE_MIRROR")
    problems = []
    for server in [mirror] if mirror else SERVERS[source]:
        base, downloader = _access(server)
        files = pooch.create(cache, base, registry={name: digest}, retry_if_failed=RETRIES)
        try:
            return Path(files.fetch(name, downloader=downloader))
        except (OSError, ValueError) as error:
            remedy = "set ABLATE_MIRROR to a folder or an http(s) URL that has the file"
            problems.append(escape(f"{base}{name}: cannot be had ({_cause(error)}); {remedy}"))
    raise UserError("\n".join(problems))


def _cause(error: BaseException) -> str:
    """Return the message of the first error: requests and urllib3 wrap it several times."""
    return _cause(error.__context__) if error.__context__ else str(error)


def _access(server: str) -> tuple[str, Any]:
    """Return the URL of a server without its login, or a folder, and a function for pooch that gets files from it."""
    import pooch

    scheme, login, rest = re.findall(r"(?s)^(?:(\w+://)(?:([^/]*)@)?)?(.*?)/*$", server)[0]
    if scheme.lower() not in ("http://", "https://"):
        folder = unquote(urlsplit(server).path) if server.startswith("file:") else scheme + rest
        return f"{folder}/", lambda path, target, _: shutil.copyfile(path, target)
    user, _, password = login.partition(":")
    return f"{scheme}{rest}/", pooch.HTTPDownloader(
        progressbar=True,
        timeout=(10, 30),
        auth=(unquote(user), unquote(password)) if login else None,
        # the files are compressed: the server must not compress them again, nor requests unpack them
        headers={"Accept-Encoding": "identity"},
        hooks={"response": lambda response, **_: response.raw.headers.discard("Content-Encoding")},
    )
