"""BLAS with a single thread, for L-BFGS."""

from __future__ import annotations

from typing import Any

from ...forks import changing
from ..sklearn_private import threadpool_controller


class _Alone:
    """A block in which BLAS has one thread; of several that run at once, the last restores it.

    L-BFGS calls BLAS often and on little, and each call waits for threads that the system may not
    be running. On 2 CPUs with a busy process beside, an iteration with 3,000 weights takes 0.1 ms
    on one thread and 1.2 ms on two, with 200,000 weights 10 and 26 ms; with nothing beside, both
    take the same.
    """

    def __init__(self) -> None:
        self._inside = 0
        self._limits: Any = None

    def __enter__(self) -> None:
        with changing:
            if not self._inside:
                controller = threadpool_controller()
                self._limits = controller.limit(limits=1, user_api="blas")
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with changing:
            self._inside -= 1
            if not self._inside:
                self._limits.restore_original_limits()


one_blas_thread = _Alone()
