"""Predictions of a perceptron: of rows that are checked, and of arrays that need no checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from ...transforms import jit
from ..inputs.features import collected, rows_of_numbers
from ..inputs.rows import is_compact
from .answering import Answer
from .network import FittedNetwork

# The network of an estimator with its settings of now. Not an attribute: to predict changes nothing
ANSWERING: WeakKeyDictionary[Predicting, FittedNetwork] = WeakKeyDictionary()
FLOATS = (np.dtype(np.float32), np.dtype(np.float64))


class Predicting:
    """What the estimators have to predict with."""

    n_features_in_: int
    n_threads: int | None
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
            return self._answer("outputs", X)
        with self._threads():
            return self.fitted_network.predict(X)

    def predict_codes(self, X: Any) -> Any:
        """The column of the largest output of each row, shape (n_samples,)."""
        return self._answer("codes", X)

    def _answer(self, kind: Answer, X: Any) -> Any:
        """One kind of answers for rows as users give them.

        An array of floats in the right shape goes to the compiled program unseen, which finds
        numbers that are not finite while it reads them; all else is checked and converted before.
        """
        state = self.__dict__
        network = ANSWERING.get(self)
        if network is None:
            check_is_fitted(self)
            network = ANSWERING[self] = self.fitted_network
        plain = (
            type(X) is np.ndarray and X.ndim == 2 and X.dtype in FLOATS and len(X) > 0
            and X.shape[1] == self.n_features_in_ and "feature_names_in_" not in state
        )  # fmt: skip
        if not plain:
            X = self._checked_rows(X)
        elif network.perceptron.embedding is not None:
            self._check_codes(X)
        if self.n_threads is None:
            answers, finite = network.answer(kind, X)
        else:
            with self._threads():
                answers, finite = network.answer(kind, X)
        if plain and not finite:
            self._checked_rows(X)  # says where, unless scikit-learn is told to assume that all are
        return answers

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
