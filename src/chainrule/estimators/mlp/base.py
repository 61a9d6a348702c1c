"""What both estimators share: scikit-learn's perceptron, with training and answers compiled."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
import scipy.optimize
from sklearn.neural_network._multilayer_perceptron import BaseMultilayerPerceptron
from sklearn.utils import check_random_state
from sklearn.utils.optimize import _check_optimize_result

from ... import tree
from ...config import configured
from ...errors import DataError
from ..inputs.blas import one_blas_thread
from ..inputs.features import rows_of_numbers
from ..inputs.rows import issparse, pieces
from ..inputs.weights import checked_weights
from ..serialization.saved import Saved
from .answering import Answering
from .embedding import Embedding, embedding_for
from .objectives import ACTIVATIONS
from .perceptron import Perceptron, Weights
from .settings import layer_sizes, refuse_idle
from .solvers import Recipe, Solver, make_packed_gradient, unpacked
from .tasks import Tasks, Watched
from .training import Training

PASSING = {"_quick", "_rows", "_tasks", "_validation"}  # what a copy or a file does without


class CompiledPerceptron(Watched, Answering, Saved, BaseMultilayerPerceptron):  # type: ignore[misc]
    """scikit-learn's base class with its loops replaced; what it checks and keeps stays its own.

    The random numbers are drawn as scikit-learn draws them, and a step computes what its step
    does: with the same settings and the same `random_state` the weights are the same but for
    rounding.
    """

    # The settings as functions

    def _activations(self) -> tuple[Any, ...]:
        """One for each hidden layer."""
        count, given = self.n_layers_ - 2, self.activation
        if isinstance(given, str) or callable(given):
            return (given,) * count
        if len(given) != count:
            raise ValueError(
                f"activation={given!r} names {len(given)} functions for {count} hidden layers"
            )
        for one in given:
            if not callable(one) and one not in ACTIVATIONS:
                raise ValueError(
                    f"activation={given!r}: {one!r} is none of {', '.join(ACTIVATIONS)}, and no "
                    "function"
                )
        return tuple(given)

    def _hidden(self) -> list[int]:
        return layer_sizes(self.hidden_layer_sizes)

    def _perceptron(self) -> Perceptron:
        return Perceptron(
            self._activations(), self._objective(), self.normalization, float(self.dropout),
            bool(self.residual), float(self._smoothing()), bool(self.mixup), self._embedded,
        )  # fmt: skip

    def _recipe(self) -> Recipe:
        net = self._perceptron()
        schedule = self.learning_rate
        return Recipe(
            net, self.solver, bool(self.nesterovs_momentum and self.momentum > 0),
            "constant" if schedule in ("invscaling", "adaptive") else schedule,
            self.clip_norm is not None, self.ema is not None, bool(net.dropout or net.mixup),
        )  # fmt: skip

    def _objective(self) -> Any:
        raise NotImplementedError

    def _smoothing(self) -> float:
        return 0.0

    def _threads(self) -> AbstractContextManager[Any]:
        """A block in which compiled code uses as many threads as were asked for."""
        return nullcontext() if self.n_threads is None else configured(num_threads=self.n_threads)

    # Weights

    def _weights(self) -> Weights:
        """Those of now, as training takes them."""
        found = {"coefs": list(self.coefs_), "intercepts": list(self.intercepts_)}
        if self.normalization is not None:
            found |= {"scales": list(self.scales_), "shifts": list(self.shifts_)}
        return found if self._embedded is None else {**found, "embedding": self.embedding_}

    def _keep(self, weights: Weights, stats: Any) -> None:
        """Make these the weights of now."""
        for name, value in self._kept(weights, stats).items():
            setattr(self, name, value)

    def _kept(self, weights: Weights, stats: Any) -> dict[str, Any]:
        """Weights as the attributes that hold them."""
        kept = {f"{name}_": value for name, value in weights.items()}
        return kept if self.normalization is None else {**kept, "statistics_": stats}

    @property
    def _stats(self) -> Any:
        return self.statistics_ if self.normalization is not None else []

    def _initialize(self, y: Any, layer_units: Sequence[int], dtype: Any) -> None:
        self.n_iter_ = self.t_ = 0
        self.n_layers_ = len(layer_units)
        goal = self._perceptron().goal
        self.out_activation_ = goal.unit
        units = [*layer_units[:-1], layer_units[-1] * goal.width]
        made = [self._init_coef(n, m, dtype) for n, m in pairwise(units)]
        self.coefs_, self.intercepts_ = [w for w, _ in made], [b for _, b in made]
        if self.normalization is not None:
            shapes = [b.shape for b in self.intercepts_[:-1]]
            self.scales_ = [np.ones(shape, dtype) for shape in shapes]
            self.shifts_ = [np.zeros(shape, dtype) for shape in shapes]
            first = [[np.zeros(shape, dtype), np.ones(shape, dtype)] for shape in shapes]
            self.statistics_ = first if self.normalization == "batch" else [None] * len(shapes)

    def _init_coef(self, fan_in: int, fan_out: int, dtype: Any) -> tuple[Any, Any]:
        """Glorot's, as scikit-learn's; one after the other for the members of an ensemble."""
        if self.n_members == 1:
            return super()._init_coef(fan_in, fan_out, dtype)  # type: ignore[no-any-return]
        made = [super(CompiledPerceptron, self)._init_coef(fan_in, fan_out, dtype)
                for _ in range(self.n_members)]  # fmt: skip
        return np.stack([w for w, _ in made]), np.stack([b for _, b in made])

    def _start_history(self) -> None:
        """What is told of epochs; `warm_start` goes on with it."""
        self.loss_curve_: list[float] = []
        self._no_improvement_count = 0
        self.validation_scores_: list[float] | None = None
        self.best_validation_score_: float | None = None
        self.best_loss_ = None if self.early_stopping else np.inf
        self.best_validation_loss_ = np.inf

    # Training

    def _fit(self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False) -> Any:
        sizes = self._hidden()
        refuse_idle(self)
        self.__dict__.pop("_quick", None)
        self.__dict__.pop("card_", None)  # it told of another training
        first = not hasattr(self, "coefs_") or (not self.warm_start and not incremental)
        with rows_of_numbers(X):
            X, y = self._validate_input(X, y, incremental, reset=first)
        if sample_weight is not None:
            sample_weight = checked_weights(sample_weight, X, self.n_members)
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        self.n_outputs_ = self._count_outputs(y)
        self._random_state = check_random_state(self.random_state)
        if first:
            self._embedded = embedding_for(self, X)
        elif self._embedded is not None:
            self._embedded.check_codes(X)
        if first:
            read = X.shape[1] if self._embedded is None else self._embedded.outputs
            self._initialize(y, [read, *sizes, self.n_outputs_], X.dtype)
            if self._embedded is not None:
                self.embedding_ = self._embedded.first(self._random_state, self.n_members, X)
        if self.solver != "lbfgs" and (first or not hasattr(self, "loss_curve_")):
            self._start_history()
        if self.solver == "lbfgs":
            self._fit_lbfgs(X, y, sample_weight)
        else:
            self._fit_stochastic(X, y, sample_weight, incremental)
        if not all(np.isfinite(a).all() for a in tree.leaves(self._weights())):
            raise ValueError(
                "Solver produced non-finite parameter weights. The input data may"
                " contain large values and need to be preprocessed."
            )
        if not isfinite(loss := float(self.loss_)):
            raise DataError(
                f"training ended with a loss of {loss:g}, so that nothing was learned: bring the "
                "columns and the targets near 1 (StandardScaler does so), or lower the learning "
                "rate"
            )
        return self

    def _fit_watched(self, X: Any, y: Any, sample_weight: Any, validation_data: Any) -> Any:
        """`_fit`, with rows to watch, and watched by scikit-learn's callbacks."""
        self._validation = validation_data
        self._tasks = Tasks(self, X, y, sample_weight)
        try:
            self._fit(X, y, sample_weight=sample_weight)
            self._tasks.end()
        finally:
            del self._validation, self._tasks
        return self

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    _embedded: Embedding | None = None
    _rows: Any = None  # that are trained on, and their encoded targets, while a training runs
    _validation: Any = None  # `validation_data` while `fit` runs
    _tasks: Tasks | None = None  # while `fit` runs

    def _encoded_validation(self) -> Any:
        """`validation_data` as rows, encoded targets, and weights or None."""
        data = self._validation
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise DataError("validation_data: give (X, y), or (X, y, sample_weight)")
        dtype = self.coefs_[0].dtype
        x = self._checked_rows(data[0], accept_sparse=["csr"], dtype=dtype)
        y = self._encoded(data[1])
        codes = self._perceptron().takes_codes(y)
        shape = (x.shape[0], 1 if codes else self.n_outputs_)
        if y.shape != shape:
            raise DataError(
                f"validation_data: for {x.shape[0]} rows of X, y needs shape {shape}, not {y.shape}"
            )
        y = y if codes else y.astype(dtype)
        w = data[2] if len(data) == 3 else None
        return x, y, None if w is None else checked_weights(w, x, self.n_members)

    def _fit_stochastic(self, X: Any, y: Any, sample_weight: Any, incremental: bool) -> None:
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        recipe = self._recipe()
        held = getattr(self, "_optimizer", None)
        if not incremental or held is None or not held.serves(recipe):
            self._optimizer = Solver(
                recipe, self._weights(), self.learning_rate_init, self.learning_rate, self.power_t
            )
        try:
            with self._threads():
                Training(self, recipe, X, y, sample_weight, incremental).run()
        finally:
            self.__dict__.pop("_rows", None)

    def _sample(self, most: int) -> tuple[Any, Any]:
        """While it trains: some of the rows, evenly taken, and their encoded targets."""
        x, y = self._rows
        some = np.unique(np.linspace(0, x.shape[0] - 1, min(most, x.shape[0])).astype(int))
        x, dtype = x[some], self.coefs_[0].dtype
        x = x.toarray() if issparse(x) else x
        codes = self._perceptron().takes_codes(y)
        return np.ascontiguousarray(x, dtype), np.ascontiguousarray(
            y[some], None if codes else dtype
        )

    def _fit_lbfgs(self, X: Any, y: Any, sample_weight: Any) -> None:
        packed = np.concatenate([a.ravel() for a in tree.leaves(self._weights())])
        X = X.tocsr() if issparse(X) else X.astype(np.float64, copy=False)
        options = {"maxfun": self.max_fun, "maxiter": self.max_iter, "gtol": self.tol}
        with self._threads(), one_blas_thread:
            found = scipy.optimize.minimize(  # type: ignore[call-overload]
                self._loss_grad_lbfgs, packed, method="L-BFGS-B", jac=True, options=options,
                args=(X, y, sample_weight),
            )  # fmt: skip
        self.n_iter_ = _check_optimize_result("lbfgs", found, self.max_iter)
        self.loss_ = found.fun
        self._unpack(found.x)

    def _unpack(self, packed_parameters: Any) -> None:
        """A vector as the weights of now, in its dtype: float64 of L-BFGS, whatever X is."""
        structure, shapes = self._shapes()
        self._keep(unpacked(np.asarray(packed_parameters), structure, shapes), self._stats)

    def _shapes(self) -> tuple[Any, tuple[tuple[int, ...], ...]]:
        """How the weights are put together of a vector."""
        leaves, structure = tree.flatten(self._weights())
        return structure, tuple(a.shape for a in leaves)

    def _loss_grad_lbfgs(
        self, packed_coef_inter: Any, X: Any, y: Any, sample_weight: Any, *_buffers: Any
    ) -> tuple[float, Any]:
        """The loss and its gradient as a vector; sparse rows are made dense some at a time."""
        function = make_packed_gradient(self._perceptron(), *self._shapes())
        whole = X.shape[0] if sample_weight is None else float(np.sum(sample_weight))
        packed = np.asarray(packed_coef_inter)
        coefs = sum(c.size for c in self.coefs_)
        loss, gradient = 0.5 * self.alpha * packed[:coefs] @ packed[:coefs], np.zeros(packed.shape)
        gradient[:coefs] = self.alpha * packed[:coefs]
        for part, x in pieces(X, 1):
            w = None if sample_weight is None else sample_weight[part]
            own = x.shape[0] if w is None else float(np.sum(w))
            x = x.astype(packed.dtype, copy=False)
            value, grads = function(packed, self._stats, x, y[part], w)
            loss += own * float(value)
            gradient += own * grads
        return loss / whole, gradient / whole

    # Answers

    def _count_outputs(self, y: Any) -> int:
        return int(y.shape[1])

    def set_params(self, **params: Any) -> CompiledPerceptron:
        """Set parameters by name, those of scikit-learn and those beyond."""
        self.__dict__.pop("_quick", None)
        return super().set_params(**params)  # type: ignore[no-any-return]

    def __getstate__(self) -> dict[str, Any]:
        """Without what is compiled, and what is there only while `fit` runs."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in PASSING}
