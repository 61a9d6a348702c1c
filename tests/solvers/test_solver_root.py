"""`root` against solutions that are known, and against SciPy with the Jacobian by hand."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest
from scipy import optimize

import chainrule as cr
from chainrule.errors import DataError, DtypeError, ShapeError, UnsupportedError

pytestmark = pytest.mark.usefixtures("_unoptimised")


def chain(x: Any) -> Any:
    """Broyden's tridiagonal function."""
    left, right = np.concatenate([[0.0], x[:-1]]), np.concatenate([x[1:], [0.0]])
    return (3.0 - 2.0 * x) * x - left - 2.0 * right + 1.0


def chain_by_hand(x: Any) -> Any:
    ones = np.ones(x.size - 1)
    return np.diag(3.0 - 4.0 * x) - np.diag(ones, -1) - 2.0 * np.diag(ones, 1)


@pytest.mark.parametrize("method", ["hybr", "lm", "broyden1", "krylov", "df-sane"])
def test_the_same_steps_as_with_a_jacobian_by_hand(method: str) -> None:
    """Evaluations are those of SciPy; methods that take no Jacobian are left alone."""
    start = np.full(6, -1.0)
    jac = chain_by_hand if method in ("hybr", "lm") else None
    ours, theirs = cr.root(chain, start, method=method), optimize.root(chain, start, jac=jac,
                                                                       method=method)  # fmt: skip
    assert ours.success and theirs.success
    np.testing.assert_allclose(ours.x, theirs.x, atol=1e-6)
    np.testing.assert_allclose(chain(ours.x), 0.0, atol=1e-5)
    if jac is not None:
        assert theirs.nfev == ours.nfev


def test_numbers_and_trees() -> None:
    """A number is a number; a tree comes back as one; further arguments may be arrays."""
    result = cr.root(lambda x, a: np.cos(x) - a * x, 0.5, (1.0,))
    assert np.shape(result.x) == () and abs(np.cos(result.x) - result.x) < 1e-12

    def equations(p: Any, c: Any) -> Any:
        return {"sum": p["a"] + p["b"] - c, "product": p["a"][0] * p["b"] - 2.0}

    found = cr.root(equations, {"a": np.array([0.5]), "b": 4.0}, np.array([3.0])).x
    np.testing.assert_allclose([found["a"][0], found["b"]], [1.0, 2.0], atol=1e-9)


def test_the_users_jacobian_is_taken() -> None:
    """A function, one beside the value, and differences."""
    calls: list[int] = []

    def jac(x: Any) -> Any:
        calls.append(1)
        return chain_by_hand(x)

    assert cr.root(chain, np.full(4, -1.0), jac=jac).success and calls
    assert cr.root(lambda x: (chain(x), jac(x)), np.full(4, -1.0), jac=True).success
    by_differences = cr.root(chain, np.full(4, -1.0), jac=False)
    assert by_differences.nfev > cr.root(chain, np.full(4, -1.0)).nfev


def test_functions_that_branch_on_values_have_roots() -> None:
    """What no graph is made of is differentiated as it runs."""

    def kinked(x: Any) -> Any:
        return np.stack([x[0] ** 3 if x[0] > 0 else x[0], x[1]]) - np.array([8.0, 1.0])

    np.testing.assert_allclose(cr.root(kinked, np.array([1.0, 0.0])).x, [2.0, 1.0], atol=1e-8)


SHIFT = 1.0
SHIFTS = [1.0]


class Shift:
    size = 1.0


def shifted(x: Any) -> Any:
    return x - SHIFT


def by_helper(x: Any) -> Any:
    return 2.0 * shifted(x)


def by_default(x: Any, shift: float = 1.0) -> Any:
    return x - shift


def test_whatever_a_function_reads_is_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """A global number, also of a function that it calls, a list, an attribute, a default."""
    here = sys.modules[__name__]
    functions = (shifted, by_helper, by_default, lambda x: x - SHIFTS[0], lambda x: x - Shift.size)
    for value in (1.0, 2.0, -0.0, 3):
        monkeypatch.setattr(here, "SHIFT", value)
        monkeypatch.setattr(Shift, "size", value)
        SHIFTS[0] = value
        by_default.__defaults__ = (value,)
        for function in functions:
            assert cr.root(function, 0.5).x == value
    by_default.__defaults__ = (1.0,)
    SHIFTS[0] = 1.0


def test_a_function_is_traced_as_often_as_must_be() -> None:
    """Once if it reads nothing else, or is under jit; else at each call, with one program."""
    traces: list[int] = []

    def plain(x: Any) -> Any:
        return x * x - 2.0

    def counting(x: Any) -> Any:
        traces.append(1)
        return x * x - 3.0

    compiled = cr.jit(counting)
    for _ in range(3):
        assert abs(cr.root(plain, 1.0).x - 2.0**0.5) < 1e-12
        assert abs(cr.root(counting, 1.0).x - 3.0**0.5) < 1e-12
    assert len(traces) == 3
    traces.clear()
    for _ in range(3):
        cr.root(compiled, 1.0)
    assert len(traces) == 1


@pytest.mark.parametrize(
    ("function", "x0", "error", "match"),
    [
        (lambda x: x[:1], np.ones(2), ShapeError, "1 numbers for 2 unknowns"),
        (lambda x: x, np.array([1, 2]), DtypeError, "int64"),
        (lambda x: np.log(x), -np.ones(2), DataError, "equation 0 is nan"),
        (
            lambda x: x - x[0] * cr.jit(lambda a: cr.root(lambda z: z - a, 1.0).x)(2.0),
            np.ones(1),
            UnsupportedError,
            r"scipy\.optimize",
        ),
        (lambda x: x, np.array([np.inf]), DataError, "inf at position 0"),
    ],
)
def test_wrong_input_of_root(function: Any, x0: Any, error: Any, match: str) -> None:
    """The error says which argument, and what was wrong with it."""
    with pytest.raises(error, match=match):
        cr.root(function, x0)
