"""Rules for SciPy's functions of traced arrays, a file a module, each loaded when SciPy's is."""

from __future__ import annotations

from functools import partial
from importlib import import_module

from ..trace.interception import register_rules

MODULES = (
    "fft",
    "fftpack",
    "integrate",
    "interpolate",
    "linalg",
    "ndimage",
    "optimize",
    "signal",
    "sparse",
    "spatial",
    "special",
    "stats",
)
register_rules({f"scipy.{name}": partial(import_module, f"{__name__}.{name}") for name in MODULES})
