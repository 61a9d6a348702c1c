"""What the backward pass of a loop remembers: as little as it can compute the rest from."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr

XS = np.random.default_rng(0).uniform(0.5, 1.5, size=(4, 3))


def remembered(f: Callable[..., Any], *args: Any) -> list[tuple[int, ...]]:
    """Shapes of what the backward loop reads turn by turn, after a check of its numbers."""
    graph = cr.make_graph(cr.grad(f))(*args)
    scans = [node for node in graph.nodes if node.primitive.name == "scan"]
    (backward,) = [node for node in scans if node.params["reverse"]]
    start, count = backward.params["n_carry"], backward.params["n_xs"]
    cr.check_grads(lambda x: f(x, *args[1:]), args[:1], order=1)
    return [t.shape for t in backward.params["body"].input_types[start : start + count]]


def turns(body: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """The sum of what a loop over XS ends with, as a function of where it begins."""
    return lambda c: np.sum(cr.scan(lambda c, x: (body(c, x), None), c, XS)[0])


C = np.array([0.3, -0.2, 0.5])


def test_a_linear_loop_remembers_nothing() -> None:
    """d(2 c + x) is 2 dc, whatever c and x are."""
    assert [] == remembered(turns(lambda c, x: 2.0 * c + np.sin(x)), C)


def test_results_serve_as_residuals() -> None:
    """The slope of tanh is 1 - y * y: y is stored, not its argument, and not its square."""
    assert [(3,)] == remembered(turns(lambda c, x: np.tanh(c + x)), C)
    assert [(3,), (3,)] == remembered(turns(lambda c, x: np.tanh(c) * np.exp(c)), C)


def test_slices_of_what_is_there_are_not_stored_again() -> None:
    """c * x reads x, which the caller has; sin(x) of the body is stored: it costs to compute."""
    assert [(3,)] == remembered(turns(lambda c, x: c * x), C)
    assert [(3,)] == remembered(turns(lambda c, x: c * np.sin(x)), C)


def test_views_are_made_again() -> None:
    """One number a turn is stored, not what it is broadcast to, nor what is turned."""
    assert [()] == remembered(turns(lambda c, x: c * np.broadcast_to(np.exp(np.sum(x)), 3)), C)
    assert [(1, 3)] == remembered(turns(lambda c, x: c * np.sin(x[None]).T.reshape(3)), C)


@pytest.mark.parametrize(("operations", "stored"), [(1, 0), (4, 0), (5, 1), (6, 1)])
def test_a_little_arithmetic_is_done_again(operations: int, stored: int) -> None:
    """Up to four operations from a slice that is read anyway; the result of five is stored."""

    def body(c: Any, x: Any) -> Any:
        factor = x
        for _ in range(operations):
            factor = factor + x
        return c * factor * x

    assert [(3,)] * (1 + stored) == remembered(turns(body), C)
    graph = cr.make_graph(cr.grad(turns(body)))(C)
    stacks = [
        len(node.params["body"].outputs) - node.params["n_carry"]
        for node in graph.nodes if node.primitive.name == "scan" and not node.params["reverse"]
    ]  # fmt: skip
    assert stored == sum(stacks)


@pytest.mark.parametrize(("operations", "stored"), [(1, 0), (3, 0), (4, 1), (7, 1)])
def test_what_follows_from_the_number_of_a_turn_is_not_stored(operations: int, stored: int) -> None:
    """The backward loop counts back, and does up to four operations: a cast is one of them."""

    def f(c: Any) -> Any:
        def body(i: Any, c: Any) -> Any:
            factor = k = np.asarray(i, like=c) * 1.0
            for _ in range(operations - 1):
                factor = factor * k
            return c * (factor + 0.5)

        return np.sum(cr.fori_loop(1, 4, body, c))

    assert stored == len(remembered(f, C))


def test_a_row_that_the_number_of_a_turn_names_is_looked_up_again() -> None:
    """A table is read backwards; the table's rows are not stacked."""
    table = np.random.default_rng(1).uniform(0.5, 1.5, size=(4, 3))
    f = lambda c: np.sum(  # noqa: E731
        cr.fori_loop(0, 4, lambda i, c: c * np.asarray(table, like=c)[i], c)
    )
    assert [] == remembered(f, C)
    np.testing.assert_allclose(cr.grad(f)(C), np.prod(table, axis=0), rtol=1e-14)


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize(("start", "step"), [(1, 1), (7, -2), (250, 5)])
@pytest.mark.parametrize("turned", [False, True])
def test_counters_of_any_step_count_back(start: int, step: int, turned: bool) -> None:
    """Also around the end of their dtype: 250, 255, 4 (of uint8)."""
    kind: Any = np.uint8 if start == 250 else np.int64

    def f(c: Any) -> Any:
        def body(carry: Any, _: Any) -> Any:
            count, c = carry
            factor = np.where(count > 100, 2.0, 3.0) * (count * 1.0)
            new = count + kind(step) if step > 0 else count - kind(-step)
            return (kind(step) + count if turned else new, c * factor), None

        return cr.scan(body, (kind(start), c), None, length=3)[0][1]

    counts = np.array([start, start + step, start + 2 * step]).astype(kind)
    expected = np.prod(np.where(counts > 100, 2.0, 3.0) * counts)
    for g in (cr.grad(f), cr.jit(cr.grad(f))):
        assert expected == pytest.approx(g(0.7), rel=1e-14)
    scans = [n for n in cr.make_graph(cr.grad(f))(0.7).nodes if n.primitive.name == "scan"]
    (backward,) = [node for node in scans if node.params["reverse"]]
    assert 0 == backward.params["n_xs"]
