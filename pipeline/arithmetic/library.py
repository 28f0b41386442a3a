"""Kernels as functions: compiled once on a machine by numba, then loaded from a file in half a tenth of a second.

A file holds the machine code of one kernel. Its name is a digest of all that the code follows from: the sources of all
kernels, the compiler and the processor. So clones, temporary folders and edits share what they can and nothing else.
Only compiling imports numba.
"""

import ctypes
import functools
import hashlib
import importlib
import logging
import os
import platform
import sys
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import llvmlite.binding as llvm
import numpy as np
import platformdirs

from pipeline.core.cache import Cache
from pipeline.core.errors import UserError

log = logging.getLogger(__name__)

_SOURCES = ("arithmetic", "training/kernels")
_NEEDED = {"x86_64": ("avx2", "fma"), "amd64": ("avx2", "fma"), "aarch64": (), "arm64": ()}
_lock = threading.Lock()
_engines: list[llvm.ExecutionEngine] = []  # they own the code that was loaded

Function = Callable[..., None]


def function(name: str, *signature: str | np.dtype, real: str = "float64") -> Function:
    """A kernel as a function that runs without Python's lock.

    Args:
        name: Module and function, such as "pipeline.arithmetic.draws:permute".
        signature: Types of the arguments. Of a record, its dtype; else a scalar such as "int64", or "int64*" for the
            address of an array of them; "real" is `real`.
        real: float32 or float64.

    Raises:
        UserError: If the processor lacks what the kernels need, or flushes denormal numbers to zero.
    """
    with _lock:
        return _function(name, signature, real)


@functools.cache
def _function(name: str, signature: tuple[str | np.dtype, ...], real: str) -> Function:
    check_processor()
    symbol, code = _code(name, signature, real)
    if not _engines:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    # numba's convention: where to write a result and an exception, then the arguments; the result is a status
    types = [ctypes.c_void_p, ctypes.c_void_p, *(_ctype(one) for one in signature)]
    native = ctypes.CFUNCTYPE(ctypes.c_int, *types)(engine.get_function_address(symbol))

    def call(*arguments: int | float) -> None:
        result, exception = ctypes.c_void_p(), ctypes.c_void_p()
        status = native(ctypes.addressof(result), ctypes.addressof(exception), *arguments)
        if status:
            raise RuntimeError(f"{name} ended with status {status}")

    return call


def check_processor() -> None:
    """Refuse what would give other bits, or none.

    Raises:
        UserError: As `function` says.
    """
    machine = platform.machine().lower()
    missing = [name for name in _NEEDED.get(machine, ("x86-64 or ARM64",)) if not features().get(name)]
    if missing:
        raise UserError(
            f"this processor ({machine}) lacks {' and '.join(missing)}; "
            "training needs x86-64 with AVX2 and FMA (since about 2013), or ARM64"
        )
    if sys.float_info.min / 2 == 0:
        raise UserError("this process flushes denormal numbers to zero, which gives other results; unset that mode")


@functools.cache
def features() -> dict[str, bool]:
    """What the code may use; numba's own variable NUMBA_CPU_FEATURES, such as "+avx2,-avx512f", replaces it."""
    named = os.environ.get("NUMBA_CPU_FEATURES")
    if named is None:
        return dict(llvm.get_host_cpu_features())
    return {one[1:]: one[0] == "+" for one in named.split(",") if one}


def wide_registers() -> bool:
    """Whether the code may use 32 registers of 16 float32."""
    return features().get("avx512f", False)


# --- the cache -------------------------------------------------------------------------------------------------------


@functools.cache
def cache() -> Cache:
    """The files: in `kernels` in the user's cache folder."""
    return Cache(platformdirs.user_cache_path("mlp-ablations") / "kernels", ".o", "compiled kernels")


@functools.cache
def _key() -> str:
    """What all code follows from."""
    package = Path(__file__).parents[1]
    sources = sorted(path for place in _SOURCES for path in (package / place).glob("*.py"))
    processor = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    used = [f"{name} {has}" for name, has in sorted(features().items())]
    digest = hashlib.sha256("\n".join([version("numba"), version("llvmlite"), processor, *used]).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _code(name: str, signature: tuple[str | np.dtype, ...], real: str) -> tuple[str, bytes]:
    """Symbol and machine code of a kernel."""
    key = hashlib.sha256(f"{_key()} {name} {signature} {real}".encode()).hexdigest()
    content = cache().get(key)
    if content is None:
        symbol, code = _compile(name, signature, real)
        content = f"{symbol}\n".encode() + code
        cache().put(key, content)
        cache().prune()
    symbol_line, _, code = content.partition(b"\n")
    return symbol_line.decode(), code


def _compile(
    name: str, signature: tuple[str | np.dtype, ...], real: str, machine: llvm.TargetMachine | None = None
) -> tuple[str, bytes]:
    """Compile by numba, but optimise once: numba would do so for every function that a kernel calls, and once more."""
    from numba import from_dtype, types
    from numba.core import codegen, compiler_lock
    from numba.core.registry import cpu_target

    class Unfinished(codegen.JITCodeLibrary):
        """A function as LLVM's intermediate code, with all that it calls, neither optimised nor translated."""

        def _optimize_functions(self, module: llvm.ModuleRef) -> None:
            module.data_layout = self._codegen._data_layout

        def _optimize_final_module(self) -> None:
            pass

        def _finalize_final_module(self) -> None:
            self._finalized = True

        def get_pointer_to_function(self, name: str) -> int:
            return 0

    def kind(one: str | np.dtype) -> object:
        if isinstance(one, np.dtype):
            return from_dtype(one)
        element = getattr(types, one.rstrip("*").replace("real", real))
        return types.CPointer(element) if one.endswith("*") else element

    begun = time.process_time()
    module, _, attribute = name.partition(":")
    generator = cpu_target.target_context.codegen()
    generator._library_class, generator.set_env = Unfinished, lambda *environment: None
    try:
        kernel = getattr(importlib.import_module(module), attribute)
        kernel.compile(tuple(kind(one) for one in signature))
        compiled = kernel.overloads[tuple(kind(one) for one in signature)]
        with compiler_lock.global_compiler_lock:
            compiled.library._ensure_finalized()
    finally:
        del generator._library_class, generator.set_env
    code, symbol = compiled.library._final_module, compiled.fndesc.llvm_func_name
    for one in code.functions:
        if not one.is_declaration and one.name != symbol:
            one.linkage = "internal"
    # vectors are written out, and all else is short
    passes, builder = generator._module_pass_manager(loop_vectorize=False, slp_vectorize=False)
    passes.run(code, builder)
    machine = machine or generator._tm  # this one
    code.triple, code.data_layout = machine.triple, str(machine.target_data)
    machine_code: bytes = machine.emit_object(code)
    log.info("%s: compiled in %.1f s, once on this machine", attribute, time.process_time() - begun)
    return symbol, machine_code


def _ctype(one: str | np.dtype) -> type:
    if isinstance(one, np.dtype) or one.endswith("*"):
        return ctypes.c_void_p
    return {"int64": ctypes.c_int64, "uint64": ctypes.c_uint64, "float64": ctypes.c_double}[one]
