"""NumPy's functions of lists that have traced numbers in them, which NumPy does not hand over."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from .interception import intercepts
from .nested import is_traced, nested
from .selected import Selected
from .tracer import FUNCTIONS, LIST_READERS
from .unsupported import unsupported

# Each list among the arguments stands for one array
_OF_ARRAYS = """
    array_split atleast_1d atleast_2d atleast_3d broadcast_arrays meshgrid split all allclose
    amax amin any append argmax argmin argpartition argsort argwhere around
    array_equal array_equiv average bincount broadcast_to clip compress convolve corrcoef
    correlate count_nonzero cov cross cumprod cumsum cumulative_prod cumulative_sum delete diag
    diagflat diagonal diff digitize dot ediff1d expand_dims extract flatnonzero flip fliplr
    flipud gradient histogram inner insert interp isclose kron max mean median min moveaxis
    nan_to_num nanmax nanmean nanmedian nanmin nanpercentile nanprod nanquantile nanstd nansum
    nanvar ndim nonzero outer pad partition percentile poly polyadd polyder polydiv polyfit
    polyint polymul polysub polyval prod ptp quantile ravel repeat reshape resize roll roots
    rot90 round searchsorted shape size sort squeeze std sum swapaxes take take_along_axis
    tensordot tile trace transpose trapezoid trapz tril triu unique unwrap vander var vdot where
    i0 histogram_bin_edges intersect1d isin lexsort nanargmax nanargmin nancumprod nancumsum
    setdiff1d setxor1d sinc union1d unique_all unique_counts unique_inverse unique_values
"""
# A list stands for several
_OF_SEQUENCES = """
    choose column_stack concat concatenate dstack hstack row_stack select
    stack vstack """
_OF_LINALG = """
    cholesky cond cross det eig eigh eigvals eigvalsh inv lstsq matrix_norm matrix_power
    matrix_rank norm outer pinv qr slogdet solve svd svdvals tensorinv tensorsolve vector_norm
"""


def _read_lists(module: ModuleType, name: str, read: Callable[[Any], Any]) -> None:
    function = getattr(module, name)
    LIST_READERS[function] = read

    @intercepts(module.__name__, name)
    def rule(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = tuple(map(read, args)), {key: read(x) for key, x in kwargs.items()}
        known = FUNCTIONS.get(function)  # NumPy asks some of the arguments only
        if known is None:
            raise UnsupportedError(at_user_line(unsupported(f"np.{name}", name)))
        if any(isinstance(x, Selected) for x in args) or kwargs.get("out") is not None:
            return function(*args, **kwargs)
        return known(*args, **kwargs)


def _as_arrays(x: Any) -> Any:
    return list(map(nested, x)) if isinstance(x, (list, tuple)) and is_traced(x) else x


_read_lists(np, "trim_zeros", lambda x: x)  # of a list it is a list
for _name in _OF_ARRAYS.split():
    if hasattr(np, _name):
        _read_lists(np, _name, nested)
for _name in _OF_SEQUENCES.split():
    if hasattr(np, _name):
        _read_lists(np, _name, _as_arrays)
for _name in _OF_LINALG.split():
    if hasattr(np.linalg, _name):
        _read_lists(np.linalg, _name, nested)
