"""Native code of elementwise primitives from the formulas that declare them.

A formula is written against an array namespace, ``lambda xp, x: xp.exp(-x * x)``. Here the
namespace is a function of IR: its members are the functions of this package. So a primitive that is
composed of functions with native code has native code itself.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any

from .....graph.node import Node, Primitive
from .....primitives.declare import ELEMENTWISE_FAMILIES
from ...ir.builder import FunctionBuilder, Module
from ...ir.types import BOOL, F32, F64
from ...ir.value import Value
from . import FUNCTIONS


class Namespace:
    """Stands for NumPy in a formula: its functions write code for values."""

    def __init__(self, f: FunctionBuilder) -> None:
        self._f = f

    def __getattr__(self, name: str) -> Callable[..., Value]:
        if name not in FUNCTIONS:
            raise AttributeError(name)
        return partial(self._call, FUNCTIONS[name])

    def _call(self, function: Callable[..., Value], *inputs: Any) -> Value:
        like = next(x for x in inputs if isinstance(x, Value))
        return function(self._f, *[x if isinstance(x, Value) else like.like(x) for x in inputs])

    def where(self, condition: Value, x: Any, y: Any) -> Value:
        """Choose lane by lane."""
        return self._f.select(self._f.convert(condition, BOOL), x, y)


def write_formula(f: FunctionBuilder, node: Node, inputs: list[Value]) -> Value:
    """Write the formula of a node's primitive for values of the node's dtype."""
    result: Value = node.primitive.evaluate(Namespace(f), *inputs, **node.params)
    return result


@lru_cache(maxsize=256)
def has_native_formula(primitive: Primitive) -> bool:
    """Whether a formula is composed of functions with native code, which is tried out."""
    if primitive.spec.get("family") not in ELEMENTWISE_FAMILIES:
        return False
    f = Module().function("probe", [])
    try:
        for dtype in (F32, F64):
            inputs = [Value(f, "%x", dtype, 1)] * primitive.spec["arity"]
            result = primitive.evaluate(Namespace(f), *inputs)
            if not isinstance(result, Value) or result.dtype != dtype:
                return False
    except (AttributeError, TypeError):
        return False
    return True
