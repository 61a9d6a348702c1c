"""Where a slope is infinite, undefined, or would be infinity times zero: what is promised.

One table, docs/differentiation.md's: a function of numbers or arrays, a point, its value and its
slopes. Held in reverse and forward mode, eagerly and compiled, on both backends, in two dtypes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import scipy.special as sp

import chainrule as cr
from chainrule import nn

INF, NAN = np.inf, np.nan
FAR = {"float64": 800.0, "float32": 100.0}  # where exp overflows


class Point:
    """A row of the table; `second` is the second derivative by the first argument alone."""

    def __init__(
        self, name: str, f: Callable[..., Any], at: Any, value: Any, slopes: Any,
        second: Any = None,
    ) -> None:  # fmt: skip
        self.name, self.f, self.value, self.second = name, f, value, second
        self.at = at if isinstance(at, tuple) else (at,)
        self.slopes = slopes if isinstance(slopes, tuple) else (slopes,)


def far(x: Any) -> Any:
    """x in units of where exp overflows: -1 is far on the left."""
    return x * FAR[str(x.dtype)]


def distances(x: Any) -> Any:
    difference = x[:, None] - x[None]
    return np.sqrt(np.sum(difference**2, axis=-1))


def lengths(x: Any) -> Any:
    return np.linalg.norm(x[:, None] - x[None], axis=-1)


def unit(x: Any) -> Any:
    length = np.sqrt(np.sum(x**2, axis=1, keepdims=True))
    return np.where(length > 0, x / length, 0.0)


PAIR = np.array([[0.0, 0.0], [3.0, 4.0]])
APART = np.array([[-1.2, -1.6], [1.2, 1.6]])  # both of two equal distances of 5
EXPIT_40 = 4.248354255291589e-18

TABLE = [
    # Norms: 0, amid the slopes around; a second derivative does not exist there
    Point("norm", np.linalg.norm, np.zeros(3), 0.0, np.zeros(3), second=NAN),
    Point("norm ** 2", lambda x: np.linalg.norm(x) ** 2, np.zeros(3), 0.0, np.zeros(3), NAN),
    Point("root of a sum", lambda x: np.sqrt(np.sum(x**2)), np.zeros(3), 0.0, np.zeros(3), NAN),
    Point("root of x @ x", lambda x: (x @ x) ** 0.5, np.zeros(3), 0.0, np.zeros(3), NAN),
    Point("root of a mean", lambda x: np.sqrt(np.mean(x * x)), np.zeros(3), 0.0, np.zeros(3)),
    Point("root of x2 + y2", lambda x, y: np.sqrt(x * x + y**2), (0.0, 0.0), 0.0, (0.0, 0.0)),
    Point("distances", distances, PAIR, [[0, 5], [5, 0]], APART),
    Point("lengths", lengths, PAIR, [[0, 5], [5, 0]], APART),
    Point("std of a constant", np.std, np.full(3, 2.0), 0.0, np.zeros(3), NAN),
    Point("std of one number", np.std, np.full(1, 2.0), 0.0, np.zeros(1), NAN),
    Point("std by rows", lambda x: np.std(x, axis=1), np.array([[2.0, 2.0], [0.0, 2.0]]),
          [0.0, 1.0], [[0.0, 0.0], [-0.5, 0.5]]),
    Point("hypot", np.hypot, (0.0, 0.0), 0.0, (0.0, 0.0), INF),
    Point("arctan2", np.arctan2, (0.0, 0.0), 0.0, (0.0, 0.0)),
    Point("sqrt", np.sqrt, 0.0, 0.0, INF),
    # Ends of a domain
    Point("arcsin", np.arcsin, np.array([1.0, -1.0, 0.0]), [np.pi / 2, -np.pi / 2, 0],
          [INF, INF, 1]),
    Point("arccos", np.arccos, np.array([1.0, -1.0, 0.0]), [0, np.pi, np.pi / 2],
          [-INF, -INF, -1]),
    Point("arcsin beyond", np.arcsin, 1.5, NAN, NAN),
    # Powers
    Point("power at (0, 0)", np.power, (0.0, 0.0), 1.0, (0.0, -INF), 0.0),
    Point("power at (0, 1)", np.power, (0.0, 1.0), 0.0, (1.0, 0.0), 0.0),
    Point("power at (0, 2)", np.power, (0.0, 2.0), 0.0, (0.0, 0.0), 2.0),
    Point("power at (0, 1/2)", np.power, (0.0, 0.5), 0.0, (INF, 0.0)),
    Point("power at (0, -1)", np.power, (0.0, -1.0), INF, (-INF, -INF)),
    Point("power at (-2, 3)", np.power, (-2.0, 3.0), -8.0, (12.0, NAN), -12.0),
    Point("power by both", lambda x, y: cr.grad(np.power)(x, y), (2.0, 0.0), 0.0, (0.0, 0.5)),
    Point("power by both at 0", lambda x, y: cr.grad(np.power)(x, y), (0.0, 0.0), 0.0, (0.0, INF)),
    Point("power by exponent and base", lambda x, y: cr.grad(np.power, 1)(x, y), (2.0, 0.0),
          np.log(2.0), (0.5, np.log(2.0) ** 2)),
    Point("power by exponent at 0", lambda x, y: cr.grad(np.power, 1)(x, y), (0.0, 1.0), 0.0,
          (-INF, 0.0)),
    # Sums of logarithms
    Point("xlogy(0, 1/2)", sp.xlogy, (0.0, 0.5), 0.0, (np.log(0.5), 0.0), 0.0),
    Point("xlogy(0, 0)", sp.xlogy, (0.0, 0.0), 0.0, (-INF, 0.0)),
    Point("xlogy(0, inf)", sp.xlogy, (0.0, INF), 0.0, (INF, 0.0)),
    Point("xlogy(0, nan)", sp.xlogy, (0.0, NAN), NAN, (NAN, NAN)),
    Point("xlogy(0, -1)", sp.xlogy, (0.0, -1.0), 0.0, (NAN, 0.0)),
    Point("entropy", lambda p: -sp.xlogy(p, p), 0.0, 0.0, INF),
    Point("logaddexp", np.logaddexp, (-INF, -INF), -INF, (0.5, 0.5)),
    Point("logsumexp of -inf", cr.logsumexp, np.full(2, -INF), -INF, [0.5, 0.5]),
    Point("logsumexp of inf", cr.logsumexp, np.array([INF, 0.0, INF]), INF, [0.5, 0.0, 0.5]),
    Point("logsumexp of -inf and 0", cr.logsumexp, np.array([-INF, 0.0]), 0.0, [0.0, 1.0]),
    Point("logsumexp of nan", cr.logsumexp, np.array([NAN, 0.0]), NAN, [NAN, NAN]),
    Point("logsumexp by rows", lambda x: cr.logsumexp(x, axis=1),
          np.array([[-INF, -INF], [0.0, 0.0]]), [-INF, np.log(2.0)], np.full((2, 2), 0.5)),
    Point("logaddexp.reduce", np.logaddexp.reduce, np.full(2, -INF), -INF, [0.5, 0.5]),
    # What an exponential overflows into
    Point("sigmoid, left", lambda x: 1 / (1 + np.exp(-far(x))), -1.0, 0.0, 0.0, 0.0),
    Point("sigmoid, right", lambda x: 1 / (1 + np.exp(-far(x))), 1.0, 1.0, 0.0, 0.0),
    Point("sigmoid, squared", lambda x: (1 / (1 + np.exp(-far(x)))) ** 2, -1.0, 0.0, 0.0, 0.0),
    Point("growth", lambda x, k, r: k / (1 + r * np.exp(-far(x))), (-1.0, 2.0, 3.0), 0.0,
          (0.0, 0.0, 0.0), 0.0),
    Point("Richards", lambda x, q: (1 + q * np.exp(-far(x))) ** -0.5, (-1.0, 3.0), 0.0,
          (0.0, 0.0), 0.0),
    Point("Gompertz", lambda x: np.exp(-np.exp(-far(x))), -1.0, 0.0, 0.0, 0.0),
    Point("secant", lambda x: 2 / (np.exp(far(x)) + np.exp(-far(x))), -1.0, 0.0, 0.0, 0.0),
    Point("1 / cosh", lambda x: 1 / np.cosh(far(x)), -1.0, 0.0, 0.0, 0.0),
    Point("tanh of exp", lambda x: np.tanh(np.exp(-far(x))), -1.0, 1.0, 0.0, 0.0),
    Point("capped exp", lambda x: np.minimum(np.exp(-far(x)), 3.0), -1.0, 3.0, 0.0, 0.0),
    Point("1 / sum", lambda x: 1 / np.sum(np.exp(far(x))), np.array([1.0, 0.5]), 0.0, [0.0, 0.0]),
    Point("softplus that overflows", lambda x: np.log(1 + np.exp(far(x))), 1.0, INF, NAN),
    Point("exp of exp", lambda x: np.exp(np.exp(far(x))), 1.0, INF, INF),
    # A pole is no overflow: 1 / (1 / x) is x
    Point("pole", lambda x: 1 / (1 / x), 0.0, 0.0, NAN),
    Point("pole, power", lambda x: 1 / x**-1.0, 0.0, 0.0, NAN),
    Point("pole beside exp", lambda x: 1 / (np.exp(x) + 1 / x), 0.0, 0.0, NAN),
    Point("pole times exp", lambda x: 1 / (np.exp(far(x)) / x), 0.0, 0.0, NAN),
    Point("expit(40)", sp.expit, 40.0, 1.0, EXPIT_40, -EXPIT_40),
    Point("expit(-40)", sp.expit, -40.0, EXPIT_40, EXPIT_40, EXPIT_40),
    Point("expit(0)", sp.expit, 0.0, 0.5, 0.25, 0.0),
    Point("nn.sigmoid(40)", nn.sigmoid, 40.0, 1.0, 0.0, 0.0),  # by its value alone
    # `where` beside a branch that has no slope
    Point("where, log", lambda x: np.where(x > 0, np.log(x), 0.0), 0.0, 0.0, 0.0, 0.0),
    Point("where, x log", lambda x: np.where(x > 0, x * np.log(x), 0.0), 0.0, 0.0, 0.0, 0.0),
    Point("where, root", lambda x: np.where(x > 0, np.sqrt(x), -x), 0.0, 0.0, -1.0, 0.0),
    Point("where, the other side", lambda x: np.where(x <= 0, x, np.log(x)), 0.0, 0.0, 1.0, 0.0),
    Point("where, nested", lambda x: np.where(x >= 0, np.where(x > 0, np.log(x), 2 * x), 0.0),
          0.0, 0.0, 2.0, 0.0),
    Point("where, nan in the data", lambda x, w: np.where(np.isnan(x), 0.0, np.tanh(x * w)),
          (np.array([NAN, 0.0]), 2.0), [0.0, 0.0], ([0.0, 2.0], 0.0)),
    Point("where, rows of length 0", unit, PAIR, [[0, 0], [0.6, 0.8]],
          [[0, 0], [0.8 * (0.8 - 0.6) / 5, 0.6 * (0.6 - 0.8) / 5]]),
    Point("where, one number", lambda x, s: np.where(x > 1, x / s, 0.0), (np.ones(2), 0.0),
          [0.0, 0.0], ([0.0, 0.0], 0.0)),
    Point("where, through a sum", lambda x: np.where(x[:, 0] > 0, np.sum(1 / x, axis=1), 0.0),
          np.array([[0.0, 0.0], [1.0, 2.0]]), [0, 1.5], [[0, 0], [-1, -0.25]]),
    Point("sum(where=)", lambda x: np.sum(np.log(x), where=x > 0), np.array([0.0, 2.0]),
          np.log(2.0), [0.0, 0.5]),
    # ... hides nothing: what was chosen, what arrives in another way as well, and 0 * inf
    Point("where, chosen", lambda x: np.where(x >= 0, np.log(x), 0.0), 0.0, -INF, INF),
    Point("where, nan chosen", lambda x: np.where(x < 0, np.sqrt(x), 0.0), -1.0, NAN, NAN),
    Point("where, and beside it", lambda x: np.where(x > 0, np.sqrt(x), 0.0) + np.sqrt(x), 0.0,
          0.0, INF),
    Point("where, shared", lambda x: _shared(np.sqrt(x), x), 0.0, 0.0, INF),
    Point("0 * inf", lambda x: 0.0 * np.sqrt(x), 0.0, 0.0, NAN),
    # Ties
    Point("abs", np.abs, 0.0, 0.0, 0.0),
    Point("maximum", np.maximum, (2.0, 2.0), 2.0, (0.5, 0.5)),
    Point("max", np.max, np.array([1.0, 2.0, 2.0]), 2.0, [0.0, 0.5, 0.5]),
]  # fmt: skip


def _shared(root: Any, x: Any) -> Any:
    return np.where(x > 0, root, 0.0) + root


def total(f: Callable[..., Any], args: Any, k: int) -> Callable[[Any], Any]:
    """The sum of the results, as a function of argument k."""
    return lambda x: np.sum(f(*args[:k], x, *args[k + 1 :]))


def pushed(point: Point, args: Any, k: int) -> Any:
    """By forward mode: along each entry of argument k alone, of functions of arrays."""
    f = total(point.f, args, k)
    if np.ndim(args[k]) == 0:
        return cr.jvp(f, (args[k],), (np.ones_like(args[k]),))[1]
    found = []
    for place in np.ndindex(args[k].shape):
        along = np.zeros_like(args[k])
        along[place] = 1.0
        found.append(cr.jvp(f, (args[k],), (along,))[1])
    return np.reshape(found, args[k].shape)


ENTRIES = {"arcsin", "arccos"}  # infinity times a tangent of 0 is nan: pushed all together
# An infinity that is no variable is a number of the user's: 0 times it is nan
TOGETHER = {"growth", "Richards"}


def slopes_of(point: Point, args: Any, compiled: bool) -> Iterator[tuple[str, Any, Any]]:
    made = cr.jit if compiled else lambda f: f
    for k, wanted in enumerate(point.slopes[: 1 if point.name in TOGETHER else None]):
        wanted = np.broadcast_to(np.asarray(wanted), np.shape(args[k]))
        yield f"reverse by {k}", made(cr.grad(total(point.f, args, k)))(args[k]), wanted
        if point.name in ENTRIES:
            ones = np.ones_like(args[k])
            found = made(lambda x: cr.jvp(point.f, (x,), (ones,))[1])(args[k])  # noqa: B023
            yield f"forward by {k}", found, wanted
        elif compiled:
            if np.ndim(args[k]) == 0:
                one = np.ones_like(args[k])
                f = total(point.f, args, k)
                found = made(lambda x: cr.jvp(f, (x,), (one,))[1])(args[k])  # noqa: B023
                yield f"forward by {k}", found, wanted
        else:
            yield f"forward by {k}", pushed(point, args, k), wanted
    if len(args) > 1:

        def all_of_it(*xs: Any) -> Any:
            return np.sum(point.f(*xs))

        found = made(cr.grad(all_of_it, tuple(range(len(args)))))(*args)
        for k, (g, wanted) in enumerate(zip(found, point.slopes, strict=True)):
            yield f"together, by {k}", g, np.broadcast_to(np.asarray(wanted), np.shape(args[k]))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy's own, of the user's own formulas
@pytest.mark.parametrize(
    ("way", "dtype"),
    [("eager", "float64"), ("eager", "float32"), ("llvm", "float64"), ("llvm", "float32"),
     ("numpy", "float64")],
)  # fmt: skip
@pytest.mark.parametrize("point", TABLE, ids=lambda point: point.name)
def test_special_point(point: Point, way: str, dtype: str) -> None:
    """Value and slopes, in both modes; the second derivative where it is stated."""
    args = [np.asarray(x, dtype)[()] for x in point.at]
    close = {"rtol": 1e-12, "atol": 1e-30} if dtype == "float64" else {"rtol": 2e-6, "atol": 1e-7}
    with cr.configured(backend="numpy" if way == "numpy" else "llvm"):
        made = (lambda f: f) if way == "eager" else cr.jit
        if point.name not in ("power by both", "power by both at 0"):
            value = made(lambda *xs: point.f(*xs))(*args)
            np.testing.assert_allclose(value, np.asarray(point.value, dtype), **close)
        for name, found, wanted in slopes_of(point, args, way != "eager"):
            np.testing.assert_allclose(found, wanted.astype(dtype), **close, err_msg=name)
            assert np.asarray(found).dtype == dtype
        if point.second is not None:
            first = cr.grad(total(point.f, args, 0))
            wanted = np.broadcast_to(np.asarray(point.second, dtype), np.shape(args[0]))
            twice = {
                "reverse over reverse": cr.grad(lambda x: np.sum(first(x))),
                "forward over reverse": lambda x: cr.jvp(first, (x,), (np.ones_like(x),))[1],
            }
            for name, f in twice.items():
                np.testing.assert_allclose(made(f)(args[0]), wanted, **close, err_msg=name)
