"""What every compiled program calls: matrix products, the pool, the poll. Made once a CPU."""

from __future__ import annotations

import ctypes
import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

from ....forks import compiling
from ....lazy import LazyModule
from ....version import __version__
from ..cache import disk as cache
from ..ir.builder import Module
from ..kernels.math import libm
from ..kernels.matmul import EXPORTS, write_library
from ..kernels.sort import write_sort
from ..target.assembler import Loaded, assemble
from ..target.host import Host, binding, host
from . import fast_call as entries
from .autotune import write_trial
from .poll import API, write_poll
from .pool import write_pool

_llvmlite = LazyModule("llvmlite")
_NAMES = (*EXPORTS, "parallel", "work", "within", "trial", "poll", "entry", "order")
_loaded: dict[Host, tuple[dict[str, int], Loaded]] = {}


@lru_cache(maxsize=1)
def generator() -> str:
    """A digest of everything that code depends on but the graph and the host.

    The compiler's own files count by size and time: to read them all would take longer than to load
    a program.
    """
    parts: list[object] = [__version__, _llvmlite.__version__, binding.llvm_version_info]
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        status = path.stat()
        parts.append((path.name, status.st_size, status.st_mtime_ns))
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def key_of(*parts: str) -> str:
    """The name under which code is cached."""
    return hashlib.sha256("\0".join([generator(), repr(host()), *parts]).encode()).hexdigest()


def symbols() -> dict[str, int]:
    """Addresses of all that programs may call, by name."""
    target = host()
    if target not in _loaded:
        with compiling:
            if target not in _loaded:
                _loaded[target] = _load(target)
    return _loaded[target][0]


def _load(target: Host) -> tuple[dict[str, int], Loaded]:
    outside = {**libm(), **_python(), **_yield()}
    key = key_of("library")
    code = cache.load(key)
    if code is None:
        module = Module()
        write_library(module, target)
        write_pool(module)
        write_trial(module)
        entries.write_entry(module)
        write_sort(module)
        write_poll(module, target.triple.startswith("x86_64"))
        code = assemble(module.text(target.triple))
        cache.store(key, code)
    loaded = Loaded(code, outside, _NAMES)
    return {**outside, **dict(zip(_NAMES, loaded.addresses, strict=True))}, loaded


def _python() -> dict[str, int]:
    """Addresses of what the library calls of Python."""
    return {
        name: ctypes.cast(getattr(ctypes.pythonapi, name), ctypes.c_void_p).value or 0
        for name in (*API, *entries.DECLARED)
    }


def _yield() -> dict[str, int]:
    """The system's call that gives others a turn."""
    name, library = "sched_yield", ctypes.CDLL(None) if os.name == "posix" else None
    if library is None:
        name, library = "SwitchToThread", ctypes.WinDLL("kernel32")  # type: ignore[attr-defined]
    return {"sched_yield": ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0}


@lru_cache(maxsize=1)
def entry_address() -> int | None:
    """The address of `entry`; None if this Python keeps its arrays otherwise."""
    address = symbols()["entry"]
    return address if entries.works(address) else None


@lru_cache(maxsize=1)
def worker() -> Any:
    """The native loop of a worker."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p)(symbols()["work"])


@lru_cache(maxsize=1)
def within() -> Any:
    """What runs a `main` in a frame while a pool is awake, and returns its status."""
    return ctypes.CFUNCTYPE(ctypes.c_int32, *[ctypes.c_void_p] * 3)(symbols()["within"])
