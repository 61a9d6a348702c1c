"""Every operation that a graph can hold, each declared in one place."""

from . import (
    banded,
    callback,
    complex_functions,
    complex_numbers,
    convolution,
    elementwise,
    fourier,
    indexing,
    linear_algebra,
    number_bits,
    operators,
    products,
    reductions,
    structure,
)
from .declare import REGISTRY

__all__ = [
    "REGISTRY",
    "banded",
    "callback",
    "complex_functions",
    "complex_numbers",
    "convolution",
    "elementwise",
    "fourier",
    "indexing",
    "linear_algebra",
    "number_bits",
    "operators",
    "products",
    "reductions",
    "structure",
]
