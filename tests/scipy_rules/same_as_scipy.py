"""One check for an expression of SciPy: plain, traced with values, without, compiled, derived."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).parents[1] / "trace"))

from agreement import leaves, without_values

import chainrule as cr


@dataclass(frozen=True)
class Case:
    """An expression with its arguments.

    Attributes
    ----------
    f : callable
    args : tuple of arrays
    order : int
        Up to which derivatives are compared with central differences.
    rtol : float
        How far values may be off, relatively, and absolutely where they are small.
    abstract : bool
        Whether it can be traced without values.
    """

    f: Callable[..., Any]
    args: tuple[Any, ...]
    order: int = 2
    rtol: float = 1e-11
    abstract: bool = True


def case(f: Callable[..., Any], *args: Any, **options: Any) -> Case:
    """A case with its arguments one by one."""
    return Case(f, args, **options)


def same(actual: Any, expected: Any, rtol: float) -> None:
    """The same shapes, dtypes and numbers."""
    for a, e in zip(leaves(actual), leaves(expected), strict=True):
        assert (a.shape, a.dtype) == (e.shape, e.dtype)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)


def check_values(c: Case) -> None:
    """SciPy's values, eagerly and from shapes and dtypes alone."""
    expected = c.f(*[np.array(x) for x in c.args])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cr.errors.GradientWarning)  # of what is flat
        same(cr.vjp(c.f, *c.args)[0], expected, c.rtol)
    if c.abstract:
        same(without_values(c.f, *c.args), leaves(expected), c.rtol)


def check_derivatives(c: Case) -> None:
    """Both modes against central differences, to the order of the case."""
    if c.order:
        cr.check_grads(c.f, c.args, order=c.order)


def check_compiled(c: Case) -> None:
    """The compiled function and its gradient are those of the eager one."""
    same(cr.jit(c.f)(*c.args), c.f(*c.args), c.rtol)

    def loss(*args: Any) -> Any:
        return sum(np.sum(np.sin(y)) for y in leaves_of(c.f(*args)))

    gradient = cr.grad(loss, argnums=tuple(range(len(c.args))))
    for a, b in zip(cr.jit(gradient)(*c.args), gradient(*c.args), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)


def leaves_of(result: Any) -> list[Any]:
    """The traced arrays in a result."""
    return list(result) if isinstance(result, (tuple, list)) else [result]
