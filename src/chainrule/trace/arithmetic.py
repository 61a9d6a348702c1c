"""The operators of a tracer: ``x + 1``, ``2 / x``, ``x += y``, ``x < y``."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..graph.node import NO_PARAMS, Node, Primitive, apply, constant
from ..primitives import elementwise as ew
from ..primitives.structure import cast
from .operands import is_operand, is_weak, nodes_of
from .tracer import HOOKS, UFUNCS, ArrayTracer, ScalarTracer, Tracer, traced

_EXACT = 2**24  # a whole number that any floating dtype but float16 has


def binary(
    rule: Callable[..., Node], numbers: bool = False, divides: bool = False
) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the methods for `self op other` and for `other op self`.

    `numbers` says that Python's truth values are numbers to the operator: True + True is 2.
    `divides` says that Python raises an error where the second one is zero.
    """

    def forward(self: Tracer, other: Any) -> Any:
        kind = type(other)
        if divides and kind is ScalarTracer and other.weak and is_weak(self):
            HOOKS["division_by_zero"](other.node)
        if kind is float or (kind is int and -_EXACT < other < _EXACT):
            node = self.node
            if node.dtype.kind == "f":  # needs not ask NEP 50
                result = rule(node, _number_beside(node, other))
                return ArrayTracer(result) if result.shape else ScalarTracer(result, self.weak)
        if (kind is ArrayTracer or kind is ScalarTracer) and not (self.weak or other.weak):
            result = rule(self.node, other._node)
            return ArrayTracer(result) if result.shape else ScalarTracer(result)
        if not is_operand(other, self):
            return NotImplemented
        nodes = nodes_of(self, other)
        if numbers and self.weak and _truths(self, other):
            nodes = tuple([cast(node, dtype=np.dtype(np.int64)) for node in nodes])
        return traced(rule(*nodes), self.weak and is_weak(other))

    def backward(self: Tracer, other: Any) -> Any:
        kind = type(other)
        if divides and self.weak and is_weak(other):
            HOOKS["division_by_zero"](self.node)
        if kind is float or (kind is int and -_EXACT < other < _EXACT):
            node = self.node
            if node.dtype.kind == "f":
                result = rule(_number_beside(node, other), node)
                return ArrayTracer(result) if result.shape else ScalarTracer(result, self.weak)
        if not is_operand(other, self):
            return NotImplemented
        return traced(rule(*nodes_of(other, self)), self.weak and is_weak(other))

    return forward, backward


def _number_beside(node: Node, number: float) -> Node:
    """Return a Python number as a constant of the floating dtype beside it.

    Beside numbers that are known, a constant serves many times; and NumPy computes sooner with an
    array without axes than with a number that it must make one of.
    """
    if node.value is None or not number:  # 0.0 and -0.0 are equal, and not the same
        return constant(node.dtype.type(number))
    return _constant_of(number, node.dtype, bool(node.shape))


@lru_cache(maxsize=1024)
def _constant_of(number: float, dtype: np.dtype[Any], as_array: bool) -> Node:
    return constant(np.array(number, dtype) if as_array else dtype.type(number))


def _truths(x: Tracer, other: Any) -> bool:
    """Return whether both stand for Python's truth values."""
    same = type(other) is bool or (isinstance(other, Tracer) and other.weak)
    return same and x.dtype.kind == "b" and (type(other) is bool or other.dtype.kind == "b")


def _applied(primitive: Primitive) -> Callable[..., Node]:
    return lambda x, y: apply(primitive, (x, y), NO_PARAMS)


def in_place(forward: Callable[..., Any]) -> Callable[..., Any]:
    """Return the method for ``array op= other``; for numbers, Python rebinds the name."""

    def update(self: ArrayTracer, other: Any) -> Any:
        result = forward(self, other)
        if result is NotImplemented:
            return NotImplemented
        self.rebind(result.node)
        return self

    return update


def _left_shift(x: Node, y: Node) -> Node:
    return UFUNCS["left_shift"](traced(x), traced(y)).node  # type: ignore[no-any-return]


def install() -> None:
    """Give `Tracer` the operators of an array."""
    table: dict[str, Callable[..., Node]] = {
        "add": _applied(ew.add), "sub": _applied(ew.sub), "mul": _applied(ew.mul),
        "truediv": _applied(ew.div), "mod": _applied(ew.remainder),
        "floordiv": _applied(ew.floor_divide), "and": _applied(ew.bitwise_and),
        "or": ew.bitwise_or, "xor": _applied(ew.bitwise_xor),
        "rshift": _applied(ew.shift_right), "lshift": _left_shift,
    }  # fmt: skip
    for name, rule in table.items():
        numbers = name not in ("and", "or", "xor")
        forward, backward = binary(rule, numbers, name in ("truediv", "floordiv", "mod"))
        setattr(Tracer, f"__{name}__", forward)
        setattr(Tracer, f"__r{name}__", backward)
        setattr(ArrayTracer, f"__i{name}__", in_place(forward))


install()
