"""What compiled code needs while it runs: threads, signals, and the library that it calls."""

from .arrays import Collector
from .library import collect, key_of, symbols, worker
from .poll import raise_kept
from .pool import Pool, pool

__all__ = [
    "Collector",
    "Pool",
    "collect",
    "key_of",
    "pool",
    "raise_kept",
    "symbols",
    "worker",
]
