"""Functions of SciPy that are flat, called with numbers: at once where these are known, else by
compiled code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..transforms import stop_gradient
from ..transforms.looping.callbacks import ShapeDtypeStruct, pure_callback
from .arrays import known


def call_flat(f: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any, x: Any) -> Any:
    """Return ``f(x)``, an array of this type that carries no derivative."""
    numbers = known(x)
    if numbers is not None:
        return f(numbers)
    return pure_callback(f, ShapeDtypeStruct(shape, dtype), stop_gradient(x))
