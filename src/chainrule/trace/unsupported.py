"""What has no rule: the message, the names that users know, and options of no effect."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line


def unsupported(called_as: str, name: str) -> str:
    """Return the message for a function that has no rule: its own name, and what may do instead."""
    if called_as == f"np.{name}":
        called_as = public_name(name)
    instead = _INSTEAD.get(name)
    hint = f"; use {instead}" if instead else ""
    return f"{called_as} of a traced array is not supported{hint}"


def public_name(name: str) -> str:
    """Return the name users know; SciPy's special functions are ufuncs as well."""
    return f"np.{name}" if hasattr(np, name.partition(".")[0]) else f"scipy.special.{name}"


_INSTEAD = {
    "nanmax": "np.max of np.where(np.isnan(x), -np.inf, x)",
    "nanmin": "np.min of np.where(np.isnan(x), np.inf, x)",
    "nansum": "np.sum(x, where=~np.isnan(x))",
    "nanmean": "np.sum(x, where=~np.isnan(x)) by the number of those",
    "lexsort": "np.argsort, which is stable, key by key",
    "nancumsum": "np.cumsum of np.where(np.isnan(x), 0, x)",
    "xlog1py": "x * np.log1p(y)",
    "entr": "-scipy.special.xlogy(x, x)",
    "rel_entr": "scipy.special.xlogy(x, x) - scipy.special.xlogy(x, y)",
    "softmax": "chainrule.nn.softmax",
    "log_softmax": "chainrule.nn.log_softmax",
}


_DEFAULTS = (("casting", "same_kind"), ("order", "K"), ("subok", True))


def plain_options(ufunc: Any, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return the keyword arguments without those that only repeat NumPy's defaults."""
    options = {}
    for key, value in kwargs.items():
        if key == "dtype" and value is not None:
            kinds = {kind.split("->")[1][0] for kind in ufunc.types}
            if np.dtype(value).char not in kinds:
                raise TypeError(at_user_line(f"np.{ufunc.__name__} has no loop of dtype={value}"))
        if key in ("dtype", "axis", "keepdims", "initial"):
            options[key] = value
        elif not (key == "where" and value is True) and (key, value) not in _DEFAULTS:
            raise UnsupportedError(
                at_user_line(f"np.{ufunc.__name__}({key}=...) of a traced array is not supported")
            )
    return options
