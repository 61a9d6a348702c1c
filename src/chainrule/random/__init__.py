"""Random numbers as functions of a key.

A key is two 32-bit words. The same key gives the same numbers: in NumPy and in a graph, on every
backend (normal ones to the rounding of its log and cos), for any number of threads, before a
crash and after the resume. So a key is used once;
`split` and `fold_in` make others of it.

Where a key is taken, many are too, uint32[..., 2]: one draw for each, stacked, as if each had drawn
alone. `random.uniform(random.split(key, 5), 3)` has shape (5, 3).
"""

from .choices import categorical, choice, exponential, gumbel
from .distributions import bernoulli, normal, permutation, randint, symmetric_beta, uniform
from .keys import bits, fold_in, key, split

__all__ = [
    "bernoulli",
    "bits",
    "categorical",
    "choice",
    "exponential",
    "fold_in",
    "gumbel",
    "key",
    "normal",
    "permutation",
    "randint",
    "split",
    "symmetric_beta",
    "uniform",
]
