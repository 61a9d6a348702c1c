"""Predictions of a perceptron: rows are checked, and a single one takes a short way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from math import isfinite
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from ...transforms import jit
from ..inputs.features import collected, rows_of_numbers
from ..inputs.rows import is_compact, pieces
from .network import FittedNetwork


class Predicting:
    """What the estimators have to predict with."""

    n_features_in_: int
    fitted_network: Any
    _network: FittedNetwork

    def _threads(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def _checked_rows(self, X: Any, accept_sparse: Sequence[str] = ("csr", "csc"), **more: Any
                      ) -> Any:  # fmt: skip
        """Check that rows hold numbers, in the columns of the training."""
        if is_compact(X):  # made from cells that were checked
            validate_data(self, X.stand_in()[:1], reset=False)
            return X
        X = collected(X)
        with rows_of_numbers(X):
            X = validate_data(self, X, accept_sparse=accept_sparse, reset=False, **more)
            if X.dtype.kind == "O":  # scikit-learn leaves the objects of a list as they are
                X = validate_data(self, X, dtype=np.float64, reset=False)
        self._check_codes(X)
        return X

    def _check_codes(self, X: Any) -> None:
        """Refuse category codes that the training did not have."""
        embedding = self._network.perceptron.embedding
        if embedding is not None:
            embedding.check_codes(X)

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Any:
        """Compute the outputs for rows, shape (rows, outputs)."""
        if check_input:
            X = self._checked_rows(X)
        network: FittedNetwork = self.fitted_network
        if not is_compact(X):
            X = X.astype(np.result_type(X.dtype, network.dtype), copy=False)
        with self._threads():
            return network.predict(X)

    def predict_codes(self, X: Any) -> Any:
        """The column of the largest output of each row, shape (n_samples,)."""
        check_is_fitted(self)
        X = self._checked_rows(X)
        parts = [
            np.argmax(self._forward_pass_fast(x, check_input=False), axis=1)
            for _, x in pieces(X, 1, self.fitted_network.rows_at_a_time)
        ]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _predict_single(self, X: Any) -> Any:
        """Compute the outputs for one row that needs no conversion; None for all else."""
        state = self.__dict__
        if type(X) is not np.ndarray or X.shape != (1, state.get("n_features_in_")):
            return None
        network = state.get("_network")
        if "feature_names_in_" in state or network is None or X.dtype != network.dtype:
            return None
        if not isfinite(np.vdot(X, X)):  # which overflows without a warning
            return None
        self._check_codes(X)
        if (predict := state.get("_compiled")) is None:
            predict = state["_compiled"] = self.fitted_network.compiled()
        return predict(X)

    def compile_predict(self) -> Callable[[Any], Any]:
        """A bare function for hot loops: ``f(row)`` gives what `predict` or the class would.

        It takes one row, an array of shape (n_features,) and of the dtype that was fitted, checks
        nothing else, and returns the output units' values, shape (n_outputs,): probabilities of
        a classifier, numbers of a regressor. The weights are those of now.

        Examples
        --------
        >>> import numpy as np
        >>> from chainrule import MLPRegressor
        >>> x = np.linspace(-1.0, 1.0, 100).reshape(-1, 1)
        >>> model = MLPRegressor(hidden_layer_sizes=(8,), solver="lbfgs", random_state=0)
        >>> model = model.fit(x, x[:, 0] ** 2)
        >>> f = model.compile_predict()
        >>> bool(abs(f(np.array([0.5]))[0] - model.predict([[0.5]])[0]) < 1e-12)
        True
        """
        network: FittedNetwork = self.fitted_network
        row = np.zeros(self.n_features_in_, network.dtype)
        return jit(lambda row: network.predict_traced(row[None, :])[0]).compile(row)
