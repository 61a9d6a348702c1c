"""Keys, keys made of keys, and the raw bits that every distribution is made of."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..graph.types import Shape
from ..typing import Array
from .philox import counter_words

# Word 3 of a counter says what its numbers are for, so that no child key repeats a drawn number.
_DRAW, _SPLIT, _FOLD = 0, 1, 2
_WORD = 2**32


def key(seed: int) -> Array:
    """Make a key of a whole number.

    Parameters
    ----------
    seed : int
        0 or more, less than ``2**64``. Different seeds give unrelated numbers.

    Returns
    -------
    uint32[2]

    Raises
    ------
    DtypeError
        If the seed is not a whole number.
    ValueError
        If it is out of range.

    Examples
    --------
    >>> key(7).tolist()
    [7, 0]
    """
    try:
        number = operator.index(seed)
    except TypeError:
        raise DtypeError(
            at_user_line(f"the seed is {type(seed).__name__} {seed!r:.40}: give a whole number")
        ) from None
    if not 0 <= number < _WORD**2:
        raise ValueError(at_user_line(f"the seed {number} is not in 0 ... 2**64 - 1"))
    return np.array([number % _WORD, number // _WORD], np.uint32)


def split(key: Any, num: int = 2) -> Array:
    """Make `num` new keys of each key, which is not to be used again.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    num : int
        The number of new keys of each. Default 2.

    Returns
    -------
    uint32[..., num, 2]
        Unpack those of one key: ``first, second = split(key)``.

    Examples
    --------
    >>> first, second = split(key(0))
    >>> first.tolist(), second.tolist()
    ([768504805, 323543615], [4244168940, 2726800091])
    """
    return reshape_flat(_words(key, 2 * size_of((num,)), _SPLIT), (num, 2))


def fold_in(key: Any, data: Any) -> Array:
    """Make the new key number `data` of a key: one a step, a layer, a row.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    data : int or integer array
        Of shape (), or one number for each key. May be traced, such as a step counter. Taken
        modulo ``2**64``.

    Returns
    -------
    uint32[..., 2]

    Raises
    ------
    DtypeError
        If the data are no whole numbers, or there is not one for each key.

    Examples
    --------
    >>> fold_in(key(0), 3).tolist()
    [503844516, 1535649829]
    """
    leading = check_key(key).shape[:-1]
    if issubclass(type(data), int):
        data = np.uint64(data % _WORD**2)
    shape = getattr(data, "shape", None)
    if getattr(data, "dtype", np.dtype(float)).kind not in "iu" or shape not in ((), leading):
        raise DtypeError(
            at_user_line(
                "fold_in takes one whole number, or one for each key of "
                f"uint32{list(key.shape)}, not {type(data).__name__} {data!r:.40}"
            )
        )
    number = data.astype(np.uint64).T.reshape(1, *(leading[::-1] if shape else _ones(leading)))
    low, high = number.astype(np.uint32), (number >> np.uint64(32)).astype(np.uint32)
    even = np.stack([low, np.zeros(number.shape, np.uint32)])
    odd = np.stack([high, np.full(number.shape, _FOLD, np.uint32)])
    return counter_words(key, even, odd)[0, :2].T


def bits(key: Any, shape: int | Sequence[int] = ()) -> Array:
    """Draw 32 random bits an entry.

    Parameters
    ----------
    key : uint32[..., 2]
        One key, or many.
    shape : int or sequence of int
        Of the draw of each key. Default (), one number.

    Returns
    -------
    uint32 array of `shape`, behind the further axes of `key`

    Examples
    --------
    >>> [f"{word:08x}" for word in bits(key(0), 4)]  # Random123's known answer for zeros
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    shape = shape_of(shape)
    return reshape_flat(draw_words(key, size_of(shape)), shape)


def draw_words(key: Any, count: int) -> Any:
    """Return `count` random words of each key: uint32[count, ...], the axes of keys reversed.

    So the loops over many keys are the inner ones; `reshape_flat` puts the axes in order.
    """
    return _words(key, count, _DRAW)


def _words(key: Any, count: int, purpose: int) -> Any:
    """Return the first `count` random words of the counters 0, 1, 2, ... of a purpose."""
    inner = _ones(check_key(key).shape[:-1])
    blocks = -(-count // 4)
    if blocks >= _WORD:
        raise ValueError(at_user_line(f"{count} words of one key: split it, draw 2**34 at most"))
    numbers = np.arange(blocks, dtype=np.uint32).reshape(blocks, *inner)
    zeros = np.zeros(numbers.shape, np.uint32)
    even = np.stack([numbers, zeros])
    odd = np.stack([zeros, np.full(numbers.shape, purpose, np.uint32)])
    words = counter_words(key, even, odd)
    return words.reshape(4 * blocks, *words.shape[2:])[:count]


def _ones(shape: Shape) -> Shape:
    return (1,) * len(shape)


def check_key(key: Any) -> Any:
    """Return the key, or keys; raise if it is none."""
    if getattr(key, "dtype", None) != np.uint32:
        actual = getattr(key, "dtype", type(key).__name__)
        raise DtypeError(
            at_user_line(f"a random key is uint32[2], not {actual}: make one with random.key(0)")
        )
    if key.shape[-1:] != (2,):
        raise ShapeError(
            at_user_line(
                f"a random key is uint32[2], and many are uint32[..., 2], not "
                f"uint32{list(key.shape)}: make them with random.split(key, 3)"
            )
        )
    return key


def shape_of(shape: int | Sequence[int]) -> Shape:
    """Return a shape as a tuple of sizes; raise if one is negative."""
    try:
        sizes = (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape)
        sizes = tuple(operator.index(size) for size in sizes)
    except TypeError:
        raise DtypeError(
            at_user_line(f"shape={shape!r}: give a whole number or a tuple of them")
        ) from None
    if any(size < 0 for size in sizes):
        raise ShapeError(at_user_line(f"shape={shape!r} has a negative size"))
    return sizes


def size_of(shape: Sequence[int]) -> int:
    """Return the number of entries of a shape."""
    count = 1
    for size in shape_of(shape):
        count *= size
    return count


def reshape_flat(flat: Any, shape: Shape) -> Any:
    """Reshape what was drawn, of shape (count, ...), to the axes of keys and then `shape`."""
    return flat.T.reshape(*flat.shape[:0:-1], *shape) if shape else flat[0].T
