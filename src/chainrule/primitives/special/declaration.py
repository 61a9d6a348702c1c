"""How a special function is declared: SciPy computes its value, a formula states its slopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

from ...errors import GradientError, at_user_line
from ...graph.node import REFERENCE, Primitive
from ...lazy import LazyModule
from ..declare import Partials, Ufunc, elementwise

scipy_special = LazyModule("scipy.special")
SPECIAL: dict[str, tuple[Primitive, ...]] = {}  # by the name of SciPy's ufunc, one a result
Domain = Sequence[tuple[float, float]]
ANYWHERE = (-3.0, 3.0)
POSITIVE = (0.1, 4.0)
UNIT = (0.05, 0.95)


def special(
    name: str, partials: Partials | None, *domain: tuple[float, float],
    native: Callable[..., Any] | None = None,
) -> Primitive:  # fmt: skip
    """Declare SciPy's ufunc of that name, with its derivative by each argument.

    A domain of two integers says that tests draw integers. ``native(xp, *x)`` is the formula for
    executors that have code for all functions in it.
    """

    def evaluate(xp: Any, *x: Any) -> Any:
        if native is None or xp is REFERENCE:
            return getattr(scipy_special, name)(*x)
        return native(xp, *x)

    source = Ufunc("scipy.special", name)
    primitive = elementwise(name, evaluate, partials, domain=domain, family="special", ufunc=source)
    SPECIAL[name] = (primitive,)
    return primitive


def formula(
    name: str, evaluate: Callable[..., Any], partials: Partials, *domain: tuple[float, float],
    ufunc: Ufunc | None = None, whole: int = 0,
) -> Primitive:  # fmt: skip
    """Declare a special function by the formula of its value, which may have native code."""
    return elementwise(
        name, evaluate, partials, domain=domain, family="special", ufunc=ufunc, whole=whole
    )


def results(
    name: str, members: Sequence[str], partials: Sequence[Partials], *domain: tuple[float, float],
    native: bool = True,
) -> tuple[Primitive, ...]:  # fmt: skip
    """Declare a ufunc of several results as one primitive for each of them.

    One that may fail for want of memory is not called from native code, which knows no exceptions.
    """

    def member(k: int) -> Primitive:
        return elementwise(
            members[k],
            lambda _xp, *x: getattr(scipy_special, name)(*x)[k],
            partials[k],
            domain=domain,
            family="special",
            ufunc=Ufunc("scipy.special", name, k) if native else None,
        )

    SPECIAL[name] = tuple(member(k) for k in range(len(members)))
    return SPECIAL[name]


def refused(function: str, argument: str) -> Callable[[], NoReturn]:
    """Return a partial derivative that says it is not there, if it is asked for."""
    name = function if "." in function else f"scipy.special.{function}"

    def partial() -> NoReturn:
        raise GradientError(
            at_user_line(
                f"{name} has no derivative by {argument} here: hold it constant "
                "with chainrule.stop_gradient if none is meant"
            )
        )

    return partial
