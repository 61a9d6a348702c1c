"""How busy the machine was with other work while something was measured."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from time import perf_counter
from types import TracebackType

_IDLE = (3, 4)  # the columns of /proc/stat that are no work: idle, and waiting for disks


class OtherWork:
    """A context; `cores` is then how many cores the others had, what the host took included.

    That is all work of the machine, less that of this process and of the children that it waited
    for. None where the system does not tell.
    """

    cores: float | None = None

    def __enter__(self) -> OtherWork:
        self._start, self._all, self._ours = perf_counter(), _machine(), _process()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        everything, seconds = _machine(), perf_counter() - self._start
        if everything is not None and self._all is not None:
            others = everything - self._all - (_process() - self._ours)
            self.cores = max(0.0, others / seconds)


def _machine() -> float | None:
    """Return the CPU seconds that all processes have used, and those that the host took."""
    try:
        first, *_ = Path("/proc/stat").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    ticks = [int(word) for word in first.split()[1:9]]
    return sum(t for k, t in enumerate(ticks) if k not in _IDLE) / os.sysconf("SC_CLK_TCK")


def _process() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)
