"""Layers in training: keys are handed down, statistics come back up."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, optim, random, tree
from chainrule.errors import ShapeError
from chainrule.transforms import jit, scan, value_and_grad

KEY = random.key(3)
X = np.random.default_rng(0).normal(size=(8, 4))


def network() -> Any:
    """Noise and statistics, also within residuals."""
    a, b, c = random.split(random.key(0), 3)
    inner = nn.Sequential(nn.BatchNorm(5, dtype=float), np.tanh, nn.Dropout(0.5))
    return nn.Sequential(
        nn.Dense(4, 5, key=a, dtype=float),
        nn.Residual(inner),
        nn.Residual(
            nn.Dense(5, 3, key=b, dtype=float),
            nn.Sequential(nn.Dense(5, 3, key=c, dtype=float), nn.BatchNorm(3, dtype=float)),
        ),
        nn.relu,
    )


def test_trained_does_what_each_layer_does() -> None:
    """Key and statistics if there are, else a call."""
    dense = nn.Dense(4, 5, key=KEY, dtype=float)
    y, moved = nn.apply_train(dense, X, KEY)
    assert moved is dense
    np.testing.assert_array_equal(y, dense(X))
    assert nn.apply_train(np.tanh, X, KEY)[1] is np.tanh
    norm = nn.BatchNorm(4, dtype=float)
    y, moved = nn.apply_train(norm, X, KEY)
    np.testing.assert_array_equal(y, norm.train(X)[0])
    np.testing.assert_array_equal(moved.mean, norm.train(X)[1].mean)
    drop = nn.Dropout(0.5)
    np.testing.assert_array_equal(nn.apply_train(drop, X, KEY)[0], nn.dropout(X, 0.5, KEY))
    assert drop(X) is X and nn.apply_train(drop, X, KEY)[1] is drop


def test_a_network_in_training_is_its_layers_by_hand() -> None:
    """Each layer has a key of its own."""
    model = network()
    keys = random.split(KEY, 4)
    h = model.layers[0](X)
    of_inner, _ = random.split(keys[1])
    _, _, of_drop = random.split(of_inner, 3)
    norm = model.layers[1].inner.layers[0]
    z, norm_moved = norm.train(h)
    h = h + nn.dropout(np.tanh(z), 0.5, of_drop)
    last = model.layers[2]
    around, last_moved = last.shortcut.layers[1].train(last.shortcut.layers[0](h))
    expected = nn.relu(around + last.inner(h))
    for train in (model.train, jit(lambda x, key: model.train(x, key))):
        y, moved = train(X, KEY)
        np.testing.assert_allclose(y, expected, rtol=1e-12)
        assert tree.structure(moved) == tree.structure(model)
        np.testing.assert_allclose(moved.layers[1].inner.layers[0].var, norm_moved.var, rtol=1e-12)
        np.testing.assert_allclose(
            moved.layers[2].shortcut.layers[1].mean, last_moved.mean, rtol=1e-12
        )
    assert not np.array_equal(model.train(X, random.key(4))[0], expected)
    calm = model(X)
    np.testing.assert_array_equal(model(X), calm)


def test_statistics_beside_the_parameters_in_a_scan() -> None:
    """Twenty steps with weight decay: parameters as without statistics, statistics as by hand."""
    optimizer = optim.adamw(0.1, weight_decay=0.1)
    model = nn.Sequential(nn.BatchNorm(4, dtype=float), nn.Dropout(0.25))
    holder = {"model": model, "rest": [np.ones(4), (nn.BatchNorm(4, dtype=float),)]}

    def step(carry: Any, key: Any) -> Any:
        held, state = carry

        def loss(held: Any) -> Any:
            y, moved = nn.apply_train(held["model"], X, key)
            return np.sum((y * held["rest"][0] - X) ** 2), held | {"model": moved}

        (value, moved), slopes = value_and_grad(loss, has_aux=True)(held)
        updates, state = optimizer.update(slopes, state, held)
        return (nn.with_batch_stats(optim.apply_updates(held, updates), moved), state), value

    keys = random.split(random.key(1), 20)
    (held, _), values = scan(step, (holder, optimizer.init(holder)), keys)
    norm = held["model"].layers[0]
    np.testing.assert_allclose(norm.mean, (1 - 0.9**20) * X.mean(0), rtol=1e-10)
    np.testing.assert_allclose(norm.var, 0.9**20 + (1 - 0.9**20) * X.var(0, ddof=1), rtol=1e-10)
    assert not np.allclose(norm.shift, 0.0) and not np.allclose(held["rest"][0], 1.0)
    np.testing.assert_array_equal(held["rest"][1][0].var, np.ones(4))
    assert values[-1] < values[0]


def test_residual_and_flatten() -> None:
    """x + f(x); another way around; all axes after the first."""
    np.testing.assert_array_equal(nn.Residual(np.sin)(X), X + np.sin(X))
    np.testing.assert_array_equal(nn.Residual(np.sin, np.cos)(X), np.cos(X) + np.sin(X))
    assert nn.Flatten()(np.ones((2, 3, 4, 5))).shape == (2, 60)
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)
    assert nn.Flatten()(np.ones(3)).shape == (3, 1)
    assert nn.Lambda is nn.Lambda
    assert nn.Sequential().train(X, KEY)[0] is X


def test_errors_name_the_mend() -> None:
    """Shapes that do not add up, what cannot be called, rates."""
    with pytest.raises(ShapeError, match=r"Residual: the inner layer makes \(8, 1\), and \(8, 4\)"):
        nn.Residual(lambda x: x[:, :1])(X)
    with pytest.raises(ShapeError, match=r"Residual: the inner layer makes \(8, 1\), and \(8, 4\)"):
        nn.Residual(lambda x: x[:, :1]).train(X, KEY)
    with pytest.raises(TypeError, match="Residual's shortcut is a ndarray, which cannot be called"):
        nn.Residual(np.sin, X)
    with pytest.raises(TypeError, match="layer 1 of Sequential is a int"):
        nn.Sequential(np.sin, 3)
    with pytest.raises(ValueError, match=r"rate=1\.5: give a number of 0 or more and below 1"):
        nn.Dropout(1.5)
    with pytest.raises(ShapeError, match=r"Flatten takes arrays of shape \(rows, \.\.\.\), not a"):
        nn.Flatten()(np.float64(3.0))
