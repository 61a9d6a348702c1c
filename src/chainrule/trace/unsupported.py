"""What has no rule: the message, the names that users know, and options of no effect."""

from __future__ import annotations

import numpy as np


def unsupported(called_as: str, name: str) -> str:
    """Return the message for a function that has no rule: its own name, and what may do instead."""
    if called_as == f"np.{name}":
        called_as = public_name(name)
    instead = _INSTEAD.get(name)
    if name.endswith(" (vectorized)"):
        instead = "np.vectorize, since an array of objects cannot be traced"
    hint = f"; use {instead}" if instead else ""
    return f"{called_as} of a traced array is not supported{hint}"


def public_name(name: str) -> str:
    """Return the name users know; SciPy's special functions are ufuncs as well."""
    if name.endswith(" (vectorized)"):
        return f"np.frompyfunc({name.removesuffix(' (vectorized)')})"
    return f"np.{name}" if hasattr(np, name.partition(".")[0]) else f"scipy.special.{name}"


_INSTEAD = {
    "packbits": "np.sum of the bits times powers of two",
}
