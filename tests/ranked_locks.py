"""The library's locks, each of which tells when it is taken out of order.

Two threads that take two locks in either order wait for each other only now and then, and a fork
takes all of them. So no test waits for that: whoever takes a lock of `chainrule.forks` while they
hold one that comes after it fails at once, in every test.
"""

from __future__ import annotations

import importlib.util
import itertools
import sys
import threading
from pathlib import Path
from typing import Any
from unittest import mock


class Ranked:
    """A reentrant lock; one that was made later may be taken by who holds this one."""

    _count = itertools.count()
    _mine = threading.local()

    def __init__(self) -> None:
        self._rank = next(self._count)
        self._lock = _RLock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """As of the real one, in order."""
        held = self._held()
        if blocking and self._rank not in held and any(rank > self._rank for rank in held):
            raise AssertionError(f"lock {self._rank} is taken after {held}: see chainrule/forks.py")
        if not self._lock.acquire(blocking, timeout):
            return False
        held.append(self._rank)
        return True

    def release(self) -> None:
        """As of the real one."""
        self._held().remove(self._rank)
        self._lock.release()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _held(self) -> list[int]:
        return self._mine.__dict__.setdefault("held", [])


_RLock = threading.RLock


def install() -> None:
    """Have the library use them: before it is imported."""
    found = importlib.util.find_spec("chainrule")
    assert found is not None and found.origin is not None and "chainrule" not in sys.modules
    name = "chainrule.forks"
    spec: Any = importlib.util.spec_from_file_location(
        name, Path(found.origin).with_name("forks.py")
    )
    module = importlib.util.module_from_spec(spec)
    with mock.patch.object(threading, "RLock", Ranked):
        spec.loader.exec_module(module)
    sys.modules[name] = module
