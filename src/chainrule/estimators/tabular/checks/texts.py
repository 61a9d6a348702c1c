"""What is in texts: the numbers, and the words."""

from __future__ import annotations

import re

import numpy as np

from ..typed_columns import Floats, TypedColumn

NUMBER = re.compile(r"[-+]?\d+(?:[.,]\d+)?")
HAVE_ONE = 0.9  # of the texts
FEWEST = 20  # different texts: fewer are categories


def first_numbers(column: TypedColumn) -> Floats:
    """The first number in each text of a column; NaN everywhere if most have none."""
    nothing = np.full(len(column.values), np.nan)
    if len(column.levels) < FEWEST:
        return nothing
    matches = [NUMBER.search(text) for text in column.levels]
    if sum(match is not None for match in matches) < HAVE_ONE * len(matches):
        return nothing
    numbers = [float(match.group().replace(",", ".")) if match else np.nan for match in matches]
    known = ~np.isnan(column.values)
    nothing[known] = np.array(numbers)[column.values[known].astype(int)]
    return nothing
