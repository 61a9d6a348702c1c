"""Functions that count or store what SciPy calls them with: they would do so once, while traced."""

from __future__ import annotations

import dis
from functools import partial
from itertools import pairwise
from typing import Any

from ..errors import UnsupportedError, at_user_line

_STORES = {"append", "extend", "insert", "add", "update", "appendleft"}


def check_stores_nothing(*functions: Any) -> None:
    """Raise if a function of the user's changes names or lists around it, as a counter does."""
    for function in functions:
        if type(function) in (list, tuple):
            check_stores_nothing(*function)
        else:
            _check(function)


def _check(function: Any) -> None:
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)
    name = None if not hasattr(function, "__code__") else _stored_name(function)
    if name is not None:
        raise UnsupportedError(
            at_user_line(
                f"a function that SciPy calls changes {name!r} outside of itself, which would "
                "happen once, while it is traced: leave that out (results have nfev and nit, and "
                "callback= sees the steps)"
            )
        )


def _stored_name(function: Any) -> str | None:
    code = function.__code__
    cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=True))
    for before, step in pairwise(dis.get_instructions(code)):
        if step.opname == "STORE_GLOBAL" or (
            step.opname == "STORE_DEREF" and step.argval in code.co_freevars
        ):
            return str(step.argval)
        if step.opname in ("LOAD_METHOD", "LOAD_ATTR") and step.argval in _STORES:
            owner = None
            if before.opname == "LOAD_GLOBAL":
                owner = function.__globals__.get(before.argval)
            elif before.opname == "LOAD_DEREF" and before.argval in cells:
                owner = cells[before.argval].cell_contents
            if isinstance(owner, (list, set, dict)):
                return str(before.argval)
    return None
