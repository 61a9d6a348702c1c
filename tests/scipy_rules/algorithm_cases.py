"""One check for a function that runs an algorithm of SciPy: plain, traced, compiled, derived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from central_differences import along

import chainrule as cr
from chainrule import tree


def agrees(
    f: Callable[..., Any], *arrays: Any, rtol: float = 1e-6, value: float = 1e-12, jit: bool = True,
    order: int = 2, step: float = 1e-5,
) -> None:  # fmt: skip
    """f's value is SciPy's, traced and compiled; its derivatives are those of a witness.

    f returns a number. The witness of the first derivative is central differences of SciPy's own
    numbers (with a wide `step` where these have noise), that of the second those of the first
    derivative.
    """
    arguments = tuple(np.asarray(x, float)[()] for x in arrays)
    every = tuple(range(len(arguments)))
    directions = [np.cos(np.arange(x.size) + 1.0).reshape(x.shape)[()] for x in arguments]
    expected = f(*arguments)
    traced, gradients = cr.value_and_grad(f, every)(*arguments)
    np.testing.assert_allclose(traced, expected, rtol=value)
    slope = along(f, arguments, directions, step)
    scale = rtol * max(1.0, abs(float(slope)))
    pulled = sum(np.sum(g * v) for g, v in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(pulled, slope, rtol=rtol, atol=scale)
    _, pushed = cr.jvp(f, arguments, directions)
    np.testing.assert_allclose(pushed, pulled, rtol=rtol, atol=scale)
    if jit:
        compiled = cr.jit(cr.value_and_grad(f, every))(*arguments)
        for a, b in zip(tree.leaves(compiled), [traced, *gradients], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-8, atol=1e-8)
    if order > 1:
        second_order(f, arguments, directions, rtol)


def second_order(f: Callable[..., Any], arguments: Any, directions: Any, rtol: float) -> None:
    """Derivatives of the gradient along a direction, in both modes, against differences of it."""

    def along_direction(*xs: Any) -> Any:
        gradients = cr.grad(f, tuple(range(len(xs))))(*xs)
        return sum(np.sum(g * v) for g, v in zip(gradients, directions, strict=True))

    slope = along(along_direction, arguments, directions)
    atol = rtol * max(1.0, abs(float(slope)))
    _, pushed = cr.jvp(along_direction, arguments, directions)
    np.testing.assert_allclose(pushed, slope, rtol=rtol, atol=atol)
    gradients = cr.grad(along_direction, tuple(range(len(arguments))))(*arguments)
    pulled = sum(np.sum(g * v) for g, v in zip(gradients, directions, strict=True))
    np.testing.assert_allclose(pulled, pushed, rtol=rtol, atol=atol)
