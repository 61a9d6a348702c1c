"""NumPy's set functions on tracers: which entries are chosen follows from the numbers.

How many there are does as well, so these functions need the numbers, which are not known under
`jit`; `isin` alone does not. What is chosen is taken from the array by its index, and so has a
derivative: of several equal entries that of the first.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node, constant
from ..graph.types import is_inexact
from ..primitives import elementwise as ew
from ..primitives import reductions as red
from ..primitives.indexing import gather
from ..primitives.structure import broadcast_to
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .elementwise_table import truth
from .function_rules import implements, normalize_axis
from .histogram_table import positions_in
from .join_table import joined
from .nonzero import is_countable, nonzero_nodes
from .operands import node_of
from .plain_numbers import concrete_value
from .tracer import METHODS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype


def _known_numbers(x: Tracer, name: str) -> Any:
    return concrete_value(x.node, name)


def _flat(x: Any) -> Any:
    return METHODS["ravel"](array_like(x))


@implements(np.unique)
def _unique(ar: Any, return_index: bool = False, return_inverse: bool = False,
            return_counts: bool = False, axis: Any = None, *, equal_nan: bool = True,
            sorted: bool = True) -> Any:  # fmt: skip
    x = array_like(ar)
    sizes_suffice = axis is None and sorted and x.dtype.kind != "c" and x.size
    if x.node.value is None and sizes_suffice and is_countable(x.node):
        return _unique_of_counted(x, (return_index, return_inverse, return_counts), equal_nan)
    values = _known_numbers(x, "the size of np.unique's result")
    wanted = (True, return_inverse, return_counts, axis)
    parts = np.unique(values, *wanted, equal_nan=equal_nan)  # type: ignore[call-overload]
    index = parts[1]
    if not sorted and not (return_index or return_inverse or return_counts):
        index = _in_hash_order(values, index, axis, equal_nan)
    if axis is None:
        unique = _flat(x)[index]
    else:
        unique = x[(slice(None),) * normalize_axis(axis, x.ndim) + (index,)]
    results = (unique, *((index,) if return_index else ()), *parts[2:])
    return results if len(results) > 1 else unique


def _unique_of_counted(x: Tracer, wanted: tuple[bool, bool, bool], equal_nan: bool) -> Any:
    """Return the result where only how many entries it has is asked of the numbers."""
    flat = _flat(x)
    order = np.argsort(flat, kind="stable")
    ordered = flat[order]
    differs = ordered[1:] != ordered[:-1]
    if equal_nan and is_inexact(x.dtype):
        differs = differs & ((ordered[1:] == ordered[1:]) | (ordered[:-1] == ordered[:-1]))
    first = np.concatenate([np.ones_like(flat[:1], bool), differs])
    starts = ArrayTracer(nonzero_nodes(truth(node_of(first)), "the size of np.unique's result")[0])
    results = [ordered[starts]]
    if wanted[0]:
        results.append(order[starts])
    if wanted[1]:
        inverse = np.zeros_like(order)
        inverse[order] = np.cumsum(first) - 1
        shape = np.unique(np.zeros(x.shape), return_inverse=True)[1].shape
        results.append(np.reshape(inverse, shape))
    if wanted[2]:
        stops = np.concatenate([starts[1:], np.full_like(starts[:1], x.size)])
        results.append(stops - starts)
    return tuple(results) if len(results) > 1 else results[0]


def _in_hash_order(values: Any, index: Any, axis: Any, equal_nan: bool) -> Any:
    """Return the index such that it gives the order that NumPy's table of hashes gives."""
    if axis is not None and values.ndim > 1:
        return index
    unordered = np.unique(values, equal_nan=equal_nan, sorted=False)
    result = np.empty_like(index)
    result[np.argsort(unordered, kind="stable")] = index
    return result


def _array_api(name: str, **options: Any) -> None:
    """Enter a function of the array API, whose nan are all different."""
    original = getattr(np, name)

    def rule(x: Any) -> Any:
        results = _unique(x, equal_nan=False, **options)
        if not isinstance(results, tuple):
            return results
        kind = type(original(np.zeros(1)))
        return kind(*results)

    implements(original)(rule)


_array_api("unique_values", sorted=False)
_array_api("unique_counts", return_counts=True)
_array_api("unique_inverse", return_inverse=True)
_array_api("unique_all", return_index=True, return_inverse=True, return_counts=True)


@implements(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return _unique(joined([_flat(ar1), _flat(ar2)]))


def _unique_pair(ar1: Any, ar2: Any, assume_unique: bool) -> tuple[Any, Any]:
    x, y = _flat(ar1), _flat(ar2)
    return (x, y) if assume_unique else (_unique(x), _unique(y))


def _are_countable(x: Tracer, y: Tracer) -> bool:
    """Return whether numbers are known of a call that is recorded, and only of it."""
    nodes = (x.node, y.node)
    return any(node.value is None for node in nodes) and all(map(is_countable, nodes))


@implements(np.intersect1d)
def _intersect1d(ar1: Any, ar2: Any, assume_unique: bool = False,
                 return_indices: bool = False) -> Any:  # fmt: skip
    x, y = _flat(ar1), _flat(ar2)
    if _are_countable(x, y) and not return_indices:
        x, y = _unique_pair(x, y, assume_unique)
        common = x[np.flatnonzero(np.isin(x, y))]
        return ArrayTracer(as_dtype(common.node, np.result_type(x.dtype, y.dtype)))
    _, first, second = np.intersect1d(
        _known_numbers(x, "np.intersect1d"),
        _known_numbers(y, "np.intersect1d"),
        assume_unique,
        True,
    )
    dtype = np.result_type(x.dtype, y.dtype)
    common = ArrayTracer(as_dtype(x[first].node, dtype))
    return (common, first, second) if return_indices else common


@implements(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    x, y = _unique_pair(ar1, ar2, assume_unique)
    if _are_countable(x, y):
        return x[np.flatnonzero(~np.isin(x, y))]
    outside = ~np.isin(_known_numbers(x, "np.setdiff1d"), _known_numbers(y, "np.setdiff1d"))
    return x[np.flatnonzero(outside)]


@implements(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    x, y = _unique_pair(ar1, ar2, assume_unique)
    both = joined([x, y])
    if not both.size:
        return both
    values = _known_numbers(both, "np.setxor1d")
    order = np.argsort(values, kind="stable")
    inside = np.concatenate([[True], values[order][1:] != values[order][:-1], [True]])
    return both[order[inside[1:] & inside[:-1]]]


# Membership, whose result has the array's own shape


def _isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False, *,
          kind: Any = None) -> Tracer:  # fmt: skip
    np.isin(np.zeros(1, int), np.zeros(1, int), kind=kind)  # raises what NumPy would
    x, tests = array_like(element), _flat(test_elements)
    if kind == "table" and {x.dtype.kind, tests.dtype.kind} - set("iub"):
        raise ValueError(
            at_user_line("The 'table' method is only supported for boolean or integer arrays.")
        )
    hit = _among(x.node, tests.node)
    return ArrayTracer(ew.equal(hit, not invert))


def _among(x: Node, tests: Node) -> Node:
    """Return whether each entry is one of the tests."""
    if x.value is not None and tests.value is not None:
        return constant(np.asarray(np.isin(x.value, tests.value)))
    if not tests.shape[0]:
        return constant(np.broadcast_to(np.bool_(False), x.shape))
    dtype = np.result_type(x.dtype, tests.dtype)
    x, tests = as_dtype(x, dtype), as_dtype(tests, dtype)
    ordered = red.take_along(tests, red.argsort(tests, axis=0), 0)
    position = positions_in(traced(ordered), traced(x), "left")
    last = np.intp(tests.shape[0] - 1)
    return ew.equal(gather(ordered, ew.minimum(position, last), pattern=(0,)), x)  # type: ignore[no-any-return]


implements(np.isin)(_isin)
_in1d = vars(np).get("in1d")  # gone since NumPy 2.4
if _in1d is not None:
    implements(_in1d)(lambda ar1, ar2, *args, **options: _isin(_flat(ar1), ar2, *args, **options))


# Whole arrays compared


@implements(np.array_equal)
def _array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> Any:
    x, y = array_like(a1), array_like(a2)
    if x.shape != y.shape:
        return False
    same = x == y
    if equal_nan:
        same = same | ((x != x) & (y != y))
    return _python_truth(METHODS["all"](same))


@implements(np.array_equiv)
def _array_equiv(a1: Any, a2: Any) -> Any:
    x, y = node_like(a1), node_like(a2)
    try:
        shape = np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        return False
    same = ew.equal(x, y)
    whole = same if same.shape == shape else broadcast_to(same, shape=shape)
    return _python_truth(METHODS["all"](traced(whole)))


def _python_truth(x: Tracer) -> Any:
    """Return Python's truth value, as NumPy does, if it is known."""
    return x if x.node.value is None else bool(x.node.value)


takes_complex(np.isin, np.array_equal, np.array_equiv)
