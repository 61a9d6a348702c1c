"""Tables of mixed columns from shared data, as people meet them: what is predicted from what."""

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


SETS = {
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
}
