"""Products of bytes: NumPy's integers, whatever instructions the CPU has for them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from stages import scheduled

import chainrule as cr
from chainrule.backends.llvm.instructions.base import walk
from chainrule.backends.llvm.target import host
from chainrule.config import configured
from chainrule.nn.convolution import conv
from chainrule.nn.packed_weights import packed, unpacked

DRAW = np.random.default_rng(0)
# Rows, depth, columns: tails of each, fewer rows than a tile, and rows that are less than a group
PRODUCTS = ((5, 1, 3), (9, 3, 70), (7, 17, 33), (20, 8, 100))
# Rows, height, width, channels; kernel; outputs; stride
IMAGES = (
    ((2, 9, 9, 1), (3, 3), 32, 1), ((1, 6, 5, 3), (1, 1), 5, 2), ((2, 6, 7, 2), (2, 3), 40, (1, 2)),
)  # fmt: skip


@pytest.fixture(params=["as it is", "pairs, 8", "plain, 4"])
def _instructions(request: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A CPU with VNNI, if this is one; one of x86 without it; and another one."""
    kind, _, lanes = request.param.partition(", ")
    if kind != "as it is":
        real = host._host
        monkeypatch.setattr(host, "_host", lambda width: replace(real(width), byte_products=False))
    if kind == "plain":
        monkeypatch.setattr(host.Host, "is_x86", False)
    with configured(cache=0, vector=int(lanes or 0)):
        yield


def dense(q: Any, w: Any) -> Any:
    return np.matmul(q.astype(np.int32), w.astype(np.int32))


def bytes_of(*shape: int) -> Any:
    """With both extremes."""
    q = DRAW.integers(0, 256, shape).astype(np.uint8)
    q.flat[0] = 255
    return q


def weights_of(*shape: int) -> Any:
    w = DRAW.integers(-128, 128, shape).astype(np.int8)
    w.flat[-1] = -128
    return w


def all_dense(pairs: Any) -> Any:
    """Of bytes that are arguments, and of those that are computed."""
    return [(dense(q, w), dense(q ^ np.uint8(1), w)) for q, w in pairs]


def all_convolved(pairs: Any) -> Any:
    return [
        conv(q.astype(np.int32), w.astype(np.int32), stride=stride)
        for (q, w), (_, _, _, stride) in zip(pairs, IMAGES, strict=True)
    ]


MATRICES = [(bytes_of(n, k), weights_of(k, m)) for n, k, m in PRODUCTS]
KERNELS = [(bytes_of(*shape), weights_of(*kernel, shape[-1], outputs))
           for shape, kernel, outputs, _ in IMAGES]  # fmt: skip
BOTH = (*MATRICES, *KERNELS)


def of_packed(inputs: Any, orders: Any) -> Any:
    """The same of weights in the order in which layers keep them."""
    weights = [unpacked(o, w.shape, 4) for o, (_, w) in zip(orders, BOTH, strict=True)]
    pairs = list(zip(inputs, weights, strict=True))
    n = len(MATRICES)
    return [dense(q, w) for q, w in pairs[:n]] + all_convolved(pairs[n:])


@pytest.mark.usefixtures("_instructions")
def test_they_are_numpys():
    """Of matrices, and of images by kernels with rows that are shorter than a group of bytes."""
    inputs, orders = [q for q, _ in BOTH], [packed(w, 4) for _, w in BOTH]
    expected = all_dense(MATRICES), all_convolved(KERNELS)
    ours = cr.jit(lambda a, b, q, o: (all_dense(a), all_convolved(b), of_packed(q, o)))(
        MATRICES, KERNELS, inputs, orders
    )
    for x, y in zip(ours[0], expected[0], strict=True):
        np.testing.assert_array_equal(x[0], y[0])
        np.testing.assert_array_equal(x[1], y[1])
    firsts = [first for first, _ in expected[0]]
    for x, y in zip((*ours[1], *ours[2]), (*expected[1], *firsts, *expected[1]), strict=True):
        np.testing.assert_array_equal(x, y)


def test_packed_weights_are_read_as_they_are():
    """Of any shape, as arguments or known: nothing is unpacked, and nothing is packed."""
    inputs, orders = [q for q, _ in BOTH], [packed(w, 4) for _, w in BOTH]

    def of_known(inputs: Any) -> Any:
        return of_packed(inputs, [np.asarray(o, like=inputs[0]) for o in orders])

    for schedule in (scheduled(of_packed, inputs, orders), scheduled(of_known, inputs)):
        steps = [step.summary() for step in walk(schedule.instructions)]
        assert sum("products of bytes" in step for step in steps) == len(BOTH)
        copied = [q for q, w in BOTH if np.prod(w.shape[-3:-1]) % 4]  # with room after them
        assert len(steps) == len(BOTH) + len(copied)


def test_sums_of_many_products_are_whole():
    """Up to 255 * 127 for each of 60,000 products."""
    q, w = np.full((2, 60_000), 255, np.uint8), np.full((60_000, 3), 127, np.int8)
    np.testing.assert_array_equal(cr.jit(dense)(q, w), np.full((2, 3), 255 * 127 * 60_000))


def test_threads_share_rows():
    """Known weights, two threads, and tiles of rows: the same integers, then the same numbers."""
    q, w = bytes_of(301, 256), weights_of(256, 260)

    def scaled(q: Any) -> Any:
        known = np.asarray(w, like=q).astype(np.int32)
        return np.matmul(q.astype(np.int32), known).astype(np.float32) * np.float32(0.1)

    expected = dense(q, w).astype(np.float32) * np.float32(0.1)
    for threads in (1, 2):
        with configured(num_threads=threads, cache=0):
            np.testing.assert_array_equal(cr.jit(scaled)(q), expected)


def test_other_integers_are_left_to_numpy():
    """Signed bytes on the left, batches of matrices, dilated convolutions: the same values."""
    q, w = weights_of(4, 6), weights_of(6, 5)
    np.testing.assert_array_equal(cr.jit(dense)(q, w), dense(q, w))
    q, w = bytes_of(2, 4, 6), weights_of(2, 6, 5)
    np.testing.assert_array_equal(cr.jit(dense)(q, w), dense(q, w))
    q, w = bytes_of(1, 6, 6, 4), weights_of(2, 2, 4, 3)

    def dilated(q: Any, w: Any) -> Any:
        return conv(q.astype(np.int32), w.astype(np.int32), dilation=2)

    np.testing.assert_array_equal(cr.jit(dilated)(q, w), dilated(q, w))
