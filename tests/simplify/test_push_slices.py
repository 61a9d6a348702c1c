"""Slices go before convolutions and paddings."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import input_node
from chainrule.graph.types import Type
from chainrule.graph.verify import verify
from chainrule.nn.convolution import conv
from chainrule.primitives.structure import pad, slice_
from chainrule.simplify import simplify
from chainrule.simplify.push_slices import push_slices

DRAW = np.random.default_rng(0)
X, W = DRAW.normal(size=(5, 9, 8, 3)), DRAW.normal(size=(3, 2, 3, 4))


def names(graph):
    return [node.primitive.name for node in graph.nodes]


@pytest.mark.parametrize(
    "strides, dilation", [((1, 1), (1, 1)), ((2, 3), (1, 2)), ((3, 1), (2, 1))]
)
def test_a_cut_of_a_convolution(strides, dilation):
    """The same numbers; what is convolved is no larger than needed."""

    def f(x, w):
        return conv(x, w, stride=strides, dilation=dilation)[1:4, 1:2, :-1]

    graph = cr.make_graph(f)(X, W)
    made = verify(push_slices(graph))
    assert names(made)[-1] == "conv" and made.outputs[0].shape == f(X, W).shape
    np.testing.assert_allclose(evaluate(made, [X, W])[0], f(X, W), rtol=1e-13, atol=1e-13)


def test_a_convolution_that_others_read_stays():
    """It is computed anyway."""

    def f(x, w):
        y = conv(x, w)
        return y[:, 1:], np.sum(y)

    graph = cr.make_graph(f)(X, W)
    assert push_slices(graph) is graph


@pytest.mark.parametrize(
    "cut", [slice(0, 3), slice(2, 9), slice(3, 6), slice(4, 14), slice(10, 14)]
)
@pytest.mark.parametrize("step", [1, 2, 3])
def test_a_cut_of_a_padding(cut, step):
    """Every border of what was placed, inside and outside of the cut."""

    def f(x):
        y = np.zeros((14, 2), like=x)
        y[3 : 3 + 3 * step : step] = x
        return y[cut]

    x = np.arange(1.0, 7.0).reshape(3, 2)
    graph = cr.make_graph(cr.jit(f))(x)
    made = verify(push_slices(simplify(graph)))
    np.testing.assert_array_equal(evaluate(made, [x])[0], f(x))


@pytest.mark.parametrize("cut", [slice(0, 3, 1), slice(1, 5, 1), slice(4, 9, 1), slice(2, 8, 2)])
@pytest.mark.parametrize("put", [slice(1, 7, 2), slice(2, 5, 1), slice(7, 1, -2), slice(4, 1, -1)])
def test_a_cut_of_what_is_placed(put, cut):
    """Forwards it is cut before it is placed; backwards, and in steps, it stays as it is."""
    x = input_node(Type((3,), np.dtype(float)))
    graph = Graph((x,), (slice_(pad(x, shape=(9,), index=(put,)), index=(cut,)),))
    made = verify(push_slices(graph))
    values = np.array([1.0, 2.0, 4.0])
    np.testing.assert_array_equal(evaluate(made, [values])[0], evaluate(graph, [values])[0])
    some = np.zeros(9)
    some[put] = values
    if put.step < 0 or cut.step > 1 or not some[cut].any():
        assert made is graph
    else:
        (placed,) = [node for node in made.nodes if node.primitive is pad]
        assert (np.count_nonzero(some[cut]), made.outputs[0].shape[0]) == (
            placed.inputs[0].shape[0], placed.shape[0]
        )  # fmt: skip


def test_the_gradient_of_a_padded_convolution_is_no_larger_than_its_input():
    """The border of a padded input is not computed."""

    def f(x):
        return np.sum(conv(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), np.ones((3, 3, 3, 2))) ** 3)

    graph = simplify(cr.make_graph(cr.grad(f))(X))
    assert [n.shape for n in graph.nodes if n.primitive.name == "conv"] == [
        (5, 9, 8, 2),
        X.shape,
    ]
    np.testing.assert_allclose(evaluate(graph, [X])[0], cr.grad(f)(X), rtol=1e-12)
