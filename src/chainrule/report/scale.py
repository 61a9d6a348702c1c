"""From numbers to places on paper, and which numbers to write beside an axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .elements import with_power

MOST_TICKS = 6
WIDEST_LINEAR = 50.0  # largest by smallest; beyond, small numbers can only be seen in a log scale
MARGIN = 0.04  # of the range, left free at both ends


@dataclass(frozen=True)
class Scale:
    """A range of numbers, linear or logarithmic.

    Examples
    --------
    >>> scale = Scale(0.0, 8.0)
    >>> scale.ticks(), scale.share([2.0]).tolist()
    ([(0.0, '0'), (2.0, '2'), (4.0, '4'), (6.0, '6'), (8.0, '8')], [0.25])
    >>> Scale(0.001, 100.0, log=True).ticks()[:2]
    [(0.001, '0.001'), (0.01, '0.01')]
    >>> Scale(1.0, 3.0, whole=True).ticks()
    [(1.0, '1'), (2.0, '2'), (3.0, '3')]
    """

    low: float
    high: float
    log: bool = False
    dates: bool = False  # whether the numbers are days since 1970
    whole: bool = False  # whether there is nothing between whole numbers

    def share(self, values: Any) -> NDArray[np.float64]:
        """0 at the low end, 1 at the high; nan for what has no place."""
        values = np.asarray(values, np.float64)
        values = np.where(np.isfinite(values), values, np.nan)
        low, high = self.low, self.high
        if self.log:
            values = np.log10(np.where(values > 0, values, np.nan))
            low, high = np.log10(low), np.log10(high)
        return np.asarray((values - low) / (high - low))

    def ticks(self) -> list[tuple[float, str]]:
        """Round numbers in the range, with their texts."""
        if self.log:
            first, last = np.ceil(np.log10(self.low) - 1e-9), np.floor(np.log10(self.high) + 1e-9)
            step = max(1, int(np.ceil((last - first) / MOST_TICKS)))
            powers = np.arange(first, last + 1, step)
            return [(float(10.0**k), _power_text(int(k))) for k in powers]
        rough = (self.high - self.low) / MOST_TICKS
        unit = 10.0 ** np.floor(np.log10(rough))
        step = next(unit * m for m in (1, 2, 5, 10) if unit * m >= rough * (1 - 1e-9))
        step = max(step, 1.0) if self.whole else step
        first, last = np.ceil(self.low / step - 1e-9), np.floor(self.high / step + 1e-9)
        values = np.arange(first, last + 1) * step + 0.0  # no -0
        return [(float(v), self._text(float(v), float(step))) for v in values]

    def _text(self, value: float, step: float) -> str:
        """The number with as many digits as tell it from the next tick."""
        if self.dates:
            return str(np.datetime64(0, "D") + np.timedelta64(round(value), "D"))
        largest = max(abs(self.low), abs(self.high))
        if 1e-3 <= largest < 1e6:
            decimals = max(0, -int(np.floor(np.log10(step) + 1e-9)))
            return f"{value:,.{decimals}f}" if largest >= 1e4 else f"{value:.{decimals}f}"
        digits = max(1, int(np.ceil(np.log10(largest / step))) + 1)
        return with_power(f"{value:.{digits}g}")


def _power_text(power: int) -> str:
    """A power of ten: ``0.001``, ``10⁻⁵``."""
    if -4 <= power < 0:
        return f"{10.0**power:g}"
    return f"{10**power:,}" if 0 <= power < 6 else with_power(f"1e{power}").removeprefix("1·")


def spanning(*values: Any, log: bool = False, margin: float = MARGIN) -> Scale:
    """The scale on which all finite numbers among `values` have a place.

    In a log scale those are the positive ones, and it spans whole powers of ten.
    """
    numbers = np.concatenate([np.ravel(np.asarray(v, np.float64)) for v in values])
    numbers = numbers[np.isfinite(numbers)]
    if log:
        numbers = np.log10(numbers[numbers > 0])
        low, high = (
            (np.floor(numbers.min()), np.ceil(numbers.max())) if len(numbers) else (-1.0, 0.0)
        )
        low, high = max(low, -307.0), min(high, 308.0)
        return Scale(10.0**low, 10.0 ** max(high, low + 1.0), log=True)
    low, high = (float(numbers.min()), float(numbers.max())) if len(numbers) else (0.0, 1.0)
    if not high - low > 1e-9 * max(abs(low), abs(high)):  # all the same
        padding = abs(low) / 2 or 1.0
        return Scale(low - padding, high + padding)
    padding = margin * (high - low)
    return Scale(low - padding, high + padding)


def wants_log(*values: Any) -> bool:
    """Whether the small ones of some positive numbers would be lost on a linear scale."""
    numbers = np.concatenate([np.ravel(np.asarray(v, np.float64)) for v in values])
    numbers = numbers[np.isfinite(numbers)]
    return bool(
        len(numbers) and numbers.min() > 0 and numbers.max() / numbers.min() > WIDEST_LINEAR
    )
