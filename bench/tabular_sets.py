"""Tables as people meet them: of mixed columns from shared data, and smooth functions with noise.

Each says what is predicted from what.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

DATA = Path(__file__).parents[2] / "shared" / "data"


@dataclass(frozen=True)
class TableSet:
    """A table and its target.

    Attributes
    ----------
    file : str
        Below `DATA`.
    target : str
    classes : bool
        Whether it holds classes: scored by accuracy, else by R2.
    drop : tuple of str
        Columns that name the row, or give the target away.
    change : callable, optional
        What is predicted of the target's numbers.
    """

    file: str
    target: str
    classes: bool
    drop: tuple[str, ...] = ()
    change: Callable[[Any], Any] | None = None

    def read(self) -> tuple[Any, Any]:
        """The columns and the target."""
        frame = pd.read_csv(DATA / self.file).drop(columns=list(self.drop))
        y = frame.pop(self.target).to_numpy()
        return frame, y if self.change is None else self.change(y)


@dataclass(frozen=True)
class SmoothSet:
    """1,250 rows of a function, with noise of a tenth of its standard deviation; scored by R2.

    Attributes
    ----------
    function : callable
        Of columns between 0 and 1.
    columns : int
    """

    function: Callable[[Any], Any]
    columns: int
    classes: bool = False

    def read(self) -> tuple[Any, Any]:
        """The columns and the target."""
        rng = np.random.default_rng(7)
        x = rng.uniform(0.0, 1.0, (1250, self.columns))
        y = self.function(x.T)
        names = [f"x{k}" for k in range(self.columns)]
        return pd.DataFrame(x, columns=names), y + 0.1 * np.std(y) * rng.normal(size=len(y))


def _friedman(x: Any) -> Any:
    """J. Friedman: "Multivariate adaptive regression splines" (1991), equation 61."""
    return 10 * np.sin(np.pi * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4]


def _robot_arm(x: Any) -> Any:
    """How far an arm of four segments reaches: J. An, A. Owen, "Quasi-regression" (2001)."""
    angles = np.cumsum(2 * np.pi * x[:4], axis=0)
    return np.hypot((x[4:] * np.cos(angles)).sum(axis=0), (x[4:] * np.sin(angles)).sum(axis=0))


def _piston(x: Any) -> Any:
    """The cycle time of a piston: R. Kenett, S. Zacks, "Modern industrial statistics" (1998)."""
    low = np.array([30, 0.005, 0.002, 1000, 90000, 290, 340])
    high = np.array([60, 0.020, 0.010, 5000, 110000, 296, 360])
    m, s, v, k, p, ambient, t = low[:, None] + (high - low)[:, None] * x
    force = p * s + 19.62 * m - k * v / s
    volume = s / (2 * k) * (np.sqrt(force**2 + 4 * k * p * v / t * ambient) - force)
    return 2 * np.pi * np.sqrt(m / (k + s**2 * p * v / t * ambient / volume**2))


SETS: dict[str, TableSet | SmoothSet] = {
    "titanic": TableSet(
        "tabular/titanic.csv.gz", "Survived", True, ("PassengerId", "Name", "Ticket")
    ),
    "penguins": TableSet("tabular/penguins.csv.gz", "species", True),
    "german_credit": TableSet("tabular/german_credit.csv.gz", "class", True),
    "adult": TableSet("tabular/adult_train.csv.gz", "income", True),
    "nsl_kdd": TableSet(
        "anomaly/nsl_kdd_train20.csv.gz", "category", True, ("attack", "difficulty")
    ),
    "wine_colour": TableSet("tabular/wine_quality.csv.gz", "colour", True),
    "wine_quality": TableSet("tabular/wine_quality.csv.gz", "quality", False),
    "diamonds": TableSet("tabular/diamonds.csv.gz", "price", False),
    "california": TableSet("house_prices/california_housing.csv.gz", "median_house_value", False),
    "ames": TableSet(
        "house_prices/ames_housing.csv.gz", "SalePrice", False, ("Order", "PID"), np.log
    ),
    "bike_hour": TableSet(
        "demand/bike_hour.csv.gz", "cnt", False, ("instant", "casual", "registered")
    ),
    "bike_day": TableSet(
        "demand/bike_day.csv.gz", "cnt", False, ("instant", "casual", "registered")
    ),
    "friedman": SmoothSet(_friedman, 10),
    "robot_arm": SmoothSet(_robot_arm, 8),
    "piston": SmoothSet(_piston, 7),
}
