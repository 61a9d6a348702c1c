"""`np.pad` on tracers, in all of its modes.

Axis by axis, as in NumPy: what is put beside an axis is made of what lies along it by then, so
corners come out as NumPy has them. Modes that only repeat entries are one gather.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..graph.types import is_inexact
from ..primitives import elementwise as ew
from ..primitives.indexing import gather
from ..primitives.structure import broadcast_to, concatenate, pad, slice_
from .copy_table import filled
from .function_rules import implements
from .nested import nested
from .operands import node_of
from .tracer import FUNCTIONS, METHODS, UFUNCS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype

Widths = list[tuple[int, int]]
Ends = tuple[Node, Node]
# One option a mode at most, with NumPy's default
_OPTIONS: dict[str, dict[str, Any]] = {
    "constant": {"constant_values": 0}, "linear_ramp": {"end_values": 0}, "empty": {}, "edge": {},
    "wrap": {}, "reflect": {"reflect_type": "even"}, "symmetric": {"reflect_type": "even"},
    "maximum": {"stat_length": None}, "minimum": {"stat_length": None},
    "mean": {"stat_length": None}, "median": {"stat_length": None},
}  # fmt: skip


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    x = node_of(array)
    widths = _widths(pad_width, len(x.shape))
    if callable(mode):
        return _padded_by(mode, x, widths, options)
    if mode not in _OPTIONS:
        raise ValueError(at_user_line(f"np.pad: mode {mode!r} is not known"))
    unknown = options.keys() - _OPTIONS[mode].keys()
    if unknown:
        raise ValueError(at_user_line(f"np.pad: mode {mode!r} takes no {', '.join(unknown)}"))
    option = next(iter({**_OPTIONS[mode], **options}.values()), None)
    if mode in ("constant", "empty"):
        return ArrayTracer(_constant(x, widths, 0 if option is None else option))
    for k, width in enumerate(widths):
        if not x.shape[k] and any(width):
            raise ValueError(at_user_line(f"np.pad: mode {mode!r} cannot extend empty axis {k}"))
    repeats = mode in ("edge", "wrap", "maximum", "minimum") or _is_even(option, mode)
    if x.dtype.kind == "b" and not repeats:
        raise UnsupportedError(at_user_line(f"np.pad of truth values by mode {mode!r}"))
    if mode in ("edge", "wrap") or _is_even(option, mode):
        return ArrayTracer(_repeated(x, widths, mode))
    if mode in ("reflect", "symmetric"):
        for k, width in enumerate(widths):
            x = _reflected_odd(x, k, width, edge=mode == "symmetric")
        return ArrayTracer(x)
    if mode == "linear_ramp":
        for k, ((a, b), ends) in enumerate(zip(widths, _end_values(x, option), strict=True)):
            low, high = _ramp(x, k, ends[0], a, first=True), _ramp(x, k, ends[1], b, first=False)
            x = concatenate(low, x, high, axis=k)
        return ArrayTracer(x)
    return ArrayTracer(_statistics(x, widths, mode, option))


def _is_even(reflect_type: Any, mode: str) -> bool:
    """Return whether entries are reflected as they are."""
    if mode not in ("reflect", "symmetric"):
        return False
    if reflect_type not in ("even", "odd"):
        raise UnsupportedError(at_user_line(f"np.pad: reflect_type={reflect_type!r}"))
    return bool(reflect_type == "even")


def _widths(pad_width: Any, n: int) -> Widths:
    """Return how many entries come before and after each axis."""
    if isinstance(pad_width, dict):
        pairs: list[Any] = [(0, 0)] * n
        for axis, width in pad_width.items():
            pairs[axis] = width if isinstance(width, tuple) else (width, width)
        pad_width = pairs
    plain = np.asarray(pad_width)
    if plain.dtype.kind not in "iu":
        raise TypeError(at_user_line("np.pad: pad_width is made of integers"))
    if np.any(plain < 0):
        raise ValueError(at_user_line("np.pad: a width is negative"))
    return [(int(a), int(b)) for a, b in np.broadcast_to(plain, (n, 2))]


def _end_values(x: Node, values: Any) -> list[Ends]:
    """Return the two values of each axis, in x's dtype."""
    node = node_of(nested(values), x.dtype)
    n = len(x.shape)
    pairs = broadcast_to(as_dtype(node, x.dtype), shape=(n, 2))
    return [
        tuple(gather(pairs, np.intp(k), np.intp(end), pattern=(0, 1)) for end in (0, 1))
        for k in range(n)
    ]


def _constant(x: Node, widths: Widths, values: Any) -> Node:
    if not isinstance(values, (Tracer, list, tuple)) and not np.any(values):
        shape = tuple(s + a + b for s, (a, b) in zip(x.shape, widths, strict=True))
        index = tuple(slice(a, a + s) for s, (a, _) in zip(x.shape, widths, strict=True))
        return pad(x, shape=shape, index=index)  # type: ignore[no-any-return]
    for k, ((a, b), (first, last)) in enumerate(zip(widths, _end_values(x, values), strict=True)):
        before, after = _with_size(x.shape, k, a), _with_size(x.shape, k, b)
        x = concatenate(
            broadcast_to(first, shape=before), x, broadcast_to(last, shape=after), axis=k
        )
    return x


def _with_size(shape: tuple[int, ...], k: int, size: int) -> tuple[int, ...]:
    return (*shape[:k], size, *shape[k + 1 :])


def _repeated(x: Node, widths: Widths, mode: str) -> Node:
    """Gather by the positions that NumPy itself puts beside those of each axis."""
    for k, width in enumerate(widths):
        if any(width):
            positions: Any = np.pad(np.arange(x.shape[k]), width, mode)  # type: ignore[call-overload]
            pattern: list[Any] = [slice(None)] * len(x.shape)
            pattern[k] = 0
            x = gather(x, positions, pattern=tuple(pattern))
    return x


def _along(x: Node, k: int, start: int, stop: int, step: int = 1) -> Node:
    """Return x[start:stop:step] along axis k, for positions that are not negative."""
    index = [slice(None)] * len(x.shape)
    index[k] = slice(start, None if stop < 0 else stop, step)
    return slice_(x, index=tuple(index))  # type: ignore[no-any-return]


def _reflected_odd(x: Node, k: int, width: tuple[int, int], edge: bool) -> Node:
    """Rotate the entries by 180 degrees about each end, again and again until it is enough."""
    left, right = width
    period = x.shape[k]
    if not edge and period == 1:
        return _repeated(x, [(0, 0)] * k + [width] + [(0, 0)] * (len(x.shape) - k - 1), "edge")
    skip = 0 if edge else 1
    while left or right:
        size = x.shape[k]
        usable = (size - skip) // (period - skip) * (period - skip)
        parts = [x]
        a, b = min(usable, left), min(usable, right)
        if a:
            chunk = _along(x, k, a - 1 + skip, skip - 1, -1)
            parts.insert(0, _rotated_about(_along(x, k, 0, 1), chunk))
        if b:
            last = size - 1 - skip
            chunk = _along(x, k, last, last - b, -1)
            parts.append(_rotated_about(_along(x, k, size - 1, size), chunk))
        x = concatenate(*parts, axis=k)
        left, right = left - a, right - b
    return x


def _rotated_about(end: Node, chunk: Node) -> Node:
    return as_dtype(ew.sub(ew.mul(end, end.dtype.type(2)), chunk), end.dtype)


def _ramp(x: Node, k: int, end: Node, width: int, first: bool) -> Node:
    """Return the numbers between the end's value and the outermost entries, as np.linspace has."""
    size = x.shape[k]
    edge = _along(x, k, 0, 1) if first else _along(x, k, size - 1, size)
    shape = _with_size(x.shape, k, width)
    if not width:
        return _along(x, k, 0, 0)
    dtype = x.dtype if is_inexact(x.dtype) else np.dtype(float)
    start, stop = as_dtype(end, dtype), as_dtype(edge, dtype)
    steps = np.arange(width) if first else np.arange(width)[::-1]
    along = [1] * len(x.shape)
    along[k] = width
    step = ew.div(ew.sub(stop, start), dtype.type(width))
    y = ew.add(ew.mul(steps.reshape(along).astype(dtype), step), start)
    y = y if is_inexact(x.dtype) else as_dtype(ew.floor(y), x.dtype)
    return y if y.shape == shape else broadcast_to(y, shape=shape)


def _statistics(x: Node, widths: Widths, mode: str, stat_length: Any) -> Node:
    lengths: list[Any] = [(None, None)] * len(x.shape)
    if stat_length is not None:
        lengths = [tuple(pair) for pair in np.broadcast_to(stat_length, (len(x.shape), 2))]
    names = {"maximum": "max", "minimum": "min"}
    for k, (width, length) in enumerate(zip(widths, lengths, strict=True)):
        size = x.shape[k]
        ends = []
        for n, amount, last in zip(width, length, (False, True), strict=True):
            if not n:
                ends.append(_along(x, k, 0, 0))
                continue
            count = size if amount is None else min(int(amount), size)
            if count < 0 or (not count and mode in names):
                raise ValueError(at_user_line(f"np.pad: stat_length={amount} of mode {mode!r}"))
            part = traced(_along(x, k, size - count if last else 0, size if last else count))
            if mode == "median":
                value = np.median(part, axis=k, keepdims=True)
            else:
                value = METHODS[names.get(mode, mode)](part, axis=k, keepdims=True)
            if not is_inexact(x.dtype) and mode in ("mean", "median"):
                value = UFUNCS["rint"](value)
            single = as_dtype(node_of(value), x.dtype)
            ends.append(broadcast_to(single, shape=_with_size(x.shape, k, n)))
        x = concatenate(ends[0], x, ends[1], axis=k)
    return x


def _padded_by(
    function: Callable[..., Any], x: Node, widths: Widths, options: dict[str, Any]
) -> ArrayTracer:
    """Let the user's function write into each vector of the array with zeros beside it."""
    shape = tuple(s + a + b for s, (a, b) in zip(x.shape, widths, strict=True))
    padded = filled(x.dtype.type(0), shape)
    padded[tuple(slice(a, a + s) for s, (a, _) in zip(x.shape, widths, strict=True))] = traced(x)
    for axis, width in enumerate(widths):
        vectors = FUNCTIONS[np.moveaxis](padded, axis, -1)
        for index in np.ndindex(vectors.shape[:-1]):
            function(vectors[(*index, Ellipsis)], width, axis, options)
    return padded
