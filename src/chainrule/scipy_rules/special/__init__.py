"""Rules for `scipy.special`: its ufuncs, which are primitives, and its functions of Python."""

from . import combinatorics, derivatives, exponential_sums, harmonics, ufuncs

__all__ = ["combinatorics", "derivatives", "exponential_sums", "harmonics", "ufuncs"]
