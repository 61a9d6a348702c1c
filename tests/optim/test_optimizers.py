"""Optimisers against textbook updates written out in NumPy, step by step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from chainrule import nn, optim, random, tree
from chainrule.errors import ShapeError
from chainrule.transforms import grad, jit, scan

RNG = np.random.default_rng(0)
A = RNG.normal(size=(5, 3))
B = RNG.normal(size=5)
START: dict[str, Any] = {"w": RNG.normal(size=3), "b": np.array([0.7]), "none": None}
STEPS = 8


def loss(p: Any) -> Any:
    """A quadratic and a quartic part: gradients differ from step to step."""
    return np.sum((A @ p["w"] + p["b"] - B) ** 2) + np.sum(p["b"] ** 4)


def slopes(p: Any) -> dict[str, Any]:
    """The gradient by hand."""
    r = A @ p["w"] + p["b"] - B
    return {"w": 2 * A.T @ r, "b": np.array([2 * r.sum()]) + 4 * p["b"] ** 3}


Rule = Callable[[dict[str, Any], np.ndarray, np.ndarray, int], np.ndarray]


def textbook(rule: Rule) -> list[dict[str, Any]]:
    """Run ``p = rule(memory, p, g, t)`` for each parameter, t from 1; memory begins empty."""
    p: dict[str, Any] = {"w": START["w"], "b": START["b"]}
    memory: dict[str, dict[str, Any]] = {"w": {}, "b": {}}
    path = []
    for t in range(1, STEPS + 1):
        g = slopes(p)
        p = {name: rule(memory[name], p[name], g[name], t) for name in p}
        path.append(p)
    return path


def _sgd(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    return p - 0.02 * g


def _momentum(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    h["v"] = 0.9 * h.get("v", 0) + g  # torch.optim.SGD(momentum=0.9)
    return p - 0.02 * h["v"]


def _nesterov(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    # scikit-learn's SGDOptimizer: v = mu v - rate g; p += mu v - rate g
    h["v"] = 0.9 * h.get("v", 0) - 0.02 * g
    return p + 0.9 * h["v"] - 0.02 * g


def _rmsprop(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    h["s"] = 0.8 * h.get("s", 0) + 0.2 * g**2  # torch.optim.RMSprop(alpha=0.8)
    return p - 0.02 * g / (np.sqrt(h["s"]) + 1e-3)


def _rmsprop_of_tensorflow(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    h["s"] = 0.8 * h.get("s", 1) + 0.2 * g**2
    return p - 0.02 * g / np.sqrt(h["s"] + 1e-3)


def _adam(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    h["m"] = 0.8 * h.get("m", 0) + 0.2 * g  # Kingma and Ba, Algorithm 1
    h["s"] = 0.95 * h.get("s", 0) + 0.05 * g**2
    m_hat, s_hat = h["m"] / (1 - 0.8**t), h["s"] / (1 - 0.95**t)
    return p - 0.02 * m_hat / (np.sqrt(s_hat) + 1e-3)


def _adamw(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    return _adam(h, p, g, t) - 0.02 * 0.1 * p  # Loshchilov and Hutter, Algorithm 2


def _adam_of_sklearn(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    # scikit-learn's AdamOptimizer: the corrections in the rate, eps beside the plain root
    h["m"] = 0.9 * h.get("m", 0) + 0.1 * g
    h["s"] = 0.999 * h.get("s", 0) + 0.001 * g**2
    rate = 0.02 * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    return p - rate * h["m"] / (np.sqrt(h["s"]) + 1e-8)


def _decaying(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    return p - 0.02 * 0.5 ** ((t - 1) // 3) * g


def _lion(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    m = h.get("m", 0)  # Chen et al., Algorithm 2
    h["m"] = 0.95 * m + 0.05 * g
    return p - 0.02 * (np.sign(0.8 * m + 0.2 * g) + 0.1 * p)


def _clipped(h: dict[str, Any], p: Any, g: Any, t: int) -> Any:
    return p - 0.02 * np.array([min(max(x, -1.5), 1.5) for x in g])


CASES: dict[str, tuple[optim.Optimizer, Rule, float]] = {
    "sgd": (optim.sgd(0.02), _sgd, 1e-12),
    "momentum": (optim.sgd(0.02, momentum=0.9), _momentum, 1e-12),
    "nesterov": (optim.sgd(0.02, momentum=0.9, nesterov=True), _nesterov, 1e-12),
    "rmsprop": (optim.rmsprop(0.02, decay=0.8, eps=1e-3), _rmsprop, 1e-12),
    "rmsprop, tensorflow": (
        optim.rmsprop(0.02, decay=0.8, eps=1e-3, eps_in_sqrt=True, initial_scale=1.0),
        _rmsprop_of_tensorflow, 1e-12,
    ),
    "adam": (optim.adam(0.02, 0.8, 0.95, 1e-3), _adam, 1e-12),
    "adamw": (optim.adamw(0.02, 0.8, 0.95, 1e-3, weight_decay=0.1), _adamw, 1e-12),
    # eps = 1e-8 counts in another place: equal to 1e-6 as long as gradients are not tiny
    "adam, sklearn": (optim.adam(0.02), _adam_of_sklearn, 1e-6),
    "schedule": (optim.sgd(optim.step_decay(0.02, 3, 0.5)), _decaying, 1e-12),
    "lion": (optim.lion(0.02, 0.8, 0.95, weight_decay=0.1), _lion, 1e-12),
    "clip": (optim.chain(optim.clip(1.5), optim.sgd(0.02)), _clipped, 1e-12),
    "chain": (optim.chain(optim.clip_by_global_norm(1e9), optim.sgd(0.02)), _sgd, 1e-12),
}  # fmt: skip


def step_of(optimizer: optim.Optimizer) -> Callable[[Any, Any], Any]:
    """One training step on `loss`, as the body of a scan."""

    def step(carry: Any, _: Any) -> Any:
        p, state = carry
        updates, state = optimizer.update(grad(loss)(p), state, p)
        p = optim.apply_updates(p, updates)
        return (p, state), p

    return step


@pytest.mark.parametrize("name", CASES)
def test_eight_steps_are_the_textbook_s(name: str) -> None:
    """In a Python loop, in a scan, and in a compiled scan."""
    optimizer, rule, rtol = CASES[name]
    expected = textbook(rule)
    carry: Any = (START, optimizer.init(START))
    step = step_of(optimizer)
    looped = []
    for _ in range(STEPS):
        carry, p = step(carry, None)
        looped.append(p)
    initial = (START, optimizer.init(START))
    (_, state), scanned = scan(step, initial, None, length=STEPS)
    _, compiled = jit(lambda c: scan(step, c, None, length=STEPS))(initial)
    for t, wanted in enumerate(expected):
        for key in ("w", "b"):
            np.testing.assert_allclose(looped[t][key], wanted[key], rtol=rtol, atol=rtol)
            np.testing.assert_allclose(scanned[key][t], wanted[key], rtol=rtol, atol=rtol)
            np.testing.assert_allclose(compiled[key][t], wanted[key], rtol=rtol, atol=rtol)
    counters = [x for x in tree.leaves(state) if x.dtype == np.int32]
    assert [int(x) for x in counters] == [STEPS]


@pytest.mark.parametrize("name", CASES)
def test_a_float32_model_stays_one(name: str) -> None:
    """Parameters, moments and updates keep their dtype, with float64 gradients and schedules."""
    optimizer = CASES[name][0]
    model = nn.MLP(3, (4,), 1, key=random.key(0))
    state = optimizer.init(model)
    kinds = [x.dtype for x in tree.leaves(state)]
    for dtype in (np.float32, np.float64):
        gradient = tree.map(lambda p, dtype=dtype: np.ones(p.shape, dtype), model)
        updates, after = optimizer.update(gradient, state, model)
        model = optim.apply_updates(model, updates)
        assert type(model) is nn.MLP
        assert {x.dtype for x in tree.leaves(model)} == {np.dtype("float32")}
        assert [x.dtype for x in tree.leaves(after)] == kinds


def test_state_is_made_of_zeros_and_arguments_are_left_alone() -> None:
    """init has zeros of the parameters' shapes; update writes into nothing."""
    optimizer = optim.adam()
    state = optimizer.init(START)
    assert state.count == 0 and state.count.dtype == np.int32
    assert state.mean["w"].tolist() == [0.0, 0.0, 0.0] and state.square["none"] is None
    before = [np.array(x) for x in tree.leaves((START, state))]
    gradient = {**slopes(START), "none": None}
    optimizer.update(gradient, state, START)
    for old, now in zip(before, tree.leaves((START, state)), strict=True):
        np.testing.assert_array_equal(old, now)


def test_the_first_step_of_adam_is_the_rate_whatever_the_gradient_s_size() -> None:
    """m_hat / sqrt(s_hat) is the gradient's sign at t = 1, in float32 as well."""
    g = np.array([1e-3, -5.0, 1e4, 0.0], np.float32)
    optimizer = optim.adam(0.1)
    updates, _ = optimizer.update(g, optimizer.init(g))
    np.testing.assert_allclose(updates, [-0.1, 0.1, -0.1, 0.0], rtol=2e-5)


def test_adamw_decays_all_the_more_without_gradient() -> None:
    """With gradient 0, n steps leave (1 - rate * decay)**n of a weight."""
    optimizer = optim.adamw(0.1, weight_decay=0.5)
    w = np.array([2.0])
    state = optimizer.init(w)
    for _ in range(6):
        updates, state = optimizer.update(np.zeros(1), state, w)
        w = optim.apply_updates(w, updates)
    np.testing.assert_allclose(w, 2.0 * 0.95**6, rtol=1e-14)


def test_clip_by_global_norm() -> None:
    """One factor for all leaves; below the limit, at 0 and in float32 extremes too."""
    clip = optim.clip_by_global_norm(2.0)
    gradient = {"w": np.array([3.0, 0.0]), "b": np.array([[4.0]])}
    clipped, _ = clip.update(gradient, clip.init(START))
    np.testing.assert_allclose(clipped["w"], [1.2, 0.0], rtol=1e-15)
    np.testing.assert_allclose(clipped["b"], [[1.6]], rtol=1e-15)
    assert float(optim.global_norm(gradient)) == 5.0
    short = {"w": np.array([0.1, -0.2])}
    same, _ = clip.update(short, None)
    np.testing.assert_array_equal(same["w"], short["w"])
    assert clip.update(np.zeros(3), None)[0].tolist() == [0.0, 0.0, 0.0]
    huge, _ = clip.update(np.array([3e30, 4e30], np.float32), None)
    assert huge.dtype == np.float32
    np.testing.assert_allclose(huge, [1.2, 1.6], rtol=1e-6)
    assert np.isnan(clip.update(np.array([np.nan, 1.0]), None)[0]).all()
    assert float(optim.global_norm([])) == 0.0


def test_clip() -> None:
    """Entry by entry, in each leaf's dtype; a nan stays one."""
    clip = optim.clip(2.0)
    gradient = {"w": np.array([3.0, -0.5, np.nan]), "b": np.array([[-4.0]], np.float32)}
    clipped, _ = clip.update(gradient, clip.init(START))
    np.testing.assert_array_equal(clipped["w"], [2.0, -0.5, np.nan])
    assert clipped["b"].tolist() == [[-2.0]] and clipped["b"].dtype == np.float32


def test_lion_without_decay_needs_no_parameters() -> None:
    """Steps are +-rate, and 0 where the gradient has always been 0."""
    optimizer = optim.lion(0.5)
    updates, _ = optimizer.update(np.array([1e-30, -7.0, 0.0]), optimizer.init(np.zeros(3)))
    assert updates.tolist() == [-0.5, 0.5, 0.0]


def test_clipped_training_is_the_textbook_s() -> None:
    """chain(clip, momentum): the norm is over all parameters together."""
    optimizer = optim.chain(optim.clip_by_global_norm(1.0), optim.sgd(0.1, momentum=0.5))
    p: dict[str, Any] = {"w": START["w"], "b": START["b"]}
    v: dict[str, Any] = {"w": 0.0, "b": 0.0}
    carry: Any = (p, optimizer.init(p))
    step = step_of(optimizer)
    for _ in range(STEPS):
        carry, got = step(carry, None)
        g = slopes(p)
        norm = np.sqrt(sum(np.sum(x**2) for x in g.values()))
        v = {k: 0.5 * v[k] + g[k] * min(1.0, 1.0 / norm) for k in p}
        p = {k: p[k] - 0.1 * v[k] for k in p}
        for k in p:
            np.testing.assert_allclose(got[k], p[k], rtol=1e-12)


@pytest.mark.parametrize("name", ["sgd", "nesterov", "rmsprop", "adam", "adamw"])
def test_training_is_differentiable_by_the_rate(name: str) -> None:
    """d loss / d rate after 5 steps equals central differences."""
    make: dict[str, Callable[[Any], optim.Optimizer]] = {
        "sgd": optim.sgd,
        "nesterov": lambda rate: optim.sgd(rate, 0.9, nesterov=True),
        "rmsprop": lambda rate: optim.rmsprop(rate, eps=1e-3),
        "adam": lambda rate: optim.adam(rate, eps=1e-3),
        "adamw": lambda rate: optim.adamw(rate, eps=1e-3),
    }

    def after(rate: Any) -> Any:
        optimizer = make[name](rate)
        (p, _), _ = scan(step_of(optimizer), (START, optimizer.init(START)), None, length=5)
        return loss(p)

    numeric = (after(0.01 + 1e-6) - after(0.01 - 1e-6)) / 2e-6
    np.testing.assert_allclose(grad(after)(0.01), numeric, rtol=1e-6)


DEFAULTS: dict[str, tuple[optim.Optimizer, optim.Optimizer]] = {
    "sgd": (optim.sgd(0.1), optim.sgd(0.1, 0.0, False)),
    "rmsprop": (optim.rmsprop(), optim.rmsprop(1e-3, 0.9, 1e-8)),
    "adam": (optim.adam(), optim.adam(1e-3, 0.9, 0.999, 1e-8)),
    "adamw": (optim.adamw(), optim.adamw(1e-3, 0.9, 0.999, 1e-8, 0.01)),
    "lion": (optim.lion(), optim.lion(1e-4, 0.9, 0.99, 0.0)),
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_are_those_of_the_papers(name: str) -> None:
    """Three steps, small enough for eps to count, and large."""
    paths = []
    for optimizer in DEFAULTS[name]:
        p = np.array([1.0, -2.0])
        state = optimizer.init(p)
        for k in range(3):
            updates, state = optimizer.update(np.array([1e-8, 3.0 - 2 * k]), state, p)
            p = optim.apply_updates(p, updates)
        paths.append(p)
    assert (paths[0] != [1.0, -2.0]).all()
    np.testing.assert_array_equal(paths[0], paths[1])


def test_every_optimizer_finds_the_minimum() -> None:
    """Of a convex quadratic, given enough compiled steps: the least-squares solution."""
    wanted = np.linalg.lstsq(A, B, rcond=None)[0]
    cooling = optim.cosine_decay(0.05, 3000)
    for optimizer in (
        optim.sgd(0.02, momentum=0.9),
        optim.rmsprop(cooling),
        optim.adam(cooling),
        optim.lion(optim.polynomial_decay(0.05, 3000, power=3.0)),
        optim.chain(optim.clip_by_global_norm(1.0), optim.sgd(0.02, 0.9, nesterov=True)),
    ):

        def step(carry: Any, _: Any, optimizer: optim.Optimizer = optimizer) -> Any:
            w, state = carry
            updates, state = optimizer.update(2 * A.T @ (A @ w - B), state, w)
            return (optim.apply_updates(w, updates), state), None

        start = np.zeros(3)
        (w, _), _ = jit(lambda c, step=step: scan(step, c, None, length=3000))(
            (start, optimizer.init(start))
        )
        np.testing.assert_allclose(w, wanted, rtol=1e-4, atol=1e-5)


def test_errors_name_the_argument() -> None:
    """Rates, momenta, missing parameters, and gradients of another structure."""
    with pytest.raises(
        ValueError, match=r"test_optimizers\.py:\d+: learning_rate=-1: give 0 or more"
    ):
        optim.sgd(-1)
    with pytest.raises(ValueError, match=r"momentum=1\.0: give 0 or more and less than 1"):
        optim.sgd(0.1, momentum=1.0)
    with pytest.raises(ValueError, match="nesterov=True needs a momentum"):
        optim.sgd(0.1, nesterov=True)
    with pytest.raises(TypeError, match=r"learning_rate='0\.1': give a number"):
        optim.adam("0.1")
    with pytest.raises(ValueError, match="b2=1: give"):
        optim.adam(b2=1)
    with pytest.raises(ValueError, match="max_norm=0: give a positive number"):
        optim.clip_by_global_norm(0)
    with pytest.raises(ValueError, match="max_delta=0: give a positive number"):
        optim.clip(0)
    for clip, name in ((optim.clip, "max_delta"), (optim.clip_by_global_norm, "max_norm")):
        with pytest.raises(ValueError, match=f"{name}=-2: give 0 or more"):
            clip(-2)
        with pytest.raises(TypeError, match=f"{name}='1': give a number"):
            clip("1")
    with pytest.raises(ValueError, match=r"b1=1\.0: give 0 or more and less than 1"):
        optim.lion(b1=1.0)
    for optimizer in (optim.adamw(), optim.lion(weight_decay=0.1)):
        with pytest.raises(TypeError, match=r"update\(grads, state, params\)"):
            optimizer.update(np.ones(2), optimizer.init(np.ones(2)))
    optimizer = optim.adam()
    with pytest.raises(ShapeError, match="trees of different structure"):
        optimizer.update({"v": np.ones(2)}, optimizer.init({"w": np.ones(2)}))
