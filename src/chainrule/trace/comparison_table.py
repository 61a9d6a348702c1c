"""Comparisons of tracers, also with Python numbers that the dtype beside them does not hold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..graph.node import Node, constant
from ..primitives import elementwise as ew
from . import elementwise_table  # noqa: F401 - whose comparisons are entered again
from .arithmetic import binary
from .tracer import UFUNCS, Tracer, traced


def _beyond(name: str, x: Tracer, number: int) -> Tracer:
    """Compare integers with a number that is larger, or smaller, than all of them."""
    holds = {"eq": False, "ne": True, "lt": number > 0, "le": number > 0}
    answer = holds.get(name, number < 0)
    return traced(constant(np.broadcast_to(np.bool_(answer), x.shape)))


_COMPARISONS = {"equal": "eq", "not_equal": "ne", "less": "lt", "less_equal": "le",
                "greater": "gt", "greater_equal": "ge"}  # fmt: skip
_MIRRORED = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}


def _compared(name: str, rule: Callable[..., Any]) -> Callable[..., Any]:
    """Make a comparison accept a Python number that the integers' dtype cannot hold."""

    def compare(x: Any, y: Any, **options: Any) -> Any:
        try:
            return rule(x, y, **options)
        except OverflowError:
            if isinstance(x, Tracer):
                return _beyond(name, x, y)
            return _beyond(_MIRRORED.get(name, name), y, x)

    return compare


for _name, _short in _COMPARISONS.items():
    UFUNCS[_name] = _compared(_short, UFUNCS[_name])


def _install() -> None:
    comparisons: dict[str, Callable[..., Node]] = {
        "eq": ew.equal, "ne": ew.not_equal, "lt": ew.less, "le": ew.less_equal
    }  # fmt: skip
    for name, rule in comparisons.items():
        setattr(Tracer, f"__{name}__", _compared(name, binary(rule)[0]))
    Tracer.__gt__ = _compared("gt", binary(ew.less)[1])  # type: ignore[operator]
    Tracer.__ge__ = _compared("ge", binary(ew.less_equal)[1])  # type: ignore[operator]


_install()
