"""Transposed convolutions, which upsample: the gradients of convolutions by their input."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..typing import Array
from .channels import (
    check_channels,
    check_groups,
    draw_parameters,
    in_groups,
    over_images,
    over_sequences,
)
from .convolution import Pair, conv_by_input
from .initializers import Initializer, he_uniform
from .module import Module
from .validation import check_int, check_pair


class ConvTranspose2d(Module):
    """Two-dimensional transposed convolution of images with channels last.

    ``y[s i + d k - p] += x[i] @ weight[k]`` along height and width, for stride s, dilation d and
    padding p: the map whose matrix is the transpose of a convolution's.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    kernel_size : int or (int, int)
        Size of the window along height and width.
    key : uint32[2]
        From `chainrule.random`: the weight is drawn with it.
    stride : int or (int, int)
        Positions of the result from one window to the next. Default 1.
    padding : int or (int, int)
        Positions that are cropped on both sides of the result. Default 0.
    output_padding : int or (int, int)
        Positions added to the end of each axis, fewer than stride or dilation. Default 0.
    dilation : int or (int, int)
        Positions from one entry of the window to the next. Default 1.
    groups : int
        The number of groups of channels that are convolved independently. Default 1.
    bias : bool
        Whether to add a bias, which begins as 0. Default True.
    weight_init : callable
        ``weight_init(key, shape, dtype)``. Default `he_uniform`.
    dtype : floating dtype
        Default float32.

    Attributes
    ----------
    weight : array of shape (height, width, in_channels / groups, out_channels)
        Of the window. (PyTorch's is (in, out / groups, height, width).)
    bias : array of shape (out_channels,), or None

    Raises
    ------
    ShapeError
        If the input is not of shape (..., height, width, in_channels), or if the padding leaves
        nothing of the result.

    References
    ----------
    M. D. Zeiler, D. Krishnan, G. W. Taylor, R. Fergus: "Deconvolutional networks" (2010);
    V. Dumoulin, F. Visin: "A guide to convolution arithmetic for deep learning",
    arXiv:1603.07285 (2016).

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.ConvTranspose2d(1, 1, (1, 2), stride=2, key=random.key(0), weight_init=nn.ones)
    >>> layer(np.array([1.0, 2.0], np.float32).reshape(1, 1, 2, 1))[0, :, :, 0].tolist()
    [[1.0, 1.0, 2.0, 2.0]]
    """

    weight: Any
    bias: Any
    stride: Pair
    padding: Pair
    output_padding: Pair
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
        padding: int | Pair = 0,
        output_padding: int | Pair = 0,
        dilation: int | Pair = 1,
        groups: int = 1,
        bias: bool = True,
        weight_init: Initializer = he_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.groups = check_groups("ConvTranspose2d", groups, in_channels, out_channels)
        size = check_pair("kernel_size", kernel_size)
        self.weight, self.bias = draw_parameters(
            size, in_channels, out_channels, groups, bias,
            key=key, weight_init=weight_init, dtype=dtype,
        )  # fmt: skip
        self.stride, self.dilation = check_pair("stride", stride), check_pair("dilation", dilation)
        self.padding = check_pair("padding", padding, minimum=0)
        extra = check_pair("output_padding", output_padding, minimum=0)
        self.output_padding = (
            _check_output_padding(extra[0], self.stride[0], self.dilation[0]),
            _check_output_padding(extra[1], self.stride[1], self.dilation[1]),
        )

    def __call__(self, x: Any) -> Array:
        channels = self.weight.shape[2] * self.groups
        check_channels("ConvTranspose2d", x, ("height", "width"), channels)

        def convolve(images: Any) -> Any:
            return _transposed_conv(
                images, self.weight, self.stride, self.padding, self.output_padding,
                self.dilation, self.groups,
            )  # fmt: skip

        return over_images(convolve, x, self.bias)


class ConvTranspose1d(Module):
    """One-dimensional transposed convolution of sequences with channels last.

    Parameters
    ----------
    in_channels, out_channels : int
        Channels of the input and of the output.
    kernel_size : int
        Steps in the window.
    key : uint32[2]
        From `chainrule.random`: the weight is drawn with it.
    stride, padding, output_padding, dilation : int
        See `ConvTranspose2d`. Default 1, 0, 0, 1.
    groups, bias, weight_init, dtype
        See `ConvTranspose2d`.

    Attributes
    ----------
    weight : array of shape (kernel_size, in_channels / groups, out_channels)
    bias : array of shape (out_channels,), or None

    Raises
    ------
    ShapeError
        If the input is not of shape (..., steps, in_channels), or if the padding leaves nothing
        of the result.

    Examples
    --------
    >>> import numpy as np
    >>> from chainrule import nn, random
    >>> layer = nn.ConvTranspose1d(1, 1, 3, stride=2, key=random.key(0), weight_init=nn.ones)
    >>> layer(np.array([1.0, 2.0], np.float32).reshape(1, 2, 1)).ravel().tolist()
    [1.0, 1.0, 3.0, 2.0, 2.0]
    """

    weight: Any
    bias: Any
    stride: int
    padding: int
    output_padding: int
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
        padding: int = 0,
        output_padding: int = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
        weight_init: Initializer = he_uniform,
        dtype: DTypeLike = np.float32,
    ) -> None:
        self.groups = check_groups("ConvTranspose1d", groups, in_channels, out_channels)
        size = (check_int("kernel_size", kernel_size),)
        self.weight, self.bias = draw_parameters(
            size, in_channels, out_channels, groups, bias,
            key=key, weight_init=weight_init, dtype=dtype,
        )  # fmt: skip
        self.stride, self.dilation = check_int("stride", stride), check_int("dilation", dilation)
        self.padding = check_int("padding", padding, minimum=0)
        self.output_padding = _check_output_padding(output_padding, self.stride, self.dilation)

    def __call__(self, x: Any) -> Array:
        check_channels("ConvTranspose1d", x, ("steps",), self.weight.shape[1] * self.groups)

        def convolve(images: Any) -> Any:
            return _transposed_conv(
                images, self.weight[None], (1, self.stride), (0, self.padding),
                (0, self.output_padding), (1, self.dilation), self.groups,
            )  # fmt: skip

        return over_sequences(convolve, x, self.bias)


def _transposed_conv(
    x: Any, w: Any, stride: Pair, padding: Pair, output_padding: Pair, dilation: Pair, groups: int
) -> Any:
    """Return the transposed convolution of x (N, H, W, C) with w (KH, KW, C / groups, O).

    It is the gradient of a convolution by its input, cropped by `padding`.
    """
    sizes, crops = [], []
    for axis in (0, 1):
        positions = x.shape[axis + 1]
        full_size = (positions - 1) * stride[axis] + (w.shape[axis] - 1) * dilation[axis] + 1
        stop = full_size - padding[axis] + output_padding[axis]
        if stop <= padding[axis]:
            raise ShapeError(
                at_user_line(
                    f"a transposed convolution of {positions} positions: padding={padding[axis]} "
                    "leaves nothing of the result"
                )
            )
        sizes.append(max(full_size, stop))
        crops.append(slice(padding[axis], stop))

    def input_gradient(x: Any, w: Any) -> Any:
        return conv_by_input(x, (sizes[0], sizes[1]), np.swapaxes(w, -1, -2), stride, dilation)

    return in_groups(input_gradient, x, w, groups)[:, crops[0], crops[1]]


def _check_output_padding(output_padding: int, stride: int, dilation: int) -> int:
    """Return the number of positions to add to the end of an axis; raise if it is out of range."""
    extra = check_int("output_padding", output_padding, minimum=0)
    if extra >= max(stride, dilation):
        raise ValueError(
            at_user_line(
                f"output_padding={extra}: give less than the stride or the dilation, which are "
                f"{stride} and {dilation}"
            )
        )
    return extra
