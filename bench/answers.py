"""What is called after a training: `predict` and `predict_proba` beside scikit-learn's."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn.exceptions import ConvergenceWarning

import chainrule

from .harness import Contest

PEER = "scikit-learn"
LIBRARIES = (chainrule, sklearn.neural_network)
NETWORKS = ((5, 10), (20, 64), (64, 100), (784, 256))  # columns, hidden units
ROWS = (1, 10, 100, 1_000, 20_000, 200_000)
CASES = (("predict", 10, "float32"), ("predict_proba", 10, "float32"),
         ("predict_proba", 2, "float64"), ("predict", 0, "float64"))  # fmt: skip
MOST = 20_000_000  # numbers in the rows of a contest
ROUND = 5e8  # multiplications that a round is to take


def models(columns: int, hidden: int, classes: int, dtype: str) -> list[Any]:
    """The same network of both libraries, hardly trained; without classes a regressor."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((300, columns)).astype(dtype)
    y = np.arange(300) % classes if classes else x[:, 0] * x[:, 1]
    name = "MLPClassifier" if classes else "MLPRegressor"
    settings = {"hidden_layer_sizes": (hidden,), "max_iter": 2, "random_state": 0}
    return [getattr(library, name)(**settings).fit(x, y) for library in LIBRARIES]


def same(ours: Any, theirs: Any) -> None:
    """Equal but for rounding; of labels, those of rows on the border may differ."""
    if ours.dtype.kind == "f":
        close = 1e-4 if ours.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(ours, theirs, rtol=close, atol=close)
    else:
        assert np.mean(ours == theirs) > 0.999, float(np.mean(ours == theirs))


def contests() -> Iterator[Contest]:
    warnings.simplefilter("ignore", ConvergenceWarning)
    for columns, hidden in NETWORKS:
        for method, classes, dtype in CASES:
            ours, theirs = models(columns, hidden, classes, dtype)
            for rows in ROWS:
                if rows * columns > MOST:
                    continue
                x = np.random.default_rng(1).standard_normal((rows, columns)).astype(dtype)
                kind = f"{classes} classes" if classes else "regression"
                task = f"{rows:,} rows, {columns}-{hidden}, {kind}, {dtype}: {method}"
                work = rows * hidden * (columns + classes) + 1e6
                yield Contest(
                    task, PEER, lambda m=ours, f=method, x=x: getattr(m, f)(x),
                    lambda m=theirs, f=method, x=x: getattr(m, f)(x), same, rounds=7,
                    number=max(1, int(ROUND / 20 / work)),
                )  # fmt: skip
