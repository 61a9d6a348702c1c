"""What compiled code needs while it runs: threads, signals, and the library that it calls."""

from .fast_call import card_of, make_entry, set_main
from .library import entry_address, key_of, symbols, within, worker
from .poll import raise_kept
from .pool import Pool, pool

__all__ = [
    "Pool",
    "card_of",
    "entry_address",
    "key_of",
    "make_entry",
    "pool",
    "raise_kept",
    "set_main",
    "symbols",
    "within",
    "worker",
]
