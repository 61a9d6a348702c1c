"""Every flag, each an environment variable that is read once and a field that can be set."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields


def _flag(name: str, default: int) -> int:
    text = os.environ.get(name, str(default))
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{name}={text!r}: give a whole number, such as {default}") from None


def _threads() -> int:
    """As OMP_NUM_THREADS says if nothing else does: joblib sets it in the processes it starts."""
    outer = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return _flag("CHAINRULE_NUM_THREADS", int(outer) if outer.isdecimal() else 0)


def _backend() -> str:
    text = os.environ.get("CHAINRULE_BACKEND", "llvm")
    if text not in ("llvm", "numpy"):
        raise ValueError(f"CHAINRULE_BACKEND={text!r}: give llvm or numpy")
    return text


@dataclass
class Config:
    """The flags of this process.

    Attributes
    ----------
    debug : int
        ``CHAINRULE_DEBUG``, 0 to 5. 1 prints traces and cache hits with the reason, 2 how long each
        instruction of a compiled program takes, 3 prints
        the graph after each pass. Default 0.
    check : int
        ``CHAINRULE_CHECK``. 1 verifies the graph after every pass; 2 also compiles such that
        writing beyond a buffer is noticed. Default 0.
    lines : int
        ``CHAINRULE_LINES``. 1 records the user's line on every node even without ``jit``
        (``explain`` turns it on for itself). Default 0.
    vector : int
        ``CHAINRULE_VECTOR``. How many float32 a vector of compiled code holds: 4, 8 or 16, or 0
        for as many as the CPU has. Default 0.
    num_threads : int
        ``CHAINRULE_NUM_THREADS``. How many threads compiled code uses, 0 for as many as the
        process has CPUs. The results don't depend on it. Default: ``OMP_NUM_THREADS``, else 0.
    cache : int
        ``CHAINRULE_CACHE``. How many MiB of compiled code are kept on disk, 0 for none.
        Default 256.
    unpack : int
        ``CHAINRULE_UNPACK``. How many MiB a packed file of data may unpack to. Default 4096.
    unpack_ratio : int
        ``CHAINRULE_UNPACK_RATIO``. How many times its size, if that is more than 256 MiB.
        Default 200.
    backend : str
        ``CHAINRULE_BACKEND``. What runs compiled functions: "llvm", native code, or "numpy", the
        reference. Default "llvm".
    """

    debug: int = field(default_factory=lambda: _flag("CHAINRULE_DEBUG", 0))
    check: int = field(default_factory=lambda: _flag("CHAINRULE_CHECK", 0))
    lines: int = field(default_factory=lambda: _flag("CHAINRULE_LINES", 0))
    vector: int = field(default_factory=lambda: _flag("CHAINRULE_VECTOR", 0))
    num_threads: int = field(default_factory=_threads)
    cache: int = field(default_factory=lambda: _flag("CHAINRULE_CACHE", 256))
    unpack: int = field(default_factory=lambda: _flag("CHAINRULE_UNPACK", 4096))
    unpack_ratio: int = field(default_factory=lambda: _flag("CHAINRULE_UNPACK_RATIO", 200))
    backend: str = field(default_factory=_backend)


config = Config()


@contextmanager
def configured(**flags: int | str) -> Iterator[Config]:
    """Set flags for the length of a ``with`` block.

    Examples
    --------
    >>> with configured(check=1) as now:
    ...     now.check
    1
    """
    known = {item.name for item in fields(Config)}
    unknown = flags.keys() - known
    if unknown:
        raise ValueError(f"unknown flag {sorted(unknown)[0]!r}: the flags are {sorted(known)}")
    before = {name: getattr(config, name) for name in flags}
    for name, value in flags.items():
        setattr(config, name, value)
    try:
        yield config
    finally:
        for name, value in before.items():
            setattr(config, name, value)
