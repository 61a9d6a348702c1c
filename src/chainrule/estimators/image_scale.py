"""Images as arrays: their layout, their numbers, and whether they are of the scale of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ..errors import DataError

FINITE = float(np.finfo(np.float32).max)
MOST_FIRST = 4  # channels that an axis in front may be: grey, two, RGB, RGBA
FARTHER = 8.0  # times as large as in the training: another unit, and no brighter picture
OVERSHOOT = 0.25  # of the largest number: so far below 0 resizing goes
WIDEST = 20.0  # standard deviations, for models that did not keep their scale


def checked_images(X: Any) -> Any:
    """Images as an array of shape (n, height, width, channels), of finite numbers."""
    if X.dtype.kind not in "biuf":
        raise DataError(f"X has dtype {X.dtype}: give images as numbers, or paths of files")
    if X.ndim == 3:
        X = X[..., None]
    if X.ndim != 4 or 0 in X.shape[1:]:
        side = int(np.sqrt(X.shape[1])) if X.ndim == 2 else 0
        hint = f": X.reshape(-1, {side}, {side})" if side and side * side == X.shape[1] else ""
        raise DataError(
            f"X has shape {X.shape}: give images of shape (n, height, width) or (n, height, width, "
            f"channels){hint}"
        )
    if X.dtype.kind == "f":
        known = np.abs(X) <= min(FINITE, float(np.finfo(X.dtype).max))  # NaN is not
        if not known.all():
            row = int(np.flatnonzero(~known.all(axis=(1, 2, 3)))[0])
            raise DataError(
                f"image {row} has entries that are not finite in float32: mend it, or leave it out"
            )
    return X


def check_layout(X: Any) -> None:
    """Refuse images whose channels come first: they would be learned as strips of a few pixels.

    Raises
    ------
    DataError
        With how to turn them.
    """
    _, first, second, last = X.shape
    strip = first <= MOST_FIRST < min(second, last)
    if strip or first < second == last:
        raise DataError(
            f"X has shape {X.shape}, which looks like channels before height and width: give "
            "X.transpose(0, 2, 3, 1), of shape (n, height, width, channels); if images really are "
            f"{first} pixels high with {last} channels, put rows of zeros below"
        )


@dataclass(frozen=True)
class Scale:
    """From where to where the numbers of the training images go.

    Attributes
    ----------
    low, high : float
    whole : bool
        Whether all are whole numbers, of whatever dtype.
    """

    low: float
    high: float
    whole: bool

    @classmethod
    def of(cls, X: Any) -> Self:
        """That of training images."""
        whole = X.dtype.kind in "iub" or bool(np.all(X == np.trunc(X)))
        return cls(float(X.min()), float(X.max()), whole)

    @classmethod
    def guessed(cls, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Self:
        """For a model file that has none: so wide that only other units are refused."""
        top = max(abs(m) + WIDEST * d for m, d in zip(mean, deviation, strict=True))
        return cls(-top, top, True)

    @property
    def top(self) -> float:
        """The largest number, whatever its sign."""
        return max(abs(self.low), abs(self.high))

    def check(self, X: Any) -> None:
        """Refuse images of another scale, such as bytes where the training had 0 to 1.

        Raises
        ------
        DataError
            With both scales, and what to do.
        """
        if not X.size:
            return
        ends = [end(X, axis=(1, 2, 3)).astype(np.float64) for end in (np.min, np.max)]
        largest = np.maximum(*np.abs(ends))
        if X.dtype.kind in "iub" and not self.whole:
            self._refuse(X, 0)
        if X.dtype.kind == "b" and self.top > 1:
            self._refuse(X, 0)
        if self.top > 0 and (largest > FARTHER * self.top).any():
            self._refuse(X, int(np.argmax(largest > FARTHER * self.top)))
        lowest, highest = ends[0].min(), ends[1].max()
        if self.low >= 0.0 and lowest < -OVERSHOOT * highest:  # centred, where none was
            self._refuse(X, int(np.argmin(ends[0])))
        fractions = X.dtype.kind == "f" and largest.max() <= 1.0 <= self.top / FARTHER
        if fractions and (X != np.trunc(X)).any():
            self._refuse(X, 0)

    def _refuse(self, X: Any, row: int) -> None:
        low, high = float(X[row].min()), float(X[row].max())
        kind = "whole numbers" if self.whole else "floats"
        raise DataError(
            f"image {row} is of {X.dtype} from {low:g} to {high:g}, and the training was of {kind} "
            f"from {self.low:g} to {self.high:g}: bring it to that scale, such as by X / 255, "
            "X * 255 or astype"
        )
