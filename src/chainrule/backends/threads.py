"""How many threads compiled code uses."""

from __future__ import annotations

import os

from ..config import config


def usable_cpus() -> int:
    """Return how many CPUs this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def get_num_threads() -> int:
    """Return how many threads compiled code uses.

    Examples
    --------
    >>> from chainrule.backends import get_num_threads, set_num_threads
    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(0)  # as many as there are CPUs
    """
    return config.num_threads or usable_cpus()


def set_num_threads(n: int) -> None:
    """Have compiled code use `n` threads from now on; 0 for as many as the process has CPUs.

    The results are the same bits for any number.

    Raises
    ------
    ValueError
        If `n` is negative.
    """
    if n < 0:
        raise ValueError(f"set_num_threads({n}): give 1 or more, or 0 for one a CPU")
    config.num_threads = n
