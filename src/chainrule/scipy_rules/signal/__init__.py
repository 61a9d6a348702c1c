"""Rules for `scipy.signal`."""

from . import convolution, filters, smoothing, waveforms

__all__ = ["convolution", "filters", "smoothing", "waveforms"]
