"""NumPy's own transforms, PocketFFT, as functions that native code calls.

They are the inner loops of generalised ufuncs. Where a `PyUFuncObject` keeps their addresses is
part of NumPy's C interface, so it is the same in all of NumPy 2; what looks otherwise is not used.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

# Names of primitives of pairs, and of the ufuncs with the types of a loop for a precision
_UFUNCS = {
    "fft_of_pairs": ("fft", "Dd->D", "Ff->F"), "ifft_of_pairs": ("ifft", "Dd->D", "Ff->F"),
    "irfft_of_pairs": ("irfft", "Dd->d", "Ff->f"),
    "rfft_of_pairs": ("rfft_n_even", "dd->D", "ff->F"),
    "rfft_of_pairs_odd": ("rfft_n_odd", "dd->D", "ff->F"),
}  # fmt: skip
FOURIER = frozenset(_UFUNCS)
_ARITIES = (2, 1, 3)  # inputs, outputs, both
_HEAD = 2 * ctypes.sizeof(ctypes.c_void_p)  # of a PyObject


def symbol(name: str, odd: bool, dtype: np.dtype[Any]) -> str:
    """Return the name of the loop for a primitive, the parity of a length, and a precision."""
    full = f"{name}_odd" if odd and name == "rfft_of_pairs" else name
    return f"numpy_{full}_f{8 * dtype.itemsize}"


def is_forward(name: str) -> bool:
    """Return what a loop for both directions reads where its last argument points."""
    return name.startswith("numpy_fft")


@lru_cache(maxsize=1)
def loops() -> dict[str, int]:
    """Return the addresses of the loops by symbol; none where they are not as expected."""
    try:
        module = import_module("numpy.fft._pocketfft_umath")
        addresses: dict[str, int] = {}
        for name, (ufunc_name, *types) in _UFUNCS.items():
            ufunc = getattr(module, ufunc_name)
            for loop, bits in zip(types, (64, 32), strict=True):
                key = f"numpy_{name}_f{bits}"
                addresses[key], direction = _loop(ufunc, ufunc.types.index(loop))
                if direction and ctypes.c_bool.from_address(direction).value != is_forward(key):
                    raise ValueError("another flag for the direction")
    except (ImportError, AttributeError, ValueError):
        return {}
    return addresses


def _loop(ufunc: Any, k: int) -> tuple[int, int]:
    """Return the addresses of a loop and of its data."""
    start = id(ufunc) + _HEAD
    arities = tuple((ctypes.c_int * 3).from_address(start))
    functions, data, count = start + 16, start + 24, start + 32
    if arities != _ARITIES or ctypes.c_int.from_address(count).value != ufunc.ntypes:
        raise ValueError("another layout of ufuncs")
    table = _word(data)
    return _word(_word(functions) + 8 * k), _word(table + 8 * k) if table else 0


def _word(address: int) -> int:
    return ctypes.c_void_p.from_address(address).value or 0
