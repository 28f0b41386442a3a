"""Real images with a fixed test set: scikit-learn's digits, or torchvision's IDX family.

Raw files of the IDX family are kept in the platform's user cache folder and checked on every use. `ABLATE_MIRROR` (a
folder or a URL with the files) says where to take them from instead of the data set's own server.
"""

import hashlib
import os
import shutil
import tempfile
from http.client import HTTPException
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import platformdirs

from pipeline.project.artifacts import Dataset, Split, replacing
from pipeline.project.errors import UserError
from pipeline.project.settings import DIGITS_TEST_EXAMPLES, Images

_CLASSES = {"fashion_mnist": "FashionMNIST", "mnist": "MNIST", "kmnist": "KMNIST"}

# The original files of Fashion-MNIST; the others are held to torchvision's own MD5 digests.
SHA256 = {
    "fashion_mnist": {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    }
}


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
        # torchvision trusts what it once unpacked; so it unpacks anew, from files that were checked just now
        raw = Path(folder, kind.__name__, "raw")
        raw.mkdir(parents=True)
        for name, md5 in kind.resources:
            shutil.copyfile(_fetch(source, kind, name, md5), raw / name)
        try:
            parts = [kind(folder, train=train, download=True) for train in (True, False)]
        except (RuntimeError, ValueError, AssertionError, OSError, EOFError) as error:
            raise UserError(f"{source}: the files are no IDX files ({' '.join(str(error).split())})") from None
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


def _fetch(source: str, kind: Any, name: str, md5: str) -> Path:
    """The raw file, checked: from the cache, else from the mirror, else from the data set's own servers."""
    algorithm, expected = ("sha256", SHA256[source][name]) if source in SHA256 else ("md5", md5)
    kept = platformdirs.user_cache_path("mlp-ablations") / "raw" / source / name
    if kept.is_file() and _digest(kept, algorithm) == expected:
        return kept
    mirror = os.environ.get("ABLATE_MIRROR")
    problems = []
    for place in [mirror] if mirror else kind.mirrors:
        try:
            with replacing(kept) as path:
                _take(f"{place.rstrip('/')}/{name}", path)
                found = _digest(path, algorithm)
                if found != expected:
                    raise UserError(f"{place}: {name}: found {algorithm} {found}, expected {expected}")
            return kept
        except UserError as error:
            problems.append(str(error))
    raise UserError("\n".join(problems))


def _take(place: str, path: Path) -> None:
    """Copy a file from a folder, or download it with a progress bar from a URL."""
    try:
        if "://" in place and not place.startswith("file://"):
            _torchvision_datasets().utils.download_url(place, str(path.parent), path.name)
        else:
            shutil.copyfile(place.removeprefix("file://"), path)
    except (OSError, HTTPException, RuntimeError, ValueError) as error:
        remedy = "set ABLATE_MIRROR to a folder or URL that has the file"
        raise UserError(f"{place}: cannot be had ({' '.join(str(error).split())}); {remedy}") from None


def _digest(path: Path, algorithm: str) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, algorithm).hexdigest()
