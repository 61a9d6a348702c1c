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
from .....primitives.declare import ELEMENTWISE_FAMILIES, Ufunc
from ...ir.builder import FunctionBuilder, Module
from ...ir.types import BOOL, F32, F64
from ...ir.value import Value
from ..ufunc_calls import call_loop
from ..ufunc_loops import loop_for
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

    def known(self, x: Value) -> Any:
        """Return the number that a value is known to be in all lanes, or None."""
        return x.origin[1] if x.origin is not None and x.origin[0] == "constant" else None

    def loop(self, source: Ufunc, *inputs: Value) -> Value:
        """Call the loop of a ufunc for values of one dtype."""
        loop = loop_for(source, tuple(x.dtype for x in inputs))
        if loop is None:
            raise AttributeError(source.name)
        return call_loop(self._f, loop, list(inputs))

    def where(self, condition: Value, x: Any, y: Any) -> Value:
        """Choose lane by lane."""
        return self._f.select(self._f.convert(condition, BOOL), x, y)


def write_formula(f: FunctionBuilder, node: Node, inputs: list[Value]) -> Value:
    """Write the formula of a node's primitive for values of the node's dtype."""
    result: Value = node.primitive.evaluate(Namespace(f), *inputs, **node.params)
    return result


def is_formula(node: Node) -> bool:
    """Whether native code comes from the formula that declares the primitive: on floats alone."""
    if not has_native_formula(node.primitive):
        return False
    whole = node.primitive.spec["whole"]
    if whole and any(x.dtype != node.dtype for x in node.inputs[whole:]):
        return False  # NumPy computes in a narrower dtype than that of the result
    floats = (node, *node.inputs[whole:])
    return all(n.dtype is not None and n.dtype.kind == "f" for n in floats)


@lru_cache(maxsize=1024)
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
