"""Every flag, each an environment variable that is read once and a field that can be set.

What is set holds for the whole process; what a ``with configured(...)`` block sets holds for the
block's own thread (its context, as `contextvars` calls it) and hides the former there.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from .forks import changing
from .starting import give_up, is_command


def _flag(name: str, default: int, minimum: int = 0) -> int:
    text = os.environ.get(name, str(default))
    try:
        value = int(text)
    except ValueError:
        value = minimum - 1
    if value < minimum:
        raise ValueError(
            f"{name}={text!r}: give a whole number of {minimum} or more, such as {default}"
        )
    return value


def _threads() -> int:
    """Return ``CHAINRULE_NUM_THREADS``, else ``OMP_NUM_THREADS``, which joblib sets in its
    processes.
    """
    outer = os.environ.get("OMP_NUM_THREADS", "").split(",")[0].strip()
    return _flag("CHAINRULE_NUM_THREADS", int(outer) if outer.isdecimal() else 0)


def _word(name: str, default: str, other: str) -> str:
    text = os.environ.get(name, default)
    if text not in (default, other):
        raise ValueError(f"{name}={text!r}: give {default} or {other}")
    return text


@dataclass
class Config:
    """All flags.

    Attributes
    ----------
    debug : int
        ``CHAINRULE_DEBUG``, 0 to 5; each level prints what the lower ones do, too. 1 prints traces
        and cache hits with the reason, and how many milliseconds each stage of compiling took,
        2 how long each instruction of a compiled program takes, 3 the traced graph, 4 the graph
        after each pass and the plan, 5 IR and assembly. Default 0.
    check : int
        ``CHAINRULE_CHECK``. 1 verifies the graph after every pass; 2 also compiles such that
        writing beyond a buffer is noticed. Default 0.
    lines : int
        ``CHAINRULE_LINES``. 1 records the user's line on every node even without ``jit``
        (``explain`` and ``debug.nans`` turn it on for themselves). Default 0.
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
    download : int
        ``CHAINRULE_DOWNLOAD``. How many MiB a file of data on the web may have. Default 256.
    programs : int
        ``CHAINRULE_PROGRAMS``. How many programs a compiled function keeps, one for each kind of
        arguments; beyond that the one that was not used for longest is dropped. Default 256.
    reroll : int
        ``CHAINRULE_REROLL``. 0 leaves loops of Python unrolled in the graph, as they are traced.
        Default 1.
    backend : str
        ``CHAINRULE_BACKEND``. What runs compiled functions: "llvm", native code, or "numpy", the
        reference. Default "llvm".
    nans : int
        ``CHAINRULE_NANS``. 1 raises an error at the first operation that makes a nan which reaches
        a result, 2 also for infinities: see ``debug.nans``. Default 0.
    traceback : str
        ``CHAINRULE_TRACEBACK``. The tracebacks of errors in functions that are transformed:
        "filtered", without frames of chainrule, or "full". Default "filtered".
    """

    debug: int = field(default_factory=lambda: _flag("CHAINRULE_DEBUG", 0))
    check: int = field(default_factory=lambda: _flag("CHAINRULE_CHECK", 0))
    lines: int = field(
        default_factory=lambda: _flag("CHAINRULE_LINES", int(_flag("CHAINRULE_NANS", 0) > 0))
    )
    vector: int = field(default_factory=lambda: _flag("CHAINRULE_VECTOR", 0))
    num_threads: int = field(default_factory=_threads)
    cache: int = field(default_factory=lambda: _flag("CHAINRULE_CACHE", 256))
    unpack: int = field(default_factory=lambda: _flag("CHAINRULE_UNPACK", 4096))
    unpack_ratio: int = field(default_factory=lambda: _flag("CHAINRULE_UNPACK_RATIO", 200))
    download: int = field(default_factory=lambda: _flag("CHAINRULE_DOWNLOAD", 256, 1))
    programs: int = field(default_factory=lambda: _flag("CHAINRULE_PROGRAMS", 256, 1))
    reroll: int = field(default_factory=lambda: _flag("CHAINRULE_REROLL", 1))
    backend: str = field(default_factory=lambda: _word("CHAINRULE_BACKEND", "llvm", "numpy"))
    nans: int = field(default_factory=lambda: _flag("CHAINRULE_NANS", 0))
    traceback: str = field(default_factory=lambda: _word("CHAINRULE_TRACEBACK", "filtered", "full"))


class _Block:
    """The flags inside a `configured` block: those it sets, and else those around it."""

    def __init__(self, outer: Config | _Block, flags: dict[str, int | str]) -> None:
        self.outer = outer
        self.__dict__.update(flags)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.outer, name)


def _from_environment() -> Config:
    try:
        return Config()
    except ValueError as error:
        if is_command():
            give_up(str(error))
        raise


_process = _from_environment()
_flags: ContextVar[Config | _Block] = ContextVar("chainrule flags", default=_process)
current = _flags.get
"""The flags as they are here and now; `config` reads the same, and takes longer."""


class _Current:
    """The flags as they are where one is read; set, one changes the block that has set it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(_flags.get(), name)

    def __setattr__(self, name: str, value: int | str) -> None:
        _check((name,))
        owner = _flags.get()
        while isinstance(owner, _Block) and name not in vars(owner):
            owner = owner.outer
        setattr(owner, name, value)
        _tell_threads()


if TYPE_CHECKING:
    config = Config()
else:
    config = _Current()

# What compiled code compares with the number of threads that it was made for: the flag of the
# process, or -1 while some block has another one, which only Python can know.
threads_word = ctypes.c_int64()
_blocks_with_threads: set[_Block] = set()
# The same for programs that serve for any number: 0, or 1 while results are to be looked at.
checks_word = ctypes.c_int64()
_blocks_with_checks: set[_Block] = set()


def _tell_threads() -> None:
    with changing:
        checked = bool(_process.nans or any(vars(block)["nans"] for block in _blocks_with_checks))
        checks_word.value = checked
        elsewhere = checked or bool(_blocks_with_threads)
        threads_word.value = -1 if elsewhere else _process.num_threads


_tell_threads()
_WATCHED = {"num_threads": _blocks_with_threads, "nans": _blocks_with_checks}


@contextmanager
def configured(**flags: int | str) -> Iterator[Config]:
    """Set flags for the length of a ``with`` block, and for the thread that runs it.

    Other threads, those that the block starts included, are not concerned (`contextvars` says how
    a thread can be given the context of another).

    Examples
    --------
    >>> with configured(check=1) as now:
    ...     now.check
    1
    """
    _check(flags)
    outer = _flags.get()
    block = _Block(outer, flags)
    _flags.set(block)
    watched = [name for name in _WATCHED if name in flags]
    for name in watched:
        _WATCHED[name].add(block)
    if watched:
        _tell_threads()
    try:
        yield config
    finally:
        _flags.set(outer)
        for name in watched:
            _WATCHED[name].discard(block)
        if watched:
            _tell_threads()


def _check(names: Iterable[str]) -> None:
    known = {item.name for item in fields(Config)}
    unknown = set(names) - known
    if unknown:
        raise ValueError(f"unknown flag {min(unknown)!r}: the flags are {sorted(known)}")
