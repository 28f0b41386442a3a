"""Kernels that only tests need, compiled as those of the pipeline are."""

import functools
import tempfile
from pathlib import Path
from unittest import mock

from pipeline.arithmetic import library


@functools.cache
def compiled(name: str, *signature: str, real: str = "float64") -> library.Function:
    """What `library.function` gives, never from a file: the key of files knows no sources of tests."""
    with tempfile.TemporaryDirectory() as folder, mock.patch.object(library, "folder", return_value=Path(folder)):
        return library.function(name, *signature, real=real)
