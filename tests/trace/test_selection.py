"""`y[mask]` with a mask that is not known: numbers and derivatives of NumPy's way, or a refusal."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.config import configured
from chainrule.errors import AbstractValueError

Form = Callable[[Any, Any, Any, Any], Any]
"""Of x, y, z and a mask: a number, or arrays of known shapes."""


def written(f: Form) -> Form:
    """The array that ``x[mask] = f(...)`` gives."""

    def write(x: Any, y: Any, z: Any, m: Any) -> Any:
        new = x * 1.0
        new[m] = f(x, y, z, m)
        return new

    return write


def _added(x: Any, y: Any, z: Any, m: Any) -> Any:
    new = x * 1.0
    new[m] += y[m]
    new[~m] *= np.sin(y[~m]) - 2.0
    return new


def _of_its_own(x: Any, _y: Any, _z: Any, _m: Any) -> Any:
    """The mask is computed where it is used, twice."""
    new = x * 1.0
    new[new > 0.5] = np.sqrt(new[new > 0.5])
    return new


def _names(x: Any, y: Any, _z: Any, m: Any) -> Any:
    """A selection is a copy, which all its names see: what is written later is not in it."""
    y = y * 1.0
    t = y[m]
    u = t
    t *= 3.0
    y[m] = x[m]
    new = x * 0.0
    new[m] = u
    return np.sum(new * y)


def _views(x: Any, y: Any, _z: Any, m: Any) -> Any:
    """Through a view of a larger array."""
    wide = np.stack([x, y * 2.0])
    row = wide[1]
    row[m] = np.exp(-row[m])
    return wide


# Slopes of what is not selected are infinite, or there is no number at all
FORMS: dict[str, Form] = {
    "copy": written(lambda x, y, z, m: y[m]),
    "function": written(lambda x, y, z, m: np.tanh(y[m] * z[m]) + 2.0 * x[m]),
    "log": written(lambda x, y, z, m: np.log(z[m])),
    "sqrt": written(lambda x, y, z, m: np.sqrt(z[m]) * y[m]),
    "quotient": written(lambda x, y, z, m: y[m] / z[m] - 1.0 / z[m] ** 2),
    "power": written(lambda x, y, z, m: z[m] ** 0.5 + z[m] ** y[m] + 2.0 ** y[m]),
    "reflected": written(lambda x, y, z, m: 1.0 - (3.0 / z[m]) + (1.0 + y[m])),
    "overflow": written(lambda x, y, z, m: 1.0 / (1.0 + np.exp(1.0 / z[m]))),
    "where": written(lambda x, y, z, m: np.where(y[m] > 0, np.log1p(y[m] ** 2), -z[m])),
    "clip": written(lambda x, y, z, m: y[m].clip(-0.5, 0.5) + np.clip(x[m], 0.0, 1.0)),
    "maximum": written(lambda x, y, z, m: np.maximum(x[m], y[m]) - np.abs(-y[m])),
    "traced number": written(lambda x, y, z, m: np.sum(y) * x[m] + y[m] * x[0]),
    "negated": written(lambda x, y, z, m: -(+y[m])),
    "zero": written(lambda x, y, z, m: 0.0),
    "number": written(lambda x, y, z, m: np.sum(y * y)),
    "in place": _added,
    "its own mask": _of_its_own,
    "names": _names,
    "views": _views,
    "sum": lambda x, y, z, m: np.sum(y[m]) + np.log(z[m]).sum() + x[m].sum(axis=0),
    "mean": lambda x, y, z, m: y[m].mean() * 2.0 + np.mean(np.log(z[m])),
    "prod": lambda x, y, z, m: np.prod(1.0 + 0.1 * y[m]),
    "extremes": lambda x, y, z, m: np.max(y[m]) - np.min(x[m]) * np.max(np.log(z[m])),
    "count": lambda x, y, z, m: np.sum(x * (np.count_nonzero(y[m] > 0) + np.sum(y[m] < 0))),
    "any": lambda x, y, z, m: np.where(np.any(y[m] > 0.5) & np.all(z[m] > 0), np.sum(x), 0.0),
    "variance": lambda x, y, z, m: np.mean((y[m] - np.mean(y[m])) ** 2),
    "softmax": lambda x, y, z, m: np.sum(x[m] * np.exp(y[m] - np.max(y[m]))),
}
NEEDS_ENTRIES = {"mean", "extremes", "variance", "softmax"}


def drawn(seed: int, share: float) -> tuple[Any, ...]:
    """x, y of all signs; z positive where selected, and 0 or negative or nan elsewhere."""
    rng = np.random.default_rng(seed)
    m = rng.random(6) < share
    bad = rng.choice([0.0, -1.5, np.nan, -0.0], 6)
    z = np.where(m, rng.uniform(0.2, 2.0, 6), bad)
    return rng.normal(size=6), rng.normal(size=6), z, m


def looped(f: Form) -> Form:
    """The same in the body of a loop."""

    def loop(x: Any, y: Any, z: Any, m: Any) -> Any:
        def body(s: Any, xy: Any) -> Any:
            return s, f(*xy, *s)

        ys = cr.scan(body, (z, m), (np.stack([x, x]), np.stack([y, y])))[1]
        return ys[0]

    return loop


def weighed(f: Form) -> Form:
    """A number of all that a form gives."""
    weights = np.random.default_rng(1).normal(size=12)

    def loss(x: Any, y: Any, z: Any, m: Any) -> Any:
        result = f(x, y, z, m)
        return np.sum(np.reshape(result, (-1,)) * weights[: np.size(result)])

    return loss


def pushed(f: Form) -> Form:
    """The derivative along a vector of ones, in forward mode."""
    ones = np.ones(6)

    def push(x: Any, y: Any, z: Any, m: Any) -> Any:
        return cr.jvp(lambda *xyz: f(*xyz, m), (x, y, z), (ones, ones, ones))[1]

    return push


@pytest.mark.parametrize("backend", ["llvm", "numpy"])
@pytest.mark.parametrize("name", FORMS)
def test_numbers_and_derivatives(name: str, backend: str) -> None:
    """Under jit and in loops as with masks that are known; no nan leaks."""
    f, every = FORMS[name], (0, 1, 2)
    ways = [(cr.jit(way), cr.jit(cr.grad(weighed(way), every))) for way in (f, looped(f))]
    push, pull = cr.jit(pushed(weighed(f))), cr.grad(weighed(f), every)
    for seed, share in enumerate([0.5, 0.5, 0.8, 1.0, 0.0]):
        x, y, z, m = drawn(seed, share)
        if not m.any() and name in NEEDS_ENTRIES:
            continue
        with np.errstate(all="ignore"):
            expected, slopes = f(x, y, z, m), pull(x, y, z, m)
        assert all(np.isfinite(s).all() for s in slopes)
        with configured(backend=backend):
            for forward, backward in ways:
                result = forward(x, y, z, m)
                np.testing.assert_allclose(result, expected, rtol=1e-12, atol=1e-14)
                assert result.dtype == expected.dtype
                for a, b in zip(backward(x, y, z, m), slopes, strict=True):
                    np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
            tangent = push(x, y, z, m)
        np.testing.assert_allclose(tangent, sum(np.sum(s) for s in slopes), rtol=1e-10, atol=1e-12)


ROWS: dict[str, Form] = {
    "rows": written(lambda x, y, z, m: np.sin(y[m]) * z[m]),
    "rows by weights": written(lambda x, y, z, m: y[m] * np.array([1.0, 2.0, 3.0]) + x[0]),
    "one row": written(lambda x, y, z, m: y[m] * x[:1] + [[1.0, 2.0, 3.0]]),
    "a column": written(lambda x, y, z, m: y[m] * z[:, :1][m]),
    "a column alone": written(lambda x, y, z, m: z[:, :1][m]),
    "a row for each": written(lambda x, y, z, m: y[0]),
    "zero": written(lambda x, y, z, m: 0.0),
    "sums": lambda x, y, z, m: y[m].sum(axis=0) + z[m].mean(axis=0) * y[m].max(axis=0),
    "sum": lambda x, y, z, m: np.sum(y[m]) + np.mean(z[m]) + np.sum(x[m], axis=(0, 1)),
    "in place": _added,
}


@pytest.mark.parametrize("axes", [1, 2])
@pytest.mark.parametrize("name", ROWS)
def test_masks_of_leading_axes(name: str, axes: int) -> None:
    """Of whole rows, or of rows in two axes."""
    rng = np.random.default_rng(0)
    shape = (4, 3) if axes == 1 else (2, 4, 3)
    if axes == 2 and name in ("one row", "a column", "a column alone", "a row for each",
                              "rows by weights"):  # fmt: skip
        return
    x, y, z = rng.normal(size=(3, *shape))
    m = rng.random(shape[:axes]) < 0.6
    f = ROWS[name]
    expected = f(x, y, z, m)
    np.testing.assert_allclose(cr.jit(f)(x, y, z, m), expected, rtol=1e-12)

    def loss(x: Any, y: Any, z: Any, m: Any) -> Any:
        return np.sum(np.sin(f(x, y, z, m)))

    slopes = cr.grad(lambda *a: loss(*a, m), (0, 1, 2))(x, y, z)
    gradient = cr.jit(cr.grad(loss, (0, 1, 2)))(x, y, z, m)
    for a, b in zip(gradient, slopes, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_dtypes() -> None:
    """NumPy's: of results, of sums, and of what is written into integers."""
    n, m = np.array([3, -4, 5]), np.array([True, False, True])
    cases: dict[str, Callable[[Any, Any], Any]] = {
        "i64": lambda n, m: np.sum(n[m]), "f64": lambda n, m: np.mean(n[m]),
        "bool": lambda n, m: np.any(n[m] > 4), "f16": lambda n, m: n.astype("f2")[m].mean(),
        "f32": lambda n, m: n.astype("f4")[m].max(), "i8": lambda n, m: np.prod(n.astype("i1")[m]),
        "shifted": lambda n, m: np.sum((n[m] << 2) // 3 % 5 & 6 | 1 ^ n[m] >> 1),
        "cast": lambda n, m: np.sum(n[m].astype(np.float32) / 2),
    }  # fmt: skip
    for name, f in cases.items():
        result, expected = cr.jit(f)(n, m), f(n, m)
        assert (result.dtype, result.tolist()) == (expected.dtype, expected.tolist()), name
        assert result.shape == ()

    def into_integers(n: Any, m: Any) -> Any:
        new = n + 0
        new[m] = n[m] / 2.0
        new[~m] = -2.5
        return new

    assert cr.jit(into_integers)(n, m).tolist() == into_integers(n, m).tolist() == [1, -2, 2]
    with pytest.raises(TypeError, match="cannot write float64 into entries of int64"):
        cr.jit(lambda n, m: _in_place_sum(n[m], 0.5))(n, m)


def _in_place_sum(t: Any, number: Any) -> Any:
    t += number
    return np.sum(t)


def test_no_entries() -> None:
    """Nothing is selected: sums are 0, a mean is nan as in NumPy; max raises, as in NumPy, and is
    nan in one program for all masks.
    """
    x, m = np.array([1.0, 2.0]), np.zeros(2, bool)
    assert cr.jit(lambda x, m: np.sum(x[m]))(x, m) == 0.0
    assert np.isnan(cr.jit(lambda x, m: np.mean(x[m]))(x, m))
    for f in (np.max, np.min):
        assert np.isnan(cr.jit(lambda x, m, f=f: f(x[m]), strict=True)(x, m))
        with pytest.raises(ValueError, match="zero-size array to reduction operation"):
            cr.jit(lambda x, m, f=f: f(x[m]))(x, m)
    with pytest.raises(AbstractValueError, match="max of int64"):
        cr.jit(lambda x, m: np.max(x.astype(int)[m]), strict=True)(x, m)


def test_stop_gradient_and_copies() -> None:
    """They hold for what is selected."""
    x, m = np.array([1.0, 2.0]), np.array([True, False])
    f = cr.jit(cr.grad(lambda x, m: np.sum(x[m] * cr.stop_gradient(x[m]))))
    assert f(x, m).tolist() == [1.0, 0.0]
    for function in (copy.copy, copy.deepcopy, np.copy, lambda t: t.copy()):
        g = cr.jit(lambda x, m, c=function: _both(x[m], c))
        assert g(x, m) == 4.0


def _both(t: Any, copied: Any) -> Any:
    other = copied(t)
    t += 2.0
    return np.sum(t) + np.sum(other)


REFUSED: dict[str, Callable[[Any, Any, Any], Any]] = {
    "shape": lambda x, m, k: x[m].shape,
    "size": lambda x, m, k: x[m].size,
    "len": lambda x, m, k: len(x[m]),
    "iteration": lambda x, m, k: list(x[m]),
    "an index": lambda x, m, k: x[m][0],
    "a write into entries": lambda x, m, k: x[m].__setitem__(0, 1.0),
    "a result": lambda x, m, k: x[m],
    "format": lambda x, m, k: f"{x[m]}",
    "a truth value": lambda x, m, k: 1.0 if x[m] else 0.0,
    "float": lambda x, m, k: float(x[m]),
    "np.stack": lambda x, m, k: np.stack([x[m], x[m]]),
    "np.cumsum": lambda x, m, k: np.cumsum(x[m]),
    "np.sort": lambda x, m, k: np.sort(x[m]),
    "sort": lambda x, m, k: x[m].sort(),
    "np.matmul": lambda x, m, k: np.matmul(x[m], x[m]),
    "np.add.reduce": lambda x, m, k: np.add.reduce(x[m]),
    "another mask": lambda x, m, k: np.sum(x[m] + x[k]),
    "the entries of another mask": lambda x, m, k: _write(x, k, x[m]),
    "by no mask": lambda x, m, k: np.sum(x[m] * x),
    "keepdims": lambda x, m, k: np.sum(x[m], keepdims=True),
    "over axis 1": lambda x, m, k: np.sum(np.outer(x, x)[m], axis=1),
    "of sizes": lambda x, m, k: _write(x, m, np.outer(x, x)[m]),
    "an operation of entries": lambda x, m, k: np.sum(x[m] + np.outer(x, x)[m]),
    "an operand in the form": lambda x, m, k: cr.logsumexp(x[m]),
    "np.zeros_like with a shape": lambda x, m, k: np.zeros_like(x[m], shape=(3,)),
    "xs in the form": lambda x, m, k: cr.scan(lambda s, v: (s + v, None), 0.0, x[m])[0],
    "np.add out": lambda x, m, k: np.add(x[m], 1.0, out=x[m]),
    "np.asarray()": lambda x, m, k: np.linalg.norm(np.array(x[m])),
}


def _write(x: Any, m: Any, value: Any) -> Any:
    new = x * 1.0
    new[m] = value
    return new


@pytest.mark.parametrize("request_name", REFUSED)
def test_refusals(request_name: str) -> None:
    """Whatever needs the number of entries says so, and what to do."""
    with pytest.raises(AbstractValueError) as caught:
        cr.jit(REFUSED[request_name], strict=True)(
            np.arange(3.0), np.array([True, False, True]), np.ones(3, bool)
        )
    message = str(caught.value)
    assert "test_selection.py:" in message
    assert f"{request_name}" in message
    assert "np.where(mask, y, other)" in message


def test_masks_that_change() -> None:
    """A mask that is written between reading and writing is another one."""

    def f(x: Any, m: Any) -> Any:
        m = m & True
        t = x[m]
        m[0] = False
        return _write(x, m, t)

    with pytest.raises(AbstractValueError, match="another mask"):
        cr.jit(f, strict=True)(np.arange(3.0), np.array([True, False, True]))
    with pytest.raises(AbstractValueError, match="another mask"):
        refused = cr.jit(lambda x, m: _write(x, x > 1.0, x[x > 2.0]), strict=True)
        refused(np.arange(3.0), np.zeros(3, bool))
    with pytest.raises(IndexError, match="mask of shape"):
        cr.jit(lambda x, m: np.sum(x[m]))(np.arange(3.0), np.zeros(4, bool))


def test_it_describes_itself() -> None:
    """Without numbers, as tracers do under jit."""
    seen = []
    cr.jit(lambda x, m: seen.append((repr(x[m]), x[m].ndim, x[m].dtype)))(
        np.zeros((3, 2), np.float32), np.zeros(3, bool)
    )
    text = "Selection(entries of f32[3,2] by a mask of bool[3])"
    assert seen == [(text, 2, np.dtype("float32"))]
