"""NumPy's products on tracers: matmul, dot, tensordot and kin, as one primitive."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.complex_numbers import conjugate
from ..primitives.products import matmul
from ..primitives.structure import reshape, sum_, transpose
from .arithmetic import in_place
from .function_rules import implements, normalize_axis, refuse_options
from .operands import is_sparse, nodes_of
from .tracer import METHODS, UFUNCS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype


def _alike(x: Any, y: Any) -> tuple[Node, Node]:
    a, b = nodes_of(x, y)
    if a.dtype == b.dtype:
        return a, b
    dtype = np.result_type(a.dtype, b.dtype)
    return as_dtype(a, dtype), as_dtype(b, dtype)


def _matmul(x: Any, y: Any, dtype: Any = None) -> Tracer:
    a, b = _alike(x, y)
    if dtype is not None:
        a, b = as_dtype(a, np.dtype(dtype)), as_dtype(b, np.dtype(dtype))
    return _product(a, b)


def _product(a: Node, b: Node) -> Tracer:
    if not a.shape or not b.shape:
        raise ShapeError(at_user_line("matmul of an array without axes: use * instead"))
    rows = len(a.shape) == 1
    columns = len(b.shape) == 1
    a = reshape(a, shape=(1, *a.shape)) if rows else a
    b = reshape(b, shape=(*b.shape, 1)) if columns else b
    z = matmul(a, b)
    shape = z.shape[:-1] if columns else z.shape
    if rows:
        shape = shape[:-1] if columns else (*z.shape[:-2], z.shape[-1])
    return traced(z if shape == z.shape else reshape(z, shape=shape))


UFUNCS["matmul"] = _matmul


@implements(np.dot, method="dot")
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        refuse_options(out=out)
    x, y = _alike(a, b)
    if not x.shape or not y.shape:
        return traced(ew.mul(x, y))
    if len(y.shape) <= 2:
        if len(x.shape) <= 2:
            return _product(x, y)
        return _tensordot(traced(x), traced(y), ((len(x.shape) - 1,), (0,)))
    return _tensordot(traced(x), traced(y), ((len(x.shape) - 1,), (len(y.shape) - 2,)))


@implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Tracer:
    x, y = _alike(a, b)
    n, m = len(x.shape), len(y.shape)
    if isinstance(axes, (int, np.integer)):
        left, right = list(range(n - int(axes), n)), list(range(int(axes)))
    else:
        left = [normalize_axis(k, n) for k in np.atleast_1d(axes[0])]
        right = [normalize_axis(k, m) for k in np.atleast_1d(axes[1])]
    if [x.shape[k] for k in left] != [y.shape[k] for k in right]:
        raise ShapeError(at_user_line(f"tensordot: shapes {x.shape} and {y.shape}, axes {axes}"))
    free_x = [k for k in range(n) if k not in left]
    free_y = [k for k in range(m) if k not in right]
    shape = (*[x.shape[k] for k in free_x], *[y.shape[k] for k in free_y])
    inner = int(np.prod([x.shape[k] for k in left]))
    outer_x = int(np.prod([x.shape[k] for k in free_x]))
    outer_y = int(np.prod([y.shape[k] for k in free_y]))
    x = reshape(transpose(x, axes=(*free_x, *left)), shape=(outer_x, inner))
    y = reshape(transpose(y, axes=(*right, *free_y)), shape=(inner, outer_y))
    return ArrayTracer(reshape(matmul(x, y), shape=shape))


@implements(np.inner)
def _inner(a: Any, b: Any, /) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return _dot(a, b)
    return traced(_tensordot(a, b, ((np.ndim(a) - 1,), (np.ndim(b) - 1,))).node)


@implements(np.vdot)
def _vdot(a: Any, b: Any, /) -> Tracer:
    x, y = _alike(a, b)
    flat = (int(np.prod(x.shape)),)
    return traced(sum_(reshape(conjugate(x), shape=flat) * reshape(y, shape=flat), axes=(0,)))


@implements(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Tracer:
    refuse_options(out=out)
    x, y = _alike(a, b)
    return traced(
        ew.mul(
            reshape(x, shape=(int(np.prod(x.shape)), 1)),
            reshape(y, shape=(1, int(np.prod(y.shape)))),
        )
    )


def _matmul_operator(x: Any, y: Any) -> Any:
    return NotImplemented if is_sparse(y) else _matmul(x, y)


def _install() -> None:
    Tracer.__matmul__ = _matmul_operator  # type: ignore[operator]
    Tracer.__rmatmul__ = lambda y, x: _matmul(x, y)  # type: ignore[attr-defined]
    ArrayTracer.__imatmul__ = in_place(_matmul)  # type: ignore[attr-defined]
    METHODS["dot"] = _dot


_install()
