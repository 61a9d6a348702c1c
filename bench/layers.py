"""Each layer against PyTorch's: forward, and gradients by the input and all weights, float32."""

from __future__ import annotations

import ctypes
import sys
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule import jit, losses, nn, random, value_and_grad

from . import peers
from .harness import Contest
from .torch_layers import assert_near, assert_same_gradients, copy, turned

FORMATS = ("channels last", "contiguous")  # of PyTorch's arrays: the faster one counts
KEY = random.key(0)
STEPS, ROWS, CLASSES, LABELS = 50, 16, 20, 10  # of ctc_loss
TARGETS = np.random.default_rng(1).integers(1, CLASSES, (ROWS, LABELS))
LENGTHS = np.full(ROWS, STEPS), np.full(ROWS, LABELS)


def plain(layer: Any, x: Any) -> tuple[Any, Any]:
    return layer(x), ()


@dataclass(frozen=True)
class Row:
    """A layer of both sides.

    Attributes
    ----------
    task : str
    shape : tuple of int
        Of the input, features last.
    ours : Module
    theirs : callable
        Makes PyTorch's layer; given ``torch.nn``.
    axes : tuple of int
        In which order PyTorch has the axes of input and result. Default the same as ours.
    call, peer_call : callable
        ``call(layer, x)`` gives the result, and what else it makes (a state).
    levels : int
        If the input is codes, how many there are.
    """

    task: str
    shape: tuple[int, ...]
    ours: Any
    theirs: Callable[[Any], Any]
    axes: tuple[int, ...] = ()
    call: Callable[[Any, Any], tuple[Any, Any]] = plain
    peer_call: Callable[[Any, Any], tuple[Any, Any]] = plain
    levels: int = 0


def image(
    task: str, shape: tuple[int, ...], ours: Any, theirs: Callable[[Any], Any], **calls: Any
) -> Row:
    """A layer of images."""
    return Row(task, shape, ours, theirs, (0, 3, 1, 2), **calls)


def conv2d(task: str, shape: tuple[int, ...], outputs: int, size: int, **options: Any) -> Row:
    """A convolution of images; options are called alike."""
    columns = shape[-1]
    sizes = "x".join(map(str, shape))
    return image(
        f"Conv2d {columns} to {outputs}, {size}x{size}{task}, {sizes}", shape,
        nn.Conv2d(columns, outputs, size, key=KEY, **options),
        lambda n: n.Conv2d(columns, outputs, size, **options),
    )  # fmt: skip


def recurrent(kind: str) -> Row:
    """50 steps of 32 rows, one layer; PyTorch's with steps first is no faster."""
    return Row(
        f"{kind} 16 to 64, 32x50x16", (32, 50, 16), getattr(nn, kind)(16, 64, key=KEY),
        lambda n: getattr(n, kind)(16, 64, batch_first=True),
        call=lambda m, x: m(x), peer_call=lambda m, x: m(x),
    )  # fmt: skip


def ctc(_: Any, x: Any) -> tuple[Any, Any]:
    return losses.ctc_loss(nn.log_softmax(x), TARGETS, *LENGTHS, reduction="none"), ()


def torch_ctc(n: Any) -> Any:
    """Steps first, which the loss wants anyway."""
    import torch

    given = [torch.from_numpy(part) for part in (TARGETS, *LENGTHS)]

    class Loss(n.Module):  # type: ignore[misc, name-defined]
        def forward(self, x: Any) -> Any:
            x = n.functional.log_softmax(x.transpose(0, 1), -1)
            return n.functional.ctc_loss(x, *given, reduction="none")

    return Loss()


SEQUENCE = (32, 128, 256)
TABLE = (
    conv2d("", (64, 28, 28, 1), 8, 5),
    conv2d(" same", (64, 14, 14, 32), 64, 3, padding="same"),
    conv2d(" same", (64, 7, 7, 64), 128, 3, padding="same"),
    conv2d(" stride 2", (64, 14, 14, 32), 64, 3, stride=2, padding=1),
    conv2d(" dilation 2", (64, 14, 14, 32), 64, 3, dilation=2, padding=2),
    conv2d(" groups 4", (64, 14, 14, 64), 64, 3, groups=4, padding=1),
    conv2d(" depthwise", (64, 14, 14, 64), 64, 3, groups=64, padding=1),
    Row("Conv1d 64 to 64, 5 same, 32x128x64", (32, 128, 64),
        nn.Conv1d(64, 64, 5, padding="same", key=KEY),
        lambda n: n.Conv1d(64, 64, 5, padding="same"), (0, 2, 1)),
    image("ConvTranspose2d 32 to 16, 4x4 stride 2, 32x14x14x32", (32, 14, 14, 32),
          nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1, key=KEY),
          lambda n: n.ConvTranspose2d(32, 16, 4, stride=2, padding=1)),
    image("MaxPool2d 2, 64x28x28x32", (64, 28, 28, 32), nn.MaxPool2d(2),
          lambda n: n.MaxPool2d(2)),
    image("AvgPool2d 2, 64x28x28x32", (64, 28, 28, 32), nn.AvgPool2d(2),
          lambda n: n.AvgPool2d(2)),
    image("BatchNorm in training, 64x28x28x32", (64, 28, 28, 32), nn.BatchNorm(32),
          lambda n: n.BatchNorm2d(32), call=lambda m, x: m.train(x)),
    image("GroupNorm 8 groups, 64x28x28x32", (64, 28, 28, 32), nn.GroupNorm(8, 32),
          lambda n: n.GroupNorm(8, 32)),
    Row("LayerNorm, 32x128x256", SEQUENCE, nn.LayerNorm(256), lambda n: n.LayerNorm(256)),
    Row("RMSNorm, 32x128x256", SEQUENCE, nn.RMSNorm(256), lambda n: n.RMSNorm(256, eps=1e-6)),
    Row("EmbeddingBag 20,000 x 32, 64x50 codes", (64, 50),
        nn.EmbeddingBag(20_000, 32, key=KEY), lambda n: n.EmbeddingBag(20_000, 32),
        levels=20_000),
    recurrent("RNN"),
    recurrent("LSTM"),
    recurrent("GRU"),
    Row("MultiHeadAttention 4 heads, 32x64x64", (32, 64, 64),
        nn.MultiHeadAttention(64, 4, key=KEY),
        lambda n: n.MultiheadAttention(64, 4, batch_first=True),
        peer_call=lambda m, x: m(x, x, x, need_weights=False)),
    Row("TransformerEncoderLayer 4 heads, 32x64x64", (32, 64, 64),
        nn.TransformerEncoderLayer(64, 4, 256, key=KEY, dropout=0.0),
        lambda n: n.TransformerEncoderLayer(64, 4, 256, 0.0, "gelu", batch_first=True,
                                            norm_first=True)),
    Row("log_softmax and ctc_loss, 16x50x20, 10 labels", (ROWS, STEPS, CLASSES), nn.Lambda(np.sum),
        torch_ctc, call=ctc),
)  # fmt: skip


def contest(torch: Any, row: Row) -> Contest:
    """One jitted function of layer, input and the result's gradient; and PyTorch eager.

    Ours also sums the result times its gradient up, as a loss does. PyTorch is spared that.
    """
    rng = np.random.default_rng(0)
    codes = rng.integers(0, max(row.levels, 1), row.shape)
    x = codes if row.levels else rng.normal(size=row.shape).astype(np.float32)
    shape = row.call(row.ours, x)[0].shape
    slope = rng.normal(size=shape).astype(np.float32)
    by = (0,) if row.levels else (0, 1)
    back = tuple(np.argsort(row.axes))

    @jit
    def step(layer: Any, x: Any, slope: Any) -> Any:
        def loss(layer: Any, x: Any) -> Any:
            y, more = row.call(layer, x)
            return np.sum(y * slope), more

        return value_and_grad(loss, argnums=by, has_aux=True)(layer, x)

    def ours() -> Any:
        return step(row.ours, x, slope)

    ways = [_theirs(torch, row, x, slope, name) for name in (FORMATS if row.axes else ("",))]
    name, layer, theirs = min(ways, key=lambda way: _least_seconds(way[-1]))

    def same(mine: Any, other: Any) -> None:
        (value, _), slopes = mine
        y, gradients = other
        products = turned(y.detach().numpy(), back) * slope.astype(np.float64)
        near = 1e-5 * np.sum(np.abs(products))
        np.testing.assert_allclose(value, np.sum(products), rtol=0, atol=near)
        if not row.levels:
            assert_near(slopes[1], turned(gradients[0].numpy(), back), "by x")
        assert_same_gradients(slopes[0], layer, gradients[len(by) - 1 :])

    peer = f"PyTorch eager{', ' * bool(name)}{name}"
    return Contest(row.task, peer, ours, theirs, same, rounds=15, number=5, warm=0.02)


def _theirs(
    torch: Any, row: Row, x: Any, slope: Any, name: str
) -> tuple[str, Any, Callable[[], Any]]:
    """A memory format, PyTorch's layer, and what computes its result and gradients."""
    layer = row.theirs(torch.nn)
    copy(torch, row.ours, layer)
    given, slope = (torch.from_numpy(turned(array, row.axes)) for array in (x, slope))
    if name == "contiguous":
        given, slope = given.contiguous(), slope.contiguous()
    elif len(row.axes) == 4:
        layer = layer.to(memory_format=torch.channels_last)
    wanted = list(layer.parameters())
    if not row.levels:
        wanted.insert(0, given.requires_grad_())

    def run() -> Any:
        y, _ = row.peer_call(layer, given)
        return y, torch.autograd.grad(y, wanted, slope)

    return name, layer, run


def _least_seconds(function: Callable[[], Any]) -> float:
    function()
    return min(timeit.repeat(function, number=1, repeat=7))


def _keep_memory() -> None:
    """Let what is freed stay with the process.

    Else it depends on what was freed before whether large arrays are pages that the system clears
    anew in each call: PyTorch's depthwise convolution then takes ten times as long.
    """
    if sys.platform == "linux":
        c = ctypes.CDLL(None)
        c.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD
        c.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def contests() -> Iterator[Contest]:
    torch = peers.torch()
    if torch is None:
        return
    _keep_memory()
    for row in TABLE:
        yield contest(torch, row)
