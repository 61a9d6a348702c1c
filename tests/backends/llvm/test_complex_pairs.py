"""Complex numbers in native code: pairs of real ones, with NumPy's special cases."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import tree
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.pairs.presence import has_complex
from chainrule.backends.llvm.pairs.splitting import split_complex
from chainrule.config import configured
from chainrule.simplify import simplify

NUMBERS = [0.0, -0.0, 1.0, -2.5, 0.3, np.inf, -np.inf, np.nan]
GRID = np.array([complex(a, b) for a, b in product(NUMBERS, NUMBERS)])
LARGE = np.array([1e-300 + 3e200j, 3e200 - 2.5j, 3e200 + 3e200j, -1e-300 + 1e-290j])


def graph_of(f: Any, *arrays: Any) -> Any:
    return simplify(cr.make_graph(f)(*arrays))


def native(f: Any, *arrays: Any) -> Any:
    """f's results by native code alone: no node may be left to NumPy."""
    graph = split_complex(graph_of(f, *arrays))
    assert not has_complex(graph)
    assert not any(node.primitive.name.endswith("_of_pairs") for node in graph.nodes)
    return [np.asarray(y) for y in BACKENDS["llvm"].compile(graph_of(f, *arrays))(arrays)]


def assert_parts_equal(actual: Any, expected: Any, rtol: float = 0.0) -> None:
    """Both parts, with the same infinities and nan."""
    for part in ("real", "imag"):
        a, e = getattr(actual, part), getattr(expected, part)
        np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol if rtol >= 1e-14 else 0)


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide"])
def test_arithmetic_at_special_points(name: str, dtype: Any) -> None:
    """NumPy's formulas: division by the larger part, products with infinities that become nan.

    NumPy rounds a product once less where the CPU can, so that parts may be 1e-16 instead of 0.
    """
    with np.errstate(all="ignore"):
        z = GRID.astype(dtype)
        x, y = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(z, z))
        f = getattr(np, name)
        expected = f(x, y)
    (actual,) = native(f, x, y)
    assert_parts_equal(actual, expected, 1e-5 if dtype is np.complex64 else 1e-14)
    assert actual.dtype == dtype


def test_quotients_of_large_numbers() -> None:
    """No square overflows."""
    x, y = (np.ascontiguousarray(a.ravel()) for a in np.meshgrid(LARGE, LARGE))
    with np.errstate(all="ignore"):
        expected = np.divide(x, y)
    (actual,) = native(np.divide, x, y)
    assert_parts_equal(actual, expected, 1e-15)


def test_exponentials_that_overflow() -> None:
    """A part stays finite as long as its own value is."""
    z = np.array([710 + 1.5707963j, 750 + 0.3j, 709.9 - 2j, -800 + 1j, 3 + 0j, np.inf + 1j,
                  -np.inf + 1j, 1 + np.inf * 1j, np.nan + 0j, 0.0 - 0.0j])  # fmt: skip
    with np.errstate(all="ignore"):
        expected = np.exp(z)
    (actual,) = native(np.exp, z)
    assert_parts_equal(actual, expected, 1e-13)
    (single,) = native(np.exp, z[:4].astype(np.complex64) / 8)
    with np.errstate(all="ignore"):
        assert_parts_equal(single, np.exp(z[:4].astype(np.complex64) / 8), 1e-5)


def test_comparisons_and_truth() -> None:
    """Both parts count; nan equals nothing."""
    other = GRID[::-1].copy()
    for f in (lambda x, y: x == y, lambda x, y: x != y, lambda x, y: x.astype(bool) & (y == y)):
        (actual,) = native(f, GRID, other)
        np.testing.assert_array_equal(actual, f(GRID, other))


def test_moves_and_products_are_native() -> None:
    """Views, gathers, scatters, joins, sums, products of matrices, powers and sizes."""

    def f(z: Any, x: Any) -> Any:
        y = z.T[::-1].reshape(-1)[1:].copy()
        y[2:5] += z[0, 0]
        y[[0, 1]] = 1j
        joined = np.concatenate([y, x.ravel() * 1j])
        chosen = np.where(joined.real > 0, joined, joined.conj())
        return np.cumsum(chosen)[[3, 1]], z @ x.T @ z[:3, :3], np.sum(z, 0), np.abs(z) ** 2

    rng = np.random.default_rng(0)
    z = rng.standard_normal((4, 3)) + 1j * rng.standard_normal((4, 3))
    x = rng.standard_normal((3, 3))
    results = native(f, z, x)
    for actual, expected in zip(results, f(z, x), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-13)


def test_a_real_matrix_times_a_complex_one_is_two_products() -> None:
    """What is known to be 0 is not multiplied."""
    x, z = np.ones((3, 3)), np.ones((3, 3)) + 1j
    graph = split_complex(graph_of(lambda x, z: x @ z, x, z))
    assert [node.primitive.name for node in graph.nodes].count("matmul") == 2


def test_text_of_a_small_graph() -> None:
    """Inputs and outputs hold both parts of a number side by side."""
    z = np.ones(3) + 1j
    graph = split_complex(graph_of(lambda z: z.conj() * 2.0 + z.real, z))
    assert str(graph.input_types[0]) == "f64[3,2]"
    assert str(graph.output_types[0]) == "f64[3,2]"
    names = {node.primitive.name for node in graph.nodes}
    assert names <= {"slice", "reshape", "constant", "neg", "mul", "sub", "add", "concatenate"}


def test_what_numpy_computes_is_called_with_complex_arrays() -> None:
    """Also if an operand is real, or the result, or if there are several results."""
    rng = np.random.default_rng(1)
    z = rng.standard_normal((2, 3)) + 1j * rng.standard_normal((2, 3))

    def f(z: Any) -> Any:
        extra = cr.pure_callback(lambda z, x: (z * x, x), (z, z.real), z, z.real)
        return np.log(z) + np.sort(z, axis=0), np.argmax(z), np.prod(z, 1), extra, np.sqrt(z) < z

    expected = [np.log(z) + np.sort(z, axis=0), np.argmax(z), np.prod(z, 1), z * z.real, z.real,
                np.sqrt(z) < z]  # fmt: skip
    for actual, wanted in zip(tree.leaves(cr.jit(f)(z)), expected, strict=True):
        np.testing.assert_allclose(actual, wanted, rtol=1e-14)


@pytest.mark.parametrize("threads", [1, 2])
def test_loops_with_complex_states(threads: int) -> None:
    """A body with complex numbers inside, or in its state, is native code as well."""

    def f(z: Any, x: Any) -> Any:
        c, ys = cr.scan(lambda c, t: (c * np.exp(1j * t) + z, np.abs(c).sum()), z, x)
        inside = cr.scan(lambda s, t: (s + np.abs(np.exp(1j * s) + t), None), np.float64(0), x)[0]
        done = cr.while_loop(lambda c: np.abs(c) < 100, lambda c: c * (1 + 1j), z[0])
        return c, ys, inside, cr.cond(x[0] > 0, lambda z: z * 1j, lambda z: z.conj(), z), done

    z, x = np.array([1 + 1j, 0.5 - 2j]), np.linspace(0.1, 1.0, 7)
    expected = BACKENDS["numpy"].compile(graph_of(f, z, x))([z, x])
    with configured(num_threads=threads):
        program = BACKENDS["llvm"].compile(graph_of(f, z, x))
        assert program.executable.numpy_calls == ()  # type: ignore[attr-defined]
        for actual, wanted in zip(program([z, x]), expected, strict=True):
            np.testing.assert_allclose(actual, wanted, rtol=1e-13)


def test_programs_from_the_cache(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """They take and return complex arrays, too."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path))
    z = np.arange(4) + 1j

    def f(z: Any) -> Any:
        return np.fft.fft(z) * z, np.log(z)

    with configured(cache=1):
        first = BACKENDS["llvm"].compile(graph_of(f, z))([z])
        assert list(tmp_path.rglob("*.bin"))
        second = BACKENDS["llvm"].compile(graph_of(f, z))([z])
    for a, b, e in zip(first, second, f(z), strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_allclose(a, e, rtol=1e-14, atol=1e-14)


@pytest.mark.parametrize("memory", ["strided", "fortran", "unaligned", "swapped"])
def test_arguments_in_any_memory(memory: str) -> None:
    """They are copied if they do not lie as native code reads them."""
    z = np.arange(24.0).reshape(4, 6) + 1j * np.arange(24.0)[::-1].reshape(4, 6)
    if memory == "strided":
        z = z[::2, ::-1]
    elif memory == "fortran":
        z = np.asfortranarray(z)
    elif memory == "unaligned":
        raw = np.empty(z.nbytes + 1, np.uint8)[1:].view(z.dtype).reshape(z.shape)
        raw[...] = z
        z = raw
    f = cr.jit(lambda z: z * 1j + z.real)
    if memory == "swapped":
        z = z.astype(">c16")
        np.testing.assert_array_equal(f(z.astype("<c16")), z * 1j + z.real)
        return
    np.testing.assert_array_equal(f(z), z * 1j + z.real)


def test_transforms_where_numpys_loops_are_not_as_expected(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy's functions are called instead, which write to the arrays of the program."""
    z = np.arange(12.0).reshape(3, 4) + 1j

    def f(z: Any) -> Any:
        return np.fft.fft(z, axis=0), np.fft.rfft(z.real), np.fft.irfft(z, 5), np.fft.irfft(z.real)

    def calls() -> int:
        program = BACKENDS["llvm"].compile(graph_of(f, z))
        for actual, expected in zip(program([z]), f(z), strict=True):
            np.testing.assert_allclose(actual, expected, rtol=1e-13, atol=1e-13)
        return len(program.executable.numpy_calls)  # type: ignore[attr-defined]

    assert calls() == 0
    monkeypatch.setattr("chainrule.backends.llvm.fuse.op_traits.loops", dict)
    assert calls() == 4
