"""Real images with a fixed test set: scikit-learn's digits, or torchvision's IDX family."""

import gzip
import tempfile
import zlib
from pathlib import Path
from types import ModuleType

import numpy as np

from pipeline.core.dataset import Dataset, Split
from pipeline.core.errors import UserError
from pipeline.data.config import DIGITS_TEST_EXAMPLES, Images
from pipeline.data.download import one_line
from pipeline.data.raw_files import raw_file

_CLASSES = {"fashion_mnist": "FashionMNIST", "mnist": "MNIST", "kmnist": "KMNIST"}


def make(config: Images) -> Dataset:
    """Bytes (1, N, D) and labels (1, N); `factor` and `offset` bring the bytes to the wanted scale.

    Raises:
        UserError: If a raw file can not be had or is not the right one.
    """
    if config.source == "digits":
        largest, names, train, test = 16, tuple("0123456789"), *_digits()
    else:
        largest, names, train, test = 255, *_idx(config.source)
    unit = config.scale == "unit"
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
        contents = {name: raw_file(source, name, md5) for name, md5 in kind.resources}
        try:
            for name, packed in contents.items():
                (raw / name.removesuffix(".gz")).write_bytes(gzip.decompress(packed))
            parts = [kind(folder, train=train, download=False) for train in (True, False)]
        except (gzip.BadGzipFile, EOFError, zlib.error, RuntimeError, ValueError, AssertionError) as error:
            raise UserError(f"{source}: the files are no IDX files ({one_line(error)})") from None
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
