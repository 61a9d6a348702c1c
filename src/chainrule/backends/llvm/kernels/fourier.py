"""NumPy's own transforms, PocketFFT, as functions that native code calls.

They are the inner loops of generalised ufuncs (see `ufunc_loops`).
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from importlib import import_module
from typing import Any

import numpy as np

from .ufunc_loops import address_of

# Names of primitives of pairs, and of the ufuncs with the types of a loop for a precision
_UFUNCS = {
    "fft_of_pairs": ("fft", "Dd->D", "Ff->F"), "ifft_of_pairs": ("ifft", "Dd->D", "Ff->F"),
    "irfft_of_pairs": ("irfft", "Dd->d", "Ff->f"),
    "rfft_of_pairs": ("rfft_n_even", "dd->D", "ff->F"),
    "rfft_of_pairs_odd": ("rfft_n_odd", "dd->D", "ff->F"),
}  # fmt: skip
FOURIER = frozenset(_UFUNCS)


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
            if (ufunc.nin, ufunc.nout) != (2, 1):
                raise ValueError("other arguments")
            for loop, bits in zip(types, (64, 32), strict=True):
                key = f"numpy_{name}_f{bits}"
                addresses[key], direction = address_of(ufunc, ufunc.types.index(loop))
                if direction and ctypes.c_bool.from_address(direction).value != is_forward(key):
                    raise ValueError("another flag for the direction")
    except (ImportError, AttributeError, ValueError):
        return {}
    return addresses
