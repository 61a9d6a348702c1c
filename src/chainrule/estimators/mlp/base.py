"""The training that `MLPClassifier` and `MLPRegressor` share, in place of scikit-learn's."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from itertools import pairwise
from math import isfinite
from typing import Any, Self

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import check_random_state

from ...config import configured
from ...errors import DataError
from ..inputs.features import collected, rows_of_numbers
from ..inputs.rows import dense, is_compact, rows_of
from ..inputs.weights import checked_weights
from ..serialization.mixin import SaveMixin
from ..sklearn_private import CallbackSupport, parameter_names
from . import lbfgs
from .embedding import ColumnEmbedding, embedding_for
from .history import ATTRIBUTES, History
from .network import FittedNetwork, NetworkPart
from .objectives import ACTIVATIONS
from .optimizer import Optimizer
from .perceptron import Perceptron
from .predicting import ANSWERING, Predicting
from .settings import PerceptronSettings, layer_sizes, refuse_unused
from .sklearn_callbacks import FitTask
from .steps import StepConfig
from .training import Rows, Training

TRANSIENT = {"_training_rows"}  # attributes that copies and files do without


class CompiledPerceptron(CallbackSupport, Predicting, SaveMixin, PerceptronSettings):  # type: ignore[misc]
    """The parts of scikit-learn's `BaseMultilayerPerceptron` that are compiled here.

    It stands before scikit-learn's class among the bases of an estimator. The random numbers are
    drawn as scikit-learn draws them, and a step computes what its step does: with the same settings
    and the same `random_state` the weights are the same but for rounding.
    """

    hidden_layer_sizes: Any
    activation: Any
    n_layers_: int
    n_outputs_: int
    coefs_ = NetworkPart("coefs")
    intercepts_ = NetworkPart("intercepts")
    scales_ = NetworkPart("scales")
    shifts_ = NetworkPart("shifts")
    statistics_ = NetworkPart("batch_stats")
    embedding_ = NetworkPart("embedding")

    @property
    def fitted_network(self) -> FittedNetwork:
        """The trained network as one immutable value, with the settings of now."""
        network: FittedNetwork | None = self.__dict__.get("_network")
        if network is None:
            raise AttributeError(f"this {type(self).__name__} is not fitted yet: call `fit`")
        perceptron = self.perceptron(network.perceptron.embedding)
        return network if network.perceptron == perceptron else network.replace(
            perceptron=perceptron
        )  # fmt: skip

    @fitted_network.setter
    def fitted_network(self, network: FittedNetwork) -> None:
        ANSWERING.pop(self, None)
        self.__dict__["_network"] = network

    # The settings as functions

    def perceptron(self, embedding: ColumnEmbedding | None = None) -> Perceptron:
        """The network that the settings describe, without weights."""
        return Perceptron(
            self._activations(), self._loss_of_outputs(), self.normalization, float(self.dropout),
            bool(self.residual), float(self._label_smoothing()), bool(self.mixup), embedding,
        )  # fmt: skip

    def _activations(self) -> tuple[Any, ...]:
        """The activation of each hidden layer."""
        count, activation = len(layer_sizes(self.hidden_layer_sizes)), self.activation
        if isinstance(activation, str) or callable(activation):
            return (activation,) * count
        if len(activation) != count:
            raise ValueError(
                f"activation={activation!r} names {len(activation)} functions for {count} hidden "
                "layers"
            )
        for one in activation:
            if not callable(one) and one not in ACTIVATIONS:
                raise ValueError(
                    f"activation={activation!r}: {one!r} is none of {', '.join(ACTIVATIONS)}, and "
                    "no function"
                )
        return tuple(activation)

    def _step_config(self, perceptron: Perceptron) -> StepConfig:
        schedule = self.learning_rate
        return StepConfig(
            perceptron, self.solver, bool(self.nesterovs_momentum and self.momentum > 0),
            "constant" if schedule in ("invscaling", "adaptive") else schedule,
            self.clip_norm is not None, self.ema is not None,
        )  # fmt: skip

    def _loss_of_outputs(self) -> Any:
        raise NotImplementedError

    def _label_smoothing(self) -> float:
        return 0.0

    def _threads(self) -> AbstractContextManager[Any]:
        """A block in which compiled code uses as many threads as `n_threads` says."""
        return nullcontext() if self.n_threads is None else configured(num_threads=self.n_threads)

    # First weights

    def _first_network(self, x: Any, rng: Any) -> FittedNetwork:
        """Draw the weights that training begins with, in scikit-learn's order."""
        embedding = embedding_for(self, x)
        perceptron = self.perceptron(embedding)
        objective = perceptron.objective
        self.n_layers_ = len(perceptron.activations) + 2
        self.out_activation_ = objective.output_activation
        inputs = x.shape[1] if embedding is None else embedding.outputs
        outputs = self.n_outputs_ * objective.outputs_per_target
        units = [inputs, *layer_sizes(self.hidden_layer_sizes), outputs]
        layers = [self._first_layer(n, m, x.dtype, rng) for n, m in pairwise(units)]
        weights: dict[str, Any] = {
            "coefs": [matrix for matrix, _ in layers], "intercepts": [bias for _, bias in layers],
        }  # fmt: skip
        stats: list[Any] = []
        if self.normalization is not None:
            shapes = [b.shape for b in weights["intercepts"][:-1]]
            weights["scales"] = [np.ones(shape, x.dtype) for shape in shapes]
            weights["shifts"] = [np.zeros(shape, x.dtype) for shape in shapes]
            stats = [None] * len(shapes)
            if self.normalization == "batch":
                stats = [[np.zeros(shape, x.dtype), np.ones(shape, x.dtype)] for shape in shapes]
        if embedding is not None:
            weights["embedding"] = embedding.first_weights(rng, self.n_members, x)
        return FittedNetwork(perceptron, weights, stats)

    def _first_layer(self, fan_in: int, fan_out: int, dtype: Any, rng: Any) -> tuple[Any, Any]:
        """Draw a matrix and a bias after Glorot, for one member of an ensemble after the other."""
        bound = np.sqrt((2.0 if self.activation == "logistic" else 6.0) / (fan_in + fan_out))
        drawn = []
        for _ in range(self.n_members):
            matrix = rng.uniform(-bound, bound, (fan_in, fan_out))
            drawn.append((matrix, rng.uniform(-bound, bound, fan_out)))
        parts = [parts[0] if self.n_members == 1 else np.stack(parts)
                 for parts in zip(*drawn, strict=True)]  # fmt: skip
        return parts[0].astype(dtype), parts[1].astype(dtype)

    # Training

    def _fit(
        self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False,
        validation_data: Any = None, task: FitTask | None = None,
    ) -> Any:  # fmt: skip
        """Check the rows, train a network on them, and keep it."""
        layer_sizes(self.hidden_layer_sizes)
        refuse_unused(self, validation_data is not None)
        self.__dict__.pop("card_", None)  # it told of another training
        first = "_network" not in self.__dict__ or (not self.warm_start and not incremental)
        X = collected(X)
        with rows_of_numbers(X):
            checked = X.stand_in() if is_compact(X) else X  # made from cells that were checked
            checked, y = self._validate_input(checked, y, incremental, reset=first)
            X = X if is_compact(X) else checked
        if sample_weight is not None:
            sample_weight = checked_weights(sample_weight, X, self.n_members)
        y = y.reshape(-1, 1) if y.ndim == 1 else y
        self.n_outputs_ = self._count_outputs(y)
        self._random_state = check_random_state(self.random_state)
        if first:
            network = self._first_network(X, self._random_state)
            self.n_iter_ = self.t_ = 0
        else:
            network = self.fitted_network
            self._check_codes(X)
        self.fitted_network = network
        rows = Rows(X, y, sample_weight)
        if self.solver == "lbfgs":
            with self._threads():
                self.fitted_network, self.loss_, self.n_iter_ = lbfgs.minimize(
                    network, X, y, sample_weight, alpha=self.alpha, tol=self.tol,
                    max_iter=self.max_iter, max_fun=self.max_fun,
                )  # fmt: skip
        else:
            history = self._history_to_continue(first)
            validation = self._validation_rows(validation_data)
            self._fit_stochastic(rows, validation, history, incremental, task)
        if not self.fitted_network.is_finite():
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

    def _fit_with_callbacks(self, X: Any, y: Any, sample_weight: Any, validation_data: Any) -> Self:
        """Fit, with scikit-learn's callbacks being told."""
        task = FitTask(self, X, y, sample_weight)
        self._fit(X, y, sample_weight, validation_data=validation_data, task=task)
        task.end()
        return self

    def _check_solver(self) -> bool:
        if self.solver == "lbfgs":
            raise AttributeError(
                "partial_fit is only available for stochastic optimizers. lbfgs is not stochastic."
            )
        return True

    def _validation_rows(self, validation_data: Any) -> Rows | None:
        """Check `validation_data`, and encode its targets."""
        data = validation_data
        if data is None:
            return None
        if not isinstance(data, (tuple, list)) or len(data) not in (2, 3):
            raise DataError("validation_data: give (X, y), or (X, y, sample_weight)")
        network = self.fitted_network
        x = self._checked_rows(data[0], accept_sparse=["csr"], dtype=network.dtype)
        y = self._encoded(data[1])
        codes = network.perceptron.takes_codes(y)
        shape = (x.shape[0], 1 if codes else self.n_outputs_)
        if y.shape != shape:
            raise DataError(
                f"validation_data: for {x.shape[0]} rows of X, y needs shape {shape}, not {y.shape}"
            )
        w = None if len(data) == 2 or data[2] is None else checked_weights(
            data[2], x, self.n_members
        )  # fmt: skip
        return Rows(x, y if codes else y.astype(network.dtype), w)

    def _history_to_continue(self, first: bool) -> History:
        """The history of the fits before, or an empty one."""
        if first or not hasattr(self, "loss_curve_"):
            history = History(n_samples_seen=self.t_)
            history.best_loss = None if self.early_stopping else np.inf
        else:
            history = History(**{
                name: getattr(self, attribute) for attribute, name in ATTRIBUTES.items()
                if hasattr(self, attribute)
            })  # fmt: skip
        self._publish(self.fitted_network, history)
        return history

    def _publish(self, network: FittedNetwork, history: History) -> Any:
        """Set the attributes that tell of a training, after an epoch; return the model."""
        self.fitted_network = network
        values = vars(history)
        self.__dict__.update({attribute: values[name] for attribute, name in ATTRIBUTES.items()})
        return self

    def _fit_stochastic(
        self, rows: Rows, validation: Rows | None, history: History, incremental: bool,
        task: FitTask | None,
    ) -> None:  # fmt: skip
        if self.early_stopping and incremental:
            raise ValueError("partial_fit does not support early_stopping=True")
        network, settings = self.fitted_network, self.snapshot()
        config = self._step_config(network.perceptron)
        optimizer: Optimizer | None = getattr(self, "_optimizer", None)
        if not incremental or optimizer is None or not optimizer.fits(config):
            self._optimizer = optimizer = Optimizer(config, network, settings)
        optimizer.config = config
        training = Training(
            settings, network, optimizer, history, rows, validation,
            random_state=self._random_state, score=self._score_outputs, publish=self._publish,
            stratify=is_classifier(self) and self.n_outputs_ == 1, incremental=incremental,
            parameters=self.get_params, task=task,
        )  # fmt: skip
        self._training_rows = training.rows
        try:
            with self._threads():
                self.fitted_network = training.train()
                self.stopped_ = training.stopped
        finally:
            del self._training_rows

    def training_sample(self, n_rows: int) -> tuple[Any, Any]:
        """While it trains: so many of the rows, evenly taken, and their encoded targets."""
        x, y = self._training_rows.x, self._training_rows.y
        some = np.unique(np.linspace(0, x.shape[0] - 1, min(n_rows, x.shape[0])).astype(int))
        x, network = dense(rows_of(x, some)), self.fitted_network
        codes = network.perceptron.takes_codes(y)
        return np.ascontiguousarray(x, network.dtype), np.ascontiguousarray(
            y[some], None if codes else network.dtype
        )

    def _count_outputs(self, y: Any) -> int:
        return int(y.shape[1])

    def _score_outputs(self, y: Any, outputs: Any, w: Any) -> float:
        raise NotImplementedError

    def _encoded(self, y: Any) -> Any:
        raise NotImplementedError

    @classmethod
    def _get_param_names(cls) -> list[str]:
        """The names of the settings, which scikit-learn asks for at each `fit` and `clone`."""
        of: Any = cls
        return list(parameter_names(of))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set an attribute; a setting may change what is answered."""
        if not name.startswith("_") and "_network" in self.__dict__:
            ANSWERING.pop(self, None)
        super().__setattr__(name, value)

    def __getstate__(self) -> dict[str, Any]:
        """The state without what is compiled, and what is there only while `fit` runs."""
        state = super().__getstate__()
        return {name: value for name, value in state.items() if name not in TRANSIENT}
