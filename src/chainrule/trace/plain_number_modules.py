"""Modules of Python that compute with plain numbers: refused by name, with NumPy's instead."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import Any

from ..errors import UnsupportedError, at_user_line
from .interception import intercepts, register_rules

_STATISTICS = {
    "correlation": "np.corrcoef", "covariance": "np.cov", "fmean": "np.average",
    "geometric_mean": "np.exp(np.mean(np.log(x)))", "harmonic_mean": "1 / np.mean(1 / x)",
    "linear_regression": "np.polyfit", "mean": "np.mean", "median": "np.median",
    "median_high": "np.median", "median_low": "np.median", "mode": "np.unique",
    "pstdev": "np.std", "pvariance": "np.var", "quantiles": "np.quantile",
    "stdev": "np.std(ddof=1)", "variance": "np.var(ddof=1)",
}  # fmt: skip


def _refuse(module: str, name: str, instead: str) -> None:
    @intercepts(module, name)
    def rule(*_args: Any, **_kwargs: Any) -> Any:
        raise UnsupportedError(
            at_user_line(
                f"{module}.{name.partition('.')[0]} of traced numbers is not supported, because it "
                f"takes them apart: use {instead}"
            )
        )


def _refuse_statistics() -> None:
    for name, instead in _STATISTICS.items():
        _refuse("statistics", name, f"{instead} of np.array(...)")


register_rules(
    {
        "numpy.ma": partial(import_module, f"{__package__}.masked_table"),
        "cmath": partial(import_module, f"{__package__}.cmath_table"),
        "fractions": partial(_refuse, "fractions", "Fraction.__new__", "the number itself"),
        "statistics": _refuse_statistics,
    }
)
