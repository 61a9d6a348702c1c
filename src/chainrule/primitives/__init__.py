"""Every operation that a graph can hold, each declared in one place.

Those of linear algebra, transforms and special functions are loaded with their tables.
"""

from . import (
    attention,
    banded,
    callback,
    complex_numbers,
    convolution,
    elementary,
    elementwise,
    indexing,
    number_bits,
    operators,
    products,
    reductions,
    structure,
)
from .declare import REGISTRY

__all__ = [
    "REGISTRY",
    "attention",
    "banded",
    "callback",
    "complex_numbers",
    "convolution",
    "elementary",
    "elementwise",
    "indexing",
    "number_bits",
    "operators",
    "products",
    "reductions",
    "structure",
]
