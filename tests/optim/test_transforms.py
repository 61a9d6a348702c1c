"""Transforms of gradients, of which optimisers are chained: against loops written out in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import optim

RNG = np.random.default_rng(4)


def test_weights_decay_where_they_are_to() -> None:
    """By 1 - amount, in their own dtype; all of them, or those that a mask names."""
    params = {"weight": np.array([4.0, -2.0]), "bias": np.array([8.0], np.float32)}
    every = optim.decay_weights(params, 0.25)
    assert ([3.0, -1.5], [6.0]) == (every["weight"].tolist(), every["bias"].tolist())
    assert np.float32 == every["bias"].dtype
    some = optim.decay_weights(params, 0.25, {"weight": True, "bias": False})
    assert ([3.0, -1.5], [8.0]) == (some["weight"].tolist(), some["bias"].tolist())
    none = optim.decay_weights(params, 0.25, False)
    assert ([4.0, -2.0], [8.0]) == (none["weight"].tolist(), none["bias"].tolist())


def test_the_rate_follows_its_schedule() -> None:
    """Step k, counted from 0, has rate 1 / 2**k."""
    scale = optim.scale_by_learning_rate(optim.step_decay(1.0, 1, 0.5))
    state = scale.init(np.zeros(2))
    for k in range(4):
        updates, state = scale.update(np.array([8.0, -16.0]), state)
        assert [-8.0 / 2**k, 16.0 / 2**k] == updates.tolist()


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_keeps_the_rate_of_each_step(nesterov: bool) -> None:
    """v = mu v - rate g; w += v, or w += mu v - rate g: as in scikit-learn, whatever the rates."""
    rates, gradients = [0.5, 0.1, 0.3, 0.2], RNG.normal(size=(4, 3))
    w, v = np.zeros(3), np.zeros(3)
    path = []
    for rate, g in zip(rates, gradients, strict=True):
        v = 0.8 * v - rate * g
        w = w + (0.8 * v - rate * g if nesterov else v)
        path.append(w)
    rate_at = lambda step: np.take(np.array(rates), step)  # noqa: E731
    optimizer = optim.chain(optim.scale_by_learning_rate(rate_at), optim.trace(0.8, nesterov))
    ours: Any = np.zeros(3)
    state = optimizer.init(ours)
    for g, expected in zip(gradients, path, strict=True):
        updates, state = optimizer.update(g, state)
        ours = optim.apply_updates(ours, updates)
        np.testing.assert_allclose(ours, expected, rtol=1e-14)


def test_the_default_momentum() -> None:
    """0.9, not ahead: of the same update 1, 1.9, 2.71."""
    trace = optim.trace()
    state = trace.init(np.zeros(1))
    for expected in (1.0, 1.9, 2.71):
        updates, state = trace.update(np.ones(1), state)
        np.testing.assert_allclose(updates, expected, rtol=1e-15)


@pytest.mark.parametrize("members", [1, 2])
def test_networks_side_by_side_are_clipped_each_by_its_own_norm(members: int) -> None:
    """The same numbers as one after the other; what is short stays as it is, bit for bit."""
    lead = (3, 2)[:members]
    grads = {"w": RNG.normal(size=(*lead, 4, 5)), "b": RNG.normal(size=(*lead, 5))}
    grads["w"][0] *= 100.0
    grads["w"][-1] *= 1e-3
    grads["b"][-1] *= 1e-3
    together, _ = optim.clip_by_global_norm(1.5, members).update(grads, None)
    alone = optim.clip_by_global_norm(1.5)
    for k in np.ndindex(*lead):
        one, _ = alone.update({name: g[k] for name, g in grads.items()}, None)
        for name, g in one.items():
            np.testing.assert_allclose(together[name][k], g, rtol=1e-14)
            if k[0] == lead[0] - 1:
                np.testing.assert_array_equal(together[name][k], grads[name][k])
    norm = np.sqrt(np.sum(grads["w"][0] ** 2, axis=(-1, -2)) + np.sum(grads["b"][0] ** 2, axis=-1))
    np.testing.assert_allclose(optim.global_norm(grads, members)[0], norm, rtol=1e-14)
