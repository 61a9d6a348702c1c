"""Objects that are no arrays of NumPy's beside traced arrays: what NumPy would ask of them."""

from __future__ import annotations

from typing import Any

from ..errors import refusals
from .plain_numbers import carries_derivative
from .tracer import METHODS, Tracer


def array_within(x: Any) -> Tracer | None:
    """Return the traced array that an object has and stands for, by its `__array__`; else None.

    Only an object with a traced attribute is asked: to ask may cost, and may be refused.
    """
    try:
        attributes = object.__getattribute__(x, "__dict__")  # whatever its `__getattr__` does
    except AttributeError:
        return None
    if type(attributes) is not dict or not any(
        issubclass(type(y), Tracer) for y in attributes.values()
    ):
        return None
    if any(hasattr(type(x), name) for name in ("__array_ufunc__", "__array_function__")):
        return None  # whose own rules NumPy asks for
    latest = refusals.latest
    try:
        as_array = x.__array__
        asked = getattr(as_array, "__self__", None)
        if issubclass(type(asked), Tracer):  # the object hands all questions on to its array
            return asked
        array = as_array()
    except Exception:  # what asks for an array then gets this error, or another one
        refusals.latest = latest
        return None
    return array if issubclass(type(array), Tracer) else None


def as_traced(x: Any) -> Any:
    """Return the traced array that an object stands for, and all else as it is."""
    array = None if issubclass(type(x), Tracer) else array_within(x)
    return x if array is None else array


def copy_within(x: Any) -> Any:
    """Return the copy that an object gives of the traced array that it stands for.

    As NumPy does we believe an object that takes ``copy=``.
    """
    if not issubclass(type(getattr(x.__array__, "__self__", None)), Tracer):
        try:
            return x.__array__(copy=True)
        except TypeError:
            pass
    return METHODS["copy"](as_traced(x))


def is_left_to(other: Any, x: Tracer) -> bool:
    """Return whether NumPy's array, which x is, leaves an operator to what is beside it.

    Only where no derivative can be lost: such an object asks for the array's numbers.
    """
    kind = type(other)
    if x.node.value is None or carries_derivative(x.node):
        return False
    if hasattr(kind, "__array_ufunc__"):
        return kind.__array_ufunc__ is None
    return getattr(kind, "__array_priority__", -1.0) > 0.0
