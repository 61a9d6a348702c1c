"""Every operation that a graph can hold, each declared in one place."""

from . import (
    callback,
    convolution,
    elementwise,
    indexing,
    operators,
    products,
    reductions,
    structure,
)
from .declare import REGISTRY

__all__ = [
    "REGISTRY",
    "callback",
    "convolution",
    "elementwise",
    "indexing",
    "operators",
    "products",
    "reductions",
    "structure",
]
