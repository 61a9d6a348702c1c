"""Rules for `scipy.ndimage`."""

from . import boundaries, filters, interpolation, measurements, ranks, splines

__all__ = ["boundaries", "filters", "interpolation", "measurements", "ranks", "splines"]
