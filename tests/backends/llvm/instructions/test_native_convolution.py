"""Native convolutions against NumPy's, in all shapes that the tiles distinguish."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from stages import scheduled

import chainrule as cr
from chainrule import nn, random
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.instructions.convolution import Convolution
from chainrule.backends.llvm.instructions.row_tiles import RowTiles
from chainrule.config import configured
from chainrule.nn.convolution import conv

CASES = 24


def drawn(seed: int) -> tuple[Any, Any, dict[str, Any]]:
    """An input and a kernel: few and many rows and channels, odd ones, steps and holes."""
    draw = np.random.default_rng(seed)
    kernel, strides, dilation = (draw.integers(1, most, 2) for most in (5, 4, 3))
    sizes = (kernel - 1) * dilation + 1 + draw.integers(0, 10, 2)
    rows, inputs = int(draw.choice([1, 2, 5, 33])), int(draw.choice([1, 2, 3, 8, 17, 32]))
    outputs = int(draw.choice([1, 2, 3, 8, 10, 16, 17, 33, 48]))
    lead = [(), (), (2,), (2, 3)][draw.integers(4)]
    x = draw.normal(size=(*lead, rows, *sizes, inputs))
    w = draw.normal(size=(*lead[1:], *kernel, inputs, outputs))
    pair = {name: tuple(map(int, p)) for name, p in (("stride", strides), ("dilation", dilation))}
    return x, w, pair


def results(x: Any, w: Any, given: dict[str, Any]) -> tuple[Any, ...]:
    """The convolution and the gradients of a function of it."""
    gradients = cr.grad(lambda x, w: np.sum(np.sin(conv(x, w, **given))), argnums=(0, 1))(x, w)
    return (conv(x, w, **given), *gradients)


def compared(seed: int, dtype: Any, close: float) -> None:
    x, w, given = drawn(seed)
    found = cr.jit(lambda x, w: results(x, w, given))(x.astype(dtype), w.astype(dtype))
    for actual, expected in zip(found, results(x, w, given), strict=True):
        assert actual.dtype == dtype
        scale = np.abs(expected).max()
        np.testing.assert_allclose(actual, expected, rtol=0, atol=close * scale)


@pytest.mark.parametrize("seed", range(CASES))
def test_values_and_gradients(seed: int) -> None:
    """Native float64 is NumPy's; room around each buffer is watched."""
    with configured(check=2, cache=0):
        compared(seed, np.float64, 1e-13)


@pytest.mark.parametrize("vector", [4, 8])
@pytest.mark.parametrize("seed", range(100, 106))
def test_narrow_vectors(seed: int, vector: int) -> None:
    """Other widths have other tiles."""
    with configured(vector=vector, check=2, cache=0):
        compared(seed, np.float32, 2e-5)


def network(w: Any, v: Any, x: Any) -> Any:
    """Two layers and their loss."""
    hidden = np.maximum(conv(np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), w), np.float32(0))
    return np.sum(conv(hidden, v, stride=(2, 2)) ** 2)


def test_threads_change_no_bit() -> None:
    """Rows go through both layers together; kernels' gradients are cut into parts; 1, 2, 3, 5."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(96, 12, 12, 8)).astype(np.float32)
    w = draw.normal(size=(3, 3, 8, 32)).astype(np.float32) / 8
    v = draw.normal(size=(3, 3, 32, 16)).astype(np.float32) / 16
    found = []
    for threads in (1, 2, 3, 5):
        with configured(num_threads=threads, cache=0):
            found.append(cr.jit(cr.grad(network, argnums=(0, 1)))(w, v, x))
    for other in found[1:]:
        for a, b in zip(found[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_a_batch_is_tiled_by_rows_and_sums_are_cut() -> None:
    """By the input: in row tiles, with elementwise work. By the kernel: in parts and blocks."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(128, 28, 28, 8)).astype(np.float32)
    w, v = np.ones((3, 3, 8, 32), np.float32), np.ones((3, 3, 32, 16), np.float32)
    with configured(num_threads=2, cache=0):
        schedule = scheduled(cr.grad(network, argnums=(0, 1)), w, v, x)
    inside = [s for r in schedule.instructions if isinstance(r, RowTiles) for s in r.steps]
    assert sum(isinstance(step, Convolution) for step in inside) == 3
    alone = [step for step in schedule.instructions if isinstance(step, Convolution)]
    assert [(len(step.parts), step.blocks > 8) for step in alone] == [(2, True), (2, True)]


@pytest.mark.parametrize("channels", [2, 7, 16, 33, 80])
def test_depthwise_vectors_lie_along_the_channels(channels: int) -> None:
    """Forward and both gradients, where the numbers are: only the zeros around are written."""
    draw = np.random.default_rng(0)
    layer = nn.Conv2d(channels, channels, 3, groups=channels, padding=1, stride=(1, 2),
                      key=random.key(0), dtype=np.float64)  # fmt: skip
    x = draw.normal(size=(40, 6, 9, channels))

    def loss(layer: Any, x: Any) -> Any:
        return np.sum(np.sin(layer(x)))

    expected = cr.grad(loss, argnums=(0, 1))(layer, x)
    for threads in (1, 2, 3):
        with configured(num_threads=threads, cache=0):
            found = cr.jit(cr.grad(loss, argnums=(0, 1)))(layer, x)
            schedule = scheduled(cr.grad(loss, argnums=(0, 1)), layer, x)
        steps = [s for s in walk(schedule.instructions) if isinstance(s, Convolution)]
        assert [step.window.grouped for step in steps] == [True] * 3
        for a, b in zip(cr.tree.leaves(found), cr.tree.leaves(expected), strict=True):
            np.testing.assert_allclose(a, b, rtol=0, atol=1e-12 * np.abs(b).max())


def test_a_result_that_is_read_in_the_order_of_its_axes() -> None:
    """A reshape that runs over groups needs them apart; one of what is turned back does not."""
    draw = np.random.default_rng(0)
    x, w = draw.normal(size=(3, 5, 6, 20)), draw.normal(size=(20, 2, 2, 1, 1))

    def both(x: Any, w: Any) -> Any:
        y = conv(np.pad(x[..., None].transpose(3, 0, 1, 2, 4), ((0, 0), (0, 0), (1, 1), (0, 0),
                                                                (0, 0))), w)  # fmt: skip
        return y.reshape(60, -1), y.transpose(1, 2, 3, 0, 4).reshape(3, -1), y

    for a, b in zip(cr.jit(both)(x, w), both(x, w), strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)


def test_nothing_to_sum_and_nothing_to_compute() -> None:
    """No channels in: zeros. No rows: no numbers."""
    none = cr.jit(conv)(np.ones((2, 4, 4, 0)), np.ones((3, 3, 0, 5)))
    np.testing.assert_array_equal(none, np.zeros((2, 2, 2, 5)))
    assert cr.jit(conv)(np.ones((0, 4, 4, 2)), np.ones((3, 3, 2, 5))).shape == (0, 2, 2, 5)
