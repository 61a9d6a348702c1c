"""What is learned, on data not seen: the drop-in perceptrons and scikit-learn's, on real tables.

Both get the same rows, settings and random states. That ours are no worse is the point of the
table; that the differences are nearly 0 follows from equal weights but for rounding.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import sklearn.neural_network
from sklearn import datasets
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.exceptions import ConvergenceWarning
from sklearn.impute import SimpleImputer
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from threadpoolctl import threadpool_limits

import chainrule

from .results import Kind
from .tabular_sets import DATA, SETS

SPLITS = 5
MOST = 5000  # rows of a set that are used
NOISE = 2.0  # standard errors
KIND = Kind(
    "What is learned",
    (
        "Accuracy (classes) or R2 (numbers) on the quarter of the rows that was held out: mean and",
        f"standard deviation of {SPLITS} splits. `MLPClassifier` and `MLPRegressor` of both, with",
        "the same settings (the defaults but for the solver), rows and `random_state`, behind the",
        "same scaling and one-hot encoding. Largest: the largest difference on one split. Within",
        f"noise: the difference of the means is at most {NOISE:g} standard errors, as the splits",
        "scatter. `python -m bench estimator_parity` measures it.",
    ),
    ("data", "rows x columns", "score", "solver", "chainrule", "scikit-learn", "difference",
     "largest", "within noise"),
)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A set of data, and how it is learned.

    Attributes
    ----------
    name : str
    read : callable
        Returns the columns and the target.
    classes : bool
        Whether the target holds classes.
    settings : dict
        Of the estimators, where they are not the defaults.
    scaled : bool
        Whether columns are scaled; pixels are not.
    """

    name: str
    read: Callable[[], tuple[Any, Any]]
    classes: bool
    settings: dict[str, Any] = field(default_factory=dict)
    scaled: bool = True


def bundled(name: str, classes: bool, **settings: Any) -> Case:
    """A set that comes with scikit-learn."""
    load = getattr(datasets, f"load_{name}")
    return Case(name, partial(load, return_X_y=True, as_frame=True), classes, settings)


def table(name: str, **settings: Any) -> Case:
    """One of `SETS`, or some rows of it."""
    return Case(name, partial(_some, SETS[name].read), SETS[name].classes, settings)


def _some(read: Callable[[], tuple[Any, Any]]) -> tuple[Any, Any]:
    """At most so many rows, and no dates: as text they would be a column for each day."""
    x, y = read()
    if len(y) > MOST:
        kept = np.random.default_rng(0).permutation(len(y))[:MOST]
        x, y = x.iloc[kept], y[kept]
    return x.drop(columns="dteday", errors="ignore"), y


def digits() -> tuple[Any, Any]:
    x, y = datasets.load_digits(return_X_y=True)
    return x / 16, y


def mnist() -> tuple[Any, Any]:
    """The first rows, in float32."""
    with np.load(DATA / "image" / "mnist.npz") as held:
        x = held["x_train"][:MOST].reshape(-1, 784) / np.float32(255)
        return x, held["y_train"][:MOST]


def cases() -> Iterator[Case]:
    yield bundled("iris", True)
    yield bundled("wine", True)
    yield bundled("breast_cancer", True, solver="lbfgs")
    yield Case("digits", digits, True, scaled=False)
    yield bundled("diabetes", False)
    if not DATA.exists():
        print(f"there is no {DATA}: its sets are left out", file=sys.stderr)
        return
    yield table("penguins", solver="sgd")
    for name in ("titanic", "german_credit", "adult", "wine_quality", "california", "diamonds",
                 "bike_hour"):  # fmt: skip
        yield table(name)
    yield Case("mnist, float32", mnist, True, scaled=False)


def model(case: Case, library: Any, seed: int) -> Any:
    """The estimator of a library, behind what prepares columns and target."""
    if case.classes:
        learner = library.MLPClassifier(random_state=seed, **case.settings)
    else:
        learner = library.MLPRegressor(random_state=seed, **case.settings)
        learner = TransformedTargetRegressor(learner, transformer=StandardScaler())
    if not case.scaled:
        return learner
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    words = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=5)
    columns = ColumnTransformer(
        [
            ("numbers", numbers, make_column_selector(dtype_include="number")),
            ("words", words, make_column_selector(dtype_exclude="number")),
        ],
        sparse_threshold=0.0,
    )
    return make_pipeline(columns, learner)


def scores(case: Case, x: Any, y: Any, library: Any) -> Any:
    """On the held-out rows of each split."""
    made = []
    for seed in range(SPLITS):
        parts = train_test_split(x, y, random_state=seed, stratify=y if case.classes else None)
        x_train, x_test, y_train, y_test = parts
        fitted = model(case, library, seed).fit(x_train, y_train)
        made.append(fitted.score(x_test, y_test))
    return np.array(made)


def rows() -> Iterator[tuple[str, ...]]:
    # 200 epochs are often not enough to converge; both take as many
    warnings.simplefilter("ignore", ConvergenceWarning)
    for case in cases():
        x, y = case.read()
        with threadpool_limits(1, user_api="blas"):  # two are 20 times as slow on a busy machine
            ours = scores(case, x, y, chainrule)
            theirs = scores(case, x, y, sklearn.neural_network)
        difference = np.mean(ours) - np.mean(theirs)
        error = np.sqrt((np.var(ours, ddof=1) + np.var(theirs, ddof=1)) / SPLITS)
        yield (
            case.name, f"{x.shape[0]:,} x {x.shape[1]}", "accuracy" if case.classes else "R2",
            case.settings.get("solver", "adam"), _shown(ours), _shown(theirs),
            f"{round(difference, 4) + 0.0:+.4f}", f"{np.max(np.abs(ours - theirs)):.4f}",
            "yes" if abs(difference) <= NOISE * error else "no",
        )  # fmt: skip


def _shown(values: Any) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"
