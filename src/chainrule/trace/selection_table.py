"""NumPy's functions on tracers that choose between numbers or bound them: where, clip."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.types import is_complex, is_float
from ..primitives import elementwise as ew
from ..primitives.complex_numbers import complex_
from ..primitives.structure import identity
from .copy_table import astype
from .elementwise_table import truth
from .function_rules import NO_VALUE, Rule, implements, refuse_options
from .operands import node_of, nodes_of
from .tracer import FUNCTIONS, HOOKS, METHODS, UFUNCS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype, floating

HOOKS["where"] = lambda c, x, y: _where(c, x, y)


@implements(np.where)
def _where(condition: Any, x: Any = NO_VALUE, y: Any = NO_VALUE, /) -> Any:
    if x is NO_VALUE:
        return FUNCTIONS[np.nonzero](condition)
    if y is NO_VALUE:
        raise ValueError(at_user_line("either both or neither of x and y should be given"))
    a, b = nodes_of(x, y)
    dtype = np.result_type(a.dtype, b.dtype)
    mask = truth(node_of(condition))
    return ArrayTracer(ew.where(mask, as_dtype(a, dtype), as_dtype(b, dtype)))


@implements(np.clip)
def _clip(a: Any, a_min: Any = NO_VALUE, a_max: Any = NO_VALUE, out: Any = None, *,
          min: Any = NO_VALUE, max: Any = NO_VALUE, **options: Any) -> Tracer:  # fmt: skip
    if a_min is NO_VALUE and a_max is NO_VALUE:
        return _clip_method(a, min, max, out, **options)
    if a_min is NO_VALUE or a_max is NO_VALUE or min is not NO_VALUE or max is not NO_VALUE:
        raise TypeError(at_user_line("np.clip takes a_min and a_max, both, or else min and max"))
    return _clip_method(a, a_min, a_max, out, **options)


def _clip_method(a: Any, min: Any = None, max: Any = None, out: Any = None, *, dtype: Any = None,
                 **options: Any) -> Tracer:  # fmt: skip
    refuse_options(out=out)
    min, max = _within(a, min, 0), _within(a, max, 1)
    if options:
        np.clip(np.empty(0), 0, 1, **options)  # raises what NumPy would
        raise UnsupportedError(at_user_line(f"np.clip with {', '.join(options)} is not supported"))
    result = a if dtype is None else astype(a, dtype)
    for limit, name in ((min, "maximum"), (max, "minimum")):
        if limit is not None and limit is not NO_VALUE:
            result = UFUNCS[name](result, limit, dtype=dtype)
    return traced(identity(node_of(result)))


def _within(a: Any, limit: Any, end: int) -> Any:
    """Return a bound for integers, or None for a Python number that their dtype cannot reach."""
    if type(limit) is int and a.dtype.kind in "iu":
        limits = np.iinfo(a.dtype)
        if limit < limits.min if end == 0 else limit > limits.max:
            return None
    return limit


METHODS["clip"] = _clip_method


def _triangle(keep: Callable[[Any, int], Any]) -> Rule:
    def rule(m: Any, k: int = 0) -> Any:
        return _where(keep(np.ones(np.shape(m)[-2:], bool), k), m, m.dtype.type(0))

    return rule


implements(np.tril)(_triangle(np.tril))


implements(np.triu)(_triangle(np.triu))


@implements(np.nan_to_num)
def _nan_to_num(x: Any, copy: Any = True, nan: float = 0.0, posinf: Any = None,
                neginf: Any = None) -> Any:  # fmt: skip
    result = x
    if isinstance(copy, str):
        raise TypeError(at_user_line(f"np.nan_to_num: copy={copy!r} is neither true nor false"))
    if not copy and not x.shape:
        raise ValueError(at_user_line("np.nan_to_num of a number: it cannot be written in place"))
    if is_complex(x.dtype):
        parts = [_nan_to_num(part, True, nan, posinf, neginf).node for part in (x.real, x.imag)]
        result = traced(complex_(*parts))
    elif is_float(x.dtype):
        limits = np.finfo(x.dtype)
        high = float(limits.max) if posinf is None else posinf
        low = float(limits.min) if neginf is None else neginf
        result = _where(x == np.inf, high, _where(x == -np.inf, low, x))
        result = _where(x != x, nan, result)
    if result.shape != x.shape:
        raise ValueError(at_user_line(f"np.nan_to_num: nan does not fit into shape {x.shape}"))
    if not copy:
        x[...] = result
        return x
    return traced(identity(result.node))


@implements(np.isclose)
def _isclose(a: Any, b: Any, rtol: float = 1e-5, atol: float = 1e-8,
             equal_nan: bool = False) -> Any:  # fmt: skip
    b = traced(floating(node_of(b)))
    near = (abs(a - b) <= atol + rtol * abs(b)) & (abs(b) != np.inf)
    near = near | (a == b)
    return near | ((a != a) & (b != b)) if equal_nan else near


FUNCTIONS[np.allclose] = lambda *args, **options: METHODS["all"](_isclose(*args, **options))
