"""How NumPy's ufuncs get rules on nodes, and the dtypes in which NumPy would compute them."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from ..errors import DtypeError, UnsupportedDtypeError, at_user_line, warn_user
from ..graph.node import NO_PARAMS, REFERENCE, Node, Primitive, apply
from ..graph.types import is_complex, is_inexact
from ..primitives.structure import cast
from .operands import nodes_of
from .tracer import UFUNCS, ArrayTracer, ScalarTracer, Tracer, traced
from .unsupported import public_name

# What a ufunc computes of complex numbers where that is another formula than of real ones
COMPLEX_CASES: dict[str, Callable[..., Node]] = {}


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
            nodes = _as_loop_dtype(name, nodes, dtype)
        inside = _loop_dtypes(name, *[x.dtype for x in nodes])
        chosen = COMPLEX_CASES.get(name, compose) if inside[0].kind == "c" else compose
        return traced(chosen(*map(as_dtype, nodes, inside)))

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
        if len(xs) == 1 and dtype is None and issubclass(type(xs[0]), Tracer):
            node = xs[0].node
            if node.dtype.kind != "c":
                node = apply(primitive, (node,), NO_PARAMS)
                return ArrayTracer(node) if node.shape else ScalarTracer(node)
        nodes = nodes_of(*xs)
        if dtype is not None:
            nodes = _as_loop_dtype(names[0], nodes, dtype)
        if any(is_complex(x.dtype) for x in nodes):
            inside = _loop_dtypes(names[0], *[x.dtype for x in nodes])
            compose = COMPLEX_CASES.get(names[0], primitive)
            return traced(compose(*map(as_dtype, nodes, inside)))
        return traced(apply(primitive, nodes, NO_PARAMS))

    for name in names:
        UFUNCS[name] = rule


def as_dtype(x: Node, dtype: np.dtype[Any]) -> Node:
    """Cast x to a dtype if it has another one; NumPy warns where imaginary parts are lost."""
    if dtype.kind not in "biufc":
        raise UnsupportedDtypeError(
            at_user_line(f"dtype {dtype} is not supported: use one of numbers")
        )
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "c" and dtype.kind not in "cb":
        warn_user(IMAGINARY_LOST, np.exceptions.ComplexWarning)
    return cast(x, dtype=dtype)  # type: ignore[no-any-return]


IMAGINARY_LOST = "Casting complex values to real discards the imaginary part"


def _as_loop_dtype(name: str, nodes: tuple[Node, ...], dtype: Any) -> tuple[Node, ...]:
    """Cast the arguments of a ufunc to the dtype that it is asked to compute in."""
    wanted = np.dtype(dtype)
    if not is_complex(wanted) and any(is_complex(x.dtype) for x in nodes):
        raise TypeError(
            at_user_line(f"{public_name(name)}: complex numbers are not computed in {wanted}")
        )
    return tuple([as_dtype(x, wanted) for x in nodes])


def floating(x: Node) -> Node:
    """Cast integers to float64, as ufuncs do that need fractions."""
    return x if is_inexact(x.dtype) else cast(x, dtype=np.dtype(float))
