"""Products of large cotangents with slopes, in as few passes through memory as may be.

Slopes are computed a block at a time, so that what lies between stays in the cache. A cotangent
that nobody else holds is overwritten by the one that follows from it: Python counts who holds an
array, and views count as well. What the count is where there is one alone is measured in the same
way, at the first use.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from math import prod
from types import FunctionType
from typing import Any
from weakref import getweakrefcount

import numpy as np

from ..graph.node import Node
from ..graph.watching import LARGE
from ..primitives.declare import REGISTRY, times, unbroadcast

_BLOCK = 2**13
_MUL = REGISTRY["mul"]


def accumulate_products(
    total: dict[Node, Any], node: Node, received: list[Any], active: Collection[Node]
) -> None:
    """Add to the inputs' cotangents what an elementwise node passes on.

    `received` is a list of the node's cotangent, which nobody else should hold.
    """
    positions = [k for k, child in enumerate(node.inputs) if child in active]
    if node.primitive is _MUL:
        x, y = node.inputs
        slopes: Sequence[Any] = (
            y.value if x in active else None,
            x.value if y in active else None,
        )  # fmt: skip
    else:
        rule = (node.primitive.partials or {})[node.params.get("slope")]
        operands = [n.value if type(n) is Node else None for n in (node, *node.inputs)]
        passed = _in_blocks(rule, operands, node, positions, received)
        if passed:
            for k in positions:
                accumulate(total, node.inputs[k], passed)
                del passed[0]
            return
        slopes = rule(*operands)
        del operands
    for k in positions:
        slope = slopes[k]
        if slope is None:
            continue
        last = k == positions[-1]
        passed = [unbroadcast(_product(received, slope, last), node.inputs[k])]
        if last:
            received.clear()
        accumulate(total, node.inputs[k], passed)


def _product(received: list[Any], slope: Any, last: bool) -> Any:
    """Return the product, written over the cotangent if it is the last one and can be."""
    if type(slope) is FunctionType:
        slope = slope()
    if type(slope) is float and slope == 1.0:
        return received[0]
    if last and is_alone(received, 0) and _fits(received[0], slope):
        if type(slope) is float and slope == -1.0:
            return np.negative(received[0], out=received[0])
        return np.multiply(received[0], slope, out=received[0])
    return times(received[0], slope)


def _fits(g: Any, slope: Any) -> bool:
    """Return whether the product has the type of the cotangent."""
    if type(slope) is float:
        return bool(g.dtype.kind in "fc")
    if slope.dtype is not g.dtype:
        return False
    return slope.shape in ((), g.shape)


def accumulate(total: dict[Node, Any], child: Node, passed: list[Any]) -> None:
    """Add the first of what was passed on, which nobody else should hold, to a cotangent."""
    if child not in total:
        total[child] = passed[0]
    elif type(passed[0]) is not np.ndarray or passed[0].size <= LARGE:
        total[child] = total[child] + passed[0]
    elif is_alone(total, child) and _same_type(total[child], passed[0]):
        np.add(total[child], passed[0], out=total[child])
    elif is_alone(passed, 0) and _same_type(total[child], passed[0]):
        total[child] = np.add(total[child], passed[0], out=passed[0])
    else:
        total[child] = total[child] + passed[0]


def _same_type(x: Any, y: Any) -> bool:
    return x.shape == y.shape and x.dtype is y.dtype


def _in_blocks(
    rule: Callable[..., Sequence[Any]], operands: Sequence[Any], node: Node,
    positions: Sequence[int], received: list[Any],
) -> list[Any]:  # fmt: skip
    """Return the products with the slopes at some positions; an empty list if that does not go.

    It goes where all arrays are of one type and order in memory, and slopes are computed.
    """
    alone = is_alone(received, 0)
    rows = _as_rows([received[0], *operands], node)
    if rows is None or any(node.inputs[k].shape != node.shape for k in positions):
        return []
    g, *rows = rows
    results: list[Any] = []
    flat: list[Any] = []
    for start in range(0, prod(node.shape), _BLOCK):
        part = slice(start, start + _BLOCK)
        slopes = rule(*[x[part] if x is not None and x.shape else x for x in rows])
        computed = [slopes[k] for k in positions]
        computed = [x() if type(x) is FunctionType else x for x in computed]
        if not start:
            if any(type(x) is float or x is None or x.dtype is not g.dtype for x in computed):
                return []
            overwrites = alone and bool(g.shape)
            results = [np.empty(node.shape, g.dtype) for _ in computed[overwrites:]]
            results += received * overwrites
            flat = [x.reshape(-1) for x in results]
        for slope, out in zip(computed, flat, strict=True):
            np.multiply(g[part] if g.shape else g, slope, out=out[part])
    received.clear()
    return results


def _as_rows(arrays: Sequence[Any], node: Node) -> list[Any] | None:
    """Return arrays of the node's type as views with one axis, single numbers as they are."""
    rows: list[Any] = []
    for x in arrays:
        if x is not None:
            if x.dtype is not node.dtype:
                return None
            if x.shape:
                if x.shape != node.shape:
                    return None
                if x.flags.c_contiguous:
                    x = x.reshape(-1)
                elif not any(x.strides):
                    x = x[(0,) * x.ndim]
                else:
                    return None
        rows.append(x)
    return rows if node.dtype.kind == "f" else None


def is_alone(holder: Any, key: Any) -> bool:
    """Return whether nothing but a list or a dictionary holds an array, which owns its memory."""
    x = holder[key]
    if type(x) is not np.ndarray or x.base is not None or not x.flags.owndata:
        return False
    if not x.flags.writeable or getweakrefcount(x):
        return False
    del x
    return _references(holder, key) == _least_references()


def _references(holder: Any, key: Any) -> int:
    return sys.getrefcount(holder[key])


@lru_cache(maxsize=1)
def _least_references() -> int:
    return _references([np.empty(1)], 0)
