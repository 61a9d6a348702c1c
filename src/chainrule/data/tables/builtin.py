"""The sets that scikit-learn brings along (Pedregosa et al., 2011, JMLR 12), as tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...lazy import LazyModule
from .table import Table

pd = LazyModule("pandas")
datasets = LazyModule("sklearn.datasets")

BUILT_IN = ("digits", "iris", "wine", "breast_cancer", "diabetes")


def built_in(name: str) -> Table:
    """One of scikit-learn's bundled sets; none is downloaded."""
    loaders: dict[str, Callable[..., Any]] = {
        "digits": datasets.load_digits,
        "iris": datasets.load_iris,
        "wine": datasets.load_wine,
        "breast_cancer": datasets.load_breast_cancer,
        "diabetes": datasets.load_diabetes,
    }
    targets = {
        "digits": "digit",
        "iris": "species",
        "wine": "cultivar",
        "breast_cancer": "diagnosis",
        "diabetes": "progression",
    }
    bunch = loaders[name]()
    names = [str(column) for column in bunch.feature_names]
    frame = pd.DataFrame(bunch.data, columns=names)
    values = bunch.target
    if name != "digits" and name != "diabetes":
        values = [str(bunch.target_names[index]) for index in values]
    frame[targets[name]] = values
    task = "regression" if name == "diabetes" else "classification"
    return Table(name, frame, targets[name], task)
