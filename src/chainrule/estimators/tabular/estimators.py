"""`TabularClassifier` and `TabularRegressor`: tables as they are, sound results without tuning."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from numbers import Integral
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d

from ...data.moments import mean_and_deviation, standardize
from ...errors import DataError
from ..inputs.targets import (
    ScoredByAccuracy,
    ScoredByR2,
    one_column,
    plain_labels,
    plain_targets,
    r2,
)
from ..inputs.weights import check_class_weight, in_range, times
from ..mlp.estimators import MLPClassifier, MLPRegressor
from ..mlp.objectives import REGRESSION_LOSSES, regression_loss
from ..mlp.settings import TABULAR_CONSTRAINTS
from ..sklearn_private import Interval, StrOptions, check_y
from .base import Tabular
from .defaults import DEFAULTS, HIDDEN_LAYERS, MOST_PROCESS_ROWS
from .intervals import PredictsIntervals
from .temperature import MAX_ROWS, temperature_of, with_temperature


@dataclass(eq=False, repr=False, match_args=False)
class TabularClassifier(ScoredByAccuracy, ClassifierMixin, Tabular):  # type: ignore[misc]
    """A classifier for tables with mixed columns: `fit` on a DataFrame, with no tuning.

    Text is one-hot encoded, numbers are standardised and embedded piecewise linearly, dates become
    numbers, empty cells are filled and marked. The network is an ensemble of perceptrons trained
    at once with AdamW, a cosine rate, dropout and running means of the weights; the weights that
    do best on held-out rows are kept.

    Parameters
    ----------
    hidden_layer_sizes : int, sequence of int, or None
        None: (64, 64), of a regressor (128, 128, 128).
    n_members : int or None
        Networks whose answers are averaged. None: 8 up to 1,000 rows (of a regressor 4), 4 up to
        20,000, else 2; fewer above 500 features. More are better, and take longer.
    numeric_embedding : {"piecewise", "periodic"} or None
        Of columns with more than ten different numbers, if there are no more than 500 of them.
        Default "piecewise".
    dropout, learning_rate_init, weight_decay, ema : float
        See `MLPClassifier`. Default 0.1, 0.01, 0.02, 0.998.
    batch_size : int or None
        None: about a 32nd of the rows, between 32 and 256.
    max_iter : int or None
        Epochs at most. None: 15 (of a regressor 32, and 12 beside a Gaussian process), more for
        small tables and fewer for large ones.
    n_iter_no_change : int or None
        Training ends after more than so many epochs without a better score (below 1,000 rows: a
        smaller loss) on the rows held out. None: a quarter of `max_iter`, 5 at least.
    validation_fraction : float or None
        Of the rows, which a member does not see, to choose the epoch by. None: 0.1, 0.2 below
        1,000 rows, 0 below 50 (where all rows make a step, without dropout and embedding); above
        200,000 rows it is 20,000 rows.
    categorical_features : collection of str
        Names of columns of numbers to treat as text; of an array they are x0, x1, ....
    column_kinds : mapping of str to str, or None
        What columns hold, where their cells do not tell: "number", "date", "time", "duration",
        "text", or "ignore" to leave one out. `features_.readings` says what each was taken for.
    class_weight : dict, "balanced" or None
    label_smoothing : float
        Default 0.
    random_state, callbacks, checkpoint, checkpoint_interval, n_threads, progress, verbose
        See `MLPClassifier`: `progress` shows a bar on a terminal, `verbose` prints a line an epoch
        instead.

    Attributes
    ----------
    classes_ : array
    features_ : Features
        How columns become numbers.
    network_ : MLPClassifier
        Trained on these numbers.
    temperature_ : float
        The number that the logits were divided by, chosen on the rows held out, so that
        probabilities are no surer than they may be (Guo et al., arXiv:1706.04599, 2017).
    history_ : list of dict
        A row an epoch.
    feature_importances_ : array of shape (n_features_in_,)
        How much the accuracy on held-out rows falls when a column is shuffled (L. Breiman: "Random
        forests", 2001); `importances_` has the standard deviations as well. Of more than 100
        columns, those 100 are shuffled along which the gradient says most; the others have 0.

    References
    ----------
    D. Holzmüller et al.: "Better by default: strong pre-tuned MLPs and boosted trees on tabular
    data", arXiv:2407.04491 (2024), for what matters on tables; Y. Gorishniy et al.: "On embeddings
    for numerical features in tabular deep learning", arXiv:2203.05556 (2022); "TabM: advancing
    tabular deep learning with parameter-efficient ensembling", arXiv:2410.24210 (2024), for
    ensembles that are trained at once.

    Examples
    --------
    >>> from chainrule.data import read_table
    >>> table = read_table("iris").frame
    >>> model = TabularClassifier(max_iter=30, random_state=0)
    >>> x, y = table.drop(columns="species"), table["species"]
    >>> model.fit(x, y).predict(x[:1]).tolist()
    ['setosa']
    """

    hidden_layer_sizes: Sequence[int] | None = DEFAULTS.hidden_layer_sizes
    _: KW_ONLY
    class_weight: Any = None
    label_smoothing: float = DEFAULTS.label_smoothing

    network_class = MLPClassifier
    _hidden_layers = HIDDEN_LAYERS["classification"]
    _epochs, _steps = 15, 300  # classes are told apart long before numbers are exact
    _most_members = 8

    def _checked_targets(self, y: Any, rows: int) -> Any:
        if y is None:
            check_y(y, estimator=self)  # says so as scikit-learn does
        y = plain_labels(one_column(y))
        if y.dtype.kind == "f":
            check_y(y, estimator=self)  # no infinite one
        check_classification_targets(y)
        return _one_a_row(y, rows)

    def _learn_targets(self, y: Any, weights: Any) -> tuple[Any, Any]:
        encoder = LabelEncoder().fit(y)
        self.classes_ = encoder.classes_
        if len(self.classes_) < 2:
            raise DataError(
                f"y holds one class only, {str(self.classes_[0])!r}: there is nothing to tell apart"
            )
        check_class_weight(self.class_weight)
        if self.class_weight is None:
            return encoder.transform(y), weights
        of_class = compute_sample_weight(self.class_weight, y)
        return encoder.transform(y), in_range(times(weights, of_class), np.float32)

    def _strata(self, targets: Any, n_validation: int) -> Any:
        counts = np.bincount(targets)
        return targets if n_validation >= len(counts) and counts.min() >= 2 else None

    def _of_known_classes(self, targets: Any, rows: Any) -> Any:
        return rows[np.isin(targets[rows], np.delete(targets, rows))]  # a class may be rare

    def _calibrate(self, unseen: Any) -> None:
        """Choose a temperature by rows that members have not seen; of two classes, keep answers.

        By these a threshold can be chosen; a model file has none of it.
        """
        self.unseen_answers_, self.temperature_ = None, 1.0
        if unseen is None:
            return
        some = np.unique(np.linspace(0, len(unseen.targets) - 1, MAX_ROWS).astype(int))
        part = unseen.part(some) if len(some) < len(unseen.targets) else unseen
        network = self.network_.fitted_network
        self.temperature_ = temperature_of(
            part.outputs(network, part.x), np.ravel(part.targets).astype(int), part.row_weights
        )
        self.network_.fitted_network = network = with_temperature(network, self.temperature_)
        if len(self.classes_) == 2:
            outputs = unseen.outputs(network, unseen.x)
            self.unseen_answers_ = unseen.targets, np.asarray(outputs[:, -1], np.float64)

    def _network_settings(self) -> dict[str, Any]:
        return {"label_smoothing": self.label_smoothing}

    def _predictions(self, outputs: Any) -> Any:
        return np.argmax(outputs, axis=1) if outputs.shape[1] > 1 else outputs[:, 0] > 0.5

    def _score(self, predictions: Any, targets: Any, weights: Any) -> float:
        return float(np.average(predictions == targets, weights=weights))

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each row, shape (n_samples,)."""
        x = self._inputs(X)
        return np.asarray(self.classes_[self.network_.predict_codes(x)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class for each row, shape (n_samples, n_classes)."""
        x = self._inputs(X)
        return np.asarray(self.network_.predict_proba(x), np.float64)


@dataclass(eq=False, repr=False, match_args=False)
class TabularRegressor(
    PredictsIntervals,
    ScoredByR2,
    RegressorMixin,  # type: ignore[misc]
    Tabular,
):
    """A regressor for tables with mixed columns; see `TabularClassifier` for what it does.

    Targets are standardised, and predictions stay within the range of those of the training. On
    tables of up to 6,000 rows a Gaussian process is fitted as well, in closed form, and answers
    with the network: it is ahead on smooth functions, and where rows have near neighbours.

    Parameters
    ----------
    loss : str or callable
        See `MLPRegressor`. Default "squared_error".
    gaussian_process_rows : int
        Up to so many rows a Gaussian process answers with the network, where the loss is
        "squared_error" and rows are held out: their weighted mean is the prediction, and the weight
        is the one that does best on rows that neither has seen. It knows the features of all rows
        of the training, and so does a file of the model. 0: the network alone. Default 6,000.
    target_transform : {"log"} or None
        "log": the network learns the logarithm of the target, of ``y + 1`` where some are 0. It
        suits numbers above 0 that go over orders of magnitude and whose errors matter in per cent;
        a prediction is then the median rather than the mean. Default None.
    hidden_layer_sizes, n_members, numeric_embedding, dropout, learning_rate_init, weight_decay, ema
        See `TabularClassifier`.
    batch_size, max_iter, n_iter_no_change, validation_fraction, categorical_features, column_kinds
        See `TabularClassifier`.
    random_state, callbacks, checkpoint, checkpoint_interval, n_threads, progress, verbose
        See `MLPClassifier`.

    Attributes
    ----------
    center_, spread_, range_ : float, float, (float, float)
        Of the targets: the prediction is ``output * spread_ + center_``, within the range. Of
        their logarithms, if these are learned.
    log_offset_ : float or None
        What is added to a target before its logarithm is taken; None if none is.
    features_, network_, history_, feature_importances_, importances_
        See `TabularClassifier`; importances are by R2.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams: "Gaussian processes for machine learning" (2006), chapters
    2, 4 and 5.

    Examples
    --------
    >>> from chainrule.data import read_table
    >>> table = read_table("diabetes").frame
    >>> x, y = table.drop(columns="progression"), table["progression"]
    >>> TabularRegressor(max_iter=20, random_state=0).fit(x, y).score(x, y) > 0.4
    True
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **TABULAR_CONSTRAINTS,
        "loss": [StrOptions(set(REGRESSION_LOSSES)), callable],
        "gaussian_process_rows": [Interval(Integral, 0, MOST_PROCESS_ROWS, closed="both")],
        "target_transform": [StrOptions({"log"}), None],
    }

    loss: Any = DEFAULTS.loss
    hidden_layer_sizes: Sequence[int] | None = DEFAULTS.hidden_layer_sizes

    _: KW_ONLY
    gaussian_process_rows: int = DEFAULTS.gaussian_process_rows
    target_transform: str | None = None

    network_class = MLPRegressor
    _hidden_layers = HIDDEN_LAYERS["regression"]
    _epochs, _steps = 32, 500
    _most_members = 4  # on small tables a process answers with them

    def _checked_targets(self, y: Any, rows: int) -> Any:
        y = plain_targets(y)
        y = column_or_1d(check_y(y, y_numeric=True, estimator=self), warn=True)
        return _one_a_row(y.astype(np.float64), rows)

    def _learn_targets(self, y: Any, weights: Any) -> tuple[Any, Any]:
        scaled = regression_loss(self.loss).of_residuals
        self.log_offset_ = None
        if self.target_transform is not None:
            if not scaled:
                raise DataError(
                    f"target_transform='log' goes with a loss of differences, such as "
                    f"'squared_error', and loss={self.loss!r:.40} takes targets as they are"
                )
            self.log_offset_ = _log_offset(y)
            y = np.log(y + self.log_offset_)
        self.center_, self.spread_ = 0.0, 1.0
        if scaled:
            self.center_, deviation = mean_and_deviation(y, weights)
            self.spread_ = deviation or 1.0
        self.range_ = (float(np.min(y)), float(np.max(y)))
        with np.errstate(over="ignore", under="ignore"):
            targets = standardize(y, self.center_, self.spread_).astype(np.float32)
        if not scaled and not (np.isfinite(targets) & ((targets != 0) | (y == 0))).all():
            raise DataError(
                f"loss={self.loss!r:.40} takes targets as they are, in float32, and y goes from "
                f"{self.range_[0]:g} to {self.range_[1]:g}: multiply them, so that they come near 1"
            )
        return targets, weights

    def _network_settings(self) -> dict[str, Any]:
        return {"loss": self.loss}

    def _wants_process(self, rows: int) -> bool:
        return self.loss == "squared_error" and rows <= self.gaussian_process_rows

    def _predictions(self, outputs: Any) -> Any:
        return outputs[:, 0]

    def _score(self, predictions: Any, targets: Any, weights: Any) -> float:
        return r2(targets, predictions, weights)

    def predict(self, X: Any) -> NDArray[Any]:
        """The number that each row gets, shape (n_samples,)."""
        x = self._inputs(X)
        return np.asarray(self.in_units(self.network_.predict(x).astype(np.float64)))

    def in_units(self, scaled: Any) -> Any:
        """What the network predicts, in the units of the target and within its range."""
        with np.errstate(over="ignore"):  # beyond the range, which ends at finite numbers
            values = np.clip(scaled * self.spread_ + self.center_, *self.range_)
        offset = getattr(self, "log_offset_", None)  # of pickles of older versions there is none
        return values if offset is None else np.exp(values) - offset


def _log_offset(y: Any) -> float:
    """What is added to targets before their logarithm: 0, or 1 where some are 0."""
    lowest = float(np.min(y))
    if lowest < 0:
        raise DataError(
            f"y goes down to {lowest:g}, and a number below 0 has no logarithm: leave out "
            "target_transform='log' (--log)"
        )
    return 0.0 if lowest > 0 else 1.0


def _one_a_row(y: Any, rows: int) -> Any:
    """Check that there is a target for each row, and return them."""
    if len(y) != rows:
        raise DataError(f"X has {rows} rows and y {len(y)}: inconsistent numbers of samples")
    return y
