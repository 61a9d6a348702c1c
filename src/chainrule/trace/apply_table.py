"""NumPy's functions that call a Python function for each entry or each row: vectorize and kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from .complex_readiness import takes_complex
from .copy_table import astype
from .function_rules import implements, normalize_axis
from .grid_table import as_whole_array
from .interception import intercepts, replaces
from .nested import is_traced
from .operands import node_of
from .strides import is_c_order, set_strides, strides_of
from .tracer import ScalarTracer, Tracer


def _collected(results: Sequence[Any], shape: tuple[int, ...], dtype: Any = None) -> Any:
    """Return results of equal shapes as one array with axes in front; the first gives the dtype."""
    arrays = [as_whole_array(x) for x in results]
    wanted = np.dtype(arrays[0].dtype if dtype is None else dtype)
    if not any(isinstance(x, Tracer) for x in arrays):
        plain = np.empty((len(arrays), *arrays[0].shape), wanted)
        for k, x in enumerate(arrays):
            plain[k] = x
        return plain.reshape(shape + arrays[0].shape)
    arrays = [x if x.dtype == wanted else _cast(x, wanted) for x in arrays]
    sizes = [x.shape for x in arrays]
    if len(set(sizes)) > 1:
        arrays = [np.broadcast_to(x, sizes[0]) for x in arrays]
    return np.reshape(np.stack(arrays), shape + sizes[0])


def _cast(x: Any, dtype: Any) -> Any:
    return astype(x, dtype) if isinstance(x, Tracer) else x.astype(dtype)


# Along an axis


@implements(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: Any, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = as_whole_array(arr)
    n = arr.ndim
    k = normalize_axis(axis, n)
    rows = np.moveaxis(arr, k, -1)
    shape = rows.shape[:-1]
    if 0 in shape:
        raise ValueError(at_user_line("np.apply_along_axis: there is no row to apply it to"))
    results = [func1d(rows[(*index, ...)], *args, **kwargs) for index in np.ndindex(shape)]
    whole = _collected(results, shape)
    added = whole.ndim - len(shape)
    order = [*range(k), *range(len(shape), whole.ndim), *range(k, len(shape))]
    return np.transpose(whole, order) if added or whole.ndim else whole


@replaces("numpy", "apply_along_axis")
def _apply_along_axis_of_anything(_: Any, *args: Any, **kwargs: Any) -> Any:
    return _apply_along_axis(*args, **kwargs)  # the function may see what is traced


@implements(np.apply_over_axes)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    value = as_whole_array(a)
    n = value.ndim
    for axis in (axes,) if np.ndim(axes) == 0 else axes:
        axis = n + axis if axis < 0 else axis
        result = func(value, axis)
        if np.ndim(result) != np.ndim(value):
            result = np.expand_dims(result, axis)
            if np.ndim(result) != np.ndim(value):
                raise ValueError(
                    at_user_line("np.apply_over_axes: the function gave another number of axes")
                )
        value = result
    return value


# Entry by entry


@intercepts("numpy", "vectorize._vectorize_call", closures=True)
def _vectorize(self: Any, func: Callable[..., Any], args: Any) -> Any:
    """Implement calls of `np.vectorize(f)`: the function sees one number of each argument."""
    if self.signature is not None:
        return _with_signature(self, func, args)
    if not args:
        return func()
    arrays = [as_whole_array(x) for x in args]
    shape = np.broadcast_shapes(*[x.shape for x in arrays])
    kinds = self.otypes
    if kinds is None:
        if not all(x.size for x in arrays):
            raise ValueError(
                at_user_line("np.vectorize of no entries: give otypes, which then is known")
            )
        first = func(*[x[(0,) * x.ndim] for x in arrays])
        kinds = [as_whole_array(x).dtype for x in (first if isinstance(first, tuple) else (first,))]
    wide = [np.broadcast_to(x, shape) for x in arrays]
    calls = [func(*[_entry_as_object(x[index]) for x in wide]) for index in np.ndindex(shape)]
    several = len(kinds) > 1
    for result in calls:
        if several != isinstance(result, tuple) or (several and len(result) != len(kinds)):
            raise ValueError(
                at_user_line(f"np.vectorize: the function does not give {len(kinds)} results")
            )
    columns = zip(*calls, strict=True) if several else [calls]
    if not calls:
        columns = [[] for _ in kinds]
    outputs = [_one_an_entry(c, shape, kind) for c, kind in zip(columns, kinds, strict=True)]
    for x in outputs:
        if isinstance(x, Tracer) and not all(map(_in_c_order, arrays)):
            set_strides(x.node, None)  # laid out in memory as the arguments are
    return tuple(outputs) if several else outputs[0]


def _in_c_order(x: Any) -> bool:
    if not isinstance(x, Tracer):
        return bool(x.flags.c_contiguous)
    strides = strides_of(x.node)
    return strides is not None and is_c_order(x.shape, strides)


def _one_an_entry(results: Any, shape: tuple[int, ...], kind: Any) -> Any:
    dtype = np.dtype(kind)
    if dtype.kind == "O" and is_traced(list(results)):
        raise UnsupportedError(at_user_line("np.vectorize(otypes=[object]) of traced numbers"))
    if not is_traced(list(results)):
        objects = np.empty(shape, object)
        for index, result in zip(np.ndindex(shape), results, strict=True):
            objects[index] = result
        return np.asanyarray(objects, dtype=dtype)
    if any(np.ndim(x) for x in results):
        raise ValueError(
            at_user_line("np.vectorize: the function gives an array for an entry: give a signature")
        )
    return _collected(results, shape, dtype)


def _entry_as_object(x: Any) -> Any:
    """Return an entry as what stands in an array of objects: a Python number."""
    if not isinstance(x, Tracer):
        return x.item() if isinstance(x, np.generic) else x
    kind = x.dtype.kind
    wide = np.dtype({"f": float, "c": complex, "b": bool}.get(kind, np.int64))
    return ScalarTracer(node_of(astype(ScalarTracer(x.node), wide)), weak=True)


def _with_signature(self: Any, func: Callable[..., Any], args: Any) -> Any:
    inputs, outputs = self._in_and_out_core_dims
    if len(args) != len(inputs):
        raise TypeError(at_user_line(f"np.vectorize: {len(args)} arguments for {self.signature}"))
    arrays = [as_whole_array(x) for x in args]
    sizes: dict[str, int] = {}
    leading = []
    for x, names in zip(arrays, inputs, strict=True):
        if x.ndim < len(names):
            raise ValueError(at_user_line(f"np.vectorize: an array of {x.ndim} axes for {names}"))
        split = x.ndim - len(names)
        leading.append(x.shape[:split])
        _note_sizes(sizes, names, x.shape[split:])
    shape = np.broadcast_shapes(*leading)
    wide = [
        np.broadcast_to(x, shape + x.shape[x.ndim - len(names) :])
        for x, names in zip(arrays, inputs, strict=True)
    ]
    calls = []
    for index in np.ndindex(shape):
        result = func(*[_entry(x, index) for x in wide])
        results = result if isinstance(result, tuple) else (result,)
        if len(results) != len(outputs):
            raise ValueError(
                at_user_line(f"np.vectorize: {len(results)} results for {self.signature}")
            )
        for each, names in zip(results, outputs, strict=True):
            _note_sizes(sizes, names, np.shape(each)[np.ndim(each) - len(names) :])
        calls.append(results)
    if not calls:
        raise UnsupportedError(at_user_line("np.vectorize with a signature, of no entries"))
    kinds = self.otypes or [None] * len(outputs)
    columns = zip(*calls, strict=True)
    whole = tuple(_collected(c, shape, kind) for c, kind in zip(columns, kinds, strict=True))
    return whole[0] if len(whole) == 1 else whole


def _entry(x: Any, index: tuple[int, ...]) -> Any:
    return x[index] if index or x.ndim else x[()]


def _note_sizes(sizes: dict[str, int], names: Any, shape: tuple[int, ...]) -> None:
    if len(names) != len(shape):
        raise ValueError(at_user_line(f"np.vectorize: a result of {len(shape)} axes for {names}"))
    for name, size in zip(names, shape, strict=True):
        if sizes.setdefault(name, size) != size:
            raise ValueError(
                at_user_line(f"np.vectorize: {name} is {sizes[name]} and {size} in its signature")
            )


takes_complex(np.apply_along_axis, np.apply_over_axes)
