"""Pictures of environments, drawn by Pillow in the environment's own coordinates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...lazy import LazyModule
from ...typing import Array

pil_image = LazyModule("PIL.Image", extra="images")
pil_draw = LazyModule("PIL.ImageDraw", extra="images")

Point = tuple[float, float]
Color = tuple[int, int, int]
WHITE: Color = (255, 255, 255)


class Canvas:
    """A picture to draw on in coordinates of which y points upwards.

    Parameters
    ----------
    width, height : int
        In pixels.
    left, right : float
        The coordinates x of the edges.
    bottom : float
        The coordinate y of the lower edge; a unit of y is as long as one of x.
    background : three of 0 to 255
        Default (255, 255, 255), white.

    Examples
    --------
    >>> canvas = Canvas(4, 2, left=0.0, right=2.0, bottom=0.0)
    >>> canvas.rectangle((0.0, 0.0), (0.5, 0.5), (0, 0, 0))
    >>> canvas.pixels()[:, :, 0].tolist()
    [[255, 255, 255, 255], [0, 255, 255, 255]]
    """

    def __init__(
        self, width: int, height: int, left: float, right: float, bottom: float,
        background: Color = WHITE,
    ) -> None:  # fmt: skip
        self._image = pil_image.new("RGB", (width, height), background)
        self._draw = pil_draw.Draw(self._image)
        self._scale = width / (right - left)
        self._left, self._top = left, bottom + height / self._scale

    def _pixel(self, point: Point) -> Point:
        return (point[0] - self._left) * self._scale, (self._top - point[1]) * self._scale

    def line(self, points: Sequence[Point], color: Color, width: int = 1) -> None:
        """Draw through points, `width` pixels wide (default 1)."""
        self._draw.line([self._pixel(p) for p in points], fill=color, width=width)

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        """Fill the polygon of these corners."""
        self._draw.polygon([self._pixel(p) for p in points], fill=color)

    def circle(self, center: Point, radius: float, color: Color) -> None:
        """Fill a circle; the radius is in the units of the coordinates."""
        x, y = self._pixel(center)
        r = radius * self._scale
        self._draw.ellipse([x - r, y - r, x + r, y + r], fill=color)

    def rectangle(self, low: Point, high: Point, color: Color) -> None:
        """Fill from the lower left to the upper right corner."""
        (x0, y0), (x1, y1) = self._pixel((low[0], high[1])), self._pixel((high[0], low[1]))
        self._draw.rectangle([round(x0), round(y0), round(x1) - 1, round(y1) - 1], fill=color)

    def text(self, point: Point, words: str, color: Color = (0, 0, 0)) -> None:
        """Write words, centred at a point."""
        self._draw.text(self._pixel(point), words, fill=color, anchor="mm")

    def pixels(self) -> Array:
        """Return the picture, uint8[height, width, 3]."""
        return np.array(self._image)
