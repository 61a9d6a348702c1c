"""Activations against formulas written out in long double, in values and gradients."""

from __future__ import annotations

from collections.abc import Callable
from math import erf
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from chainrule import nn
from chainrule.transforms import check_grads, grad, jit

Long = np.longdouble
Array = NDArray[Any]


def _logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


def _density(x: Any) -> Any:
    return np.exp(-x * x / 2) / np.sqrt(2 * Long(np.pi))


def _cumulative(x: Any) -> Any:
    return np.array([(1 + Long(erf(float(v) / 2**0.5))) / 2 for v in x])


def _gelu_inner(x: Any) -> Any:
    return np.sqrt(2 / Long(np.pi)) * (x + Long("0.044715") * x**3)


Formula = Callable[[Any], Any]
# name, value and derivative as textbooks write them; long double reaches e**11000
SCALAR: dict[str, tuple[Formula, Formula, Formula]] = {
    "sigmoid": (nn.sigmoid, _logistic, lambda x: np.exp(-x) / (1 + np.exp(-x)) ** 2),
    "tanh": (nn.tanh, np.tanh, lambda x: 1 / np.cosh(x) ** 2),
    "relu": (nn.relu, lambda x: x * (x > 0), lambda x: 1 * (x > 0)),
    "leaky_relu": (
        nn.leaky_relu,
        lambda x: x * np.where(x > 0, Long(1), Long(0.01)),
        lambda x: np.where(x > 0, Long(1), Long(0.01)),
    ),
    "elu": (
        lambda x: nn.elu(x, alpha=1.5),
        lambda x: np.where(x > 0, x, Long(1.5) * np.expm1(x)),
        lambda x: np.where(x > 0, Long(1), Long(1.5) * np.exp(x)),
    ),
    "gelu": (
        nn.gelu,
        lambda x: x * _cumulative(x),
        lambda x: _cumulative(x) + x * _density(x),
    ),
    "gelu_tanh": (
        lambda x: nn.gelu(x, approximate=True),
        lambda x: x / 2 * (1 + np.tanh(_gelu_inner(x))),
        lambda x: (
            (1 + np.tanh(_gelu_inner(x))) / 2
            + x / 2 / np.cosh(np.clip(_gelu_inner(x), -5000, 5000)) ** 2
            * np.sqrt(2 / Long(np.pi)) * (1 + 3 * Long("0.044715") * x**2)
        ),
    ),
    "silu": (
        nn.silu,
        lambda x: x * _logistic(x),
        lambda x: _logistic(x) + x * np.exp(-x) / (1 + np.exp(-x)) ** 2,
    ),
    "softplus": (nn.softplus, lambda x: np.log1p(np.exp(x)), _logistic),
}  # fmt: skip
POINTS = np.array([-1000.0, -700.0, -40.0, -6.0, -1.3, -1e-3, 1e-3, 0.7, 5.0, 40.0, 700.0, 1000.0])
# Absolute errors allowed: a sum such as 1 + erf(x), or a product y (1 - y), has 16 digits of 1.
ABSOLUTE = {"gelu": 1e-13, "gelu_tanh": 1e-13, "silu": 1e-15}
SLOPES = ABSOLUTE | {"sigmoid": 1e-16, "tanh": 1e-16}


@pytest.mark.parametrize("name", SCALAR)
def test_values_and_derivatives_in_float64(name: str) -> None:
    """13 digits from -1000 to 1000, but for what ABSOLUTE and SLOPES say."""
    f, value, derivative = SCALAR[name]
    long = POINTS.astype(Long)
    values, slopes = f(POINTS), grad(lambda x: np.sum(f(x)))(POINTS)
    close = np.testing.assert_allclose
    close(values, value(long).astype(float), rtol=1e-13, atol=ABSOLUTE.get(name, 1e-300))
    close(slopes, derivative(long).astype(float), rtol=1e-13, atol=SLOPES.get(name, 1e-300))


@pytest.mark.parametrize("name", SCALAR)
def test_float32_stays_float32_and_finite(name: str) -> None:
    """From -1000 to 1000 and at 0, values, first and second derivatives; no warning is raised."""
    f = SCALAR[name][0]
    x = np.concatenate([POINTS, [0.0, -0.0]]).astype(np.float32)
    slopes = grad(lambda x: np.sum(f(x)))(x)
    bends = grad(lambda x: np.sum(grad(lambda x: np.sum(f(x)))(x)))(x)
    compiled = jit(lambda x: f(x))(x)
    with np.errstate(all="raise", under="ignore"):
        values = f(x)
    for result in (values, slopes, bends, compiled):
        assert result.dtype == np.float32
        assert np.isfinite(result).all()
    np.testing.assert_allclose(compiled, values, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("name", SCALAR)
def test_derivatives_by_central_differences(name: str) -> None:
    """Orders 1 and 2, away from kinks."""
    check_grads(SCALAR[name][0], (np.array([-2.1, -0.4, 0.3, 1.9]),), order=2)


@pytest.mark.parametrize(
    ("f", "at_zero"),
    [(nn.relu, 0.0), (nn.leaky_relu, 0.01), (nn.elu, 1.0), (nn.softplus, 0.5), (nn.gelu, 0.5),
     (nn.silu, 0.5), (nn.sigmoid, 0.25)],
)  # fmt: skip
def test_derivative_at_zero(f: Formula, at_zero: float) -> None:
    """What the documentation says at a kink, the limit elsewhere."""
    assert float(grad(f)(0.0)) == at_zero


@pytest.mark.parametrize("name", SCALAR)
def test_a_nan_stays_a_nan(name: str) -> None:
    """A training that diverges must not look healthy."""
    with np.errstate(invalid="ignore"):
        assert np.isnan(SCALAR[name][0](np.array([np.nan]))).all()


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_softmax_and_log_softmax(axis: int) -> None:
    """Against long double without any shift, with logits up to 1000."""
    x = np.random.default_rng(0).normal(size=(4, 3)) * np.array([[1.0], [10.0], [300.0], [1000.0]])
    powers = np.exp(x.astype(Long))
    expected = powers / powers.sum(axis=axis, keepdims=True)
    np.testing.assert_allclose(nn.softmax(x, axis), expected.astype(float), rtol=1e-12, atol=1e-300)
    np.testing.assert_allclose(
        nn.log_softmax(x, axis), np.log(expected).astype(float), rtol=1e-13, atol=1e-15
    )
    np.testing.assert_allclose(nn.softmax(x, axis).sum(axis=axis), 1.0, rtol=1e-14)


def test_softmax_jacobians() -> None:
    """d p_i / d x_j = p_i (delta_ij - p_j), and of the logarithm delta_ij - p_j."""
    x = np.array([1000.0, 999.0, -1000.0, 1000.0])
    p = nn.softmax(x)
    for k in range(4):
        unit = np.eye(4)[k]
        np.testing.assert_allclose(
            grad(lambda x, k=k: nn.softmax(x)[k])(x), p[k] * (unit - p), atol=1e-16
        )
        np.testing.assert_allclose(
            grad(lambda x, k=k: nn.log_softmax(x)[k])(x), unit - p, atol=1e-15
        )
    check_grads(nn.softmax, (np.array([[0.3, -1.0, 2.0]]),), order=2)
    check_grads(nn.log_softmax, (np.array([[0.3, -1.0, 2.0]]),), order=2)


def test_softmax_of_equal_and_of_excluded_logits() -> None:
    """-inf excludes a class exactly; float32 stays float32."""
    got = nn.softmax(np.array([5.0, -np.inf, 5.0], np.float32))
    assert got.dtype == np.float32 and got.tolist() == [0.5, 0.0, 0.5]
    assert nn.softmax(np.full((2, 4), -1000.0)).tolist() == [[0.25] * 4] * 2
