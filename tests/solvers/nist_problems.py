"""Nonlinear regressions of NIST's Statistical Reference Datasets, with their certified values.

The files in `nist` are NIST's own (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml), in the
public domain as works of the government of the United States.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FOLDER = Path(__file__).parent / "nist"
_NUMBER = r"([-+]?[\d.]+(?:E[-+]?\d+)?)"
_PARAMETER = re.compile(rf"\s*b\d+ =\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s+{_NUMBER}\s*$", re.M)


def misra1a(x: Any, b1: Any, b2: Any) -> Any:
    return b1 * (1.0 - np.exp(-b2 * x))


def cubics(x: Any, b1: Any, b2: Any, b3: Any, b4: Any, b5: Any, b6: Any, b7: Any) -> Any:
    """The model of Hahn1 and of Thurber."""
    return (b1 + b2 * x + b3 * x**2 + b4 * x**3) / (1.0 + b5 * x + b6 * x**2 + b7 * x**3)


def rat43(x: Any, b1: Any, b2: Any, b3: Any, b4: Any) -> Any:
    return b1 / (1.0 + np.exp(b2 - b3 * x)) ** (1.0 / b4)


def bennett5(x: Any, b1: Any, b2: Any, b3: Any) -> Any:
    return b1 * (b2 + x) ** (-1.0 / b3)


MODELS: dict[str, Callable[..., Any]] = {
    "Misra1a": misra1a, "Hahn1": cubics, "Thurber": cubics, "Rat43": rat43, "Bennett5": bennett5,
}  # fmt: skip


@dataclass(frozen=True)
class Problem:
    """A regression.

    Attributes
    ----------
    model : callable
    x, y : float64[m]
    starts : float64[2, n]
        Far from the solution, and closer.
    values, deviations : float64[n]
        Certified: the parameters and their standard deviations, to 11 digits.
    squares : float
        The certified sum of squares.
    """

    model: Callable[..., Any]
    x: Any
    y: Any
    starts: Any
    values: Any
    deviations: Any
    squares: float


def problem(name: str) -> Problem:
    """Read one of `MODELS`."""
    text = (FOLDER / f"{name}.dat").read_text(encoding="ascii")
    rows = np.array(_PARAMETER.findall(text), float)
    data = np.array([row.split() for row in text.rpartition("Data:")[2].splitlines()[1:]], float)
    found = re.search(rf"Residual Sum of Squares:\s+{_NUMBER}", text)
    assert found is not None
    starts = np.ascontiguousarray(rows[:, :2].T)
    return Problem(
        MODELS[name], data[:, 1].copy(), data[:, 0].copy(), starts, rows[:, 2].copy(),
        rows[:, 3].copy(), float(found[1]),
    )  # fmt: skip


def digits(computed: Any, certified: Any) -> float:
    """The least number of right digits, as NIST counts them, at most 11."""
    error = np.abs(np.asarray(computed) - certified) / np.abs(certified)
    return float(np.min(-np.log10(np.maximum(error, 1e-11))))
