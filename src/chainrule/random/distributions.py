"""Distributions: each a formula over the bits of a key, in plain NumPy."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DtypeError, at_user_line
from ..trace.operands import is_plain_array, is_plain_number
from ..typing import Array
from .keys import draw_words, reshape_flat, shape_of, size_of


def uniform(
    key: Any,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike = np.float64,
    minval: Any = 0.0,
    maxval: Any = 1.0,
) -> Array:
    """Draw numbers that are equally likely everywhere from `minval` to `maxval`.

    The unit numbers are ``k / 2**m`` with random k of m bits: 53 for float64 (two words), 24 for
    float32, 11 for float16. So 0 is possible and 1 is not; after scaling, rounding may reach
    `maxval`.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    shape : int or sequence of int
        Of the draw of each key. Default (), one number.
    dtype : floating dtype
        Default float64.
    minval, maxval : number or array
        The bounds, broadcast against the result. Default 0 and 1.

    Returns
    -------
    array of `dtype` and `shape`, behind the further axes of `key`

    Examples
    --------
    >>> from chainrule import random
    >>> random.uniform(random.key(0), 3).round(4).tolist()
    [0.399, 0.7357, 0.9722]
    """
    shape, dtype = shape_of(shape), _check_dtype(dtype)
    unit = reshape_flat(_unit_uniform(key, size_of(shape), dtype), shape)
    if type(minval) is float and type(maxval) is float and (minval, maxval) == (0.0, 1.0):
        return unit
    return (minval + unit * (maxval - minval)).astype(dtype)


def normal(
    key: Any,
    shape: int | Sequence[int] = (),
    dtype: DTypeLike = np.float64,
    loc: Any = 0.0,
    scale: Any = 1.0,
) -> Array:
    """Draw from the normal distribution, by the method of Box and Muller.

    ``sqrt(-2 log u) (cos 2 pi v, sin 2 pi v)`` for u in (0, 1] and v in [0, 1): two independent
    numbers for two. The largest possible is 8.6 for float64, 5.8 for float32.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    shape : int or sequence of int
        Of the draw of each key. Default (), one number.
    dtype : floating dtype
        Default float64.
    loc, scale : number or array
        Mean and standard deviation, broadcast against the result. Default 0 and 1.

    Returns
    -------
    array of `dtype` and `shape`, behind the further axes of `key`

    References
    ----------
    G. E. P. Box, M. E. Muller: "A note on the generation of random normal deviates", Annals of
    Mathematical Statistics 29 (1958).

    Examples
    --------
    >>> from chainrule import random
    >>> random.normal(random.key(0), 3).round(4).tolist()
    [0.9939, -0.5629, -0.1751]
    """
    shape, dtype = shape_of(shape), _check_dtype(dtype)
    count = size_of(shape)
    pairs = -(-count // 2)
    unit = _unit_uniform(key, 2 * pairs, dtype)
    radius = np.sqrt(-2.0 * np.log(1.0 - unit[:pairs]))  # 1 - u is never 0
    angle = (2.0 * np.pi) * unit[pairs:]
    both = np.concatenate([radius * np.cos(angle), radius * np.sin(angle)])
    values = reshape_flat(both[:count], shape)
    if type(loc) is float and type(scale) is float and (loc, scale) == (0.0, 1.0):
        return values
    return (loc + values * scale).astype(dtype)


def randint(
    key: Any, shape: int | Sequence[int], minval: int, maxval: int, dtype: DTypeLike = np.int64
) -> Array:
    """Draw whole numbers from `minval` to ``maxval - 1``.

    The remainder of 64 random bits: no number is likelier than another by more than one part in
    ``2**64 / (maxval - minval)``.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    shape : int or sequence of int
    minval, maxval : int
        Known numbers; both fit the dtype (`maxval` may be one more).
    dtype : integer dtype
        Default int64.

    Returns
    -------
    array of `dtype` and `shape`, behind the further axes of `key`

    Examples
    --------
    >>> from chainrule import random
    >>> random.randint(random.key(0), 5, 1, 7).tolist()
    [4, 1, 2, 2, 1]
    """
    shape, dtype = shape_of(shape), np.dtype(dtype)
    if dtype.kind not in "iu":
        raise DtypeError(at_user_line(f"randint draws integers, not {dtype}"))
    first, stop, info = operator.index(minval), operator.index(maxval), np.iinfo(dtype)
    if not (info.min <= first < stop <= info.max + 1 and stop - first < 2**64):
        raise ValueError(
            at_user_line(f"randint from {minval} to {maxval}: minval < maxval, both within {dtype}")
        )
    remainder = _words64(key, size_of(shape)) % np.uint64(stop - first)
    base = np.full(1, first, dtype)  # an array, so that the sum is taken modulo the dtype's size
    return reshape_flat(remainder.astype(dtype) + base, shape)


def bernoulli(key: Any, p: Any = 0.5, shape: int | Sequence[int] | None = None) -> Array:
    """Draw truth values that are true with probability `p` (to within ``2**-24``).

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    p : number or array
        Broadcast against the result. Default 0.5.
    shape : int or sequence of int, optional
        Default: the shape of `p`.

    Returns
    -------
    bool array of `shape`, behind the further axes of `key`

    Examples
    --------
    >>> from chainrule import random
    >>> random.bernoulli(random.key(0), 0.5, 4).tolist()
    [True, False, False, False]
    """
    shape = getattr(p, "shape", ()) if shape is None else shape
    return uniform(key, shape, np.float32) < p


def symmetric_beta(
    key: Any, alpha: Any, shape: int | Sequence[int] = (), dtype: DTypeLike = np.float64
) -> Array:
    """Draw from the beta distribution whose two parameters are both `alpha`.

    Numbers from 0 to 1 around 1/2: uniform for 1, near the ends for less, near the middle for
    more. Without rejection, of two uniform numbers u and v: with ``w = u**(1/alpha)`` and
    ``c = cos(2 pi v)``, ``(1 + c * sqrt((1 - w) / (w + (1 - w) * c**2))) / 2``. Near 0 a number
    keeps its digits, and can be 0 only where `alpha` is small.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    alpha : number or array
        Positive; broadcast against the result. The numbers are differentiable by it.
    shape : int or sequence of int
        Of the draw of each key. Default (), one number.
    dtype : floating dtype
        Default float64.

    Returns
    -------
    array of `dtype` and `shape`, behind the further axes of `key`

    Raises
    ------
    ValueError
        If an alpha is not positive (in a compiled function this is not checked).

    References
    ----------
    L. Devroye: "Random variate generation in one line of code" (1996), after R. W. Bailey: "Polar
    generation of random variates with the t-distribution", Mathematics of Computation 62 (1994).

    Examples
    --------
    >>> from chainrule import random
    >>> random.symmetric_beta(random.key(0), 0.4, 3).round(4).tolist()
    [0.2579, 0.9908, 0.9999]
    """
    shape, dtype = shape_of(shape), _check_dtype(dtype)
    if is_plain_number(alpha) or is_plain_array(alpha):
        alpha = np.asarray(alpha, dtype)
        if not np.all(alpha > 0):
            raise ValueError(at_user_line(f"symmetric_beta: alpha={alpha!s:.60}: give it above 0"))
    count = size_of(shape)
    unit = _unit_uniform(key, 2 * count, dtype)
    exponent = np.log(1.0 - reshape_flat(unit[:count], shape)) / alpha  # 1 - u is never 0
    cosine = np.cos((2.0 * np.pi) * reshape_flat(unit[count:], shape))
    w, rest = np.exp(exponent), -np.expm1(exponent) * cosine * cosine
    # with r**2 = rest / (w + rest): (1 - r) / 2 = (1 - r**2) / (2 (1 + r)), without cancellation
    below = (w / (w + rest)) / (2.0 + 2.0 * np.sqrt(rest / (w + rest)))
    return np.where(cosine < 0, below, 1.0 - below).astype(dtype)


def permutation(key: Any, n: int) -> Array:
    """Draw an order of the numbers 0 to ``n - 1``.

    They are sorted by 64 random bits each, equal bits by the number itself. Every order is
    equally likely but for ties, which a million numbers meet with probability 3e-8.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    n : int

    Returns
    -------
    int64[..., n]
        An order for each key.

    Examples
    --------
    >>> from chainrule import random
    >>> random.permutation(random.key(0), 5).tolist()
    [4, 0, 3, 1, 2]
    """
    (count,) = shape_of(n)
    return np.argsort(_words64(key, count).T, axis=-1, kind="stable")


def _check_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    float_dtype = np.dtype(dtype)
    if float_dtype not in _MANTISSA:
        raise DtypeError(at_user_line(f"random numbers of {float_dtype}: use float64, 32 or 16"))
    return float_dtype


# Bits of a number from 0 to 1, of which the dtype holds every multiple of 2**-bits
_MANTISSA = {np.dtype(np.float64): 53, np.dtype(np.float32): 24, np.dtype(np.float16): 11}


def _unit_uniform(key: Any, count: int, dtype: np.dtype[Any]) -> Any:
    """Return `count` numbers from 0 (included) to 1 (excluded), laid out as `draw_words` does."""
    m = _MANTISSA[dtype]
    if m > 32:
        values = _words64(key, count) >> np.uint64(64 - m)
    else:
        values = draw_words(key, count) >> np.uint32(32 - m)
    return values.astype(dtype) * dtype.type(2.0**-m)


def _words64(key: Any, count: int) -> Any:
    """Return `count` random uint64 numbers of each key, laid out as `draw_words` does."""
    words = draw_words(key, 2 * count)
    pair = words.reshape(count, 2, *words.shape[1:]).astype(np.uint64)
    return (pair[:, 0] << np.uint64(32)) | pair[:, 1]
