"""Convolutions over images (N, H, W, C) and sequences (N, T, C)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..errors import at_user_line
from ..graph.types import Type
from ..primitives.convolution import conv as _conv
from ..primitives.convolution import conv_input_grad
from ..trace.operands import nodes_of, record
from ..trace.tracer import Tracer, traced
from ..typing import Array
from .channels import (
    check_channels,
    check_groups,
    draw_parameters,
    in_groups,
    over_images,
    over_sequences,
)
from .initializers import Initializer, he_uniform
from .module import Module
from .validation import check_int, check_pair

Padding: TypeAlias = int | tuple[int, int] | Literal["same", "valid"]
Padding1d: TypeAlias = int | Literal["same", "valid", "causal"]
Pair: TypeAlias = tuple[int, int]


def conv(x: Any, weight: Any, *, stride: int | Pair = 1, dilation: int | Pair = 1) -> Array:
    """Convolution over two axes, without padding, on arrays and in traces alike.

    ``y[n, i, j, o]`` is the sum over k, l and c of
    ``x[n, s i + d k, s j + d l, c] weight[k, l, c, o]`` for stride s and dilation d. As in other
    libraries of neural networks, the kernel is not flipped (cross-correlation).

    Parameters
    ----------
    x : array of shape (..., N, H, W, C)
        Rows with their features last; pad it with `numpy.pad`.
    weight : array of shape (..., KH, KW, C, O)
        The leading axes of both broadcast, as in `numpy.matmul`.
    stride, dilation : int or (int, int)
        Along H and W. Default 1.

    Returns
    -------
    array of shape (..., N, OH, OW, O)
        ``OH = (H - (KH - 1) * dilation - 1) // stride + 1``.

    Raises
    ------
    ShapeError
        If the channels differ, or the kernel reaches beyond x.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(9.0).reshape(1, 3, 3, 1)
    >>> conv(x, np.ones((2, 2, 1, 1)))[0, :, :, 0].tolist()
    [[8.0, 12.0], [20.0, 24.0]]
    """
    options = {
        "strides": check_pair("stride", stride),
        "dilation": check_pair("dilation", dilation),
    }
    if isinstance(x, Tracer) or isinstance(weight, Tracer):
        return record(_conv, x, weight, **options)
    x, weight = np.asarray(x), np.asarray(weight)
    _conv.infer(
        Type(x.shape, x.dtype), Type(weight.shape, weight.dtype), **options
    )  # raises if they don't fit
    return _conv(x, weight, **options)


class Conv2d(Module):
    """Two-dimensional convolution of images with channels last.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    kernel_size : int or (int, int)
        Size of the window along height and width.
    key : uint32[2]
        From `chainrule.random`: the weight is drawn with it.
    stride : int or (int, int)
        Positions from one window to the next. Default 1.
    padding : int, (int, int), "same" or "valid"
        Zeros on both sides of each axis; "valid" is none; "same" gives ``ceil(size / stride)``
        positions, an odd zero at the end. Default 0.
    dilation : int or (int, int)
        Positions from one entry of the window to the next. Default 1.
    groups : int
        The number of groups of channels that are convolved independently. With
        ``groups=in_channels`` the convolution is depthwise. Default 1.
    bias : bool
        Whether to add a bias, which begins as 0. Default True.
    weight_init : callable
        ``weight_init(key, shape, dtype)``. Default `he_uniform`, which suits `relu`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (height, width, in_channels / groups, out_channels)
        Of the window. (PyTorch's is (out, in / groups, height, width).)
    bias : array of shape (out_channels,), or None

    Raises
    ------
    ShapeError
        If the input is not of shape (..., height, width, in_channels), or if the window reaches
        beyond the padded image.

    References
    ----------
    Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: "Gradient-based learning applied to document
    recognition" (1998); F. Yu, V. Koltun: "Multi-scale context aggregation by dilated
    convolutions", arXiv:1511.07122 (2016), for dilation.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.Conv2d(3, 8, 3, stride=2, padding="same", key=random.key(0))
    >>> layer.weight.shape, layer(np.zeros((10, 28, 28, 3), np.float32)).shape
    ((3, 3, 3, 8), (10, 14, 14, 8))
    >>> edges = nn.Conv2d(1, 1, (1, 2), key=random.key(0)).replace(
    ...     weight=np.array([-1.0, 1.0]).reshape(1, 2, 1, 1)
    ... )
    >>> edges(np.array([0.0, 0.0, 5.0, 5.0]).reshape(1, 1, 4, 1)).ravel().tolist()
    [0.0, 5.0, 0.0]
    """

    weight: Any
    bias: Any
    stride: Pair
    padding: Padding
    dilation: Pair
    groups: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Pair,
        *,
        key: Any,
        stride: int | Pair = 1,
        padding: Padding = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        weight_init: Initializer = he_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.groups = check_groups("Conv2d", groups, in_channels, out_channels)
        size = check_pair("kernel_size", kernel_size)
        self.weight, self.bias = draw_parameters(
            size, in_channels, out_channels, groups, bias,
            key=key, weight_init=weight_init, dtype=dtype,
        )  # fmt: skip
        self.stride, self.dilation = check_pair("stride", stride), check_pair("dilation", dilation)
        self.padding = _check_padding(padding)

    def __call__(self, x: Any) -> Array:
        check_channels("Conv2d", x, ("height", "width"), self.weight.shape[2] * self.groups)
        spans = [(k - 1) * d + 1 for k, d in zip(self.weight.shape, self.dilation, strict=False)]
        zeros = [
            zeros_around(self.padding, axis, size, span, stride)
            for axis, (size, span, stride) in enumerate(
                zip(x.shape[-3:-1], spans, self.stride, strict=True)
            )
        ]

        def convolve(images: Any) -> Any:
            return padded_conv(images, self.weight, self.stride, self.dilation, self.groups, zeros)

        return over_images(convolve, x, self.bias)


class Conv1d(Module):
    """One-dimensional convolution of sequences with channels last.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    kernel_size : int
        Steps in the window.
    key : uint32[2]
        From `chainrule.random`: the weight is drawn with it.
    stride : int
        Steps from one window to the next. Default 1.
    padding : int, "same", "valid" or "causal"
        Zeros on both sides; "valid" is none; "same" gives ``ceil(steps / stride)`` steps; "causal"
        pads at the start only, so that no step depends on later ones. Default 0.
    dilation : int
        Steps from one entry of the window to the next. Default 1.
    groups, bias, weight_init, dtype
        See `Conv2d`.

    Attributes
    ----------
    weight : array of shape (kernel_size, in_channels / groups, out_channels)
    bias : array of shape (out_channels,), or None

    Raises
    ------
    ShapeError
        If the input is not of shape (..., steps, in_channels), or if the window is longer than
        the padded sequence.

    References
    ----------
    A. van den Oord et al.: "WaveNet: a generative model for raw audio", arXiv:1609.03499 (2016),
    for causal and dilated windows.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.Conv1d(1, 1, 2, padding="causal", key=random.key(0), weight_init=nn.ones)
    >>> layer(np.array([1.0, 2.0, 3.0], np.float32).reshape(1, 3, 1)).ravel().tolist()
    [1.0, 3.0, 5.0]
    """

    weight: Any
    bias: Any
    stride: int
    padding: Padding1d
    dilation: int
    groups: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        *,
        key: Any,
        stride: int = 1,
        padding: Padding1d = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        weight_init: Initializer = he_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.groups = check_groups("Conv1d", groups, in_channels, out_channels)
        size = (check_int("kernel_size", kernel_size),)
        self.weight, self.bias = draw_parameters(
            size, in_channels, out_channels, groups, bias,
            key=key, weight_init=weight_init, dtype=dtype,
        )  # fmt: skip
        self.stride, self.dilation = check_int("stride", stride), check_int("dilation", dilation)
        self.padding = _check_padding_1d(padding)

    def __call__(self, x: Any) -> Array:
        check_channels("Conv1d", x, ("steps",), self.weight.shape[1] * self.groups)
        span = (self.weight.shape[0] - 1) * self.dilation + 1
        zeros = ((0, 0), zeros_around(self.padding, 0, x.shape[-2], span, self.stride))

        def convolve(images: Any) -> Any:
            stride, dilation = (1, self.stride), (1, self.dilation)
            return padded_conv(images, self.weight[None], stride, dilation, self.groups, zeros)

        return over_sequences(convolve, x, self.bias)


def conv_by_input(g: Any, sizes: Pair, w: Any, strides: Pair, dilation: Pair) -> Any:
    """Return the gradient of a convolution by its input of height and width `sizes`.

    `g` is the gradient of the convolution's output; arrays and tracers are both taken.
    """
    if isinstance(g, Tracer) or isinstance(w, Tracer):
        a, b = nodes_of(g, w)
        return traced(conv_input_grad(a, sizes, b, strides, dilation))
    return conv_input_grad(np.asarray(g), sizes, np.asarray(w), strides, dilation)


def padded_conv(
    x: Any, weight: Any, stride: Pair, dilation: Pair, groups: int, zeros: Sequence[Pair]
) -> Any:
    """Convolve (N, H, W, C) with (KH, KW, C / groups, O) after padding H and W with zeros."""

    def pad_and_convolve(x: Any, weight: Any) -> Any:
        if any(map(any, zeros)):
            x = np.pad(x, (*[(0, 0)] * (x.ndim - 3), *zeros, (0, 0)))
        return conv(x, weight, stride=stride, dilation=dilation)

    return in_groups(pad_and_convolve, x, weight, groups)


def zeros_around(padding: Any, axis: int, size: int, span: int, stride: int) -> Pair:
    """Return the numbers of zeros before and after one axis of `size`.

    `span` is the size of the dilated kernel along the axis.
    """
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return span - 1, 0
    if padding == "same":
        total = max(0, (-(-size // stride) - 1) * stride + span - size)
        return total // 2, total - total // 2
    both = padding[axis] if isinstance(padding, tuple) else padding
    return both, both


def _check_padding(padding: Any) -> Padding:
    """Return two numbers of zeros, or "same" or "valid"; raise if `padding` is anything else."""
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(
                at_user_line(f'padding={padding!r}: give "same", "valid", or numbers of zeros')
            )
        return padding  # type: ignore[return-value]
    return check_pair("padding", padding, minimum=0)


def _check_padding_1d(padding: Any) -> Padding1d:
    """Return a number of zeros, or "same", "valid" or "causal"; raise for anything else."""
    if isinstance(padding, str):
        if padding not in ("same", "valid", "causal"):
            raise ValueError(
                at_user_line(
                    f'padding={padding!r}: give "same", "valid", "causal", or a number of zeros'
                )
            )
        return padding  # type: ignore[return-value]
    return check_int("padding", padding, minimum=0)
