"""NumPy's functions on tracers that make arrays, copies, casts, filled ones, or write into them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..primitives.structure import broadcast_to, identity
from .function_rules import Rule, as_int, implements, mask_of
from .function_table import sorted_along
from .index import fitted
from .operands import node_of
from .strides import c_order
from .tracer import FUNCTIONS, HOOKS, METHODS, ArrayTracer, ScalarTracer, Tracer, traced
from .ufunc_rules import as_dtype

# Copies


def copied(a: Any, order: str = "K") -> ArrayTracer:
    """Return a new array with the same entries, laid out as NumPy's `order` says."""
    order = _checked_order(order)
    node = identity(node_of(a))
    if order == "C":
        node.order = c_order(node.shape)
    elif order == "F":
        node.order = c_order(node.shape[::-1])[::-1]
    elif order != "K":
        node.order = None
    return ArrayTracer(node)


def _checked_order(order: Any) -> str:
    np.empty(0).copy(order)  # raises what NumPy would
    return order.upper() if order else "K"


FUNCTIONS[np.copy] = lambda a, order="K", subok=False: copied(a, order)


def _copy_method(a: Tracer, order: str = "C") -> Tracer:
    copy = copied(a, order)
    return ScalarTracer(a.node, a.weak) if type(a) is ScalarTracer else copy


METHODS["copy"] = _copy_method


def astype(a: Any, dtype: Any, order: str = "K", casting: str = "unsafe", subok: bool = True,
           copy: bool = True) -> Tracer:  # fmt: skip
    """Return the array in another dtype, or the array itself if no copy is needed."""
    wanted = np.dtype(dtype)
    if not np.can_cast(a.dtype, wanted, casting):  # type: ignore[arg-type]
        raise TypeError(at_user_line(f"cannot cast {a.dtype} to {wanted} by the rule {casting!r}"))
    if order != "K":
        raise UnsupportedError(at_user_line(f"astype(order={order!r}) is not supported"))
    if type(a) is ScalarTracer:
        return traced(as_dtype(a.node, wanted))
    if not copy and a.dtype == wanted:
        return a  # type: ignore[no-any-return]
    return ArrayTracer(identity(as_dtype(node_of(a), wanted)))


METHODS["astype"] = astype
FUNCTIONS[np.astype] = lambda x, dtype, /, *, copy=True, device=None: astype(x, dtype, copy=copy)


# Filled arrays


def filled(value: Any, shape: Any) -> ArrayTracer:
    """Broadcast one number: no array of it is stored, and backends see its value."""
    return ArrayTracer(node_of(np.broadcast_to(value, shape)))


def _filled(value: float) -> Rule:
    def rule(a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
             *, device: Any = None) -> Tracer:  # fmt: skip
        x = node_of(a)
        array = filled(
            np.dtype(x.dtype if dtype is None else dtype).type(value),
            x.shape if shape is None else shape,
        )
        return _laid_out(array, x, order)

    return rule


def _laid_out(array: ArrayTracer, like: Node, order: str) -> ArrayTracer:
    """Lay a `*_like` array out in memory as the array that it is like."""
    order = _checked_order(order)
    if order == "K" and array.shape == like.shape:
        array.node.order = identity(like)
    elif order not in ("K", "C"):
        array.node.order = None
    return array


implements(np.zeros_like, np.empty_like)(_filled(0.0))
implements(np.ones_like)(_filled(1.0))


def _full(value: float) -> Rule:
    def rule(shape: Any, dtype: Any = None, order: str = "C", *, device: Any = None,
             like: Any = None) -> Tracer:  # fmt: skip
        array = filled(np.dtype(dtype or float).type(value), shape)
        if order != "C":
            array.node.order = None
        return array

    return rule


implements(np.zeros, np.empty)(_full(0.0))
implements(np.ones)(_full(1.0))


@implements(np.full_like)
def _full_like(a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True,
               shape: Any = None, *, device: Any = None) -> Tracer:  # fmt: skip
    x = node_of(a)
    value = as_dtype(node_of(fill_value), np.dtype(x.dtype if dtype is None else dtype))
    sizes = x.shape if shape is None else tuple(np.empty(shape, np.bool_).shape)
    array = ArrayTracer(identity(broadcast_to(value, shape=sizes)))
    return _laid_out(array, x, order)


# Writes


def writable(a: Any, name: str) -> ArrayTracer:
    """Return the array that a function writes into: a traced one, since a plain one cannot."""
    if not isinstance(a, ArrayTracer):
        raise UnsupportedError(
            at_user_line(
                f"{name} writes traced numbers into a plain array, which cannot hold them: make "
                "it with np.zeros_like(x) or np.asarray(plain, like=x)"
            )
        )
    return a


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = True) -> None:
    target, value = writable(dst, "np.copyto"), node_of(src, dst.dtype)
    if not np.can_cast(value.dtype, target.dtype, casting):  # type: ignore[arg-type]
        raise TypeError(at_user_line(f"cannot copy {value.dtype} to {target.dtype}"))
    if where is True:
        target[...] = value
        return
    mask = mask_of(where)
    if np.broadcast_shapes(mask.shape, target.shape) != target.shape:
        raise ValueError(at_user_line(f"np.copyto: a mask of {mask.shape} for {target.shape}"))
    value = fitted(value, target.dtype, target.shape)
    target[...] = HOOKS["where"](traced(mask), traced(value), target)


def _fill(a: Tracer, value: Any) -> None:
    if np.ndim(value):
        raise ValueError(at_user_line("fill takes one number"))
    writable(a, "fill")[...] = value


def _sort_in_place(a: Tracer, axis: int = -1, kind: Any = None, order: Any = None, *,
                   stable: Any = None) -> None:  # fmt: skip
    writable(a, "sort")[...] = sorted_along(a, as_int(axis), kind, order, stable)


METHODS["fill"] = _fill
METHODS["sort"] = _sort_in_place
