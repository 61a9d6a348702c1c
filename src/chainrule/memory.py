"""How much memory the machine has."""

from __future__ import annotations

import os
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
