"""Bags of vectors against loops over rows and steps in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import grad, jit

KEY = random.key(0)
RNG = np.random.default_rng(0)
CODES = np.array([[1, 4, 4, 0], [2, 0, 0, 0], [0, 0, 0, 0], [3, 1, 0, 2]])
MODES: dict[str, Any] = {
    "mean": lambda v: np.mean(v, axis=0),
    "sum": lambda v: np.sum(v, axis=0),
    "max": lambda v: np.max(v, axis=0),
}


def bag(mode: Any, padding: int | None) -> Any:
    made = nn.EmbeddingBag(5, 3, key=KEY, mode=mode, padding_idx=padding, dtype=np.float64)
    return made.replace(table=made.table.replace(weight=RNG.normal(size=(5, 3))))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("padding", [None, 0, 4])
def test_bags_by_loops(mode: str, padding: int | None) -> None:
    """What fills up counts for nothing; a row of nothing else is 0."""
    layer = bag(mode, padding)
    expected = np.zeros((4, 3))
    for row, codes in enumerate(CODES):
        vectors = [layer.table.weight[c] for c in codes if c != padding]
        if vectors:
            expected[row] = MODES[mode](np.array(vectors))
    np.testing.assert_allclose(layer(CODES), expected, rtol=1e-12)
    np.testing.assert_allclose(jit(lambda m, c: m(c))(layer, CODES), expected, rtol=1e-12)


@pytest.mark.parametrize("compiled", [False, True])
def test_derivatives_by_counting(compiled: bool) -> None:
    """Of the sum: how often a code is there; of the mean: its shares; the filler's is 0."""
    slopes: dict[str, Any] = {}
    for mode in MODES:
        f = grad(lambda m: np.sum(m(CODES)))
        slope = (jit(f) if compiled else f)(bag(mode, 0)).table.weight
        assert slope[0].tolist() == [0.0] * 3
        slopes[mode] = slope
    counts = np.array([[np.sum(row == c) for c in range(5)] for row in CODES])
    counts[:, 0] = 0
    real = np.maximum(counts.sum(1, keepdims=True), 1)
    np.testing.assert_allclose(slopes["sum"], np.repeat(counts.sum(0)[:, None], 3, 1), rtol=1e-12)
    shares = (counts / real).sum(0)
    np.testing.assert_allclose(slopes["mean"], np.repeat(shares[:, None], 3, 1), rtol=1e-12)
    np.testing.assert_allclose(slopes["max"].sum(0), [3.0] * 3, rtol=1e-12)


def test_weighted_sums() -> None:
    """Each vector times its number; the derivative by the numbers, 0 where it is filled up."""
    layer, weights = bag("sum", 0), RNG.normal(size=(4, 4))
    expected = np.zeros((4, 3))
    for n, t in np.ndindex(4, 4):
        if CODES[n, t]:
            expected[n] += weights[n, t] * layer.table.weight[CODES[n, t]]
    np.testing.assert_allclose(layer(CODES, weights), expected, rtol=1e-12)
    slope = grad(lambda w: np.sum(layer(CODES, w)))(weights)
    np.testing.assert_allclose(slope, (CODES > 0) * layer.table.weight.sum(1)[CODES], rtol=1e-12)


def test_parameters() -> None:
    """The filler begins as 0; float32 stays."""
    layer = nn.EmbeddingBag(5, 4, key=KEY, padding_idx=2)
    assert layer.table.weight.dtype == np.float32 and not layer.table.weight[2].any()
    assert layer.table.weight[[0, 1, 3, 4]].all()
    for mode in MODES:
        made = nn.EmbeddingBag(5, 4, key=KEY, mode=mode, padding_idx=2)  # type: ignore[arg-type]
        assert made(CODES).dtype == np.float32
        assert made(CODES[:0]).shape == (0, 4)


def test_errors_name_the_mend() -> None:
    """Modes, codes, weights."""
    with pytest.raises(ValueError, match='mode=\'median\': give "mean", "sum" or "max"'):
        nn.EmbeddingBag(5, 3, key=KEY, mode="median")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="padding_idx=5: codes are 0 to 4"):
        nn.EmbeddingBag(5, 3, key=KEY, padding_idx=5)
    with pytest.raises(ShapeError, match=r"takes codes of shape \(rows, steps\), not \(4,\)"):
        bag("sum", 0)(CODES[0])
    with pytest.raises(DtypeError, match="whole numbers"):
        bag("sum", 0)(CODES * 1.0)
    with pytest.raises(IndexError, match="codes run from 1 to 5"):
        bag("sum", 0)(CODES + 1)
    with pytest.raises(ValueError, match="mode='mean' takes no weights: \"sum\" does"):
        bag("mean", 0)(CODES, CODES * 1.0)
    with pytest.raises(
        ShapeError, match=r"per_sample_weights of shape \(4, 2\) for codes of shape \(4, 4\)"
    ):
        bag("sum", 0)(CODES, np.ones((4, 2)))
