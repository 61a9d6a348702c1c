"""How much memory the machine has, when none of it is looked for, and when it gets some back."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from math import inf


@cache
def total_memory() -> float:
    """Return the machine's memory in bytes; infinity if the system does not tell."""
    names = getattr(os, "sysconf_names", {})
    if "SC_PHYS_PAGES" not in names or "SC_PAGE_SIZE" not in names:
        return inf
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return pages if pages > 0 else inf


def return_freed_memory() -> None:
    """Return to the system what is free: glibc keeps it, half of what reading a large table took.

    Elsewhere the C library does so by itself.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """glibc's `malloc_trim`."""
    if not sys.platform.startswith("linux"):
        return None
    trim: Callable[[int], int] | None = getattr(ctypes.CDLL(None), "malloc_trim", None)
    return trim


@contextmanager
def collections_paused() -> Iterator[None]:
    """Collect no garbage meanwhile: nearly all that tracing and compiling make is in use until
    their end, and looking through it again and again takes up to half of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
