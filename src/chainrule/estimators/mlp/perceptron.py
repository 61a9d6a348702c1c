"""The perceptron as plain functions of its weights: what it answers, and what training makes small.

Weights are a dict of lists, one entry a layer, as scikit-learn names them: ``coefs`` and
``intercepts``; with normalisation also ``scales`` and ``shifts``. An ensemble's have one more
axis, of members, in front. Statistics of batch normalisation are apart: no gradient flows there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ...random import bernoulli, fold_in, uniform
from ...transforms import stop_gradient
from .embedding import Embedding
from .objectives import ACTIVATIONS, OBJECTIVES, UNITS, Objective

Weights: TypeAlias = dict[str, Any]

EPS = 1e-5  # added to a variance before its root
KEPT = 0.9  # of the running statistics, at each batch


@dataclass(frozen=True)
class Perceptron:
    """What is fixed before the weights are: the program that is compiled.

    Attributes
    ----------
    activations : tuple of str or callable
        Of each hidden layer.
    objective : str or Objective
    normalization : str or None
        ``"batch"`` or ``"layer"``, before each activation.
    dropout : float
        Share of the hidden units that a training step leaves out.
    residual : bool
        Whether a hidden layer as wide as what it reads adds that to its answer.
    smoothing : float
        Of the labels: ``y (1 - s) + s / classes``, where each logistic output has two classes.
    mixup : bool
        Whether pairs of rows are mixed.
    embedding : Embedding or None
        What the first layer reads in place of the rows.
    """

    activations: tuple[Any, ...]
    objective: str | Objective
    normalization: str | None = None
    dropout: float = 0.0
    residual: bool = False
    smoothing: float = 0.0
    mixup: bool = False
    embedding: Embedding | None = None

    @property
    def goal(self) -> Objective:
        """The objective itself."""
        known = self.objective
        return OBJECTIVES[known] if isinstance(known, str) else known

    def raw(self, weights: Weights, stats: Any, x: Any) -> Any:
        """The raw outputs for rows, shape (rows, outputs), or (members, rows, outputs)."""
        return self.forward(weights, stats, x)[0]

    def answer_of(self, raw: Any, w: Any = None) -> Any:
        """What the output units make of raw outputs, all members of an ensemble together.

        With weights of shape (rows, members), the weighted mean of the members.
        """
        made = UNITS[self.goal.unit](raw)
        if w is not None:
            return np.sum((w / nonzero(np.sum(w, axis=1, keepdims=True))).T[..., None] * made, 0)
        return made if made.ndim == 2 else self.goal.merged(made)

    def answer(self, weights: Weights, stats: Any, x: Any, w: Any = None) -> Any:
        """The output units' values for rows, shape (rows, outputs); see `answer_of`."""
        return self.answer_of(self.raw(weights, stats, x), w)

    def forward(
        self, weights: Weights, stats: Any, x: Any, training: bool = False, key: Any = None
    ) -> tuple[Any, Any]:
        """The raw outputs, and the statistics: in a training step, those of its batch count."""
        new = []
        last = len(self.activations)
        if self.embedding is not None:
            x = self.embedding(weights["embedding"], x)
        for k, activation in enumerate(self.activations):
            z = x @ weights["coefs"][k] + _row(weights["intercepts"][k])
            if self.normalization is not None:
                z, running = self._normal(z, stats[k] if stats else None, training)
                z = z * _row(weights["scales"][k]) + _row(weights["shifts"][k])
                new.append(running)
            h = as_activation(activation)(z)
            if self.dropout and key is not None:
                kept = bernoulli(fold_in(key, k), 1.0 - self.dropout, np.shape(h))
                h = np.where(kept, h / (1.0 - self.dropout), 0.0)
            x = x + h if self.residual and np.shape(x)[-1] == np.shape(h)[-1] else h
        return x @ weights["coefs"][last] + _row(weights["intercepts"][last]), new

    def _normal(self, z: Any, running: Any, training: bool) -> tuple[Any, Any]:
        """Numbers of mean 0 and variance 1: of each row, or of each unit over a batch."""
        axis = -1 if self.normalization == "layer" else -2
        if axis == -2 and not training:
            return (z - _row(running[0])) / np.sqrt(_row(running[1]) + EPS), running
        mean = np.mean(z, axis=axis, keepdims=True)
        centered = z - mean
        variance = np.mean(centered * centered, axis=axis, keepdims=True)
        if axis == -2:
            now = [stop_gradient(a[..., 0, :]) for a in (mean, variance)]
            running = [KEPT * a + (1.0 - KEPT) * b for a, b in zip(running, now, strict=True)]
        return centered / np.sqrt(variance + EPS), running

    def takes_codes(self, y: Any) -> bool:
        """Whether targets are the classes' codes, shape (rows, 1), and no outputs."""
        return bool(self.goal.unit == "softmax" and y.dtype.kind == "i")

    def outputs_for(self, weights: Weights, y: Any, dtype: Any) -> Any:
        """What the outputs should be, shape (rows, outputs): of a class's code 1 in its place."""
        if self.takes_codes(y):
            y = y == np.arange(weights["intercepts"][-1].shape[-1], dtype=np.int32)
        return y.astype(dtype)

    def objective_value(
        self, weights: Weights, stats: Any, x: Any, y: Any, w: Any, alpha: Any, key: Any = None
    ) -> tuple[Any, Any]:
        """What a step makes smaller; and what is shown of it, with the new statistics.

        scikit-learn's: the weighted mean of the rows' losses, and ``alpha / 2`` times the sum of
        squares of the coefficients over the weight of the rows. Each member of an ensemble has its
        own, and perhaps its own weights, shape (rows, members).
        """
        y = self.outputs_for(weights, y, x.dtype)
        if key is not None and self.mixup:
            x, y, w = _mixed(x, y, w, key)
        if self.smoothing:
            classes = 2 if self.goal.unit == "logistic" else y.shape[-1]
            y = y * (1.0 - self.smoothing) + self.smoothing / classes
        z, stats = self.forward(weights, stats, x, training=True, key=key)
        losses = self.goal.rows(z, y)
        shown = self.goal.shown(losses, y)
        squares = sum([np.sum(c * c, axis=(-2, -1)) for c in weights["coefs"]])
        if w is None:
            total = x.dtype.type(x.shape[0])
        else:
            total = nonzero(np.sum(w, axis=0))
            losses, shown = losses * w.T, shown * w.T
        penalty = 0.5 * alpha * squares
        value = np.sum((np.sum(losses, axis=-1) + penalty) / total)
        return value, (np.mean((np.sum(shown, axis=-1) + penalty) / total), stats)


def nonzero(total: Any) -> Any:
    """Sums of weights to divide by: a batch of rows without weight teaches nothing, not NaN."""
    return np.where(total == 0.0, total.dtype.type(1.0), total)


def _row(values: Any) -> Any:
    """Beside rows: members get an axis between."""
    return values if values.ndim == 1 else values[:, None, :]


def _mixed(x: Any, y: Any, w: Any, key: Any) -> tuple[Any, Any, Any]:
    """Each row mixed with the one as far from the other end, in one random share for all.

    Zhang et al.: "mixup: beyond empirical risk minimization", arXiv:1710.09412 (2017), with
    Beta(1, 1). The rows of a batch are in random order already.
    """
    share = uniform(fold_in(key, 1000), (), dtype=x.dtype)
    other = 1.0 - share
    mixed = [share * a + other * a[::-1] for a in (x, y)]
    return mixed[0], mixed[1], None if w is None else share * w + other * w[::-1]


def as_activation(activation: Any) -> Callable[[Any], Any]:
    """By name, or itself."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation
