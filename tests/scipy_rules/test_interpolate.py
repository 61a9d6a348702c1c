"""`scipy.interpolate` on traced arrays: splines that were made outside, and made of traced data."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse.linalg
from same_as_scipy import Case, case, check_compiled, check_derivatives, check_values
from scipy import interpolate as ip

import chainrule as cr
from chainrule.errors import UnsupportedError

RNG = np.random.default_rng(0)
X = np.cumsum(RNG.random(9) + 0.2)
Y, YS = RNG.normal(size=9), RNG.normal(size=(3, 9, 2))
INSIDE = np.array([X[0] + 0.05, X[1] + 0.1, X[2] + 0.05, X[5] + 0.01, X[8] - 0.03])
BEYOND = np.concatenate([[X[0] - 0.3], INSIDE[1:4], [X[8] + 0.3]])

PIECES: dict[str, Case] = {}
for _kind in (ip.CubicSpline, ip.PchipInterpolator, ip.Akima1DInterpolator):
    _made, _name = _kind(X, Y), _kind.__name__
    PIECES |= {
        f"{_name} of x": case(lambda q, s=_made: s(q), INSIDE),
        f"{_name} of data": case(lambda x, y, q, k=_kind: k(x, y)(q), X, Y, INSIDE),
        f"{_name} along an axis": case(
            lambda y, q, k=_kind: k(X, y, axis=1)(q), YS, INSIDE[:4].reshape(2, 2)
        ),
        f"{_name} at a number": case(lambda q, s=_made: s(q), INSIDE[2]),
        f"{_name} derivative": case(lambda y, q, k=_kind: k(X, y)(q, 1), Y, INSIDE),
        f"{_name} derived": case(lambda y, q, k=_kind: k(X, y).derivative()(q), Y, INSIDE),
        f"{_name} antiderivative": case(
            lambda y, q, k=_kind: k(X, y).antiderivative(2)(q), Y, INSIDE
        ),
        f"{_name} integral": case(
            lambda x, y, a, b, k=_kind: k(x, y).integrate(b, a), X, Y, INSIDE[0], INSIDE[3]
        ),
    }
    for _n in (2, 3, 4):
        PIECES[f"{_name} of {_n}"] = case(lambda x, y, k=_kind: k(x, y)(INSIDE[:1]), X[:_n], Y[:_n])
for _k, _bc in enumerate(("natural", "clamped", "not-a-knot", ((1, 0.3), (2, -0.4)),
                          ((2, 0.3), "not-a-knot"), ("not-a-knot", (1, 0.5)))):  # fmt: skip
    for _n in (9, 3, 2):
        PIECES[f"condition {_k} of {_n}"] = case(
            lambda x, y, bc=_bc: ip.CubicSpline(x, y, bc_type=bc)(BEYOND), X[:_n], Y[:_n]
        )
for _n in (3, 4, 5, 9):
    PIECES[f"periodic of {_n}"] = case(
        lambda x, y: ip.CubicSpline(x, np.concatenate([y, y[:1]]), bc_type="periodic")(BEYOND),
        X[:_n], Y[: _n - 1],
    )  # fmt: skip
_poly, _back = ip.PPoly(RNG.normal(size=(4, 8)), X), ip.PPoly(RNG.normal(size=(4, 8)), X[::-1])
PIECES |= {
    "periodic integral": case(
        lambda y, a, b: ip.CubicSpline(
            X, np.concatenate([y, y[:1]]), bc_type="periodic"
        ).integrate(a, b), Y[:8], -1.3, 6.7,
    ),
    "conditions traced": case(
        lambda a, b: ip.CubicSpline(X, Y, bc_type=((1, a), (2, b)))(BEYOND), 0.3, 0.4
    ),
    "hermite": case(lambda x, y, d: ip.CubicHermiteSpline(x, y, d)(BEYOND), X, Y, Y[::-1].copy()),
    "makima": case(lambda y: ip.Akima1DInterpolator(X, y, method="makima")(INSIDE), Y),
    "pchip_interpolate": case(lambda y: ip.pchip_interpolate(X, y, INSIDE, der=1), Y),
    "polynomial": case(lambda c, x, q: ip.PPoly(c, x)(q, 1), _poly.c, X, INSIDE),
    "polynomial of axis 1": case(
        lambda c: ip.PPoly(c, X, axis=1)(INSIDE), RNG.normal(size=(2, 4, 8))
    ),
    "backwards": case(lambda q: _back(q), BEYOND),
    "outside is nan": case(lambda q: _poly(q, extrapolate=False), BEYOND, order=0),
    "at the knots": case(lambda q: ip.CubicSpline(X, Y)(q), X, order=0),
    "many knots": case(
        lambda q: ip.CubicSpline(np.linspace(0, 10, 40), np.sin(np.linspace(0, 10, 40)))(q),
        RNG.random(9) * 10,
    ),
    "order beyond": case(lambda q: _poly(q, 5), INSIDE, order=0),
}  # fmt: skip

SPLINES: dict[str, Case] = {}
for _k in range(6):
    _s = ip.make_interp_spline(X, Y, k=_k)
    _tck = ip.splrep(X, Y, k=_k or 1, s=0)
    SPLINES |= {
        f"B {_k} of x": case(lambda q, s=_s: (s(q), s(q, 1)), BEYOND, order=min(_k, 2)),
        f"B {_k} of data": case(
            lambda x, y, k=_k: ip.make_interp_spline(x, y, k=k)(BEYOND), X, Y, rtol=1e-9
        ),
        f"B {_k} along an axis": case(
            lambda y, k=_k: ip.make_interp_spline(X, y, k=k, axis=1)(INSIDE.reshape(5, 1)), YS,
            rtol=1e-9,
        ),
        f"B {_k} antiderivative": case(
            lambda y, q, k=_k: ip.make_interp_spline(X, y, k=k).antiderivative()(q), Y, INSIDE,
            rtol=1e-9,
        ),
        f"B {_k} integral": case(
            lambda y, a, b, k=_k: ip.make_interp_spline(X, y, k=k).integrate(a, b, False), Y,
            BEYOND[0], INSIDE[3], rtol=1e-9,
        ),
    }  # fmt: skip
    if _k:
        SPLINES[f"splrep {_k}"] = case(
            lambda x, y, q, k=_k: ip.splev(q, ip.splrep(x, y, k=k)), X, Y, BEYOND, rtol=1e-8
        )
        for _ext in (0, 1, 3):
            SPLINES[f"splev {_k} {_ext}"] = case(
                lambda q, tck=_tck, e=_ext: (ip.splev(q, tck, ext=e), ip.splev(q, tck, 1, ext=e)),
                BEYOND, order=min(_k, 2) if _ext == 0 else 0,
            )  # fmt: skip
T = np.concatenate([[X[0]] * 4, X[2:-2] + 0.01, [X[-1]] * 4])
SMOOTH = ip.UnivariateSpline(X, Y, s=0.5)
ENDS = (None, [(1, 0.3), (2, 0.1)])
SPLINES |= {
    "natural": case(lambda y: ip.make_interp_spline(X, y, bc_type="natural")(BEYOND), Y),
    "clamped": case(lambda x: ip.make_interp_spline(x, Y, bc_type="clamped")(BEYOND), X),
    "ends": case(lambda y: ip.make_interp_spline(X, y, bc_type=ENDS)(BEYOND), Y),
    "knots": case(lambda y: ip.make_interp_spline(X, y, t=T)(BEYOND), Y),
    "BSpline": case(lambda c: ip.BSpline(T, c, 3)(BEYOND), Y),
    "BSpline derivative": case(lambda c: ip.BSpline(T, c, 3).derivative()(BEYOND), Y),
    "BSpline periodic": case(lambda c: ip.BSpline(T, c, 3, extrapolate="periodic")(BEYOND), Y),
    "repeated knots": case(
        lambda q: ip.BSpline(np.array([0, 0, 0, 0, 1, 1, 2, 3, 3, 3, 3.0]), YS[0, :7, 0], 3)(q),
        np.array([-0.5, 0.3, 1.2, 2.5, 3.5]),
    ),
    "splint": case(lambda y, a: ip.splint(a, 3.0, ip.splrep(X, y)), Y, BEYOND[0], rtol=1e-9),
    "UnivariateSpline": case(
        lambda q: (SMOOTH(q), SMOOTH(q, 1), SMOOTH.integral(q[0], q[2])), BEYOND
    ),
    "InterpolatedUnivariateSpline": case(
        lambda y, q: ip.InterpolatedUnivariateSpline(X, y)(q), Y, BEYOND, rtol=1e-9
    ),
}  # fmt: skip

LINES: dict[str, Case] = {}
for _kind in ("linear", "nearest", "nearest-up", "previous", "next", "zero", "slinear",
              "quadratic", "cubic", 4):  # fmt: skip
    _flat = _kind in ("nearest", "nearest-up", "previous", "next", "zero")
    _s = ip.interp1d(X, YS, _kind, axis=1, fill_value=(-1.0, 2.0), bounds_error=False)
    LINES |= {
        f"{_kind} of x": case(lambda q, s=_s: s(q), BEYOND, order=0 if _flat else 2, rtol=1e-9),
        f"{_kind} of y": case(
            lambda y, k=_kind: ip.interp1d(X, y, k, bounds_error=False, fill_value=(y[0], y[-1]))(
                BEYOND
            ), Y, rtol=1e-9,
        ),
        f"{_kind} extrapolated": case(
            lambda x, k=_kind: ip.interp1d(x, Y, k, fill_value="extrapolate")(BEYOND),
            X[::-1].copy(),
            order=0 if _flat else 2, rtol=1e-9,
        ),
        f"{_kind} float32": case(
            lambda y, k=_kind: ip.interp1d(X, y, k)(INSIDE), Y.astype(np.float32),
            order=0, rtol=1e-5,
        ),
        f"{_kind} at knots": case(lambda q, s=_s: s(q), X, order=0, rtol=1e-9),
    }  # fmt: skip

A, B = X[:7], np.cumsum(RNG.random(6) + 0.3)
Z, ZS = RNG.normal(size=(7, 6)), RNG.normal(size=(7, 6, 2))
P = np.stack([INSIDE[:4], np.linspace(B[0] + 0.01, B[-1] - 0.02, 4)], axis=-1)
OUT = P - [[0.4, 0.0]]
DATA = RNG.random((12, 2))
VALUES, AT = RNG.normal(size=(12, 3)), RNG.random((4, 2)) * 0.4 + 0.3
RECTANGLE = ip.RectBivariateSpline(A, B, Z)
TCK = (*RECTANGLE.tck, *RECTANGLE.degrees)
EXACT = {"solver": scipy.sparse.linalg.spsolve}  # SciPy's default stops at 1e-6
GRIDS: dict[str, Case] = {}
for _method in ("linear", "nearest", "slinear", "cubic", "quintic", "cubic_legacy"):
    _options: Any = EXACT if _method in ("slinear", "cubic", "quintic") else {}
    _s = ip.RegularGridInterpolator((A, B), Z, _method)
    _order = 0 if _method == "nearest" else 2
    GRIDS |= {
        f"{_method} of x": case(lambda p, s=_s: s(p), P, order=_order, rtol=1e-9),
        f"{_method} of values": case(
            lambda z, m=_method, o=_options: ip.RegularGridInterpolator(
                (A, B[::-1]), z, m, bounds_error=False, fill_value=None, **o
            )(OUT), ZS[..., 0] if _options else ZS, order=1, rtol=1e-7,
        ),
    }  # fmt: skip
GRIDS |= {
    "interpn": case(
        lambda z, p: ip.interpn((A, B), z, p, bounds_error=False, fill_value=3.0), Z, OUT
    ),
    "coordinates apart": case(lambda u, v: ip.interpn((A, B), Z, (u, v)), P[0, 0], P[:, 1]),
    "traced grid": case(lambda a: ip.RegularGridInterpolator((a, B), Z)(P), A),
    "derivative": case(
        lambda p: ip.RegularGridInterpolator((A, B), Z, "cubic")(p, nu=(1, 0)), P, rtol=1e-8
    ),
    "one axis": case(lambda p: ip.RegularGridInterpolator((X,), Y)(p), INSIDE),
    "rectangle": case(lambda u, v: RECTANGLE(u, v, dx=1), P[:, 0], P[:, 1], rtol=1e-9),
    "rectangle at points": case(
        lambda u, v: RECTANGLE.ev(u, v, dy=1), OUT[:, 0], P[:, 1], rtol=1e-9
    ),
    "rectangle of values": case(
        lambda z: ip.RectBivariateSpline(A, B, z, kx=2)(P[:, 0], P[:, 1]), Z, rtol=1e-8
    ),
    "bisplev": case(lambda u, v: ip.bisplev(u, v, TCK), OUT[:3, 0], P[:, 1], rtol=1e-9),
    "bisplev of coefficients": case(
        lambda c: ip.bisplev(A[1:3], B[2], (*TCK[:2], c, *TCK[3:]), dy=1), TCK[2], rtol=1e-9
    ),
    "bisplev of numbers": case(lambda u, v: ip.bisplev(u, v, TCK, 1), P[1, 0], B[0] - 0.2),
    "griddata": case(lambda v, p: ip.griddata(DATA, v, p), VALUES, AT, abstract=False),
    "griddata nearest": case(
        lambda v: ip.griddata(DATA, v, AT, "nearest"), VALUES, abstract=False
    ),
    "griddata outside": case(
        lambda v: ip.griddata(DATA, v, AT + 0.6, fill_value=-1.0), VALUES, abstract=False
    ),
    "radial functions of data": case(
        lambda v: ip.RBFInterpolator(DATA, v, smoothing=0.1)(AT), VALUES, rtol=1e-8
    ),
    "radial functions of points": case(
        lambda p: ip.RBFInterpolator(p, VALUES, kernel="gaussian", epsilon=3.0)(AT), DATA,
        order=1, rtol=1e-7,
    ),
}  # fmt: skip
for _kernel in ("linear", "thin_plate_spline", "cubic", "quintic", "multiquadric",
                "inverse_multiquadric", "inverse_quadratic", "gaussian"):  # fmt: skip
    _s = ip.RBFInterpolator(DATA, VALUES, kernel=_kernel, epsilon=2.0)
    GRIDS[f"radial {_kernel}"] = case(lambda p, s=_s: s(p), AT, rtol=1e-8)
ALL = {**PIECES, **SPLINES, **LINES, **GRIDS}


@pytest.mark.parametrize("name", ALL)
def test_values(name: str) -> None:
    """SciPy's numbers, of objects made outside and inside of the traced function."""
    check_values(ALL[name])


@pytest.mark.parametrize("name", [name for k, name in enumerate(ALL) if k % 6 == 0])
def test_slopes(name: str) -> None:
    """Derivatives by points, data and knots."""
    check_derivatives(ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for k, name in enumerate(ALL) if k % 2])
def test_more_slopes(name: str) -> None:
    """The same for half of the table."""
    check_derivatives(ALL[name])


@pytest.mark.parametrize("name", ["CubicSpline of data", "B 3 of x", "linear of x", "griddata"])
def test_compiled(name: str) -> None:
    """Compiled functions and gradients are the eager ones."""
    check_compiled(ALL[name])


def test_splines_stay_splines() -> None:
    """What is made of traced data is an object of SciPy's class; a plain one stays plain."""
    plain = ip.CubicSpline(X, Y)

    def f(y: Any) -> Any:
        s = ip.CubicSpline(X, y)
        assert isinstance(s, ip.CubicSpline)
        assert s.axis == 0
        assert s.c.shape == plain.c.shape
        return np.sum(s.c[0]) + plain(y[0])

    assert cr.grad(f)(Y).shape == (9,)
    assert type(plain.c) is np.ndarray


def test_values_outside_raise_where_they_are_known() -> None:
    """SciPy's errors; a compiled function, which cannot raise, gives nan."""
    line = ip.interp1d(X, Y)
    for wrong in (
        lambda q: line(q),
        lambda q: ip.RegularGridInterpolator((X,), Y)(q),
        lambda q: ip.splev(q, ip.splrep(X, Y), ext=2),
    ):
        with pytest.raises(ValueError):
            cr.vjp(wrong, BEYOND)
    y = cr.jit(lambda q: line(q))(BEYOND)
    np.testing.assert_array_equal(np.isnan(y), [True, False, False, False, True])


def test_compiled_code_gives_nan_where_scipy_raises() -> None:
    """Compiled code cannot raise SciPy's errors for unsorted points: nan says it."""
    f = cr.jit(lambda x: (ip.CubicSpline(x, Y)(INSIDE), ip.make_interp_spline(x, Y)(INSIDE)))
    assert np.isnan(f(X[::-1].copy())).all()
    assert np.isfinite(f(X)).all()
    wave = cr.jit(lambda y: ip.CubicSpline(X, y, bc_type="periodic")(INSIDE))
    assert np.isnan(wave(Y)).all()


def test_wrong_and_refused() -> None:
    """SciPy's errors for wrong data, and refusals by name."""
    for wrong in (
        lambda x: ip.CubicSpline(x[::-1], Y)(1.0),
        lambda x: ip.CubicSpline(x, Y[:3])(1.0),
        lambda x: ip.CubicSpline(x, Y, bc_type="periodic")(1.0),
        lambda x: ip.CubicSpline(x, Y, bc_type="free")(1.0),
        lambda x: ip.PPoly(x[None], X)(1.0),
        lambda x: ip.make_interp_spline(x, Y, t=X)(1.0),
        lambda x: ip.interp1d(x[:3], Y),
    ):
        with pytest.raises(ValueError):
            cr.vjp(wrong, X)
    for refused in (
        lambda y: ip.UnivariateSpline(X, y)(1.0),
        lambda y: ip.splev(1.0, ip.splrep(X, y, s=1.0)),
        lambda y: ip.CubicSpline(X, y).roots(),
        lambda y: ip.BPoly(np.reshape(y[:8], (1, 8)), X)(1.0),
        lambda y: ip.BarycentricInterpolator(X, y)(1.0),
        lambda y: ip.griddata(DATA, np.concatenate([y, y])[:12], AT, "cubic"),
        lambda y: ip.RegularGridInterpolator((X,), y, "pchip")(1.0),
    ):
        with pytest.raises(UnsupportedError):
            cr.vjp(refused, Y)
