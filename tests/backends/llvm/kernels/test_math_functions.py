"""Vector functions against high precision: the bounds that docs/accuracy.md promises."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import mpmath
import numpy as np
import pytest
import scipy.special as special

from chainrule.backends.llvm.ir.builder import Module
from chainrule.backends.llvm.kernels.math import FUNCTIONS
from chainrule.backends.llvm.kernels.symbols import libm
from chainrule.backends.llvm.kernels.ufunc_loops import addresses, is_symbol
from chainrule.backends.llvm.target.assembler import LoadedCode, assemble
from chainrule.backends.llvm.target.host import host
from chainrule.config import configured

Long = np.longdouble
PAIRS = {
    "power",
    "arctan2",
    "copysign",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "remainder",
    "floor_divide",
    "maximum",
    "minimum",
}
F32, F64 = np.dtype(np.float32), np.dtype(np.float64)


def precise(function: Callable[..., Any]) -> Callable[..., Any]:
    """mpmath's function at 40 digits, for arrays."""

    def values(x: Any) -> Any:
        with mpmath.workdps(40):
            return np.array([Long(mpmath.nstr(function(mpmath.mpf(float(v))), 25)) for v in x])

    return values


EXACT: dict[str, Callable[..., Any]] = {
    "exp": np.exp, "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "tanh": np.tanh,
    "logistic": lambda x: 1 / (1 + np.exp(-x)), "sin": precise(mpmath.sin),
    "cos": precise(mpmath.cos), "erf": precise(mpmath.erf), "erfc": precise(mpmath.erfc),
    "cosh": np.cosh, "arcsinh": np.arcsinh, "cbrt": np.cbrt, "power": np.power,
    "arctan2": np.arctan2, "hypot": np.hypot, "sqrt": np.sqrt, "log2": np.log2,
    "log10": np.log10, "exp2": np.exp2, "ndtr": precise(mpmath.ncdf),
    "log_ndtr": precise(lambda x: mpmath.log(mpmath.ncdf(x))),
    "erfcx": precise(lambda x: mpmath.exp(x * x) * mpmath.erfc(x)),
    "gammaln": precise(mpmath.loggamma), "psi": precise(mpmath.digamma),
    "i0": precise(lambda x: mpmath.besseli(0, x)), "i1": precise(lambda x: mpmath.besseli(1, x)),
    "i0e": precise(lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(0, x)),
    "i1e": precise(lambda x: mpmath.exp(-abs(x)) * mpmath.besseli(1, x)),
}  # fmt: skip
SCIPYS = {"ndtr", "log_ndtr", "erfcx", "gammaln", "psi", "i0", "i1", "i0e", "i1e"}
# Name: bound in ulp for float32 and float64, and the interval for each
BOUNDS: dict[str, tuple[float, float, tuple[float, float], tuple[float, float]]] = {
    "exp": (2.0, 2.5, (-104.0, 89.0), (-746.0, 710.0)),
    "expm1": (2.0, 2.5, (-20.0, 89.0), (-40.0, 710.0)),
    "log": (2.0, 2.5, (1e-38, 1e4), (1e-300, 1e4)),
    "log2": (2.0, 2.5, (1e-38, 1e4), (1e-300, 1e4)),
    "log10": (2.0, 3.0, (1e-38, 1e4), (1e-300, 1e4)),
    "exp2": (2.0, 2.5, (-149.0, 128.0), (-1074.0, 1024.0)),
    "ndtr": (2.0, 6.0, (-12.0, 5.0), (-1.5, 8.0)),
    "log_ndtr": (2.0, 5.0, (-50.0, 5.0), (-50.0, 1.5)),
    "erfcx": (2.0, 5.0, (-9.0, 30.0), (-26.0, 40.0)),
    "gammaln": (2.0, 6.0, (1e-3, 40.0), (1e-6, 40.0)),
    "psi": (2.0, 6.0, (1e-3, 40.0), (1e-6, 40.0)),
    "i0": (2.0, 5.0, (-80.0, 80.0), (-100.0, 100.0)),
    "i1": (2.0, 6.0, (-80.0, 80.0), (-100.0, 100.0)),
    "i0e": (2.0, 5.0, (-80.0, 80.0), (-100.0, 100.0)),
    "i1e": (2.0, 5.0, (-80.0, 80.0), (-100.0, 100.0)),
    "log1p": (2.0, 2.5, (-0.9999, 50.0), (-0.9999, 50.0)),
    "tanh": (2.0, 2.5, (-12.0, 12.0), (-22.0, 22.0)),
    "logistic": (3.0, 4.0, (-100.0, 80.0), (-740.0, 80.0)),
    "sin": (2.0, 2.5, (-1e6, 1e6), (-1e6, 1e6)),
    "cos": (2.0, 2.5, (-1e6, 1e6), (-1e6, 1e6)),
    "erf": (2.0, 4.0, (-5.0, 5.0), (-7.0, 7.0)),
    "erfc": (2.0, 6.0, (-5.0, 10.0), (-6.0, 27.0)),
    "cosh": (4.0, 4.0, (-89.0, 89.0), (-711.0, 711.0)),
    "arcsinh": (4.0, 4.0, (-1e4, 1e4), (-1e9, 1e9)),
    "cbrt": (2.0, 2.0, (-100.0, 100.0), (-100.0, 100.0)),
    "sqrt": (0.5, 0.5, (0.0, 100.0), (0.0, 100.0)),
    "power": (2.0, 2.5, (1e-3, 3e3), (1e-3, 3e3)),
    "arctan2": (2.0, 4.0, (-30.0, 30.0), (-30.0, 30.0)),
    "hypot": (2.0, 2.5, (-30.0, 30.0), (-30.0, 30.0)),
}
POINTS = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 0.5, 2.0, 3.0, -3.0, 2.5, 1e-40, -1e-40,
          5e-324, 88.73, 709.79, -745.0, 1e30, -1e30, 1e300]  # fmt: skip


@lru_cache(maxsize=64)
def compiled(name: str, dtype: np.dtype[Any], width: int) -> tuple[Any, LoadedCode]:
    """The function over arrays, in vectors of `width` float32."""
    with configured(vector=width):
        module, size = Module(), dtype.itemsize
        lanes = host().lanes(size)
        f = module.function("apply", [("ptr", "x"), ("ptr", "y"), ("ptr", "out"), ("i64", "n")])
        with f.loop(0, "%n", lanes) as loop:
            names = ["%x", "%y"] if name in PAIRS else ["%x"]
            values = [f.load(f.offset(p, loop.index, size), dtype, lanes) for p in names]
            f.store(FUNCTIONS[name](f, *values), f.offset("%out", loop.index, size))
        f.emit("ret void")
        imports = libm() | addresses(filter(is_symbol, module.declarations))
        loaded = LoadedCode(assemble(module.text(host().triple)), imports, ["apply"])
        (address,) = loaded.addresses
    kinds = [ctypes.c_void_p] * 3 + [ctypes.c_int64]
    return ctypes.CFUNCTYPE(None, *kinds)(address), loaded


def apply(name: str, width: int, x: Any, y: Any = None) -> Any:
    """The function of arrays, padded to whole vectors."""
    y = x if y is None else y
    room = -len(x) % 16
    a, b = (np.concatenate([v, np.ones(room, v.dtype)]) for v in (x, y))
    out = np.empty_like(a)
    function, _ = compiled(name, x.dtype, width)
    function(a.ctypes.data, b.ctypes.data, out.ctypes.data, len(a))
    return out[: len(x)]


def widths() -> list[int]:
    """Those that this CPU can run."""
    found = []
    for width in (4, 8, 16):
        try:
            with configured(vector=width):
                host()
        except ValueError:
            continue
        found.append(width)
    return found


def error(got: Any, exact: Any) -> Any:
    """Distance in units of the last place of the rounded result."""
    rounded = exact.astype(got.dtype)
    module = np.spacing(np.abs(rounded)).astype(Long)
    with np.errstate(all="ignore"):
        ulps = np.abs(got.astype(Long) - exact) / module
    same = got == rounded
    return np.where(np.isfinite(rounded), ulps, np.where(same, 0, np.inf))


def drawn(name: str, dtype: np.dtype[Any], interval: tuple[float, float]) -> Any:
    """Dense, random, and small numbers of an interval."""
    rng = np.random.default_rng(5)
    low, high = interval
    count = 5_000
    if EXACT[name].__name__ == "values":
        count = 60 if name in SCIPYS else 250
    if name in ("log", "log2", "log10", "power"):
        spread = np.exp(rng.uniform(np.log(low), np.log(high), count))
        return np.concatenate([spread, rng.uniform(0.5, 2.0, count)]).astype(dtype)
    dense = np.linspace(low, high, count)
    parts = [dense, rng.uniform(low, high, count)]
    near = rng.uniform(max(low, -1.5), 1.5, count)
    parts += [near, near * 1e-3] if low < 0 else []
    return np.concatenate(parts).astype(dtype)


@lru_cache(maxsize=4)
def exact(name: str, numbers: bytes, dtype: np.dtype[Any]) -> Any:
    """The exact results, computed once for vectors of all widths."""
    return EXACT[name](np.frombuffer(numbers, dtype).astype(Long))


@pytest.mark.parametrize("width", widths())
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", BOUNDS)
def test_bound(name: str, dtype: np.dtype[Any], width: int) -> None:
    """No result is further from the exact one than promised."""
    narrow, wide, interval32, interval64 = BOUNDS[name]
    bound = narrow if dtype == F32 else wide
    x = drawn(name, dtype, interval32 if dtype == F32 else interval64)
    with np.errstate(all="ignore"):
        if name in PAIRS:
            reach = {"power": 8.0 if dtype == F32 else 60.0}.get(name, 10.0)
            y = np.random.default_rng(6).normal(size=len(x)).astype(dtype) * dtype.type(reach)
            found = error(apply(name, width, x, y), EXACT[name](x.astype(Long), y.astype(Long)))
        else:
            found = error(apply(name, width, x), exact(name, x.tobytes(), dtype))
    worst = int(np.argmax(found))
    assert found[worst] <= bound, (x[worst], found[worst])


@pytest.mark.parametrize("width", widths())
@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_special_values(name: str, dtype: np.dtype[Any], width: int) -> None:
    """nan, infinities, zeros with their sign, subnormals, and the edges of overflow."""
    with np.errstate(all="ignore"):
        points = np.array(POINTS).astype(dtype)
        expected = special.expit if name == "logistic" else getattr(np, name, None)
        if name in SCIPYS or expected is None:
            expected = getattr(special, name)
            points = points[points != 5e-324]  # of which gammaln is infinite in SciPy
        if name in PAIRS:
            a, b = (grid.ravel().copy() for grid in np.meshgrid(points, points))
            got, want = apply(name, width, a, b), expected(a, b)
        else:
            a = b = points
            got, want = apply(name, width, points), expected(points)
    tiny = np.finfo(dtype).tiny
    close = np.isclose(got, want, rtol=2e-6 if dtype == F32 else 4e-15, atol=2 * tiny * 1e-6,
                       equal_nan=True)  # fmt: skip
    # of 0 and -0 either; of -0.0 SciPy's i1 is 0.0
    choice = name in ("maximum", "minimum", "remainder", "floor_divide", "i1", "i1e")
    signs = (np.signbit(got) == np.signbit(want)) | np.isnan(want) | choice
    wrong = ~(close & signs)
    assert not wrong.any(), list(zip(a[wrong], b[wrong], got[wrong], want[wrong], strict=True))[:5]


@pytest.mark.parametrize("dtype", [F32, F64], ids=str)
@pytest.mark.parametrize("name", ["remainder", "floor_divide", "floor", "rint", "sign", "abs"])
def test_exact_functions(name: str, dtype: np.dtype[Any]) -> None:
    """What NumPy computes exactly is the same bits."""
    rng = np.random.default_rng(3)
    x = (rng.normal(size=2000) * 20).astype(dtype)
    x[:200] = np.round(x[:200])
    y = np.where(rng.random(2000) < 0.3, np.round(x / 3), rng.normal(size=2000)).astype(dtype)
    with np.errstate(all="ignore"):
        want = getattr(np, name)(x, y) if name in PAIRS else getattr(np, name)(x)
    np.testing.assert_array_equal(apply(name, 0, x, y), want)
