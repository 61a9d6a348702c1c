"""`axes=`, `axis=` and `keepdims=` of ufuncs that take vectors or matrices: np.matmul and kin."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import at_user_line
from .function_rules import as_int, normalize_axis
from .grid_table import as_whole_array

_NAMED = {"axes", "axis", "keepdims"}


def call_along(
    rule: Callable[..., Any], ufunc: Any, inputs: tuple[Any, ...], options: dict[str, Any]
) -> Any:
    """Call a rule that looks at last axes, for the axes that the options name."""
    if not options.keys() & _NAMED:
        return rule(*inputs, **options)
    cores = _core_dimensions(ufunc.signature)
    arrays = [as_whole_array(x) for x in inputs]
    flexible = "?" in ufunc.signature  # a vector may stand for a matrix
    axes, keepdims = _axes_of(ufunc, cores, options)
    for x, part, count in zip(arrays, axes, cores, strict=False):
        if len(part) != count and not (flexible and x.ndim == 1 == len(part)):
            raise np.exceptions.AxisError(
                at_user_line(f"np.{ufunc.__name__}: axes {part}, where {count} are looked at")
            )
    along_last = [
        np.moveaxis(x, _normalized(part, x.ndim), range(-len(part), 0)) if part else x
        for x, part in zip(arrays, axes, strict=False)
    ]
    result = rule(*along_last, **{k: v for k, v in options.items() if k not in _NAMED})
    last = axes[len(inputs)] if len(axes) > len(inputs) else ()
    if keepdims:
        (axis,) = last or axes[0]
        return np.expand_dims(result, axis)
    return np.moveaxis(result, range(-len(last), 0), last) if last and np.ndim(result) else result


@lru_cache(maxsize=32)
def _core_dimensions(signature: str) -> tuple[int, ...]:
    """Return how many axes of each operand and the result are looked at."""
    return tuple(
        len([name for name in part.split(",") if name])
        for part in re.findall(r"\(([^)]*)\)", signature)
    )


def _axes_of(
    ufunc: Any, cores: tuple[int, ...], options: dict[str, Any]
) -> tuple[list[tuple[int, ...]], bool]:
    """Return the axes of each operand, and of the result if these are named, and keepdims."""
    parts: list[tuple[int, ...]]
    keepdims = options.get("keepdims", False)
    if not isinstance(keepdims, bool):
        raise TypeError(at_user_line(f"keepdims={keepdims!r} is neither true nor false"))
    single = set(cores[: ufunc.nin]) == {1} and cores[-1] == 0
    if keepdims and not single:
        raise TypeError(at_user_line(f"np.{ufunc.__name__} does not support keepdims"))
    if "axis" in options:
        if "axes" in options:
            raise TypeError(at_user_line("axis= and axes= are given both"))
        if not single:
            raise TypeError(at_user_line(f"np.{ufunc.__name__}: axis= is for one core dimension"))
        axis = as_int(options["axis"])
        parts = [(axis,)] * (ufunc.nin + keepdims)
        return parts, keepdims
    if "axes" not in options:
        parts = [(-1,)] * (ufunc.nin + 1)
        return parts, keepdims
    axes = options["axes"]
    if not isinstance(axes, list):
        raise TypeError(at_user_line("axes= is a list"))
    listed = [part if isinstance(part, tuple) else (part,) for part in axes]
    if len(listed) not in (ufunc.nin, ufunc.nin + 1):
        raise ValueError(at_user_line(f"axes={axes} for {ufunc.nin} operands and a result"))
    return [tuple(as_int(k) for k in part) for part in listed], keepdims


def _normalized(part: tuple[int, ...], n: int) -> tuple[int, ...]:
    return tuple(normalize_axis(k, n) for k in part)
