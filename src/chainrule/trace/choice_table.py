"""NumPy's functions on tracers that choose by conditions: select, choose, piecewise."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.reductions import take_along
from ..primitives.structure import identity, reshape
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .function_rules import implements, refuse_options
from .operands import is_weak, nodes_of
from .strides import c_order, set_strides
from .tracer import METHODS, UFUNCS, ArrayTracer, Tracer, repeated, traced
from .ufunc_rules import as_dtype


def _choices(values: Sequence[Any]) -> list[Any]:
    """Return arrays; a Python number stays one, and takes the dtype of what is beside it."""
    return [x if is_weak(x) else array_like(x) for x in values]


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Tracer:
    if len(condlist) != len(choicelist):
        raise ValueError(at_user_line("list of cases must be same length as list of conditions"))
    if not len(condlist):
        raise ValueError(at_user_line("select with an empty condition list is not possible"))
    conditions = [array_like(x).node for x in condlist]
    for k, condition in enumerate(conditions):
        if condition.dtype.kind != "b":
            raise TypeError(
                at_user_line(f"invalid entry {k} in condlist: should be boolean ndarray")
            )
    nodes = nodes_of(*_choices([*choicelist, default]))
    dtype = np.result_type(*[x.dtype for x in nodes])
    shape = np.broadcast_shapes(*[x.shape for x in (*conditions, *nodes)])
    *choices, result = [as_dtype(x, dtype) for x in nodes]
    for condition, choice in zip(conditions[::-1], choices[::-1], strict=True):
        result = ew.where(condition, choice, result)
    return ArrayTracer(_c_ordered(identity(repeated(result, shape))))


def _c_ordered(node: Node) -> Node:
    set_strides(node, c_order(node.shape))
    return node


@implements(np.choose, method="choose")
def _choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> Tracer:
    refuse_options(out=out)
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(at_user_line(f"np.choose: mode={mode!r} is not 'raise', 'wrap', 'clip'"))
    index = node_like(a)
    if index.dtype.kind not in "iub":
        raise TypeError(at_user_line(f"np.choose by an array of dtype {index.dtype}, not integers"))
    index = as_dtype(index, np.dtype(np.intp))
    nodes = [node_like(x) for x in choices]
    count = len(nodes)
    dtype = np.result_type(*[x.dtype for x in nodes])
    shape = np.broadcast_shapes(index.shape, *[x.shape for x in nodes])
    if mode == "raise":
        value = index.value
        if value is None:
            return _gathered_choice([as_dtype(x, dtype) for x in nodes], index, shape)
        if np.any((value < 0) | (value >= count)):
            raise ValueError(at_user_line("invalid entry in choice array"))
    else:
        index = _brought_within(index, count, mode)
    result = as_dtype(nodes[-1], dtype)
    for k in range(count - 2, -1, -1):
        result = ew.where(ew.equal(index, np.intp(k)), as_dtype(nodes[k], dtype), result)
    return traced(_c_ordered(identity(repeated(result, shape))))


def _brought_within(index: Node, count: int, mode: str) -> Node:
    if mode == "clip":
        return ew.minimum(ew.maximum(index, np.intp(0)), np.intp(count - 1))  # type: ignore[no-any-return]
    return ew.remainder(index, np.intp(count))  # type: ignore[no-any-return]


def _gathered_choice(nodes: list[Node], index: Node, shape: tuple[int, ...]) -> Tracer:
    """Choose by positions that are not known yet: one that does not exist is an IndexError then."""
    stacked: Any = np.stack([ArrayTracer(repeated(x, shape)) for x in nodes])
    beyond = ew.where(ew.less(index, np.intp(0)), np.intp(len(nodes)), index)  # counts from no end
    chosen = reshape(repeated(beyond, shape), shape=(1, *shape))
    return traced(reshape(take_along(stacked.node, chosen, 0), shape=shape))


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Tracer:
    x = ArrayTracer(identity(node_like(x)))
    conditions = _conditions(x, condlist)
    if len(conditions) == len(funclist) - 1:
        rest = conditions[0]
        for condition in conditions[1:]:
            rest = rest | condition
        conditions.append(UFUNCS["logical_not"](rest))
    elif len(conditions) != len(funclist):
        n = len(conditions)
        raise ValueError(
            at_user_line(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
        )
    flat, shape = (x, x.shape) if x.ndim else (x.reshape(1), ())
    result = np.zeros_like(flat)
    for condition, function in zip(conditions, funclist, strict=True):
        mask = condition if condition.ndim else condition.reshape(1)
        _assign(result, flat, mask, function, args, kw)
    return ArrayTracer(METHODS["reshape"](result, shape).node)


def _assign(y: Any, x: Any, mask: Any, function: Any, args: Any, kw: Any) -> None:
    known = mask.node.value
    if known is not None and not np.any(known):
        return
    y[mask] = function(x[mask], *args, **kw) if isinstance(function, Callable) else function  # type: ignore[arg-type]


def _conditions(x: Tracer, condlist: Any) -> list[Any]:
    single = np.isscalar(condlist) or (isinstance(condlist, np.ndarray) and not condlist.ndim)
    first = condlist if single else condlist[0]
    if single or (not isinstance(first, (list, np.ndarray)) and x.ndim):
        condlist = [condlist]
    return [ArrayTracer(as_dtype(node_like(each), np.dtype(bool))) for each in condlist]


takes_complex(np.select, np.choose, np.piecewise, ".choose")
