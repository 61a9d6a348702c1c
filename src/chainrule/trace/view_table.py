"""NumPy's functions on tracers that look at the same numbers in another way: views of all kinds."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, constant
from ..primitives.indexing import gather
from ..primitives.structure import broadcast_to
from .complex_readiness import takes_complex
from .function_rules import as_int, implements, normalize_axis
from .grid_table import as_whole_array
from .interception import intercepts
from .operands import node_of
from .strides import is_c_order, strides_of
from .tracer import METHODS, ArrayTracer, Tracer
from .views import View, copies_parent, memory_owner, permuted, view


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    n = np.ndim(a)
    k = normalize_axis(axis, n)
    start = as_int(start, "start")
    start += n if start < 0 else 0
    if not 0 <= start <= n:
        raise np.exceptions.AxisError(at_user_line(f"np.rollaxis: start={start} of {n} axes"))
    start -= k < start  # the axis itself is gone by then
    if k == start:
        return a[...]
    order = [j for j in range(n) if j != k]
    order.insert(start, k)
    return permuted(a, tuple(order))


@implements(np.matrix_transpose, np.linalg.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    if np.ndim(x) < 2:
        raise ValueError(at_user_line(f"matrix_transpose of an array of {np.ndim(x)} axes"))
    return METHODS["swapaxes"](x, -1, -2)


@implements(np.unstack)
def _unstack(x: Any, /, *, axis: int = 0) -> tuple[Any, ...]:
    if not np.ndim(x):
        raise ValueError(at_user_line("np.unstack of a number: it needs at least one axis"))
    return tuple(np.moveaxis(x, axis, 0))


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> tuple[Any, ...]:
    arrays = [as_whole_array(x) for x in args]
    shape = np.broadcast_shapes(*[np.shape(x) for x in arrays])
    if all(np.shape(x) == shape for x in arrays):
        return tuple(arrays)
    return tuple(
        view(x, lambda node: broadcast_to(node, shape=shape), _refuse_write)
        if isinstance(x, Tracer)
        else np.broadcast_to(x, shape)
        for x in arrays
    )


def _refuse_write(x: Node, new: Node) -> Node:
    raise UnsupportedError(
        at_user_line(
            "a write into an array that np.broadcast_arrays repeated, where one number stands at "
            "several positions: take a copy first"
        )
    )


@implements(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False,
                         writeable: bool = False) -> Any:  # fmt: skip
    if writeable:
        raise UnsupportedError(
            at_user_line("sliding_window_view(writeable=True): its windows share their numbers")
        )
    windows = window_shape if isinstance(window_shape, (tuple, list)) else (window_shape,)
    sizes = [as_int(size, "window_shape") for size in np.atleast_1d(windows)]
    shape = np.shape(x)
    if any(size < 0 for size in sizes):
        raise ValueError(at_user_line(f"sliding_window_view: window_shape={window_shape}"))
    listed = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = range(len(shape)) if axis is None else [normalize_axis(k, len(shape)) for k in listed]
    if len(sizes) != len(axes):
        raise ValueError(
            at_user_line(f"sliding_window_view: {len(sizes)} sizes of windows for {len(axes)} axes")
        )
    starts = list(shape)  # an axis may be named twice: windows of windows
    for size, k in zip(sizes, axes, strict=True):
        if starts[k] < size:
            raise ValueError(at_user_line(f"sliding_window_view: windows of {size} in {shape}"))
        starts[k] -= size - 1
    return view(x, lambda node: _windows(node, sizes, list(axes)), None)


def _windows(x: Node, sizes: list[int], axes: list[int]) -> Node:
    """Gather windows axis after axis; the axes inside of windows come last."""
    for size, k in zip(sizes, axes, strict=True):
        positions = np.arange(x.shape[k] - size + 1)[:, None] + np.arange(size)
        pattern: list[Any] = [slice(None)] * len(x.shape)
        pattern[k] = 0
        x = gather(x, positions, pattern=tuple(pattern))
        order = [j for j in range(len(x.shape)) if j != k + 1]
        x = node_of(permuted(ArrayTracer(x), (*order, k + 1)))
    return x


@intercepts("numpy.lib.stride_tricks", "as_strided")
def _as_strided(x: Any, *args: Any, **options: Any) -> Any:
    raise UnsupportedError(
        at_user_line(
            "as_strided of a traced array reads memory, which a traced array does not have: use "
            "np.lib.stride_tricks.sliding_window_view(x, size), or an index such as "
            "x[start[:, None] + np.arange(n)]"
        )
    )


# Memory


def _positions(x: Any) -> Any:
    """Return for each entry its number in the array that owns the memory."""
    if not isinstance(x, View) or copies_parent(x):
        return np.arange(prod(x.shape)).reshape(x.shape)
    return x.read(constant(_positions(x.parent))).value


def _work_limit(max_work: Any, default: int) -> int:
    limit = default if max_work is None else as_int(max_work, "max_work")
    if limit < -1:
        raise ValueError(at_user_line("Invalid value for max_work"))
    return limit


@implements(np.shares_memory)
def _shares_memory(a: Any, b: Any, /, max_work: Any = None) -> bool:
    _work_limit(max_work, -1)
    if not (isinstance(a, ArrayTracer) and isinstance(b, ArrayTracer)):
        return False
    if memory_owner(a) is not memory_owner(b):
        return False
    return bool(np.intersect1d(_positions(a), _positions(b)).size)


@implements(np.may_share_memory)
def _may_share_memory(a: Any, b: Any, /, max_work: Any = None) -> bool:
    limit = _work_limit(max_work, 0)
    if not (isinstance(a, ArrayTracer) and isinstance(b, ArrayTracer)):
        return False
    if memory_owner(a) is not memory_owner(b):
        return False
    if limit:
        return bool(_shares_memory(a, b))
    first, second = _positions(a), _positions(b)
    if not first.size or not second.size:
        return False
    root = memory_owner(a)
    strides = strides_of(root.node)
    if strides is None or not is_c_order(root.shape, strides):
        raise UnsupportedError(at_user_line("np.may_share_memory: use np.shares_memory"))
    return bool(first.min() <= second.max() and second.min() <= first.max())


takes_complex(
    np.rollaxis, np.matrix_transpose, np.unstack, np.broadcast_arrays, np.shares_memory,
    np.may_share_memory, np.lib.stride_tricks.sliding_window_view,
)  # fmt: skip
