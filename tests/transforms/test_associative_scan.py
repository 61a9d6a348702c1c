"""associative_scan: partial results against a loop."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from central_differences import assert_close, gradient

import chainrule as cr
from chainrule.errors import DtypeError, ShapeError

SIZES = [0, 1, 2, 3, 4, 5, 6, 7, 8, 13, 33]


@pytest.mark.parametrize("n", SIZES)
def test_sums_along_any_axis(n: int) -> None:
    """With and without jit, from either end."""
    x = np.random.default_rng(n).normal(size=(3, n))
    expected = np.cumsum(x, axis=1)
    backwards = np.cumsum(x[:, ::-1], axis=1)[:, ::-1]
    assert_close(cr.associative_scan(np.add, x, axis=1), expected, 1e-13)
    assert_close(cr.associative_scan(np.add, x, reverse=True, axis=-1), backwards, 1e-13)
    if n in (0, 1, 2, 7, 33):
        run = cr.jit(lambda x: cr.associative_scan(np.add, x.T, reverse=True))
        assert_close(run(x), backwards.T, 1e-13)


@pytest.mark.parametrize("reverse", [False, True])
def test_an_operation_that_does_not_commute(reverse: bool) -> None:
    """Products of matrices, in a tree with integers, in the order of a loop."""
    ms = np.random.default_rng(0).normal(size=(11, 2, 2))
    counts = np.arange(11)

    def combine(a: Any, b: Any) -> Any:
        return {"m": a["m"] @ b["m"], "n": a["n"] + b["n"]}

    results = cr.associative_scan(combine, {"m": ms, "n": counts}, reverse=reverse)
    product, total = np.eye(2), 0
    order = reversed(range(11)) if reverse else range(11)
    for k in order:
        product, total = product @ ms[k], total + counts[k]
        assert_close(results["m"][k], product, 1e-13)
        assert results["n"][k] == total


def test_derivatives() -> None:
    """Of a recurrence, against the loop and central differences, in both modes and orders."""
    rng = np.random.default_rng(1)
    a, b, w = rng.normal(size=(3, 13))

    def combine(p: Any, q: Any) -> Any:
        return q[0] * p[0], q[0] * p[1] + q[1]

    def by_tree(a: Any, b: Any) -> Any:
        return np.sum(cr.associative_scan(combine, (a, b))[1] ** 2 * w)

    def by_loop(a: Any, b: Any) -> Any:
        step = cr.scan(lambda s, ab: (ab[0] * s + ab[1],) * 2, 0.0, (a, b))
        return np.sum(step[1] ** 2 * w)

    expected = cr.grad(by_loop, (0, 1))(a, b)
    for g in (cr.grad(by_tree, (0, 1)), cr.jit(cr.grad(by_tree, (0, 1)))):
        for x, y in zip(g(a, b), expected, strict=True):
            assert_close(x, y, 1e-12)
    assert_close(expected[0], gradient(lambda a: by_tree(a, b), a), 1e-7)
    assert_close(cr.jvp(by_tree, (a, b), (b, a)), cr.jvp(by_loop, (a, b), (b, a)), 1e-12)
    assert_close(cr.hessian(by_tree)(a, b), cr.hessian(by_loop)(a, b), 1e-11)
    assert_close(cr.vmap(by_tree)(np.stack([a, b]), np.stack([b, a])),
                 [by_loop(a, b), by_loop(b, a)], 1e-12)  # fmt: skip


def test_few_calls_with_twice_the_work() -> None:
    """As many calls as levels, two each; a loop has one a pair."""
    sizes: list[int] = []

    def add(a: Any, b: Any) -> Any:
        sizes.append(len(a))
        return a + b

    cr.associative_scan(add, np.ones(1024))
    assert len(sizes) == 19
    assert sum(sizes) < 2 * 1024


def test_wrong_inputs() -> None:
    x = np.ones((4, 2))
    with pytest.raises(ShapeError, match=r"different sizes \[3, 4\] along axis 0"):
        cr.associative_scan(lambda a, b: a, (x, np.ones(3)))
    with pytest.raises(ShapeError, match="no arrays in elems"):
        cr.associative_scan(np.add, ())
    with pytest.raises(ShapeError, match="axis 2 of elems, which has 2 axes"):
        cr.associative_scan(np.add, x, axis=2)
    with pytest.raises(ShapeError, match="axis 0 of elems, which has 0 axes"):
        cr.associative_scan(np.add, 1.0)
    with pytest.raises(ShapeError, match=r"returned an array of shape \(2,\) for two of shape"):
        cr.associative_scan(lambda a, b: np.sum(a + b, axis=1), x)
    with pytest.raises(ShapeError, match="and the function returned"):
        cr.associative_scan(lambda a, b: (a, b), x)
    with pytest.raises(DtypeError, match="elems"):
        cr.associative_scan(np.add, "text")
