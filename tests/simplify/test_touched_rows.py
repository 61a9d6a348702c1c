"""Updates are written to the rows that were looked up, where nothing else changes."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.evaluate import evaluate
from chainrule.graph.verify import verify
from chainrule.simplify import simplify

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(24, 3))
CODES = np.array([[3, 0], [3, 23]])
V = DRAW.normal(size=(2, 2, 3))
ZERO, MINUS_ZERO = 0.0, -0.0


def changed(x, v, codes, *, axis=-1, rest=None, plus=None):
    """A row of x is changed where its gradient is not 0."""
    slope = np.zeros(x.shape)
    np.add.at(slope, codes, v)
    has_gradient = np.any(slope != 0, axis=axis, keepdims=True)
    new = np.sqrt(np.abs(x)) + slope * slope[..., :1]
    if plus is not None:
        return x + np.where(has_gradient, new, plus)
    return np.where(has_gradient, new, x if rest is None else rest)


def simplified(function, *arguments):
    graph = cr.make_graph(function)(*arguments)
    return graph, verify(simplify(graph))


def full_size(graph, shape):
    """What is computed for all rows."""
    return [node.primitive.name for node in graph.nodes if node.shape == shape and node.inputs]


@pytest.mark.parametrize("plus", [None, MINUS_ZERO])
def test_only_looked_up_rows_are_computed(plus):
    """To the same bits; of a code that comes twice, and of one whose values add up to 0, too."""
    v = V.copy()
    v[1, 0] = -v[0, 0]
    graph, simple = simplified(lambda x, v, c: changed(x, v, c, plus=plus), X, v, CODES)
    assert full_size(simple, X.shape) == ["scatter_add", "scatter"]
    for values in (v, V, np.full_like(V, np.nan), np.zeros_like(V)):
        (expected,) = evaluate(graph, [X, values, CODES])
        np.testing.assert_array_equal(evaluate(simple, [X, values, CODES])[0], expected)
        compiled = cr.jit(lambda x, v, c: changed(x, v, c, plus=plus))(X, values, CODES)
        np.testing.assert_array_equal(compiled, expected)


def test_rows_of_two_axes():
    """Members that are trained side by side have a table each: a row is a member's code's."""
    x, codes = DRAW.normal(size=(2, 40, 3)), DRAW.integers(0, 40, (2, 5))
    v = DRAW.normal(size=(2, 5, 3))

    def both(x, v, codes):
        return changed(x, v, (np.arange(2)[:, None], codes))

    graph, simple = simplified(both, x, v, codes)
    assert full_size(simple, x.shape) == ["scatter_add", "scatter"]
    np.testing.assert_array_equal(
        evaluate(simple, [x, v, codes])[0], evaluate(graph, [x, v, codes])[0]
    )


@pytest.mark.parametrize(
    "options",
    [{"axis": 0}, {"rest": np.ones(X.shape) * 2.0 + X}, {"plus": ZERO}, {"plus": 1.0}],
    ids=["by column", "another array", "plus 0", "plus 1"],
)
def test_what_may_change_other_rows(options):
    """By columns, or by adding 0, which changes -0: all rows are computed. An array is changed."""
    graph, simple = simplified(lambda x, v, c: changed(x, v, c, **options), X, V, CODES)
    is_of_rows = "rest" in options
    assert ("where" in full_size(simple, X.shape)) != is_of_rows
    np.testing.assert_array_equal(
        evaluate(simple, [X, V, CODES])[0], evaluate(graph, [X, V, CODES])[0]
    )


def test_many_rows_are_computed_all():
    """More than one of four."""
    codes, v = np.arange(7), DRAW.normal(size=(7, 3))
    _, simple = simplified(lambda x, v, c: changed(x, v, c), X, v, codes)
    assert "where" in full_size(simple, X.shape)
