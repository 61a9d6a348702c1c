"""The names that a form may use, beside the letters of `drawn`."""

# ruff: noqa: F401
from __future__ import annotations

import cmath
import functools
import math
import statistics
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import scipy
from numpy import polynomial
from numpy.lib.stride_tricks import as_strided, sliding_window_view
from scipy import (
    fft,
    fftpack,
    integrate,
    interpolate,
    linalg,
    ndimage,
    optimize,
    signal,
    sparse,
    spatial,
    special,
    stats,
)
from scipy.sparse import linalg as sparse_linalg
from scipy.spatial import distance
from scipy.spatial.transform import Rotation, RotationSpline, Slerp


def after(write: Callable[..., Any], a: Any, *arguments: Any, **options: Any) -> Any:
    """A copy of an array after a function wrote into it."""
    a = np.array(a)
    write(a, *arguments, **options)
    return a


def after_item(items: Any, index: Any, value: Any) -> Any:
    """Anything after an entry of it was written."""
    items[index] = value
    return items
