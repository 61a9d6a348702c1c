"""Special functions in native code: SciPy's loops are called, so its bits are the result."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sc
import scipy.stats  # noqa: F401  declares the rest of the family

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.fuse.op_traits import calls_loop
from chainrule.backends.llvm.kernels import ufunc_loops
from chainrule.backends.llvm.kernels.math.formula import has_native_formula
from chainrule.graph.graph import Graph
from chainrule.graph.node import Primitive, apply, input_node
from chainrule.graph.types import Type
from chainrule.primitives import REGISTRY
from chainrule.primitives.special import SPECIAL
from chainrule.trace.operands import record

# Integrals, complex numbers, distributions without a ufunc, functions that may fail for want of
# memory
ON_THE_HOST = ["betainc_moment", "faddeeva_real", "gammainc_moment", "lambertw_real",
               "skewnorm_ppf", "hypergeom_pmf", "spherical_kn", "pbdv", "mathieu_cem"]  # fmt: skip
EDGES = np.array([np.nan, np.inf, -np.inf, 0.0, -0.0, 5e-324, 1e-30, -1e-30, 0.5, -0.5, 1.0, -1.0,
                  2.0, -2.5, 3.0, 1 - 1e-16, 30.0, -40.0])  # fmt: skip


def members(dtype: Any) -> list[Primitive]:
    """Those with a loop, or a formula of such."""
    family = [p for p in REGISTRY.values() if p.spec["family"] == "special"]
    return [
        p for p in family
        if p.spec["ufunc"] is not None or (has_native_formula(p) and dtype == np.float64)
    ]  # fmt: skip


def drawn(primitive: Primitive, dtype: Any, size: int = 45) -> list[Any]:
    """Numbers of the domain, and edges: of each argument alone, then of all in other orders."""
    rng = np.random.default_rng(len(primitive.name))
    arrays = []
    for k, (low, high) in enumerate(primitive.spec["domain"]):
        if isinstance(low, int):
            arrays.append(rng.integers(low, high + 1, size))
            continue
        x = rng.uniform(low, high, size).astype(dtype)
        edges = EDGES.astype(dtype) if k == 0 else rng.permutation(EDGES.astype(dtype))
        x[: EDGES.size] = np.where(rng.random(EDGES.size) < 1 / (k + 1), edges, x[: EDGES.size])
        arrays.append(x)
    return arrays


def program_of(calls: list[tuple[Primitive, list[Any]]]) -> tuple[Any, list[Any]]:
    """One native program of several primitives, and its arguments."""
    nodes = [[input_node(Type(x.shape, x.dtype)) for x in arrays] for _, arrays in calls]
    results = [apply(p, tuple(xs), {}) for (p, _), xs in zip(calls, nodes, strict=True)]
    graph = Graph([x for xs in nodes for x in xs], results)
    return BACKENDS["llvm"].compile(graph), [x for _, arrays in calls for x in arrays]


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_family(dtype: Any) -> None:
    """Each is native; those that call a loop give SciPy's bits, formulas its numbers."""
    chosen = members(dtype)
    assert len(chosen) > 180
    for start in range(0, len(chosen), 24):
        calls = [(p, drawn(p, dtype)) for p in chosen[start : start + 24]]
        program, arguments = program_of(calls)
        assert [] == [c.node.primitive.name for c in program.executable.numpy_calls]
        for (p, arrays), actual in zip(calls, program(arguments), strict=True):
            with np.errstate(all="ignore"):
                expected = p(*arrays)
            types = [input_node(Type(x.shape, x.dtype)) for x in arrays]
            if calls_loop(apply(p, tuple(types), {})):
                np.testing.assert_array_equal(actual, expected, err_msg=p.name)
            else:
                close = 3e-6 if dtype == np.float32 else 2e-13
                pair = (actual[EDGES.size :], expected[EDGES.size :])
                np.testing.assert_allclose(*pair, close, close, err_msg=p.name)


def test_the_rest_is_computed_by_scipy() -> None:
    for name in ON_THE_HOST:
        program, _ = program_of([(REGISTRY[name], drawn(REGISTRY[name], np.float64))])
        assert len(program.executable.numpy_calls) == 1


def test_inside_of_a_loop() -> None:
    """A scan whose body calls special functions is one native program, and so is its gradient."""
    x = np.linspace(0.2, 3.0, 7)

    def f(scale: Any, x: Any) -> Any:
        def body(total: Any, each: Any) -> Any:
            total = total + sc.gammaln(each * scale) + sc.i0e(total) * sc.betainc(1.5, each, 0.3)
            return total, sc.ndtr(total)

        total, ys = cr.scan(body, 0.0 * scale, x)
        return total + np.sum(ys)

    graph = cr.make_graph(cr.value_and_grad(f))(1.3, x)
    program = BACKENDS["llvm"].compile(graph)
    calls = [c.node.primitive.name for c in program.executable.numpy_calls]
    assert calls == []  # by each a derivative of betainc would be an integral
    value, slope = cr.jit(cr.value_and_grad(f))(1.3, x)
    expected, direct = cr.value_and_grad(f)(1.3, x)
    assert value == pytest.approx(expected, rel=1e-14)
    assert slope == pytest.approx(direct, rel=1e-13)


@pytest.mark.parametrize("name", ["gammaln", "psi", "i0e", "j0", "erfcx", "log_ndtr", "expi",
                                  "spence", "ellipk"])  # fmt: skip
def test_derivatives(name: str) -> None:
    """Compiled, to the second order, as without."""
    f = getattr(sc, name)
    x = np.linspace(0.15, 0.85, 5)
    first = cr.grad(lambda x: np.sum(f(x)))
    second = cr.grad(lambda x: np.sum(first(x) ** 2))
    np.testing.assert_allclose(cr.jit(first)(x), first(x), rtol=1e-13)
    np.testing.assert_allclose(cr.jit(second)(x), second(x), rtol=1e-12)


def test_threads_compute_the_same() -> None:
    x = np.linspace(-3.0, 40.0, 30_000)
    f = lambda x: sc.gammaln(x) + sc.i0e(x)  # noqa: E731
    with cr.configured(num_threads=1):
        alone = cr.jit(f)(x)
    with cr.configured(num_threads=2):
        together = cr.jit(f)(x)
    np.testing.assert_array_equal(alone, together)
    np.testing.assert_allclose(alone, f(x), rtol=1e-13)


def test_errors_that_scipy_was_asked_to_raise() -> None:
    """They arrive as its exception, from short calls and from Python's; the next call is fine."""
    f = cr.jit(lambda x: sc.ellipk(x) + np.sum(x))
    x = np.array([2.0, 1.5])
    assert np.isnan(f(x)).all()
    with sc.errstate(all="raise"):
        for argument in (x, x, 2.0):
            with pytest.raises(sc.SpecialFunctionError):
                f(argument)
    assert np.isnan(f(x)).all()


def test_symbols_that_are_not_there() -> None:
    """So that code from the disk which calls them is compiled again."""
    known = ufunc_loops.addresses(["scipy.special.hyp1f1.ddd-d", "scipy.special.hyp1f1.ddd-d.data"])
    assert all(known.values())
    for name in ("scipy.special.hyp1f1.dd-d", "scipy.special.nothing.d-d", "scipy.none.f.d-d"):
        with pytest.raises(KeyError):
            ufunc_loops.addresses([name])


def test_orders_of_integers() -> None:
    """Loops of integers are chosen for integers."""
    n, x = np.array([0, 1, 2, 5]), np.array([0.3, -0.4, 0.5, 0.6])
    (primitive,) = SPECIAL["eval_legendre"]
    graph = cr.make_graph(lambda n, x: record(primitive, n, x))(n, x)
    program = BACKENDS["llvm"].compile(graph)
    assert "scipy.special.eval_legendre.ld-d" in program.executable.symbols
    np.testing.assert_array_equal(program([n, x])[0], sc.eval_legendre(n, x))


@pytest.mark.parametrize(("name", "n"), [("binom_pmf", 7.0), ("nbinom_pmf", 2.5)])
def test_probabilities_of_counts(name: str, n: float) -> None:
    """Also of what is no count, and for what is no distribution."""
    primitive = REGISTRY[name]
    k = np.array([0, 3, 7, 9, -1, 2, 2, 2, 2, 2.5, np.nan, np.inf, -np.inf, 0, 0])
    p = np.array([0.3, 0.3, 1.0, 0.3, 0.3, 0.0, 1.0, -0.1, np.nan, 0.3, 0.3, 0.3, 0.3, 0.0, 1.0])
    trials = np.full(15, n)
    trials[3], trials[1] = -2.0, np.nan
    program, arguments = program_of([(primitive, [k, trials, p])])
    assert not program.executable.numpy_calls
    np.testing.assert_array_equal(program(arguments)[0], primitive(k, trials, p))
    whole = np.where(np.isfinite(k), k, 0).astype(int)
    program, arguments = program_of([(primitive, [whole, trials, p])])
    assert not program.executable.numpy_calls
    np.testing.assert_array_equal(program(arguments)[0], primitive(whole, trials, p))
