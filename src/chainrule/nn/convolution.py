"""Convolutions over images (N, H, W, C) and sequences (N, T, C)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from ..errors import ShapeError, at_user_line
from ..graph.types import Type
from ..primitives.convolution import conv as _conv
from ..primitives.convolution import conv_input_grad
from ..trace.operands import nodes_of, record
from ..trace.tracer import Tracer, traced
from .initializers import Initializer, he_uniform
from .module import Module
from .validation import check_dtype, check_int, check_pair

Padding: TypeAlias = int | tuple[int, int] | Literal["same", "valid"]
Padding1d: TypeAlias = int | Literal["same", "valid", "causal"]
Pair: TypeAlias = tuple[int, int]


def conv(x: Any, weight: Any, *, stride: int | Pair = 1, dilation: int | Pair = 1) -> Any:
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
    given = {"strides": check_pair("stride", stride), "dilation": check_pair("dilation", dilation)}
    if isinstance(x, Tracer) or isinstance(weight, Tracer):
        return record(_conv, x, weight, **given)
    x, weight = np.asarray(x), np.asarray(weight)
    _conv.infer(
        Type(x.shape, x.dtype), Type(weight.shape, weight.dtype), **given
    )  # raises if they don't fit
    return _conv(x, weight, **given)


class Conv2d(Module):
    """Convolution of images, features last: each place of the result sees a window of x.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the last axis of what comes and what goes.
    kernel_size : int or (int, int)
        Of the window, along height and width.
    key : uint32[2]
        From `chainrule.random`: what the weight is drawn with.
    stride : int or (int, int)
        Places from one window to the next. Default 1.
    padding : int, (int, int), "same" or "valid"
        Zeros on both sides of each axis; "valid" is none; "same" gives ``ceil(size / stride)``
        places, an odd zero coming last. Default 0.
    dilation : int or (int, int)
        Places from one entry of the window to the next. Default 1.
    groups : int
        Input and output channels fall into so many groups that do not see each other, one after
        another. With ``groups=in_channels`` the convolution is depthwise. Default 1.
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
        If what comes is not of shape (..., height, width, in_channels), or if the window reaches
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
        self.groups = grouped("Conv2d", groups, in_channels, out_channels)
        size = check_pair("kernel_size", kernel_size)
        shape = (*size, in_channels // self.groups, out_channels)
        self.weight = weight_init(key, shape, check_dtype(dtype))
        self.bias = np.zeros(out_channels, dtype) if bias else None
        self.stride, self.dilation = check_pair("stride", stride), check_pair("dilation", dilation)
        self.padding = _checked_padding(padding)

    def __call__(self, x: Any) -> Any:
        check_places("Conv2d", x, ("height", "width"), self.weight.shape[2] * self.groups)
        *lead, height, width, columns = x.shape
        reaches = [(k - 1) * d + 1 for k, d in zip(self.weight.shape, self.dilation, strict=False)]
        widths = [
            _zeros_around(self.padding, axis, size, reach, stride)
            for axis, (size, reach, stride) in enumerate(
                zip((height, width), reaches, self.stride, strict=True)
            )
        ]
        x = x.reshape(int(np.prod(lead)), height, width, columns)
        y = convolved(x, self.weight, self.stride, self.dilation, self.groups, widths)
        y = y.reshape(*lead, *y.shape[1:])
        return y if self.bias is None else y + self.bias


class Conv1d(Module):
    """Convolution of sequences, features last: each step of the result sees a window of x.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of the last axis of what comes and what goes.
    kernel_size : int
        Steps in the window.
    key : uint32[2]
        From `chainrule.random`: what the weight is drawn with.
    stride : int
        Steps from one window to the next. Default 1.
    padding : int, "same", "valid" or "causal"
        Zeros on both sides; "valid" is none; "same" gives ``ceil(steps / stride)`` steps; so does
        "causal" with a stride of 1, all zeros coming first: a step sees none after it. Default 0.
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
        If what comes is not of shape (..., steps, in_channels), or if the window is longer than
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
        self.groups = grouped("Conv1d", groups, in_channels, out_channels)
        shape = (check_int("kernel_size", kernel_size), in_channels // self.groups, out_channels)
        self.weight = weight_init(key, shape, check_dtype(dtype))
        self.bias = np.zeros(out_channels, dtype) if bias else None
        self.stride, self.dilation = check_int("stride", stride), check_int("dilation", dilation)
        self.padding = _checked_padding_1d(padding)

    def __call__(self, x: Any) -> Any:
        check_places("Conv1d", x, ("steps",), self.weight.shape[1] * self.groups)
        *lead, steps, columns = x.shape
        reach = (self.weight.shape[0] - 1) * self.dilation + 1
        around = _zeros_around(self.padding, 0, steps, reach, self.stride)
        x = x.reshape(int(np.prod(lead)), 1, steps, columns)
        y = convolved(
            x, self.weight[None], (1, self.stride), (1, self.dilation), self.groups,
            ((0, 0), around),
        )  # fmt: skip
        y = y.reshape(*lead, *y.shape[2:])
        return y if self.bias is None else y + self.bias


def conv_by_input(g: Any, sizes: Pair, w: Any, strides: Pair, dilation: Pair) -> Any:
    """What a convolution's cotangent gives its input, on arrays and in traces alike."""
    if isinstance(g, Tracer) or isinstance(w, Tracer):
        a, b = nodes_of(g, w)
        return traced(conv_input_grad(a, sizes, b, strides, dilation))
    return conv_input_grad(np.asarray(g), sizes, np.asarray(w), strides, dilation)


def convolved(
    x: Any, w: Any, stride: Pair, dilation: Pair, groups: int, around: Sequence[Pair]
) -> Any:
    """A convolution in groups of x with zeros around; (N, H, W, C) and (KH, KW, C / groups, O)."""

    def padded(x: Any, w: Any) -> Any:
        if any(map(any, around)):
            x = np.pad(x, (*[(0, 0)] * (x.ndim - 3), *around, (0, 0)))
        return conv(x, w, stride=stride, dilation=dilation)

    return in_groups(padded, x, w, groups)


def in_groups(apply: Callable[[Any, Any], Any], x: Any, w: Any, groups: int) -> Any:
    """What `apply` makes of x and w for each group: several are a leading axis of all three."""
    if groups == 1:
        return apply(x, w)
    kernel_h, kernel_w, each, outputs = w.shape
    x = x.reshape(*x.shape[:3], groups, each).transpose(3, 0, 1, 2, 4)
    w = w.reshape(kernel_h, kernel_w, each, groups, outputs // groups).transpose(3, 0, 1, 2, 4)
    y = apply(x, w).transpose(1, 2, 3, 0, 4)
    return y.reshape(*y.shape[:3], outputs)


def _zeros_around(padding: Any, axis: int, size: int, reach: int, stride: int) -> Pair:
    """How many zeros come before and after along one axis."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return reach - 1, 0
    if padding == "same":
        total = max(0, (-(-size // stride) - 1) * stride + reach - size)
        return total // 2, total - total // 2
    both = padding[axis] if isinstance(padding, tuple) else padding
    return both, both


def _checked_padding(padding: Any) -> Padding:
    if isinstance(padding, str):
        if padding not in ("same", "valid"):
            raise ValueError(
                at_user_line(f'padding={padding!r}: give "same", "valid", or numbers of zeros')
            )
        return padding  # type: ignore[return-value]
    return check_pair("padding", padding, minimum=0)


def _checked_padding_1d(padding: Any) -> Padding1d:
    if isinstance(padding, str):
        if padding not in ("same", "valid", "causal"):
            raise ValueError(
                at_user_line(
                    f'padding={padding!r}: give "same", "valid", "causal", or a number of zeros'
                )
            )
        return padding  # type: ignore[return-value]
    return check_int("padding", padding, minimum=0)


def grouped(layer: str, groups: int, in_channels: int, out_channels: int) -> int:
    """The number of groups; raises unless both numbers of channels are multiples of it."""
    check_int("in_channels", in_channels)
    check_int("out_channels", out_channels)
    if in_channels % check_int("groups", groups) or out_channels % groups:
        raise ValueError(
            at_user_line(
                f"{layer}: groups={groups} does not divide in_channels={in_channels} and "
                f"out_channels={out_channels}"
            )
        )
    return groups


def check_places(layer: str, x: Any, axes: tuple[str, ...], columns: int) -> None:
    """Raise unless x is (..., *axes, columns), with one axis or more before."""
    shape = np.shape(x)
    if len(shape) < len(axes) + 2 or shape[-1] != columns:
        raise ShapeError(
            at_user_line(
                f"{layer} takes arrays of shape (rows, {', '.join(axes)}, {columns}), features "
                f"last, and was given {shape}"
            )
        )
