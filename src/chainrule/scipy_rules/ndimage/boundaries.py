"""What lies beyond the edge of an image, by SciPy's names, and how results are typed."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any

import numpy as np
import scipy.ndimage

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.tracer import ArrayTracer
from ..arrays import asarray, new_array, refuse, take

MODULE = scipy.ndimage.__name__
FILTER_MODES = {"reflect": "reflect", "grid-mirror": "reflect", "mirror": "mirror",
                "nearest": "nearest", "wrap": "wrap", "grid-wrap": "wrap",
                "constant": "constant", "grid-constant": "constant"}  # fmt: skip


def into_output(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a rule; its result is also written into `output`, if that is an array of the trace."""

    def enter(rule: Callable[..., Any]) -> Callable[..., Any]:
        position = list(signature(rule).parameters).index("output")

        @wraps(rule)
        def writing(*args: Any, **kwargs: Any) -> Any:
            output = args[position] if len(args) > position else kwargs.get("output")
            if not isinstance(output, ArrayTracer):
                return new_array(rule(*args, **kwargs), in_c_order=True)
            if len(args) > position:
                args = (*args[:position], output.dtype, *args[position + 1 :])
            else:
                kwargs["output"] = output.dtype
            result = rule(*args, **kwargs)
            if result.shape != output.shape:
                raise RuntimeError(at_user_line("output shape not correct"))
            output[...] = result
            return output

        return intercepts(MODULE, *names)(writing)

    return enter


def image(x: Any, name: str) -> Any:
    """Return an input as an array of real numbers."""
    x = asarray(x)
    if x.dtype.kind == "c":
        refuse(f"scipy.ndimage.{name}", "complex images have no rule: take both parts")
    return x


def result_dtype(x: Any, output: Any, name: str) -> np.dtype[Any]:
    """Return the dtype of a result, which must have fractions to have a derivative."""
    if output is None:
        dtype: np.dtype[Any] = x.dtype
    elif type(output) is np.ndarray:
        refuse(f"scipy.ndimage.{name}(output=array)",
               "make the array in the traced function, or use what is returned")  # fmt: skip
    else:
        dtype = np.dtype(output)
    if dtype.kind != "f":
        refuse(f"scipy.ndimage.{name} with results of dtype {dtype}",
               "whole numbers have no derivative: give floats, or output=np.float64")  # fmt: skip
    return dtype


def source_index(index: Any, n: int, mode: str) -> Any:
    """Return which of n samples stands for each index, for all modes but constant."""
    if mode == "nearest" or n == 1:
        return np.clip(index, 0, n - 1)
    if mode == "wrap":
        return index % n
    period = 2 * n if mode == "reflect" else 2 * n - 2
    folded = index % period
    last = period - 1 if mode == "reflect" else period
    return np.where(folded < n, folded, last - folded)


def extended(x: Any, axis: int, before: int, after: int, mode: str, cval: Any) -> Any:
    """Return x with more samples at both ends of an axis."""
    if mode not in FILTER_MODES:
        raise RuntimeError(at_user_line(f"boundary mode not supported: {mode!r}"))
    mode, n = FILTER_MODES[mode], x.shape[axis]
    if not (before or after) or not x.size:
        return x
    if mode != "constant":
        return take(x, source_index(np.arange(-before, n + after), n, mode), axis)
    margins = []
    for size in (before, after):
        shape = (*x.shape[:axis], size, *x.shape[axis + 1 :])
        margins.append(np.broadcast_to(asarray(cval, x.dtype), shape))
    return np.concatenate([margins[0], x, margins[1]], axis=axis)


def sequence(value: Any, n: int) -> list[Any]:
    """Return one entry an axis, as SciPy reads an option."""
    if not isinstance(value, (list, tuple)) and (isinstance(value, str) or np.ndim(value) == 0):
        return [value] * n
    values = list(value)
    if len(values) != n:
        raise RuntimeError(at_user_line("sequence argument must have length equal to input rank"))
    return values


def checked_axes(axes: Any, n: int) -> list[int]:
    """Return axes as non-negative numbers; None means all."""
    if axes is None:
        return list(range(n))
    chosen = [axes] if np.ndim(axes) == 0 else list(axes)
    if any(not -n <= k < n for k in chosen):
        raise ValueError(at_user_line(f"specified axis in {axes} is out of range"))
    chosen = [k % n for k in chosen]
    if len(set(chosen)) != len(chosen):
        raise ValueError(at_user_line("axes must be unique"))
    return chosen


def check_origin(origin: int, size: int) -> None:
    """Raise unless a kernel that is off by `origin` still covers its own sample."""
    if not 0 <= size // 2 + origin < size:
        raise ValueError(at_user_line("invalid origin"))
