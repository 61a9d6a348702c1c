"""Arrays that share memory where a function writes into its arguments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from .tracer import ArrayTracer
from .views import root_of


def check_no_alias(written: Sequence[Any], arguments: Sequence[Any]) -> None:
    """Raise if an argument that the function writes shares memory with another one.

    Each argument is traced as an array of its own, so that the other would not see the write.
    """
    for x in written:
        for other in arguments:
            if other is not x and _may_alias(x, other):
                raise UnsupportedError(at_user_line(_ALIASED))
        if sum(other is x for other in arguments) > 1:
            raise UnsupportedError(at_user_line(_ALIASED))


def _may_alias(x: Any, other: Any) -> bool:
    if isinstance(x, ArrayTracer) and isinstance(other, ArrayTracer):
        return root_of(x) is root_of(other)
    return type(x) is np.ndarray and type(other) is np.ndarray and np.may_share_memory(x, other)


def check_results_not_aliased(leaves: Sequence[Any]) -> None:
    """Raise if results of a function that writes into its arguments are views of each other.

    A loop would hand them on as one array, of which its next iteration would write both.
    """
    roots = [id(root_of(x)) for x in leaves if isinstance(x, ArrayTracer)]
    if len(set(roots)) < len(roots):
        raise UnsupportedError(
            at_user_line(
                "a function that writes into its arguments returns one array twice, or a view "
                "beside it: return copies"
            )
        )


_ALIASED = (
    "the function writes into an argument that shares memory with another argument, or is given "
    "twice: hand over a copy, since each argument is traced as an array of its own"
)
