"""Rules for `scipy.integrate`: samples, integrals of functions, differential equations."""

from . import initial_value, nested, quadrature, refused, samples, solve_ivp

__all__ = ["initial_value", "nested", "quadrature", "refused", "samples", "solve_ivp"]
