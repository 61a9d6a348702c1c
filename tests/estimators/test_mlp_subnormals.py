"""Nothing in a training falls to subnormal numbers, which take a hundred times as long."""

import numpy as np
import pytest

from chainrule import optim
from chainrule.estimators import MLPClassifier
from chainrule.estimators.mlp.objectives import OBJECTIVES
from chainrule.estimators.mlp.steps import _without_subnormals
from chainrule.transforms import grad

TINY = np.finfo(np.float32).tiny


def subnormal(a):
    """How many of the numbers are subnormal."""
    return int(np.sum((np.abs(a) < TINY) & (a != 0)))


@pytest.mark.parametrize("gap", [5.0, 49.0, 60.0, 95.0, 100.0, 300.0])
def test_sure_softmax(gap):
    """Losses and gradients of rows that are sure, right or wrong, are those of exact arithmetic."""
    row_losses = OBJECTIVES["softmax"].row_losses
    z = np.array([[gap, 0.0, 1.0], [gap, 0.0, 1.0]], np.float32)
    y = np.eye(3, dtype=np.float32)[[0, 1]]
    exact = np.exp(z.astype(np.float64) - gap)
    total = exact.sum(axis=1, keepdims=True)
    losses = np.log(total[:, 0]) + gap - np.sum(y * z, axis=1)
    np.testing.assert_allclose(row_losses(z, y), losses, rtol=1e-6, atol=1e-6)
    slope = grad(lambda z: np.sum(row_losses(z, y)))(z)
    np.testing.assert_allclose(slope, exact / total - y, rtol=1e-5, atol=1e-7)
    assert subnormal(slope) == 0


@pytest.mark.parametrize("z", [-300.0, -95.0, -60.0, -20.0, 0.0, 20.0, 95.0])
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_sure_logistic(z, y):
    """The same of two classes."""
    row_losses = OBJECTIVES["logistic"].row_losses
    z, y = np.array([[z]], np.float32), np.array([[y]], np.float32)
    exact = np.logaddexp(0.0, z.astype(np.float64)) - y * z
    np.testing.assert_allclose(row_losses(z, y), exact[:, 0], rtol=1e-6, atol=1e-7)
    slope = grad(lambda z: np.sum(row_losses(z, y)))(z)
    with np.errstate(over="ignore"):
        np.testing.assert_allclose(slope, 1 / (1 + np.exp(-z)) - y, rtol=1e-5, atol=1e-7)
    assert subnormal(slope) == 0


def test_rare_gradients():
    """A weight that gets a gradient once in a long training leaves no subnormal means behind."""
    weights = {"coefs": [np.ones(2, np.float32)], "embedding": {"edges": np.zeros(2, np.float32)}}
    rule = optim.adam(optim.constant(0.01), 0.9, 0.95, 1e-8, epsilon_hat=True)
    state = rule.init(weights)
    for step in range(2200):
        at = np.float32(1e-4 if step == 0 else 0.0)
        grads = {"coefs": [np.array([at, 0], np.float32)],
                 "embedding": {"edges": np.zeros(2, np.float32)}}  # fmt: skip
        updates, state = rule.update(_without_subnormals(grads), state)
    means = [a for a in _arrays(state) if a.dtype == np.float32]
    assert len(means) == 4 and sum(map(subnormal, means)) == 0
    assert all(np.all(np.abs(a) <= 1.01e-18) for a in means)
    assert np.all(updates["embedding"]["edges"] == 0.0)
    assert np.all(np.abs(updates["coefs"][0]) < 1e-11)


@pytest.mark.filterwarnings("ignore:Stochastic Optimizer")
@pytest.mark.parametrize("solver", ["adamw", "lion"])
def test_weights_without_gradient(solver):
    """A column of zeros has no gradient, and no step changes its weights."""
    x = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    y, x[:, 1] = x[:, 0] > 0, 0.0
    settings = {"solver": solver, "alpha": 0.0, "weight_decay": 0.0, "random_state": 0}
    fits = [MLPClassifier((4,), max_iter=n, **settings).fit(x, y) for n in (1, 5)]
    first, last = (fit.coefs_[0] for fit in fits)
    np.testing.assert_allclose(first[1], last[1], rtol=0, atol=1e-9)
    assert np.abs(first[[0, 2]] - last[[0, 2]]).max() > 1e-3


def _arrays(node):
    """The arrays of a tree of tuples, lists and dicts."""
    if isinstance(node, dict):
        return [a for part in node.values() for a in _arrays(part)]
    if isinstance(node, (list, tuple)):
        return [a for part in node for a in _arrays(part)]
    return [np.asarray(node)]
