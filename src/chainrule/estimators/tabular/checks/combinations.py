"""Columns of which the target is an exact sum or product: two or three, or more equal parts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....data.moments import exponent
from ..typed_columns import Floats, TypedColumn

MAX_TERMS = 3
MAX_PARTS = 12  # of a plain sum, whose parts all count alike
MIN_ROWS = 10
MAX_ROWS = 2_000
MAX_SOLVED = 150  # columns of which all coefficients are solved for at once
EXACT = 3e-4  # of the target's standard deviation
ROUNDED = 0.007  # the same where the columns were rounded so much
DECIMALS = 6  # at which a number was rounded, at most
NOTHING = 1e-3  # a coefficient times its column's deviation, in the target's
SMALL = 0.01  # the same: what rounding makes of a column that is no part
ALIKE = 0.01  # weights of equal parts
MOST_NOUGHTS = 0.3  # of the rows have a target that is not 0


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
    match = _terms(x, y, _steps(x), float(_steps(y[:, None])[0]))
    if match is not None:
        picked, weights, constant = match
        names = tuple(numbers[k].name for k in picked)
        return Combination(names, _sum(names, weights, constant))
    return _as_product(numbers, x, y)


def _as_product(numbers: Sequence[TypedColumn], x: Any, y: Any) -> Combination | None:
    """The target as a product of powers of columns; where it is 0, one of these is."""
    some = y != 0
    factors = np.flatnonzero((x[some] != 0).all(axis=0))
    if np.sum(some) < max(MIN_ROWS, MOST_NOUGHTS * len(y)) or not len(factors):
        return None
    sizes, targets = np.abs(x[some][:, factors]), np.abs(y[some])
    relative = np.array([np.median(_steps(x)[k] / sizes[:, j]) for j, k in enumerate(factors)])
    step = float(np.median(_steps(y[:, None])[0] / targets))
    match = _terms(np.log(sizes), np.log(targets), relative, step)
    if match is None:
        return None
    picked, weights, constant = match
    columns = x[:, factors[picked]]
    if len(picked) > MAX_TERMS or not _signs_agree(columns, weights, y, some):
        return None
    names = tuple(numbers[factors[k]].name for k in picked)
    return Combination(names, _product(names, weights, constant))


def _signs_agree(columns: Any, weights: Any, y: Any, some: Any) -> bool:
    """Whether the product of the columns has the sign of the target, and is 0 where it is."""
    powers = np.round(weights)
    negative = (columns < 0).any(axis=0)
    if np.any(negative & (np.abs(weights - powers) > 1e-3)):
        return False  # a root of a negative number
    odd = np.where(powers % 2 == 1, np.sign(columns), 1.0).prod(axis=1)[some]
    same = odd * np.sign(y[some])
    noughts = (columns[~some] == 0).any(axis=1)
    return bool((same == same[0]).all() and noughts.all())


def _steps(x: Any) -> Floats:
    """To what each column is rounded: 0.01 where no number has more than two decimals, else 0."""
    steps = np.zeros(x.shape[1])
    noise = 1e-11 * np.abs(x).max(axis=0, initial=0.0)  # 1e-200 is no 0 of 0.01
    for decimals in range(DECIMALS, -1, -1):
        close = np.abs(np.round(x, decimals) - x) <= noise
        steps[close.all(axis=0)] = 10.0**-decimals
    return steps


def _terms(x: Any, y: Any, steps: Floats, step: float) -> tuple[list[int], Floats, float] | None:
    """Which columns, their weights, and a constant; None if no few columns make up the target.

    `steps` and `step` are those to which the columns and the target are rounded.
    """
    power, powers = exponent(y), np.array([exponent(column) for column in x.T])
    x, y = np.ldexp(x, -powers), np.ldexp(y, -power)  # squares stay in range
    steps, step = np.ldexp(steps, -powers), float(np.ldexp(step, -power))
    center, spread, deviation = x.mean(axis=0), x.std(axis=0), float(y.std())
    varying = np.flatnonzero(spread > 1e-12 * np.maximum(1e-300, np.abs(center)))
    if not deviation > 0 or not len(varying):
        return None
    z, target = (x[:, varying] - center[varying]) / spread[varying], (y - y.mean()) / deviation
    rounding = np.append(steps[varying] / spread[varying], step / deviation) / 12.0**0.5
    for terms in (_solved(z, target), _greedy(z, target)):
        if not 2 <= len(terms) <= MAX_PARTS:
            continue
        picked = sorted(terms)
        weights, *_ = np.linalg.lstsq(z[:, picked], target, rcond=None)
        rest = target - z[:, picked] @ weights
        small = np.abs(weights) < NOTHING
        by_rounding = np.sqrt(np.sum((np.append(weights, 1.0) * rounding[[*picked, -1]]) ** 2))
        limit = max(EXACT, min(ROUNDED, 1.2 * float(by_rounding)))
        if np.sqrt(np.mean(rest**2)) < limit and not small.any():
            originals = varying[picked]
            slopes = weights * deviation / spread[originals]
            constant = float(y.mean() - center[originals] @ slopes)
            slopes = np.ldexp(slopes, power - powers[originals])
            if len(picked) > MAX_TERMS and np.ptp(np.abs(slopes)) > ALIKE * np.abs(slopes).max():
                continue
            return originals.tolist(), slopes, float(np.ldexp(constant, power))
    return None


def _solved(z: Any, target: Any) -> list[int]:
    """The columns with a weight, where those of all columns can be solved for."""
    if not z.shape[1] <= min(MAX_SOLVED, len(z) // 3):
        return []
    weights, *_ = np.linalg.lstsq(z, target, rcond=None)
    if np.sqrt(np.mean((target - z @ weights) ** 2)) > ROUNDED:
        return []
    return np.flatnonzero(np.abs(weights) > SMALL).tolist()


def _greedy(z: Any, target: Any) -> list[int]:
    """One column after the other that is most like what is left (orthogonal matching pursuit)."""
    picked: list[int] = []
    rest = target
    for _ in range(min(MAX_PARTS, z.shape[1])):
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
