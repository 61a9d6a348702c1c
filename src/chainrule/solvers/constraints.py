"""Constraints of `minimize` as SciPy takes them, with compiled Jacobians."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .. import tree
from ..lazy import LazyModule
from .functions import arguments, function_of
from .layout import Layout, as_vector

optimize = LazyModule("scipy.optimize")


def with_derivatives(constraints: Any, layout: Layout) -> Any:
    """Return constraints on vectors; those without a Jacobian get one."""
    if isinstance(constraints, (Mapping, optimize.NonlinearConstraint, optimize.LinearConstraint)):
        return _with_jacobian(constraints, layout)
    return [_with_jacobian(constraint, layout) for constraint in constraints]


def _with_jacobian(constraint: Any, layout: Layout) -> Any:
    if isinstance(constraint, Mapping):
        args = tuple(constraint.get("args", ()))
        user = constraint.get("jac")
        value, slope = _vector_function(constraint["fun"], layout, args, user is None)
        if user is not None:
            slope = user if not callable(user) else lambda x: user(layout.restore(x), *args)
        return {"type": constraint["type"], "fun": value, "jac": slope}
    if not isinstance(constraint, optimize.NonlinearConstraint):
        return constraint
    user, hess = constraint.jac, constraint.hess
    missing = isinstance(user, str) and user == "2-point"
    value, slope = _vector_function(constraint.fun, layout, (), missing)
    if not missing:
        slope = user if not callable(user) else lambda x: user(layout.restore(x))
    return optimize.NonlinearConstraint(
        value, constraint.lb, constraint.ub, slope,
        (lambda x, v: hess(layout.restore(x), v)) if callable(hess) else hess,
        constraint.keep_feasible, constraint.finite_diff_rel_step,
        constraint.finite_diff_jac_sparsity,
    )  # fmt: skip


def _vector_function(
    fun: Callable[..., Any], layout: Layout, args: tuple[Any, ...], derived: bool
) -> tuple[Callable[..., Any], Any]:
    """Return a function of a vector, and its Jacobian if one is asked for."""
    if not derived:
        return lambda x: as_vector(tree.leaves(fun(layout.restore(x), *args))), None
    split = arguments(args, "minimize")
    key = None if split.key is None else ("vector", layout.key, split.key)

    def call(x: Any, *leaves: Any) -> Any:
        return as_vector(tree.leaves(fun(layout.restore(x), *split.restore(leaves))))

    function, leaves = function_of(fun, call, key, layout.n, split.leaves), split.leaves
    rows = np.size(function.value(layout.start, *leaves))
    slope = function.jacobian(rows, layout.n)
    return lambda x: function.value(x, *leaves), lambda x: slope(x, *leaves)
