"""check_grads: hold derivatives against central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ... import tree
from ...errors import CheckError
from ...graph.types import is_complex, is_inexact
from ...trace.capture import as_array
from ...tracebacks import filters_traceback
from .gradient import jvp, vjp
from .traced_call import zero_gradients_allowed

MODES = ("fwd", "rev")


@filters_traceback
def check_grads(
    f: Callable[..., Any],
    args: Sequence[Any],
    order: int = 2,
    modes: Sequence[str] = MODES,
    eps: float | None = None,
    atol: float | None = None,
    rtol: float | None = None,
    seed: int = 0,
) -> None:
    """Compare derivatives of `f` with central differences; raise if they disagree.

    Along random directions v, forward mode must agree with ``(f(x + h v) - f(x - h v)) / 2h``,
    extrapolated from the steps h and h/2 (Richardson, 1911), and reverse mode with the same
    numbers weighted at random; for order 2, so must the functions that the two modes made.

    Parameters
    ----------
    f : callable
        Smooth near `args`; takes and returns pytrees of floating arrays.
    args : sequence
        Where to check: the positional arguments.
    order : int
        1 for first derivatives, 2 also for derivatives of these. Default 2.
    modes : sequence of str
        Of ``"fwd"`` and ``"rev"``. Default both.
    eps : float, optional
        The step h. Default: the fourth root of the coarsest dtype's precision.
    atol, rtol : float, optional
        Differences allowed, absolutely and relative to the largest number of a result. Default:
        ``eps**2``, about 1.5e-8 for float64; tenfold for each further order.
    seed : int
        Of the random directions. Default 0.

    Raises
    ------
    CheckError
        Naming mode, order, result, and both numbers.

    Examples
    --------
    >>> import numpy as np
    >>> check_grads(lambda x: np.sin(x) * x, (np.array([0.3, -1.2]),))
    """
    unknown = set(modes) - set(MODES)
    if unknown:
        raise ValueError(f"check_grads: mode {min(unknown)!r} is none of {MODES}")
    rng = np.random.default_rng(seed)
    leaves, treedef = tree.flatten(tuple(args))
    leaves = [as_array(x) for x in leaves]
    precision = max(
        (float(np.finfo(x.dtype).eps) for x in leaves if is_inexact(x.dtype)), default=0
    )
    step = eps if eps is not None else precision**0.25
    bounds = (
        step**2 if atol is None else atol,
        step**2 if rtol is None else rtol,
    )
    with zero_gradients_allowed():  # the second derivative of what is linear is zero throughout
        _check(f, tree.unflatten(treedef, leaves), order, modes, step, bounds, rng, "")


def _check(
    f: Callable[..., Any], args: tuple[Any, ...], order: int, modes: Sequence[str], eps: float,
    bounds: tuple[float, float], rng: np.random.Generator, where: str,
) -> None:  # fmt: skip
    direction = tree.map(lambda x: _direction(rng, x), args)
    expected = _central(f, args, direction, eps)
    if "fwd" in modes:
        value, tangent = jvp(f, args, direction)
        _compare(f(*args), value, bounds, f"{where}jvp's value")
        _compare(expected, tangent, bounds, f"{where}jvp")
    if "rev" in modes:
        value, pullback = vjp(f, *args)
        weights = tree.map(lambda x: _direction(rng, x), value)
        cotangents = pullback(weights)
        along = [
            _inner(g, v)
            for g, v in zip(tree.leaves(cotangents), tree.leaves(direction), strict=True)
        ]
        needed = [
            _inner(w, t) for w, t in zip(tree.leaves(weights), tree.leaves(expected), strict=True)
        ]
        size = sum(
            _size(w, t) for w, t in zip(tree.leaves(weights), tree.leaves(expected), strict=True)
        )
        _compare(
            np.float64(sum(needed)), np.float64(sum(along)),
            (bounds[0] + bounds[1] * size, bounds[1]), f"{where}vjp (along a random direction)",
        )  # fmt: skip
    if order > 1:
        wider = (bounds[0] * 10, bounds[1] * 10)
        if "fwd" in modes:
            fixed = direction

            def forward(*primals: Any) -> Any:
                return jvp(f, primals, fixed)[1]

            _check(forward, args, order - 1, modes, eps, wider, rng, f"{where}jvp, then ")
        if "rev" in modes:
            weights = tree.map(lambda x: _direction(rng, x), vjp(f, *args)[0])

            def backward(*primals: Any) -> Any:
                return vjp(f, *primals)[1](weights)

            _check(backward, args, order - 1, modes, eps, wider, rng, f"{where}vjp, then ")


def _direction(rng: np.random.Generator, x: Any) -> Any:
    array = as_array(x)
    direction = rng.uniform(-1.0, 1.0, array.shape)
    if is_complex(array.dtype):
        direction = direction + 1j * rng.uniform(-1.0, 1.0, array.shape)
    return direction.astype(array.dtype)[()]


def _central(f: Callable[..., Any], args: Any, direction: Any, eps: float) -> Any:
    """Return the derivative of `f` along `direction`, in float64, with an error of order eps**4."""

    def slope(h: float) -> Any:
        above = f(*tree.map(lambda x, v: x + x.dtype.type(h) * v, args, direction))
        below = f(*tree.map(lambda x, v: x - x.dtype.type(h) * v, args, direction))
        return tree.map(lambda a, b: (_wide(a) - _wide(b)) / (2 * h), above, below)

    return tree.map(lambda d, half: (4 * half - d) / 3, slope(eps), slope(eps / 2))


def _wide(x: Any) -> Any:
    return np.complex128(x) if np.iscomplexobj(x) else np.float64(x)


def _inner(a: Any, b: Any) -> float:
    """Return the derivative that a cotangent gives along a tangent; see `complex_numbers`."""
    return float(np.sum((_wide(a) * _wide(b)).real))


def _size(a: Any, b: Any) -> float:
    return float(np.sum(np.abs(_wide(a) * _wide(b))))


def _compare(expected: Any, actual: Any, bounds: tuple[float, float], label: str) -> None:
    names = tree.names(expected)
    pairs = zip(names, tree.leaves(expected), tree.leaves(actual), strict=True)
    for name, expected_leaf, actual_leaf in pairs:
        expected_leaf, actual_leaf = np.asarray(expected_leaf), np.asarray(actual_leaf)
        if expected_leaf.shape != actual_leaf.shape:
            raise CheckError(f"{label}: shape {actual_leaf.shape}, should be {expected_leaf.shape}")
        scale = np.max(np.abs(expected_leaf), initial=0.0, where=np.isfinite(expected_leaf))
        wrong = ~np.isclose(
            actual_leaf, expected_leaf, atol=bounds[0] + bounds[1] * scale, rtol=0, equal_nan=True
        )
        if np.any(wrong):
            position = tuple(int(k) for k in np.argwhere(wrong)[0])
            result_name = f" of result {name!r}" if name else ""
            raise CheckError(
                f"{label}{result_name} at {position}: {actual_leaf[position]!r}, but central "
                f"differences give {expected_leaf[position]!r} ({int(wrong.sum())} of "
                f"{wrong.size} numbers differ)"
            )
