"""The ufuncs of scipy.special: SciPy's values, and slopes by central differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.special as sc

import chainrule as cr
from chainrule.errors import GradientError, UnsupportedError
from chainrule.primitives.special import SPECIAL
from chainrule.trace.tracer import UFUNCS

Domain = tuple[tuple[float, float], ...]
# Arguments by which there is no derivative, by position; those of the primitives of several
# results are the ufunc's
_FIRST = """jv yv iv kv jve yve ive kve struve modstruve pbdv pbvv pbwa hyp0f1 expn yn kn
    eval_legendre eval_laguerre eval_hermite eval_hermitenorm eval_chebyt eval_chebyu eval_chebyc
    eval_chebys eval_sh_legendre eval_sh_chebyt eval_sh_chebyu"""
_FIRST_TWO = """hyp1f1 hyperu wright_bessel log_wright_bessel lpmv nbdtr nbdtrc nbdtri
    eval_gegenbauer eval_genlaguerre mathieu_a mathieu_b mathieu_cem mathieu_sem mathieu_modcem1
    mathieu_modcem2 mathieu_modsem1 mathieu_modsem2 ncfdtr ncfdtri nctdtr nctdtrit"""
_SECOND = "bdtr bdtrc bdtri tklmbda chndtr chndtrix chndtrinc"
_SPHEROIDAL = [f"{kind}_{form}" for kind in ("pro", "obl") for form in ("ang1", "rad1")]
REFUSED = {
    **dict.fromkeys(_FIRST.split(), (0,)),
    **dict.fromkeys(_FIRST_TWO.split(), (0, 1)),
    **dict.fromkeys(_SECOND.split(), (1,)),
    **dict.fromkeys(["eval_jacobi", "eval_sh_jacobi", "hyp2f1"], (0, 1, 2)),
    **dict.fromkeys(["pro_cv", "obl_cv", *_SPHEROIDAL], (0, 1, 2)),
    "besselpoly": (1, 2),
}
# of existing compositions
DOMAINS: dict[str, Domain] = {
    "erf": ((-3.0, 3.0),),
    "erfc": ((-3.0, 3.0),),
    "expit": ((-3.0, 3.0),),
    "log_expit": ((-3.0, 3.0),),
    "exp2": ((-3.0, 3.0),),
    "cbrt": ((0.1, 4.0),),
    "expm1": ((-3.0, 3.0),),
    "log1p": ((-0.9, 3.0),),
    "xlogy": ((0.1, 4.0), (0.1, 4.0)),
}
DOMAINS |= {name: members[0].spec["domain"] for name, members in SPECIAL.items()}
FLAT = {"gammasgn", "round"}
COMPILED = sorted(DOMAINS)[::8]

STEPS = {"stdtridf": 2e-4, "chndtrinc": 1e-4}  # of differences, where the slopes are steep
AS_NUMPY = {"cbrt", "exp2", "expm1", "log1p"}  # whose float16 stays float16, by NumPy's rule

ENDLESS = {"pro_cv", "obl_cv", *_SPHEROIDAL}  # SciPy's loops in single precision

pytestmark = pytest.mark.filterwarnings("ignore:non-integer arg n is deprecated")


def drawn(name: str, size: int = 6, seed: int = 3) -> list[Any]:
    rng = np.random.default_rng(seed)
    return [
        rng.integers(low, high + 1, size) if isinstance(low, int) else rng.uniform(low, high, size)
        for low, high in DOMAINS[name]
    ]


def moving(name: str, arrays: list[Any]) -> list[int]:
    return [
        k for k, x in enumerate(arrays) if x.dtype.kind == "f" and k not in REFUSED.get(name, ())
    ]


def weighted(name: str) -> Any:
    """A sum of the results, with weights that are no symmetry of theirs."""
    ufunc = getattr(sc, name)

    def f(*xs: Any) -> Any:
        results = ufunc(*xs)
        results = results if isinstance(results, tuple) else (results,)
        return sum((k + 1.0) * np.sum(np.array([1.0, 0.7, -0.4, 0.9, 0.3, -0.8]) * y)
                   for k, y in enumerate(results))  # fmt: skip

    return f


def slope(f: Any, arrays: list[Any], directions: list[Any], step: float) -> Any:
    """The derivative by five points, whose error is of the fourth order."""

    def at(h: float) -> Any:
        moved = [x if v is None else x + h * v for x, v in zip(arrays, directions, strict=True)]
        return f(*moved)

    return (8 * (at(step) - at(-step)) - (at(2 * step) - at(-2 * step))) / (12 * step)


def along(name: str, arrays: list[Any]) -> list[Any]:
    rng = np.random.default_rng(11)
    index = moving(name, arrays)
    return [rng.uniform(-1, 1, x.shape) if k in index else None for k, x in enumerate(arrays)]


@pytest.mark.parametrize("name", sorted(DOMAINS))
def test_value_and_slopes(name: str) -> None:
    """Bits are SciPy's; both modes give the slope, and a central difference of it the second."""
    arrays, f = drawn(name), weighted(name)
    index = moving(name, arrays)
    for expected, y in zip(_all(getattr(sc, name)(*arrays)), _traced(name, arrays), strict=True):
        assert (y.shape, y.dtype) == (expected.shape, expected.dtype)
        np.testing.assert_allclose(y, expected, rtol=1e-14 if name in SPECIAL else 1e-12)
    if name in FLAT:
        assert not np.any(cr.grad(f)(*arrays))
        return
    if not index:
        return
    directions = along(name, arrays)
    gradient = cr.grad(f, argnums=tuple(index))

    def directional(*xs: Any) -> Any:
        return sum(np.sum(g * directions[k]) for k, g in zip(index, gradient(*xs), strict=True))

    first = slope(f, arrays, directions, STEPS.get(name, 2e-3))
    assert_near(directional(*arrays), first)
    tangents = [0.0 * x if v is None else v for x, v in zip(arrays, directions, strict=True)]
    floats = tuple(index)
    pushed = cr.jvp(lambda *moved: f(*_with(arrays, floats, moved)),
                    [arrays[k] for k in index], [tangents[k] for k in index])  # fmt: skip
    assert_near(pushed[1], directional(*arrays), 1e-10)
    if name == "radian":  # which is linear
        return
    second = cr.grad(directional, argnums=floats)(*arrays)
    total = sum(np.sum(g * directions[k]) for k, g in zip(index, second, strict=True))
    if np.isfinite(total):
        assert_near(total, slope(directional, arrays, directions, STEPS.get(name, 2e-3)), 1e-5)
    else:
        assert name in {"elliprf", "elliprc", "elliprg", "elliprd"}


def assert_near(actual: Any, expected: Any, tolerance: float = 1e-7) -> None:
    assert abs(actual - expected) <= tolerance * max(1.0, abs(expected)), (actual, expected)


def _with(arrays: list[Any], index: tuple[int, ...], moved: Any) -> list[Any]:
    replaced = dict(zip(index, moved, strict=True))
    return [replaced.get(k, x) for k, x in enumerate(arrays)]


def _all(results: Any) -> tuple[Any, ...]:
    return results if isinstance(results, tuple) else (results,)


def _traced(name: str, arrays: list[Any]) -> tuple[Any, ...]:
    """The values in a trace: what `vjp` calls the function with."""
    ufunc = getattr(sc, name)
    index = [k for k, x in enumerate(arrays) if x.dtype.kind == "f"]
    values, _ = cr.vjp(lambda *moved: ufunc(*_with(arrays, tuple(index), moved)),
                       *[arrays[k] for k in index])  # fmt: skip
    return _all(values)


def _variants(name: str) -> list[list[Any]]:
    """The arguments in other dtypes and shapes."""
    arrays = drawn(name)
    single = [x.astype(np.float32) if x.dtype.kind == "f" else x for x in arrays]
    stretched = [np.repeat(x, 2)[::2] for x in arrays]
    outer = [x.reshape(-1, 1) if k % 2 else x[:1] for k, x in enumerate(arrays)]
    return [
        single,
        [x.astype(np.float16) if x.dtype.kind == "f" else x for x in arrays],
        [*single[:-1], arrays[-1]],
        [x[0] for x in arrays],
        [x[0].item() for x in arrays[:-1]] + [single[-1]],
        [np.array(x[0]) for x in arrays],
        [x[:0] for x in arrays],
        stretched,
        outer,
        [x.reshape(2, 3)[:, ::-1].T for x in arrays],
    ]


@pytest.mark.parametrize("name", sorted(DOMAINS.keys() - ENDLESS))
def test_dtypes_and_shapes(name: str) -> None:
    """As SciPy's, whatever the last argument meets, eagerly and by inference alone.

    All dtypes for each function; shapes, of which all ufuncs are one code, by turns.
    """
    first = sorted(DOMAINS).index(name) % 2
    ufunc = getattr(sc, name)
    for k, arrays in enumerate(_variants(name)):
        if (k == 1 and name in AS_NUMPY) or (k > 2 and k % 2 == first):
            continue
        expected = _all(ufunc(*arrays))
        values = _all(cr.vjp(lambda x, arrays=arrays: ufunc(*arrays[:-1], x), arrays[-1])[0])
        graph = cr.make_graph(lambda x, arrays=arrays: ufunc(*arrays[:-1], x))(arrays[-1])
        for y, node, reference in zip(values, graph.outputs, expected, strict=True):
            assert (y.shape, y.dtype) == (reference.shape, reference.dtype)
            assert (node.shape, node.dtype) == (reference.shape, reference.dtype)
            assert isinstance(y, np.ndarray) == isinstance(reference, np.ndarray)
            rtol = {2: 2e-2, 4: 1e-4}.get(reference.dtype.itemsize, 1e-12)
            np.testing.assert_allclose(y, reference, rtol=rtol, atol=rtol)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in COMPILED else pytest.mark.slow)
        for name in sorted(DOMAINS)[::2]
    ],
)
def test_compiled(name: str) -> None:
    """Value and gradient of compiled code are the eager ones."""
    arrays, f = drawn(name), weighted(name)
    index = tuple(moving(name, arrays))
    assert_near(cr.jit(f)(*arrays), f(*arrays), 1e-13)
    if not index:
        return
    eager = cr.grad(f, argnums=index)(*arrays)
    compiled = cr.jit(cr.grad(f, argnums=index))(*arrays)
    for g, h in zip(eager, compiled, strict=True):
        np.testing.assert_allclose(h, g, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_no_derivative(name: str) -> None:
    """By parameters whose derivative is not known, the error says which."""
    arrays = [np.asarray(x[0], dtype=float) for x in drawn(name)]
    for k in REFUSED[name]:
        if name in ("eval_hermite", "eval_hermitenorm"):  # of whole degrees only
            continue
        for transform in (cr.grad, lambda f: cr.jit(cr.grad(f))):
            f = transform(lambda x, k=k: sc_sum(name, *arrays[:k], x, *arrays[k + 1 :]))
            with pytest.raises(GradientError, match=rf"{name}.* has no derivative by"):
                f(arrays[k])


def sc_sum(name: str, *xs: Any) -> Any:
    return sum(np.sum(y) for y in _all(getattr(sc, name)(*xs)))


@pytest.mark.parametrize("name", ["smirnov", "chndtridf", "nctdtrinc", "modfresnelp"])
def test_refused(name: str) -> None:
    """What has no rule is refused by its name."""
    arguments = {"smirnov": (3, 0.5), "chndtridf": (2.0, 0.4, 1.0), "nctdtrinc": (1.0, 0.4, 0.5)}
    with pytest.raises(UnsupportedError, match=rf"scipy\.special\.{name}"):
        cr.grad(lambda x: getattr(sc, name)(*arguments.get(name, (1.0,))[:-1], x))(0.5)


def test_complex_arguments_are_refused() -> None:
    with pytest.raises((UnsupportedError, TypeError), match="gamma"):
        cr.grad(lambda x: np.real(sc.gamma(x + 1j)))(0.5)


def test_every_ufunc_with_a_slope() -> None:
    """All of SciPy's real functions that have one, but for these."""
    assert cr.grad(lambda x: x)(1.0) == 1.0  # rules are loaded by the first trace
    names = {
        getattr(sc, name).__name__ for name in dir(sc) if isinstance(getattr(sc, name), np.ufunc)
    }
    real = {name for name in names if any(set(t) <= set("fdl->") for t in getattr(sc, name).types)}
    covered = real & set(UFUNCS)
    assert real - covered == {
        "chndtridf", "ncfdtridfd", "ncfdtridfn", "ncfdtrinc", "nctdtridf", "nctdtrinc", "smirnov",
        "smirnovi",
        *[f"{kind}_{form}" for kind in ("pro", "obl")
          for form in ("rad2", "ang1_cv", "rad1_cv", "rad2_cv")],
    }  # fmt: skip
    assert covered == set(DOMAINS)
