"""switch: one of several functions, against indexing a list of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from central_differences import assert_close

import chainrule as cr
from chainrule.errors import DtypeError, ShapeError

BRANCHES = [np.sin, np.cos, lambda x: x**4 * 10.0, lambda x: x**2, np.exp]


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_each_branch_and_beyond_both_ends(count: int) -> None:
    """Values and derivatives; an index outside takes the branch at that end."""
    branches = BRANCHES[:count]

    def f(i: Any, x: Any) -> Any:
        return cr.switch(i, branches, x)

    compiled, gradient = cr.jit(f), cr.jit(cr.grad(f, 1))
    for i in range(-2, count + 2):
        chosen = branches[min(max(i, 0), count - 1)]
        for number in (i, np.int8(i), np.array(i)):
            assert_close(f(number, 0.5), chosen(0.5), 1e-15)
        assert_close(compiled(i, 0.5), chosen(0.5), 1e-15)
        assert_close(cr.grad(f, 1)(i, 0.5), cr.grad(chosen)(0.5), 1e-15)
        assert_close(gradient(i, 0.5), cr.grad(chosen)(0.5), 1e-15)
        assert_close(cr.grad(cr.grad(f, 1), 1)(i, 0.5), cr.grad(cr.grad(chosen))(0.5), 1e-15)


def test_in_a_loop_and_a_batch() -> None:
    index = np.array([4, 0, 7, 3, 2, 1, -1])
    ys = cr.scan(lambda c, i: (c, cr.switch(i, BRANCHES, c)), 0.5, index)[1]
    expected = [BRANCHES[min(max(i, 0), 4)](0.5) for i in index]
    assert_close(ys, expected, 1e-15)
    mapped = cr.vmap(lambda i, x: cr.switch(i, BRANCHES, x), (0, None))
    assert_close(mapped(index, 0.5), expected, 1e-15)
    assert_close(cr.jit(mapped)(index, 0.5), expected, 1e-15)


def test_only_the_branch_taken_runs() -> None:
    """Trees go in and out; others' callbacks are not called."""
    log: list[str] = []

    def says(name: str) -> Any:
        def branch(p: Any, k: Any) -> Any:
            cr.io_callback(lambda: log.append(name), None)
            return {"y": p["x"] * k}

        return branch

    f = cr.jit(lambda i: cr.switch(i, [says("a"), says("b"), says("c")], {"x": 2.0}, 3.0))
    assert f(1) == {"y": 6.0}
    assert log == ["b"]
    branch = cr.switch(2, [says("a"), says("b"), says("c")], {"x": 2.0}, 3.0)
    assert (branch, log) == ({"y": 6.0}, ["b", "c"])


def test_wrong_inputs() -> None:
    with pytest.raises(ValueError, match="no branch"):
        cr.switch(0, [], 1.0)
    with pytest.raises(ShapeError, match=r"the index has shape \(2,\)"):
        cr.switch(np.array([0, 1]), BRANCHES, 1.0)
    for index in (1.0, True):
        with pytest.raises(DtypeError, match="give an integer"):
            cr.switch(index, BRANCHES, 1.0)
    with pytest.raises(ShapeError, match="one branch returns"):
        cr.switch(0, [np.sin, lambda x: (x, x)], 1.0)
