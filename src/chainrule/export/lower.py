"""Primitives that ONNX, or its common runtime in float64, lacks: written as others.

The formulas are over graphs; each rule is handed nodes of the result's dtype. Where it is the other
way round, and ONNX has one operation for several primitives, those are joined.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf, pi
from math import log as ln
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..graph.node import Location, Node, Primitive, constant, next_serial, reachable
from ..graph.types import Type, broadcast_shapes
from ..graph.verify import verify
from ..primitives import REGISTRY, attention
from ..primitives import elementwise as ew
from ..primitives.structure import broadcast_to, cast, concatenate, pad, reshape, slice_
from ..simplify.rewrite import rewrite
from .convolution import as_products
from .error_function import erf, erfc

BOOL, U64 = np.dtype(bool), np.dtype(np.uint64)
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def lower(graph: Graph) -> Graph:
    """Rewrite the graph in primitives that ONNX has; unknown ones stay."""
    while True:
        lowered = rewrite(graph, _lower_node)
        if lowered is graph:
            return verify(graph, "lower")
        graph = lowered


def _lower_node(node: Node, original: Node) -> Node:
    name = node.primitive.name
    kind = "" if node.dtype is None else node.dtype.kind
    formula = FORMULAS.get(name) if kind == "f" else INTEGERS.get(name) if kind in "iu" else None
    first_serial = next_serial()
    result = node
    if formula is not None:
        xs = [x if x.dtype == node.dtype else cast(x, dtype=node.dtype) for x in node.inputs]
        if node.dtype == np.float16:  # as NumPy does: once through float32
            result = cast(node.primitive(*[cast(x, dtype=F32) for x in xs]), dtype=node.dtype)
        else:
            result = formula(*xs) or node
    elif name in STRUCTURE:
        result = STRUCTURE[name](node)
    return result if result is node else _located(result, first_serial, original.source_location)


def _located(result: Node, first_serial: int, location: Location | None) -> Node:
    """Return a formula's result with the source location of the node that it replaces."""
    located: dict[Node, Node] = {}
    for node in reachable([result], first_serial):
        inputs = tuple([located.get(child, child) for child in node.inputs])
        type_ = node.shape, node.dtype
        located[node] = Node(node.primitive, inputs, node.params, *type_, node.value, location)
    return located.get(result, result)


def _elementwise(name: str, evaluate: Callable[..., Any], dtype: Any = None) -> Primitive:
    def infer(*types: Type) -> Type:
        shape = broadcast_shapes(name, *[t.shape for t in types])
        return Type(shape, dtype or types[0].dtype)

    return Primitive(name, lambda _xp, *xs: evaluate(*xs), infer)


atan = _elementwise("atan", np.arctan)
fmod = _elementwise("fmod", np.fmod)
modulo = _elementwise("modulo", np.remainder)
quotient = _elementwise("quotient", np.floor_divide)  # of what has no remainder
bit_shift = _elementwise("bit_shift", np.right_shift)
either = _elementwise("either", np.bitwise_or)
not_ = _elementwise("not", np.logical_not)
is_nan = _elementwise("is_nan", np.isnan, BOOL)
less_equal = _elementwise("less_equal", np.less_equal, BOOL)


# Formulas of floats


def _expm1(x: Any) -> Any:
    """Write expm1 with W. Kahan's correction: where 1 cancels, u - 1 is off as log(u) is."""
    u = ew.exp(x)
    near = ew.where(ew.equal(u, 1.0), x, (u - 1.0) * x / ew.log(u))
    return ew.where(_small(x), near, u - 1.0)


def _log1p(x: Any) -> Any:
    u = x + 1.0
    near = ew.where(ew.equal(u, 1.0), x, ew.log(u) * x / (u - 1.0))
    return ew.where(_small(x), near, ew.log(u))


def _small(x: Any) -> Any:
    return ew.less(ew.absolute(x), 0.5)


def _logaddexp(x: Any, y: Any) -> Any:
    gap = ew.where(ew.equal(x, y), 0.0, x - y)  # also of two equal infinities
    return ew.maximum(x, y) + ew.log1p(ew.exp(-ew.absolute(gap)))


def _cbrt(x: Any) -> Any:
    """Write the cube root as exp(log(x) / 3), then one Newton step."""
    size = ew.absolute(x)
    y = ew.exp(ew.log(size) / 3.0)
    y = y - (y - size / (y * y)) / 3.0
    fixed = ew.bitwise_or(ew.equal(x, 0.0), ew.equal(size, inf))
    return ew.where(fixed, x, ew.sign(x) * y)


def _hypot(x: Any, y: Any) -> Any:
    x, y = ew.absolute(x), ew.absolute(y)
    long, short = ew.maximum(x, y), ew.minimum(x, y)
    ratio = short / ew.where(ew.equal(long, 0.0), 1.0, long)
    infinite = ew.bitwise_or(ew.equal(x, inf), ew.equal(y, inf))
    return ew.where(infinite, inf, long * ew.sqrt(ratio * ratio + 1.0))


def _arctan2(y: Any, x: Any) -> Any:
    """Write arctan2 by atan in float32; in float64, correct that by the small remaining angle."""
    long = ew.maximum(ew.absolute(x), ew.absolute(y))
    behind, half = _negative(x), ew.where(_negative(y), -pi, pi)
    side = cast(ew.where(behind, -1.0, 1.0), dtype=x.dtype)
    x = ew.where(ew.equal(long, 0.0), side, _in_unit(x, long))
    y = _in_unit(y, long)
    if x.dtype != F64:
        return _angle(y, x, behind, half)
    angle = cast(_angle(cast(y, dtype=F32), cast(x, dtype=F32), behind, half), dtype=F64)
    c, s = ew.cos(angle), ew.sin(angle)
    return angle + (y * c - x * s) / (x * c + y * s)  # the tangent of what is left, 1e-7 at most


def _angle(y: Any, x: Any, behind: Any, half: Any) -> Any:
    """Return a point's angle, except at the origin; runtimes' Where may lose the sign of -0."""
    angle = atan(y / ew.absolute(x))
    return ew.where(behind, cast(half, dtype=x.dtype) - angle, angle)


def _negative(x: Any) -> Any:
    """Return whether the sign is -, also of -0."""
    return ew.bitwise_or(ew.less(x, 0.0), ew.less(1.0 / x, 0.0))


def _in_unit(v: Any, long: Any) -> Any:
    """Return `v / long`, where both may be infinite or 0."""
    scaled = v / ew.where(ew.equal(long, 0.0), 1.0, long)
    ends = ew.where(ew.equal(ew.absolute(v), inf), ew.sign(v), 0.0)
    return ew.where(ew.equal(long, inf), ends, scaled)


def _cosh(x: Any) -> Any:
    if x.dtype != F64:
        return None
    e = ew.exp(ew.absolute(x) * 0.5)  # e**2 may overflow where half of it does not
    return 0.5 * e * e + 0.5 / e / e


def _arcsinh(x: Any) -> Any:
    if x.dtype != F64:
        return None
    size = ew.absolute(x)
    square = size * size
    near = ew.log1p(size + square / (ew.sqrt(square + 1.0) + 1.0))
    return ew.sign(x) * ew.where(ew.less(1e8, size), ew.log(size) + ln(2), near)


def _remainder(x: Any, y: Any) -> Any:
    """Write the remainder with the sign of y."""
    r = fmod(x, y)
    zero = ew.where(ew.less(y, 0.0), y.dtype.type(-0.0), y.dtype.type(0.0))
    return ew.where(ew.equal(r, 0.0), zero, ew.where(_opposite(r, y), r + y, r))


def _floor_divide(x: Any, y: Any) -> Any:
    r = fmod(x, y)
    whole = ew.rint((x - r) / y)
    below = ew.bitwise_and(ew.not_equal(r, 0.0), _opposite(r, y))
    return ew.where(ew.equal(y, 0.0), x / y, ew.where(below, whole - 1.0, whole))


def _opposite(x: Any, y: Any) -> Any:
    return ew.not_equal(ew.less(x, 0.0), ew.less(y, 0.0))


class _Nodes:
    """Stands for NumPy in the formula of a primitive, for nodes."""

    def __getattr__(self, name: str) -> Any:
        return getattr(ew, name)


_ELEMENTARY = ("log2", "log10", "exp2", "float_power", "logaddexp2", "tan", "arcsin", "arccos",
               "arctan", "sinh", "arccosh", "arctanh")  # fmt: skip
FORMULAS: dict[str, Callable[..., Any]] = {
    **{name: partial(REGISTRY[name].evaluate, _Nodes()) for name in _ELEMENTARY},
    "expm1": _expm1,
    "log1p": _log1p,
    "logaddexp": _logaddexp,
    "cbrt": _cbrt,
    "hypot": _hypot,
    "arctan2": _arctan2,
    "cosh": _cosh,
    "arcsinh": _arcsinh,
    "copysign": lambda x, y: ew.where(_negative(y), -ew.absolute(x), ew.absolute(x)),
    "remainder": _remainder,
    "floor_divide": _floor_divide,
    "erf": erf,
    "erfc": erfc,
}


# Formulas of integers. What divides by 0 ends the runtime's process; NumPy gives 0


def _int_remainder(x: Any, y: Any) -> Any:
    zero = ew.equal(y, 0)
    return ew.where(zero, 0, modulo(x, ew.where(zero, 1, y)))


def _int_floor_divide(x: Any, y: Any) -> Any:
    zero = ew.equal(y, 0)
    y = ew.where(zero, 1, y)
    return ew.where(zero, 0, quotient(x - modulo(x, y), y))


def _int_power(x: Any, y: Any) -> Any:
    """Write products, for runtimes compute in float64; return None if the exponent is not fixed."""
    exponent = y.value
    if exponent is None or exponent.size != 1 or not 0 <= int(exponent.flat[0]) <= 64:
        return None
    result = broadcast_to(x.dtype.type(1), shape=np.broadcast_shapes(x.shape, y.shape))
    for _ in range(int(exponent.flat[0])):
        result = x * result
    return result if isinstance(result, Node) else constant(result)


def _int_shift_right(x: Any, y: Any) -> Any:
    """Shift unsigned words: a negative x is the complement of a non-negative number."""
    below = ew.less(x, 0)
    bits = cast(ew.where(below, ew.invert(x), x), dtype=U64)
    count = cast(y, dtype=U64)
    shifted = bit_shift(bits, ew.minimum(count, 63))
    shifted = cast(ew.where(ew.less(63, count), U64.type(0), shifted), dtype=x.dtype)
    return ew.where(below, ew.invert(shifted), shifted)


INTEGERS: dict[str, Callable[..., Any]] = {
    "remainder": _int_remainder,
    "floor_divide": _int_floor_divide,
    "power": _int_power,
    "shift_right": _int_shift_right,
}


# Structure


def _lower_cumprod(node: Node) -> Any:
    """Write a cumulative product by doubling: after k rounds each entry covers the last 2**k."""
    axis, y = node.params["axis"], cast(node.inputs[0], dtype=node.dtype)
    shape, n, shift = node.shape, node.shape[axis], 1
    while shift < n:
        ones = broadcast_to(
            constant(node.dtype.type(1)), shape=(*shape[:axis], shift, *shape[axis + 1 :])
        )
        head = [slice(0, size, 1) for size in shape]
        head[axis] = slice(0, n - shift, 1)
        y = y * concatenate(ones, slice_(y, index=tuple(head)), axis=axis)
        shift *= 2
    return y


def _lower_pad(node: Node) -> Any:
    """Reverse axes of negative step first, and put zeros between the entries of those with gaps."""
    (x,) = node.inputs
    shape = node.params["shape"]
    index = [s.indices(size) for s, size in zip(node.params["index"], shape, strict=True)]
    if all(step == 1 for _, _, step in index):
        return node
    slices = []
    for axis, (start, _, step) in enumerate(index):
        n = x.shape[axis]
        if step < 0:
            reversed_axis = [slice(None)] * x.ndim
            reversed_axis[axis] = slice(None, None, -1)
            x, start = slice_(x, index=tuple(reversed_axis)), start + (n - 1) * step
        gap = abs(step)
        if gap > 1:
            before, after = x.shape[:axis], x.shape[axis + 1 :]
            x = reshape(x, shape=(*before, n, 1, *after))
            first_of_gap = [slice(0, size, 1) for size in x.shape]
            x = pad(x, shape=(*before, n, gap, *after), index=tuple(first_of_gap))
            x = reshape(x, shape=(*before, n * gap, *after))
            trimmed = [slice(0, size, 1) for size in x.shape]
            trimmed[axis] = slice(0, max(0, (n - 1) * gap + 1), 1)
            x = slice_(x, index=tuple(trimmed))
        start = start if n else 0
        slices.append(slice(start, start + x.shape[axis], 1))
    return pad(x, shape=shape, index=tuple(slices))


def _lower_scatter(node: Node) -> Any:
    """Write scatters of slices: the values are padded to the shape and selected there."""
    x, v, *arrays = node.inputs
    if arrays:
        return node
    where_to = {"shape": x.shape, "index": node.params["pattern"]}
    v = broadcast_to(v, shape=_selected(node)) if v.shape != _selected(node) else v
    v = cast(v, dtype=x.dtype) if v.dtype != x.dtype else v
    if node.primitive.name == "scatter_add":
        return x + pad(v, **where_to)
    written = pad(broadcast_to(constant(np.array(True)), shape=v.shape), **where_to)
    return ew.where(written, pad(v, **where_to), x)


def _selected(node: Node) -> tuple[int, ...]:
    pattern, shape = node.params["pattern"], node.shape
    return tuple(len(range(*s.indices(n))) for s, n in zip(pattern, shape, strict=True))


def _lower_conv(node: Node) -> Any:
    """Keep float32 convolutions, which runtimes have; write others as a sum of products."""
    if node.dtype == F32:
        return node
    if node.dtype == np.float16:
        result = node.primitive(*[cast(x, dtype=F32) for x in node.inputs], **node.params)
        return cast(result, dtype=node.dtype)
    return as_products(node)


# Truth values


def _equal(node: Node) -> Any:
    x, y = node.inputs
    if x.dtype != BOOL or y.value is None or y.value.size != 1 or y.value or x.shape != node.shape:
        return node
    if x.primitive.name == "equal" and x.inputs[0] is x.inputs[1] and x.inputs[0].dtype.kind == "f":
        return is_nan(x.inputs[0])  # not x == x
    return not_(x)  # x == false


def _bitwise_xor(node: Node) -> Any:
    x, y = node.inputs
    if _names(x, y) == ("bitwise_xor", "bitwise_and") and x.inputs == y.inputs:
        return either(*x.inputs)  # (x ^ y) ^ (x & y) -> x | y
    return node


def _either(node: Node) -> Any:
    x, y = node.inputs
    if _names(x, y) == ("less", "equal") and x.inputs == y.inputs:
        return less_equal(*x.inputs)  # x < y or x == y -> x <= y
    return node


def _names(*nodes: Node) -> tuple[str, ...]:
    return tuple(node.primitive.name for node in nodes)


def _lower_item(node: Node) -> Node:
    """Take a result of attention from its composition."""
    (source,) = node.inputs
    formula = COMPOSED.get(source.primitive.name)
    if formula is None:
        return node
    result: Node = formula(*source.inputs, **source.params)[node.params["index"]]
    return result


COMPOSED: dict[str, Callable[..., Any]] = {  # primitives of several results
    "attention": attention.composed,
    "attention_vjp": attention.composed_vjp,
}
STRUCTURE: dict[str, Callable[[Node], Any]] = {
    "conv": _lower_conv,
    "item": _lower_item,
    "equal": _equal,
    "bitwise_xor": _bitwise_xor,
    "either": _either,
    "cumprod": _lower_cumprod,
    "pad": _lower_pad,
    "scatter": _lower_scatter,
    "scatter_add": _lower_scatter,
}
