"""Why a row is strange: how far its score falls where a column takes an expected value.

Three values may be expected in a column: its median (or commonest category); what the nearest
training rows have there; and what the networks reconstruct. The one that lowers the score most is
named. Such counterfactuals name the column that was changed in more cases than terms of the
reconstruction error or integrated gradients do: a network smears one wild cell over the columns
that go with it.

Where it is a surprise that a cell is empty (or holds an unseen category), its features are a guess.
That this guess does not fit the other columns is no reason for them to be strange: their drops are
measured beside the value that fits them best, and the cell's own drop from the guess.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....transforms import grad, jit
from ..members.ensemble import Ensemble, Rows, network_errors
from ..members.survival import Survival
from ..settings import whole_number
from .columns import DetectorColumn, DetectorColumns

Floats = NDArray[np.float64]

KINDS = ("median", "neighbors", "networks")
RANGE = (0.005, 0.995)  # quantiles of the residuals of held-out rows
MAX_ROWS = 4096  # changed rows whose scores are computed at a time
STEPS = 16  # of integrated gradients
FILLS = 6  # times that guesses are replaced by what fits: each halves how far they are from it


@dataclass(frozen=True)
class Expectations:
    """What is expected of the features of a row, in each of the ways of `KINDS`.

    Attributes
    ----------
    typical : array of float32, shape (features,)
        The median of each feature, the commonest category of each column.
    ranges : array of float32, shape (kinds, features, 2)
        Quantiles of what held-out rows have beyond the expectation.
    """

    typical: Any
    ranges: Any

    @classmethod
    def learn(
        cls, columns: DetectorColumns, ensemble: Ensemble, train_rows: Rows, held_out: Rows
    ) -> Expectations:
        """The typical row, and how far held-out rows are from what is expected of them."""
        typical = np.median(train_rows.features, axis=0).astype(np.float32)
        for column, places in zip(columns.columns, columns.places(), strict=True):
            if column.is_category:
                means = train_rows.features[:, places].mean(axis=0)
                typical[places] = np.eye(len(places), dtype=np.float32)[int(np.argmax(means))]
        plan = cls(typical, np.zeros((0, 0, 0), np.float32))
        some = held_out.features[:MAX_ROWS]
        residuals = some[None] - plan.expected(ensemble, some)
        ranges = np.moveaxis(np.quantile(residuals, RANGE, axis=1), 0, -1)
        return cls(typical, ranges.astype(np.float32))

    def expected(self, ensemble: Ensemble, x: Any) -> Any:
        """The expected features of rows, shape (kinds, rows, features)."""
        typical = np.broadcast_to(self.typical, x.shape)
        near = typical
        if ensemble.neighbors is not None:
            near = ensemble.neighbors.points[ensemble.neighbors.nearest(x)].mean(axis=1)
        rebuilt = near
        if ensemble.networks:
            parts = [np.mean(network.reconstructed(x), axis=0) for network in
                     ensemble.networks.values()]  # fmt: skip
            rebuilt = np.mean(parts, axis=0)
        if ensemble.neighbors is None:
            near = rebuilt
        return np.stack([typical, near, rebuilt]).astype(np.float32)


@dataclass(frozen=True)
class Contributions:
    """Why rows are strange, an entry for each row and column of the plan.

    Attributes
    ----------
    drops : array of float64, shape (rows, columns)
        How far the score falls if the column alone takes its expected value.
    kinds : array of int, shape (rows, columns)
        Which expectation that is.
    expected : array of float32, shape (kinds, rows, features)
    """

    drops: Floats
    kinds: Any
    expected: Any


def contributions(
    columns: DetectorColumns,
    ensemble: Ensemble,
    expectations: Expectations,
    rows: Rows,
    surprises: Any,
) -> Contributions:
    """Measure what each column contributes to the scores of rows.

    Parameters
    ----------
    columns, ensemble, expectations
        Of the detector.
    rows : Rows
    surprises : array of float32, shape (rows, columns)
        The surprises of each column.
    """
    count, places = len(rows), columns.places()
    filled = _filled(columns, ensemble, expectations, rows.features, surprises)
    expected = expectations.expected(ensemble, filled)
    base = _scores(ensemble, Rows(filled, rows.surprises))
    drops = np.full((len(KINDS), count, len(places)), -np.inf)
    for k, (column, its) in enumerate(zip(columns.columns, places, strict=True)):
        before, guessed = base, surprises[:, k] > 0
        if guessed.any():
            cells = filled.copy()
            cells[:, its] = rows.features[:, its]
            before = _scores(ensemble, Rows(cells, rows.surprises))
        for kind in range(len(KINDS)):
            changed = filled.copy()
            changed[:, its] = _values(column, expected[kind][:, its])
            usual = Rows(changed, rows.surprises - surprises[:, k])
            drops[kind, :, k] = before - _scores(ensemble, usual)
    kinds = np.argmax(drops, axis=0)
    return Contributions(np.max(drops, axis=0), kinds, expected)


def _filled(
    columns: DetectorColumns, ensemble: Ensemble, expectations: Expectations, x: Any, surprises: Any
) -> Any:
    """The features of rows with the value that fits best in each cell that is a surprise."""
    filled = x.copy()
    some = np.flatnonzero((surprises > 0).any(axis=1))
    for _ in range(FILLS if len(some) else 0):
        near = expectations.expected(ensemble, filled[some])[1]
        for k, (column, its) in enumerate(zip(columns.columns, columns.places(), strict=True)):
            guessed = surprises[some, k] > 0
            values = _values(column, near[guessed][:, its])
            filled[np.ix_(some[guessed], its)] = values
    return filled


def _values(column: DetectorColumn, features: Any) -> Any:
    """The features of a column as a value has them: one category and not a share of each."""
    if column.is_category:
        return np.eye(features.shape[1], dtype=np.float32)[np.argmax(features, axis=1)]
    if column.missing:
        return np.concatenate([features[:, :1], np.zeros_like(features[:, 1:])], axis=1)
    return features


def _scores(ensemble: Ensemble, rows: Rows) -> Floats:
    return ensemble.joined(_member_scores(ensemble, rows.features), rows.surprises)


def integrated_gradients(
    ensemble: Ensemble, expectations: Expectations, rows: Rows, steps: int = STEPS
) -> Floats:
    """Attribute the score to the features, along the line from the expected row to the row.

    The neighbours of a point of the line are taken as fixed. Sundararajan et al.:
    arXiv:1703.01365 (2017), equation 3. The rarity of a member's score has a corner at each knot:
    for its slope stands the secant over a part of the line, and the parts add up.
    """
    steps = whole_number("steps", steps)
    x = rows.features
    base = expectations.expected(ensemble, x)[1]
    slopes = {
        name: jit(grad(lambda z, network=network: np.sum(np.mean(network(z), axis=1))))
        for name, network in ensemble.networks.items()
    }

    def point(part: float) -> Any:
        return (base + np.float32(part) * (x - base)).astype(np.float32)

    total = np.zeros(x.shape, np.float64)
    before = _member_scores(ensemble, base)
    for k in range(steps):
        middle, after = point((k + 0.5) / steps), _member_scores(ensemble, point((k + 1) / steps))
        for number, name in enumerate(ensemble.names):
            start, end = before[:, number], after[:, number]
            gradient = _gradient(ensemble, slopes, name, middle)
            total += _secant(ensemble.survivals[name], start, end)[:, None] * gradient
        before = after
    return np.asarray(total / steps * (x - base), np.float64)


def _member_scores(ensemble: Ensemble, x: Any) -> Floats:
    """The score of each member, shape (rows, members)."""
    errors = {
        name: np.mean(errors, axis=1)
        for name, errors in network_errors(ensemble.networks, x).items()
    }
    rows = Rows(x, np.zeros(len(x), np.float32))
    return np.asarray(ensemble.member_scores(rows, errors), np.float64)


def _secant(survival: Survival, start: Floats, end: Floats) -> Floats:
    """The mean slope between scores."""
    change = end - start
    tiny = np.abs(change) <= 1e-6 * np.maximum(np.abs(start), np.abs(end))
    secant = (survival(end) - survival(start)) / np.where(tiny, 1.0, change)
    return np.where(tiny, survival.derivative((start + end) / 2), secant)


def _gradient(ensemble: Ensemble, slopes: dict[str, Any], name: str, x: Any) -> Floats:
    """The gradient of a member's score by the features."""
    if name in slopes:
        return np.asarray(slopes[name](x), np.float64)
    index = ensemble.neighbors if name == "neighbors" else ensemble.known
    assert index is not None
    away = x[:, None, :] - index.points[index.nearest(x)]
    distance = np.sqrt(np.sum(away.astype(np.float64) ** 2, axis=2, keepdims=True))
    mean = np.mean(away / np.maximum(distance, 1e-12), axis=1)
    return np.asarray(mean if name == "neighbors" else -mean, np.float64)
