"""Norms of gradients while an estimator trains: a callback that measures them on a few rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ... import tree
from ...optim import global_norm
from ...train.health import flat_shares
from ...train.result import EpochReport
from ...transforms import jit, value_and_grad
from .network import FittedNetwork, layer_arrays
from .perceptron import Perceptron, Weights, as_activation

Floats: TypeAlias = NDArray[np.float64]

ROWS = 256  # of the training, on which gradients are measured
EPOCHS = 40  # that are measured, at most


class Recorder:
    """A callback for `fit` that keeps the history, and measures gradients by layer.

    Parameters
    ----------
    gradients : bool
        Whether to measure them; else only the history is kept.
    rows : int
        Of the training rows, on which they are measured. Default 256.
    epochs : int
        How many epochs are measured, evenly spread, the first and the last among them. Default 40.

    Attributes
    ----------
    history : list of dict
        A row an epoch: ``epoch``, ``loss``, and if there are validation rows ``validation_loss``
        and ``score``.
    best_epoch : int
        The last one that was better than those before.

    Examples
    --------
    >>> from chainrule import TabularRegressor
    >>> from chainrule.data import read_table
    >>> table = read_table("diabetes").frame
    >>> recorder = Recorder()
    >>> model = TabularRegressor(
    ...     hidden_layer_sizes=(8,), max_iter=5, random_state=0, callbacks=[recorder]
    ... )
    >>> model = model.fit(table.drop(columns="progression"), table["progression"])
    >>> norms, ratios = recorder.gradient_norms, recorder.update_ratios
    >>> list(norms), len(norms["layers.0"]), ratios["layers.0"][:1]
    (['embedding', 'layers.0', 'layers.1'], 5, [nan])
    """

    def __init__(self, gradients: bool = True, rows: int = ROWS, epochs: int = EPOCHS) -> None:
        self.gradients, self.rows, self.epochs = gradients, rows, epochs
        self._begin()

    def _begin(self) -> None:
        """Forget a training before."""
        self.history: list[dict[str, float]] = []
        self.best_epoch = 0
        self._measured: list[int] = []
        self._norms: list[Floats] = []
        self._ratios: list[Floats] = []
        self._names: list[str] = []
        self._sample: tuple[Any, Any] | None = None
        self._before: Weights | None = None

    def __call__(self, report: EpochReport) -> None:
        """After an epoch; the first of a training forgets one before."""
        if report.epoch == 1:
            self._begin()
        self.history.append(report.numbers)
        if report.improved:
            self.best_epoch = report.epoch
        if not self.gradients:
            return
        if self._sample is None:
            self._sample = report.model.training_sample(self.rows)
        network = report.model.fitted_network
        if self._is_measured(report.epoch, report.epochs):
            self._measure(report.epoch, network)
        self._before = network.weights

    def _is_measured(self, epoch: int, epochs: int) -> bool:
        """Whether it is one of `self.epochs` epochs, spread evenly from the first to the last."""
        steps = self.epochs - 1
        return epochs <= self.epochs or (
            (epoch - 1) * steps // (epochs - 1) != (epoch - 2) * steps // (epochs - 1)
        )

    def _measure(self, epoch: int, network: FittedNetwork) -> None:
        before = network.weights if self._before is None else self._before
        measure = _measuring(network.perceptron)
        norms, ratios = measure(network.weights, before, network.batch_stats, *self._sample)  # type: ignore[misc]
        self._names = list(network.layers())
        self._measured.append(epoch)
        self._norms.append(norms)
        self._ratios.append(ratios if self._before is not None else np.full_like(ratios, np.nan))

    @property
    def gradient_norms(self) -> dict[str, list[float]]:
        """By layer, the gradient's norm after each epoch: between those measured, on a line."""
        return self._columns(self._norms)

    @property
    def update_ratios(self) -> dict[str, list[float]]:
        """By layer, the norm of what an epoch changed by that of the weights; nan for the first.

        What was there before the first epoch is not known.
        """
        return self._columns(self._ratios) if len(self._measured) > 1 else {}

    def _columns(self, rows: Sequence[Floats]) -> dict[str, list[float]]:
        if not rows:
            return {}
        epochs = np.arange(1, self._measured[-1] + 1)
        columns = {}
        for name, values in zip(self._names, np.transpose(rows), strict=True):
            known = ~np.isnan(values) | (np.arange(len(values)) > 0)
            column = np.interp(epochs, np.array(self._measured)[known], values[known])
            column[: self._measured[int(np.argmax(known))] - 1] = np.nan
            columns[name] = column.tolist()
        return columns

    def units(self, model: Any) -> tuple[dict[str, float], dict[str, float]]:
        """Of a trained network, the shares of dead units and of saturated outputs by hidden layer.

        Parameters
        ----------
        model : MLPClassifier or MLPRegressor
            That was trained with this callback.

        Returns
        -------
        (dead, saturated) : dicts of float
            As of `chainrule.train.gradient_health`; all members of an ensemble count alike.
        """
        if self._sample is None:
            return {}, {}
        return flat_units(model.fitted_network, self._sample[0])


def flat_units(network: FittedNetwork, x: Any) -> tuple[dict[str, float], dict[str, float]]:
    """The shares of dead units and of saturated outputs by hidden layer, on some rows."""
    inputs: list[Any] = []

    def recording(activation: Any) -> Any:
        def recorded(z: Any) -> Any:
            inputs.append(np.asarray(z))
            return activation(z)

        return recorded

    perceptron = network.perceptron
    activations = [as_activation(activation) for activation in perceptron.activations]
    recorder = replace(perceptron, activations=tuple(map(recording, activations)))
    network.replace(perceptron=recorder).raw_outputs(x)
    dead, saturated = {}, {}
    for k, (activation, z) in enumerate(zip(activations, inputs, strict=True)):
        dead[f"layers.{k}"], share = flat_shares(activation, z)
        if share is not None:
            saturated[f"layers.{k}"] = share
    return dead, saturated


@lru_cache(maxsize=16)
def _measuring(perceptron: Perceptron) -> Any:
    """Compile ``(weights, before, stats, x, y) -> (gradient norms, update ratios)`` by layer.

    Of an ensemble, the mean over its members.
    """

    def measure(weights: Any, before: Any, stats: Any, x: Any, y: Any) -> Any:
        def loss(w: Any) -> Any:
            return perceptron.training_loss(w, stats, x, y, None, x.dtype.type(0.0))[0]

        gradients = value_and_grad(loss)(weights)[1]
        apart = weights["coefs"][0].ndim - 2
        change = tree.map(lambda new, old: new - old, weights, before)
        norms, changes, sizes = (
            np.stack([_norm(arrays, apart) for arrays in layer_arrays(parts).values()])
            for parts in (gradients, change, before)
        )
        members = tuple(range(1, 1 + apart))
        ratios = changes / np.maximum(sizes, 1e-300)
        return np.mean(norms, axis=members), np.mean(ratios, axis=members)

    return jit(measure, tiered=True)


def _norm(arrays: Sequence[Any], apart: int) -> Any:
    """The norm of all arrays together, of each member of an ensemble."""
    return global_norm(list(arrays), member_axes=apart)
