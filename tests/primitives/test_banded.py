"""Equations with a banded matrix: solutions and slopes, by the matrix and by the right side."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.primitives.banded import solve_banded
from chainrule.trace.operands import record


@pytest.mark.parametrize("trans", [False, True])
@pytest.mark.parametrize(
    ("lower", "upper", "n"), [(1, 1, 5), (2, 1, 6), (0, 2, 5), (2, 2, 2), (1, 1, 1), (2, 0, 4)]
)
def test_solutions_and_slopes(lower: int, upper: int, n: int, trans: bool) -> None:
    """The solution of the dense equations, eagerly and compiled, to second order."""
    rng = np.random.default_rng(0)
    bands, b = rng.normal(size=(lower + upper + 1, n)), rng.normal(size=(n, 2))
    bands[upper] += 5
    dense = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            if -lower <= j - i <= upper:
                dense[i, j] = bands[upper + i - j, j]

    def f(bands: Any, b: Any) -> Any:
        return record(solve_banded, bands, b, bandwidth=(lower, upper), trans=trans)

    expected = np.linalg.solve(dense.T if trans else dense, b)
    np.testing.assert_allclose(cr.vjp(f, bands, b)[0], expected, rtol=1e-12)
    np.testing.assert_allclose(cr.jit(f)(bands, b), expected, rtol=1e-12)
    cr.check_grads(f, (bands, b))
