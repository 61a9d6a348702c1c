"""The loss of connectionist temporal classification against a sum over every sequence."""

from __future__ import annotations

from itertools import groupby, product
from math import comb, log
from typing import Any

import numpy as np
import pytest

from chainrule.errors import DtypeError, ShapeError
from chainrule.losses import ctc_loss
from chainrule.nn import log_softmax
from chainrule.transforms import check_grads, grad, jit

RNG = np.random.default_rng(0)
STEPS, CLASSES = 5, 3
SCORES = log_softmax(RNG.normal(size=(6, STEPS, CLASSES)))
LABELS = np.array([[1, 2, 1], [1, 1, 2], [2, 9, 9], [9, 9, 9], [1, 1, 1], [2, 1, 9]])
TARGETS = np.array([3, 2, 1, 0, 3, 2])
LENGTHS = np.array([5, 3, 4, 5, 5, 2])


def by_enumeration(scores: Any, labels: Any, steps: int, blank: int) -> float:
    """All sequences of classes that read as the labels, their probabilities summed up."""
    total = 0.0
    for said in product(range(scores.shape[1]), repeat=steps):
        read = [c for c, _ in groupby(said) if c != blank]
        if read == list(labels):
            total += np.exp(sum(scores[t, c] for t, c in enumerate(said)))
    return -np.log(total) if total else np.inf


@pytest.mark.parametrize("blank", [0, 2])
def test_all_sequences_that_read_so(blank: int) -> None:
    """Repeats, an empty target, lengths; plain and compiled."""
    labels = (LABELS + blank) % CLASSES if blank else LABELS  # none is the blank
    expected = [
        by_enumeration(scores, row[:n], steps, blank)
        for scores, row, n, steps in zip(SCORES, labels, TARGETS, LENGTHS, strict=True)
    ]
    assert np.isfinite(expected).all()

    def losses(scores: Any) -> Any:
        return ctc_loss(scores, labels, LENGTHS, TARGETS, blank=blank, reduction="none")

    np.testing.assert_allclose(losses(SCORES), expected, rtol=1e-12)
    np.testing.assert_allclose(jit(losses)(SCORES), expected, rtol=1e-12)
    mean = ctc_loss(SCORES, labels, LENGTHS, TARGETS, blank=blank)
    np.testing.assert_allclose(mean, np.mean(expected), rtol=1e-12)
    found = jit(
        lambda s, y, n, m: ctc_loss(s, y, n, m, blank=blank, sample_weight=m, reduction="sum")
    )(SCORES, labels, LENGTHS, TARGETS)
    np.testing.assert_allclose(found, np.dot(expected, TARGETS), rtol=1e-12)


def test_derivatives() -> None:
    """To second order against central differences; steps beyond a row's length have none."""

    def loss(scores: Any) -> Any:
        return ctc_loss(log_softmax(scores), LABELS, LENGTHS, TARGETS, reduction="sum")

    check_grads(loss, (SCORES,))
    slope = jit(grad(loss))(SCORES)
    np.testing.assert_allclose(slope, grad(loss)(SCORES), rtol=1e-11, atol=1e-14)
    for row, length in zip(slope, LENGTHS, strict=True):
        assert not row[length:].any() and row[:length].any()


def test_targets_that_cannot_be() -> None:
    """Three labels in two steps, two equal ones without room for a blank: infinite, or 0."""
    scores, labels = SCORES[:3], np.array([[1, 2, 1], [1, 1, 0], [1, 0, 0]])
    lengths, targets = np.array([2, 2, 0]), np.array([3, 2, 1])
    given = scores, labels, lengths, targets
    assert ctc_loss(*given, reduction="none").tolist() == [np.inf] * 3
    assert ctc_loss(*given, zero_infinity=True, reduction="none").tolist() == [0.0] * 3
    for zero in (True, False):
        slope = grad(
            lambda s, zero=zero: ctc_loss(s, *given[1:], zero_infinity=zero, reduction="sum")
        )(scores)
        assert not slope.any()
    assert ctc_loss(scores, labels, lengths * 0, targets * 0) == 0.0  # nothing is said in no time


def test_classes_of_no_probability() -> None:
    """log 0 is allowed: the other ways remain, and derivatives are numbers."""
    never = -np.inf
    scores = np.array([[[never, 0.0], [-log(2), -log(2)], [0.0, never]]])
    loss = ctc_loss(scores, np.array([[1]]), np.array([3]), np.array([1]))
    np.testing.assert_allclose(loss, 0.0, atol=1e-15)  # "aa-" and "a--"
    slope = grad(lambda s: ctc_loss(s, np.array([[1]]), np.array([3]), np.array([1])))(scores)
    np.testing.assert_allclose(slope, [[[0, -1], [-0.5, -0.5], [-1, 0]]], atol=1e-12)


def test_long_sequences_stay_finite_in_float32() -> None:
    """1,000 steps of even chances, counted: a path with k labels has C(T + k, 2 k) alignments."""
    steps, k = 1000, 3
    scores = np.full((1, steps, 4), np.log(0.25), np.float32)
    args = np.array([[1, 2, 3]]), np.array([steps]), np.array([k])
    expected = steps * log(4) - log(comb(steps + k, 2 * k))
    found = ctc_loss(scores, *args)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert ctc_loss(scores.astype(np.float16)[:, :9], args[0], np.array([9]), args[2]) > 0


def test_errors_name_the_mend() -> None:
    """Shapes, dtypes, and numbers out of range."""
    with pytest.raises(ShapeError, match=r"two lengths \(rows,\): the shapes are \(6, 5, 3\), \(5"):
        ctc_loss(SCORES, LABELS[:5], LENGTHS, TARGETS)
    with pytest.raises(ShapeError, match=r"the shapes are \(5, 5, 3\), \(6, 3\)"):
        ctc_loss(SCORES[:5], LABELS, LENGTHS, TARGETS)
    with pytest.raises(DtypeError, match="targets are whole numbers, not float64"):
        ctc_loss(SCORES, LABELS * 1.0, LENGTHS, TARGETS)
    with pytest.raises(DtypeError, match="log_probs are floats, not int64"):
        ctc_loss(LABELS[:, :, None], LABELS, LENGTHS, TARGETS)
    with pytest.raises(ValueError, match="input_lengths run from 2 to 6: 0 to 5 fit"):
        ctc_loss(SCORES, LABELS, LENGTHS + (LENGTHS == 5), TARGETS)
    with pytest.raises(ValueError, match=r"other than the blank 1; those given are \[1, 2\]"):
        ctc_loss(SCORES, LABELS, LENGTHS, TARGETS, blank=1)
    with pytest.raises(ValueError, match="blank=3: classes are 0 to 2"):
        ctc_loss(SCORES, LABELS, LENGTHS, TARGETS, blank=3)
