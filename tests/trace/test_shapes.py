"""NumPy's functions that move, join, repeat and choose numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from agreement import agrees, seeded

from chainrule.errors import ShapeError, UnsupportedError
from chainrule.transforms.differentiating.gradient import grad

X = seeded(2, 3, 4)
CASES: dict[str, Any] = {
    "reshape": lambda a: np.reshape(a, (4, 6)),
    "reshape -1": lambda a: a.reshape(-1, 2),
    "reshape number": lambda a: a.reshape(24),
    "reshape tuple": lambda a: a.reshape((3, -1)),
    "ravel": np.ravel,
    "ravel method": lambda a: a.ravel() + a.flatten(),
    "transpose": np.transpose,
    "transpose axes": lambda a: np.transpose(a, (1, 2, 0)),
    "transpose negative": lambda a: a.transpose(-1, 0, 1),
    "transpose tuple": lambda a: a.transpose((2, 0, 1)),
    "T": lambda a: a.T,
    "mT": lambda a: a.mT,
    "permute_dims": lambda a: np.permute_dims(a, (2, 1, 0)),
    "swapaxes": lambda a: np.swapaxes(a, 0, -1),
    "swapaxes method": lambda a: a.swapaxes(1, 2),
    "moveaxis": lambda a: np.moveaxis(a, 0, -1),
    "moveaxis several": lambda a: np.moveaxis(a, [0, 1], [-1, 0]),
    "expand_dims": lambda a: np.expand_dims(a, 1),
    "expand_dims several": lambda a: np.expand_dims(a, (0, -1)),
    "squeeze": lambda a: np.squeeze(a[:1, :, :1]),
    "squeeze axis": lambda a: a[:1].squeeze(0),
    "broadcast_to": lambda a: np.broadcast_to(a[:, :1], (5, 2, 3, 4)),
    "concatenate": lambda a: np.concatenate([a, a * 2], axis=1),
    "concatenate flat": lambda a: np.concatenate([a, a[0]], axis=None),
    "concatenate array": lambda a: np.concatenate([a, np.ones((2, 3, 1))], axis=-1),
    "concat": lambda a: np.concat([a, a]),
    "stack": lambda a: np.stack([a, -a], axis=-1),
    "stack numbers": lambda a: np.stack([a[0, 0, 0], 1.0, a[1, 1, 1]]),
    "vstack": lambda a: np.vstack([a[0, 0], a[1]]),
    "hstack": lambda a: np.hstack([a[0, 0], a[1, 1]]),
    "hstack matrices": lambda a: np.hstack([a[0], a[1]]),
    "split": lambda a: np.split(a, 2, axis=2),
    "split at": lambda a: np.split(a, [1, 2], axis=1),
    "array_split": lambda a: np.array_split(a, 3, axis=-1),
    "flip": np.flip,
    "flip axis": lambda a: np.flip(a, axis=(0, -1)),
    "fliplr": lambda a: a[:, ::-1],
    "roll": lambda a: np.roll(a, 5),
    "roll axis": lambda a: np.roll(a, -1, axis=1),
    "roll several": lambda a: np.roll(a, (1, 2), axis=(0, 2)),
    "pad": lambda a: np.pad(a, 1),
    "pad widths": lambda a: np.pad(a, ((0, 1), (2, 0), (0, 0))),
    "repeat": lambda a: np.repeat(a, 2),
    "repeat axis": lambda a: np.repeat(a, [1, 0, 2], axis=1),
    "repeat method": lambda a: a.repeat(3, axis=0),
    "tile": lambda a: np.tile(a, (2, 1, 2)),
    "tile number": lambda a: np.tile(a, 2),
    "tile more": lambda a: np.tile(a, (2, 1, 1, 1)),
    "tril": np.tril,
    "triu": lambda a: np.triu(a, 1),
    "tril below": lambda a: np.tril(a, -1),
    "diag of matrix": lambda a: np.diag(a[0]),
    "diag off": lambda a: np.diag(a[0], 1),
    "diag of vector": lambda a: np.diag(a[0, 0], -1),
    "diagonal": lambda a: np.diagonal(a[1]),
    "diagonal method": lambda a: a[1].diagonal(),
    "diagonal of many": lambda a: np.diagonal(a, axis1=1, axis2=2),
    "where": lambda a: np.where(a > 0, a, a * 3),
    "where number": lambda a: np.where(a > 0, a, 0.0),
    "where broadcast": lambda a: np.where(a[0] > 0, a, a[:, :1]),
    "clip": lambda a: np.clip(a, -1.0, 1.0),
    "clip below": lambda a: np.clip(a, 0.3, None),
    "clip above": lambda a: np.clip(a, None, 0.3),
    "clip by name": lambda a: np.clip(a, min=-0.5, max=0.5),
    "clip method": lambda a: a.clip(-1, 1),
    "clip arrays": lambda a: np.clip(a, a[0] - 1, 1.0),
    "take": lambda a: np.take(a, [0, 2, 2], axis=1),
    "take flat": lambda a: np.take(a, [[0, 23], [5, 5]]),
    "take method": lambda a: a.take([1, 0], axis=-1),
    "take_along_axis": lambda a: np.take_along_axis(a, np.argsort(a, axis=1), axis=1),
    "zeros_like": lambda a: np.zeros_like(a) + a,
    "ones_like": lambda a: np.ones_like(a, dtype=np.float64) * a,
    "ones_like shape": lambda a: np.ones_like(a, shape=(4,)) * a,
    "full_like": lambda a: np.full_like(a, 2.5) * a,
    "copy": lambda a: np.copy(a) + a.copy(),
    "astype": lambda a: a.astype(np.float64),
    "np.astype": lambda a: np.astype(a, np.float64),
    "fix": np.fix,
    "nan_to_num": np.nan_to_num,
    "len": lambda a: a * len(a),
    "iteration": lambda a: sum(row @ np.arange(4.0) for row in a),
    "shape functions": lambda a: a * (np.shape(a)[1] + np.ndim(a) + np.size(a) + a.size + a.ndim),
    "result_type": lambda a: a.astype(np.result_type(a, np.float32)),
    "atleast": lambda a: np.atleast_2d(a[0, 0]) + np.atleast_1d(a[0, 0, 0]),
    "atleast_3d": lambda a: np.atleast_3d(a[0]) + np.atleast_3d(a[0, 0, 0]),
    "dstack vectors": lambda a: np.dstack([a[0, 0], a[1, 0]]),
    "column_stack": lambda a: np.column_stack([a[0, 0], a[1, 0]]),
    "dstack": lambda a: np.dstack([a[0], a[1]]),
    "fliplr function": lambda a: np.fliplr(a) + np.flipud(a),
    "outer": lambda a: np.outer(a[0, 0], a[1, 1]),
    "linalg.norm": lambda a: np.linalg.norm(a),
    "linalg.norm 1": lambda a: np.linalg.norm(a[0, 0], 1),
    "linalg.norm inf": lambda a: np.linalg.norm(a[0, 0], np.inf),
    "linalg.norm fro": lambda a: np.linalg.norm(a[0], "fro"),
    "trace of many": lambda a: np.trace(a, 1, 1, 2),
    "linalg.norm axis": lambda a: np.linalg.norm(a, axis=-1, keepdims=True),
    "isclose": lambda a: np.isclose(a, a),
    "isclose far": lambda a: np.isclose(a, a + a * a),
    "allclose": lambda a: np.allclose(a, a) + 0.0 * a,
}


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated")  # NumPy 2.5
@pytest.mark.parametrize("name", CASES)
def test_case(name: str) -> None:
    """Value, dtype, slope, with values and without."""
    agrees(CASES[name], X)


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.concatenate([a, np.float64([[1.0]])]),
        lambda a: np.stack([a, np.ones((1, 1))]),
        lambda a: np.where(a > 1, a, np.float32(0)),
        lambda a: np.where(a > 1, 1, a),
        lambda a: a.astype(np.float64),
        lambda a: a.astype(np.int32),
        lambda a: np.zeros_like(a),
        lambda a: np.full_like(a, 7),
        lambda a: np.tril(a),
        lambda a: np.clip(a, 0, 1),
        lambda a: np.pad(a, 1),
    ],
)
@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
def test_dtypes(f: Any, dtype: str) -> None:
    """Joining and choosing promote as in NumPy."""
    try:
        f(np.ones((1, 1), dtype))
    except TypeError:
        return
    agrees(f, np.ones((1, 1), dtype), smooth=False)


def test_nan_to_num_of_all_that_it_replaces() -> None:
    """nan, inf and -inf become numbers, with slope 0."""
    x = np.array([np.nan, np.inf, -np.inf, 1.5])
    agrees(np.nan_to_num, x, smooth=False)
    agrees(lambda a: np.nan_to_num(a, nan=-1.0, posinf=3.0), x, smooth=False)
    assert grad(lambda a: np.sum(np.nan_to_num(a)))(x).tolist() == [0.0, 0.0, 0.0, 1.0]


def test_creation_like() -> None:
    """np.zeros(n, like=x) makes an array that can be written into."""

    def f(x: Any) -> Any:
        out = np.zeros(3, like=x)
        out[0] = x
        out[2] = x * x
        return np.sum(out) + np.sum(np.ones(2, like=x)) * x

    assert grad(f)(3.0) == 1.0 + 6.0 + 2.0


@pytest.mark.parametrize("shape", [(0, 3), (3, 0)])
def test_nothing_is_moved_too(shape: tuple[int, int]) -> None:
    """Arrays without entries keep their shapes."""
    x = np.ones(shape)
    for f in (
        np.transpose,
        np.ravel,
        lambda a: np.concatenate([a, a]),
        lambda a: a[::-1],
        lambda a: np.pad(a, 1),
        lambda a: np.repeat(a, 2, axis=0),
        lambda a: a.reshape(a.shape[::-1]),
        lambda a: np.roll(a, 1, axis=0),
    ):
        agrees(f, x)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: x.reshape(4), r"cannot reshape an array of shape \(3,\) into \(4,\)"),
        (lambda x: x.reshape(-1, 2), r"cannot reshape an array of shape \(3,\)"),
        (lambda x: np.broadcast_to(x, (2,)), r"cannot broadcast shape \(3,\) to \(2,\)"),
        (lambda x: np.stack([x, x[:2]]), r"shapes \(3,\) and \(2,\) differ"),
        (lambda x: np.concatenate([x, np.ones((2, 2))]), r"concatenate"),
        (lambda x: np.split(x, 2), "equal division"),
        (lambda x: np.squeeze(x, 0), "cannot squeeze"),
        (lambda x: x + np.ones(2), r"shapes \(3,\) and \(2,\) cannot be broadcast"),
        (lambda x: np.where(x > 0, x, np.ones(2)), "cannot be broadcast"),
    ],
)
def test_shape_errors(call: Any, message: str) -> None:
    """The shapes, and the user's file and line."""
    with pytest.raises(ShapeError, match=message) as caught:
        grad(lambda x: np.sum(call(x)))(np.ones(3))
    assert "test_shapes.py:" in str(caught.value)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8)),
        lambda x: x.view(np.int64),
        lambda x: x.view(np.matrix),
        lambda x: np.frombuffer(x.tobytes()),
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, writeable=True),
        lambda x: x.setflags(write=False),
        lambda x: np.frompyfunc(abs, 1, 1)(x),
    ],
)
def test_unsupported_is_said(call: Any) -> None:
    """What is not supported is an error with the user's line, never a wrong number."""
    with pytest.raises(UnsupportedError, match=r"test_shapes\.py:"):
        grad(lambda x: np.sum(call(x)))(np.ones(3))
