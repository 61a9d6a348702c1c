"""Complex numbers and their parts.

Cotangents are as in JAX: a function of z = x + iy has the cotangent a - ib, if a and b are those of
x and y. So a holomorphic function passes on g f'(z), as a real one does, and the gradient of |z|**2
is 2 conj(z). Derivatives along a tangent, which are sums over both parts, are the real part of
cotangent times tangent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..graph.node import Primitive
from ..graph.types import is_complex, is_inexact
from .declare import broadcast_like, elementwise, unbroadcast

_DOMAIN = (-3.0, 3.0)


def _of_one(
    name: str, eval: Callable[..., Any], transpose: Callable[[Any, Any], Any], doc: str
) -> Primitive:
    """Declare a function of one number that is linear in its parts.

    ``transpose(g, x)`` gives the cotangent of x, of which only the dtype may be read.
    """

    def vjp(g: Any, _y: Any, x: Any, **_: Any) -> list[Any]:
        return [transpose(g, x)]

    def jvp(tangents: Sequence[Any], _y: Any, _x: Any, **_: Any) -> Any:
        return None if tangents[0] is None else primitive(tangents[0])

    primitive = elementwise(
        name, eval, rules=(vjp, jvp), domain=(_DOMAIN,), kinds="c", family="complex", doc=doc
    )
    return primitive


real: Primitive = _of_one(
    "real", lambda xp, x: xp.real(x), lambda g, x: broadcast_like(g, x), "The real part."
)
imag: Primitive = _of_one(
    "imag",
    lambda xp, x: xp.imag(x),
    lambda g, x: broadcast_like(complex_(g.dtype.type(0), -g), x),
    "The imaginary part.",
)
conj: Primitive = _of_one(
    "conj", lambda xp, x: xp.conjugate(x), lambda g, x: conj(g), "The complex conjugate."
)


def _join(xp: Any, re: Any, im: Any) -> Any:
    dtype = np.result_type(re.dtype, im.dtype, np.complex64)
    z = xp.empty(np.broadcast_shapes(re.shape, im.shape), dtype)
    if hasattr(z, "at"):  # a namespace whose arrays never change
        return z.at[...].set(re) + 1j * im
    z.real = re
    z.imag = im
    return z if z.ndim else z[()]


def _join_vjp(
    g: Any, _z: Any, re: Any, im: Any, *, needs_input_grad: Sequence[bool], **_: Any
) -> list[Any]:
    return [
        unbroadcast(real(g), re) if needs_input_grad[0] and is_inexact(re.dtype) else None,
        unbroadcast(-imag(g), im) if needs_input_grad[1] and is_inexact(im.dtype) else None,
    ]


def _join_jvp(tangents: Sequence[Any], z: Any, re: Any, im: Any, **_: Any) -> Any:
    t, u = tangents
    if t is None and u is None:
        return None
    t = re.dtype.type(0) if t is None else t
    u = im.dtype.type(0) if u is None else u
    return broadcast_like(complex_(t, u), z)


complex_: Primitive = elementwise(
    "complex",
    _join,
    rules=(_join_vjp, _join_jvp),
    domain=(_DOMAIN, _DOMAIN),
    family="complex",
    doc="The complex number of a real and an imaginary part.",
)


def real_part(x: Any) -> Any:
    """Return the real part, which of a real number is the number itself."""
    return real(x) if is_complex(x.dtype) else x


def imaginary_part(x: Any) -> Any:
    """Return the imaginary part, which of a real number is 0."""
    return imag(x) if is_complex(x.dtype) else np.broadcast_to(x.dtype.type(0), x.shape)


def conjugate(x: Any) -> Any:
    """Return the complex conjugate, which of a real number is the number itself."""
    return conj(x) if is_complex(x.dtype) else x
