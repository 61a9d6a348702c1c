"""Transposed convolutions: from few places to more, as the derivative of a convolution does."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from .convolution import Pair, check_places, conv_by_input, grouped, in_groups
from .initializers import Initializer, he_uniform
from .module import Module
from .validation import check_dtype, check_int, check_pair


class ConvTranspose2d(Module):
    """Each place of x adds a window, scaled by its features, to a larger image.

    ``y[s i + d k - p] += x[i] @ weight[k]`` along height and width, for stride s, dilation d and
    padding p: the map whose matrix is the transpose of a convolution's.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the last axis of what comes and what goes.
    kernel_size : int or (int, int)
        Of the window, along height and width.
    key : uint32[2]
        From `chainrule.random`: what the weight is drawn with.
    stride : int or (int, int)
        Places of the result from one window to the next. Default 1.
    padding : int or (int, int)
        Places that are cut off on both sides of the result. Default 0.
    output_padding : int or (int, int)
        Places that are added to the end of each axis, less than stride or dilation. Default 0.
    dilation : int or (int, int)
        Places from one entry of the window to the next. Default 1.
    groups : int
        Input and output channels fall into so many groups that do not see each other. Default 1.
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
        If what comes is not of shape (..., height, width, in_channels), or if the padding leaves
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
        self.groups = grouped("ConvTranspose2d", groups, in_channels, out_channels)
        shape = (*check_pair("kernel_size", kernel_size), in_channels // self.groups, out_channels)
        self.weight = weight_init(key, shape, check_dtype(dtype))
        self.bias = np.zeros(out_channels, dtype) if bias else None
        self.stride, self.dilation = check_pair("stride", stride), check_pair("dilation", dilation)
        self.padding = check_pair("padding", padding, minimum=0)
        extra = check_pair("output_padding", output_padding, minimum=0)
        self.output_padding = (
            _extra(extra[0], (self.stride[0], self.dilation[0])),
            _extra(extra[1], (self.stride[1], self.dilation[1])),
        )

    def __call__(self, x: Any) -> Any:
        check_places("ConvTranspose2d", x, ("height", "width"), self.weight.shape[2] * self.groups)
        *lead, height, width, columns = x.shape
        x = x.reshape(int(np.prod(lead)), height, width, columns)
        y = _opened(
            x, self.weight, self.stride, self.padding, self.output_padding, self.dilation,
            self.groups,
        )  # fmt: skip
        y = y.reshape(*lead, *y.shape[1:])
        return y if self.bias is None else y + self.bias


class ConvTranspose1d(Module):
    """Each step of x adds a window, scaled by its features, to a longer sequence.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the last axis of what comes and what goes.
    kernel_size : int
        Steps in the window.
    key : uint32[2]
        From `chainrule.random`: what the weight is drawn with.
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
        If what comes is not of shape (..., steps, in_channels), or if the padding leaves nothing
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
        self.groups = grouped("ConvTranspose1d", groups, in_channels, out_channels)
        shape = (check_int("kernel_size", kernel_size), in_channels // self.groups, out_channels)
        self.weight = weight_init(key, shape, check_dtype(dtype))
        self.bias = np.zeros(out_channels, dtype) if bias else None
        self.stride, self.dilation = check_int("stride", stride), check_int("dilation", dilation)
        self.padding = check_int("padding", padding, minimum=0)
        self.output_padding = _extra(output_padding, (self.stride, self.dilation))

    def __call__(self, x: Any) -> Any:
        check_places("ConvTranspose1d", x, ("steps",), self.weight.shape[1] * self.groups)
        *lead, steps, columns = x.shape
        x = x.reshape(int(np.prod(lead)), 1, steps, columns)
        y = _opened(
            x, self.weight[None], (1, self.stride), (0, self.padding), (0, self.output_padding),
            (1, self.dilation), self.groups,
        )  # fmt: skip
        y = y.reshape(*lead, *y.shape[2:])
        return y if self.bias is None else y + self.bias


def _opened(
    x: Any, w: Any, stride: Pair, padding: Pair, extra: Pair, dilation: Pair, groups: int
) -> Any:
    """What a convolution's derivative by its input makes of x (N, H, W, C), and cut."""
    sizes, cuts = [], []
    for axis in (0, 1):
        places = x.shape[axis + 1]
        whole_size = (places - 1) * stride[axis] + (w.shape[axis] - 1) * dilation[axis] + 1
        stop = whole_size - padding[axis] + extra[axis]
        if stop <= padding[axis]:
            raise ShapeError(
                at_user_line(
                    f"a transposed convolution of {places} places: padding={padding[axis]} leaves "
                    "nothing of the result"
                )
            )
        sizes.append(max(whole_size, stop))
        cuts.append(slice(padding[axis], stop))

    def spread(x: Any, w: Any) -> Any:
        return conv_by_input(x, (sizes[0], sizes[1]), np.swapaxes(w, -1, -2), stride, dilation)

    return in_groups(spread, x, w, groups)[:, cuts[0], cuts[1]]


def _extra(output_padding: int, steps: tuple[int, int]) -> int:
    """Checked places to add to the end of an axis, given its stride and dilation."""
    found = check_int("output_padding", output_padding, minimum=0)
    if found >= max(steps):
        raise ValueError(
            at_user_line(
                f"output_padding={found}: give less than the stride or the dilation, which are "
                f"{steps[0]} and {steps[1]}"
            )
        )
    return found
