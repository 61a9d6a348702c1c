"""Rules for `scipy.signal`."""

from . import analytic, convolution, filters, responses, smoothing, waveforms

__all__ = ["analytic", "convolution", "filters", "responses", "smoothing", "waveforms"]
