"""How much memory the machine has, and when none of it is looked for."""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator
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
