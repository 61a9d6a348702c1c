"""The moving average of parameters against the weighted mean that it stands for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, optim, random, tree
from chainrule.transforms import check_grads, grad, jit, scan

RNG = np.random.default_rng(0)
PATH = RNG.normal(size=(7, 3))


@pytest.mark.parametrize("decay", [0.0, 0.6, 0.99])
def test_it_is_the_weighted_mean(decay: float) -> None:
    """sum(decay**(t - i) p_i) / sum(decay**(t - i)), by a loop, a scan and a compiled scan."""
    average = optim.exponential_moving_average(decay)

    def turn(state: Any, p: Any) -> Any:
        state = average.update({"w": p, "none": None}, state)
        return state, state.params["w"]

    start = average.init({"w": np.full(3, 1e6), "none": None})
    state, looped = start, []
    for p in PATH:
        state, averaged = turn(state, p)
        looped.append(averaged)
    _, scanned = scan(turn, start, PATH)
    last, compiled = jit(lambda s, path: scan(turn, s, path))(start, PATH)
    for t in range(1, 8):
        expected = np.average(PATH[:t], axis=0, weights=decay ** np.arange(t)[::-1])
        for got in (looped, scanned, compiled):
            np.testing.assert_allclose(got[t - 1], expected, rtol=1e-9, atol=1e-9)
    assert int(last.step) == 7 and last.step.dtype == np.int32


def test_inside_an_epoch() -> None:
    """Beside an optimiser in one scan: noise that moves the weights leaves their average still."""
    a, true = RNG.normal(size=(400, 8, 3)), np.array([1.0, -2.0, 0.5])
    b = a @ true + RNG.normal(size=(400, 8))
    optimizer, average = optim.sgd(0.1), optim.exponential_moving_average(0.98)

    def step(carry: Any, batch: Any) -> Any:
        w, state, mean = carry
        x, y = batch
        slopes = grad(lambda w: np.mean((x @ w - y) ** 2))(w)
        updates, state = optimizer.update(slopes, state, w)
        w = optim.apply_updates(w, updates)
        return (w, state, average.update(w, mean)), w

    start = np.zeros(3)
    carry = (start, optimizer.init(start), average.init(start))
    (_, _, mean), path = jit(lambda c, x, y: scan(step, c, (x, y)))(carry, a, b)
    expected = np.average(path, axis=0, weights=0.98 ** np.arange(400)[::-1])
    np.testing.assert_allclose(mean.params, expected, rtol=1e-10)
    assert (
        np.linalg.norm(mean.params - true) < 0.5 * np.linalg.norm(path[-50:] - true, axis=1).mean()
    )


def test_derivatives_and_dtypes() -> None:
    """By the parameters, against central differences; float32 stays, with a float64 update too."""
    average = optim.exponential_moving_average(0.9)

    def after(path: Any) -> Any:
        return scan(lambda s, p: (average.update(p, s), None), average.init(path[0]), path)[
            0
        ].params

    check_grads(after, (PATH,))
    model = nn.Dense(3, 2, key=random.key(0))
    state = average.init(model)
    for dtype in (np.float32, np.float64):
        state = average.update(tree.map(lambda p, d=dtype: p.astype(d), model), state)
    assert all(leaf.dtype == np.float32 for leaf in tree.leaves(state.params))
    np.testing.assert_allclose(state.params.weight, model.weight, rtol=1e-6)


def test_the_default_reaches_a_thousand_steps_back() -> None:
    """After 0 and 1 the weights of both are as 0.999 to 1."""
    average = optim.exponential_moving_average()
    state = average.update(1.0, average.update(0.0, average.init(0.0)))
    assert float(state.params) == pytest.approx(1 / 1.999, rel=1e-12)


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_the_ramp_is_that_of_tensorflow(decay: float) -> None:
    """min(decay, (1 + n) / (10 + n)) of the average stays, n updates having been before."""
    steps = np.random.default_rng(5).normal(size=(30, 2))
    ours = optim.ramped_moving_average(decay) if decay < 0.999 else optim.ramped_moving_average()
    expected = np.array([1.0, -2.0])
    state = ours.init(expected)
    for n, params in enumerate(steps):
        stays = min(decay, (1 + n) / (10 + n))
        expected = stays * expected + (1 - stays) * params
        state = ours.update(params, state)
        np.testing.assert_allclose(state.params, expected, rtol=1e-12)
    assert 30 == state.step


def test_errors() -> None:
    """A decay of 1 would never move."""
    with pytest.raises(ValueError, match=r"decay=1\.0: give 0 or more and less than 1"):
        optim.exponential_moving_average(1.0)
    with pytest.raises(ValueError, match=r"decay=1\.0: give 0 or more and less than 1"):
        optim.ramped_moving_average(1.0)
