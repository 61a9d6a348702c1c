"""NumPy's functions on tracers that join arrays and take them apart again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from .. import tree
from ..errors import ShapeError, at_user_line
from ..graph.node import Node
from ..primitives.structure import concatenate, reshape
from .function_rules import (
    NO_VALUE,
    Rule,
    as_int,
    implements,
    normalize_axis,
    refuse_options,
)
from .operands import node_of, nodes_of
from .tracer import ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype


def _in_common_dtype(arrays: Sequence[Any], dtype: Any, casting: str) -> tuple[Node, ...]:
    """Cast the arrays to one dtype: their common one, or the one that is asked for."""
    nodes = nodes_of(*arrays)
    kinds = [x.dtype for x in nodes]
    dtype = np.result_type(*kinds) if dtype is None else np.dtype(dtype)
    for kind in kinds:
        if not np.can_cast(kind, dtype, casting):  # type: ignore[arg-type]
            raise TypeError(at_user_line(f"cannot cast {kind} to {dtype} by the rule {casting!r}"))
    return tuple(as_dtype(x, dtype) for x in nodes)


@implements(np.concatenate, np.concat)
def joined(arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None,
                 casting: str = "same_kind") -> Tracer:  # fmt: skip
    refuse_options(out=out)
    nodes = _in_common_dtype(arrays, dtype, casting)
    if axis is None:
        nodes, axis = tuple(reshape(x, shape=(int(np.prod(x.shape)),)) for x in nodes), 0
    return traced(concatenate(*nodes, axis=normalize_axis(axis, len(nodes[0].shape))))


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, out: Any = None, *, dtype: Any = None,
           casting: str = "same_kind") -> Tracer:  # fmt: skip
    refuse_options(out=out)
    nodes = _in_common_dtype(list(arrays), dtype, casting)
    first = nodes[0].shape
    for x in nodes:
        if x.shape != first:
            raise ShapeError(at_user_line(f"np.stack: shapes {first} and {x.shape} differ"))
    k = normalize_axis(axis, len(first) + 1)
    wide = (*first[:k], 1, *first[k:])
    return traced(concatenate(*[reshape(x, shape=wide) for x in nodes], axis=k))


@implements(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    rows = [x if np.ndim(x) > 1 else np.reshape(x, (1, -1)) for x in tup]
    return joined(rows, 0, dtype=dtype, casting=casting)


@implements(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    rows = [x if np.ndim(x) else np.reshape(x, (1,)) for x in tup]
    return joined(rows, 0 if np.ndim(rows[0]) == 1 else 1, dtype=dtype, casting=casting)


@implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[Tracer]:
    x = ary if isinstance(ary, ArrayTracer) else ArrayTracer(node_of(ary))
    k = normalize_axis(axis, x.ndim)
    if not np.ndim(indices_or_sections):
        indices_or_sections = as_int(indices_or_sections, "sections")
        if indices_or_sections <= 0:
            raise ValueError(at_user_line("the number of sections must be larger than 0"))
        each, extra = divmod(x.shape[k], indices_or_sections)
        sizes = [each + 1] * extra + [each] * (indices_or_sections - extra)
        cuts = list(np.cumsum(sizes)[:-1])
    else:
        cuts = [as_int(cut, "section") for cut in indices_or_sections]
    bounds = [0, *(int(c) for c in cuts), x.shape[k]]
    lead = (slice(None),) * k
    return [x[(*lead, slice(a, b))] for a, b in pairwise(bounds)]


@implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    size = np.shape(ary)[normalize_axis(axis, np.ndim(ary))]
    if not np.ndim(indices_or_sections) and size % as_int(indices_or_sections, "sections"):
        raise ShapeError(at_user_line("array split does not result in an equal division"))
    return _array_split(ary, indices_or_sections, axis)


def _splitter(name: str, axis: int, least: int) -> Rule:
    def rule(ary: Any, indices_or_sections: Any) -> Any:
        n = np.ndim(ary)
        if n < least:
            raise ValueError(at_user_line(f"np.{name} of an array of {n} axes: at least {least}"))
        return _split(ary, indices_or_sections, min(axis, n - 1))

    return rule


implements(np.hsplit)(_splitter("hsplit", 1, 1))
implements(np.vsplit)(_splitter("vsplit", 0, 2))
implements(np.dsplit)(_splitter("dsplit", 2, 3))


@implements(np.block)
def _block(arrays: Any) -> Any:
    depth, ndim = _block_depth(arrays), 0
    for x in tree.leaves(arrays):
        ndim = max(ndim, np.ndim(x))
    ndim = max(ndim, depth)

    def assembled(entry: Any, level: int) -> Any:
        if level:
            return joined([assembled(x, level - 1) for x in entry], -level)
        return np.reshape(entry, (1,) * (ndim - np.ndim(entry)) + np.shape(entry))

    result = assembled(arrays, depth)
    return result if depth else result.copy()


def _block_depth(arrays: Any) -> int:
    """Return how deep the lists are nested, which has to be the same everywhere."""
    if isinstance(arrays, tuple):
        raise TypeError(at_user_line("np.block takes lists, no tuples"))
    if not isinstance(arrays, list):
        return 0
    depths = {_block_depth(entry) for entry in arrays}
    if len(depths) != 1:
        raise ValueError(at_user_line("np.block: lists that are empty, or not equally deep"))
    return 1 + depths.pop()


@implements(np.diff)
def _diff(
    a: Any, n: int = 1, axis: int = -1, prepend: Any = NO_VALUE, append: Any = NO_VALUE
) -> Any:
    if not np.ndim(a):
        raise ShapeError(at_user_line("np.diff of a number: it needs at least one axis"))
    if n < 0:
        raise ValueError(at_user_line(f"np.diff: n={n} is negative"))
    k = normalize_axis(axis, np.ndim(a))
    end_shape = tuple(1 if j == k else size for j, size in enumerate(np.shape(a)))
    operands = [end if np.ndim(end) else np.broadcast_to(end, end_shape)
             for end in (prepend, a, append) if end is not NO_VALUE]  # fmt: skip
    if n and len(operands) > 1:
        a = joined(operands, axis=k)
    lead = (slice(None),) * k
    for _ in range(n):
        later, earlier = a[(*lead, slice(1, None))], a[(*lead, slice(None, -1))]
        a = later != earlier if a.dtype.kind == "b" else later - earlier
    return a
