"""Two or three columns of which the target is an exact sum or product."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....data.moments import exponent
from ..typed_columns import Floats, TypedColumn

MAX_TERMS = 3
MIN_ROWS = 10
MAX_ROWS = 2_000
MAX_SOLVED = 150  # columns of which all coefficients are solved for at once
EXACT = 3e-4  # of the target's standard deviation: what rounding to cents leaves
NOTHING = 1e-3  # a coefficient times its column's deviation, in the target's


@dataclass(frozen=True)
class Combination:
    """The target as a sum or product of columns.

    Attributes
    ----------
    names : tuple of str
    formula : str
    """

    names: tuple[str, ...]
    formula: str


def exact_combination(columns: Sequence[TypedColumn], y: Floats, seed: int) -> Combination | None:
    """The columns whose weighted sum or product is the target, if two or three do.

    Parameters
    ----------
    columns : sequence of TypedColumn
        Those without missing cells are looked at.
    y : array of float64, shape (rows,)
    seed : int
        Of the rows that are looked at where there are many.
    """
    some = np.random.default_rng(seed).permutation(len(y))[:MAX_ROWS]
    numbers = [c for c in columns if c.kind == "number" and not np.isnan(c.values).any()]
    if len(some) < MIN_ROWS or not numbers:
        return None
    y = y[some]
    x = np.stack([column.values[some] for column in numbers], axis=1)
    match = _terms(x, y)
    if match is not None:
        picked, weights, constant = match
        names = tuple(numbers[k].name for k in picked)
        return Combination(names, _sum(names, weights, constant))
    positive = np.all(x > 0, axis=0)
    if not (y > 0).all() or not positive.any():
        return None
    logs, names_of = (
        np.log(x[:, positive]),
        [numbers[k].name for k in np.flatnonzero(positive)],
    )
    match = _terms(logs, np.log(y))
    if match is None:
        return None
    picked, weights, constant = match
    names = tuple(names_of[k] for k in picked)
    return Combination(names, _product(names, weights, constant))


def _terms(x: Any, y: Any) -> tuple[list[int], Floats, float] | None:
    """Which columns, their weights, and a constant; None if no few columns make up the target."""
    power, powers = exponent(y), np.array([exponent(column) for column in x.T])
    x, y = np.ldexp(x, -powers), np.ldexp(y, -power)  # squares stay in range
    center, spread, deviation = x.mean(axis=0), x.std(axis=0), float(y.std())
    varying = np.flatnonzero(spread > 1e-12 * np.maximum(1e-300, np.abs(center)))
    if not deviation > 0 or not len(varying):
        return None
    z, target = (x[:, varying] - center[varying]) / spread[varying], (y - y.mean()) / deviation
    for terms in (_solved(z, target), _greedy(z, target)):
        if not 2 <= len(terms) <= MAX_TERMS:
            continue
        picked = sorted(terms)
        weights, *_ = np.linalg.lstsq(z[:, picked], target, rcond=None)
        rest = target - z[:, picked] @ weights
        small = np.abs(weights) < NOTHING
        if np.sqrt(np.mean(rest**2)) < EXACT and not small.any():
            originals = varying[picked]
            slopes = weights * deviation / spread[originals]
            constant = float(y.mean() - center[originals] @ slopes)
            slopes = np.ldexp(slopes, power - powers[originals])
            return originals.tolist(), slopes, float(np.ldexp(constant, power))
    return None


def _solved(z: Any, target: Any) -> list[int]:
    """The columns with a weight, where those of all columns can be solved for."""
    if not z.shape[1] <= min(MAX_SOLVED, len(z) // 3):
        return []
    weights, *_ = np.linalg.lstsq(z, target, rcond=None)
    if np.sqrt(np.mean((target - z @ weights) ** 2)) > EXACT:
        return []
    return np.flatnonzero(np.abs(weights) > NOTHING).tolist()


def _greedy(z: Any, target: Any) -> list[int]:
    """One column after the other that is most like what is left (orthogonal matching pursuit)."""
    picked: list[int] = []
    rest = target
    for _ in range(min(MAX_TERMS, z.shape[1])):
        alike = np.abs(z.T @ rest)
        alike[picked] = -1.0
        picked.append(int(np.argmax(alike)))
        weights, *_ = np.linalg.lstsq(z[:, picked], target, rcond=None)
        rest = target - z[:, picked] @ weights
        if np.sqrt(np.mean(rest**2)) < EXACT:
            break
    return picked


def _sum(names: Sequence[str], weights: Any, constant: float) -> str:
    """``'a' + 2 * 'b' - 1`` of names and weights."""
    text = ""
    for name, weight in zip(names, weights, strict=True):
        sign = ("-" if weight < 0 else "") if not text else (" - " if weight < 0 else " + ")
        size = f"{abs(weight):.4g}"
        text += sign + (repr(name) if size == "1" else f"{size} * {name!r}")
    size = f"{abs(constant):.4g}"
    relative = abs(constant) > 1e-6 * max(1e-300, float(np.max(np.abs(weights))))
    return text + (f" {'-' if constant < 0 else '+'} {size}" if relative and constant else "")


def _product(names: Sequence[str], weights: Any, constant: float) -> str:
    """``'a' * 'b' ** 2`` of names and weights."""
    parts = []
    for name, weight in zip(names, weights, strict=True):
        size = f"{weight:.4g}"
        parts.append(repr(name) if size == "1" else f"{name!r} ** {size}")
    factor = f"{np.exp(constant):.4g}"
    return " * ".join(parts if factor == "1" else [factor, *parts])
