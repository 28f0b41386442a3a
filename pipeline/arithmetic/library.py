"""Kernels as functions: numba compiles each once per machine; from then on it is loaded from a file in 50 ms.

A file holds the machine code of one kernel. Its name is a digest of all that the code depends on: the sources of all
kernels, the compiler and the processor. So clones and temporary folders share the files whose sources are the same.
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
from typing import Any

import llvmlite.binding as llvm
import platformdirs

from pipeline.core.cache import Cache
from pipeline.core.errors import UserError

log = logging.getLogger(__name__)

_SOURCES = ("arithmetic", "training/kernels", "training/optimizers")
_NEEDED = {"x86_64": ("avx2", "fma"), "amd64": ("avx2", "fma"), "aarch64": (), "arm64": ()}
_lock = threading.Lock()
_engines: list[llvm.ExecutionEngine] = []  # they own the loaded code

Function = Callable[..., None]
Argument = str | tuple[tuple[str, str], ...]


def function(name: str, *signature: Argument, real: str = "float64") -> Function:
    """Return a kernel as a function that runs without Python's lock.

    Args:
        name: Module and function, such as "pipeline.arithmetic.draws:permute".
        signature: Types of the arguments: a scalar such as "int64"; "int64*" for the address of an array; names and
            types of its fields for the address of a record; "real" stands for the type `real`.
        real: float32 or float64.

    Raises:
        UserError: If the processor lacks what the kernels need, or flushes denormal numbers to zero.
    """
    with _lock:  # several threads compile a kernel once
        return _function(name, signature, real)


@functools.cache
def _function(name: str, signature: tuple[Argument, ...], real: str) -> Function:
    check_processor()
    symbol, code = _code(name, signature, real)
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine(jit=True)
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _engines.append(engine)
    # numba's convention: where to write a result and an exception, then the arguments; the result is a status
    scalars: dict[str, Any] = {"int64": ctypes.c_int64, "uint64": ctypes.c_uint64, "float64": ctypes.c_double}
    types = [scalars.get(str(argument), ctypes.c_void_p) for argument in signature]
    prototype = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, *types)
    native = prototype(engine.get_function_address(symbol))

    def call(*arguments: int | float) -> None:
        result, exception = ctypes.c_void_p(), ctypes.c_void_p()
        status = native(ctypes.addressof(result), ctypes.addressof(exception), *arguments)
        if status:
            raise RuntimeError(f"{name} ended with status {status}")

    return call


def check_processor() -> None:
    """Raise a UserError if the processor lacks what kernels need, or computes other bits in its current mode."""
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
    """Return the features of the processor; numba's NUMBA_CPU_FEATURES, such as "+avx2,-avx512f", overrides them."""
    flags = os.environ.get("NUMBA_CPU_FEATURES")
    if flags is None:
        return dict(llvm.get_host_cpu_features())
    return {flag[1:]: flag[0] == "+" for flag in flags.split(",") if flag}


# --- the cache -------------------------------------------------------------------------------------------------------


@functools.cache
def cache() -> Cache:
    """Return the cache of compiled kernels: `kernels` in the user's cache folder."""
    return Cache(platformdirs.user_cache_path("mlp-ablations") / "kernels", ".o", "compiled kernels")


@functools.cache
def _key() -> str:
    """Digest what the code of all kernels depends on."""
    package = Path(__file__).parents[1]
    sources = sorted(path for folder in _SOURCES for path in (package / folder).glob("*.py"))
    processor = os.environ.get("NUMBA_CPU_NAME") or llvm.get_host_cpu_name()
    used = [f"{name} {has}" for name, has in sorted(features().items())]
    digest = hashlib.sha256("\n".join([version("numba"), version("llvmlite"), processor, *used]).encode())
    for path in sources:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _code(name: str, signature: tuple[Argument, ...], real: str) -> tuple[str, bytes]:
    """Return symbol and machine code of a kernel, from the cache if it is there."""
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
    name: str, signature: tuple[Argument, ...], real: str, machine: llvm.TargetMachine | None = None
) -> tuple[str, bytes]:
    """Compile with numba, but optimise once: numba would optimise every function of a kernel, then the whole again."""
    from numba import types
    from numba.core import codegen, compiler_lock
    from numba.core.registry import cpu_target

    from pipeline.arithmetic.vector import Record

    class Unfinished(codegen.JITCodeLibrary):
        """A function and all that it calls in LLVM's intermediate code, neither optimised nor translated."""

        def _optimize_functions(self, module: llvm.ModuleRef) -> None:
            module.data_layout = self._codegen._data_layout

        def _optimize_final_module(self) -> None:
            pass

        def _finalize_final_module(self) -> None:
            self._finalized = True

        def get_pointer_to_function(self, name: str) -> int:
            return 0

    def numba_type(argument: Argument) -> Any:
        if isinstance(argument, tuple):
            return Record({field: numba_type(type_) for field, type_ in argument})
        element = getattr(types, argument.rstrip("*").replace("real", real))
        return types.CPointer(element) if argument.endswith("*") else element

    start = time.process_time()
    module, _, attribute = name.partition(":")
    arguments = tuple(map(numba_type, signature))
    generator = cpu_target.target_context.codegen()
    generator._library_class, generator.set_env = Unfinished, lambda *environment: None
    try:
        kernel = getattr(importlib.import_module(module), attribute)
        kernel.compile(arguments)
        compiled = kernel.overloads[arguments]
        with compiler_lock.global_compiler_lock:
            compiled.library._ensure_finalized()
    finally:
        del generator._library_class, generator.set_env
    code, symbol = compiled.library._final_module, compiled.fndesc.llvm_func_name
    for part in code.functions:
        if not part.is_declaration and part.name != symbol:
            part.linkage = "internal"
    # no vectorization: vectors are explicit, and the rest is short
    passes, builder = generator._module_pass_manager(loop_vectorize=False, slp_vectorize=False)
    passes.run(code, builder)
    machine = machine or generator._tm  # by default this processor
    code.triple, code.data_layout = machine.triple, str(machine.target_data)
    machine_code: bytes = machine.emit_object(code)
    log.info("%s: compiled in %.1f s, once on this machine", attribute, time.process_time() - start)
    return symbol, machine_code
