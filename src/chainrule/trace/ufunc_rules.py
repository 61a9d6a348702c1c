"""How NumPy's ufuncs get rules on nodes, and the dtypes in which NumPy would compute them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DtypeError, UnsupportedDtypeError, at_user_line
from ..graph.node import NO_PARAMS, REFERENCE, Node, Primitive, apply
from ..graph.types import is_float
from ..primitives.structure import cast
from .operands import nodes_of
from .tracer import UFUNCS, ArrayTracer, ScalarTracer, Tracer, traced
from .unsupported import public_name


def ufunc(*names: str) -> Callable[[Callable[..., Node]], Callable[..., Node]]:
    """Enter a composition over nodes under NumPy's names; it receives NumPy's own dtypes."""

    def enter(compose: Callable[..., Node]) -> Callable[..., Node]:
        for name in names:
            UFUNCS[name] = _rule(name, compose)
        return compose

    return enter


def _rule(name: str, compose: Callable[..., Node]) -> Callable[..., Tracer]:
    def rule(*xs: Any, dtype: Any = None) -> Tracer:
        nodes = nodes_of(*xs)
        if dtype is not None:
            nodes = tuple(as_dtype(x, np.dtype(dtype)) for x in nodes)
        inside = _loop_dtypes(name, *[x.dtype for x in nodes])
        return traced(compose(*map(as_dtype, nodes, inside)))

    return rule


@lru_cache(maxsize=4096)
def _loop_dtypes(name: str, *dtypes: np.dtype[Any]) -> tuple[np.dtype[Any], ...]:
    """Return the dtypes in which NumPy's ufunc computes for inputs of these."""
    function = getattr(REFERENCE, name)
    if not isinstance(function, np.ufunc):
        return dtypes
    try:
        return function.resolve_dtypes((*dtypes, None))[:-1]
    except TypeError:
        listed = ", ".join(map(str, dtypes))
        raise DtypeError(
            at_user_line(f"{public_name(name)} is not defined for dtypes {listed}")
        ) from None


def register_primitive(primitive: Primitive, *names: str) -> None:
    """Enter a primitive under NumPy's names."""

    def rule(*xs: Any, dtype: Any = None) -> Tracer:
        if len(xs) == 1 and dtype is None:
            node = apply(primitive, (xs[0].node,), NO_PARAMS)
            return ArrayTracer(node) if node.shape else ScalarTracer(node)
        nodes = nodes_of(*xs)
        if dtype is not None:
            nodes = tuple(as_dtype(x, np.dtype(dtype)) for x in nodes)
        return traced(apply(primitive, nodes, NO_PARAMS))

    for name in names:
        UFUNCS[name] = rule


def as_dtype(x: Node, dtype: np.dtype[Any]) -> Node:
    """Cast x to a dtype if it has another one."""
    if dtype.kind not in "biuf":
        raise UnsupportedDtypeError(
            at_user_line(f"dtype {dtype} is not supported: use a real dtype")
        )
    return x if x.dtype == dtype else cast(x, dtype=dtype)


def floating(x: Node) -> Node:
    """Cast integers to float64, as ufuncs do that need fractions."""
    return x if is_float(x.dtype) else cast(x, dtype=np.dtype(float))
