"""Native rules for complex numbers as pairs: NumPy's formulas, on both parts.

What has no rule here NumPy computes: functions that lose digits if they are written so, and orders.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ....graph.node import Node, apply
from ....graph.types import is_complex
from ....primitives import elementwise as ew
from ....primitives.products import matmul
from ....primitives.structure import broadcast_to, cast, transpose
from .host import by_numpy, of_pairs
from .pair import Pair, Value, as_pair, is_zero, joined, part_dtype, separated, whole_array

Rule = Callable[..., Value]
"""``rule(node, *inputs)``: what stands for a node, of what stands for its inputs."""

# From here on exp(x) may overflow, where the parts of exp(x + iy) need not yet: taken apart there
_LARGE = {4: (80.0, 40.0), 8: (700.0, 350.0)}


def _pairs(node: Node, *inputs: Value) -> list[Pair]:
    dtype = part_dtype(node.dtype)
    return [as_pair(x, dtype) for x in inputs]


def _both(node: Node, *inputs: Value) -> Value:
    """Apply the node's primitive, which moves or adds numbers, to both parts."""
    x, *rest = inputs
    (pair,) = _pairs(node, x)
    return _applied(node, [(pair.re, *rest), (pair.im, *rest)])


def _both_of_two(node: Node, *inputs: Value) -> Value:
    x, v, *rest = inputs
    x, v = _pairs(node, x, v)
    return _applied(node, [(x.re, v.re, *rest), (x.im, v.im, *rest)])


def _applied(node: Node, inputs: list[Any]) -> Pair:
    return Pair(*[apply(node.primitive, x, node.params, node.source_location) for x in inputs])


def _concatenate(node: Node, *inputs: Value) -> Value:
    pairs = _pairs(node, *inputs)
    return _applied(node, [tuple(p.re for p in pairs), tuple(p.im for p in pairs)])


def _where(node: Node, condition: Value, x: Value, y: Value) -> Value:
    if isinstance(condition, Pair):
        condition = _truth(condition)
    a, b = _pairs(node, x, y)
    return _applied(node, [(condition, a.re, b.re), (condition, a.im, b.im)])


def _truth(x: Pair) -> Node:
    return ew.bitwise_or(ew.not_equal(x.re, 0), ew.not_equal(x.im, 0))  # type: ignore[no-any-return]


def _cast(node: Node, x: Value) -> Value:
    if not isinstance(x, Pair):
        return as_pair(x, part_dtype(node.dtype))
    if is_complex(node.dtype):
        return as_pair(x, part_dtype(node.dtype))
    return _truth(x) if node.dtype.kind == "b" else cast(x.re, dtype=node.dtype)


def _mul(node: Node, x: Value, y: Value) -> Value:
    a, b = _pairs(node, x, y)
    return Pair(
        ew.sub(ew.mul(a.re, b.re), ew.mul(a.im, b.im)),
        ew.add(ew.mul(a.re, b.im), ew.mul(a.im, b.re)),
    )


def _div(node: Node, x: Value, y: Value) -> Value:
    """Divide by Smith's method, as NumPy does: by the larger part, so that no square overflows."""
    a, b = _pairs(node, x, y)
    one = b.re.dtype.type(1)
    by_real = ew.less_equal(ew.absolute(b.im), ew.absolute(b.re))
    both_zero = ew.bitwise_and(ew.equal(b.re, 0), ew.equal(b.im, 0))
    large = ew.where(by_real, ew.where(both_zero, ew.absolute(b.re), b.re), b.im)
    small = ew.where(by_real, b.im, b.re)
    ratio = ew.where(both_zero, one * 0, ew.div(small, large))
    scale = ew.div(one, ew.add(large, ew.mul(small, ratio)))
    p, q = ew.where(by_real, a.re, a.im), ew.where(by_real, a.im, a.re)
    re = ew.where(both_zero, p, ew.add(p, ew.mul(q, ratio)))
    im = ew.where(both_zero, q, ew.sub(q, ew.mul(p, ratio)))
    return Pair(ew.mul(re, scale), ew.mul(ew.where(by_real, im, ew.neg(im)), scale))


def _exp(node: Node, x: Value) -> Value:
    (a,) = _pairs(node, x)
    dtype = a.re.dtype
    bound, part = _LARGE[dtype.itemsize]
    large = ew.less(dtype.type(bound), a.re)
    growth = ew.exp(ew.sub(a.re, ew.where(large, dtype.type(part), dtype.type(0))))
    rest = ew.where(large, np.exp(dtype.type(part)), dtype.type(1))
    vanishes = ew.equal(growth, 0)

    def times(x: Node) -> Node:
        return ew.mul(ew.mul(growth, x), rest)  # type: ignore[no-any-return]

    re = ew.where(vanishes, growth, times(ew.cos(a.im)))
    sine = ew.where(vanishes, growth, times(ew.sin(a.im)))
    return Pair(re, ew.where(ew.equal(a.im, 0), a.im, sine))


def _matmul(node: Node, x: Value, y: Value) -> Value:
    a, b = _pairs(node, x, y)

    def product(p: Node, q: Node) -> Node | None:
        return None if is_zero(p) or is_zero(q) else matmul(p, q)

    re, im = product(a.re, b.re), product(a.re, b.im)
    minus, plus = product(a.im, b.im), product(a.im, b.re)
    if minus is not None:
        re = ew.neg(minus) if re is None else ew.sub(re, minus)
    if plus is not None:
        im = plus if im is None else ew.add(im, plus)
    zero = broadcast_to(a.re.dtype.type(0), shape=node.shape)
    return Pair(re if re is not None else zero, im if im is not None else zero)


def _complex(node: Node, re: Value, im: Value) -> Value:
    dtype = part_dtype(node.dtype)
    return Pair(*[whole_array(as_pair(x, dtype).re, node.shape) for x in (re, im)])


def _equal(node: Node, x: Value, y: Value) -> Value:
    dtype = np.result_type(*[child.dtype for child in node.inputs], np.complex64)
    a, b = (as_pair(value, part_dtype(dtype)) for value in (x, y))
    return ew.bitwise_and(ew.equal(a.re, b.re), ew.equal(a.im, b.im))  # type: ignore[no-any-return]


def _abs(node: Node, x: Value) -> Value:
    assert isinstance(x, Pair)
    return ew.hypot(x.re, x.im)  # type: ignore[no-any-return]


def _fourier(node: Node, x: Value) -> Value:
    """Transform along the last axis, where numbers lie side by side, and move it back."""
    if node.inputs[0].dtype.char == "e":  # NumPy rounds the scale to that
        return by_numpy(node, x)
    axis, last = node.params["axis"], len(node.shape) - 1
    order = (*[k for k in range(last + 1) if k != axis], axis)
    back = tuple(int(k) for k in np.argsort(order))
    name = node.primitive.name
    if name == "rfft":
        operand = _permuted(cast(x, dtype=part_dtype(node.dtype)), order)
    else:
        dtype = node.dtype if name == "irfft" else part_dtype(node.dtype)
        pair = as_pair(x, dtype)
        whole = pair.whole if axis == last else None
        operand = joined(Pair(_permuted(pair.re, order), _permuted(pair.im, order), whole))
    params = {**node.params, "axis": last, "pairs": (name != "rfft",)}
    result = apply(of_pairs(node.primitive), (operand,), params, node.source_location)
    if name == "irfft":
        return _permuted(result, back)
    if axis == last:
        return separated(result)
    pair = separated(result)
    return Pair(_permuted(pair.re, back), _permuted(pair.im, back))


def _permuted(x: Node, axes: tuple[int, ...]) -> Node:
    return x if axes == tuple(range(len(axes))) else transpose(x, axes=axes)


RULES: Mapping[str, Rule] = {
    **dict.fromkeys(
        ["identity", "stop_gradient", "reshape", "transpose", "broadcast_to", "slice", "pad",
         "sum", "cumsum", "gather", "neg"], _both),
    **dict.fromkeys(["scatter", "scatter_add", "add", "sub"], _both_of_two),
    "concatenate": _concatenate, "where": _where, "cast": _cast, "mul": _mul, "div": _div,
    **dict.fromkeys(["fft", "ifft", "rfft", "irfft"], _fourier),
    "exp": _exp, "matmul": _matmul, "complex": _complex, "equal": _equal, "abs": _abs,
    "real": lambda node, x: x.re if isinstance(x, Pair) else x,
    "imag": lambda node, x: x.im if isinstance(x, Pair) else as_pair(x, x.dtype).im,
    "conj": lambda node, x: Pair(x.re, ew.neg(x.im)) if isinstance(x, Pair) else x,
}  # fmt: skip
