"""stop_gradient: a value that no derivative flows through."""

from __future__ import annotations

from typing import Any, TypeVar

from ... import tree
from ...primitives.structure import stop_gradient as stop
from ...trace.selection import Selection
from ...trace.tracer import ArrayTracer, ScalarTracer, Tracer

T = TypeVar("T")


def stop_gradient(x: T) -> T:
    """Return the value itself, with derivative zero.

    Parameters
    ----------
    x : pytree of arrays

    Returns
    -------
    pytree of arrays

    Examples
    --------
    >>> from chainrule.transforms import grad
    >>> float(grad(lambda x: x * stop_gradient(x))(3.0))
    3.0
    """
    return tree.map(_stopped, x)  # type: ignore[no-any-return]


def _stopped(leaf: Any) -> Any:
    if isinstance(leaf, Selection):
        return leaf.apply(_stopped, leaf)
    if isinstance(leaf, ArrayTracer):
        return ArrayTracer(stop(leaf.node))
    return ScalarTracer(stop(leaf.node), leaf.weak) if isinstance(leaf, Tracer) else leaf
