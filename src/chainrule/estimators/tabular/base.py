"""What the estimators for tables share: columns to features, a network, and importances."""

from __future__ import annotations

import warnings
from copy import deepcopy
from functools import cached_property
from typing import Any, ClassVar, Self, TypeAlias

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ...data import Features
from ...errors import DataError
from ...lazy import LazyModule
from ...memory import return_freed_memory
from ..inputs.rows import dense, pieces, rows_of
from ..inputs.tables import ReadsTables
from ..inputs.weights import in_range, plain_weights
from ..mlp.settings import TABULAR_CONSTRAINTS, layer_sizes
from ..serialization.mixin import SaveMixin
from ..sklearn_private import check_sample_weight
from .defaults import (
    EMBEDDED_FEATURES,
    EPOCHS_BESIDE_PROCESS,
    SMALL_TABLE,
    TINY_TABLE,
    TabularSettings,
    batch_size_for,
    epochs_for,
    members_for,
    patience_for,
    validation_fraction_for,
)
from .explanations import ExplainsRows, learn_background
from .importances import (
    MOST_SHUFFLED,
    evaluations,
    integrated_gradients,
    permutation,
    shuffled_slopes,
)
from .process import fit_process
from .unseen import Unseen
from .validation_rows import Bonds, bonds_of, draw_validation_rows

pd = LazyModule("pandas")

Frame: TypeAlias = Any

LEAST_SHARE = 0.05  # of a process: with less, it is left out
IMPORTANCES = ("importances_", "feature_importances_", "_importance_rows")
MAX_IMPORTANCE_ROWS = 2_000  # validation rows from which importances are taken


class Tabular(SaveMixin, ReadsTables, ExplainsRows, TabularSettings, BaseEstimator):  # type: ignore[misc]
    """What both estimators share: columns to features, a network, and the way back."""

    _parameter_constraints: ClassVar[dict[str, Any]] = TABULAR_CONSTRAINTS
    hidden_layer_sizes: Any
    network_class: ClassVar[Any]
    _hidden_layers: tuple[int, ...]
    _epochs: int  # for tables of some thousand rows
    _steps: int  # at least, if there are enough epochs for it
    _most_members: int

    # Training

    def fit(
        self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None, times: Any = None
    ) -> Self:  # fmt: skip
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
        groups, times : array of shape (n_samples,), optional
            Of patients, customers, machines; of numbers or datetime64. Rows of one group are then
            left out together, or the members leave out the latest rows, those before, and so on,
            so that what is chosen by them suits other groups, or other days (from 50 rows on).

        Returns
        -------
        TabularClassifier or TabularRegressor
            Itself.

        Raises
        ------
        DataError
            If the table cannot be learned from, with what to do about it.
        """
        for name in ("card_", "summary_", *IMPORTANCES):  # they told of another training
            self.__dict__.pop(name, None)
        self._validate_params()
        frame = self._frame(X, reset=True)
        y = self._checked_targets(y, len(frame))
        weights = plain_weights(sample_weight)
        weights = check_sample_weight(weights, frame, dtype=np.float64)
        bonds = bonds_of(groups, times, len(frame))
        counted_rows = weights > 0  # a row without weight is no row
        if not counted_rows.all():
            frame, y, weights = frame[counted_rows], y[counted_rows], weights[counted_rows]
            bonds = None if bonds is None else bonds.part(counted_rows)
        if len(frame) < 2:
            raise DataError(f"n_samples={len(frame)}: there is nothing to learn from a single row")
        targets, weights = self._learn_targets(y, in_range(weights, np.float32))
        rng = check_random_state(self.random_state)
        self.features_ = Features.learn(frame, self._categories(frame), weights, self._kinds(frame))
        held_out = self._hold_out(targets, rng, bonds)
        self.network_ = self._untrained_network(held_out, rng)
        x: Any = self.features_.of_rows(frame)
        del X, frame  # a large table that nobody else holds is memory for the training
        return_freed_memory()
        if len(x) < TINY_TABLE:
            x = x.astype(np.float64)  # it costs nothing, and the order of rows matters less
        train, validation = _split(x, targets, weights, held_out)
        with warnings.catch_warnings():  # all epochs are meant to be used
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network_.fit(*train, validation_data=validation)
        self.history_ = self.epoch_rows()
        unseen = None if validation is None else Unseen(*validation)
        if unseen is not None and self._wants_process(len(x)):
            unseen = self._add_process(x, targets, weights, held_out, rng, bonds) or unseen
        self.background_ = learn_background(x, list(self.feature_groups().values()))
        self._calibrate(unseen)
        self._importance_rows = self._draw_importance_rows(unseen or Unseen(*train), rng)
        return self

    def _wants_process(self, _rows: int) -> bool:
        """Whether a Gaussian process is to answer with the network."""
        return False

    def _add_process(
        self, x: Any, targets: Any, weights: Any, held_out: Any, rng: Any, bonds: Bonds | None
    ) -> Any:
        """Fit a process and let it answer with the network, as much as rows not seen say.

        Returns
        -------
        Unseen or None
            These rows; None if the process would be worth nothing.
        """
        candidates = np.flatnonzero(held_out.any(axis=1))
        groups = list(self.feature_groups().values())
        process = fit_process(x, targets, weights, groups, candidates, rng, bonds)
        if process is None:
            return None
        _, rows = _split(x, targets, weights, held_out, process.left_out)
        network = self.network_.fitted_network
        unseen = Unseen(*rows).with_process(network, process)
        if unseen.share < LEAST_SHARE:
            return None
        kernel = {**process.kernel, "weight": np.float64(unseen.share)}
        self.network_.fitted_network = network.replace(
            weights={**network.weights, "kernel": kernel}
        )
        return unseen

    def _hold_out(self, targets: Any, rng: Any, bonds: Bonds | None) -> Any:
        """Draw which rows each member does not see, shape (rows, members)."""
        count, members = len(targets), self.n_members
        if members is None:
            members = members_for(count, self.features_.width, self._most_members)
        fraction = self.validation_fraction
        if fraction is None:
            fraction = validation_fraction_for(count)
        size = round(count * fraction)
        if size < 2 or count - size < 2:
            return np.zeros((count, members), bool)
        return draw_validation_rows(
            count, members, size, rng, self._strata(targets, size), bonds,
            lambda rows: self._of_known_classes(targets, rows),
        )  # fmt: skip

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
            beside = validates and self._wants_process(rows)
            usual = min(self._epochs, EPOCHS_BESIDE_PROCESS) if beside else self._epochs
            epochs = epochs_for(rows, batch, usual, self._steps)
        patience = self.n_iter_no_change
        if patience is None:
            patience = patience_for(epochs)
        columns = self.features_.continuous
        few = 0 < len(columns) <= EMBEDDED_FEATURES
        embeds = self.numeric_embedding is not None and few and not tiny
        return self.network_class(
            hidden_layer_sizes=tuple(
                self._hidden_layers if self.hidden_layer_sizes is None
                else layer_sizes(self.hidden_layer_sizes)
            ),
            activation="silu", solver="adamw",
            alpha=0.0, batch_size=batch, learning_rate="cosine",
            learning_rate_init=self.learning_rate_init, warmup=0.02, max_iter=epochs,
            beta_2=0.95, clip_norm=1.0, ema=self.ema, dropout=0.0 if tiny else self.dropout,
            weight_decay=self.weight_decay, n_members=members,
            numeric_embedding=self.numeric_embedding if embeds else None,
            numeric_features=list(columns) if embeds else None,
            early_stopping=validates, n_iter_no_change=patience, tol=0.0,
            monitor="validation_loss" if validates and rows < SMALL_TABLE else "auto",
            random_state=rng.randint(2**31), callbacks=self.callbacks, checkpoint=self.checkpoint,
            checkpoint_interval=self.checkpoint_interval, n_threads=self.n_threads,
            progress=self.progress, verbose=self.verbose, **self._network_settings(),
        )  # fmt: skip

    def _calibrate(self, _unseen: Any) -> None:
        """Learn more from rows that members have not seen."""

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
        if "network_" not in self.__dict__:
            check_is_fitted(self)  # which takes longer than to answer for a row
        if type(X) is np.ndarray and len(X) and "feature_names_in_" not in self.__dict__:
            features = self.features_.of_numbers(X)
            if features is not None:
                return features
        return self.features_.of_rows(self._frame(X, reset=False))

    # Importances

    def _draw_importance_rows(self, unseen: Unseen, rng: Any) -> tuple[Unseen, Any]:
        """Some rows that members have not seen, and the random numbers to shuffle them by."""
        most = unseen.most_shuffled(evaluations(len(self.feature_groups())))
        rows = np.sort(rng.permutation(len(unseen.x))[: min(MAX_IMPORTANCE_ROWS, most)])
        return unseen.part(rows), deepcopy(rng)

    @cached_property
    def importances_(self) -> dict[str, tuple[float, float]]:
        """How much the score falls when a column is shuffled: means and standard deviations.

        They are measured when they are asked for first.
        """
        check_is_fitted(self)
        unseen, drawn = self._importance_rows
        rng, network = deepcopy(drawn), self.network_.fitted_network
        groups, row_weights = self.feature_groups(), unseen.row_weights

        def score(x: Any) -> float:
            predictions = self._predictions(unseen.outputs(network, x))
            return float(self._score(predictions, unseen.targets, row_weights))

        strengths = None
        if len(groups) > MOST_SHUFFLED:
            strengths = shuffled_slopes(network, unseen.x, list(groups.values()), rng)
        means, errors = permutation(score, unseen.x, groups.values(), rng, strengths)
        self.__dict__.pop("_importance_rows", None)
        return dict(zip(groups, zip(means.tolist(), errors.tolist(), strict=True), strict=True))

    @cached_property
    def feature_importances_(self) -> Any:
        """The means of `importances_`, of all columns of the training, shape (n_features_in_,)."""
        importances = self.importances_
        names = [str(name) for name in self.column_names()]
        return np.array([importances.get(name, (0.0, 0.0))[0] for name in names])

    def __getstate__(self) -> dict[str, Any]:
        """The state with importances in place of the rows that they are measured on."""
        if "_importance_rows" in self.__dict__:
            _ = self.feature_importances_
        state: dict[str, Any] = super().__getstate__()
        return state

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

        Along the line from the mean row of the training to the row the gradient is integrated; the
        attributions of a row add up to the difference of the outputs (for a classifier, of the
        logit of the class that is predicted).

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
        background = getattr(self, "background_", None)
        background = dense(x) if background is None else background  # of older files: these rows
        base = np.mean(background, axis=0, keepdims=True).astype(x.dtype)
        parts = [self._attributions(part, steps, base) for _, part in pieces(x, 1)]
        return pd.concat(parts, ignore_index=True) if len(parts) > 1 else parts[0]

    def _attributions(self, x: Any, steps: int, base: Any) -> Frame:
        attributions = integrated_gradients(self.network_.fitted_network, x, steps, base)
        if self.network_.out_activation_ == "logistic":  # its only output is of the second class
            attributions[self.network_.predict_proba(x)[:, 1] <= 0.5] *= -1
        return pd.DataFrame(
            {name: attributions[:, k].sum(axis=1) for name, k in self.feature_groups().items()}
        )


def _split(
    x: Any, targets: Any, weights: Any, held_out: Any, some: Any = slice(None)
) -> tuple[Any, Any]:
    """Rows, targets and weights that the network trains on, and those that it is validated on.

    A row has a weight for each member, and for those that do not see it the weight is 0.
    """
    x, targets, weights, held_out = rows_of(x, some), targets[some], weights[some], held_out[some]
    weights = weights.astype(x.dtype)
    if not held_out.any():
        return (x, targets, weights), None
    by_member = held_out.shape[1] > 1
    trained, validated = weights[:, None] * np.stack([~held_out, held_out])
    parts = []
    for share in (trained, validated):
        # What no member of an ensemble trains on has weight 0: programs depend on the number
        rows = slice(None) if by_member and share is trained else share.any(axis=1)
        of_rows = share[rows] if by_member else share[rows, 0]
        parts.append((rows_of(x, rows), targets[rows], of_rows))
    return parts[0], parts[1]
