"""Who is told of nodes with large values, where there is something to do about them."""

from __future__ import annotations

from collections.abc import Callable
from threading import local
from typing import Any

LARGE = 2**13  # numbers: below, calls of NumPy cost more than memory does


class _Watcher(local):
    """Of this thread.

    Attributes
    ----------
    notice : callable or None
        ``notice(node)`` is called for each node with a large value, once it is there.
    """

    notice: Callable[[Any], None] | None = None


watcher = _Watcher()
