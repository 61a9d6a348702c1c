"""Convolutions over images (N, H, W, C) and sequences (N, T, C)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..primitives.convolution import conv as _conv
from ..trace.tracer import Tracer, record


def conv(
    x: Any, w: Any, *, strides: Sequence[int] = (1, 1), dilation: Sequence[int] = (1, 1)
) -> Any:
    """Convolution over two axes, without padding, on arrays and in traces alike.

    ``y[n, i, j, o]`` is the sum over k, l and c of ``x[n, s i + d k, s j + d l, c] w[k, l, c, o]``
    (what other libraries call convolution, too: the kernel is not turned).

    Parameters
    ----------
    x : array of shape (..., N, H, W, C)
        Rows with their features last; pad it with `numpy.pad`.
    w : array of shape (..., KH, KW, C, O)
        The leading axes of both broadcast, as in `numpy.matmul`.
    strides, dilation : (int, int)
        Along H and W. Default (1, 1).

    Returns
    -------
    array of shape (..., N, OH, OW, O)
        ``OH = (H - (KH - 1) * dilation - 1) // stride + 1``.

    Raises
    ------
    ShapeError
        If the channels differ, or the kernel reaches beyond x.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> conv(x, np.ones((2, 2, 1, 1)))[0, :, :, 0].tolist()
    [[8.0, 12.0], [20.0, 24.0]]
    """
    given = {"strides": _pair("strides", strides), "dilation": _pair("dilation", dilation)}
    if isinstance(x, Tracer) or isinstance(w, Tracer):
        return record(_conv, x, w, **given)
    return _conv(np.asarray(x), np.asarray(w), **given)


def _pair(name: str, given: Sequence[int]) -> tuple[int, int]:
    first, second = given
    if first < 1 or second < 1:
        raise ValueError(f"conv: {name}={tuple(given)}: give whole numbers of 1 or more")
    return int(first), int(second)
