"""Functions that a library generates while a function is traced: they see what the trace sees."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .interception import register_rules, replaces
from .patches import patches


def _load_sympy() -> None:
    @replaces("sympy.utilities.lambdify", "lambdify")
    def rule(lambdify: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        function = lambdify(*args, **kwargs)
        names = patches.names_in(function.__globals__)  # a namespace of this function alone
        if names is not None:
            function.__globals__.update(names[1])
        return function


register_rules({"sympy.utilities.lambdify": _load_sympy})
