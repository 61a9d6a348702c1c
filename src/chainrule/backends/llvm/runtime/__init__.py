"""What compiled code needs while it runs: threads, signals, and the library that it calls."""

from .library import key_of, symbols, worker
from .poll import raise_kept
from .pool import Pool, get_num_threads, pool, set_num_threads

__all__ = [
    "Pool",
    "get_num_threads",
    "key_of",
    "pool",
    "raise_kept",
    "set_num_threads",
    "symbols",
    "worker",
]
