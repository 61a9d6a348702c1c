"""The library that compiled programs call: kernels, thread pool, polls.

Each part is made once a CPU, when a program that calls it is first compiled.
"""

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
from ..kernels.symbols import PARTS, libm
from ..kernels.ufunc_loops import addresses
from ..kernels.ufunc_loops import is_symbol as is_loop
from ..target.assembler import LoadedCode, assemble
from ..target.host import Host, binding, host
from . import fast_call as fast_calls
from .poll import API

_llvmlite = LazyModule("llvmlite")
_source = LazyModule("chainrule.backends.llvm.runtime.library_text")
_PART_OF = {name: part for part, names in PARTS.items() for name in names}
_loaded: dict[tuple[Host, str], LoadedCode] = {}


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


def symbols() -> tuple[str, ...]:
    """Return the names of all that programs may call but for SciPy's."""
    return (*_outside(), *loops(), *_PART_OF)


def imports_of(names: Iterable[str]) -> dict[str, int]:
    """Return the addresses of what a program calls.

    Raises
    ------
    KeyError
        If something is not there: its code was made beside another version of SciPy.
    """
    names = tuple(names)
    imports = {name: _address(name) for name in names if not is_symbol(name)}
    imports |= {name: routines()[name] for name in names if name in LAPACK}
    return {**imports, **addresses(filter(is_loop, names))}


def is_symbol(name: str) -> bool:
    """Return whether a name in code is that of something of SciPy's."""
    return name in LAPACK or is_loop(name)


def _address(name: str) -> int:
    """Return the address of a symbol; its part of the library is made, or loaded, if need be."""
    part = _PART_OF.get(name)
    if part is None:
        return _outside()[name] if name in _outside() else loops()[name]
    key = (host(), part)
    if key not in _loaded:
        with compiling:
            if key not in _loaded:
                _loaded[key] = _load(part)
    return _loaded[key].addresses[PARTS[part].index(name)]


def _load(part: str) -> LoadedCode:
    key = cache_key("library", part)
    code = cache.load(key)
    if code is None:
        code = assemble(_source.part_text(part, host()))
        cache.store(key, code)
    return LoadedCode(code, _outside(), PARTS[part])


@lru_cache(maxsize=1)
def _outside() -> dict[str, int]:
    """Return the addresses of what lies outside and needs no code of ours."""
    return {**libm(), **_python(), **_yield()}


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
    address = _address("fast_call")
    return address if fast_calls.works(address) else None


@lru_cache(maxsize=1)
def worker() -> Any:
    """Return the native loop of a worker."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(_address("work"))


@lru_cache(maxsize=1)
def within() -> Any:
    """Return what calls a `main` in a frame while a pool is awake, and returns its status."""
    return ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(_address("within"))
