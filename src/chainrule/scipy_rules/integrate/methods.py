"""How the systems of derivatives are solved: by the user's method, somewhat more precisely."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import odeint, solve_ivp

from .sensitivities import LOOSEST, Solver

_TIGHTEST = 3e-14  # of relative tolerances, to which SciPy's methods can go
_STEPPING = ("max_step", "first_step", "min_step")
_STEPS = 10  # more steps than the user allows, for the tighter tolerance


def _tighter(rtol: Any) -> Any:
    return np.clip(np.min(rtol) * 0.1, _TIGHTEST, LOOSEST)


def _absolute(atol: Any, weights: Any) -> Any:
    """Return the absolute tolerances of all copies of the system."""
    atol = np.ravel(np.asarray(atol, float))
    return 0.1 * weights * (np.tile(atol, len(weights) // len(atol)))


def by_solve_ivp(options: dict[str, Any]) -> Solver:
    """Return the way by `solve_ivp`, with the options of the user's call."""
    stepping = {k: options[k] for k in _STEPPING if k in options}
    method = options.get("method", "RK45")
    rtol, atol = _tighter(options.get("rtol", 1e-3)), options.get("atol", 1e-6)

    def solve(f: Any, t0: float, y0: Any, ts: Any, weights: Any) -> Any:
        result = np.full((len(ts), len(y0)), np.nan)
        result[ts == t0] = y0
        later = np.unique(ts[ts != t0])
        if not later.size:
            return result
        later = later if later[-1] > t0 else later[::-1]
        solution = solve_ivp(
            f, (t0, later[-1]), y0, method, later, rtol=rtol, atol=_absolute(atol, weights),
            **stepping,
        )  # fmt: skip
        if solution.success:
            for t, y in zip(solution.t, solution.y.T, strict=True):
                result[ts == t] = y
        return result

    return solve


def by_odeint(options: dict[str, Any]) -> Solver:
    """Return the way by `odeint`, with the options of the user's call."""
    rtol = _tighter(1.49012e-8 if options.get("rtol") is None else options["rtol"])
    atol = 1.49012e-8 if options.get("atol") is None else options["atol"]
    limits = {k: options[k] for k in ("tcrit", "hmax", "hmin", "mxordn", "mxords") if k in options}
    steps = _STEPS * (options.get("mxstep") or 500)

    def solve(f: Any, t0: float, y0: Any, ts: Any, weights: Any) -> Any:
        result = np.tile(y0, (len(ts), 1))
        later = ts[ts != t0]
        if not later.size:
            return result
        solved, info = odeint(
            f, y0, np.concatenate([[t0], later]), tfirst=True, rtol=rtol,
            atol=_absolute(atol, weights), mxstep=steps, full_output=True, **limits,
        )  # fmt: skip
        if info["message"] != "Integration successful.":
            solved[:] = np.nan
        result[ts != t0] = solved[1:]
        return result

    return solve
