"""Convolutions against loops over windows and against PyTorch, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from windows import TOLERANCE, check_slopes, convolution, transposed

from chainrule import nn, random
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import grad, jit

KEY = random.key(0)
CASES = [(1, 0, 0, 1), (2, 1, 1, 1), (3, 2, 2, 2)]
PADDINGS = st.sampled_from(["same", "valid", 0, 1, 2, (0, 2), (1, 0)])


def zeros_around(padding: Any, size: Any, kernel: Any, stride: Any, dilation: Any) -> list[Any]:
    """What the document says of "same" and "valid", and numbers as they are."""
    if padding == "same":
        around = []
        for n, k, s, d in zip(size, kernel, stride, dilation, strict=True):
            total = max(0, (int(np.ceil(n / s)) - 1) * s + (k - 1) * d + 1 - n)
            around.append((total // 2, total - total // 2))
        return around
    both = {"valid": (0, 0)}.get(padding, padding) if isinstance(padding, str) else padding
    return [(p, p) for p in (both if isinstance(both, tuple) else (both, both))]


@st.composite
def layers(draw: Any) -> tuple[Any, Any, Any]:
    """A layer with a bias, an input that is large enough, and its size."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    columns, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 3))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    stride = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    dilation = draw(st.tuples(st.integers(1, 2), st.integers(1, 2)))
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    size = tuple(draw(st.integers(r, r + 4)) for r in reach)
    layer = nn.Conv2d(
        columns, outputs, kernel, key=random.key(draw(st.integers(0, 99))), stride=stride,
        padding=draw(PADDINGS), dilation=dilation, groups=groups, dtype=np.float64,
    )  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    layer = layer.replace(bias=rng.normal(size=outputs))
    return layer, rng.normal(size=(2, *size, columns)), size


@settings(max_examples=15)
@given(layers())
def test_a_convolution_sums_over_each_window(drawn: Any) -> None:
    """Strides, zeros, dilation, groups, depthwise: value and gradients by loops."""
    layer, x, size = drawn
    kernel = layer.weight.shape[:2]
    around = zeros_around(layer.padding, size, kernel, layer.stride, layer.dilation)

    def by_loops(x: Any, w: Any) -> Any:
        return convolution(x, w, layer.stride, around, layer.dilation, layer.groups)

    expected = by_loops(x, layer.weight) + layer.bias
    np.testing.assert_allclose(layer(x), expected, **TOLERANCE)
    np.testing.assert_allclose(jit(layer)(x), expected, **TOLERANCE)
    if layer.padding == "same":
        assert expected.shape[1:3] == tuple(
            -(-n // s) for n, s in zip(size, layer.stride, strict=True)
        )
    bare = layer.replace(bias=None)
    check_slopes(lambda x, w: bare.replace(weight=w)(x), by_loops, x, layer.weight)


@pytest.mark.parametrize("padding", ["same", "valid", "causal", 0, 2])
@pytest.mark.parametrize("stride, dilation, groups", [(1, 1, 1), (2, 1, 2), (1, 3, 2), (3, 2, 4)])
def test_a_convolution_of_sequences(padding: Any, stride: int, dilation: int, groups: int) -> None:
    """An image of height 1."""
    rng = np.random.default_rng(0)
    layer = nn.Conv1d(
        4, 8, 3, key=KEY, stride=stride, padding=padding, dilation=dilation, groups=groups,
        dtype=np.float64,
    )  # fmt: skip
    x = rng.normal(size=(3, 11, 4))
    reach = 2 * dilation
    if padding == "causal":
        around = [(0, 0), (reach, 0)]
    else:
        around = zeros_around(padding, (1, 11), (1, 3), (1, stride), (1, dilation))
        around[0] = (0, 0)

    def by_loops(x: Any, w: Any) -> Any:
        args = (1, stride), around, (1, dilation), groups
        return convolution(x[:, None], w[None], *args)[:, 0]

    np.testing.assert_allclose(layer(x), by_loops(x, layer.weight), **TOLERANCE)
    check_slopes(lambda x, w: layer.replace(weight=w)(x), by_loops, x, layer.weight)


def test_a_causal_convolution_does_not_see_later_steps() -> None:
    """The derivative of step t by any later step is 0, by itself it is not."""
    layer = nn.Conv1d(2, 3, 3, key=KEY, padding="causal", dilation=2, dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(1, 9, 2))
    for t in range(9):
        slope = grad(lambda x, t=t: np.sum(layer(x)[0, t]))(x)
        assert not slope[0, t + 1 :].any() and slope[0, t].all()


@st.composite
def growing_layers(draw: Any) -> tuple[Any, Any]:
    """A transposed convolution and its input."""
    groups = draw(st.sampled_from([1, 1, 2, 3]))
    columns, outputs = groups * draw(st.integers(1, 2)), groups * draw(st.integers(1, 2))
    pairs = st.tuples(st.integers(1, 3), st.integers(1, 3))
    stride, dilation, kernel = draw(pairs), draw(pairs), draw(pairs)
    extra = tuple(
        draw(st.integers(0, max(s, d) - 1)) for s, d in zip(stride, dilation, strict=True)
    )
    size = draw(st.tuples(st.integers(2, 4), st.integers(2, 4)))
    padding = tuple(
        draw(st.integers(0, ((n - 1) * s + (k - 1) * d) // 2))
        for n, s, k, d in zip(size, stride, kernel, dilation, strict=True)
    )
    layer = nn.ConvTranspose2d(
        columns, outputs, kernel, key=KEY, stride=stride, padding=padding, output_padding=extra,
        dilation=dilation, groups=groups, dtype=np.float64,
    )  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return layer.replace(bias=rng.normal(size=outputs)), rng.normal(size=(2, *size, columns))


@settings(max_examples=15)
@given(growing_layers())
def test_a_transposed_convolution_adds_windows(drawn: Any) -> None:
    """Strides, cut edges, added ends, dilation, groups: value and gradients by loops."""
    layer, x = drawn

    def by_loops(x: Any, w: Any) -> Any:
        return transposed(
            x, w, layer.stride, layer.padding, layer.output_padding, layer.dilation, layer.groups
        )

    expected = by_loops(x, layer.weight) + layer.bias
    np.testing.assert_allclose(layer(x), expected, **TOLERANCE)
    bare = layer.replace(bias=None)
    check_slopes(lambda x, w: bare.replace(weight=w)(x), by_loops, x, layer.weight)


@pytest.mark.parametrize("stride, padding, extra, dilation", CASES)
def test_a_transposed_convolution_of_sequences(
    stride: int, padding: int, extra: int, dilation: int
) -> None:
    """An image of height 1."""
    layer = nn.ConvTranspose1d(
        4, 6, 3, key=KEY, stride=stride, padding=padding, output_padding=extra, dilation=dilation,
        groups=2, dtype=np.float64,
    )  # fmt: skip
    x = np.random.default_rng(0).normal(size=(2, 5, 4))

    def by_loops(x: Any, w: Any) -> Any:
        args = (1, stride), (0, padding), (0, extra), (1, dilation), 2
        return transposed(x[:, None], w[None], *args)[:, 0]

    np.testing.assert_allclose(layer(x), by_loops(x, layer.weight), **TOLERANCE)
    check_slopes(lambda x, w: layer.replace(weight=w)(x), by_loops, x, layer.weight)


def test_transposed_is_the_transpose() -> None:
    """<conv(x), y> = <x, transposed(y)> with the axes of channels exchanged."""
    rng = np.random.default_rng(0)
    there = nn.Conv2d(2, 3, 3, key=KEY, stride=2, padding=1, bias=False, dtype=np.float64)
    back = nn.ConvTranspose2d(3, 2, 3, key=KEY, stride=2, padding=1, bias=False, dtype=np.float64)
    back = back.replace(weight=there.weight.transpose(0, 1, 3, 2))
    x = rng.normal(size=(4, 7, 9, 2))
    y = rng.normal(size=there(x).shape)
    assert back(y).shape == x.shape
    np.testing.assert_allclose(np.sum(there(x) * y), np.sum(x * back(y)), rtol=1e-12)


def test_leading_axes_dtypes_and_parameters() -> None:
    """Any leading axes, no rows, float32 unless asked for, no bias, fan-in by group."""
    layer = nn.Conv2d(4, 8, 3, key=KEY, groups=2, padding="same")
    assert layer.weight.shape == (3, 3, 2, 8) and layer.weight.dtype == np.float32
    bound = (6 / (3 * 3 * 2)) ** 0.5
    assert 0.9 * bound < np.max(np.abs(layer.weight)) <= bound
    assert layer.bias.tolist() == [0.0] * 8
    x = np.random.default_rng(0).normal(size=(2, 3, 5, 6, 4)).astype(np.float32)
    made = layer(x)
    assert made.shape == (2, 3, 5, 6, 8) and made.dtype == np.float32
    np.testing.assert_allclose(made[1], layer(x[1]), rtol=1e-5, atol=1e-6)
    assert layer(x[0, :0]).shape == (0, 5, 6, 8)
    grown = nn.ConvTranspose2d(4, 8, 2, stride=2, key=KEY)
    assert grown(x).shape == (2, 3, 10, 12, 8) and grown(x).dtype == np.float32
    assert nn.Conv1d(4, 8, 3, key=KEY, bias=False).bias is None
    assert nn.ConvTranspose1d(4, 8, 3, key=KEY)(x[:, 0, 0]).shape == (2, 8, 8)


def test_errors_name_the_mend() -> None:
    """Channels, sizes, words and numbers that do not fit."""
    layer = nn.Conv2d(3, 4, 5, key=KEY)
    with pytest.raises(ShapeError, match=r"Conv2d takes .* \(rows, height, width, 3\), f"):
        layer(np.ones((2, 3, 28, 28)))
    with pytest.raises(ShapeError, match=r"test_convolution\.py:\d+: conv: a kernel of 5"):
        layer(np.ones((2, 4, 9, 3)))
    with pytest.raises(ShapeError, match=r"conv: a kernel of 5"):
        nn.Conv2d(3, 3, 5, groups=3, key=KEY)(np.ones((2, 9, 4, 3)))
    with pytest.raises(ShapeError, match=r"Conv1d takes arrays of shape \(rows, steps, 3\)"):
        nn.Conv1d(3, 4, 5, key=KEY)(np.ones((9, 3)))
    with pytest.raises(ValueError, match='padding=\'full\': give "same", "valid", or numbers'):
        nn.Conv2d(3, 4, 5, padding="full", key=KEY)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match='"causal", or a number of zeros'):
        nn.Conv1d(3, 4, 5, padding="full", key=KEY)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"groups=2 does not divide in_channels=3"):
        nn.Conv2d(3, 4, 5, groups=2, key=KEY)
    with pytest.raises(ValueError, match=r"stride=0: give 1 or more"):
        nn.Conv2d(3, 4, 5, stride=0, key=KEY)
    with pytest.raises(ValueError, match=r"kernel_size=\(3, 3, 3\): give one whole number or a p"):
        nn.Conv2d(3, 4, (3, 3, 3), key=KEY)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"padding=-1: give 0 or more"):
        nn.Conv2d(3, 4, 5, padding=-1, key=KEY)
    with pytest.raises(DtypeError, match="dtype=int32: parameters are floats"):
        nn.Conv1d(3, 4, 5, key=KEY, dtype=np.int32)
    with pytest.raises(ValueError, match=r"output_padding=2: give less than the stride or the dil"):
        nn.ConvTranspose2d(3, 4, 5, stride=2, output_padding=2, key=KEY)
    with pytest.raises(ShapeError, match=r"of 1 positions: padding=1 leaves nothing"):
        nn.ConvTranspose1d(3, 4, 2, padding=1, key=KEY)(np.ones((1, 1, 3)))
