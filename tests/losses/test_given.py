"""What losses are given: integers that overflow, masks, texts, weights that are none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import configured, jit, losses, value_and_grad
from chainrule.errors import DataError, DtypeError

INTEGERS = (np.bool_, np.uint8, np.int8, np.uint16, np.int32, np.uint32, np.int64)
LOSSES: dict[str, Any] = {
    "absolute_error": losses.absolute_error,
    "squared_error": losses.squared_error,
    "huber": losses.huber,
    "pinball": losses.pinball,
    "pinball of two": lambda p, y: losses.pinball(np.stack([p, p], axis=-1), y, (0.1, 0.9)),
    "gaussian_nll": lambda p, y: losses.gaussian_nll(np.stack([p, p], axis=-1), y),
    "poisson": losses.poisson_deviance,
    "tweedie": losses.tweedie_deviance,
    "sigmoid_binary_cross_entropy": lambda p, y: losses.sigmoid_binary_cross_entropy(p, y > 1),
    "softmax_cross_entropy": lambda p, y: losses.softmax_cross_entropy(p, (y[0] > 1).astype(int)),
}


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", INTEGERS)
def test_integers_are_computed_in_float64(name: str, dtype: Any) -> None:
    """Numbers and compiled, as of the same numbers as floats."""
    loss = LOSSES[name]
    prediction = np.array([1, 2, 100, 0]).astype(dtype)
    target = np.array([2, 1, 0, 120]).astype(dtype)
    wide = loss(prediction.astype(float), target.astype(float))
    given, compiled = loss(prediction, target), jit(loss)(prediction, target)
    assert given.dtype == np.asarray(compiled).dtype == np.float64
    np.testing.assert_allclose([given, compiled], [wide, wide], rtol=1e-12)


def test_large_integers() -> None:
    """The square of 2**40 has no place in int64."""
    assert losses.squared_error(np.array([2**40]), np.array([0])) == 2.0**80
    assert losses.absolute_error(np.uint8([1, 2]), np.uint8([2, 1])) == 1.0


def test_a_long_target_of_small_integers() -> None:
    """Twice a target's length has no place in uint8."""
    rng = np.random.default_rng(0)
    said = np.log(rng.dirichlet(np.ones(3), (1, 420)))
    targets = np.tile([1, 2], 100)[None]
    wide = losses.ctc_loss(said, targets, np.array([420]), np.array([200]))
    assert losses.ctc_loss(said, targets, np.array([420]), np.uint8([200])) == wide


Z = np.array([[1.0, 2.0], [0.0, 1.0]])
MASKED = np.ma.masked_array([0, 1], [False, True])


@pytest.mark.parametrize(
    "call",
    [
        lambda: losses.softmax_cross_entropy(Z, MASKED),
        lambda: losses.softmax_cross_entropy(Z, np.array([0, 1]), sample_weight=MASKED),
        lambda: losses.sigmoid_binary_cross_entropy(Z[:, 0], MASKED),
        lambda: losses.squared_error(Z[:, 0], MASKED),
        lambda: losses.squared_error(MASKED, Z[:, 0]),
        lambda: losses.poisson_deviance(Z[:, 0], MASKED),
    ],
)
def test_masked_numbers_are_refused(call: Any) -> None:
    """NumPy's functions would read what lies under the mask."""
    with pytest.raises(DataError, match="1 of 2 numbers given to a loss are masked"):
        call()
    whole = np.ma.masked_array([0, 1], [False, False])
    assert losses.softmax_cross_entropy(Z, whole) == losses.softmax_cross_entropy(Z, [0, 1])


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: losses.sigmoid_binary_cross_entropy(Z[:, 0], np.array(["a", "b"])), "dtype <U1"),
        (lambda: losses.sigmoid_binary_cross_entropy(Z[:, 0], np.array(["0", "1"])), "dtype <U1"),
        (lambda: losses.squared_error(np.array([1j]), np.array([0.0])), "dtype complex128"),
        (lambda: losses.softmax_cross_entropy(Z, np.array(["a", "b"])), "dtype <U1"),
    ],
)
def test_what_is_no_number(call: Any, words: str) -> None:
    """Texts are not read as numbers."""
    with pytest.raises(DtypeError, match=f"real numbers, and was given {words}") as caught:
        call()
    assert "test_given.py" in str(caught.value)


@pytest.mark.parametrize("smoothing", ["a", None, -0.1, 1.0])
def test_label_smoothing_is_a_share(smoothing: Any) -> None:
    """All else is named."""
    with pytest.raises(ValueError, match=rf"label_smoothing={smoothing!r}: give 0 or more"):
        losses.softmax_cross_entropy(Z, np.array([0, 1]), label_smoothing=smoothing)


@pytest.mark.parametrize("weights", [-1.0, [1.0, -2.0], [1.0, np.nan], [np.inf, 1.0]])
def test_weights_that_are_none(weights: Any) -> None:
    """Numbers: an error. Shapes: nan, and a slope of nan."""
    labels, weights = np.array([0, 1]), np.array(weights)

    def loss(z: Any, y: Any, w: Any) -> Any:
        return losses.softmax_cross_entropy(z, y, sample_weight=w)

    with pytest.raises(ValueError, match="sample_weight: one is .*: weights are 0 or more"):
        loss(Z, labels, weights)
    for backend in ("llvm", "numpy"):
        with configured(backend=backend):
            value, slope = jit(value_and_grad(loss))(Z, labels, weights)
            assert np.isnan(value)
            assert np.isnan(slope).all()
