"""Kernels that only tests need, compiled like those of the pipeline."""

import functools
from unittest import mock

from pipeline.arithmetic import library
from pipeline.core.cache import Cache


@functools.cache
def compiled(name: str, *signature: str, real: str = "float64") -> library.Function:
    """Return `library.function` without its cache, whose key does not include the sources of tests."""
    with mock.patch.object(library, "cache", return_value=Cache(None, ".o", "compiled kernels")):
        return library.function(name, *signature, real=real)
