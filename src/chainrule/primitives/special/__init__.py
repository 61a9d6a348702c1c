"""Special functions: SciPy computes them, and their derivatives are special functions again.

Loaded when `scipy.special` is. `SPECIAL` lists the primitives by SciPy's names.
"""

from . import (
    bessel,
    distributions,
    elliptic,
    entropies,
    error_functions,
    exponentials,
    gamma_family,
    hypergeometric,
    incomplete_beta,
    incomplete_gamma,
    inverses,
    lambert,
    mathieu,
    noncentral,
    polynomials,
    spherical,
    spheroidal,
    stats_functions,
    zeta,
)
from .declaration import SPECIAL

__all__ = [
    "SPECIAL",
    "bessel",
    "distributions",
    "elliptic",
    "entropies",
    "error_functions",
    "exponentials",
    "gamma_family",
    "hypergeometric",
    "incomplete_beta",
    "incomplete_gamma",
    "inverses",
    "lambert",
    "mathieu",
    "noncentral",
    "polynomials",
    "spherical",
    "spheroidal",
    "stats_functions",
    "zeta",
]
