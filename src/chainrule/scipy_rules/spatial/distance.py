"""`scipy.spatial.distance`: functions of two vectors, and tables of distances."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.spatial.distance

from ...errors import at_user_line
from ...trace.interception import intercepts
from ...trace.nested import is_traced
from ...trace.tracer import ScalarTracer
from .. import arrays
from ..arrays import asarray, known, nan_unless, refuse
from . import metrics
from .metrics import Metric

MODULE = scipy.spatial.distance.__name__


@dataclass(frozen=True)
class _Rule:
    """A metric, the names that `cdist` and `pdist` know it by, and its options there."""

    metric: Metric
    aliases: tuple[str, ...]
    options: tuple[str, ...] = ("w",)
    keeps_dtype: bool = True


_RULES = {
    "braycurtis": _Rule(metrics.braycurtis, (), keeps_dtype=False),
    "canberra": _Rule(metrics.canberra, (), keeps_dtype=False),
    "chebyshev": _Rule(metrics.chebyshev, ("chebychev", "cheby", "cheb", "ch")),
    "cityblock": _Rule(metrics.cityblock, ("cblock", "cb", "c")),
    "correlation": _Rule(metrics.correlation, ("co",)),
    "cosine": _Rule(metrics.cosine, ("cos",)),
    "euclidean": _Rule(metrics.euclidean, ("euclid", "eu", "e")),
    "hamming": _Rule(metrics.hamming, ("matching", "hamm", "ha", "h")),
    "jaccard": _Rule(metrics.jaccard, ("jacc", "ja", "j")),
    "jensenshannon": _Rule(metrics.jensenshannon, ("js",), ("base",)),
    "mahalanobis": _Rule(metrics.mahalanobis, ("mahal", "mah"), ("VI",)),
    "minkowski": _Rule(metrics.minkowski, ("mi", "m", "pnorm"), ("p", "w")),
    "seuclidean": _Rule(metrics.seuclidean, ("se", "s"), ("V",)),
    "sqeuclidean": _Rule(metrics.sqeuclidean, ("sqe", "sqeuclid")),
}
_ALIASES = {alias: name for name, rule in _RULES.items() for alias in (name, *rule.aliases)}
_OF_TRUTH_VALUES = ("dice", "rogerstanimoto", "russellrao", "sokalsneath", "yule")

# Two vectors


def _enter(name: str) -> None:
    rule = _RULES[name]

    @intercepts(MODULE, name)
    def of_vectors(u: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
        u, v = _vector(u), _vector(v, None if rule.keeps_dtype else np.float64)
        options = _named(name, args, kwargs)
        if "w" in options and options["w"] is not None:
            options["w"] = _weights(options["w"])
        if name in ("minkowski", "euclidean", "chebyshev", "cityblock", "canberra"):
            _same_length(u, v)
        _check_p(options)
        if name == "sqeuclidean":
            u, v = (x if x.dtype.kind == "f" else x.astype(np.float64) for x in (u, v))
        for matrix in ("V", "VI"):
            if matrix in options:
                options[matrix] = asarray(options[matrix])
        distance = rule.metric(u, v, **options)
        p = options.get("p", 2)
        by_blas = name in ("euclidean", "seuclidean", "minkowski") and not is_traced(p) and p == 2
        return _python_float(distance) if by_blas else distance


def _python_float(x: Any) -> ScalarTracer:
    """Return a traced number as the Python number that SciPy's `norm` gives of Euclidean ones."""
    return ScalarTracer(x.astype(np.float64).node, weak=True)


def _same_length(u: Any, v: Any) -> None:
    np.broadcast_shapes(u.shape, v.shape)  # raises what NumPy would


def _named(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    names = ("w", "centered") if name == "correlation" else _RULES[name].options
    if len(args) > len(names) or set(kwargs) - set(names):
        raise TypeError(at_user_line(f"{name}() takes u, v and {', '.join(names)}"))
    return {**dict(zip(names, args, strict=False)), **kwargs}


def _vector(x: Any, dtype: Any = None) -> Any:
    x = asarray(x, dtype)
    if x.ndim != 1:
        raise ValueError(at_user_line("Input vector should be 1-D."))
    return x.astype(np.float64) if x.dtype.kind in "biu" else x


def _weights(w: Any) -> Any:
    w = _vector(w, np.float64)
    numbers = known(w)
    if numbers is None:
        return nan_unless(np.all(w >= 0), w)
    if np.any(numbers < 0):
        raise ValueError(at_user_line("Input weights should be all non-negative"))
    return w


def _check_p(options: dict[str, Any]) -> None:
    if "p" in options:
        p = known(options["p"])
        if p is None:
            options["p"] = nan_unless(options["p"] > 0, options["p"])
        elif p <= 0:
            raise ValueError(at_user_line("p must be greater than 0"))


for _name in _RULES:
    if _name != "jensenshannon":
        _enter(_name)


@intercepts(MODULE, "jensenshannon")
def _jensenshannon(p: Any, q: Any, base: Any = None, *, axis: Any = 0,
                   keepdims: bool = False) -> Any:  # fmt: skip
    return metrics.jensenshannon(arrays.as_float(p), arrays.as_float(q), base, axis, keepdims)


def _enter_refusal(name: str) -> None:
    @intercepts(MODULE, name)
    def refusal(*args: Any, **kwargs: Any) -> Any:
        refuse(f"scipy.spatial.distance.{name}", "it compares truth values and has no derivative")


for _name in _OF_TRUTH_VALUES:
    _enter_refusal(_name)


@intercepts(MODULE, "directed_hausdorff")
def _directed_hausdorff(u: Any, v: Any, *args: Any, **kwargs: Any) -> Any:
    refuse("scipy.spatial.distance.directed_hausdorff",
           "use np.max(np.min(cdist(u, v), axis=1))")  # fmt: skip


# Tables of distances


@intercepts(MODULE, "cdist")
def _cdist(XA: Any, XB: Any, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Any:
    _no_out("cdist", out)
    XA, XB = _table(XA, "XA"), _table(XB, "XB")
    if XA.shape[1] != XB.shape[1]:
        raise ValueError(at_user_line("XA and XB must have the same number of columns"))
    call = _table_metric(metric, kwargs, lambda: np.concatenate([XA, XB]))
    if call is None:
        rows = [np.stack([asarray(metric(a, b, **kwargs)) for b in XB]) for a in XA]
        return np.stack(rows)
    return call(XA[:, None, :], XB[None, :, :])


@intercepts(MODULE, "pdist")
def _pdist(X: Any, metric: Any = "euclidean", *, out: Any = None, **kwargs: Any) -> Any:
    _no_out("pdist", out)
    X = _table(X, "X")
    call = _table_metric(metric, kwargs, lambda: X)
    first, second = np.triu_indices(X.shape[0], 1)
    if call is None:
        pairs = zip(first, second, strict=True)
        return np.stack([asarray(metric(X[i], X[j], **kwargs)) for i, j in pairs])
    return call(X[first], X[second])


def _no_out(function: str, out: Any) -> None:
    if out is not None:
        refuse(f"scipy.spatial.distance.{function}(out=...)", "use the value that it returns")


def _table(x: Any, name: str) -> Any:
    x = asarray(x)
    if x.ndim != 2:
        raise ValueError(at_user_line(f"{name} must be a 2-dimensional array."))
    return x.astype(np.float64)


def _table_metric(metric: Any, kwargs: dict[str, Any], data: Callable[[], Any]) -> Metric | None:
    """Return what computes the distances of rows; None for a function of the user's."""
    if callable(metric):
        if getattr(metric, "__module__", "") != MODULE:
            return None
        metric = metric.__name__
    if not isinstance(metric, str):
        raise TypeError(
            at_user_line("2nd argument metric must be a string identifier or a function.")
        )
    name = metric.lower()
    if name in _OF_TRUTH_VALUES:
        refuse(f"cdist or pdist with metric={metric!r}", "it compares truth values")
    if name not in _ALIASES:
        raise ValueError(at_user_line(f"Unknown Distance Metric: {metric}"))
    name = _ALIASES[name]
    rule = _RULES[name]
    options = _table_options(name, rule, kwargs, data)
    return lambda u, v: rule.metric(u, v, **options)


def _table_options(
    name: str, rule: _Rule, kwargs: dict[str, Any], data: Callable[[], Any]
) -> dict[str, Any]:
    options = {key: value for key, value in kwargs.items() if value is not None}
    unknown = set(options) - {*rule.options, *({"centered"} if name == "correlation" else ())}
    if unknown:
        raise TypeError(at_user_line(f"metric {name!r} has no option {sorted(unknown)[0]!r}"))
    if "w" in options:
        options["w"] = _weights(options["w"])
    _check_p(options)
    if name == "seuclidean":
        V = options.get("V")
        options["V"] = np.var(data(), axis=0, ddof=1) if V is None else _vector(V, np.float64)
    if name == "mahalanobis":
        VI = options.get("VI")
        options["VI"] = _inverse_covariance(data()) if VI is None else asarray(VI, np.float64)
    return options


def _inverse_covariance(x: Any) -> Any:
    n, features = x.shape
    if n <= features:
        raise ValueError(
            at_user_line(
                f"The number of observations ({n}) is too small; the covariance matrix is singular."
            )
        )
    centered = x - np.mean(x, axis=0)
    return np.linalg.inv(centered.T @ centered / (n - 1)).T


@intercepts(MODULE, "squareform")
def _squareform(X: Any, force: str = "no", checks: bool = True) -> Any:
    X = asarray(X)
    wanted = {"tomatrix": 1, "tovector": 2}.get(force.lower(), X.ndim)
    if X.ndim != wanted:
        raise ValueError(at_user_line(f"Forcing {force!r} but input X has {X.ndim} axes."))
    if X.ndim == 1:
        return _to_matrix(X)
    if X.ndim != 2:
        raise ValueError(at_user_line("The first argument must be one or two dimensional array."))
    n = X.shape[0]
    if X.shape[1] != n:
        raise ValueError(at_user_line("The matrix argument must be square."))
    numbers = known(X)
    if checks and numbers is None:
        X = nan_unless(np.all(X == X.T) & np.all(np.diagonal(X) == 0), X)
    elif checks:
        if not np.array_equal(numbers, numbers.T):
            raise ValueError(at_user_line("Distance matrix 'X' must be symmetric."))
        if np.any(np.diagonal(numbers)):
            raise ValueError(at_user_line("Distance matrix 'X' diagonal must be zero."))
    return X[np.triu_indices(n, 1)]


def _to_matrix(v: Any) -> Any:
    n = int(np.ceil(np.sqrt(v.size * 2))) if v.size else 1
    if n * (n - 1) != v.size * 2:
        raise ValueError(
            at_user_line(
                "Incompatible vector size. It must be a binomial coefficient n choose 2 for some "
                "integer n >= 2."
            )
        )
    source = np.full((n, n), v.size)
    first, second = np.triu_indices(n, 1)
    source[first, second] = source[second, first] = np.arange(v.size)
    return np.concatenate([v, np.zeros(1, v.dtype)])[source]
