"""Columns that a parser has taken for numbers with a decimal point, beside decimal commas."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ...lazy import LazyModule
from .distinct_cells import distinct_cells
from .number_forms import fit_numbers

pd = LazyModule("pandas")

Frame: TypeAlias = Any  # a pandas DataFrame

LOOKED_AT = 300  # rows of a column of texts
MOST = 100_000  # numbers of a column
THOUSANDS = 1000.0  # 1.234 is below it


def doubtful_floats(frame: Frame) -> set[str]:
    """Return the columns of floats such as 1.234 which are whole thousands, if others say so.

    Where another column writes 0,5 or 1.234,50, the point of "1.234" is no decimal mark: whoever
    parsed the file reads these columns again, as texts. That of "2.000" is none, either.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"units": [1.234, 12.0], "cost": ["1.499,50", "80,00"]})
    >>> doubtful_floats(frame)
    {'units'}
    >>> doubtful_floats(frame.assign(cost=["1,499.50", "80.00"]))
    set()
    """
    floats = {
        str(name) for name, dtype in frame.dtypes.items()
        if dtype.kind == "f" and (may_be_thousands(frame[name]) or _are_whole(frame[name]))
    }  # fmt: skip
    if not floats or not any(_has_decimal_comma(column) for _, column in frame.items()):
        return set()
    return floats


def may_be_thousands(column: Any) -> bool:
    """Whether all numbers have three digits behind the point, or none."""
    if not (isinstance(column.dtype, np.dtype) and column.dtype.kind == "f"):
        return False
    values = column.to_numpy()
    return _are_thousands(values[:LOOKED_AT]) is not False and bool(_are_thousands(values[:MOST]))


def _are_whole(column: Any) -> bool:
    """Whether floats are whole and below 1000: written like 2.000, or with gaps among them."""
    values = column.to_numpy()
    if not isinstance(column.dtype, np.dtype) or _are_thousands(values[:LOOKED_AT]) is not None:
        return False
    return bool(np.nanmax(values, initial=0.0) >= 1.0) and _are_thousands(values[:MOST]) is None


def _are_thousands(values: NDArray[np.float64]) -> bool | None:
    """Whether numbers may all be thousands; None if some may, and none has a fraction."""
    known = np.abs(values[~np.isnan(values)])
    if len(known) and known.max() >= THOUSANDS:
        return False
    fractions = known[np.floor(known) != known]
    if not len(fractions):
        return None
    return bool((fractions >= 1).all() and (np.round(fractions, 3) == fractions).all())


def _has_decimal_comma(column: Any) -> bool:
    """Whether the texts of a column are numbers with a decimal comma, beyond doubt."""
    if column.dtype.kind != "O" and not isinstance(column.dtype, pd.StringDtype):
        return False
    several = distinct_cells(column.head(LOOKED_AT))
    cells = [cell for cell in several.cells if isinstance(cell, str) and "," in cell]
    if not cells:
        return False
    fit = fit_numbers(cells, np.ones(len(cells), np.intp))
    known = np.isfinite(fit.numbers).mean()
    return bool(known > 0.9 and fit.form.decimal == "," and not fit.ambiguous)
