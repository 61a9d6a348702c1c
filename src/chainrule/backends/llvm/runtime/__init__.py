"""What compiled code needs while it runs: threads, signals, and the library that it calls."""

from .arrays import Collector
from .library import collect, key_of, symbols, worker
from .poll import raise_kept
from .pool import Pool, get_num_threads, pool, set_num_threads

__all__ = [
    "Collector",
    "Pool",
    "collect",
    "get_num_threads",
    "key_of",
    "pool",
    "raise_kept",
    "set_num_threads",
    "symbols",
    "worker",
]
