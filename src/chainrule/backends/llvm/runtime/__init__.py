"""What compiled code needs while it runs: threads, signals, and the library that it calls.

In: nothing of a graph. Out: addresses of functions, pools of threads, fast calls of programs.
Imports `cache`, `kernels`, `layout`, `ir` and `target`.
"""

from .fast_call import call_spec_of, make_fast_call, set_main
from .library import (
    cache_key,
    fast_call_address,
    imports_of,
    is_symbol,
    symbols,
    within,
    worker,
)
from .poll import raise_from_frame
from .pool import Pool, pool
from .readable_numbers import readable_numbers

__all__ = [
    "Pool",
    "cache_key",
    "call_spec_of",
    "fast_call_address",
    "imports_of",
    "is_symbol",
    "make_fast_call",
    "pool",
    "raise_from_frame",
    "readable_numbers",
    "set_main",
    "symbols",
    "within",
    "worker",
]
