"""The functions of `scipy.optimize` that are refused by name."""

from __future__ import annotations

from typing import Any

from ...errors import UnsupportedError, at_user_line
from ..closures import algorithm_rule

_REFUSED = {
    "linprog": ("c", "its solution is a corner, whose derivative is not defined everywhere"),
    "milp": ("c", "its solutions are isolated points"),
    "differential_evolution": ("func", "draws at random"),
    "dual_annealing": ("func", "draws at random"),
    "basinhopping": ("func", "draws at random"),
    "shgo": ("func", "searches the whole domain"),
    "direct": ("func", "searches the whole domain"),
    "brute": ("func", "searches a grid"),
}


def _refusing(name: str, reason: str) -> Any:
    def refuse(_original: Any, *_args: Any, **_kwargs: Any) -> Any:
        advice = (
            ""
            if name in ("linprog", "milp")
            else (": start scipy.optimize.minimize from chainrule.stop_gradient of what it finds")
        )
        raise UnsupportedError(
            at_user_line(f"scipy.optimize.{name} has no derivative, since it {reason}{advice}")
        )

    return refuse


for _name, (_function, _reason) in _REFUSED.items():
    algorithm_rule("scipy.optimize", _name, _function)(_refusing(_name, _reason))
