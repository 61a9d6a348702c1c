"""Kernels of matrix products: right for all strides; parts and packed matrices: the same bits."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends.llvm.kernels.matmul import PACKED, packed_size, scratch_bytes
from chainrule.backends.llvm.runtime import imports_of

ADD = 1
SIZES = [(1, 5, 300), (3, 700, 300), (50, 584, 301), (130, 90, 70), (155, 1033, 347), (7, 0, 9)]
# How a matrix lies in memory: rows, columns, every second number, a part of wide rows
LAYOUTS = ("C", "F", "2", "part")


def matrix(rng: np.random.Generator, rows: int, columns: int, layout: str, dtype: type) -> Any:
    if layout == "F":
        return rng.standard_normal((columns, rows)).astype(dtype).T
    if layout == "2":
        return rng.standard_normal((rows, 2 * columns + 1)).astype(dtype)[:, 1::2]
    beside = 600 if layout == "part" else 0
    return rng.standard_normal((rows, columns + beside)).astype(dtype)[:, beside:]


def gemm(a: Any, b: Any, c: Any, flags: int = 0, packed: Any = None) -> None:
    """C = A @ B by the kernel; B may come packed."""
    name, size = f"gemm_f{8 * a.itemsize}", a.itemsize
    word, address = ctypes.c_int64, ctypes.c_void_p
    run = ctypes.CFUNCTYPE(
        None, *[word] * 3, *[address, word, word] * 2, address, word, word, address
    )(imports_of([name])[name])
    (rows, depth), columns = a.shape, b.shape[1]
    scratch = np.empty(scratch_bytes(rows, columns, depth, a.dtype) + 64, np.uint8)
    strides = [stride // size for x in (a, b) for stride in x.strides]
    where = b if packed is None else packed
    run(rows, columns, depth, a.ctypes.data, *strides[:2], where.ctypes.data, *strides[2:],
        c.ctypes.data, c.strides[0] // size, flags,
        scratch.ctypes.data + -scratch.ctypes.data % 64)  # fmt: skip


def pack(b: Any) -> Any:
    name, (depth, columns) = f"pack_f{8 * b.itemsize}", b.shape
    word, address = ctypes.c_int64, ctypes.c_void_p
    run = ctypes.CFUNCTYPE(None, word, word, address, word, word, address)(imports_of([name])[name])
    target = np.full(packed_size(columns, depth, b.dtype) + 16, 7, b.dtype)
    run(columns, depth, b.ctypes.data, *[s // b.itemsize for s in b.strides], target.ctypes.data)
    assert (target[-16:] == 7).all()
    return target


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_parts_and_packed_matrices_have_the_same_bits(dtype: type) -> None:
    """How rows and columns are cut, and whether B comes packed, changes no bit; nor what is around
    C. Few rows of a deep product are swept, whose sums are grouped as those of tiles."""
    rng = np.random.default_rng(0)
    tolerance = 1e-14 if dtype is np.float64 else 2e-6
    for k, (rows, depth, columns) in enumerate(SIZES):
        for left, right in ((LAYOUTS[k % 4], LAYOUTS[k // 2]), (LAYOUTS[(k + 1) % 4], "F")):
            a, b = matrix(rng, rows, depth, left, dtype), matrix(rng, depth, columns, right, dtype)
            around = np.full((rows + 2, columns + 9), 7, dtype)
            c = around[1:-1, 3 : 3 + columns]
            gemm(a, b, c)
            exact = a.astype(np.float64) @ b.astype(np.float64)
            np.testing.assert_allclose(c, exact, rtol=0, atol=tolerance * (depth + 8))
            whole = c.copy()
            c[...] = 7
            assert (around == 7).all()
            part = np.empty((min(rows, 2), columns), dtype)
            gemm(a[-2:], b, part)
            assert part.tobytes() == whole[-2:].tobytes()
            some = np.empty((rows, columns - columns // 2), dtype)
            gemm(a, b[:, columns // 2 :], some)
            assert some.tobytes() == whole[:, columns // 2 :].tobytes()
            again = np.empty_like(whole)
            gemm(a, b, again, PACKED, pack(b))
            assert again.tobytes() == whole.tobytes()
            gemm(a, b, again, ADD)
            np.testing.assert_allclose(again, 2 * exact, rtol=0, atol=3 * tolerance * (depth + 8))


def test_weights_are_packed_before_a_loop() -> None:
    """Weights that a loop reads and does not write: once, with the bits of single steps."""
    rng = np.random.default_rng(1)
    w, x = rng.standard_normal((130, 700)) / 30, rng.standard_normal((20, 130))

    def step(s: Any, w: Any) -> Any:
        return np.tanh(np.tanh(s @ w) @ w.T)

    single, expected = cr.jit(step), x
    for _ in range(5):
        expected = single(expected, w)
    loop = cr.jit(lambda x, w: cr.scan(lambda s, _: (step(s, w), None), x, None, length=5)[0])
    assert loop(x, w).tobytes() == expected.tobytes()

    def changing(x: Any, w: Any) -> Any:
        def turn(state: Any, _: Any) -> Any:
            s, w = state
            return (step(s, w), w * 0.5), None

        return cr.scan(turn, (x, w), None, length=5)[0][0]

    expected = x
    for k in range(5):
        expected = single(expected, w * 0.5**k)
    assert cr.jit(changing)(x, w).tobytes() == expected.tobytes()
