"""Answers of a perceptron: rows are checked, and computed by NumPy or by compiled code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from math import isfinite
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from ... import tree
from ...transforms import jit
from ..inputs.features import rows_of_numbers
from ..inputs.rows import pieces
from .embedding import Embedding
from .perceptron import Perceptron, Weights
from .solvers import make_answer

CHUNK = 4096  # rows that are answered at a time
ANSWERED = 2**22  # outputs likewise, of all members
WORTH = 5e7  # multiplications that repay compiling an answer for so many rows


class Answering:
    """What a perceptron says of rows."""

    coefs_: list[Any]
    n_features_in_: int
    n_outputs_: int
    n_members: int
    _embedded: Embedding | None
    _quick: Any

    def _perceptron(self) -> Perceptron:
        raise NotImplementedError

    def _weights(self) -> Weights:
        raise NotImplementedError

    @property
    def _stats(self) -> Any:
        raise NotImplementedError

    def _threads(self) -> AbstractContextManager[Any]:
        raise NotImplementedError

    def _checked_rows(self, X: Any, accept_sparse: Sequence[str] = ("csr", "csc"), **more: Any
                      ) -> Any:  # fmt: skip
        """Rows of numbers with the columns of the training."""
        with rows_of_numbers(X):
            X = validate_data(self, X, accept_sparse=accept_sparse, reset=False, **more)
            if X.dtype.kind == "O":  # scikit-learn leaves the objects of a list as they are
                X = validate_data(self, X, dtype=np.float64, reset=False)
        if self._embedded is not None:
            self._embedded.check_codes(X)
        return X

    def _forward_pass_fast(self, X: Any, check_input: bool = True) -> Any:
        """The output units' values for rows, shape (rows, outputs)."""
        if check_input:
            X = self._checked_rows(X)
        X = X.astype(np.result_type(X.dtype, self.coefs_[0].dtype), copy=False)
        with self._threads():
            parts = [self._answer(x) for _, x in pieces(X, 1, self._rows_at_a_time())]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _rows_at_a_time(self) -> int:
        """So many that the outputs of all members fit into memory."""
        return int(min(CHUNK, max(1, ANSWERED // (self.n_outputs_ * self.n_members))))

    def _best(self, X: Any) -> Any:
        """The place of the largest output of each row, shape (rows,)."""
        check_is_fitted(self)
        X = self._checked_rows(X)
        best = [
            np.argmax(self._forward_pass_fast(x, check_input=False), axis=1)
            for _, x in pieces(X, 1, self._rows_at_a_time())
        ]
        return best[0] if len(best) == 1 else np.concatenate(best)

    def _best_of(self, answers: Any) -> Any:
        """The same of answers, shape (rows, 1); NaN where one is not finite."""
        finite = np.isfinite(answers).all(axis=1)
        return np.where(finite, np.argmax(answers, axis=1), np.nan)[:, None]

    def _answer(self, x: Any) -> Any:
        """Compiled where that pays, else by NumPy: a program is made for each number of rows."""
        weights, stats = self._weights(), self._stats
        net = self._perceptron()
        work = x.shape[0] * sum(c.size for c in weights["coefs"])
        if x.shape[0] == 1 or work >= WORTH:
            return make_answer(net)(weights, stats, x)
        with np.errstate(over="ignore", invalid="ignore"):
            return net.answer(weights, stats, x)

    def _one_row(self, X: Any) -> Any:
        """The answer for a single row that needs no conversion; None for all else."""
        held = self.__dict__
        if type(X) is not np.ndarray or X.shape != (1, held.get("n_features_in_")):
            return None
        coefs = held.get("coefs_")
        if "feature_names_in_" in held or not coefs or X.dtype != coefs[0].dtype:
            return None
        if not isfinite(np.vdot(X, X)):  # which overflows without a warning
            return None
        if self._embedded is not None:
            self._embedded.check_codes(X)
        quick = held.get("_quick")
        if quick is None:
            quick = self._quick = make_answer(self._perceptron())
        return quick(self._weights(), self._stats, X)

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
        like = np.zeros(self.n_features_in_, self.coefs_[0].dtype)
        return jit(lambda row: self._fixed_answer(row[None, :])[0]).compile(like)

    def _fixed_answer(self, x: Any) -> Any:
        """The output units' values for traced rows; the weights of now become constants."""
        # In the graph's terms: a plain array cannot be indexed by what is traced
        weights = tree.map(lambda weight: np.asarray(weight, like=x), self._weights())
        return self._perceptron().answer(weights, self._stats, x)
