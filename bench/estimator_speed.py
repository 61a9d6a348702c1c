"""The drop-in perceptrons beside scikit-learn's: the same rows, settings and random state."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import sklearn.neural_network
from joblib.externals.loky import get_reusable_executor
from sklearn.datasets import load_breast_cancer, load_digits, make_friedman1
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler
from threadpoolctl import ThreadpoolController

import chainrule

from .harness import Contest
from .tabular_sets import DATA

PEER = "scikit-learn"
LIBRARIES = (chainrule, sklearn.neural_network)
THREADS = ThreadpoolController()  # looks for libraries once, which takes longer than a fit
WARM = 0.05
EPOCHS = 30  # of the digits; more for cross-validation, as its users would take
FOLD_EPOCHS = 60
ALL_EPOCHS = {"n_iter_no_change": 10**6, "random_state": 0}  # neither stops before the other
DIGITS = {"hidden_layer_sizes": (100,), "batch_size": 200, **ALL_EPOCHS}


@dataclass(frozen=True)
class Fit:
    """A training that both do, from the same random state.

    Attributes
    ----------
    task : str
    estimator : str
        The name of the class.
    x, y : array
    settings : dict
    same : callable
        ``same(our model, their model, x)`` raises if they did not learn the same.
    rounds : int
    warm : float
    alone : bool
        Whether there is a contest more, in which the peer's BLAS has one thread: where a step is
        short, its best, and what a user would have to know.
    """

    task: str
    estimator: str
    x: Any
    y: Any
    settings: dict[str, Any]
    same: Callable[[Any, Any, Any], None]
    rounds: int
    warm: float = WARM
    alone: bool = True

    def by(self, library: Any) -> Any:
        """The fitted model of a library."""
        return getattr(library, self.estimator)(**self.settings).fit(self.x, self.y)

    def by_one_thread(self) -> Any:
        with THREADS.limit(limits=1, user_api="blas"):
            return self.by(sklearn.neural_network)

    def contests(self) -> Iterator[Contest]:
        ours, theirs = (partial(self.by, library) for library in LIBRARIES)
        for peer, fit in ((PEER, theirs), (f"{PEER}, 1 thread", self.by_one_thread)):
            if fit is theirs or self.alone:
                yield Contest(self.task, peer, ours, fit, lambda a, b: self.same(a, b, self.x),
                              self.rounds, warm=self.warm)  # fmt: skip


def same_weights(a: Any, b: Any, _: Any) -> None:
    """In float64: equal but for rounding, after as many epochs."""
    assert a.n_iter_ == b.n_iter_, (a.n_iter_, b.n_iter_)
    for mine, theirs in zip(a.coefs_ + a.intercepts_, b.coefs_ + b.intercepts_, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=1e-7, atol=1e-9)


def same_learning(a: Any, b: Any, x: Any) -> None:
    """In float32, where single flips of a relu spread: the losses, and what is answered."""
    assert a.coefs_[0].dtype == b.coefs_[0].dtype == np.float32
    np.testing.assert_allclose(a.loss_curve_, b.loss_curve_, rtol=2e-3)
    mine, theirs = a.predict(x), b.predict(x)
    if hasattr(a, "classes_"):
        assert np.mean(mine == theirs) > 0.99, float(np.mean(mine == theirs))
    else:
        distance = np.quantile(np.abs(mine - theirs), 0.99)
        assert distance < 0.02 * np.std(theirs), float(distance)


def digits() -> tuple[Any, Any]:
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def mnist() -> tuple[str, Any, Any]:
    """The handwritten digits, or random ones of that shape; and their name."""
    place = DATA / "image" / "mnist.npz"
    if not place.exists():
        rng = np.random.default_rng(0)
        return "random", rng.random((60_000, 784), np.float32), rng.integers(10, size=60_000)
    with np.load(place) as held:
        return "MNIST", held["x_train"].reshape(-1, 784) / np.float32(255), held["y_train"]


def fits() -> Iterator[Fit]:
    """The trainings, from small to large, then L-BFGS."""
    x, y = digits()
    for dtype in ("float32", "float64"):
        same = same_learning if dtype == "float32" else same_weights
        yield Fit(f"digits, 64-100-10, batch 200, {EPOCHS} epochs, {dtype}", "MLPClassifier",
                  x.astype(dtype), y, {**DIGITS, "max_iter": EPOCHS}, same, 9)  # fmt: skip
    x, y = make_friedman1(20_000, 30, noise=1.0, random_state=0)
    y = (y - y.mean()) / y.std()
    settings = {"hidden_layer_sizes": (64, 64), "batch_size": 64, "max_iter": 3, **ALL_EPOCHS}
    for dtype in ("float32", "float64"):
        same = same_learning if dtype == "float32" else same_weights
        yield Fit(f"20,000 x 30, 64-64, batch 64, 3 epochs, {dtype}", "MLPRegressor",
                  x.astype(dtype), y.astype(dtype), settings, same, 9)  # fmt: skip
    name, x, y = mnist()
    settings = {"hidden_layer_sizes": (256, 128), "batch_size": 128, "max_iter": 1, **ALL_EPOCHS}
    yield Fit(f"{name}, 60,000 x 784, 256-128, batch 128, 1 epoch, float32", "MLPClassifier",
              x, y, settings, same_learning, rounds=5, warm=0.0, alone=False)  # fmt: skip
    x, y = load_breast_cancer(return_X_y=True)
    yield Fit("breast cancer, 30-100-1, L-BFGS, float64", "MLPClassifier",
              StandardScaler().fit_transform(x), y, {"solver": "lbfgs", "random_state": 0},
              same_weights, 9)  # fmt: skip


def answers() -> Iterator[Contest]:
    """One row through the network of the digits, whose rows and weights are float64."""
    x, y = digits()
    settings = {**DIGITS, "max_iter": EPOCHS}
    ours, theirs = (library.MLPClassifier(**settings).fit(x, y) for library in LIBRARIES)
    row = x[:1]
    compiled, bare = ours.compile_predict(), x[0].copy()

    def equal(a: Any, b: Any) -> None:
        np.testing.assert_allclose(np.ravel(a), np.ravel(b), rtol=1e-7, atol=1e-9)

    yield Contest(
        "digits, predict of one row", PEER, lambda: ours.predict(row),
        lambda: theirs.predict(row), np.testing.assert_array_equal, number=500,
    )  # fmt: skip
    yield Contest(
        "digits, predict_proba of one row", PEER, lambda: ours.predict_proba(row),
        lambda: theirs.predict_proba(row), equal, number=500,
    )  # fmt: skip
    yield Contest(
        "digits, one row by compile_predict", f"{PEER}'s predict_proba", lambda: compiled(bare),
        lambda: theirs.predict_proba(row), equal, number=500,
    )  # fmt: skip


def folds() -> Iterator[Contest]:
    """Cross-validation in two processes, which the first call starts and which stay."""
    x, y = digits()

    def scores(library: Any, x: Any) -> Any:
        model = library.MLPClassifier(**DIGITS, max_iter=FOLD_EPOCHS)
        return cross_val_score(model, x, y, cv=10, n_jobs=2)

    def same(a: Any, b: Any) -> None:
        """A fold has 180 rows; one or two of them may lie on the border of two classes."""
        np.testing.assert_allclose(a, b, rtol=0, atol=0.012)

    for dtype in ("float32", "float64"):
        ours, theirs = (partial(scores, library, x.astype(dtype)) for library in LIBRARIES)
        yield Contest(f"digits, 10-fold cross_val_score, n_jobs=2, {FOLD_EPOCHS} epochs, {dtype}",
                      PEER, ours, theirs, same, rounds=7)  # fmt: skip
    get_reusable_executor().shutdown()  # a process of a pool ends without doing this by itself


def contests() -> Iterator[Contest]:
    # That `max_iter` ended the training is what is wanted here; processes inherit the filter
    warnings.simplefilter("ignore", ConvergenceWarning)
    for fit in fits():
        yield from fit.contests()
    yield from answers()
    yield from folds()
