"""`MLPClassifier` and `MLPRegressor`: scikit-learn's, compiled, and what its users asked for."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from numbers import Real
from typing import Any, ClassVar, Literal, Self, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.neural_network import MLPClassifier as PeerClassifier
from sklearn.neural_network import MLPRegressor as PeerRegressor
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.validation import check_is_fitted

from ..inputs.encoding import EncodedLabels
from ..inputs.targets import (
    ScoredByAccuracy,
    ScoredByR2,
    check_squares,
    one_column,
    plain_labels,
    plain_targets,
    r2,
)
from ..inputs.weights import check_class_weight, checked_weights, times
from ..sklearn_private import Interval, StrOptions, validated_fit
from .base import CompiledPerceptron
from .objectives import REGRESSION_LOSSES, custom_objective, regression_loss
from .settings import CONSTRAINTS, FRACTION
from .sklearn_callbacks import FitTask


@dataclass(eq=False, repr=False, match_args=False)
class MLPClassifier(ScoredByAccuracy, EncodedLabels, CompiledPerceptron, PeerClassifier):  # type: ignore[misc]
    """scikit-learn's `MLPClassifier`, its training compiled to native code.

    All parameters, attributes and methods are those of `sklearn.neural_network.MLPClassifier`,
    and the same `random_state` gives the same weights but for rounding. What is below comes on
    top; the defaults change nothing.

    Parameters
    ----------
    activation : str, callable, or a sequence of them, one for each hidden layer
        Also ``"elu"``, ``"gelu"``, ``"leaky_relu"``, ``"silu"``, ``"softplus"``, or a function of
        an array in plain NumPy. Default ``"relu"``.
    solver : str
        Also ``"adamw"`` (which reads `beta_1`, `beta_2`, `epsilon`), ``"rmsprop"`` (`beta_2`,
        `epsilon`) and ``"lion"`` (`beta_1`, `beta_2`). Default ``"adam"``. With ``"lbfgs"``, which
        has no batches and epochs, what is for these alone is an error: `dropout`, `mixup`, batch
        normalisation, cosine and linear rates, `warmup`, `clip_norm`, `ema`, `monitor`,
        `callbacks`, `checkpoint` and `validation_data`.
    learning_rate : str
        Also ``"cosine"`` and ``"linear"``: from `learning_rate_init` down to 0 over all steps that
        `max_iter` allows, with any stochastic solver. ``"invscaling"`` and ``"adaptive"`` are for
        ``"sgd"`` only. Default ``"constant"``.
    loss : "log_loss" or callable
        Or ``loss(z, y)`` in plain NumPy of the outputs before the output unit and the targets, 0
        or 1, both of shape (rows, outputs): a number a row, or an entry.
    class_weight : dict, "balanced" or None
        Of each class, as elsewhere in scikit-learn; `sample_weight` multiplies it.
    dropout : float
        Share of the hidden units that a step leaves out (Srivastava et al., 2014), in whole 256ths
        and 1/256 at least. Default 0.
    normalization : {"batch", "layer"} or None
        Before each activation (Ioffe, Szegedy, 2015; Ba et al., 2016). Default None.
    residual : bool
        Hidden layers as wide as what they read add that (He et al., 2015). Default False.
    n_members : int
        Networks that are trained at once, and whose probabilities are averaged; ``coefs_`` and
        ``intercepts_`` then have an axis of members in front. Default 1.
    weight_decay : float
        Of the matrices, for ``"adamw"`` and ``"lion"`` only. Default 0.01.
    warmup : float
        For a cosine or linear rate only: steps, or a share of all steps, in which it first rises.
        Default 0.
    clip_norm : float or None
        The largest norm of all gradients of a network together (Pascanu et al., 2012).
    ema : float or None
        Keep running means of the weights, with so much of the old ones at each step, and answer
        with them (Polyak, Juditsky, 1992).
    label_smoothing : float
        Share of each label that goes to all classes, or to both answers of a logistic output
        (Szegedy et al., 2016). Default 0.
    mixup : bool
        Train on mixtures of pairs of rows (Zhang et al., 2017). Default False.
    numeric_embedding : {"periodic", "piecewise"} or None
        Columns of numbers as functions of them that are learned: waves (Holzmüller et al., 2024)
        or ramps between quantiles (Gorishniy et al., 2022). Default None.
    numeric_features : sequence of int or str, or None
        Which columns these are, with `numeric_embedding` only. None: all but those of categories.
    categorical_features : sequence of int or str, or None
        Columns of codes 0, 1, ..., each of which becomes a vector that is learned. A code that the
        training did not have is refused.
    monitor : {"auto", "loss", "validation_loss", "validation_score"}
        By what an epoch of `fit` is better than those before. ``"auto"``: the validation score with
        `early_stopping`, else the training loss.
    callbacks : sequence of callable
        Each is given an `EpochReport` after each epoch; one that returns True ends the training.
    checkpoint : path or None
        A file in which `fit` keeps its state, and from which the same `fit` goes on after a
        crash, to the same weights bit for bit. Removed when training ends.
    checkpoint_interval : float
        Seconds between two writings of a `checkpoint`, at least. Default 10.
    n_threads : int or None
        Of compiled code. None: as many as there are CPUs. Weights do not depend on it.
    progress : bool
        Show a bar in a terminal when training in epochs takes over 2 s. Default True.

    References
    ----------
    G. E. Hinton: "Connectionist learning procedures", Artificial Intelligence 40 (1989).

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> rows = train_test_split(*load_digits(return_X_y=True), random_state=0)
    >>> x_train, x_test, y_train, y_test = rows
    >>> model = MLPClassifier(random_state=0, early_stopping=True, learning_rate_init=0.01)
    >>> model.fit(x_train / 16, y_train).score(x_test / 16, y_test) > 0.94
    True
    """

    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    loss: Any = "log_loss"
    class_weight: Any = None
    label_smoothing: float = 0.0

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [StrOptions({"log_loss"}), callable],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "label_smoothing": FRACTION,
    }

    @validated_fit
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
            Sparse rows are made dense batch by batch.
        y : array of shape (n_samples,), or (n_samples, n_outputs) of 0 and 1
        sample_weight : array of shape (n_samples,) or (n_samples, n_members), optional
            For each member of an ensemble its own: 0 for the rows that it shall not see.
        validation_data : (X, y) or (X, y, sample_weight), optional
            Rows for `validation_scores_`, and for `early_stopping` in place of a part of X.

        Returns
        -------
        MLPClassifier
            Itself.
        """
        return self._fit_with_callbacks(X, y, sample_weight, validation_data)

    def _fit(
        self, X: Any, y: Any, sample_weight: Any = None, incremental: bool = False,
        validation_data: Any = None, task: FitTask | None = None,
    ) -> Any:  # fmt: skip
        """Fit with the weights of the classes."""
        y = plain_labels(one_column(y, many=True))
        if self.class_weight is not None:
            if incremental and self.class_weight == "balanced":
                raise ValueError(
                    "class_weight='balanced' is not supported for partial_fit: give the weights as "
                    "a dict, which compute_class_weight makes of all labels"
                )
            check_class_weight(self.class_weight)
            weight = compute_sample_weight(self.class_weight, y)
            of_rows = np.ones(len(weight))
            if sample_weight is not None:
                of_rows = checked_weights(sample_weight, weight[:, None], self.n_members)
            sample_weight = times(of_rows, weight if of_rows.ndim == 1 else weight[:, None])
        return super()._fit(X, y, sample_weight, incremental, validation_data, task)

    def _loss_of_outputs(self) -> Any:
        multiclass = self.label_kind == "multiclass"
        activation = "softmax" if multiclass else "logistic"
        return custom_objective(self.loss, activation) if callable(self.loss) else activation

    def _label_smoothing(self) -> float:
        return self.label_smoothing

    def predict(self, X: Any) -> NDArray[Any]:
        """The class of each row, shape (n_samples,), or (n_samples, n_classes) of 0 and 1."""
        if "_network" not in self.__dict__:
            check_is_fitted(self)  # which takes longer than to answer for a row
        if self.label_kind == "multilabel-indicator" or len(self.classes_) == 1:
            return np.asarray(super().predict(X))
        return np.asarray(self.classes_[self._answer("codes", X)])

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class for each row, shape (n_samples, n_classes)."""
        return np.asarray(self._answer("probabilities", X))


@dataclass(eq=False, repr=False, match_args=False)
class MLPRegressor(ScoredByR2, CompiledPerceptron, PeerRegressor):  # type: ignore[misc]
    """scikit-learn's `MLPRegressor`, its training compiled to native code.

    All parameters, attributes and methods are those of `sklearn.neural_network.MLPRegressor`, and
    the same `random_state` gives the same weights but for rounding. What is below, and what
    `MLPClassifier` lists beyond scikit-learn's, comes on top; the defaults change nothing.

    Parameters
    ----------
    loss : str or callable
        ``"squared_error"`` (half of it), ``"poisson"``, and also ``"absolute_error"`` (half of
        it), ``"quantile"``, ``"tweedie"`` (the mean is the exponential of the output),
        ``"gaussian_nll"`` (a mean and a variance for each target: ``predict(X, return_std=True)``;
        those of an ensemble are of the mixture of its members),
        or ``loss(z, y)`` in plain NumPy, a number a row or an entry.
    quantile : float
        For ``loss="quantile"`` only, between 0 and 1. Default 0.5.
    power : float
        Of the variance, for ``loss="tweedie"`` only, between 1 and 2. Default 1.5.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.random.default_rng(0).uniform(-1, 1, (500, 2))
    >>> y = x[:, 0] ** 2 + x[:, 1]
    >>> model = MLPRegressor(hidden_layer_sizes=(32,), solver="lbfgs", random_state=0)
    >>> model.fit(x, y).score(x, y) > 0.99
    True
    """

    loss: Any = "squared_error"
    hidden_layer_sizes: Any = (100,)
    activation: Any = "relu"
    _: KW_ONLY
    quantile: float = 0.5
    power: float = 1.5

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **CONSTRAINTS,
        "loss": [
            StrOptions(set(REGRESSION_LOSSES)),
            callable,
        ],
        "quantile": [Interval(Real, 0, 1, closed="neither")],
        "power": [Interval(Real, 1, 2, closed="neither")],
    }  # fmt: skip

    @validated_fit
    def fit(self, X: Any, y: Any, sample_weight: Any = None, validation_data: Any = None) -> Self:
        """Fit the model; the parameters are those of `MLPClassifier.fit`."""
        return self._fit_with_callbacks(X, y, sample_weight, validation_data)

    def _loss_of_outputs(self) -> Any:
        return regression_loss(self.loss).objective(self.quantile, self.power)

    def _encoded(self, y: Any) -> Any:
        y = np.asarray(plain_targets(y, "validation_data: "))
        self._check_amounts(y)
        return y.reshape(-1, 1) if y.ndim == 1 else y

    def _validate_input(self, X: Any, y: Any, incremental: bool, reset: bool) -> Any:
        X, y = super()._validate_input(X, plain_targets(y), incremental, reset)
        self._check_amounts(y)
        if regression_loss(self.loss).squares_targets:
            check_squares(y, X.dtype)
        return X, y

    def _check_amounts(self, y: Any) -> None:
        if regression_loss(self.loss).nonnegative_targets and y.size and y.min() < 0:
            raise ValueError(f"loss={self.loss!r} needs targets of 0 or more: y holds {y.min()}")

    def _score_outputs(self, y: Any, outputs: Any, w: Any) -> float:
        return r2(y, outputs[:, : y.shape[1]], w)

    @overload
    def predict(self, X: Any, return_std: Literal[False] = False) -> NDArray[Any]: ...

    @overload
    def predict(self, X: Any, return_std: Literal[True]) -> tuple[NDArray[Any], NDArray[Any]]: ...

    def predict(self, X: Any, return_std: bool = False) -> Any:
        """The number that each row gets, shape (n_samples,) or (n_samples, n_outputs).

        Parameters
        ----------
        X : array or sparse matrix of shape (n_samples, n_features)
        return_std : bool
            With ``loss="gaussian_nll"``: the standard deviations as well. Default False.
        """
        return self._means(self._answer("outputs", X), return_std)

    def _predict(self, X: Any, check_input: bool = True) -> Any:
        return self._means(self._forward_pass_fast(X, check_input=check_input), False)

    def _means(self, outputs: Any, return_std: bool) -> Any:
        """The means among the outputs, and if asked for the standard deviations."""
        count = self.n_outputs_
        if return_std and self.loss != "gaussian_nll":
            raise ValueError("return_std=True needs loss='gaussian_nll'")
        mean = outputs[:, 0] if count == 1 else outputs[:, :count]
        if not return_std:
            return mean
        deviation = np.exp(0.5 * outputs[:, count:])
        return mean, deviation[:, 0] if count == 1 else deviation
