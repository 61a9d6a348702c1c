"""Elementwise primitives on values: operands to a common dtype, then the operation."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ....graph.node import Node
from ..ir.builder import FunctionBuilder
from ..ir.types import BOOL
from ..ir.value import Value
from ..kernels.math import FUNCTIONS
from ..kernels.math.formula import is_formula, write_formula
from ..kernels.ufunc_calls import call_loop
from ..kernels.ufunc_loops import loop_of


def compute(f: FunctionBuilder, node: Node, inputs: list[Value]) -> Value:
    """Apply a node's primitive to values of equal lanes, as NumPy would compute it."""
    name = node.primitive.name
    if name == "cast":
        return f.convert(inputs[0], node.dtype)
    if name == "where":
        condition, x, y = inputs
        return f.select(f.convert(condition, BOOL), f.convert(x, node.dtype),
                        f.convert(y, node.dtype))  # fmt: skip
    dtype = node.dtype
    if name in ("equal", "less"):
        dtype = np.result_type(*[child.dtype for child in node.inputs])
    rule = _RULES.get(name) or FUNCTIONS.get(name)
    if rule is None and not is_formula(node):
        loop = loop_of(node)
        assert loop is not None, node
        return call_loop(f, loop, inputs)
    operands = [f.convert(x, dtype) for x in inputs]
    return write_formula(f, node, operands) if rule is None else rule(f, *operands)


def _add(f: FunctionBuilder, x: Value, y: Value) -> Value:
    return x | y if x.dtype.kind == "b" else x + y


def _mul(f: FunctionBuilder, x: Value, y: Value) -> Value:
    return x & y if x.dtype.kind == "b" else x * y


def _xor(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """Write (a ^ b) ^ (a & b) as a | b, and so (a < b) | (a == b) as a <= b."""
    for one, other in ((x, y), (y, x)):
        if _is_result_of(one, "xor") and _is_result_of(other, "and"):
            a, b = one.origin[1:]
            if {id(a), id(b)} == {id(v) for v in other.origin[1:]}:
                return _or(f, a, b)
    return x ^ y


def _or(f: FunctionBuilder, x: Value, y: Value) -> Value:
    for one, other in ((x, y), (y, x)):
        if _is_result_of(one, "lt") and _is_result_of(other, "eq"):
            a: Value = one.origin[1]
            b: Value = one.origin[2]
            if (a.name, b.name) == (other.origin[1].name, other.origin[2].name):
                return a <= b
    return x | y


def _is_result_of(x: Value, operation: str) -> bool:
    return x.origin is not None and x.origin[0] == operation


def _shift_right(f: FunctionBuilder, x: Value, y: Value) -> Value:
    """Shift by the number of bits or more to 0 or the sign, which LLVM leaves undefined."""
    bits = x.dtype.itemsize * 8
    if _is_result_of(y, "constant") and 0 <= int(y.origin[1]) < bits:
        return x >> y
    in_range: Value = f.bitcast(y, np.dtype(f"u{x.dtype.itemsize}")) < bits
    if x.dtype.kind == "u":
        return f.select(in_range, x >> f.select(in_range, y, 0), 0)
    return x >> f.select(in_range, y, bits - 1)


_RULES: dict[str, Callable[..., Value]] = {
    "add": _add,
    "sub": lambda f, x, y: x - y,
    "mul": _mul,
    "div": lambda f, x, y: x / y,
    "neg": lambda f, x: -x,
    "equal": lambda f, x, y: x.equals(y),
    "less": lambda f, x, y: x < y,
    "bitwise_and": lambda f, x, y: x & y,
    "bitwise_xor": _xor,
    "shift_right": _shift_right,
}
