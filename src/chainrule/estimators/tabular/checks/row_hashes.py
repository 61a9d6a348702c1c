"""A number for each row of a table, by which equal rows are told in one pass."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....lazy import LazyModule

pd = LazyModule("pandas")

ODD = np.uint64(0x9E3779B97F4A7C15)  # 2**64 / golden ratio: Steele et al., "Fast splittable
MIXER = np.uint64(0xBF58476D1CE4E5B9)  # pseudorandom number generators", OOPSLA (2014)


def row_hashes(columns: Iterable[Any]) -> NDArray[np.uint64]:
    """A number of 64 bits for each row that is the same for equal rows, and else another one.

    Parameters
    ----------
    columns : iterable of pandas.Series
        One or more, whose cells are numbers, texts, dates or missing.

    Examples
    --------
    >>> frame = pd.DataFrame({"a": [1.0, 2.0, 1.0], "b": ["x", "x", "x"]})
    >>> hashes = row_hashes([frame["a"], frame["b"]])
    >>> (hashes == hashes[0]).tolist()
    [True, False, True]
    """
    hashes = np.zeros(1, np.uint64)
    for column in columns:
        kind = column.dtype.kind if isinstance(column.dtype, np.dtype) else "O"
        if kind in "iub":
            bits = column.to_numpy(np.int64 if kind != "u" else np.uint64).view(np.uint64)
        elif kind == "f":
            values = column.to_numpy(np.float64) + 0.0  # -0.0 + 0.0 is 0.0
            bits = np.where(np.isnan(values), np.nan, values).view(np.uint64)
        else:
            bits = pd.factorize(column, use_na_sentinel=True)[0].astype(np.int64).view(np.uint64)
        with np.errstate(over="ignore"):
            mixed = (bits ^ (bits >> np.uint64(30))) * MIXER
            hashes = (hashes ^ mixed ^ (mixed >> np.uint64(27))) * ODD
            hashes ^= hashes >> np.uint64(31)
    return hashes


def mixed_bits(bits: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Other numbers for these, which differ for each seed: their sums tell rows apart."""
    with np.errstate(over="ignore"):
        mixed = (bits ^ (bits >> np.uint64(30))) * MIXER + np.uint64(seed + 1) * ODD
        mixed = (mixed ^ (mixed >> np.uint64(27))) * ODD
        mixed = (mixed ^ (mixed >> np.uint64(31))) * MIXER
    return mixed ^ (mixed >> np.uint64(29))
