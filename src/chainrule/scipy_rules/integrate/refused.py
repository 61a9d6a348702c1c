"""The functions of `scipy.integrate` that are refused by name."""

from __future__ import annotations

from typing import Any

from ...errors import UnsupportedError, at_user_line
from ..closures import algorithm_rule

_REFUSED = {
    "tanhsinh": (("f",), "use quad or quad_vec"),
    "cubature": (("f",), "use nquad or quad_vec"),
    "nsum": (("f",), "sum terms by np.sum"),
    "qmc_quad": (("func",), "it draws at random: use nquad"),
    "solve_bvp": (("fun", "bc"), "use solve_ivp with root for the values at the start (shooting)"),
}


def _refusing(name: str, advice: str) -> Any:
    def refuse(_original: Any, *_args: Any, **_kwargs: Any) -> Any:
        raise UnsupportedError(
            at_user_line(f"scipy.integrate.{name} has no derivative here: {advice}")
        )

    return refuse


for _name, (_functions, _advice) in _REFUSED.items():
    algorithm_rule("scipy.integrate", _name, *_functions)(_refusing(_name, _advice))
