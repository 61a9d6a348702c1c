"""Which rules hold for complex numbers. All others refuse them by name.

A rule that was written for real numbers would often give complex ones a wrong result in silence: a
square is no size, a transpose no adjoint. So a rule takes them only if it says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from ..errors import DtypeError, UnsupportedError, at_user_line
from .unsupported import public_name

# NumPy's functions; names of ufuncs; (ufunc, method); names of array methods after a dot
TAKES_COMPLEX: set[Any] = set()


def takes_complex(*functions: Any) -> None:
    """Enter functions, names of ufuncs or ``".methods"`` whose rules hold for complex numbers."""
    TAKES_COMPLEX.update(functions)


def has_complex(x: Any) -> bool:
    """Return whether x is complex: an array, a number, or a container with one in it."""
    kind = getattr(getattr(x, "dtype", None), "kind", None)
    if kind is not None:
        return bool(kind == "c")
    if isinstance(x, dict):
        x = list(x.values())
    if isinstance(x, (list, tuple)):
        return any(has_complex(entry) for entry in x)
    return type(x) is complex


def of_real_numbers(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return the rule for what is not NumPy's: it refuses complex arguments, if `name` does."""

    @wraps(rule)
    def checked(*args: Any, **kwargs: Any) -> Any:
        if name not in TAKES_COMPLEX and has_complex((args, kwargs)):
            if name.startswith("math."):
                raise TypeError(at_user_line("must be real number, not complex"))
            raise UnsupportedError(at_user_line(f"{name} of complex numbers is not supported"))
        return rule(*args, **kwargs)

    return checked


def refuse_complex(function: Any, method: str, arguments: Any) -> None:
    """Raise if an argument of a function is complex: its rule is one for real numbers."""
    if not has_complex(arguments):
        return
    name = function.__name__
    kinds = getattr(function, "types", None)
    if kinds is not None:
        name = public_name(name) if method == "__call__" else f"np.{name}.{method}"
        if not any("D" in kind for kind in kinds):
            raise DtypeError(at_user_line(f"{name} is not defined for complex numbers"))
    elif hasattr(function, "__module__"):
        name = f"{function.__module__.replace('numpy', 'np', 1)}.{name}"
    raise UnsupportedError(
        at_user_line(f"{name} of complex numbers is not supported: take it of .real and .imag")
    )
