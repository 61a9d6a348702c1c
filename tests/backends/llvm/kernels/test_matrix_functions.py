"""Linear algebra in native code: what the reference computes, for matrices of all sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.backends.base import Program
from chainrule.backends.llvm.fuse import op_traits
from chainrule.backends.llvm.kernels import lapack, matrix_sizes
from chainrule.backends.llvm.runtime import library
from chainrule.config import configured
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, items
from chainrule.primitives.linear_algebra.lu import lu, solve_positive
from chainrule.primitives.linear_algebra.triangular import triangular_solve
from chainrule.simplify import simplify
from chainrule.trace.operands import record
from chainrule.trace.tracer import traced

TOLERANCES = {np.float64: 1e-9, np.float32: 2e-3}
SIZES = (1, 3, 8, 17, 33)
BATCHES = ((), (3,), (2, 10))  # alone, with lanes to spare, and by LAPACK only from 17 rows on
la = np.linalg


def matrices(n: int, batch: tuple[int, ...], dtype: type, columns: int = 2) -> tuple[Any, Any, Any]:
    """A general matrix, a positive definite one and right sides, all well conditioned."""
    rng = np.random.default_rng(n)
    a = rng.normal(size=(*batch, n, n)) + 2 * n**0.5 * np.eye(n)[::-1]
    q = la.qr(rng.normal(size=(*batch, n, n)))[0]
    s = (q * np.linspace(1.0, 3.0, n)) @ np.swapaxes(q, -1, -2)
    b = rng.normal(size=(*batch, n, columns))
    return tuple(x.astype(dtype) for x in (a, s, b))


def graph_of(f: Callable[..., Any], *arguments: Any) -> Graph:
    return simplify(cr.jit(f).graph(*arguments))


def programs(f: Callable[..., Any], *arguments: Any) -> list[Program]:
    """The reference and native code of one graph."""
    graph = graph_of(f, *arguments)
    return [BACKENDS[name].compile(graph) for name in ("numpy", "llvm")]


def results_of(program: Program, *arguments: Any) -> list[Any]:
    """What it computes, or the error that it raises."""
    try:
        with np.errstate(all="ignore"):
            return program(arguments)
    except la.LinAlgError as error:
        return [str(error)]


def assert_alike(f: Callable[..., Any], *arguments: Any, tolerance: float = 1e-9) -> None:
    reference, native = (program(arguments) for program in programs(f, *arguments))
    for expected, result in zip(reference, native, strict=True):
        scale = np.max(np.abs(expected), initial=1.0)
        np.testing.assert_allclose(result, expected, rtol=0, atol=tolerance * scale)


def triangular(a: Any, b: Any, **flags: bool) -> Any:
    return record(triangular_solve, a, b, **flags)


def everything(a: Any, s: Any, b: Any) -> list[Any]:
    """All primitives that have native code, except for triangular solves."""
    sign, logarithm = la.slogdet(a)
    return [
        la.solve(a, b), la.inv(a), la.det(a), sign, logarithm, la.cholesky(s),
        traced(solve_positive(s._node, b._node)), *la.eigh(s),
    ]  # fmt: skip


def triangles(a: Any, b: Any) -> list[Any]:
    """Solutions with either triangle, its transpose, and with ones on the diagonal."""
    return [
        triangular(a, b, low=low, trans=trans, unit=unit)
        for low in (False, True) for trans in (False, True) for unit in (False, True)
    ]  # fmt: skip


def loss(a: Any, s: Any, b: Any) -> Any:
    """A sum that does not depend on signs of eigenvectors."""
    w, v = la.eigh(s)
    x = la.solve(a, b)
    sizes = np.sum(np.sin(la.det(a / np.sqrt(2 * a.shape[-1]))))
    values = np.sum(la.slogdet(a)[1]) + np.sum(w**2) + np.sum(w[..., None, :] * v**2)
    return (
        values + np.sum(np.sin(x)) + np.sum(np.cos(la.cholesky(s))) + np.sum(la.inv(a) ** 2) + sizes
    )


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("n", SIZES)
def test_all_functions_are_the_references(n: int, dtype: type) -> None:
    """One matrix, few and many; in lanes and by LAPACK; vectors with LAPACK's signs."""
    for batch in BATCHES if dtype is np.float64 else BATCHES[n % 3 :][:1]:
        assert_alike(everything, *matrices(n, batch, dtype), tolerance=TOLERANCES[dtype])


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("n", [1, 4, 9, 20])
def test_triangles_are_the_references(n: int, columns: int) -> None:
    """Right sides with one column and several; of a that lies by rows, and by columns."""
    for batch, dtype in (((), np.float64), ((9,), np.float32)):
        a, s, b = matrices(n, batch, dtype, columns)
        assert_alike(triangles, s, b, tolerance=TOLERANCES[dtype])
        if n > 4:
            assert_alike(lambda a, b: triangles(np.swapaxes(a, -1, -2), b), s + a, b,
                         tolerance=TOLERANCES[dtype])  # fmt: skip


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("n", [1, 6, 20])
def test_gradients_are_the_references(n: int, dtype: type) -> None:
    """Factors are made once, and read by solving and its transpose in whatever order they lie."""
    for batch in ((), (11,)) if dtype is np.float64 else ((11,),):
        arguments = matrices(n, batch, dtype)
        assert_alike(cr.grad(loss, (0, 1, 2)), *arguments, tolerance=10 * TOLERANCES[dtype])


@pytest.mark.parametrize("width", [4, 8])
@pytest.mark.parametrize("n", [3, 9])
def test_narrower_vectors(n: int, width: int) -> None:
    """With vectors of 4 and 8 float32 the numbers are the same."""
    try:
        with configured(vector=width):
            assert_alike(everything, *matrices(n, (13,), np.float64))
    except ValueError as error:
        pytest.skip(str(error))


def views(a: Any, s: Any, b: Any) -> list[Any]:
    """Transposes, slices, one matrix for many right sides, and the other way round."""
    return [
        la.solve(np.swapaxes(a, -1, -2), b[..., ::-1]), la.cholesky(np.swapaxes(s, 0, 1)[1:]),
        la.solve(a[0, 0], b), la.inv(a[::2, ::-1]), la.solve(a, b[0, 1]),
        *la.eigh(np.swapaxes(s, -1, -2)[:, 1]), la.solve(np.broadcast_to(s[0, 0], s.shape), b),
        triangular(s[0], np.swapaxes(b, 0, 1)[:, :1], low=True, trans=False, unit=False),
    ]  # fmt: skip


@pytest.mark.parametrize("n", [3, 6, 18])
def test_matrices_that_are_not_contiguous(n: int) -> None:
    """Views are read where they lie, or copied, and results are as NumPy stores them."""
    assert_alike(views, *matrices(n, (2, 3), np.float64))


def in_a_loop(a: Any, s: Any, b: Any) -> Any:
    """A scan whose body solves, and whose results are written row by row."""

    def body(x: Any, rhs: Any) -> Any:
        y = la.solve(a, x + rhs)
        return y, (la.cholesky(s) @ y, la.slogdet(a)[1])

    return cr.scan(body, b[0] * 0.0, b)


@pytest.mark.parametrize("n", [4, 18])
def test_inside_of_a_loop(n: int) -> None:
    """What a loop does is done in each iteration."""
    a, s, _ = matrices(n, (), np.float64)
    b = np.random.default_rng(0).normal(size=(5, n, 2))
    last, (rows, logarithms) = cr.jit(in_a_loop)(a, s, b)
    expected = np.zeros((n, 2))
    for row, rhs in zip(rows, b, strict=True):
        expected = la.solve(a, expected + rhs)
        np.testing.assert_allclose(row, la.cholesky(s) @ expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(last, expected, rtol=1e-9)
    np.testing.assert_allclose(logarithms, [la.slogdet(a)[1]] * 5)


BAD = {
    "zeros": lambda n: np.zeros((n, n)),
    "negative": lambda n: -np.eye(n),
    "rank 1": lambda n: np.ones((n, n)),
    "nan": lambda n: np.full((n, n), np.nan),
    "one nan": lambda n: np.where(np.arange(n * n).reshape(n, n) == n, np.nan, np.eye(n)),
    "infinite": lambda n: np.diag(np.where(np.arange(n) == 1, np.inf, 1.0)),
}
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "solve": lambda a: [la.solve(a, np.ones(a.shape[-1]))],
    "inv": lambda a: [la.inv(a)],
    "det": lambda a: [la.det(a)],
    "slogdet": lambda a: [*la.slogdet(a)],
    "cholesky": lambda a: [la.cholesky(a)],
    "eigh": lambda a: [la.eigh(a)[0]],
    "triangular": lambda a: [triangular(a, a, low=True, trans=True, unit=False)],
    "positive": lambda a: [traced(solve_positive(a._node, a._node))],
    "cofactors": lambda a: [cr.grad(lambda x: np.sum(la.det(x)))(a)],
    "slope": lambda a: [cr.grad(lambda x: np.sum(la.slogdet(x)[1]))(a)],
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("n", [3, 20])
def test_what_fails_fails_as_in_the_reference(n: int, name: str) -> None:
    """Singular, not definite, not finite; alone and as one of many: the same error or numbers."""
    good = np.eye(n) + 0.1
    for batch in (False, True):
        stacks = [np.stack([good] * 4 + [make(n)] + [good] * 5) for make in BAD.values()]
        examples = stacks if batch else [make(n) for make in BAD.values()]
        reference, native = programs(FUNCTIONS[name], examples[0])
        for a in examples:
            pairs = zip(results_of(reference, a), results_of(native, a), strict=True)
            for expected, result in pairs:
                if isinstance(expected, str) or isinstance(result, str):
                    assert expected == result
                    continue
                finite = np.isfinite(expected)
                np.testing.assert_array_equal(finite, np.isfinite(result))
                np.testing.assert_allclose(result[finite], expected[finite], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("shape", [(0, 0), (3, 0, 0), (0, 3, 3), (0, 20, 20)])
def test_no_matrices(shape: tuple[int, ...]) -> None:
    """Empty matrices and empty batches have empty results; determinants of nothing are 1."""
    s = np.ones(shape)
    assert_alike(everything, s, s, s)


def test_a_failed_call_leaves_the_function_usable() -> None:
    """An error is raised in the frame of a fast call; the next call computes."""
    solve = cr.jit(la.solve)
    a, b = np.eye(3), np.arange(3.0)
    for _ in range(3):
        np.testing.assert_array_equal(solve(a, b), b)
        with pytest.raises(la.LinAlgError, match="Singular matrix"):
            solve(np.zeros((3, 3)), b)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_eigenvectors_of_matrices_in_parts(dtype: type, scale: float) -> None:
    """Zeros beside the diagonal, equal eigenvalues, graded and extreme entries: v w v^T = a."""
    rng = np.random.default_rng(5)
    n, rounding = 6, float(np.finfo(dtype).eps)
    graded = rng.normal(size=(20, n, n)) * 10.0 ** rng.integers(-4, 4, size=(20, n, 1))
    sparse = np.round(rng.normal(size=(40, n, n))) * (rng.random((40, n, n)) < 0.5)
    parts = [graded, sparse, np.ones((1, n, n)), np.eye(n)[None], np.zeros((1, n, n))]
    a = np.concatenate(parts)
    a = ((a + np.swapaxes(a, 1, 2)) * scale).astype(dtype)
    w, v = cr.jit(lambda x: [*la.eigh(x)])(a)
    size = np.abs(a).max(axis=(1, 2), keepdims=True) + np.finfo(dtype).tiny
    error = (v * w[:, None, :]) @ np.swapaxes(v, 1, 2) - a
    assert np.max(np.abs(error / size)) < 50 * rounding
    assert np.max(np.abs(np.swapaxes(v, 1, 2) @ v - np.eye(n))) < 50 * rounding
    assert (np.diff(w, axis=1) >= 0).all()


def names_by_numpy(f: Callable[..., Any], *arguments: Any) -> set[str]:
    """The nodes that NumPy computes whenever the program runs."""
    program = BACKENDS["llvm"].compile(graph_of(f, *arguments))
    calls = program.executable.numpy_calls  # type: ignore[attr-defined]
    return {call.node.primitive.name for call in calls if not call.rare}


@pytest.fixture
def _without_lapack(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (matrix_sizes, library):
        monkeypatch.setattr(module, "routines", dict)


@pytest.mark.usefixtures("_without_lapack")
def test_without_scipys_lapack_the_reference_computes() -> None:
    """Small matrices have code of ours all the same."""
    with configured(cache=0):
        large, small = matrices(20, (), np.float64), matrices(5, (), np.float64)
        assert {"lu", "linear_solve"} == names_by_numpy(la.solve, large[0], large[2])
        assert set() == names_by_numpy(la.solve, small[0], small[2])
        assert_alike(everything, *large)


def test_with_scipys_lapack_nothing_is_left_to_the_reference() -> None:
    """All functions with code run in it; of matrices that are not square, none does."""
    assert set() == names_by_numpy(everything, *matrices(20, (), np.float64))
    assert not op_traits.is_native(_lu_of(np.ones((3, 2))))


def _lu_of(a: Any) -> Node:
    graph = cr.make_graph(lambda x: cr.jit(_packed)(x))(a)
    return next(n for n in graph.nodes if n.primitive.name == "lu")


def _packed(a: Any) -> Any:
    return traced(items(lu(a._node, check=True))[0])


def test_code_on_disk_is_resolved_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is used where LAPACK is, and made again where it is not there any more."""
    monkeypatch.setenv("CHAINRULE_CACHE_DIR", str(tmp_path / "code"))
    a, _, b = matrices(20, (), np.float64)
    expected = la.solve(a, b)
    with configured(cache=256, debug=1):
        for said in ("compiled", "loaded cached code"):
            np.testing.assert_allclose(cr.jit(la.solve)(a, b), expected)
            assert said in capsys.readouterr().err
        for module in (matrix_sizes, library):
            monkeypatch.setattr(module, "routines", dict)
        np.testing.assert_allclose(cr.jit(la.solve)(a, b), expected)
        assert "computed by NumPy: lu" in capsys.readouterr().err


def test_other_signatures_are_not_called() -> None:
    """Integers of 64 bits, other arguments and other names are refused as a whole."""
    known = "void (char *, int *, __pyx_t_5scipy_6linalg_13cython_lapack_d *, int *, int *)"
    assert lapack._arguments_of(known, "d") == "cixii"
    for other in (known.replace("int *", "int64_t *"), known.replace("_d *", "_s *"), "double"):
        with pytest.raises((KeyError, ValueError)):
            lapack._arguments_of(other, "d")
    assert set(lapack.routines()) == lapack.SYMBOLS


@pytest.fixture
def _fresh_routines() -> Iterator[None]:
    lapack.routines.cache_clear()
    yield
    lapack.routines.cache_clear()


@pytest.mark.usefixtures("_fresh_routines")
def test_without_capsules_there_are_no_routines(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SciPy that exports nothing, or something else, is no error."""
    monkeypatch.setattr(lapack, "load_module", lambda _name: object())
    assert lapack.routines() == {}
