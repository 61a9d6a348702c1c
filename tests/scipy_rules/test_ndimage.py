"""`scipy.ndimage` on traced images: every filter and every mode, splines of every order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from same_as_scipy import Case, case, check_compiled, check_derivatives, check_values
from scipy import ndimage as nd

import chainrule as cr
from chainrule.errors import AbstractValueError, UnsupportedError

RNG = np.random.default_rng(0)
LINE, IMAGE, SMALL = RNG.normal(size=11), RNG.normal(size=(7, 6)), RNG.normal(size=(3, 2))
CUBE, LONG = RNG.normal(size=(3, 4, 5)), RNG.normal(size=70)
KERNEL = RNG.normal(size=(2, 3))
MODES = ("reflect", "mirror", "nearest", "wrap", "constant", "grid-mirror", "grid-wrap",
         "grid-constant")  # fmt: skip
POINTS = RNG.uniform(-3, 9, size=(2, 4, 3))
ON_LINE = np.array(
    [[-30.3, -1.0, -0.9, -0.5, -0.2, 0, 3, 3.7, 9.9, 10, 10.2, 10.6, 10.9, 11, 25.3]]
)
LARGE = np.zeros((7, 6))
CROSS = np.array([[1, 0, 1], [0, 1, 0]])


def filters(mode: str) -> dict[str, Case]:
    """One case a filter, in a mode."""
    m: Any = {"mode": mode, "cval": 0.7}
    return {
        "correlate1d": case(lambda a, w: nd.correlate1d(a, w, 0, origin=-1, **m), IMAGE, KERNEL[0]),
        "convolve1d": case(lambda a: nd.convolve1d(a, KERNEL[:, 0], **m), IMAGE),
        "correlate": case(lambda a, w: nd.correlate(a, w, origin=(-1, 0), **m), IMAGE, KERNEL),
        "convolve": case(lambda a, w: nd.convolve(a, w, **m), IMAGE, KERNEL),
        "gaussian": case(lambda a: nd.gaussian_filter(a, 1.3, **m), IMAGE),
        "gaussian of few": case(lambda a: nd.gaussian_filter1d(a, 2.3, **m), LINE[:3]),
        "gaussian slopes": case(
            lambda a: nd.gaussian_filter(a, (1.0, 2), order=(1, 3), **m), IMAGE
        ),
        "uniform": case(lambda v: nd.uniform_filter(v, (2, 3, 1), origin=(0, 1, 0), **m), CUBE),
        "maximum": case(lambda v: nd.maximum_filter(v, (2, 3, 5), origin=(0, 1, 0), **m), CUBE),
        "minimum": case(lambda v: nd.minimum_filter1d(v, 7, **m), LINE),
        "footprint": case(lambda a: nd.maximum_filter(a, footprint=CROSS, **m), IMAGE),
        "median": case(lambda a: nd.median_filter(a, (3, 2), **m), IMAGE),
        "rank": case(lambda a: nd.rank_filter(a, -2, size=3, **m), IMAGE),
        "percentile": case(lambda v: nd.percentile_filter(v, 30, size=3, axes=(0, 2), **m), CUBE),
        "sobel": case(lambda v: nd.sobel(v, 1, **m), CUBE),
        "prewitt": case(lambda a: nd.prewitt(a, **m), IMAGE),
        "laplace": case(lambda v: nd.laplace(v, **m), CUBE),
        "gaussian_laplace": case(lambda a: nd.gaussian_laplace(a, (1, 1.5), **m), IMAGE),
        "gradient": case(lambda a: nd.gaussian_gradient_magnitude(a, 1, **m), IMAGE),
    }


def splines(mode: str, order: int) -> dict[str, Case]:
    """One case a use of splines, in a mode and of an order."""
    m: Any = {"mode": mode, "order": order, "cval": 0.7}
    degree = order
    order = 1 if order == 2 else 2 if order > 2 else 0  # derivatives that are continuous
    smooth: Any = {"order": 0 if mode == "constant" else order, "rtol": 1e-10}
    image: Any = {"order": 2, "rtol": 1e-10}
    zoom = {"grid_mode": mode not in ("constant", "wrap")}
    return {
        "prefilter": case(lambda a: nd.spline_filter1d(a, degree, 0, mode=mode), SMALL, **image),
        "long prefilter": case(lambda a: nd.spline_filter1d(a, degree, mode=mode), LONG, **image),
        "map": case(lambda a, p: nd.map_coordinates(a, p, **m), IMAGE, POINTS, **smooth),
        "map small": case(lambda a: nd.map_coordinates(a, POINTS, **m), SMALL, **image),
        "map line": case(lambda a: nd.map_coordinates(a, ON_LINE, **m), LINE, **image),
        "map one": case(lambda a: nd.map_coordinates(a, ON_LINE + 0.013, **m), LINE[:1], **image),
        "map coefficients": case(
            lambda a: nd.map_coordinates(a, POINTS, prefilter=False, **m), IMAGE, **image
        ),
        "shift": case(lambda a: nd.shift(a, (1.3, -0.7), **m), IMAGE, **image),
        "zoom": case(lambda a: nd.zoom(a, (1.7, 0.6), **zoom, **m), IMAGE, **image),
        "scale": case(
            lambda a, s: nd.affine_transform(a, s, (0.31, -0.42), **m), IMAGE, np.array([1.2, 0.7]),
            **smooth,
        ),
        "affine": case(
            lambda a, k: nd.affine_transform(a, k, (0.31, -0.42), (4, 8), **m), IMAGE,
            np.array([[1.2, 0.3], [0.2, 0.7]]), **smooth,
        ),
        "rotate": case(lambda a: nd.rotate(a, 33.0, **m), IMAGE, **image),
    }  # fmt: skip


FILTERS = {f"{name} {mode}": c for mode in MODES for name, c in filters(mode).items()}
SPLINES = {
    f"{name} {mode} {order}": c
    for mode in MODES for order in range(6) for name, c in splines(mode, order).items()
}  # fmt: skip
LABELS = np.arange(42).reshape(7, 6) % 4
OTHERS: dict[str, Case] = {
    "axes": case(lambda v: nd.gaussian_filter(v, 1, axes=(2, 0)), CUBE),
    "axes of weights": case(lambda v, w: nd.correlate(v, w, axes=(2, 0)), CUBE, KERNEL),
    "sigma": case(lambda s: nd.gaussian_filter(IMAGE, [s, 2 * s], radius=3), 1.2),
    "sigma alone": case(lambda s: nd.gaussian_filter1d(LINE, s), 1.23, abstract=False),
    "float32": case(lambda a: nd.gaussian_filter(a, 1), IMAGE.astype("f4"), order=0, rtol=1e-5),
    "output": case(lambda a: nd.sobel(a, output=np.float32), IMAGE, order=0, rtol=1e-5),
    "shift traced": case(lambda s: nd.shift(IMAGE, s, mode="mirror"), np.array([0.31, -0.42])),
    "shift of both": case(lambda a, s: nd.shift(a, s), IMAGE, 0.3),
    "rotate traced": case(lambda t: nd.rotate(IMAGE, t, reshape=False, mode="nearest"), 30.5),
    "rotate by 90": case(lambda a: nd.rotate(a, 90), IMAGE),
    "rotate planes": case(lambda v, t: nd.rotate(v, t, axes=(2, 1), reshape=False), CUBE, 20.3),
    "homogeneous": case(
        lambda k: nd.affine_transform(IMAGE, k, mode="nearest"),
        np.array([[1.1, 0.23, 0.31], [0.12, 1.02, 0.2]]), order=1,
    ),
    "constants": case(
        lambda a, c: nd.map_coordinates(a, POINTS, cval=c, order=2)
        + nd.shift(a, (0.4, 1.3), mode="grid-constant", cval=c)[:4, :3]
        + nd.correlate(a, KERNEL, mode="constant", cval=c)[:4, :3],
        IMAGE, 0.7,
    ),
    "whole numbers": case(
        lambda p: nd.map_coordinates(np.arange(42).reshape(7, 6), p, output=float, mode="mirror"),
        POINTS,
    ),
    "three axes": case(
        lambda v, p: nd.map_coordinates(v, p, mode="grid-wrap"), CUBE, RNG.uniform(-2, 6, (3, 2))
    ),
    "center_of_mass": case(lambda a: nd.center_of_mass(a), IMAGE + 4),
}  # fmt: skip


def _written(f: Any, x: Any, *args: Any) -> Any:
    """What f writes into every other row of an array, and the array that it gives."""
    array = np.zeros((2 * len(x), *np.shape(x)[1:]))
    rows = f(x, *args, output=array[::2])
    rows[0] *= 2.0
    return array


OTHERS |= {
    "into rows": case(lambda a: _written(nd.gaussian_filter, a, 1.0), IMAGE),
    "into itself": case(lambda a: nd.sobel(a * 1.0, 0, (b := a * 1.0)) + b, IMAGE),
    "points into rows": case(
        lambda a, p: _written(lambda x, p, output: nd.map_coordinates(x, p, output), a, p),
        IMAGE[:4, :3], POINTS,
    ),
}  # fmt: skip
for _name in ("sum", "mean", "variance", "standard_deviation", "maximum", "minimum"):
    for _k, _args in enumerate(((), (LABELS,), (LABELS, 2), (LABELS, [1, 2]))):
        OTHERS[f"{_name} {_k}"] = case(lambda a, f=_name, s=_args: getattr(nd, f)(a, *s), IMAGE)
ALL = {**FILTERS, **SPLINES, **OTHERS}
OFTEN = {name for k, name in enumerate({**FILTERS, **SPLINES}) if k % 11 == 0} | set(OTHERS)


@pytest.mark.parametrize("name", [*FILTERS, *OTHERS])
def test_filters(name: str) -> None:
    """SciPy's numbers in every mode."""
    check_values(ALL[name])


@pytest.mark.parametrize("name", [name for k, name in enumerate(SPLINES) if k % 5 == 0])
def test_splines(name: str) -> None:
    """SciPy's numbers in every mode and order."""
    check_values(ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for k, name in enumerate(SPLINES) if k % 5])
def test_more_splines(name: str) -> None:
    """The same for the rest of the table."""
    check_values(ALL[name])


@pytest.mark.parametrize("name", sorted(OFTEN)[::2])
def test_slopes(name: str) -> None:
    """Derivatives by images, kernels, points, angles."""
    check_derivatives(ALL[name])


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(OFTEN)[1::2])
def test_more_slopes(name: str) -> None:
    """The same for more of the tables."""
    check_derivatives(ALL[name])


@pytest.mark.parametrize("name", ["gaussian reflect", "map mirror 3", "median wrap"])
def test_compiled(name: str) -> None:
    """Compiled functions and gradients are the eager ones."""
    check_compiled(ALL[name])


def test_equal_neighbours_share() -> None:
    """Where several neighbours are the largest, they share the slope, which sums to one each."""
    slope = cr.grad(lambda a: np.sum(nd.maximum_filter(a, 3)))(np.ones((3, 3)))
    np.testing.assert_allclose(np.sum(slope), 9.0)
    assert (slope > 0).all()


def test_masks_are_flat() -> None:
    """Morphology of truth values, which carry no derivative, is SciPy's own."""

    def f(a: Any) -> Any:
        return np.sum(a[nd.binary_erosion(a > -1.0)] ** 2)

    inside = nd.binary_erosion(IMAGE > -1.0)
    np.testing.assert_allclose(cr.grad(f)(IMAGE), np.where(inside, 2 * IMAGE, 0.0))


def test_wrong_and_refused() -> None:
    """SciPy's errors, and refusals by name."""
    for wrong in (
        lambda a: nd.correlate1d(a, [1.0, 2, 3], origin=5),
        lambda a: nd.gaussian_filter(a, 1, mode="far"),
        lambda a: nd.spline_filter(a, 6),
        lambda a: nd.map_coordinates(a, POINTS[:1]),
        lambda a: nd.rank_filter(a, 9, size=3),
        lambda a: nd.gaussian_filter(a, 1, order=-1),
        lambda a: nd.zoom(a, (1, 2, 3)),
    ):
        with pytest.raises((ValueError, RuntimeError)) as error:
            cr.vjp(wrong, IMAGE)
        assert not isinstance(error.value, UnsupportedError)
    for refused in (
        lambda a: nd.zoom(IMAGE, a[0, 0]),
        lambda a: nd.gaussian_filter(a, 1, output=LARGE),
        lambda a: nd.gaussian_filter(a, 1, output=np.zeros((7, 6), int)),
        lambda a: nd.map_coordinates(np.arange(42).reshape(7, 6), a[:2, :3]),
        lambda a: nd.grey_dilation(a, 3),
        lambda a: nd.binary_erosion(a),
        lambda a: nd.label(a),
        lambda a: nd.geometric_transform(a, lambda p: p),
        lambda a: nd.median(a, LABELS),
    ):
        with pytest.raises((UnsupportedError, cr.errors.GradientError)):
            cr.grad(lambda a, f=refused: np.sum(f(a)))(IMAGE)
    with pytest.raises(AbstractValueError):
        cr.jit(lambda a, t: nd.rotate(a, t), strict=True)(IMAGE, 20.0)
