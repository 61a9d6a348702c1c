"""SciPy's ways to compute different formulas for different entries, as `numpy.where`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...trace.interception import intercepts

_MODULES = ("scipy._lib.array_api_extra", "scipy._external.array_api_extra", "scipy._lib._util",
            "scipy._lib._array_api")  # fmt: skip


def apply_where(
    cond: Any, args: Any, f1: Callable[..., Any], f2: Any = None, /, *, fill_value: Any = None,
    **_options: Any,
) -> Any:  # fmt: skip
    """Return ``f1(*args)`` where the condition holds, else ``f2(*args)`` or the value."""
    args = args if isinstance(args, (list, tuple)) else (args,)
    other = fill_value if f2 is None else f2(*args)
    return np.where(cond, f1(*args), other)


def lazy_select(
    condlist: Sequence[Any], choicelist: Sequence[Callable[..., Any]], arrays: Sequence[Any],
    default: Any = 0,
) -> Any:  # fmt: skip
    """Return the choice of the first condition that holds."""
    result = default
    for cond, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        result = np.where(cond, choice(*arrays), result)
    return result


for _module in _MODULES:
    if hasattr(sys.modules.get(_module), "apply_where"):
        intercepts(_module, "apply_where")(apply_where)
        break
if hasattr(sys.modules.get("scipy._lib._util"), "_lazyselect"):
    intercepts("scipy._lib._util", "_lazyselect")(lazy_select)
