"""switch: one of several functions, as a number decides."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, TypeVarTuple

import numpy as np

from ...errors import DtypeError, ShapeError, at_user_line
from ...trace.capture import as_array
from ...tracebacks import filters_traceback
from .branches import cond

R = TypeVar("R")
Operands = TypeVarTuple("Operands")


@filters_traceback
def switch(index: Any, branches: Sequence[Callable[[*Operands], R]], *operands: *Operands) -> R:
    """Run ``branches[index](*operands)`` as a part of the graph.

    Only the branch that is taken is computed: the others are passed by in a tree of `cond`, whose
    depth is the logarithm of how many there are. As `jax.lax.switch`.

    Parameters
    ----------
    index : int or integer array of shape ()
        Below 0 the first branch is taken, beyond the end the last one.
    branches : sequence of callables
        All return the same structure, shapes and dtypes.
    *operands : pytree
        What the chosen one is given.

    Returns
    -------
    pytree
        What it returns.

    Raises
    ------
    ValueError
        If there is no branch.
    DtypeError, ShapeError
        If `index` is not one integer, or the branches differ in what they return.

    Examples
    --------
    >>> import numpy as np
    >>> branches = [np.sin, np.cos, lambda x: x * 10.0]
    >>> float(switch(2, branches, 0.5)), float(switch(-3, branches, 0.0))
    (5.0, 0.0)
    """
    functions = tuple(branches)
    if not functions:
        raise ValueError(at_user_line("switch: there is no branch to take"))
    number = as_array(index, "the index of switch")
    if number.shape != ():
        raise ShapeError(
            at_user_line(f"switch: the index has shape {number.shape}: give one number")
        )
    if number.dtype.kind not in "iu":
        raise DtypeError(at_user_line(f"switch: the index is {number.dtype}: give an integer"))

    def among(first: int, stop: int) -> Callable[[*Operands], R]:
        if stop - first == 1:
            return functions[first]
        middle = (first + stop) // 2
        before, after = among(first, middle), among(middle, stop)
        return lambda *xs: cond(np.less(number, middle), before, after, *xs)

    if len(functions) == 1:  # traced as a branch is, all the same
        return cond(True, functions[0], functions[0], *operands)
    return among(0, len(functions))(*operands)
