"""`numpy.linalg` on tracers: norms of vectors and matrices, condition numbers, ranks."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.types import is_complex
from ..primitives import elementwise as ew
from ..primitives.linear_algebra import lu
from .array_like import array_like
from .function_rules import implements, normalize_axes, normalize_axis
from .linalg_decompositions import singular_decomposition
from .linalg_operands import complex_too, real_dtype, result, square_matrix
from .tracer import METHODS, UFUNCS, traced
from .ufunc_rules import floating

FROBENIUS = (None, "fro", "f")


@implements(np.linalg.norm)
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: Any = False) -> Any:
    x = traced(floating(array_like(x).node))  # sizes of small integers would not fit their dtype
    if axis is None and (ord is None or (ord in ("f", "fro") and x.ndim == 2)):
        return _root_of_squares(x, tuple(range(x.ndim)), keepdims)
    axes = _axes_of_norm(x, axis)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise ValueError(at_user_line("Improper number of dimensions to norm."))


def _axes_of_norm(x: Any, axis: Any) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    if not isinstance(axis, tuple):
        try:
            axis = (int(axis),)
        except (TypeError, ValueError):
            raise TypeError(
                at_user_line("'axis' must be None, an integer or a tuple of integers")
            ) from None
    axes = tuple(normalize_axis(k, x.ndim) for k in axis)
    if len(set(axes)) < len(axes):
        raise ValueError(at_user_line("Duplicate axes given."))
    return axes


def _root_of_squares(x: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    if is_complex(x.dtype):
        x = UFUNCS["absolute"](x)
    return UFUNCS["sqrt"](METHODS["sum"](x * x, axes, keepdims=keepdims))


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: Any) -> Any:
    if isinstance(ord, str):
        raise ValueError(at_user_line(f"Invalid norm order '{ord}' for vectors"))
    if ord is None or ord == 2:
        return _root_of_squares(x, (axis,), keepdims)
    size = UFUNCS["absolute"](x)
    if ord == inf:
        return _largest(size, axis, keepdims)
    if ord == -inf:
        return METHODS["min"](size, axis, keepdims=keepdims)
    if ord == 0:
        return METHODS["sum"]((x != 0).astype(size.dtype), axis, keepdims=keepdims)
    if ord == 1:
        return METHODS["sum"](size, axis, keepdims=keepdims)
    p = float(ord)
    total = METHODS["sum"](UFUNCS["power"](size, p), axis, keepdims=keepdims).node
    one, order = total.dtype.type(1), total.dtype.type(1.0 / p)
    if p < 0:
        return traced(ew.power(total, order))
    # as the root of a sum of squares: slope 0 at 0, and no second derivative
    zero = ew.equal(total, total.dtype.type(0))
    root = ew.power(ew.where(zero, one, total), order)
    return traced(ew.where(zero, ew.sqrt(total, slope="norm"), root))


def _largest(x: Any, axis: int, keepdims: Any = False) -> Any:
    """Return the largest of sizes: 0 if there are none."""
    if x.shape[axis]:
        return METHODS["max"](x, axis, keepdims=keepdims)
    return METHODS["sum"](x, axis, keepdims=keepdims)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: Any) -> Any:
    if ord in FROBENIUS:
        return _root_of_squares(x, axes, keepdims)
    if ord in (2, -2, "nuc"):
        value = _norm_of_singular_values(np.moveaxis(x, axes, (-2, -1)), ord)
    elif ord in (1, -1, inf, -inf):
        row, column = axes if abs(ord) == 1 else axes[::-1]
        sums = METHODS["sum"](UFUNCS["absolute"](x), row)
        over = column - (column > row)
        value = _largest(sums, over) if ord > 0 else METHODS["min"](sums, over)
    else:
        raise ValueError(at_user_line("Invalid norm order for matrices."))
    if keepdims:
        value = value.reshape([1 if k in axes else size for k, size in enumerate(x.shape)])
    return value


def _norm_of_singular_values(x: Any, ord: Any) -> Any:
    s = singular_decomposition(x, compute_uv=False)
    if ord == "nuc":
        return METHODS["sum"](UFUNCS["absolute"](s), -1)  # whose slope at 0 is 0
    return _largest(s, s.ndim - 1) if ord == 2 else METHODS["min"](s, -1)


@implements(np.linalg.matrix_norm)
def _matrix_norm_of_stack(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def _vector_norm_of_any(
    x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2
) -> Any:
    x = array_like(x)
    axes = normalize_axes(x.node, axis)
    if isinstance(axis, tuple):
        axes = tuple(normalize_axis(k, x.ndim) for k in axis)
    rest = tuple(k for k in range(x.ndim) if k not in axes)
    flat = np.transpose(x, axes + rest).reshape([-1, *[x.shape[k] for k in rest]])
    value = norm(flat, ord, 0)
    if keepdims:
        value = value.reshape([1 if k in axes else size for k, size in enumerate(x.shape)])
    return value


@implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    x = array_like(x)
    if x.ndim >= 2 and 0 in x.shape[-2:]:
        raise np.linalg.LinAlgError(at_user_line("cond is not defined on empty arrays"))
    if p is None or p in {2, -2}:
        s = singular_decomposition(x, compute_uv=False)
        ratio = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        a, dtype = square_matrix(x, "cond")
        inverse = traced(lu.inverse(a, check=False))
        ratio = norm(traced(a), p, (-2, -1)) * norm(inverse, p, (-2, -1))
        ratio = result(ratio.node, real_dtype(dtype))
    unknown = np.any(np.isnan(x), axis=(-2, -1))
    infinite = np.isnan(ratio) & ~unknown
    return np.where(infinite, inf, ratio)[()]


@implements(np.linalg.matrix_rank)
def _matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, rtol: Any = None) -> Any:
    if rtol is not None and tol is not None:
        raise ValueError(at_user_line("`tol` and `rtol` can't be both set."))
    A, limits = array_like(A), rtol if tol is None else tol
    if A.ndim < 2:
        return METHODS["any"](A != 0).astype(int)
    s = singular_decomposition(A, compute_uv=False, hermitian=hermitian)
    if limits is None:
        limit = max(A.shape[-2:]) * float(np.finfo(s.dtype).eps)
    else:
        limit = np.expand_dims(array_like(limits), -1)
    if tol is None:
        limit = _largest(s, s.ndim - 1, True) * limit
    return METHODS["sum"](s > limit, -1)


complex_too("norm", "matrix_norm", "vector_norm", "cond", "matrix_rank")
