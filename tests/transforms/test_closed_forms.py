"""Gradients of whole functions against derivatives worked out by hand."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

import chainrule as cr

RNG = np.random.default_rng(0)
EXACT = {"rtol": 1e-10, "atol": 1e-12}


def close(actual: Any, expected: Any) -> None:
    np.testing.assert_allclose(actual, expected, **EXACT)


def test_logistic_loss() -> None:
    """d/dw mean log(1 + e**(-y x.w)) = -mean sigmoid(-m) y x."""
    x, y, w = RNG.normal(size=(20, 3)), np.sign(RNG.normal(size=20)), RNG.normal(size=3)
    value, slope = cr.value_and_grad(lambda w: np.mean(np.log1p(np.exp(-y * (x @ w)))))(w)
    margin = y * (x @ w)
    close(value, np.mean(np.log(1 + np.exp(-margin))))
    close(slope, -np.mean((y / (1 + np.exp(margin)))[:, None] * x, axis=0))


@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_softmax_cross_entropy(scale: float) -> None:
    """d/dz mean(logsumexp(z) - z[label]) = (softmax - one hot) / n, also far out."""
    z, labels = scale * RNG.normal(size=(6, 4)), RNG.integers(0, 4, 6)

    def loss(z: Any) -> Any:
        picked = np.take_along_axis(z, labels[:, None], axis=1)[:, 0]
        return np.mean(cr.logsumexp(z, axis=1) - picked)

    e = np.exp(z - z.max(1, keepdims=True))
    close(cr.grad(loss)(z), (e / e.sum(1, keepdims=True) - np.eye(4)[labels]) / 6)


def mlp(params: Any, x: Any) -> Any:
    for weight, bias in params[:-1]:
        x = np.tanh(x @ weight + bias)
    weight, bias = params[-1]
    return x @ weight + bias


def mlp_by_hand(params: Any, x: Any, target: Any) -> Any:
    """Backpropagation of the mean squared error, written out."""
    layers = [x]
    for weight, bias in params[:-1]:
        layers.append(np.tanh(layers[-1] @ weight + bias))
    delta = 2 * (layers[-1] @ params[-1][0] + params[-1][1] - target) / target.size
    slopes = []
    for k in (2, 1, 0):
        slopes.append((layers[k].T @ delta, delta.sum(0)))
        delta = (delta @ params[k][0].T) * (1 - layers[k] ** 2)
    return slopes[::-1]


def test_three_layers_by_hand() -> None:
    """Every weight and every bias of a 3-layer network."""
    sizes = [4, 5, 6, 2]
    params = [(RNG.normal(size=(n, m)), RNG.normal(size=m)) for n, m in pairwise(sizes)]
    x, target = RNG.normal(size=(7, 4)), RNG.normal(size=(7, 2))
    slopes = cr.grad(lambda p: np.mean((mlp(p, x) - target) ** 2))(params)
    expected = mlp_by_hand(params, x, target)
    for (gw, gb), (ew, eb) in zip(slopes, expected, strict=True):
        close(gw, ew)
        close(gb, eb)


def rosenbrock(x: Any) -> Any:
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def rosenbrock_gradient(x: Any) -> Any:
    g = np.zeros_like(x)
    g[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    g[1:] += 200 * (x[1:] - x[:-1] ** 2)
    return g


def rosenbrock_hessian(x: Any) -> Any:
    h = np.zeros((x.size, x.size))
    for k in range(x.size - 1):
        h[k, k] += 1200 * x[k] ** 2 - 400 * x[k + 1] + 2
        h[k, k + 1] += -400 * x[k]
        h[k + 1, k] += -400 * x[k]
        h[k + 1, k + 1] += 200
    return h


def test_rosenbrock() -> None:
    """Gradient, and the product of the Hessian with a vector in two ways."""
    x, v = RNG.normal(size=10), RNG.normal(size=10)
    expected = rosenbrock_hessian(x) @ v
    close(cr.grad(rosenbrock)(x), rosenbrock_gradient(x))
    close(cr.jvp(cr.grad(rosenbrock), (x,), (v,))[1], expected)  # forward over reverse
    close(cr.grad(lambda x: cr.grad(rosenbrock)(x) @ v)(x), expected)  # reverse over reverse
    close(cr.grad(lambda x: cr.jvp(rosenbrock, (x,), (v,))[1])(x), expected)  # reverse of forward
    close(cr.jit(cr.grad(lambda x: cr.grad(rosenbrock)(x) @ v))(x), expected)


def test_rnn_unrolled() -> None:
    """Backpropagation through time, in a Python loop, against the recursion by hand."""
    steps, width = 6, 4
    w, u, h0 = RNG.normal(size=(width, width)) / 2, RNG.normal(size=(3, width)), np.zeros(width)
    xs = RNG.normal(size=(steps, 3))

    def loss(w: Any, u: Any) -> Any:
        h, total = h0, 0.0
        for x in xs:
            h = np.tanh(h @ w + x @ u)
            total = total + np.sum(h**2)
        return total

    states = [h0]
    for x in xs:
        states.append(np.tanh(states[-1] @ w + x @ u))
    gw, gu, carried = np.zeros_like(w), np.zeros_like(u), np.zeros(width)
    for t in reversed(range(steps)):
        delta = (carried + 2 * states[t + 1]) * (1 - states[t + 1] ** 2)
        gw += np.outer(states[t], delta)
        gu += np.outer(xs[t], delta)
        carried = delta @ w.T
    found = cr.grad(loss, argnums=(0, 1))(w, u)
    close(found[0], gw)
    close(found[1], gu)


def test_third_derivative_of_sin() -> None:
    """sin''' = -cos, and so on round the circle."""
    x = 0.7
    g1 = cr.grad(np.sin)
    g2 = cr.grad(g1)
    g3 = cr.grad(g2)
    close([g1(x), g2(x), g3(x), cr.grad(g3)(x)], [np.cos(x), -np.sin(x), -np.cos(x), np.sin(x)])


@pytest.mark.parametrize(
    ("f", "third"),
    [
        (np.exp, lambda x: np.exp(x)),
        (np.log, lambda x: 2 / x**3),
        (np.sqrt, lambda x: 3 / 8 * x**-2.5),
        (lambda x: x**5, lambda x: 60 * x**2),
        (np.tanh, lambda x: (6 * np.tanh(x) ** 2 - 2) * (1 - np.tanh(x) ** 2)),
        (np.arctan, lambda x: (6 * x**2 - 2) / (1 + x**2) ** 3),
        (lambda x: 1 / x, lambda x: -6 / x**4),
        (lambda x: np.logaddexp(0.0, x), lambda x: _s(x) * (1 - _s(x)) * (1 - 2 * _s(x))),
    ],
)
def test_third_derivatives(f: Any, third: Any) -> None:
    """Of functions whose third derivative is known."""
    close(cr.grad(cr.grad(cr.grad(f)))(0.8), third(0.8))
    forward = f
    for _ in range(3):
        forward = _forward(forward)
    close(forward(0.8), third(0.8))


def _s(x: float) -> Any:
    return 1 / (1 + np.exp(-x))


def _forward(f: Any) -> Any:
    return lambda x: cr.jvp(f, (x,), (1.0,))[1]


def test_newton_iteration_with_a_data_dependent_while() -> None:
    """The derivative of sqrt(a) by Newton's method is 1 / (2 sqrt(a)), whatever the steps."""

    def root(a: Any) -> Any:
        x, steps = a, 0
        while abs(x * x - a) > 1e-12:
            x = (x + a / x) / 2
            steps += 1
        assert steps > 3
        return x

    for a in (2.0, 9.0, 123.0):
        value, slope = cr.value_and_grad(root)(a)
        close(value, np.sqrt(a))
        close(slope, 0.5 / np.sqrt(a))
    close(cr.grad(cr.grad(root))(2.0), -0.25 * 2.0**-1.5)


def test_solution_of_a_linear_recursion() -> None:
    """x_n = a x + b, ten times: a**10 x + b (a**10 - 1) / (a - 1)."""

    def f(a: Any, b: Any) -> Any:
        x = 2.0
        for _ in range(10):
            x = a * x + b
        return x

    a, b = 1.1, 0.3
    ga, gb = cr.grad(f, argnums=(0, 1))(a, b)
    close(gb, (a**10 - 1) / (a - 1))
    d = (10 * a**9 * (a - 1) - (a**10 - 1)) / (a - 1) ** 2
    close(ga, 20 * a**9 + b * d)


def test_log_determinant_by_elimination() -> None:
    """d log|det A| / dA is the inverse transposed: through a loop of writes in place."""
    a = RNG.normal(size=(4, 4)) + 4 * np.eye(4)

    def logdet(a: Any) -> Any:
        a = a * 1.0
        for k in range(4):
            a[k + 1 :] -= a[k + 1 :, k : k + 1] / a[k, k] * a[k]
        return np.sum(np.log(np.abs(np.diag(a))))

    value, slope = cr.value_and_grad(logdet)(a)
    close(value, np.linalg.slogdet(a)[1])
    close(slope, np.linalg.inv(a).T)
