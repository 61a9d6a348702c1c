"""LAPACK and BLAS: the functions that SciPy exports to compiled code, by address.

`scipy.linalg.cython_lapack` offers each as a capsule, whose name is its signature. If one is absent
or declared otherwise, none is used, and NumPy and SciPy compute in between. Matrices are stored by
columns, all arguments are addresses. Names and addresses only, without the IR that calls them.
"""

from __future__ import annotations

import ctypes
import re
from functools import lru_cache
from typing import Any

import numpy as np

from ....lazy import load_module

# Arguments: c a letter, i an int of 32 bits, x a number of the precision
_LAPACK = {
    "getrf": "iixiii", "potrf": "cixii", "syevd": "ccixixxiiii", "getri": "ixiixii",
}  # fmt: skip
_BLAS = {"trsm": "cccciixxixi", "trsv": "cccixixi", "swap": "ixixi"}
_PRECISIONS = {"s": 32, "d": 64}
_KINDS = {"char": "c", "int": "i", "s": "x", "d": "x"}
_MODULES = (("scipy.linalg.cython_lapack", _LAPACK), ("scipy.linalg.cython_blas", _BLAS))


def symbol(name: str, dtype: np.dtype[Any]) -> str:
    """Return what compiled code calls a function for a precision."""
    return f"lapack_{name}_f{8 * dtype.itemsize}"


SYMBOLS = frozenset(
    f"lapack_{name}_f{bits}" for name in (*_LAPACK, *_BLAS) for bits in _PRECISIONS.values()
)


@lru_cache(maxsize=1)
def routines() -> dict[str, int]:
    """Return the addresses of all functions by symbol; none if they are not as expected."""
    addresses: dict[str, int] = {}
    try:
        for module, names in _MODULES:
            capsules = load_module(module).__pyx_capi__
            for name, arguments in names.items():
                for letter, bits in _PRECISIONS.items():
                    address = _address(capsules[letter + name], letter, arguments)
                    addresses[f"lapack_{name}_f{bits}"] = address
    except (ImportError, AttributeError, KeyError, ValueError):
        return {}
    return addresses


def _address(capsule: Any, letter: str, arguments: str) -> int:
    """Return the address in a capsule, if the function takes these arguments."""
    api = ctypes.pythonapi
    api.PyCapsule_GetName.restype = ctypes.c_char_p
    api.PyCapsule_GetName.argtypes = [ctypes.py_object]
    name = api.PyCapsule_GetName(capsule)
    if _arguments_of(name.decode(), letter) != arguments:
        raise ValueError("another signature")
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
    return int(api.PyCapsule_GetPointer(capsule, name))


def _arguments_of(signature: str, letter: str) -> str:
    """Return the kinds of arguments of ``void (char *, int *, __pyx_t_..._d *)``."""
    match = re.fullmatch(r"void \((.*)\)", signature)
    if match is None:
        raise ValueError("no signature")
    kinds = []
    for argument in match[1].split(", "):
        kind = argument.removesuffix(" *")
        kind = letter if kind.endswith(f"_{letter}") else kind
        kinds.append(_KINDS[kind])
    return "".join(kinds)
