"""Rules for `scipy.special`: its ufuncs, which are primitives, and its functions of Python."""

from . import combinatorics, complex_results, derivatives, exponential_sums, harmonics, ufuncs

__all__ = [
    "combinatorics",
    "complex_results",
    "derivatives",
    "exponential_sums",
    "harmonics",
    "ufuncs",
]
