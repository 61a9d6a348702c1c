"""The library that every compiled program calls: kernels, thread pool, polls. Made once a CPU."""

from __future__ import annotations

import ctypes
import hashlib
import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from ....forks import compiling
from ....lazy import LazyModule
from ....version import __version__
from ..cache import disk as cache
from ..kernels.fourier import loops
from ..kernels.lapack import SYMBOLS as LAPACK
from ..kernels.lapack import routines
from ..kernels.symbols import MATMULS, SORT, libm
from ..kernels.ufunc_loops import addresses
from ..kernels.ufunc_loops import is_symbol as is_loop
from ..target.assembler import LoadedCode, assemble
from ..target.host import Host, binding, host
from . import fast_call as fast_calls
from .poll import API

_llvmlite = LazyModule("llvmlite")
_source = LazyModule("chainrule.backends.llvm.runtime.library_text")
_NAMES = (*MATMULS, "parallel", "work", "within", "autotune", "poll", "fast_call", SORT)
_loaded: dict[Host, tuple[dict[str, int], LoadedCode]] = {}


@lru_cache(maxsize=1)
def compiler_digest() -> str:
    """Return a digest of everything that code depends on beside the graph and the host.

    The compiler's own files count by size and time: reading them all would take longer than loading
    a program.
    """
    versions = [__version__, _llvmlite.__version__, np.__version__]
    parts: list[object] = [versions, binding.llvm_version_info]
    compiler = Path(__file__).parent.parent
    package = compiler.parent.parent
    for folder in (compiler, package / "primitives"):  # whose formulas become code
        for path in sorted(folder.rglob("*.py")):
            status = path.stat()
            parts.append((path.relative_to(package).as_posix(), status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def cache_key(*parts: str) -> str:
    """Return the name under which code is cached."""
    return hashlib.sha256("\0".join([compiler_digest(), repr(host()), *parts]).encode()).hexdigest()


def symbols() -> dict[str, int]:
    """Return the addresses of all that programs may call, by name."""
    target = host()
    if target not in _loaded:
        with compiling:
            if target not in _loaded:
                _loaded[target] = _load(target)
    return _loaded[target][0]


def imports_of(names: Iterable[str]) -> dict[str, int]:
    """Return the addresses of what a program calls.

    Raises
    ------
    KeyError
        If something is not there: its code was made beside another version of SciPy.
    """
    names, library = tuple(names), symbols()
    imports = {name: library[name] for name in names if not is_symbol(name)}
    imports |= {name: routines()[name] for name in names if name in LAPACK}
    return {**imports, **addresses(filter(is_loop, names))}


def is_symbol(name: str) -> bool:
    """Return whether a name in code is that of something of SciPy's."""
    return name in LAPACK or is_loop(name)


def _load(target: Host) -> tuple[dict[str, int], LoadedCode]:
    outside = {**libm(), **_python(), **_yield()}
    key = cache_key("library")
    code = cache.load(key)
    if code is None:
        code = assemble(_source.library_text(target))
        cache.store(key, code)
    loaded = LoadedCode(code, outside, _NAMES)
    return {**outside, **loops(), **dict(zip(_NAMES, loaded.addresses, strict=True))}, loaded


def _python() -> dict[str, int]:
    """Return the addresses of what the library calls of Python."""
    return {
        name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        for name in (*API, *fast_calls.DECLARED)
    }


def _yield() -> dict[str, int]:
    """Return the address of the system call that yields to other threads."""
    name, library = "sched_yield", ctypes.CDLL(None) if os.name == "posix" else None
    if library is None:
        name, library = "SwitchToThread", ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    return {"sched_yield": ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0}


@lru_cache(maxsize=1)
def fast_call_address() -> int | None:
    """Return the address of `fast_call`; None if this Python lays its arrays out differently."""
    address = symbols()["fast_call"]
    return address if fast_calls.works(address) else None


@lru_cache(maxsize=1)
def worker() -> Any:
    """Return the native loop of a worker."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(symbols()["work"])


@lru_cache(maxsize=1)
def within() -> Any:
    """Return what calls a `main` in a frame while a pool is awake, and returns its status."""
    return ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(symbols()["within"])
