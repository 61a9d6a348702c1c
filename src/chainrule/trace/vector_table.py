"""NumPy's products of vectors on tracers: vecdot, matvec, vecmat, cross and kron."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.structure import reshape
from .array_like import array_like, node_like
from .complex_readiness import takes_complex
from .function_rules import implements, normalize_axis, refuse_options
from .operands import nodes_of
from .tracer import METHODS, UFUNCS, Tracer, traced
from .ufunc_rules import as_dtype


def _in_one_dtype(x: Any, y: Any, dtype: Any = None) -> tuple[Any, Any]:
    a, b = nodes_of(array_like(x), array_like(y))
    wanted = np.result_type(a.dtype, b.dtype) if dtype is None else np.dtype(dtype)
    return traced(as_dtype(a, wanted)), traced(as_dtype(b, wanted))


def conjugate_of(x: Any) -> Any:
    """Return the conjugate of complex numbers, and real ones as they are."""
    return UFUNCS["conjugate"](x) if x.dtype.kind == "c" else x


def _need_axes(name: str, *operands: tuple[Any, int]) -> None:
    for x, least in operands:
        if x.ndim < least:
            raise ValueError(at_user_line(f"{name}: an operand has {x.ndim} axes, not {least}"))


def _check_sizes(name: str, size: int, other: int) -> None:
    if size != other:
        raise ShapeError(at_user_line(f"{name}: vectors of {size} and {other} entries"))


def _vector_dot(x1: Any, x2: Any, dtype: Any = None, axis: int = -1, keepdims: bool = False) -> Any:
    x, y = _in_one_dtype(x1, x2, dtype)
    _need_axes("vecdot", (x, 1), (y, 1))
    x, y = (np.moveaxis(each, axis, -1) if axis != -1 else each for each in (x, y))
    _check_sizes("vecdot", x.shape[-1], y.shape[-1])
    product = conjugate_of(x) * y
    result = METHODS["any" if product.dtype.kind == "b" else "sum"](product, -1)
    if product.dtype.kind in "iu":
        result = traced(as_dtype(result.node, product.dtype))
    return np.expand_dims(result, axis) if keepdims else result


def _matvec(x1: Any, x2: Any, dtype: Any = None) -> Any:
    x, y = _in_one_dtype(x1, x2, dtype)
    _need_axes("matvec", (x, 2), (y, 1))
    _check_sizes("matvec", x.shape[-1], y.shape[-1])
    return UFUNCS["matmul"](x, y[..., None])[..., 0]


def _vecmat(x1: Any, x2: Any, dtype: Any = None) -> Any:
    x, y = _in_one_dtype(x1, x2, dtype)
    _need_axes("vecmat", (x, 1), (y, 2))
    _check_sizes("vecmat", x.shape[-1], y.shape[-2])
    return UFUNCS["matmul"](conjugate_of(x)[..., None, :], y)[..., 0, :]


UFUNCS["vecdot"] = _vector_dot
UFUNCS["matvec"] = _matvec
UFUNCS["vecmat"] = _vecmat


@implements(np.cross)
def _cross_product(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1,
           axis: int | None = None) -> Any:  # fmt: skip
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = _in_one_dtype(a, b)
    if not x.ndim or not y.ndim:
        raise ValueError(at_user_line("At least one array has zero dimension"))
    x = np.moveaxis(x, normalize_axis(axisa, x.ndim), -1)
    y = np.moveaxis(y, normalize_axis(axisb, y.ndim), -1)
    sizes = (x.shape[-1], y.shape[-1])
    if not set(sizes) <= {2, 3}:
        raise ValueError(
            at_user_line("incompatible dimensions for cross product (dimension must be 2 or 3)")
        )
    if 2 in sizes:
        text = "Arrays of 2-dimensional vectors are deprecated. Use arrays of 3-dimensional " \
            "vectors instead. (deprecated in NumPy 2.0)"  # fmt: skip
        warnings.warn(text, DeprecationWarning, stacklevel=3)
    last = x[..., 0] * y[..., 1] - x[..., 1] * y[..., 0]
    if sizes == (2, 2):
        return last
    first = _minor(x, y, 1)
    second = _minor(x, y, 0)
    columns = np.stack([first, traced(ew.neg(second.node)), last], axis=-1)
    return np.moveaxis(columns, -1, normalize_axis(axisc, columns.ndim))


def _minor(x: Any, y: Any, k: int) -> Any:
    """Return x[k] y[2] - x[2] y[k], where what is missing is 0."""
    if x.shape[-1] == 2:
        return x[..., k] * y[..., 2]
    if y.shape[-1] == 2:
        return traced(ew.neg((x[..., 2] * y[..., k]).node))
    return x[..., k] * y[..., 2] - x[..., 2] * y[..., k]


@implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    x, y = (node.node for node in _in_one_dtype(a, b))
    n = max(len(x.shape), len(y.shape))
    left, right = (_with_leading_axes(each, n) for each in (x, y))
    wide = reshape(left, shape=tuple(size for s in left.shape for size in (s, 1)))
    tiled = reshape(right, shape=tuple(size for s in right.shape for size in (1, s)))
    shape = tuple(s * t for s, t in zip(left.shape, right.shape, strict=True))
    return traced(reshape(ew.mul(wide, tiled), shape=shape))


def _with_leading_axes(x: Node, n: int) -> Node:
    return reshape(x, shape=(1,) * (n - len(x.shape)) + x.shape)  # type: ignore[no-any-return]


def _infinite(name: str, sign: int) -> Any:
    def rule(x: Any, out: Any = None) -> Tracer:
        refuse_options(out=out)
        node = node_like(x)
        if node.dtype.kind == "c":
            raise TypeError(at_user_line(f"np.{name} is not defined for complex numbers"))
        return traced(ew.equal(node, sign * np.inf))

    return rule


implements(np.isposinf)(_infinite("isposinf", 1))
implements(np.isneginf)(_infinite("isneginf", -1))


takes_complex("vecdot", "matvec", "vecmat", np.cross, np.kron)
