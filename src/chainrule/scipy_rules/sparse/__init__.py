"""Rules for `scipy.sparse`: constant sparse matrices with traced arrays."""

from . import products, solvers

__all__ = ["products", "solvers"]
