"""Waiting times, extremes, and choices among categories: formulas over the bits of a key."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import DtypeError, ShapeError, at_user_line
from ..trace.operands import is_plain_array
from ..typing import Array
from .distributions import permutation, randint, uniform
from .keys import check_key, shape_of, size_of

_SUM_TOLERANCE = 1e-6  # of probabilities, as floats of 32 bits add up


def exponential(key: Any, shape: int | Sequence[int] = (), dtype: DTypeLike = np.float64) -> Array:
    """Draw from the exponential distribution of mean 1: ``-log(1 - u)`` for a uniform u.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    shape : int or sequence of int
        Of the draw of each key. Default (), one number.
    dtype : floating dtype
        Default float64.

    Returns
    -------
    array of `dtype` and `shape`, behind the further axes of `key`
        At least 0, and at most 36.7 for float64, 16.6 for float32.

    Examples
    --------
    >>> from chainrule import random
    >>> random.exponential(random.key(0), 3).round(4).tolist()
    [0.5092, 1.3307, 3.5842]
    """
    return -np.log1p(-uniform(key, shape, dtype))


def gumbel(key: Any, shape: int | Sequence[int] = (), dtype: DTypeLike = np.float64) -> Array:
    """Draw from the standard Gumbel distribution, of the largest of many numbers.

    ``-log(e)`` for an exponential e. Added to the logarithms of weights, the largest sum is a draw
    with these weights: see `categorical`.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    shape : int or sequence of int
        Of the draw of each key. Default (), one number.
    dtype : floating dtype
        Default float64.

    Returns
    -------
    array of `dtype` and `shape`, behind the further axes of `key`
        Finite.

    References
    ----------
    E. J. Gumbel: "Statistical theory of extreme values and some practical applications" (1954).

    Examples
    --------
    >>> from chainrule import random
    >>> random.gumbel(random.key(0), 3).round(4).tolist()
    [0.6748, -0.2857, -1.2765]
    """
    waiting = exponential(key, shape, dtype)
    # Where u is 0: half of the smallest u beside it, rather than a logarithm of 0
    smallest = waiting.dtype.type(0.5 * np.finfo(waiting.dtype).epsneg)
    return -np.log(np.maximum(waiting, smallest))


def categorical(
    key: Any, logits: Any, axis: int = -1, shape: int | Sequence[int] | None = None
) -> Array:
    """Draw numbers of categories, with probabilities ``softmax(logits)``.

    The largest of ``logits + gumbel``, the "Gumbel max trick". Probabilities below 2e-8 of the
    largest one, for float32, count as 0.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    logits : floating array
        Logarithms of weights; ``-inf`` is never drawn.
    axis : int
        Of the categories. Default -1, the last.
    shape : int or sequence of int, optional
        Of the draws of each key. Behind the further axes of `key` it ends with the shape of the
        logits without their axis: n keys and n rows of logits are n draws with ``shape=()``.
        Default that shape, one draw of each key for each.

    Returns
    -------
    int64 array of `shape`, behind the further axes of `key`

    Raises
    ------
    DtypeError
        If the logits are not floating.
    ShapeError
        If there are no categories, or `shape` does not end as it should.
    ValueError
        If all logits of a draw are ``-inf``, or one is nan or ``inf`` (in a compiled function this
        is not checked).

    References
    ----------
    C. J. Maddison, D. Tarlow, T. Minka: "A* sampling", arXiv:1411.0030 (2014).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> draws = random.categorical(random.key(0), np.log([0.7, 0.2, 0.1]), shape=10_000)
    >>> (np.bincount(draws) / 10_000).round(2).tolist()
    [0.71, 0.19, 0.1]
    """
    if not hasattr(logits, "dtype"):
        logits = np.asarray(logits)
    if logits.dtype.kind != "f":
        raise DtypeError(at_user_line(f"categorical takes logits of floats, not {logits.dtype}"))
    if not logits.ndim:
        raise ShapeError(at_user_line("categorical: the logits have no axis of categories"))
    logits = np.moveaxis(logits, axis, -1)
    *batch, count = logits.shape
    if not count:
        raise ShapeError(at_user_line("categorical: there are no categories"))
    sizes = tuple(batch) if shape is None else shape_of(shape)
    drawn = (*check_key(key).shape[:-1], *sizes)
    if drawn[len(drawn) - len(batch) :] != tuple(batch):
        raise ShapeError(
            at_user_line(f"categorical: shape={drawn} does not end with {tuple(batch)}")
        )
    if is_plain_array(logits) and logits.size:
        largest = np.max(logits, axis=-1)
        if not np.all(np.isfinite(largest)):
            raise ValueError(
                at_user_line(
                    "categorical: of each draw the largest logit is finite, and here one is "
                    f"{largest[~np.isfinite(largest)].flat[0]}"
                )
            )
    return np.argmax(logits + gumbel(key, (*sizes, count), logits.dtype), axis=-1)


def choice(
    key: Any, a: Any, shape: int | Sequence[int] = (), replace: bool = True, p: Any = None,
    axis: int = 0,
) -> Array:  # fmt: skip
    """Draw entries of an array, or numbers from 0 to ``a - 1``.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    a : int or array
    shape : int or sequence of int
        Of the draws. Default (), one.
    replace : bool
        Whether an entry can be drawn again. Default True.
    p : array of shape (n,), optional
        The probability of each entry. Default: all are equally likely.
    axis : int
        Along which entries are drawn. Default 0.

    Returns
    -------
    array
        Of `shape`, in place of the axis; behind the further axes of `key`.

    Raises
    ------
    ShapeError
        If there is nothing to draw, `p` has another shape, or more than n are to be drawn without
        replacement.
    ValueError
        If `p` has negative numbers or nan, or does not add up to 1 (in a compiled function this is
        not checked).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import random
    >>> random.choice(random.key(0), np.array([10, 20, 30]), 3, replace=False).tolist()
    [10, 20, 30]
    >>> random.choice(random.key(1), 3, (2, 2), p=np.array([0.0, 1.0, 0.0])).tolist()
    [[1, 1], [1, 1]]
    """
    sizes = shape_of(shape)
    array = (
        None if isinstance(a, (int, np.integer)) else a if hasattr(a, "dtype") else np.asarray(a)
    )
    n = operator.index(a) if array is None else array.shape[axis]
    if n < 1:
        raise ShapeError(at_user_line("choice: there is nothing to draw from"))
    if not replace and size_of(sizes) > n:
        raise ShapeError(
            at_user_line(f"choice: {size_of(sizes)} of {n} without replacement: give replace=True")
        )
    leading = check_key(key).shape[:-1]
    drawn = _indices(key, n, sizes, replace, None if p is None else _log_probabilities(p, n))
    if array is None:
        return drawn
    if is_plain_array(array) and not is_plain_array(drawn):
        array = np.asarray(array, like=drawn)  # known numbers, looked up by what may be traced
    entries = np.take(array, drawn, axis=axis)
    first = axis % array.ndim
    keys = range(first, first + len(leading))  # axes that go to the front
    return np.moveaxis(entries, keys, range(len(leading))) if first and leading else entries


def _indices(key: Any, n: int, sizes: tuple[int, ...], replace: bool, logits: Any) -> Any:
    if replace:
        if logits is None:
            return randint(key, sizes, 0, n)
        return categorical(key, logits, shape=sizes)
    if logits is None:
        order = permutation(key, n)
    else:  # the largest of noisy logits are a draw without replacement
        order = np.argsort(-(logits + gumbel(key, n, logits.dtype)), kind="stable")
    first = order[..., : size_of(sizes)]
    return first.reshape(*order.shape[:-1], *sizes) if sizes else first[..., 0]


def _log_probabilities(p: Any, n: int) -> Any:
    if not hasattr(p, "dtype"):
        p = np.asarray(p, np.float64)
    if p.shape != (n,):
        raise ShapeError(at_user_line(f"choice: p has shape {p.shape}, and there are {n} to draw"))
    if is_plain_array(p) and not (np.all(p >= 0) and abs(np.sum(p) - 1.0) < _SUM_TOLERANCE):
        raise ValueError(
            at_user_line(f"choice: p={p!s:.60}: give probabilities, which add up to 1")
        )
    with np.errstate(divide="ignore"):
        return np.log(p)
