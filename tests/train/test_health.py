"""gradient_health: numbers of networks that were built dead, saturated, or well."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import losses, nn, random
from chainrule.errors import DataError
from chainrule.train import gradient_health

pytestmark = pytest.mark.usefixtures("_unoptimised")

X = np.array([[-1.0], [0.0], [2.0], [3.0]])


def network(activation, *layers):
    """An MLP of float64 with the given (weight, bias) a layer."""
    sizes = [len(weight) for weight, _ in layers] + [len(layers[-1][1])]
    model = nn.MLP(sizes[0], sizes[1:-1], sizes[-1], activation, key=random.key(0), dtype=float)
    made = [
        layer.replace(weight=np.array(weight, float), bias=np.array(bias, float))
        for layer, (weight, bias) in zip(model.layers, layers, strict=True)
    ]
    return model.replace(layers=tuple(made))


def health(model, x=X, y=None):
    return gradient_health(
        model, losses.squared_error, x, np.zeros((len(x), 1)) if y is None else y
    )


def test_norms_are_those_of_a_gradient_by_hand():
    """Linear model y = 2 x + 1, target 0: dL/dw = mean(2 y x), dL/db = mean(2 y)."""
    found = health(network(nn.relu, ([[2.0]], [1.0])))
    y = 2.0 * X + 1.0
    assert np.mean(y**2) == found.loss
    assert np.mean(2 * y * X) == found.gradient_norms["layers.0.weight"]
    assert np.mean(2 * y) == found.gradient_norms["layers.0.bias"]
    assert {"layers.0.weight": 2.0, "layers.0.bias": 1.0} == found.weight_norms
    assert ({}, {}) == (found.dead, found.saturated)  # no hidden layer


def test_norms_are_named_like_the_leaves():
    model = nn.MLP(3, (5, 4), 2, np.tanh, key=random.key(3), dtype=float)
    x = np.random.default_rng(0).normal(size=(7, 3))
    found = gradient_health(model, losses.squared_error, x, np.ones((7, 2)))
    gradient = cr.grad(lambda m: losses.squared_error(m(x), np.ones((7, 2))))(model)
    expected = [np.sqrt(np.sum(leaf**2)) for leaf in cr.tree.leaves(gradient)]
    assert cr.tree.names(model) == list(found.gradient_norms) == list(found.weight_norms)
    assert expected == pytest.approx(list(found.gradient_norms.values()), rel=1e-14)


def test_dead_units():
    """Inputs -1 ... 3: a bias of -3 leaves relu at 0 on all rows, -2.9 does not."""
    hidden = ([[1.0, 1.0, 1.0, -1.0]], [0.0, -3.0, -2.9, -1.0])
    found = health(network(nn.relu, hidden, (np.ones((4, 1)), [0.0])))
    assert {"layers.0": 0.5} == found.dead  # relu(-x - 1) is 0 at x = -1, and below 0 elsewhere
    some = health(network(nn.relu, hidden, (np.ones((4, 1)), [0.0])), np.array([[0.0], [2.95]]))
    assert {"layers.0": 0.5} == some.dead  # of two rows it is units that count
    more = health(network(nn.relu, hidden, (np.ones((4, 1)), [0.0])), np.array([[-2.0]] * 5))
    assert {"layers.0": 0.75} == more.dead
    assert {} == found.saturated


def test_a_dead_layer_stops_the_gradient():
    dead = ([[1.0, 1.0]], [-50.0, -60.0])
    found = health(network(nn.relu, dead, (np.eye(2), [1.0, -1.0]), (np.ones((2, 1)), [0.0])))
    assert {"layers.0": 1.0, "layers.1": 0.5} == found.dead
    assert 0.0 == found.gradient_norms["layers.0.weight"] == found.gradient_norms["layers.1.weight"]
    assert 2.0 == found.gradient_norms["layers.2.bias"]  # the output is 1 on all rows


@pytest.mark.parametrize(("activation", "edge"), [(np.tanh, 2.9932), (nn.sigmoid, 4.5850)])
def test_saturated_outputs(activation, edge):
    """|slope| < 0.01 begins where 1 - tanh(x)**2, or y (1 - y), falls below it."""
    x = np.array([[-edge - 1e-3], [-edge + 1e-3], [edge - 1e-3], [edge + 1e-3]])
    found = health(network(activation, ([[1.0, 0.0]], [0.0, 0.0]), (np.ones((2, 1)), [0.0])), x)
    assert {"layers.0": 2 / 8} == found.saturated
    assert {"layers.0": 0.0} == found.dead
    stuck = ([[1.0, 0.0]], [0.0, 50.0])
    found = health(network(activation, stuck, (np.ones((2, 1)), [0.0])), x)
    assert {"layers.0": 6 / 8} == found.saturated
    assert {"layers.0": 0.5} == found.dead


@pytest.mark.parametrize(("activation", "edge"), [(np.tanh, 2.9932), (nn.relu, 0.0)])
def test_a_falling_activation_is_as_alive_as_a_rising_one(activation, edge):
    """Slopes of -1 are not flat: what counts is how far they are from 0."""
    x = np.array([[-edge - 1e-3], [edge + 1e-3], [0.5], [1.5]])
    layers = (([[1.0, 0.0]], [0.0, -50.0]), (np.ones((2, 1)), [0.0]))
    rising = health(network(activation, *layers), x)
    falling = health(network(lambda z: -activation(z), *layers), x)
    assert {"layers.0": 0.5} == rising.dead == falling.dead
    assert ({"layers.0": 6 / 8} if activation is np.tanh else {}) == falling.saturated
    assert rising.saturated == falling.saturated


@pytest.mark.parametrize("activation", [nn.leaky_relu, nn.elu, nn.gelu, nn.silu, nn.softplus])
def test_one_sided_activations_do_not_saturate(activation):
    """Of biases 0 and -40, the second is dead where the left side is flat; leaky_relu's is not."""
    hidden = ([[1.0, 1.0]], [0.0, -40.0])
    found = health(network(activation, hidden, (np.ones((2, 1)), [0.0])))
    assert {} == found.saturated
    assert {"layers.0": 0.0 if activation is nn.leaky_relu else 0.5} == found.dead


def test_any_module_has_norms():
    """Without layers and activation, those are left out."""

    class Scale(nn.Module):
        factor: np.ndarray

        def __call__(self, x):
            return self.factor * x

    found = health(Scale(np.array([3.0])))
    assert {"factor": 3.0} == found.weight_norms
    assert {"factor": np.mean(2 * 3.0 * X * X)} == found.gradient_norms
    assert ({}, {}) == (found.dead, found.saturated)


def test_tiny_float32_gradients_keep_their_norm():
    model = network(nn.relu, ([[1.0]], [0.0]))
    model = cr.tree.map(lambda leaf: leaf.astype(np.float32), model)
    found = gradient_health(model, lambda p, y: 1e-30 * np.mean(p), X, np.zeros((4, 1)))
    assert 1e-30 == pytest.approx(found.gradient_norms["layers.0.bias"], rel=1e-6)


def test_rows_are_checked():
    with pytest.raises(DataError, match="4 rows and y 3"):
        health(network(nn.relu, ([[2.0]], [1.0])), X, np.zeros((3, 1)))
