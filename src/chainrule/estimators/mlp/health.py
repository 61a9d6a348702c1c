"""How gradients fare while an estimator trains: a callback that measures them on a few rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ... import tree
from ...train.health import FAR, FLAT
from ...train.result import EpochReport
from ...transforms import jit, value_and_grad, vjp
from .perceptron import Perceptron, Weights, as_activation

Floats: TypeAlias = NDArray[np.float64]

ROWS = 256  # of the training, on which gradients are measured
EPOCHS = 40  # that are measured, at most
FIXED = ("edges", "gaps")  # of an embedding: bins, which no gradient moves


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
        """Nothing seen so far."""
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
            self._sample = report.model._sample(self.rows)
        weights = report.model._weights()
        if self._wants(report.epoch, report.epochs):
            self._measure(report, weights)
        self._before = weights

    def _wants(self, epoch: int, epochs: int) -> bool:
        """Whether it is one of `self.epochs` epochs, spread evenly from the first to the last."""
        steps = self.epochs - 1
        return epochs <= self.epochs or (
            (epoch - 1) * steps // (epochs - 1) != (epoch - 2) * steps // (epochs - 1)
        )

    def _measure(self, report: EpochReport, weights: Weights) -> None:
        net = report.model._perceptron()
        before = weights if self._before is None else self._before
        norms, ratios = _measuring(net)(weights, before, report.model._stats, *self._sample)  # type: ignore[misc]
        self._names = layer_names(weights)
        self._measured.append(report.epoch)
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
        made = {}
        for name, values in zip(self._names, np.transpose(rows), strict=True):
            known = ~np.isnan(values) | (np.arange(len(values)) > 0)
            column = np.interp(epochs, np.array(self._measured)[known], values[known])
            column[: self._measured[int(np.argmax(known))] - 1] = np.nan
            made[name] = column.tolist()
        return made

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
        return flat_units(model._perceptron(), model._weights(), model._stats, self._sample[0])


def flat_units(
    net: Perceptron, weights: Weights, stats: Any, x: Any
) -> tuple[dict[str, float], dict[str, float]]:
    """The shares of dead units and of saturated outputs by hidden layer, on some rows."""
    seen: list[Any] = []

    def watched(activation: Any) -> Any:
        def recorded(z: Any) -> Any:
            seen.append(np.asarray(z))
            return activation(z)

        return recorded

    activations = [as_activation(activation) for activation in net.activations]
    replace(net, activations=tuple(map(watched, activations))).raw(weights, stats, x)
    dead, saturated = {}, {}
    for k, (activation, z) in enumerate(zip(activations, seen, strict=True)):
        flat = _is_flat(activation, z)
        dead[f"layers.{k}"] = float(np.mean(flat.all(axis=-2)))
        if _is_flat(activation, np.array([-FAR, FAR], z.dtype)).all():
            saturated[f"layers.{k}"] = float(np.mean(flat))
    return dead, saturated


def layer_names(weights: Weights) -> list[str]:
    """``embedding`` if there is one, ``layers.0``, ``layers.1``, ...: in the order of data."""
    return list(_by_layer(weights))


def _by_layer(weights: Weights) -> dict[str, list[Any]]:
    """The arrays of each layer that training moves."""
    found: dict[str, list[Any]] = {}
    embedding: Mapping[str, Any] = weights.get("embedding", {})
    moved = tree.leaves([value for name, value in embedding.items() if name not in FIXED])
    if moved:
        found["embedding"] = moved
    count = len(weights["coefs"])
    for k in range(count):
        own = [weights["coefs"][k], weights["intercepts"][k]]
        if k < count - 1 and "scales" in weights:
            own += [weights["scales"][k], weights["shifts"][k]]
        found[f"layers.{k}"] = own
    return found


@lru_cache(maxsize=16)
def _measuring(net: Perceptron) -> Any:
    """Compile ``(weights, before, stats, x, y) -> (gradient norms, update ratios)`` by layer.

    Of an ensemble, the mean over its members.
    """

    def measure(weights: Any, before: Any, stats: Any, x: Any, y: Any) -> Any:
        def value(w: Any) -> Any:
            return net.objective_value(w, stats, x, y, None, x.dtype.type(0.0))[0]

        gradients = value_and_grad(value)(weights)[1]
        apart = weights["coefs"][0].ndim - 2
        change = tree.map(lambda new, old: new - old, weights, before)
        norms, changes, sizes = (
            np.stack([_norm(arrays, apart) for arrays in _by_layer(found).values()])
            for found in (gradients, change, before)
        )
        members = tuple(range(1, 1 + apart))
        ratios = changes / np.maximum(sizes, 1e-300)
        return np.mean(norms, axis=members), np.mean(ratios, axis=members)

    return jit(measure, tiered=True)


def _norm(arrays: Sequence[Any], apart: int) -> Any:
    """Of all arrays together, of each member; in float64: float32 squares vanish below 1e-23."""
    squares = [
        np.sum(np.square(a.astype(np.float64)), axis=tuple(range(apart, a.ndim))) for a in arrays
    ]
    return np.sqrt(sum(squares))


def _is_flat(activation: Any, z: Any) -> NDArray[np.bool_]:
    """Where the slope of an elementwise function is next to 0."""
    y, pull = vjp(activation, z)
    (slope,) = pull(np.ones_like(y))
    return np.asarray(np.abs(slope) < FLAT)
