"""Intervals around predictions, as wide as errors on rows that the networks have not seen."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from ...container import Description, damaged
from ...data.moments import standardize
from ...errors import DataError
from ..inputs.blas import one_blas_thread
from ..inputs.rows import pieces
from ..mlp.network import FittedNetwork
from ..serialization.schema import each, fields, finite, positive, whole
from .unseen import Unseen

Floats = NDArray[np.float64]

COVERAGES = (0.5, 0.999)
MAX_ROWS = 4_000  # of which errors are measured; more change widths by less than 1 %
MAX_SCORES = 2_000  # that a model is saved with
MAX_COLUMNS = 100  # features that say how large an error is
MIN_ROWS = 50  # below it, all intervals of a model have one width
FOLDS = 5
FLOOR = 0.1  # of the median error: the logarithm of tiny errors says nothing
CHOSEN = 8  # numbers, about, that the training chose by these rows, so that they err less there
PENALTIES = 10.0 ** np.arange(0.0, 5.1, 0.5)
SAVED = fields({
    "rows": positive, "columns": each(whole(0), most=MAX_COLUMNS), "intercept": finite,
    "ranges": each(each(finite, 2, 2), most=MAX_COLUMNS),
    "bounds": each(finite, 2, 2), "coefficients": each(finite, 3, MAX_COLUMNS + 3),
    "scores": each(finite, 1, MAX_SCORES),
})  # fmt: skip


@dataclass(frozen=True)
class ErrorSize:
    """How large an error is to be expected, in the scale in which a network predicts.

    Its logarithm is linear in the prediction, its square, its absolute value and some features.
    A feature beyond those that it was learned from counts as the last of them: nothing is known of
    errors out there.
    """

    columns: tuple[int, ...]
    ranges: Floats  # the smallest and the largest of each feature, shape (2, columns)
    coefficients: Floats
    intercept: float
    bounds: tuple[float, float]

    def __call__(self, x: Any, predictions: Floats) -> Floats:
        """The expected size for each row, above 0."""
        inputs = _inputs(np.clip(x[:, list(self.columns)], *self.ranges), predictions)
        return np.asarray(np.exp(np.clip(
            inputs @ self.coefficients + self.intercept, *self.bounds
        )))  # fmt: skip

    @classmethod
    def learn(cls, x: Any, predictions: Floats, errors: Floats) -> ErrorSize:
        """Fit it to the absolute errors of rows."""
        size = np.log(errors + max(FLOOR * float(np.median(errors)), 1e-12))
        if len(errors) < MIN_ROWS:
            middle = float(size.mean())
            return cls((), np.zeros((2, 0)), np.zeros(3), middle, (middle, middle))
        columns = _telling(x, size)
        inputs = _inputs(x[:, columns], predictions)
        with one_blas_thread:
            line = make_pipeline(StandardScaler(), RidgeCV(PENALTIES)).fit(inputs, size)
            fitted = line.predict(inputs)
        scaler, ridge = line.steps[0][1], line.steps[1][1]
        coefficients = ridge.coef_ / scaler.scale_
        intercept = float(ridge.intercept_ - coefficients @ scaler.mean_)
        low, high = np.quantile(fitted, (0.01, 0.99))
        ranges = np.stack([x[:, columns].min(axis=0), x[:, columns].max(axis=0)]).astype(np.float64)
        bounds = (float(low), float(high))
        return cls(tuple(columns.tolist()), ranges, coefficients, intercept, bounds)


def _inputs(x: Any, predictions: Floats) -> Floats:
    return np.column_stack([predictions, predictions**2, np.abs(predictions), x])


def _telling(x: Any, size: Floats) -> Any:
    """The features that go most with the size of the error."""
    if x.shape[1] <= MAX_COLUMNS:
        return np.arange(x.shape[1])
    centered = x - x.mean(axis=0)
    spread = np.sqrt(np.square(centered).sum(axis=0))
    with one_blas_thread:
        together = np.abs((size - size.mean()) @ centered) / np.where(spread > 0, spread, np.inf)
    return np.sort(np.argsort(-together, kind="stable")[:MAX_COLUMNS])


@dataclass(frozen=True)
class Conformal:
    """What intervals are made from: errors on unseen rows, in units of their expected size.

    Attributes
    ----------
    error_size : ErrorSize
    scores : array of float64, shape (at most `MAX_SCORES`,)
        Quantiles of ``error / error_size``, in order, the last being the largest.
    rows : float
        How many rows they are of; of weighted rows, how many equal ones are as informative.
    """

    error_size: ErrorSize
    scores: Floats
    rows: float

    @classmethod
    def learn(cls, x: Any, predictions: Floats, errors: Floats, weights: Floats) -> Conformal:
        """Learn from rows that were predicted unseen.

        The size of a row's error is learned from the other folds, so that scores are those of new
        rows.

        Parameters
        ----------
        x : array, shape (rows, features)
        predictions, errors, weights : array of float64, shape (rows,)
            Errors are absolute.
        """
        order = np.random.default_rng(0).permutation(len(x))
        expected = np.empty(len(x))
        for fold in range(FOLDS if len(x) >= MIN_ROWS else 0):
            inside = order[fold::FOLDS]
            others = np.delete(order, np.s_[fold::FOLDS])
            size = ErrorSize.learn(x[others], predictions[others], errors[others])
            expected[inside] = size(x[inside], predictions[inside])
        size = ErrorSize.learn(x, predictions, errors)
        if len(x) < MIN_ROWS:
            expected = size(x, predictions)
        rows = float(weights.sum() ** 2 / np.square(weights).sum())  # L. Kish, 1965
        return cls(size, _quantiles(errors / expected, weights), rows)

    def widths(self, x: Any, predictions: Floats, coverage: float) -> Floats:
        """Half of the width of each interval, in the scale of the predictions."""
        level = np.ceil((self.rows + 1) * coverage) / self.rows
        if level > 1.0:
            raise DataError(
                f"an interval of {coverage:g} needs {np.ceil(coverage / (1 - coverage)):.0f} rows "
                f"that a network has not seen, and the model had {self.rows:.0f}: ask for less, at "
                f"most {np.floor(1e3 * self.rows / (self.rows + 1)) / 1e3:g}, or train on more rows"
            )
        position = int(np.ceil(level * len(self.scores) - 1e-9)) - 1
        return np.asarray(self.scores[position] * self.error_size(x, predictions))

    def to_json(self) -> Description:
        """Plain JSON values."""
        size = self.error_size
        return {
            "rows": self.rows, "columns": list(size.columns), "intercept": size.intercept,
            "ranges": size.ranges.T.tolist(),
            "bounds": list(size.bounds), "coefficients": size.coefficients.tolist(),
            "scores": self.scores.tolist(),
        }  # fmt: skip

    @classmethod
    def from_json(cls, value: Any, n_features: int) -> Conformal:
        """That of `to_json`; a `ModelFileError` for anything else."""
        checked = SAVED(value, "what intervals are made from")
        columns, scores = checked["columns"], np.array(checked["scores"])
        coefficients, bounds = np.array(checked["coefficients"]), checked["bounds"]
        ranges = np.array(checked["ranges"]).reshape(-1, 2).T
        fits = len(coefficients) == len(columns) + 3 and max(columns, default=0) < n_features
        fits = fits and ranges.shape[1] == len(columns) and bool((ranges[0] <= ranges[1]).all())
        ordered = (np.diff(scores) >= 0).all() and scores[0] >= 0 and bounds[0] <= bounds[1]
        if not fits or not ordered or not -700 < bounds[0] <= bounds[1] < 700:
            raise damaged("what intervals are made from contradicts itself")
        size = ErrorSize(tuple(columns), ranges, coefficients, checked["intercept"], tuple(bounds))
        return cls(size, scores, checked["rows"])


def _quantiles(scores: Floats, weights: Floats) -> Floats:
    """At most `MAX_SCORES` quantiles at equal steps, each a score, the last one the largest."""
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    count = min(len(scores), MAX_SCORES)
    levels = np.arange(1, count + 1) / count
    positions = np.searchsorted(reached, levels - 1e-9)
    return np.asarray(scores[order][np.minimum(positions, len(scores) - 1)])


def check_coverage(coverage: Any, name: str = "coverage=") -> None:
    """Raise a `DataError` if a coverage is no number in the range."""
    if not isinstance(coverage, Real) or not COVERAGES[0] <= float(coverage) <= COVERAGES[1]:
        raise DataError(
            f"{name}{coverage!r:.40}: give a share between {COVERAGES[0]:g} and {COVERAGES[1]:g}, "
            "such as 0.9"
        )


# What a regressor of tables inherits


class _Regressor(Protocol):
    network_: Any
    conformal_: Conformal | None
    range_: tuple[float, float]
    center_: float
    spread_: float

    def _inputs(self, X: Any) -> Any: ...
    def in_units(self, scaled: Floats) -> Floats: ...


class PredictsIntervals:
    """Intervals for a regressor of tables."""

    def _calibrate(self: _Regressor, unseen: Unseen | None) -> None:
        """Learn from rows that members have not seen."""
        self.conformal_ = None
        if unseen is None:
            return
        unseen = unseen.part(np.unique(np.linspace(0, len(unseen.x) - 1, MAX_ROWS).astype(int)))
        x = unseen.x
        by_member = unseen.weights.reshape(len(x), -1).astype(np.float64)
        network, ends = self.network_.fitted_network, _scaled_ends(self)
        predictions, errors = _unseen_errors(network, unseen, by_member, ends)
        if np.isfinite(errors).all():
            errors *= 1.0 + CHOSEN / len(x)
            rows_weights = by_member.max(axis=1)
            self.conformal_ = Conformal.learn(x, predictions, errors, rows_weights)

    def predict_interval(self: _Regressor, X: Any, coverage: float = 0.9) -> tuple[Floats, Floats]:
        """The range in which the target of each row lies with a given probability.

        Errors on the rows that members of the ensemble have not seen say how wide it must be
        (conformal prediction: true of new rows that come as those of the training did, whatever
        the network is worth). Rows that are harder to predict have wider intervals. Like
        predictions, the ends stay within the range of the training's targets.

        Parameters
        ----------
        X : DataFrame or array
        coverage : float
            Share of new rows whose target is inside, 0.5 to 0.999. Default 0.9.

        Returns
        -------
        lower, upper : array of float64, shape (n_samples,)

        Raises
        ------
        DataError
            If the model has too few rows for this coverage, or none (fewer than 50 were trained on,
            or ``validation_fraction=0``).

        References
        ----------
        R. Barber, E. Candès, A. Ramdas, R. Tibshirani: "Predictive inference with the jackknife+",
        arXiv:1905.02928 (2021); B. Kim, C. Xu, R. Barber: "Predictive inference is free with the
        jackknife+-after-bootstrap", arXiv:2002.09025 (2020), for errors by the members that have
        not seen a row; H. Papadopoulos, V. Vovk, A. Gammerman: "Regression conformal prediction
        with nearest neighbours", JAIR 40 (2011), for errors in units of their expected size.

        Examples
        --------
        >>> import numpy as np
        >>> from chainrule import TabularRegressor
        >>> rng = np.random.default_rng(0)
        >>> x = rng.uniform(-1.0, 1.0, (400, 1))
        >>> y = x[:, 0] + rng.normal(0.0, 0.1, 400)
        >>> model = TabularRegressor(max_iter=10, random_state=0, progress=False).fit(x, y)
        >>> lower, upper = model.predict_interval(x, coverage=0.9)
        >>> bool((lower < upper).all()), bool(0.85 < np.mean((lower <= y) & (y <= upper)) < 0.97)
        (True, True)
        """
        check_coverage(coverage)
        x = self._inputs(X)
        conformal = getattr(self, "conformal_", None)
        if conformal is None:
            raise DataError(
                "the model has no rows to make intervals from, which its networks have not seen: "
                "train it on 50 rows or more, without validation_fraction=0 (and again, if an "
                "older version of chainrule saved it)"
            )
        predictions = np.clip(self.network_.predict(x).astype(np.float64), *_scaled_ends(self))
        parts = [
            conformal.widths(part, predictions[rows], float(coverage))
            for rows, part in pieces(x, 1)
        ]
        half = np.concatenate(parts)
        return self.in_units(predictions - half), self.in_units(predictions + half)


def _scaled_ends(model: _Regressor) -> tuple[float, float]:
    """The range of the training's targets, in the scale in which the network predicts."""
    low, high = standardize(np.array(model.range_), model.center_, model.spread_)
    return float(low), float(high)


def _unseen_errors(
    network: FittedNetwork, rows: Unseen, weights: Floats, ends: tuple[float, float]
) -> tuple[Floats, Floats]:
    """Predictions of rows by the members that have not seen them, and absolute errors.

    Few members err more than all of them do: with ``v`` the variance between members on rows that
    two or more have not seen, errors of ``k`` members are scaled from ``b + v / k`` to that of all.
    """
    alone = network.without_process()
    parts = [_of_members(alone, part) for _, part in pieces(rows.x, 1, network.rows_at_a_time)]
    outputs = rows.blended(np.concatenate(parts, axis=1).astype(np.float64), rows.x)
    targets = rows.targets.reshape(-1).astype(np.float64)
    unseen = (weights > 0).T
    count = unseen.sum(axis=0)
    means = np.where(unseen, outputs, 0.0).sum(axis=0) / count
    predictions = np.clip(means, *ends)
    errors = np.abs(targets - predictions)
    several = count >= 2
    if len(outputs) == 1 or several.sum() < 20:
        return predictions, errors
    deviations = np.where(unseen, outputs - means, 0.0)[:, several]
    v = float(np.mean(np.square(deviations).sum(axis=0) / (count[several] - 1)))
    total = float(np.mean(errors**2))
    common = max(total - v * float(np.mean(1 / count)), 0.05 * total)
    scale = np.sqrt((common + v / len(outputs)) / (common + v / count))
    return predictions, errors * scale


def _of_members(network: FittedNetwork, x: Any) -> Any:
    """What each member predicts, shape (members, rows)."""
    raw = np.asarray(network.raw_outputs(x))
    raw = raw[None] if raw.ndim == 2 else raw
    return np.stack([network.perceptron.activate(member)[:, 0] for member in raw])
