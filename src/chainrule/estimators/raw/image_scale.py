"""Images as arrays: their layout, their numbers, and whether they are of the scale of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ...errors import DataError

FINITE = float(np.finfo(np.float32).max)
MOST_FIRST = 4  # channels that an axis in front may be: grey, two, RGB, RGBA
FARTHER = 8.0  # times as large as in the training: another unit, and no brighter picture
EXACT = 2**24  # whole numbers that float32, in which networks compute, tells apart
NARROW = 2.0**-16  # of the largest number: images that differ by less would be all alike in float32
NOISE = 1e-6  # of the largest number of the training: below it, a black image's sign says nothing
OVERSHOOT = 0.25  # of the largest number: so far below 0 resizing goes
WIDEST = 20.0  # standard deviations, for models that did not keep their scale


def unmasked(images: Any, name: str) -> Any:
    """An image or several as an array; refused where an entry is masked."""
    if np.ma.is_masked(images):
        raise DataError(
            f"{name} has masked entries, which a network would read as they are: fill them, such "
            "as by X.filled(0), or leave such images out"
        )
    return np.asarray(images)


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
    if X.dtype.kind in "iu" and X.dtype.itemsize > 2 and X.size:
        least, most = int(X.min()), int(X.max())
        if least < -EXACT or most > EXACT:
            raise DataError(
                f"X is of {X.dtype} from {least} to {most}: networks compute in float32, which "
                f"tells whole numbers apart up to {EXACT}; subtract what all have in common, or "
                "divide, such as to floats from 0 to 1"
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
    """The range of the numbers in the training images.

    Attributes
    ----------
    low, high : float
    whole : bool
        Whether all are whole numbers, of whatever dtype.
    dim : bool
        Whether one of the images has only fractions of 0 ... 1 though others go much farther.
    guessed : bool
        Whether this is only what mean and deviation tell.
    """

    low: float
    high: float
    whole: bool
    dim: bool = False
    guessed: bool = False

    @classmethod
    def of(cls, X: Any) -> Self:
        """Measure the range of training images.

        Raises
        ------
        DataError
            If they differ by so little that they are alike in float32.
        """
        whole = X.dtype.kind in "iub" or bool(np.all(X == np.trunc(X)))
        scale = cls(float(X.min()), float(X.max()), whole)
        if 0 < scale.high - scale.low < NARROW * scale.top:
            raise DataError(
                f"X goes from {scale.low!r} to {scale.high!r}, which float32, in which networks "
                "compute, hardly tells apart: subtract what all images have in common"
            )
        return cls(scale.low, scale.high, whole, bool(scale._fractions(X).any()))

    @classmethod
    def of_moments(cls, mean: tuple[float, ...], deviation: tuple[float, ...]) -> Self:
        """Guess the range for a model file without one, so wide that only other units fail."""
        top = max(abs(m) + WIDEST * d for m, d in zip(mean, deviation, strict=True))
        return cls(-top, top, True, guessed=True)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Self:
        """Read the range from the state that `to_state` returns."""
        return cls(state["low"], state["high"], state["whole"], state.get("dim", False))

    def to_state(self) -> dict[str, Any]:
        """The range as part of a model file's description; empty if it is only guessed."""
        if self.guessed:
            return {}
        state = {"low": self.low, "high": self.high, "whole": self.whole}
        return {"scale": state | ({"dim": True} if self.dim else {})}

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
        if X.dtype.kind in "iu" and not self.guessed:
            limits = np.iinfo(X.dtype)
            if limits.max < self.high or limits.min > self.low:  # such as uint8 beside uint16
                self._refuse(X, 0)
        darkest = -OVERSHOOT * np.maximum(ends[1], 0.0) - NOISE * self.top
        if self.low >= 0.0 and (ends[0] < darkest).any():  # centred, where none was
            self._refuse(X, int(np.argmax(ends[0] < darkest)))
        if not self.dim and (dim := self._fractions(X)).any():
            self._refuse(X, int(np.argmax(dim)))

    def _fractions(self, X: Any) -> Any:
        """Which images have only fractions of 0 ... 1, far from where the others go."""
        if X.dtype.kind != "f" or self.top < FARTHER:
            return np.zeros(len(X), bool)
        dim = np.max(np.abs(X), axis=(1, 2, 3)) <= 1.0
        dim[dim] = (X[dim] != np.trunc(X[dim])).any(axis=(1, 2, 3))
        return dim

    def _refuse(self, X: Any, row: int) -> None:
        low, high = float(X[row].min()), float(X[row].max())
        kind = "whole numbers" if self.whole else "floats"
        raise DataError(
            f"image {row} is of {X.dtype} from {low:g} to {high:g}, and the training was of {kind} "
            f"from {self.low:g} to {self.high:g}: bring it to that scale, such as by X / 255, "
            "X * 255 or astype"
        )
