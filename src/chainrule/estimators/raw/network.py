"""`NetworkClassifier`: what classifiers of images, recordings and texts have in common."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from numbers import Integral, Real
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ... import losses, nn, optim, random, train, tree
from ...config import configured
from ...errors import DataError
from ..inputs.weights import as_weights, plain_weights, row_weights
from ..serialization.mixin import SaveMixin
from ..sklearn_private import Interval, StrOptions
from .labels import checked_labels, codes_of, held_out, learned_classes, picked

FRACTION = [Interval(Real, 0, 1, closed="left")]
COUNT = [Interval(Integral, 1, None, closed="left")]


def epochs_for_steps(n_samples: int, batch_size: int, steps: int, bounds: tuple[int, int]) -> int:
    """The number of epochs that take about so many optimiser steps, within bounds."""
    return int(np.clip(steps // -(-n_samples // batch_size), *bounds))


class NetworkClassifier(SaveMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Base of `ImageClassifier`, `AudioClassifier` and `TextClassifier`.

    A subclass lists the settings that it has in its own ``__init__`` (all of those below are
    needed), ends it with ``self._set(locals())``, adds its own to ``_parameter_constraints``
    (sizes with an upper bound, so that a hostile model file cannot ask for much memory), and has:

    ``_learn(X, y)``
        Fit the preprocessing on the training inputs and the codes 0, 1, ... of their classes:
        set attributes that end in ``_``.
    ``_rows(X)``
        Raw inputs as an array, or a flat dict or tuple of arrays, with one row each; checked, with
        a `DataError` that names the file or the row. What it returns is trained on as it is:
        integers stay integers until a batch is in the graph.
    ``make_module(key)``
        An `nn.Module` from rows to logits (rows, classes), made from settings and fitted
        attributes alone, in plain NumPy: it may be traced. Its leaves are all trained, but for
        statistics (see `nn.with_batch_stats`); what is fixed are static fields. A model file is
        read by calling it again.
    ``preprocessing_state()`` and ``restore_preprocessing(state, arrays)``
        The preprocessing as ``(dict for JSON, dict of arrays)``, no array empty, and the way back.
        The latter checks with `schema` what it is given, so that a hostile file gives a
        `ModelFileError`, takes each array once, ``arrays(name)`` or ``arrays.numbers(name, shape,
        dtype)``, and sets all that `_learn` did.

    It may have:

    ``_labelled(X, y)``
        Inputs and labels as given to `fit` or `score`; for inputs that bring their labels, such as
        folders. Default: as they are, and y must be given.
    ``_read(X)``
        Raw inputs, read once, as a sequence that `_learn` and `_rows` take and that NumPy indices
        pick rows of (a list, an array or a DataFrame). Default: as they are.
    ``_learn_rows(X, y)``
        `_learn` and `_rows` of the training inputs in one, where both do the same work. Default:
        the one and then the other.
    ``_augment(rows, key)``
        A training batch, changed in the graph. Default: as it is.
    ``_views()``
        Functions of a batch in the graph, hashable and equal if they do the same, such as frozen
        dataclasses: the probabilities of what they return are averaged. Default: none, the batch.
    ``schedule(n_samples)``
        How many epochs, and the batch size. Default: the settings.
    ``_optimizer(steps)``
        Default: AdamW with a one-cycle schedule.

    Parameters
    ----------
    epochs : int
        How often to meet all training rows, at most.
    batch_size : int
        Rows a step.
    learning_rate : float
        The largest of the schedule.
    weight_decay : float
        Of AdamW.
    label_smoothing : float
        Share of each label that goes to all classes (Szegedy et al., 2016).
    class_weight : dict, "balanced" or None
        Of each class, as elsewhere in scikit-learn; `sample_weight` multiplies it.
    ema : float or None
        Answer with running means of the weights, with so much of the old ones at each step.
    validation_fraction : float
        Part of the rows to set aside, the same of each class, by which the best epoch is kept. 0:
        none, and the last epoch counts.
    patience : int or None
        Stop after so many epochs that were not the best. Needs validation rows.
    random_state : int, RandomState or None
        Of weights, order, noise and the validation rows: the same seed, the same model.
    n_threads : int or None
        Of compiled code. None: as many as there are CPUs. Weights do not depend on it.
    progress : bool
        Show a bar in a terminal when training takes over 2 s.
    callbacks : sequence of callable, or None
        Each is told an `EpochReport` after each epoch; one that returns True ends the training.
    checkpoint : path or None
        A file in which `fit` keeps its state, and from which the same `fit` goes on after a
        crash, to the same weights bit for bit. Removed when training ends.
    checkpoint_interval : float
        Seconds between two writings of a `checkpoint`, at least.

    Attributes
    ----------
    classes_ : array
        The classes, sorted.
    module_ : nn.Module
        The network with the best weights.
    history_ : list of dict
        A row an epoch: ``epoch``, ``loss``, and with validation rows ``validation_loss`` and
        ``score``, their accuracy.
    loss_curve_ : list of float
        The training loss of each epoch.
    n_iter_, best_epoch_ : int
        Epochs that were trained, and the one whose weights are kept.
    stopped_ : str
        Why training ended; see `train.FitResult`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "epochs": COUNT,
        "batch_size": COUNT,
        "learning_rate": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "label_smoothing": FRACTION,
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "ema": [Interval(Real, 0, 1, closed="neither"), None],
        "validation_fraction": FRACTION,
        "patience": [*COUNT, None],
        "random_state": ["random_state"],
        "n_threads": [*COUNT, None],
        "progress": ["boolean"],
        "callbacks": [list, tuple, None],
        "checkpoint": "no_validation",  # a path or None: opening it says what is wrong
        "checkpoint_interval": [Interval(Real, 0, None, closed="left")],
    }

    # What a subclass has

    def _learn(self, X: Any, y: Any) -> None:
        raise NotImplementedError

    def _rows(self, X: Any) -> Any:
        raise NotImplementedError

    def make_module(self, key: Any) -> Any:
        raise NotImplementedError

    def preprocessing_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        raise NotImplementedError

    def restore_preprocessing(self, state: dict[str, Any], arrays: Any) -> None:
        raise NotImplementedError

    # What it may have

    def _labelled(self, X: Any, y: Any) -> tuple[Any, Any]:
        if y is None:
            raise DataError(f"{type(self).__name__}: give y, a class for each of X")
        return X, y

    def _read(self, X: Any) -> Any:
        return X

    def _learn_rows(self, X: Any, y: Any) -> Any:
        self._learn(X, y)
        return self._rows(X)

    def _augment(self, rows: Any, key: Any) -> Any:
        return rows

    def _views(self) -> tuple[Callable[[Any], Any], ...]:
        return ()

    def schedule(self, n_samples: int) -> tuple[int, int]:
        """How long `fit` trains on so many samples: the number of epochs, and the batch size."""
        return self.epochs, self.batch_size

    def _optimizer(self, steps: int) -> optim.Optimizer[Any]:
        schedule = optim.one_cycle(self.learning_rate, steps)
        return optim.adamw(schedule, weight_decay=self.weight_decay)

    # Training

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, validation_data: Any = None
            ) -> Self:  # fmt: skip
        """Learn the preprocessing, and train the network.

        Parameters
        ----------
        X : raw inputs
            See the class.
        y : array of shape (n_samples,), optional
            Their classes: text, whole numbers or truth values. None if X brings them.
        sample_weight : array of shape (n_samples,), optional
            How much each row counts, 0 or more.
        validation_data : (X, y), optional
            Rows by which the best epoch is kept, in place of `validation_fraction`.

        Returns
        -------
        NetworkClassifier
            Itself.

        Raises
        ------
        DataError
            If there is nothing to learn from: no row, one class only, labels that are missing,
            inputs and labels of different lengths, inputs that cannot be read (with the file or
            the row); with what to do about it.
        TrainingError
            If the loss is no longer finite.
        """
        self._validate_params()
        for name in ("card_", "module_"):  # of another training
            self.__dict__.pop(name, None)
        X, y = self._labelled(X, y)
        X = self._read(X)
        self.classes_, codes = learned_classes(y, len(X))
        weights = row_weights(sample_weight, self.class_weight, self.classes_, codes)
        rng = check_random_state(self.random_state)
        train_rows, held_out_rows = held_out(codes, self.validation_fraction, validation_data, rng)
        weights = None if weights is None else as_weights(weights[train_rows])
        network_key, fit_key = random.split(random.key(int(rng.randint(2**31))))
        rows = self._learn_rows(picked(X, train_rows), codes[train_rows])
        validation = self._validation(X, codes, held_out_rows, validation_data)
        with self._threads():
            self._train(rows, (codes[train_rows], weights), validation, network_key, fit_key)
        return self

    def _validation(self, X: Any, codes: Any, held_out_rows: Any, validation_data: Any) -> Any:
        """Rows and codes to watch, or None."""
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
                raise DataError("validation_data: give (X, y)")
            X, y = self._labelled(*validation_data)
            X = self._read(X)
            return self._rows(X), codes_of(y, self.classes_, len(X), "validation_data: ")
        return (
            None
            if held_out_rows is None
            else (self._rows(picked(X, held_out_rows)), codes[held_out_rows])
        )

    def _train(self, rows: Any, targets: Any, validation: Any, key: Any, fit_key: Any) -> None:
        self.row_types_ = row_types(rows)
        codes, weights = targets
        smoothing = float(self.label_smoothing)

        def loss(logits: Any, y: Any) -> Any:
            labels, weight = y
            values = losses.softmax_cross_entropy(
                logits, labels, label_smoothing=smoothing, reduction="none"
            )
            return np.mean(values if weight is None else weight * values)

        if validation is not None:
            count = len(validation[1])
            even = None if weights is None else np.ones(count, weights.dtype)
            validation = (validation[0], (validation[1], even))
        epochs, batch_size = self.schedule(len(codes))
        batch_size = min(batch_size, len(codes))
        result = train.fit(
            self.make_module(key), rows, targets, loss=loss,
            optimizer=self._optimizer(epochs * -(-len(codes) // batch_size)),
            epochs=epochs, batch_size=batch_size, validation_data=validation,
            patience=self.patience, seed=int(fit_key[0]),
            score=None if validation is None else _accuracy,
            augment=None if _unchanged(self, "_augment") else self._augment, ema=self.ema,
            callbacks=self.callbacks or (), progress=self.progress, checkpoint=self.checkpoint,
            checkpoint_interval=self.checkpoint_interval,
        )  # fmt: skip
        self.module_, self.history_ = result.model, result.history
        self.best_epoch_: int = result.best_epoch
        self.stopped_: str = result.stop_reason

    def _threads(self) -> AbstractContextManager[Any]:
        """A block in which compiled code uses as many threads as were asked for."""
        return nullcontext() if self.n_threads is None else configured(num_threads=self.n_threads)

    @property
    def loss_curve_(self) -> list[float]:
        """The training loss of each epoch."""
        return [row["loss"] for row in self.history_]

    @property
    def n_iter_(self) -> int:
        """The number of epochs that were trained."""
        return len(self.history_)

    # Answers

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """The probability of each class for each input, float32 of shape (n_samples, n_classes)."""
        rows = self.network_inputs(X)
        with self._threads():
            return train.predict(self.probability_network(), rows)

    def network_inputs(self, X: Any) -> Any:
        """The raw inputs as the arrays that the network takes, such as those of its ONNX model."""
        check_is_fitted(self, "module_")
        return self._rows(self._read(X))

    def predict(self, X: Any) -> NDArray[Any]:
        """The likeliest class of each input, of shape (n_samples,)."""
        probabilities = self.predict_proba(X)
        return np.asarray(self.classes_[np.argmax(probabilities, axis=1)])

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """The share of the inputs whose class is predicted: the accuracy."""
        X, y = self._labelled(X, y)
        predicted = self.predict(X)
        labels, weights = checked_labels(y, len(predicted)), plain_weights(sample_weight)
        return float(accuracy_score(labels, predicted, sample_weight=weights))

    def probability_network(self) -> Probabilities:
        """The fitted network from rows to probabilities, as an `nn.Module`."""
        return Probabilities(self.module_, self._views())

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "module_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = False
        tags.target_tags.required = False
        return tags


class Probabilities(nn.Module):
    """A network's probabilities; with views of the rows, the mean of theirs."""

    network: Any
    views: tuple[Callable[[Any], Any], ...]

    def __call__(self, x: Any) -> Any:
        if not self.views:
            return nn.softmax(self.network(x))
        first, *others = [nn.softmax(self.network(view(x))) for view in self.views]
        total = first
        for probabilities in others:
            total = total + probabilities
        return total / np.float32(len(self.views))


def row_types(rows: Any) -> Any:
    """The rows as a tree of arrays without rows: what a model file tells of them."""
    return tree.map(lambda a: np.zeros((0, *a.shape[1:]), a.dtype), rows)


def _accuracy(logits: Any, y: Any) -> float:
    return float(np.mean(np.argmax(logits, axis=-1) == y[0]))


def _unchanged(model: Any, name: str) -> bool:
    """Whether a hook is still that of the base."""
    return getattr(type(model), name) is getattr(NetworkClassifier, name)
