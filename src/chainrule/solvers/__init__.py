"""Solvers over compiled derivatives: what SciPy's take, without differences and calls of Python."""

from .curve_fitting import curve_fit
from .integration import odeint
from .minimization import minimize
from .roots import root
from .sums_of_squares import least_squares

__all__ = ["curve_fit", "least_squares", "minimize", "odeint", "root"]
