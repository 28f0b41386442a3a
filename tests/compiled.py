"""Kernels that only tests need, compiled as those of the pipeline are."""

import functools
from unittest import mock

from pipeline.arithmetic import library
from pipeline.core.cache import Cache


@functools.cache
def compiled(name: str, *signature: str, real: str = "float64") -> library.Function:
    """What `library.function` gives, never from a file: the key of files knows no sources of tests."""
    with mock.patch.object(library, "cache", return_value=Cache(None, ".o", "compiled kernels")):
        return library.function(name, *signature, real=real)
