"""Names and addresses that compiled code calls, without the IR behind them."""

from __future__ import annotations

import ctypes
from functools import lru_cache

MATMULS = ("gemm_f32", "gemm_f64", "dots_f32", "dots_f64")
SORT = "order"
RUNTIME = "runtime"  # the part of the library that every process needs
PARTS = {
    RUNTIME: ("parallel", "work", "within", "autotune", "poll", "fast_call"),
    **{name: (name,) for name in (*MATMULS, SORT)},
    **{f"gemm_{dtype}": (f"gemm_{dtype}", f"pack_{dtype}") for dtype in ("f32", "f64")},
}
_LIBM = ("sin", "cos", "fmod", "fmodf", "fma", "fmaf")


@lru_cache(maxsize=1)
def libm() -> dict[str, int]:
    """Return the addresses of the few functions of the C library that vector code may call."""
    library = ctypes.CDLL(None) if hasattr(ctypes, "RTLD_GLOBAL") else ctypes.CDLL("ucrtbase")
    return {name: ctypes.cast(getattr(library, name), ctypes.c_void_p).value or 0 for name in _LIBM}
