"""Strided reads and transposed writes: reversed, stepped, transposed, rolled, joined, repeated.

Each task against the fastest of NumPy, JAX (compiled) and PyTorch, one thread on both sides, by
the time of the process, results compared first.
"""

from __future__ import annotations

import ctypes
import sys
import timeit
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import process_time
from typing import Any

import numpy as np

from chainrule import grad, jit
from chainrule.config import config

from . import peers
from .harness import Contest

ROUND = 1e-3  # seconds of work a round


@dataclass(frozen=True)
class Task:
    """One function of arrays, as NumPy and JAX compute it (``xp``), and as PyTorch does.

    Attributes
    ----------
    name : str
    compute : callable
        ``compute(xp, *arrays)``.
    torch : callable or None
        ``torch(module, *tensors)``; None if it is `compute` with PyTorch's functions.
    shapes : tuple of tuple of int
    gradient : bool
        Of the sum of the result times the first array that has its shape, by the first array.
    dtype : str
    """

    name: str
    compute: Callable[..., Any]
    torch: Callable[..., Any] | None
    shapes: tuple[tuple[int, ...], ...]
    gradient: bool = False
    dtype: str = "float32"


def _put(xp: Any, x: Any, y: Any) -> Any:
    """Return y with every other entry replaced."""
    if xp.__name__.startswith("jax"):
        return y.at[::2].set(x)
    y = y.clone() if xp.__name__ == "torch" else y.copy()
    y[::2] = x
    return y


def _patches(xp: Any, x: Any) -> Any:
    """Return windows of 8 entries, one after the other, as rows."""
    return xp.stack([x[k : x.shape[0] - 7 + k] for k in range(8)], axis=-1)


def _pad(xp: Any, x: Any) -> Any:
    return xp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))


def _torch_pad(t: Any, x: Any) -> Any:
    return t.nn.functional.pad(x, (0, 0, 1, 1, 1, 1))


BASIC = (
    Task("m[:, ::-1] + 1", lambda xp, m: m[:, ::-1] + 1, lambda t, m: t.flip(m, [1]) + 1,
         ((1000, 1000),)),
    Task("m[::-1] + 1", lambda xp, m: m[::-1] + 1, lambda t, m: t.flip(m, [0]) + 1,
         ((1000, 1000),)),
    Task("x[::-1] * 2", lambda xp, x: x[::-1] * 2, lambda t, x: t.flip(x, [0]) * 2,
         ((1_000_001,),)),
    Task("x[::2] + 1", lambda xp, x: x[::2] + 1, None, ((1_000_001,),)),
    Task("x[1::3] + 1", lambda xp, x: x[1::3] + 1, None, ((1_000_001,),)),
    Task("x[::7] + 1", lambda xp, x: x[::7] + 1, None, ((1_000_001,),)),
    Task("m[:, 1::2] - m[:, ::2]", lambda xp, m: m[:, 1::2] - m[:, ::2], None, ((1000, 1000),)),
    Task("m[::2, ::2] + 1", lambda xp, m: m[::2, ::2] + 1, None, ((2000, 1000),)),
    Task("np.flip(m) of both axes", lambda xp, m: xp.flip(m), lambda t, m: t.flip(m, [0, 1]),
         ((1000, 1000),)),
    Task("m.T copied, 2048", lambda xp, m: m.T + 0, lambda t, m: m.T.contiguous(), ((2048, 2048),)),
    Task("m.T copied, 1000x777", lambda xp, m: m.T + 0, lambda t, m: m.T.contiguous(),
         ((1000, 777),)),
    Task("m.T copied, 32x32", lambda xp, m: m.T + 0, lambda t, m: m.T.contiguous(), ((32, 32),)),
    Task("m.T copied, 100000x3", lambda xp, m: m.T + 0, lambda t, m: m.T.contiguous(),
         ((100_000, 3),)),
    Task("m.T copied, 3x100000", lambda xp, m: m.T + 0, lambda t, m: m.T.contiguous(),
         ((3, 100_000),)),
    Task("a + b.T, 1000", lambda xp, a, b: a + b.T, None, ((1000, 1000), (1000, 1000))),
    Task("a * b.T, 2048", lambda xp, a, b: a * b.T, None, ((2048, 2048), (2048, 2048))),
    Task("np.sum(a * b.T), 1000", lambda xp, a, b: xp.sum(a * b.T), None,
         ((1000, 1000), (1000, 1000))),
    Task("(a + a.T) / 2, 777", lambda xp, a: (a + a.T) / 2, None, ((777, 777),)),
    Task("ijk->kji, 128", lambda xp, x: xp.transpose(x, (2, 1, 0)) + 0,
         lambda t, x: x.permute(2, 1, 0).contiguous(), ((128, 128, 128),)),
    Task("ijk->jki, 100x90x80", lambda xp, x: xp.transpose(x, (1, 2, 0)) + 0,
         lambda t, x: x.permute(1, 2, 0).contiguous(), ((100, 90, 80),)),
    Task("ijk->jik, 64x64x64", lambda xp, x: xp.swapaxes(x, 0, 1) + 0,
         lambda t, x: x.permute(1, 0, 2).contiguous(), ((64, 64, 64),)),
    Task("ijk->jik, 128x128x4", lambda xp, x: xp.swapaxes(x, 0, 1) + 0,
         lambda t, x: x.permute(1, 0, 2).contiguous(), ((128, 128, 4),)),
    Task("heads: 32x64x4x16 to 32x4x64x16", lambda xp, x: xp.transpose(x, (0, 2, 1, 3)) + 0,
         lambda t, x: x.permute(0, 2, 1, 3).contiguous(), ((32, 64, 4, 16),)),
    Task("NCHW to NHWC, 16x64x28x28", lambda xp, x: xp.transpose(x, (0, 2, 3, 1)) + 0,
         lambda t, x: x.permute(0, 2, 3, 1).contiguous(), ((16, 64, 28, 28),)),
    Task("NHWC to NCHW, 16x28x28x64", lambda xp, x: xp.transpose(x, (0, 3, 1, 2)) + 0,
         lambda t, x: x.permute(0, 3, 1, 2).contiguous(), ((16, 28, 28, 64),)),
    Task("NHWC to NCHW, 64x28x28x3", lambda xp, x: xp.transpose(x, (0, 3, 1, 2)) + 0,
         lambda t, x: x.permute(0, 3, 1, 2).contiguous(), ((64, 28, 28, 3),)),
    Task("relu of NCHW to NHWC", lambda xp, x: xp.maximum(xp.transpose(x, (0, 2, 3, 1)), 0),
         lambda t, x: t.relu(x.permute(0, 2, 3, 1).contiguous()), ((16, 64, 28, 28),)),
    Task("np.roll(x, 5)", lambda xp, x: xp.roll(x, 5), lambda t, x: t.roll(x, 5), ((1_000_000,),)),
    Task("np.roll(m, 1, axis=1)", lambda xp, m: xp.roll(m, 1, axis=1), lambda t, m: t.roll(m, 1, 1),
         ((1000, 1000),)),
    Task("np.roll(m, 1, axis=0)", lambda xp, m: xp.roll(m, 1, axis=0), lambda t, m: t.roll(m, 1, 0),
         ((1000, 1000),)),
    Task("np.stack of 2, last axis", lambda xp, a, b: xp.stack([a, b], -1),
         lambda t, a, b: t.stack([a, b], -1), ((500_000,), (500_000,))),
    Task("np.stack of 3, last axis", lambda xp, a, b, c: xp.stack([a, b, c], -1),
         lambda t, a, b, c: t.stack([a, b, c], -1), ((300_000,),) * 3),
    Task("windows of 8 as rows", _patches, lambda t, x: x.unfold(0, 8, 1).contiguous(),
         ((200_000,),)),
    Task("np.concatenate, last axis of 3 and 5", lambda xp, a, b: xp.concatenate([a, b], -1),
         lambda t, a, b: t.cat([a, b], -1), ((100_000, 3), (100_000, 5))),
    Task("np.concatenate, last axis of 100 and 28", lambda xp, a, b: xp.concatenate([a, b], -1),
         lambda t, a, b: t.cat([a, b], -1), ((5000, 100), (5000, 28))),
    Task("np.repeat(x, 2)", lambda xp, x: xp.repeat(x, 2), lambda t, x: t.repeat_interleave(x, 2),
         ((500_000,),)),
    Task("np.repeat(m, 3, axis=1)", lambda xp, m: xp.repeat(m, 3, axis=1),
         lambda t, m: t.repeat_interleave(m, 3, 1), ((500, 700),)),
    Task("np.repeat(m, 3, axis=0)", lambda xp, m: xp.repeat(m, 3, axis=0),
         lambda t, m: t.repeat_interleave(m, 3, 0), ((500, 700),)),
    Task("np.tile(m, (2, 3))", lambda xp, m: xp.tile(m, (2, 3)), lambda t, m: m.tile(2, 3),
         ((300, 301),)),
    Task("upsampled 2x2, 16x28x28x32",
         lambda xp, x: xp.repeat(xp.repeat(x, 2, axis=1), 2, axis=2),
         lambda t, x: x[:, :, None, :, None].expand(16, 28, 2, 28, 2, 32).reshape(16, 56, 56, 32),
         ((16, 28, 28, 32),)),
    Task("pad of images, 64x28x28x3", _pad, _torch_pad, ((64, 28, 28, 3),)),
    Task("pad of images, 64x14x14x64", _pad, _torch_pad, ((64, 14, 14, 64),)),
    Task("y[::2] = x", _put, None, ((500_000,), (1_000_000,))),
    Task("m + row[::-1]", lambda xp, m, r: m + r[::-1], lambda t, m, r: m + t.flip(r, [0]),
         ((1000, 1000), (1000,))),
    Task("swapped pairs", lambda xp, x: x.reshape(-1, 2)[:, ::-1].reshape(-1),
         lambda t, x: t.flip(x.reshape(-1, 2), [1]).reshape(-1), ((1_000_000,),)),
)  # fmt: skip
OTHER_TYPES = (
    *(Task(f"m.T copied, {n}, {dtype}", lambda xp, m: xp.transpose(m).copy(),
           lambda t, m: m.T.contiguous(), ((n, n),), dtype=dtype)
      for n in (100, 1000) for dtype in ("float64", "int32", "int16", "uint8", "bool")),
    *(Task(f"m[:, ::-1] copied, {dtype}", lambda xp, m: m[:, ::-1].copy(),
           lambda t, m: t.flip(m, [1]), ((1000, 1000),), dtype=dtype)
      for dtype in ("float64", "int32", "int16", "uint8", "bool")),
    *(Task(f"x[::2] copied, {dtype}", lambda xp, x: x[::2].copy(),
           lambda t, x: x[::2].contiguous(), ((1_000_001,),), dtype=dtype)
      for dtype in ("float64", "int32", "int16", "uint8", "bool")),
    Task("m[:, ::-1] + 1, 30x33", lambda xp, m: m[:, ::-1] + 1, lambda t, m: t.flip(m, [1]) + 1,
         ((30, 33),)),
    Task("x[::2] + 1, 1000", lambda xp, x: x[::2] + 1, None, ((1000,),)),
    Task("ijk->kji, 10x11x12", lambda xp, x: xp.transpose(x, (2, 1, 0)) + 0,
         lambda t, x: x.permute(2, 1, 0).contiguous(), ((10, 11, 12),)),
)  # fmt: skip


def _square(task: Task) -> Task:
    """The gradient of half the sum of squares of a task's result by its first array."""
    return Task(f"gradient: {task.name}", task.compute, task.torch, task.shapes, True)


GRADIENTS = tuple(
    _square(task) for task in BASIC
    if task.name.split(",")[0] in (
        "m[:, ::-1] + 1", "x[::2] + 1", "m.T copied", "a + b.T", "ijk->kji", "NCHW to NHWC",
        "np.roll(m", "np.stack of 3", "np.repeat(x", "upsampled 2x2", "pad of images", "y[::2] = x",
        "m[:", "np.concatenate", "x[1::3] + 1",
    )
)  # fmt: skip
TABLE = (*BASIC, *OTHER_TYPES, *GRADIENTS)


def _arrays(task: Task) -> list[Any]:
    rng = np.random.default_rng(0)
    if task.dtype.startswith("float"):
        return [rng.normal(size=shape).astype(task.dtype) for shape in task.shapes]
    return [rng.integers(0, 2 if task.dtype == "bool" else 100, shape).astype(task.dtype)
            for shape in task.shapes]  # fmt: skip


def _ours(task: Task, arrays: list[Any]) -> Callable[[], Any]:
    def loss(*values: Any) -> Any:
        y = task.compute(np, *values)
        return np.sum(y * y) / 2

    function = jit(grad(loss) if task.gradient else lambda *values: task.compute(np, *values))
    return lambda: function(*arrays)


def _numpy(task: Task, arrays: list[Any]) -> Callable[[], Any] | None:
    return None if task.gradient else lambda: np.ascontiguousarray(task.compute(np, *arrays))


def _jax(task: Task, arrays: list[Any]) -> Callable[[], Any] | None:
    jax = peers.jax()
    if jax is None:
        return None

    def loss(*values: Any) -> Any:
        y = task.compute(jax.numpy, *values)
        return jax.numpy.sum(y * y) / 2

    given = [jax.numpy.asarray(x) for x in arrays]
    plain = jax.jit(lambda *values: task.compute(jax.numpy, *values))
    function = jax.jit(jax.grad(loss)) if task.gradient else plain
    return lambda: function(*given).block_until_ready()


def _torch(task: Task, arrays: list[Any]) -> Callable[[], Any] | None:
    torch = peers.torch(1)
    if torch is None:
        return None
    given = [torch.from_numpy(x.copy()) for x in arrays]
    compute = task.torch or task.compute
    if not task.gradient:
        return lambda: compute(torch, *given)
    given[0].requires_grad_()

    def gradient() -> Any:
        y = compute(torch, *given)
        return torch.autograd.grad(y, given[0], y.detach())[0]

    return gradient


def _same(ours: Any, theirs: Any) -> None:
    np.testing.assert_allclose(ours, np.asarray(theirs), rtol=1e-4, atol=1e-5)


def contest(task: Task) -> Contest:
    """Ours against whoever is fastest now."""
    arrays = _arrays(task)
    ours = _ours(task, arrays)
    ways = {"NumPy": _numpy, "JAX": _jax, "PyTorch": _torch}
    calls = {name: call for name, way in ways.items() if (call := way(task, arrays)) is not None}
    times = {}
    for name, call in calls.items():
        _same(ours(), call())
        times[name] = min(timeit.repeat(call, number=1, repeat=10, timer=process_time))
    peer = min(times, key=lambda name: times[name])
    number = max(1, int(ROUND / (times[peer] + 1e-7)))
    return Contest(
        task.name, f"{peer}, 1 thread", ours, calls[peer], _same, rounds=15, number=number,
        clock=process_time,
    )  # fmt: skip


def keep_memory() -> None:
    """Let what is freed stay with the process: see `layers`."""
    if sys.platform == "linux":
        c = ctypes.CDLL(None)
        c.mallopt(-3, 1 << 25)  # M_MMAP_THRESHOLD
        c.mallopt(-1, 2**31 - 1)  # M_TRIM_THRESHOLD


def contests() -> Iterator[Contest]:
    keep_memory()
    config.num_threads = 1
    for task in TABLE:
        yield contest(task)
