"""The numbers of the backpropagation notebook: what `chainrule demo notebook` shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..explain import Explanation, explain
from ..random import key, normal, split, uniform
from ..transforms import grad, jit, scan, value_and_grad

X = np.array([[0, 0, 1], [1, 1, 1], [1, 0, 1], [0, 1, 1]])
Y = np.array([[0, 1, 1, 0]]).T
NEW_INPUT = np.array([[1, 0, 0]])


# The notebook's own three functions; tests hold them against its text.


def sigmoid(x: Any) -> Any:
    """1 / (1 + e**-x), as the notebook writes it."""
    return 1 / (1 + np.exp(-x))


def sigmoid_derivative(y: Any) -> Any:
    """The derivative of the sigmoid, by its output."""
    return y * (1 - y)


def backpropagation(x: Any, y: Any, learning_rate: Any, num_iterations: int) -> Any:
    """The notebook's training: one layer, every derivative written by hand."""
    weights = initial_weights()
    for _ in range(num_iterations):
        layer1 = sigmoid(np.dot(x, weights))
        delta = (y - layer1) * sigmoid_derivative(layer1)
        weights = weights + learning_rate * np.dot(x.T, delta)
    return weights


def initial_weights() -> Any:
    """The first weights, which the notebook draws with seed 0."""
    return 2 * np.random.RandomState(0).random_sample((3, 1)) - 1


def squared_error(weights: Any) -> Any:
    """Half the sum of squared errors: the loss whose gradient the notebook descends."""
    return 0.5 * np.sum((Y - sigmoid(np.dot(X, weights))) ** 2)


# 1. One step: forward, error, backward, update


class OneStep(NamedTuple):
    """What happens in the first iteration."""

    prediction: Any
    error: Any
    delta: Any
    update: Any
    gradient: Any


def one_step() -> OneStep:
    """The first iteration by hand, and the gradient that `grad` finds for it."""
    weights = initial_weights()
    prediction = sigmoid(np.dot(X, weights))
    delta = (Y - prediction) * sigmoid_derivative(prediction)
    gradient = grad(squared_error)(weights)
    return OneStep(prediction, Y - prediction, delta, np.dot(X.T, delta), gradient)


# 2. The four reasons for the sigmoid

XOR_X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
XOR_Y = np.array([[0.0], [1.0], [1.0], [0.0]])


class NonLinearity(NamedTuple):
    """How well XOR is learnt: the predictions for its four rows."""

    linear: Any
    with_sigmoid: Any


def non_linearity(steps: int = 2000) -> NonLinearity:
    """XOR: the best affine map, against a layer of four sigmoids trained by gradient descent."""
    with_ones = np.hstack([XOR_X, np.ones((4, 1))])
    solution = np.linalg.lstsq(with_ones, XOR_Y, rcond=None)[0]

    def predict(params: Any) -> Any:
        hidden = sigmoid(np.dot(XOR_X, params["w1"]) + params["b1"])
        return sigmoid(np.dot(hidden, params["w2"]) + params["b2"])

    def loss(params: Any) -> Any:
        return np.sum((XOR_Y - predict(params)) ** 2)

    def step(params: Any, _: Any) -> tuple[Any, None]:
        gradient = grad(loss)(params)
        return {name: params[name] - 2.0 * gradient[name] for name in params}, None

    first, last = split(key(1))
    start = {
        "w1": uniform(first, (2, 4), np.float64, -2.0, 2.0),
        "b1": np.zeros(4),
        "w2": uniform(last, (4, 1), np.float64, -2.0, 2.0),
        "b2": np.zeros(1),
    }
    trained, _ = jit(lambda params: scan(step, params, None, length=steps))(start)
    return NonLinearity(np.dot(with_ones, solution), predict(trained))


class Differentiability(NamedTuple):
    """The sigmoid's derivative at some points, four ways."""

    x: Any
    y: Any
    by_output: Any
    by_grad: Any
    by_differences: Any


def differentiability(points: Sequence[float] = (-4.0, -2.0, 0.0, 2.0, 4.0)) -> Differentiability:
    """y (1 - y), `grad`, and central differences."""
    x = np.array(points)
    y = sigmoid(x)
    h = 1e-5
    return Differentiability(
        x,
        y,
        sigmoid_derivative(y),
        grad(lambda v: np.sum(sigmoid(v)))(x),
        (sigmoid(x + h) - sigmoid(x - h)) / (2 * h),
    )


def bounded(
    points: Sequence[float] = (-100.0, -10.0, 0.0, 10.0, 100.0),
) -> list[tuple[float, float]]:
    """Outputs for inputs far out."""
    return [(x, float(sigmoid(x))) for x in points]


class Smoothness(NamedTuple):
    """The largest change of an output for a change of the input by `step`, anywhere."""

    step: float
    sigmoid: float
    threshold: float
    steepest: float


def smoothness(step: float = 0.01) -> Smoothness:
    """Against a threshold unit; the slope is largest at 0, where it is 1/4."""
    x = np.arange(-1000, 1001) * 0.01
    change = np.max(np.abs(sigmoid(x + step) - sigmoid(x)))
    jump = np.max(np.abs(np.heaviside(x + step, 1.0) - np.heaviside(x, 1.0)))
    return Smoothness(step, float(change), float(jump), float(grad(sigmoid)(0.0)))


# 3. The chain rule for one weight


class Term(NamedTuple):
    """One factor of the chain rule: by hand, and as `explain` found it."""

    name: str
    meaning: str
    by_hand: float
    explained: float


ROW = 1  # x = (1, 1, 1), y = 1


def error_of_one_row(w1: Any, w2: Any, w3: Any) -> Any:
    """Half the squared error of the second row, in scalars."""
    x1, x2, x3 = X[ROW]
    z = w1 * float(x1) + w2 * float(x2) + w3 * float(x3)
    a = sigmoid(z)
    return 0.5 * (float(Y[ROW, 0]) - a) ** 2


def chain_rule() -> tuple[list[Term], Explanation]:
    """The derivative of one row's error by the first weight, factor by factor."""
    w1, w2, w3 = (float(w) for w in initial_weights()[:, 0])
    story = explain(error_of_one_row)(w1, w2, w3)
    x1, target = float(X[ROW, 0]), float(Y[ROW, 0])
    a = float(sigmoid(w1 * X[ROW, 0] + w2 * X[ROW, 1] + w3 * X[ROW, 2]))
    product = next(s for s in story.steps if s.operation.startswith("mul(w1,"))
    minus_z = next(s for s in story.steps if s.operation.startswith("neg("))
    output = next(s for s in story.steps if s.operation.startswith("div("))
    by_z = story.step(minus_z.edges[0].source).upstream
    terms = [
        Term("dE/da", "how the error follows the output", -(target - a), float(output.upstream)),
        Term("da/dz", "the slope of the sigmoid there", a * (1 - a), float(by_z / output.upstream)),
        Term("dz/dw1", "the input that the weight saw", x1, float(product.edges[0].local)),
        Term("dE/dw1", "their product", -(target - a) * a * (1 - a) * x1, float(story.gradient[0])),
    ]
    return terms, story


# 4. The vanishing gradient


class Vanishing(NamedTuple):
    """Length of the gradient that reaches the first of `depth` layers, of a last-layer one of 1."""

    depth: int
    sigmoid: float
    relu: float


def vanishing(depths: Sequence[int] = (2, 4, 8, 16, 32), width: int = 64) -> list[Vanishing]:
    """Measured: how much of the last layer's gradient arrives at the first one.

    Weights are drawn as each activation wants them: Glorot's for the sigmoid, He's for ReLU.
    """
    relu = _positive_part
    return [
        Vanishing(
            depth,
            _arriving(sigmoid, depth, width, 1.0),
            _arriving(relu, depth, width, 2.0),
        )
        for depth in depths
    ]


def _positive_part(x: Any) -> Any:
    return np.maximum(x, 0.0)


def _arriving(activation: Callable[[Any], Any], depth: int, width: int, gain: float) -> float:
    *keys, rows = split(key(0), depth + 1)
    scale = np.sqrt(gain / width)
    layers = [scale * normal(k, (width, width), np.float64) for k in keys]
    x = normal(rows, (32, width), np.float64)

    def output(weights: Any) -> Any:
        h = x
        for w in weights:
            h = activation(np.dot(h, w))
        return np.sum(h) / width

    gradients = grad(output)(layers)
    return float(np.linalg.norm(gradients[0]) / np.linalg.norm(gradients[-1]))


# 5. The 10,000 iterations


class Training(NamedTuple):
    """The notebook's training, by hand and by `grad` inside a `scan`."""

    losses: Any
    weights: Any
    by_hand: Any
    prediction: Any


def training(iterations: int = 10000) -> Training:
    """Gradient descent as one loop in the graph; the notebook's own beside it."""

    def step(weights: Any, _: Any) -> tuple[Any, Any]:
        loss, gradient = value_and_grad(squared_error)(weights)
        return weights - gradient, loss

    run = jit(lambda weights: scan(step, weights, None, length=iterations))
    weights, losses = run(initial_weights())
    losses = np.append(losses, squared_error(weights))
    by_hand = backpropagation(X, Y, 1, iterations)
    return Training(losses, weights, by_hand, sigmoid(np.dot(NEW_INPUT, by_hand)))


def by_learning_rate(iterations: int = 200) -> float:
    """The derivative of the trained loss by the learning rate, through every iteration."""

    def trained(rate: Any) -> Any:
        return squared_error(backpropagation(X, Y, rate, iterations))

    return float(grad(trained)(1.0))
