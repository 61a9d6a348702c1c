"""The ufuncs of `scipy.special` on tracers: each is a primitive, or one for each of its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import scipy.special

from ...errors import DtypeError, UnsupportedDtypeError, at_user_line
from ...graph.node import NO_PARAMS, Node, Primitive, apply, constant
from ...graph.types import weak_constant
from ...primitives.special import SPECIAL
from ...trace.operands import check_plain, is_weak
from ...trace.tracer import UFUNCS, Tracer, traced
from ...trace.ufunc_rules import as_dtype

_PYTHON_NUMBERS = {"b": int, "i": int, "u": int, "f": float}


def arguments_of(ufunc: np.ufunc, xs: Sequence[Any], dtype: Any = None) -> tuple[Node, ...]:
    """Return the arguments as nodes, in the dtypes in which SciPy computes."""
    kinds = tuple(_kind(x) if dtype is None else np.dtype(dtype) for x in xs)
    inside = _loop(ufunc, kinds)
    return tuple(_as_node(x, each) for x, each in zip(xs, inside, strict=True))


def _kind(x: Any) -> Any:
    """Return a dtype, or for a Python number its type, which takes the dtype beside it."""
    if isinstance(x, Tracer):
        kind = x.node.dtype.kind
        return _PYTHON_NUMBERS.get(kind, x.node.dtype) if x.weak else x.node.dtype
    if is_weak(x):
        return np.dtype(bool) if type(x) is bool else type(x)
    check_plain(x)
    return np.asarray(x).dtype


@lru_cache(maxsize=4096)
def _loop(ufunc: np.ufunc, kinds: tuple[Any, ...]) -> tuple[np.dtype[Any], ...]:
    name = f"scipy.special.{ufunc.__name__}"
    if all(isinstance(kind, type) for kind in kinds):  # Python numbers alone
        kinds = tuple(np.dtype(kind) for kind in kinds)
    try:
        dtypes = ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))
    except TypeError:
        listed = ", ".join(str(kind) for kind in kinds)
        raise DtypeError(at_user_line(f"{name} is not defined for dtypes {listed}")) from None
    if any(dtype.kind == "c" for dtype in dtypes):
        raise UnsupportedDtypeError(at_user_line(f"{name} of traced complex numbers"))
    return dtypes[: len(kinds)]


def _as_node(x: Any, dtype: np.dtype[Any]) -> Node:
    if isinstance(x, Tracer):
        return as_dtype(x.node, dtype)
    value = np.asarray(x, dtype) if is_weak(x) else np.asarray(x).astype(dtype)
    return constant(weak_constant(value[()], dtype))


def _rule(ufunc: np.ufunc, primitives: tuple[Primitive, ...]) -> Callable[..., Any]:
    def rule(*xs: Any, dtype: Any = None) -> Any:
        nodes = arguments_of(ufunc, xs, dtype)
        results = tuple(traced(apply(each, nodes, NO_PARAMS)) for each in primitives)
        return results if len(results) > 1 else results[0]

    return rule


for _name, _primitives in SPECIAL.items():
    if _name not in UFUNCS:
        UFUNCS[_name] = _rule(getattr(scipy.special, _name), _primitives)


def _in_loop_dtypes(ufunc: np.ufunc, rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return a composition that is computed in the dtypes in which SciPy would."""
    return lambda *xs, dtype=None: rule(*map(traced, arguments_of(ufunc, xs, dtype)))


UFUNCS["xlogy"] = _in_loop_dtypes(scipy.special.xlogy, UFUNCS["xlogy"])
