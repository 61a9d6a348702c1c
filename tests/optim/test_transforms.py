"""Transforms of gradients, scikit-learn's forms of optimizers, and settings that are traced."""

from __future__ import annotations

import numpy as np
import pytest

from chainrule import jit, optim

GRADIENTS = [np.array([3.0, -1.0]), np.array([0.5, 2.0]), np.array([-4.0, 0.25])]


def updates_of(optimizer, gradients=GRADIENTS):
    state, updates = optimizer.init(np.zeros(2)), []
    for gradient in gradients:
        update, state = optimizer.update(gradient, state)
        updates.append(update)
    return updates


@pytest.mark.parametrize("nesterov", [False, True])
def test_momentum_after_the_learning_rate(nesterov):
    """scikit-learn's: v = momentum * v - rate * g, and once more for Nesterov's."""
    rate, momentum, velocity = 0.1, 0.9, np.zeros(2)
    chain = optim.chain(optim.scale_by_learning_rate(rate), optim.trace(momentum, nesterov))
    for gradient, update in zip(GRADIENTS, updates_of(chain), strict=True):
        velocity = momentum * velocity - rate * gradient
        expected = momentum * velocity - rate * gradient if nesterov else velocity
        np.testing.assert_array_equal(expected, update)


def test_a_schedule_scales_old_steps_only_before_the_momentum():
    """With a rate that falls to 0, sgd stops at once; momentum after the rate goes on."""

    def rate(step):
        return np.where(step < 1, 1.0, 0.0)

    after = optim.chain(optim.scale_by_learning_rate(rate), optim.trace(0.5))
    assert [-3.0, -1.5, -0.75] == [float(u[0]) for u in updates_of(after)]
    assert [-3.0, 0.0, 0.0] == [float(u[0]) for u in updates_of(optim.sgd(rate, 0.5))]


def test_adam_with_epsilon_hat():
    """Kingma and Ba's form before section 2.1: epsilon beside the uncorrected root."""
    b1, b2, eps, rate, m, s = 0.8, 0.9, 0.1, 0.5, np.zeros(2), np.zeros(2)
    updates = updates_of(optim.adam(rate, b1, b2, eps, epsilon_hat=True))
    for t, (gradient, update) in enumerate(zip(GRADIENTS, updates, strict=True), start=1):
        m, s = b1 * m + (1 - b1) * gradient, b2 * s + (1 - b2) * gradient**2
        size = rate * np.sqrt(1 - b2**t) / (1 - b1**t)
        np.testing.assert_allclose(update, -size * m / (np.sqrt(s) + eps), rtol=1e-14)
    first = updates_of(optim.adam(rate, b1, b2, eps))[0]
    np.testing.assert_allclose(first, -rate * np.array([3.0, -1.0]) / np.array([3.1, 1.1]))


def test_rmsprop_scales_first_or_last():
    """Equal but for rounding."""
    first, last = (
        updates_of(optim.rmsprop(0.3, 0.7, 1e-3, scale_first=first)) for first in (True, False)
    )
    np.testing.assert_allclose(first, last, rtol=1e-15)
    root = np.sqrt(0.3 * 9.0) + 1e-3
    assert first[0][0] == pytest.approx(-0.3 * 3.0 / root, rel=1e-15)


def test_members_are_clipped_apart():
    """Each along the first axis has a norm of its own."""
    clip = optim.clip_by_global_norm(5.0, member_axes=1)
    grads = {"a": np.array([[6.0], [3.0]]), "b": np.array([[8.0], [0.0]])}
    clipped, _ = clip.update(grads, clip.init(grads))
    assert {"a": [[3.0], [3.0]], "b": [[4.0], [0.0]]} == {k: v.tolist() for k, v in clipped.items()}
    assert [10.0, 3.0] == optim.global_norm(grads, member_axes=1).tolist()


def test_decay_of_some_weights():
    """A mask says which; without one all shrink."""
    params = {"weight": np.array([2.0, 4.0]), "bias": np.array([2.0])}
    some = optim.decay_weights(params, 0.25, {"weight": True, "bias": False})
    assert ([1.5, 3.0], [2.0]) == (some["weight"].tolist(), some["bias"].tolist())
    assert [1.5] == optim.decay_weights(params, 0.25)["bias"].tolist()


def test_ramped_average():
    """At first over a tenth of the steps so far: d = t / (t + 9), up to the decay."""
    average = optim.ramped_moving_average(0.2)
    state, expected = average.init(np.float64(0.0)), 0.0
    for t, w in enumerate([1.0, 2.0, 4.0, 8.0], start=1):
        d = min(0.2, t / (t + 9))
        expected += (1 - d) * (w - expected)
        state = average.update(np.float64(w), state)
        assert expected == pytest.approx(float(state.params), rel=1e-15)


def test_numbers_may_be_traced():
    """Another learning rate, momentum or length of a schedule compiles nothing."""
    traces = []

    @jit
    def step(gradient, state, n):
        traces.append(n)
        rate = optim.warmup(n[1], optim.cosine_decay(n[0], np.maximum(n[2] - n[1], 1.0)))
        rule = optim.chain(
            optim.clip_by_global_norm(n[3]), optim.adam(rate, n[4], n[5], n[6], epsilon_hat=True)
        )
        return rule.update(gradient, state)

    for warmup in (2, 5):
        rate = optim.warmup(warmup, optim.cosine_decay(0.1, 10 - warmup))
        plain = optim.chain(
            optim.clip_by_global_norm(1.0), optim.adam(rate, 0.8, 0.9, 1e-3, epsilon_hat=True)
        )
        numbers = np.array([0.1, warmup, 10, 1.0, 0.8, 0.9, 1e-3])
        state = plain.init(np.zeros(2))
        for gradient, expected in zip(GRADIENTS, updates_of(plain), strict=True):
            update, state = step(gradient, state, numbers)
            np.testing.assert_allclose(expected, update, rtol=1e-13)
    assert len(traces) <= 2  # counters are numbers after the first step


def test_warmup_of_no_steps():
    """A traced length of 0 leaves the schedule as it is."""
    follow = jit(lambda step, steps: optim.warmup(steps, optim.cosine_decay(1.0, 10))(step))
    expected = [float(optim.cosine_decay(1.0, 10)(k)) for k in range(4)]
    assert expected == pytest.approx(
        [float(follow(np.int32(k), np.float64(0.0))) for k in range(4)]
    )


def test_the_default_momentum():
    """0.9, not ahead: of the same update 1, 1.9, 2.71."""
    trace = optim.trace()
    state = trace.init(np.zeros(1))
    for expected in (1.0, 1.9, 2.71):
        updates, state = trace.update(np.ones(1), state)
        np.testing.assert_allclose(updates, expected, rtol=1e-15)


@pytest.mark.parametrize("members", [1, 2])
def test_networks_side_by_side_are_clipped_each_by_its_own_norm(members):
    """The same numbers as one after the other; what is short stays as it is, bit for bit."""
    lead, rng = (3, 2)[:members], np.random.default_rng(4)
    grads = {"w": rng.normal(size=(*lead, 4, 5)), "b": rng.normal(size=(*lead, 5))}
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
