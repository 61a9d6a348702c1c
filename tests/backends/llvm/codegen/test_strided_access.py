"""Strided reads, transposed copies and short axes at each width of vectors, against NumPy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends.llvm.ir.builder import Module
from chainrule.backends.llvm.kernels import transpose
from chainrule.backends.llvm.target.assembler import assemble
from chainrule.backends.llvm.target.host import host
from chainrule.config import configured

WIDTHS = (4, 8, 16)
DTYPES = ("float32", "float64", "int16", "uint8", "bool")


@pytest.fixture(autouse=True, params=WIDTHS)
def _width(request: pytest.FixtureRequest) -> Iterator[None]:
    with configured(vector=request.param, num_threads=1):
        try:
            host()
        except ValueError:
            pytest.skip("this CPU has no such vectors")
        yield


def array(shape: tuple[int, ...], dtype: str) -> Any:
    numbers = np.random.default_rng(len(shape)).integers(-99, 99, shape)
    return (numbers > 0) if dtype == "bool" else numbers.astype(dtype)


def assert_equals_numpy(function: Callable[..., Any], *arrays: Any) -> None:
    expected, result = function(*arrays), cr.jit(function)(*arrays)
    for mine, other in zip(result, expected, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)


@pytest.mark.parametrize("dtype", DTYPES)
def test_steps_backwards_and_forwards(dtype: str) -> None:
    """Each lane is the number of NumPy's slice, for whole vectors and for what is left."""
    x = array((67,), dtype)
    assert_equals_numpy(lambda x: [x[::s].copy() for s in (-1, 2, -3, 5, 9, 20)], x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_short_rows_are_read_and_joined_side_by_side(dtype: str) -> None:
    """Vectors over rows of 2, 3 and 7 numbers have all of them in order."""

    def shuffled(x: Any, y: Any, z: Any) -> Any:
        pairs = [np.repeat(m[:, ::-1], 2, axis=1) for m in (x, y, z)]
        return [*pairs, np.stack([x[:, 0], y[:, 1]], -1), np.where(y[:, ::-1], y, y[:, :1])]

    assert_equals_numpy(shuffled, *[array((37, n), dtype) for n in (2, 3, 7)])


@pytest.mark.parametrize("dtype", DTYPES)
def test_transposed_reads(dtype: str) -> None:
    """Plain copies, backwards ones, several at once, and inside of other computations."""

    def transposed(x: Any, y: Any) -> Any:
        permuted = np.transpose(x, (2, 0, 1))
        return [permuted.copy(), x.T[::-1].copy(), x.T == y, np.where(x.T[::-1, :, ::-1], x.T, y)]

    assert_equals_numpy(transposed, array((37, 2, 19), dtype), array((19, 2, 37), dtype))


def test_sums_of_short_rows() -> None:
    """Rows of 2 and 5 numbers: the sum, the largest and the product of each."""
    x, y = (array((53, n), "float64") for n in (2, 5))

    def reduced(x: Any, y: Any) -> Any:
        return [f(m, axis=1) for m in (x, y) for f in (np.sum, np.max, np.prod)]

    assert_equals_numpy(reduced, x, y)


def test_a_depthwise_gradient_with_strides() -> None:
    """The gradient by the input, whose phases are copied with channels side by side."""
    layer = cr.nn.Conv2d(32, 32, 3, groups=32, stride=2, padding=1, key=cr.random.key(0))
    x = array((32, 6, 6, 32), "float32")

    def gradient(x: Any) -> Any:
        return cr.grad(lambda x: np.sum(layer(x) ** 2))(x)

    with configured(backend="numpy"):
        expected = cr.jit(gradient)(x)
    np.testing.assert_allclose(cr.jit(gradient)(x), expected, rtol=1e-3, atol=0.1)


def test_large_matrices_go_through_the_stack() -> None:
    """Two threads copy a matrix of more than half a megabyte: rows in blocks of a kilobyte."""
    x = array((1030, 517), "float32")
    with configured(num_threads=2):
        assert_equals_numpy(lambda x: [x.T.copy(), x.T[:, :513] + 1], x)


def test_one_tile_function_serves_all_matrices_of_a_kind() -> None:
    """Two copies of matrices of one type, but of other sizes, call the same function."""
    module = Module()
    f = module.function("apply", [("ptr", "a"), ("ptr", "b")])
    for size in (40, 90):
        transpose.transpose(f, np.dtype("f4"), "%a", size, "%b", size, size, size, size)
    f.emit("ret void")
    assert assemble(module.text(host().triple))
    assert len(module.functions) == 2
