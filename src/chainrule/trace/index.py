"""Indexing of tracers: every index that NumPy takes, brought to the primitives' one form."""

from __future__ import annotations

import dis
import sys
from collections.abc import Sequence
from functools import lru_cache
from operator import index as to_index
from typing import Any

import numpy as np

from ..errors import AbstractValueError, ShapeError, UnsupportedError, at_user_line
from ..graph.node import CONSTANT, Node
from ..graph.types import is_inexact
from ..primitives.indexing import gather, scatter, scatter_add
from ..primitives.structure import reshape, slice_, transpose
from .nonzero import is_countable, nonzero_nodes
from .operands import node_of
from .selection import Selection, is_abstract_mask, is_unknown_mask, write_masked
from .strides import set_layout_like, set_not_contiguous
from .tracer import HOOKS, UFUNC_METHODS, ArrayTracer, ScalarTracer, Tracer, repeated, traced
from .ufunc_rules import as_dtype
from .views import ReadOnlyError, View, view


class ParsedIndex:
    """An index taken apart for an array of a given shape.

    Attributes
    ----------
    expanded : tuple of int
        The array's shape with the new axes of size 1 in it.
    pattern : tuple
        For each axis of that a slice, or the position of an integer array in `arrays`.
    arrays : list of Node
    result : tuple of int or None
        For basic indexing the result's shape (integers drop their axis), else None.
    copies : bool
        Whether NumPy gives a copy: for integer arrays and masks. Else it gives a view, also where
        an integer is traced.
    whole : bool
        Whether every axis is given an integer and there is no ``...``: NumPy gives a number.
    every : bool
        Whether it says ``:`` of every axis. (Not so ``:5``, even if there are five entries: with
        other sizes, which an export tries, it would cut.)
    """

    def __init__(self, shape: tuple[int, ...], index: Any) -> None:
        entries = index if isinstance(index, tuple) else (index,)
        entries_by_axis = _entries_by_axis(shape, entries)
        advanced = any(isinstance(entry, Node) for entry in entries_by_axis)
        self.copies = advanced and not all(map(_is_basic, entries))
        self.whole = not any(entry is Ellipsis or entry is None for entry in entries)
        self.expanded: tuple[int, ...] = ()
        self.arrays: list[Node] = []
        pattern: list[Any] = []
        result: list[int] = []
        axis = 0
        for entry in entries_by_axis:
            if entry is None:
                self.expanded += (1,)
                pattern.append(slice(0, 1, 1))
                result.append(1)
                continue
            size = shape[axis]
            self.expanded += (size,)
            axis += 1
            if isinstance(entry, slice):
                start, stop, step = entry.indices(size)
                count = len(range(start, stop, step))
                # A start of -1 would be the last entry, where it means that there is none
                entry = slice(start, None if stop < 0 else stop, step) if count else slice(0, 0, 1)
                pattern.append(entry)
                result.append(count)
            elif isinstance(entry, Node):
                pattern.append(len(self.arrays))
                self.arrays.append(entry)
            elif advanced:
                pattern.append(len(self.arrays))
                self.arrays.append(node_of(np.intp(_checked(entry, size, axis - 1))))
            else:
                start = _checked(entry, size, axis - 1)
                pattern.append(slice(start, start + 1, 1))
        self.pattern = tuple(pattern)
        self.every = all(entry is None or _is_all(entry) for entry in entries_by_axis)
        self.result = None if advanced else tuple(result)
        self.whole = self.whole and not any(isinstance(entry, slice) for entry in entries_by_axis)

    def read(self, x: Node) -> Node:
        """Return x[index]."""
        if x.shape != self.expanded:
            x = reshape(x, shape=self.expanded)
        if self.result is None:
            self._check_bounds(x)
            return gather(x, *self.arrays, pattern=self.pattern)  # type: ignore[no-any-return]
        part = x if self.every else slice_(x, index=self.pattern)
        if part.shape != self.result:
            part = reshape(part, shape=self.result)
        return part

    def _check_bounds(self, x: Node) -> None:
        """Raise NumPy's IndexError for known indices of an unknown array early."""
        if x.value is not None:  # about to be read
            return
        for axis, part in enumerate(self.pattern):
            if isinstance(part, int) and self.arrays[part].primitive is CONSTANT:
                positions, size = self.arrays[part].value, x.shape[axis]
                wrong = positions[(positions < -size) | (positions >= size)]
                if wrong.size:
                    _checked(int(wrong.flat[0]), size, axis)

    def read_view(self, x: Node) -> Node:
        """Return x[index] where NumPy gives a view, with the memory layout of that view."""
        node = self.read(x)
        if self.result is None:  # traced integers: any others lead to the same strides
            first = [slice(0, 1) if isinstance(part, int) else part for part in self.pattern]
            like = slice_(reshape(x, shape=self.expanded), index=tuple(first))
            set_layout_like(node, reshape(like, shape=node.shape))
        return node

    def write(self, x: Node, value: Node, add: bool = False) -> Node:
        """Return x with x[index] = value (or += value), value broadcast as NumPy does."""
        shape = x.shape
        if shape != self.expanded:
            x = reshape(x, shape=self.expanded)
        target = self.read(x).shape
        value = fitted(value, x.dtype, target)
        if self.result is not None:
            sizes = zip(self.pattern, self.expanded, strict=True)
            selected_shape = tuple(len(range(*part.indices(size))) for part, size in sizes)
            value = value if value.shape == selected_shape else reshape(value, shape=selected_shape)
        operation = scatter_add if add else scatter
        x = operation(x, value, *self.arrays, pattern=self.pattern)
        return x if x.shape == shape else reshape(x, shape=shape)


def fitted(value: Node, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Node:
    """Cast and broadcast what is assigned, as NumPy does: axes of size 1 in front may go."""
    value = as_dtype(value, dtype)
    before = value.shape
    while len(value.shape) > len(shape) and value.shape[0] == 1:
        value = reshape(value, shape=value.shape[1:])
    value = value if value.shape == shape else repeated(value, shape)
    if value.shape != shape:
        raise ShapeError(
            at_user_line(f"cannot write an array of shape {before} where the index selects {shape}")
        )
    return value


def _is_all(part: Any) -> bool:
    return isinstance(part, slice) and part.start is part.stop is part.step is None


def _checked(part: int, size: int, axis: int) -> int:
    if not -size <= part < size:
        raise IndexError(
            at_user_line(f"index {part} is out of bounds for axis {axis} with size {size}")
        )
    return part % size


def _entries_by_axis(shape: tuple[int, ...], index: tuple[Any, ...]) -> list[Any]:
    """Return one entry for each axis: None, int, slice, or a Node of integers."""
    index = tuple(map(_normalize_entry, index))
    taken = sum(_axes_taken(part) for part in index)
    parts: list[Any] = []
    axis = 0
    for part in index:
        if isinstance(part, Node) and part.dtype.kind == "b":
            _check_mask(part, shape[axis : axis + part.ndim], axis)
            parts.extend(nonzero_nodes(part, "a mask beside other indices"))
        else:
            parts.append(part)
        axis += len(shape) - taken if part is Ellipsis else _axes_taken(part)
    used = sum(1 for part in parts if part is not None and part is not Ellipsis)
    if used > len(shape):
        raise IndexError(
            at_user_line(f"too many indices: {used} for an array of {len(shape)} dimensions")
        )
    fill = [slice(None)] * (len(shape) - used)
    for k, part in enumerate(parts):
        if part is Ellipsis:
            if not fill:
                _refuse_empty_ellipsis(parts[:k], parts[k + 1 :])
            return parts[:k] + fill + parts[k + 1 :]
    return parts + fill


def _refuse_empty_ellipsis(before: Sequence[Any], after: Sequence[Any]) -> None:
    """Refuse ``...`` that stands for no axis between index arrays: NumPy moves their axes even
    then.
    """
    arrays = any(isinstance(part, Node) for part in (*before, *after))
    if arrays and all(any(isinstance(p, (int, Node)) for p in side) for side in (before, after)):
        raise UnsupportedError(
            at_user_line("... between index arrays, where it stands for no axis: leave it out")
        )


def _axes_taken(part: Any) -> int:
    """Return the number of axes that an entry of an index consumes."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, Node) and part.dtype.kind == "b" else 1


def _check_mask(mask: Node, shape: tuple[int, ...], axis: int) -> None:
    if mask.shape != shape:
        raise IndexError(
            at_user_line(
                f"a mask of shape {mask.shape} does not match the sizes {shape} of the array from "
                f"axis {axis} on"
            )
        )


def _normalize_entry(part: Any) -> Any:
    """Return an entry as None, ..., int, slice, or a Node of integers or of truth values."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, (bool, np.bool_)):
        raise UnsupportedError(at_user_line("a single truth value as an index is not supported"))
    if issubclass(type(part), (int, np.integer)):
        return int(part)
    if isinstance(part, Tracer):
        part = HOOKS["index_where_caught"](part)
    if type(part) is int:
        return part
    if isinstance(part, Tracer):
        node = part.node
    else:
        if not isinstance(part, np.ndarray) and hasattr(type(part), "__index__"):
            return to_index(part)
        array = np.asarray(part)
        if array.size == 0 and isinstance(part, (list, tuple)):
            array = array.astype(np.intp)  # of no index; NumPy does not mind either
        node = node_of(array)
    if node.dtype.kind == "b":
        if not is_countable(node):
            raise AbstractValueError(
                at_user_line(
                    "a boolean mask beside other indices has a result of unknown size under jit: "
                    "use np.where(mask, x, other), or the mask alone, x[mask]"
                )
            )
        return node
    if node.dtype.kind == "f" and node.shape == (0,):
        node = node_of(np.empty(0, np.intp))
    if node.dtype.kind not in "iu":
        raise IndexError(
            at_user_line(f"an index must be integers, slices or a mask, not {node.dtype}")
        )
    return node


def diagonal(a: Any, offset: int, axis1: int, axis2: int, writable: bool = False) -> Tracer:
    """Return a diagonal of two axes as the last axis of a view; NumPy's own view is read-only."""
    n = np.ndim(a)
    i, j = axis1 % n, axis2 % n
    count = len(np.diagonal(np.empty((np.shape(a)[i], np.shape(a)[j]), bool), offset))
    positions = np.arange(count)
    index_by_axis = {i: positions + max(-offset, 0), j: positions + max(offset, 0)}
    order = (*[k for k in range(n) if k not in index_by_axis], i, j)
    index = ParsedIndex(
        tuple(np.shape(a)[k] for k in order), (..., index_by_axis[i], index_by_axis[j])
    )
    back = tuple(sorted(range(n), key=order.__getitem__))

    def write(x: Node, new: Node) -> Node:
        return transpose(index.write(transpose(x, axes=order), new), axes=back)  # type: ignore[no-any-return]

    def read(x: Node) -> Node:
        node = index.read(transpose(x, axes=order))
        set_not_contiguous(node)
        return node

    return view(a, read, write if writable else None)


def _is_basic(part: Any) -> bool:
    """Return whether NumPy takes the entry for basic indexing: a plain integer or a slice."""
    if part is None or part is Ellipsis or isinstance(part, slice):
        return True
    if isinstance(part, Tracer):
        return type(part) is ScalarTracer
    return not isinstance(part, np.ndarray) and hasattr(type(part), "__index__")


def parse_index(shape: tuple[int, ...], index: Any) -> ParsedIndex:
    """Parse an index; what consists of numbers and slices of numbers is parsed once and cached."""
    entries = index if type(index) is tuple else (index,)
    key: list[Any] = []
    for part in entries:
        kind = type(part)
        if kind is slice:
            ends = (part.start, part.stop, part.step)
            for end in ends:
                if end is not None and type(end) is not int:
                    return ParsedIndex(shape, index)
            key.append(ends)
        elif kind is int or part is None or part is Ellipsis:
            key.append(part)
        else:
            return ParsedIndex(shape, index)
    return _parse_basic(shape, *key)


@lru_cache(maxsize=4096)
def _parse_basic(shape: tuple[int, ...], *key: Any) -> ParsedIndex:
    return ParsedIndex(shape, tuple(slice(*part) if type(part) is tuple else part for part in key))


def getitem(x: ArrayTracer, index: Any) -> Any:
    """Implement `x[index]`: a number, a view for a basic index, a copy for an advanced one."""
    if is_abstract_mask(index) and index.shape:
        _check_mask(index.node, x.shape[: index.ndim], 0)
        return Selection(x.node, index.node)
    parsed = parse_index(x.shape, index)
    if parsed.copies or parsed.whole:
        return traced(parsed.read(x.node))
    return view(x, parsed.read_view, parsed.write)


def setitem(x: ArrayTracer, index: Any, value: Any) -> None:
    """Implement `x[index] = value`: x takes another node."""
    _refuse_shuffle(x, value)
    if is_abstract_mask(index) or (is_unknown_mask(index) and np.size(value) == 1):
        _check_mask(index.node, x.shape[: index.ndim], 0)
        write_masked(x, index.node, value)
        return
    node = node_of(value, x.dtype)
    parsed = parse_index(x.shape, index)
    if parsed.whole and node.shape:
        _refuse_sequence(parsed, node)
    if node.dtype.kind == "c" and x.dtype.kind not in "cb" and not hasattr(value, "dtype"):
        raise TypeError(at_user_line(f"a Python complex number is written into {x.dtype}"))
    x.rebind(parsed.write(x.node, node))


def _refuse_sequence(parsed: ParsedIndex, new: Node) -> None:
    """Raise NumPy's error (a warning, before 2.4) for a sequence that is written to one number."""
    if all(node.shape == () and node.dtype.kind != "b" for node in parsed.arrays):
        try:
            np.empty(1, new.dtype)[0] = np.empty(new.shape, new.dtype)
        except ValueError as error:
            text = f"{error} It has shape {new.shape} where the index selects one number"
            raise ShapeError(at_user_line(text)) from None
        except TypeError as error:  # of complex numbers
            raise TypeError(at_user_line(str(error))) from None


def _refuse_shuffle(x: ArrayTracer, value: Any) -> None:
    """Refuse rows that compiled code exchanges, as `np.random.shuffle` does: they would be views.

    NumPy has another way for its own arrays, so that what comes out differs: refused.
    """
    if issubclass(type(value), View) and x.ndim > 1:
        frame = sys._getframe(3)  # whoever wrote x[index] = value, or called what did
        if dis.opname[frame.f_code.co_code[frame.f_lasti]].startswith("CALL"):
            raise UnsupportedError(
                at_user_line(
                    "a function of compiled code, such as np.random.shuffle, writes rows of a "
                    "traced array: index it by a permutation, x[rng.permutation(len(x))]"
                )
            )


def add_at(x: Any, index: Any, value: Any) -> None:
    """Implement `np.add.at(x, index, value)`."""
    if isinstance(x, Tracer) and not is_inexact(x.dtype) and is_inexact(node_of(value).dtype):
        raise UnsupportedError(
            at_user_line("np.add.at of fractions into whole numbers, which are cut at each step")
        )
    if not isinstance(x, ArrayTracer):
        raise UnsupportedError(
            at_user_line("np.add.at into a plain array: make it with np.zeros_like(traced)")
        )
    added, parsed = node_of(value, x.dtype), parse_index(x.shape, index)
    if added.shape[:1] == (1,) and len(added.shape) > len(parsed.read(x.node).shape):
        raise ValueError(at_user_line(f"np.add.at: an operand of shape {added.shape} is too deep"))
    new = parsed.write(x.node, added, add=True)
    try:
        x.rebind(new)
    except ReadOnlyError as error:  # NumPy 2.4 writes here, whatever the flag says
        raise UnsupportedError(str(error)) from None


HOOKS["getitem"] = getitem
HOOKS["setitem"] = setitem
UFUNC_METHODS["add", "at"] = add_at
