"""The notebook runs unedited, on arrays and on tracers, and its mathematics is ours."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cells import OWN, Ran, cells, notebook_text, run

import chainrule as cr
from chainrule.cli import notebook_numbers as numbers

PRINTED = "Predicted output: [[0.99993703]]\n"


@pytest.fixture(scope="module", params=["own", "notebook", "notebook at a glance"])
def ran(request: pytest.FixtureRequest) -> Ran:
    """Our own equal case, the notebook's cells 1 to 7, and its last, which repeats them."""
    if request.param == "own":
        return run([OWN.read_text(encoding="utf-8")], "own")
    found = cells(notebook_text())
    assert len(found) == 8
    return run(found[:7] if request.param == "notebook" else found[7:], "notebook")


def half_squared_error(names: dict[str, Any], weights: Any) -> Any:
    """The loss that the notebook descends, though it never writes it down."""
    return 0.5 * np.sum((names["y"] - names["sigmoid"](np.dot(names["X"], weights))) ** 2)


def test_prediction(ran: Ran) -> None:
    """It prints what the notebook's own output says."""
    assert ran.printed == PRINTED


@pytest.mark.parametrize("ran", ["own", "notebook"], indirect=True)
def test_on_tracers_the_same_weights_bit_for_bit(ran: Ran) -> None:
    """All 10,000 iterations traced, `weights += tracer` included."""
    x, y = ran.names["X"].astype(float), ran.names["y"].astype(float)
    traced, _ = cr.vjp(
        lambda x, y, rate: ran.names["backpropagation"](x, y, rate, 10000), x, y, 1.0
    )
    assert traced.dtype == np.float64
    assert ran.names["weights"].tobytes() == traced.tobytes()
    predicted = ran.names["sigmoid"](np.dot(np.array([[1, 0, 0]]), traced))
    assert str(predicted) == "[[0.99993703]]"


@pytest.mark.parametrize("rate", [1, 0.5])
def test_under_jit_the_same_weights(ran: Ran, rate: float) -> None:
    """The loop unrolls into one graph; integers stay integers. To 1e-12: exp is our own."""
    f = ran.names["backpropagation"]
    expected = f(ran.names["X"], ran.names["y"], rate, 50)
    found = cr.jit(f, static_argnums=3)(ran.names["X"], ran.names["y"], rate, 50)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
    assert found.dtype == expected.dtype


@pytest.mark.parametrize("iterations", [0, 1, 100, 10000])
def test_hand_written_delta_is_the_gradient(ran: Ran, iterations: int) -> None:
    """`error * sigmoid_derivative(layer1)` is minus the gradient by the sum, to 1e-12."""
    names = ran.names
    weights = names["backpropagation"](names["X"], names["y"], 1, iterations)
    layer1 = names["sigmoid"](np.dot(names["X"], weights))
    delta = (names["y"] - layer1) * names["sigmoid_derivative"](layer1)

    def loss_of_sum(z: Any) -> Any:
        return 0.5 * np.sum((names["y"] - names["sigmoid"](z)) ** 2)

    by_sum = cr.grad(loss_of_sum)(np.dot(names["X"], weights))
    np.testing.assert_allclose(delta, -by_sum, rtol=1e-12, atol=1e-15)
    by_weights = cr.grad(lambda w: half_squared_error(names, w))(weights)
    np.testing.assert_allclose(np.dot(names["X"].T, delta), -by_weights, rtol=1e-12, atol=1e-15)


def rate_derivative_by_hand(names: dict[str, Any], rate: float, iterations: int) -> float:
    """d loss / d rate, by a recurrence for the weights' derivative beside the weights."""
    x, y = names["X"], names["y"]
    weights = names["backpropagation"](x, y, rate, 0)
    moved = np.zeros_like(weights)
    for _ in range(iterations):
        a = names["sigmoid"](np.dot(x, weights))
        slope = a * (1 - a)
        da = slope * np.dot(x, moved)
        delta = (y - a) * slope
        d_delta = (-slope + (y - a) * (1 - 2 * a)) * da
        moved = moved + np.dot(x.T, delta) + rate * np.dot(x.T, d_delta)
        weights = weights + rate * np.dot(x.T, delta)
    a = names["sigmoid"](np.dot(x, weights))
    return float(np.sum(-(y - a) * a * (1 - a) * np.dot(x, moved)))


@pytest.mark.parametrize(
    ("rate", "iterations"),
    [(1.0, 1), (1.0, 200), (0.3, 200), pytest.param(1.0, 2000, marks=pytest.mark.slow)],
)
def test_derivative_of_the_whole_training_by_its_learning_rate(
    ran: Ran, rate: float, iterations: int
) -> None:
    """Through every iteration: against a hand-written recurrence, and central differences."""

    def trained(rate: Any) -> Any:
        weights = ran.names["backpropagation"](ran.names["X"], ran.names["y"], rate, iterations)
        return half_squared_error(ran.names, weights)

    expected = rate_derivative_by_hand(ran.names, rate, iterations)
    h = 1e-5
    np.testing.assert_allclose((trained(rate + h) - trained(rate - h)) / (2 * h), expected, 1e-5)
    np.testing.assert_allclose(cr.grad(trained)(rate), expected, rtol=1e-10)
    np.testing.assert_allclose(cr.jvp(trained, (rate,), (1.0,))[1], expected, rtol=1e-10)


def test_second_derivative_by_the_learning_rate(ran: Ran) -> None:
    """Gradients of gradients through the in-place update."""

    def trained(rate: Any) -> Any:
        weights = ran.names["backpropagation"](ran.names["X"], ran.names["y"], rate, 20)
        return half_squared_error(ran.names, weights)

    h = 1e-5
    above, below = (rate_derivative_by_hand(ran.names, 1.0 + s * h, 20) for s in (1, -1))
    found = cr.grad(cr.grad(trained))(1.0)
    np.testing.assert_allclose(found, (above - below) / (2 * h), rtol=1e-7)


def test_the_demo_speaks_of_the_same_case(ran: Ran) -> None:
    """The functions behind `chainrule demo notebook` are the notebook's, to the bit."""
    names = ran.names
    np.testing.assert_array_equal(names["X"], numbers.X)
    np.testing.assert_array_equal(names["y"], numbers.Y)
    points = np.linspace(-5, 5, 21)
    np.testing.assert_array_equal(names["sigmoid"](points), numbers.sigmoid(points))
    np.testing.assert_array_equal(
        names["sigmoid_derivative"](points), numbers.sigmoid_derivative(points)
    )
    expected = names["backpropagation"](names["X"], names["y"], 1, 100)
    found = numbers.backpropagation(numbers.X, numbers.Y, 1, 100)
    assert expected.tobytes() == found.tobytes()


def test_cells_are_found_between_prose() -> None:
    """The reader takes what is Python and leaves what is not."""
    text = "Some words.\n\nIn [1]:\na = 1\n\nMore words, then.\n\nIn [2]:\nprint(a)\n\n1\n"
    assert [code.strip() for code in cells(text)] == ["a = 1", "print(a)\n\n1"]
    assert run(cells(text), "text").printed == "1\n"
