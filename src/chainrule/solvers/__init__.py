"""Solvers over compiled derivatives: what SciPy's take, without differences and calls of Python."""

from .curve_fit import curve_fit
from .least_squares import least_squares
from .minimize import minimize
from .odeint import odeint
from .root import root

__all__ = ["curve_fit", "least_squares", "minimize", "odeint", "root"]
