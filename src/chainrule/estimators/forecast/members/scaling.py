"""Transforms of values, and the level and spread of each series, from its training rows alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]

TRANSFORMS = ("none", "sqrt", "log")
OFFSET = 0.05  # of the level, before logarithms of series with zeros
FEWEST = 10  # values, of which a spread is measured
LEAST_SHARE = 0.01  # of the level: smaller values count as zeros


@dataclass(frozen=True)
class Scaling:
    """A value y becomes ``(T(y / level) - mean) / spread``.

    Attributes
    ----------
    transform : {"none", "sqrt", "log"}
        T: ``x``, ``sqrt(x)``, or ``log(x + offset)``.
    level : array (series,)
        The mean absolute value.
    offset : array (series,)
        0 where all values are far from zero.
    mean, spread : array (series,)
        Of the transformed values; the spread of a constant series is 1.

    Examples
    --------
    >>> scaling = Scaling.of([np.array([1.0, 4.0, 9.0, 16.0])], "sqrt")
    >>> z = scaling.apply(np.array([[4.0, 16.0]]), np.array([0]))
    >>> scaling.invert(z, np.array([0])).round(12).tolist()
    [[4.0, 16.0]]
    """

    transform: str
    level: Floats
    offset: Floats
    mean: Floats
    spread: Floats

    @classmethod
    def of(cls, series: list[Floats], transform: str) -> Scaling:
        """Measure series."""
        level = np.array([_or_one(float(np.mean(np.abs(one)))) for one in series])
        offset = np.array(
            [
                0.0 if transform != "log" or float(one.min()) > LEAST_SHARE * of else OFFSET
                for one, of in zip(series, level, strict=True)
            ]
        )
        none = np.zeros(len(series))
        plain = cls(transform, level, offset, none, none + 1.0)
        transformed = [plain.apply(one, np.array(k)) for k, one in enumerate(series)]
        mean = np.array([float(np.mean(one)) for one in transformed])
        spread = np.array([_spread(one, of) for one, of in zip(transformed, mean, strict=True)])
        few = np.array([len(one) < FEWEST for one in series])
        if few.any() and not few.all():
            spread[few] = np.median(spread[~few])  # two values that are alike say little
        return cls(transform, level, offset, mean, spread)

    def with_series(self, series: list[Floats]) -> Scaling:
        """The measures of more series as well; one of few values has the usual spread of all."""
        more = Scaling.of(series, self.transform)
        usual = float(np.median(self.spread))
        spread = [
            usual if len(one) < FEWEST else of for one, of in zip(series, more.spread, strict=True)
        ]
        return Scaling(
            self.transform, np.concatenate([self.level, more.level]),
            np.concatenate([self.offset, more.offset]), np.concatenate([self.mean, more.mean]),
            np.concatenate([self.spread, spread]),
        )  # fmt: skip

    def apply(self, values: Floats, series: NDArray[np.int64]) -> Floats:
        """Transform values (..., steps) of the series that their first axes belong to."""
        x = values / self.level[series][..., None]
        if self.transform == "sqrt":
            x = np.sqrt(np.maximum(x, 0.0))
        elif self.transform == "log":
            offset = self.offset[series][..., None]
            x = np.log(np.maximum(x + offset, LEAST_SHARE * OFFSET))
        return np.asarray((x - self.mean[series][..., None]) / self.spread[series][..., None])

    def invert(self, z: Floats, series: NDArray[np.int64]) -> Floats:
        """The values that transformed ones stand for; never negative where T needs none."""
        x = z * self.spread[series][..., None] + self.mean[series][..., None]
        if self.transform == "sqrt":
            x = np.maximum(x, 0.0) ** 2
        elif self.transform == "log":
            x = np.maximum(np.exp(np.minimum(x, 50.0)) - self.offset[series][..., None], 0.0)
        return np.asarray(x * self.level[series][..., None])


def allowed_transforms(series: list[Floats]) -> tuple[str, ...]:
    """The transforms that take all values: roots and logarithms only where none is negative."""
    return TRANSFORMS if all(float(one.min()) >= 0.0 for one in series) else TRANSFORMS[:1]


def _or_one(number: float) -> float:
    return number if number > 0.0 else 1.0


def _spread(transformed: Floats, mean: float) -> float:
    spread = float(np.std(transformed))
    return spread if spread > 1e-9 * (1.0 + abs(mean)) else 1.0
