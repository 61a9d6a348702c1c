"""How a tree of floating numbers lies in the one vector that an algorithm changes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import Any

import numpy as np

from .. import tree
from ..errors import DataError, DtypeError, ShapeError, UnsupportedError, at_user_line
from ..graph.types import is_complex, is_float
from ..trace.capture import as_array
from ..trace.tracer import Tracer

_NUMBERS = (bool, int, float, np.generic)
FLOAT64 = np.dtype(np.float64)


class Layout:
    """Where the leaves of a tree are in a vector of float64.

    Parameters
    ----------
    x0 : pytree
        The unknowns. A list or a tuple of plain numbers is one array, as it is for SciPy.
    name : str
        What errors call it, such as ``"minimize: x0"``.
    whole : bool
        Whether integers are taken, too. Default False.

    Attributes
    ----------
    start : float64[n]
        The numbers of `x0`.
    n : int
    key : hashable
        Equal for trees of the same structure and shapes.
    """

    def __init__(self, x0: Any, name: str, whole: bool = False) -> None:
        if isinstance(x0, (list, tuple)) and x0 and all(isinstance(x, _NUMBERS) for x in x0):
            x0 = np.asarray(x0)
        leaves, self.treedef = tree.flatten(x0)
        arrays = [_checked(leaf, name, whole) for leaf in leaves]
        self.shapes = [x.shape for x in arrays]
        self._ends = list(accumulate(prod(shape) for shape in self.shapes))
        self.n = self._ends[-1] if self._ends else 0
        if not self.n:
            raise ShapeError(at_user_line(f"{name} is empty: give at least one number"))
        self.start: Any = as_vector(arrays)
        if not np.isfinite(self.start).all():
            wrong = int(np.argmin(np.isfinite(self.start)))
            raise DataError(at_user_line(f"{name} has {self.start[wrong]} at position {wrong}"))
        self.key = (self.treedef, tuple(self.shapes))
        self.is_vector = self.treedef.is_leaf() and len(self.shapes[0]) == 1

    def restore(self, vector: Any) -> Any:
        """Return the tree whose numbers are those of a vector, plain or traced."""
        if self.is_vector:
            return vector
        starts = [0, *self._ends[:-1]]
        leaves = [
            np.reshape(vector[start:end], shape) if shape else vector[start]
            for start, end, shape in zip(starts, self._ends, self.shapes, strict=True)
        ]
        return tree.unflatten(self.treedef, leaves)

    def vector(self, x: Any, name: str) -> Any:
        """Return the numbers of a tree of this structure, or of a vector, as a vector."""
        leaves, treedef = tree.flatten(x)
        if treedef == self.treedef and [np.shape(leaf) for leaf in leaves] == self.shapes:
            return as_vector(leaves)
        if np.shape(x) == (self.n,):
            return as_vector([x])
        shapes = self.shapes[0] if self.treedef.is_leaf() else self.treedef
        raise ShapeError(
            at_user_line(
                f"{name} has shape {np.shape(x)}, and must be like x0, {shapes}, or ({self.n},)"
            )
        )


def as_vector(leaves: Sequence[Any]) -> Any:
    """Return all numbers of some arrays, plain or traced, as one vector of float64."""
    parts = [np.ravel(x) if isinstance(x, Tracer) else np.asarray(x).ravel() for x in leaves]
    if not parts:
        return np.zeros(0)
    parts = [x if x.dtype == FLOAT64 else x.astype(FLOAT64) for x in parts]
    return np.concatenate(parts)


def _checked(leaf: Any, name: str, whole: bool) -> Any:
    array = as_array(leaf, name)
    if isinstance(array, Tracer):
        function = name.partition(":")[0]
        raise UnsupportedError(
            at_user_line(
                f"{name} is traced: chainrule.{function} runs with plain numbers; "
                f"scipy.optimize.{function}, called in a function that is traced, has a derivative"
            )
        )
    if is_complex(array.dtype):
        raise DtypeError(at_user_line(f"{name} is {array.dtype}: give real numbers"))
    if not is_float(array.dtype) and not whole:
        raise DtypeError(
            at_user_line(
                f"{name} is {array.dtype}, which cannot move in small steps: give floating "
                "numbers, such as 1.0 or x.astype(float)"
            )
        )
    return array
