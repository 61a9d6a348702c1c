"""What the estimators for tables share: columns to features, a network, and importances."""

from __future__ import annotations

import warnings
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ...data import Features
from ...errors import DataError
from ...lazy import LazyModule
from ..inputs.rows import pieces
from ..inputs.tables import ReadsTables
from ..inputs.weights import in_range, plain_weights
from ..mlp.settings import TABULAR_CONSTRAINTS, layer_sizes
from ..serialization.mixin import SaveMixin
from ..sklearn_private import check_sample_weight
from .defaults import (
    SMALL_TABLE,
    TINY_TABLE,
    TabularSettings,
    batch_size_for,
    epochs_for,
    members_for,
    validation_fraction_for,
)
from .importances import integrated_gradients, permutation

pd = LazyModule("pandas")

Frame: TypeAlias = Any

MAX_IMPORTANCE_ROWS = 2_000  # validation rows from which importances are taken


class Tabular(SaveMixin, ReadsTables, TabularSettings, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: columns to features, a network, and the way back."""

    _parameter_constraints: ClassVar[dict[str, Any]] = TABULAR_CONSTRAINTS
    hidden_layer_sizes: Any
    network_class: ClassVar[Any]
    _epochs: int  # for tables of some thousand rows
    _steps: int  # at least, if there are enough epochs for it

    # Training

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn how columns become numbers, and train a network on them.

        Each member of the ensemble trains without a random tenth of the rows (a fifth below 1,000
        rows; below 50 rows it sees them all). The weights are kept that do best where each row is
        answered by the members that have not seen it; `feature_importances_` is measured there.

        Parameters
        ----------
        X : DataFrame (pandas or polars), or array of shape (n_samples, n_features)
            Columns of numbers, texts, truth values and dates, with empty cells.
        y : array of shape (n_samples,)
            Classes of any kind; numbers to predict.
        sample_weight : array of shape (n_samples,), optional

        Returns
        -------
        TabularClassifier or TabularRegressor
            Itself.

        Raises
        ------
        DataError
            If the table cannot be learned from, with what to do about it.
        """
        self.__dict__.pop("card_", None)  # it told of another training
        self._validate_params()
        frame = self._frame(X, reset=True)
        y = self._checked_targets(y, len(frame))
        weights = plain_weights(sample_weight)
        weights = check_sample_weight(weights, frame, dtype=np.float64)
        counted_rows = weights > 0  # a row without weight is no row
        frame, y, weights = frame[counted_rows], y[counted_rows], weights[counted_rows]
        if len(frame) < 2:
            raise DataError(f"n_samples={len(frame)}: there is nothing to learn from a single row")
        targets, weights = self._learn_targets(y, in_range(weights, np.float32))
        rng = check_random_state(self.random_state)
        held_out = self._hold_out(targets, rng)
        self.features_ = Features.learn(frame, self._categories(frame), weights)
        self.network_ = self._untrained_network(held_out, rng)
        x = self.features_(frame)
        if len(frame) < TINY_TABLE:
            x = x.astype(np.float64)  # it costs nothing, and the order of rows matters less
        train, validation = _split(x, targets, weights, held_out)
        with warnings.catch_warnings():  # all epochs are meant to be used
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network_.fit(*train, validation_data=validation)
        self.history_ = self.epoch_rows()
        self._measure_importances(train if validation is None else validation, rng)
        return self

    def _hold_out(self, targets: Any, rng: Any) -> Any:
        """Draw which rows each member does not see, shape (rows, members)."""
        count, members = len(targets), self.n_members
        if members is None:
            members = members_for(count)
        fraction = self.validation_fraction
        if fraction is None:
            fraction = validation_fraction_for(count)
        held_out = np.zeros((count, members), bool)
        size = round(count * fraction)
        if size < 2 or count - size < 2:
            return held_out
        strata = self._strata(targets, size)
        for member in range(members):
            _, rows = train_test_split(
                np.arange(count), test_size=size, random_state=rng, stratify=strata
            )
            held_out[self._of_known_classes(targets, rows), member] = True
        return held_out

    def _of_known_classes(self, _targets: Any, rows: Any) -> Any:
        """The validation rows whose targets occur among the others."""
        return rows

    def _strata(self, _targets: Any, _n_validation: int) -> Any:
        """The classes that the validation rows have shares of; None if that cannot be."""
        return None

    def _untrained_network(self, held_out: Any, rng: Any) -> Any:
        """The network for a table of which its members do not see some rows."""
        rows, members = held_out.shape
        tiny, validates = rows < TINY_TABLE, bool(held_out.any())
        batch = self.batch_size
        batch = min(batch_size_for(rows) if batch is None else batch, rows)
        epochs = self.max_iter
        if epochs is None:
            epochs = epochs_for(rows, batch, self._epochs, self._steps)
        columns = self.features_.continuous
        embeds = self.numeric_embedding is not None and columns and not tiny
        return self.network_class(
            hidden_layer_sizes=tuple(layer_sizes(self.hidden_layer_sizes)),
            activation="silu", solver="adamw",
            alpha=0.0, batch_size=batch, learning_rate="cosine",
            learning_rate_init=self.learning_rate_init, warmup=0.02, max_iter=epochs,
            beta_2=0.95, clip_norm=1.0, ema=self.ema, dropout=0.0 if tiny else self.dropout,
            weight_decay=self.weight_decay, n_members=members,
            numeric_embedding=self.numeric_embedding if embeds else None,
            numeric_features=list(columns) if embeds else None,
            early_stopping=validates, n_iter_no_change=epochs, tol=0.0,
            monitor="validation_loss" if validates and rows < SMALL_TABLE else "auto",
            random_state=rng.randint(2**31), callbacks=self.callbacks, checkpoint=self.checkpoint,
            checkpoint_interval=self.checkpoint_interval, n_threads=self.n_threads,
            progress=self.progress, **self._network_settings(),
        )  # fmt: skip

    def _network_settings(self) -> dict[str, Any]:
        """Settings of one of the two kinds of networks."""
        return {}

    def epoch_rows(self) -> list[dict[str, float]]:
        """A row an epoch, as `train.fit` returns them."""
        net = self.network_
        scores = net.validation_scores_ or []
        rows: list[dict[str, float]] = []
        for k, loss in enumerate(net.loss_curve_):
            row = {"epoch": k + 1, "loss": loss}
            if k < len(scores):
                row["score"] = scores[k]
            rows.append(row)
        return rows

    @property
    def n_iter_(self) -> int:
        """Epochs of the training."""
        return int(self.network_.n_iter_)

    # Tables

    def _inputs(self, X: Any) -> Any:
        check_is_fitted(self)
        return self.features_(self._frame(X, reset=False))

    # Importances

    def _measure_importances(self, rows: tuple[Any, Any, Any], rng: Any) -> None:
        """Measure how much the score falls when a column is shuffled; see `_split`."""
        groups = self.feature_groups()
        some = np.sort(rng.permutation(len(rows[0]))[:MAX_IMPORTANCE_ROWS])
        x, targets, weights = (part[some] for part in rows)

        network = self.network_.fitted_network
        predict = network.compiled()
        member_weights = weights if weights.ndim == 2 else None

        def score(x: Any) -> float:
            parts = []
            for rows, part in pieces(x, 1, network.rows_at_a_time):
                of_rows = () if member_weights is None else (member_weights[rows],)
                parts.append(self._predictions(predict(part, *of_rows)))
            predictions = parts[0] if len(parts) == 1 else np.concatenate(parts)
            return float(self._score(predictions, targets, weights.reshape(len(x), -1).sum(axis=1)))

        means, errors = permutation(score, x, groups.values(), rng)
        self.importances_ = dict(
            zip(groups, zip(means.tolist(), errors.tolist(), strict=True), strict=True)
        )
        names = [str(name) for name in self.column_names()]
        self.feature_importances_ = np.array(
            [self.importances_.get(n, (0.0, 0.0))[0] for n in names]
        )

    def feature_groups(self) -> dict[str, list[int]]:
        """The features of each column."""
        groups: dict[str, list[int]] = {}
        start = 0
        for column in self.features_.columns:
            groups.setdefault(column.name, []).extend(range(start, start + column.width))
            start += column.width
        return groups

    def attributions(self, X: Any, steps: int = 32) -> Frame:
        """How much each column moves the answer for each row, by integrated gradients.

        Along the line from the mean row to the row the gradient is integrated; the attributions
        of a row add up to the difference of the outputs (for a classifier, of the logit of the
        class that is predicted).

        Parameters
        ----------
        X : DataFrame or array
        steps : int
            Points on the line, 1 or more. Default 32.

        Returns
        -------
        pandas.DataFrame
            A row for each row of X, and a column for each column of the training.

        References
        ----------
        M. Sundararajan, A. Taly, Q. Yan: "Axiomatic attribution for deep networks",
        arXiv:1703.01365 (2017).
        """
        x = self._inputs(X)
        attributions = integrated_gradients(self.network_.fitted_network, x, steps)
        return pd.DataFrame(
            {name: attributions[:, k].sum(axis=1) for name, k in self.feature_groups().items()}
        )


def _split(x: Any, targets: Any, weights: Any, held_out: Any) -> tuple[Any, Any]:
    """Rows, targets and weights that the network trains on, and those that it is validated on.

    A row has a weight for each member, and for those that do not see it the weight is 0.
    """
    weights = weights.astype(x.dtype)
    if not held_out.any():
        return (x, targets, weights), None
    shares = weights[:, None] * np.stack([~held_out, held_out])
    parts = []
    for share in shares:
        rows = share.any(axis=1)
        of_rows = share[rows] if held_out.shape[1] > 1 else share[rows, 0]
        parts.append((x[rows], targets[rows], of_rows))
    return parts[0], parts[1]
