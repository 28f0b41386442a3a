"""Arrays in a file: written with the same bytes everywhere, read without trust.

The format is numpy's npz, a zip archive of npy files. `numpy.savez` announces every array as if it were a large one,
which Python's zipfile writes in two ways within 3.11; what a compressed array comes to depends on the zlib. Here
neither plays a part.
"""

import math
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import numpy as np

from pipeline.core.errors import UserError
from pipeline.project import lock


def write(file: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """An archive of these arrays, none of them compressed.

    Args:
        file: Open for writing, and empty.
        arrays: By name.

    Raises:
        ValueError: If one of them holds objects, which would have to be pickled.
    """
    with zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # of a fixed date
            entry.file_size = array.nbytes  # about; how large files are announced depends on it
            with archive.open(entry, "w") as opened:
                np.lib.format.write_array(opened, array, allow_pickle=False)


def read(path: Path) -> dict[str, np.ndarray]:
    """All arrays of a file by name. Nothing is unpickled, and nothing unpacked or allocated before its size is known.

    Raises:
        UserError: If the file is missing or damaged, or is not the one that DVC recorded.
    """
    lock.check(path)
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            members = archive.zip.infolist()
            total = sum(member.file_size for member in members)
            if total > path.stat().st_size:
                raise ValueError(f"it would grow to {total} bytes")
            for member in members:
                with archive.zip.open(member) as opened:
                    check_array(opened, member.file_size, member.filename)
            found = {name: archive[name] for name in archive.files}
        for name, array in found.items():
            if array.dtype.kind not in "biufU":
                raise ValueError(f"{name} holds {array.dtype}, allowed: truth values, real numbers, text")
        return found
    except FileNotFoundError:
        raise UserError(f"{path}: missing; `dvc repro` makes it") from None
    except Exception as error:  # whatever the readers of zip, deflate and arrays make of other bytes
        words = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"{path}: damaged ({words}); delete it and run `dvc repro`") from None


def check_array(opened: IO[bytes], size: int, name: str) -> None:
    """Refuse an array file whose header promises another size than it has: reading would allocate what is promised.

    Args:
        opened: The file, at its beginning.
        size: Of the whole file, in bytes.
        name: What to call it.

    Raises:
        ValueError: If it does, if it holds objects, which would have to be unpickled, or if it is no array file.
    """
    version = np.lib.format.read_magic(opened)
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in readers:
        raise ValueError(f"{name} has the format {version}")
    shape, _, dtype = readers[version](opened)
    if dtype.hasobject:
        raise ValueError(f"{name} holds objects, which are never unpickled")
    promised = opened.tell() + dtype.itemsize * math.prod(shape)
    if min(shape, default=0) < 0 or promised != size:
        raise ValueError(f"{name} has {size} bytes, its header wants {promised}")
