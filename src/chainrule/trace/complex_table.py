"""Complex numbers on tracers: their parts, what is another formula of them, and what takes them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from math import log as _ln
from typing import Any

import numpy as np

from ..errors import at_user_line
from ..graph.node import Node
from ..graph.types import is_complex
from ..primitives import elementwise as ew
from ..primitives.complex_functions import BY_NAME
from ..primitives.complex_numbers import complex_, conj, imag, imaginary_part, real
from .complex_readiness import takes_complex
from .function_rules import implements
from .interception import register_rules
from .operands import node_of
from .strides import set_not_contiguous
from .tracer import FUNCTIONS, METHODS, UFUNCS, ArrayTracer, ScalarTracer, Tracer, traced
from .ufunc_rules import COMPLEX_CASES, floating
from .views import view

# Parts


def _part(x: Any, part: Callable[[Node], Node], write: Callable[[Node, Node], Node]) -> Tracer:
    """Return a part of complex numbers: a view of an array, a number of a number."""
    if type(x) is ScalarTracer:
        return ScalarTracer(part(x.node), x.weak)

    def read(node: Node) -> Node:
        result = part(node)
        set_not_contiguous(result)
        return result

    return view(x, read, write)


def _real(x: Any) -> Any:
    if not is_complex(x.dtype):
        return x
    return _part(x, real, lambda z, new: complex_(new, imag(z)))


def _imag(x: Any) -> Any:
    if is_complex(x.dtype):
        return _part(x, imag, lambda z, new: complex_(real(z), new))
    if isinstance(x, ArrayTracer):
        return view(x, lambda z: node_of(imaginary_part(z)), None)
    return ScalarTracer(node_of(x.dtype.type(0)), x.weak)


def _set_real(x: Tracer, value: Any) -> None:
    _real(_written(x, "real"))[...] = value


def _set_imag(x: Tracer, value: Any) -> None:
    if not is_complex(x.dtype):
        raise TypeError(at_user_line("array does not have imaginary part to set"))
    _imag(_written(x, "imag"))[...] = value


def _written(x: Tracer, name: str) -> ArrayTracer:
    if not isinstance(x, ArrayTracer):
        raise AttributeError(at_user_line(f"{name} of a number is not writable"))
    return x


def conjugated(x: Any) -> Any:
    """Implement `x.conj()`, which of a real array is the array itself."""
    if not is_complex(x.dtype):
        return x
    node = conj(node_of(x))
    return ArrayTracer(node) if isinstance(x, ArrayTracer) else ScalarTracer(node, x.weak)


METHODS["conj"] = METHODS["conjugate"] = conjugated
FUNCTIONS[np.real] = lambda val: val.real
FUNCTIONS[np.imag] = lambda val: val.imag
FUNCTIONS[np.iscomplexobj] = lambda x: is_complex(x.dtype)
FUNCTIONS[np.isrealobj] = lambda x: not is_complex(x.dtype)
FUNCTIONS[np.iscomplex] = lambda x: traced(ew.not_equal(node_of(imaginary_part(x.node)), 0))
FUNCTIONS[np.isreal] = lambda val: traced(ew.equal(node_of(imaginary_part(val.node)), 0))


@implements(np.angle)
def _angle(z: Any, deg: Any = False) -> Tracer:
    x = floating(node_of(z))
    zero = x.dtype.type(0)
    angle = ew.arctan2(imag(x), real(x)) if is_complex(x.dtype) else ew.arctan2(zero, x)
    return traced(angle * (180 / np.pi) if deg else angle)


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    if not is_complex(a.dtype):
        return a
    if tol > 1:
        tol = float(np.finfo(a.dtype).eps) * tol
    return a.real if np.all(np.abs(a.imag) < tol) else a


# Ufuncs that are another formula of complex numbers


def size_of(x: Node) -> Node:
    """Return the absolute value; of 0 it has the slope 0."""
    return ew.hypot(real(x), imag(x)) if is_complex(x.dtype) else ew.absolute(x)  # type: ignore[no-any-return]


def _sign(x: Node) -> Node:
    size = size_of(x)
    return ew.div(x, ew.where(ew.equal(size, 0.0), size.dtype.type(1), size))  # type: ignore[no-any-return]


def _of_both_parts(test: str, join: Callable[[Node, Node], Node]) -> Callable[[Node], Node]:
    """Return a test of complex numbers as one of both their parts."""

    def compose(x: Node) -> Node:
        rule = UFUNCS[test]
        return join(rule(traced(real(x))).node, rule(traced(imag(x))).node)

    return compose


COMPLEX_CASES.update({
    "absolute": size_of,
    "sign": _sign,
    "conjugate": conj,
    "isnan": _of_both_parts("isnan", ew.bitwise_or),
    "isinf": _of_both_parts("isinf", ew.bitwise_or),
    "isfinite": _of_both_parts("isfinite", ew.bitwise_and),
    "exp2": lambda x: ew.exp(x * _ln(2)),
    "log2": lambda x: ew.div(ew.log(x), _ln(2)),
    "log10": lambda x: ew.div(ew.log(x), _ln(10)),
    "float_power": ew.power,
    **BY_NAME,
})  # fmt: skip


def _abs_operator(x: Tracer) -> Tracer:
    return traced(size_of(x.node), x.weak)


# What takes them: rules that were looked through

_UFUNC_NAMES = """
add subtract multiply divide true_divide negative positive reciprocal square sqrt power float_power
exp expm1 log log1p log2 log10 sin cos cosh tanh rint maximum minimum fmax fmin clip equal not_equal
less less_equal greater greater_equal logical_and logical_or logical_xor logical_not matmul
"""
_METHOD_NAMES = """
sum mean var std max min prod any all cumsum cumprod argmax argmin argsort copy astype fill sort dot
round clip reshape ravel flatten squeeze transpose swapaxes take repeat diagonal trace conj
conjugate
"""
_FUNCTION_NAMES = """
sum mean average var std max amax min amin ptp prod any all count_nonzero cumsum cumprod argmax
argmin argsort sort take_along_axis copy astype zeros_like empty_like ones_like zeros empty ones
full_like copyto fill_diagonal array asarray asanyarray concatenate stack vstack hstack array_split
split hsplit vsplit dsplit block diff insert delete append resize rot90 dot tensordot inner vdot
outer einsum round around where clip tril triu nan_to_num isclose allclose reshape ravel transpose
swapaxes moveaxis expand_dims squeeze broadcast_to real imag shape ndim size result_type flip roll
take repeat tile diagonal diag diagflat trace atleast_1d atleast_2d atleast_3d flipud fliplr
column_stack dstack rollaxis broadcast_arrays shares_memory may_share_memory iscomplexobj isrealobj
iscomplex isreal angle real_if_close linspace pad unstack matrix_transpose einsum_path
"""
_REDUCED = ("add", "multiply", "maximum", "minimum", "logical_or", "logical_and")
_OUTER = ("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")

takes_complex(
    *COMPLEX_CASES,
    *_UFUNC_NAMES.split(),
    *[f".{name}" for name in _METHOD_NAMES.split()],
    *[getattr(np, name) for name in _FUNCTION_NAMES.split() if hasattr(np, name)],
    *[(name, "reduce") for name in _REDUCED],
    *[(name, "accumulate") for name in ("add", "multiply")],
    *[(name, "outer") for name in _OUTER],
    ("add", "at"),
    np.lib.stride_tricks.sliding_window_view,
)

# Transforms: NumPy's module is loaded late, but before a first trace exchanges what it imports
register_rules({"numpy": partial(import_module, f"{__package__}.fft_table")})


def _install() -> None:
    Tracer.real = property(_real, _set_real)  # type: ignore[attr-defined]
    Tracer.imag = property(_imag, _set_imag)  # type: ignore[attr-defined]
    Tracer.__abs__ = _abs_operator  # type: ignore[attr-defined]


_install()
