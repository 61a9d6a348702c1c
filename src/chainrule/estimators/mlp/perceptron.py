"""The perceptron as plain functions of its weights: its predictions, and its loss in training.

Weights are a dict of lists, one entry a layer, as scikit-learn names them: ``coefs`` and
``intercepts``; with normalisation also ``scales`` and ``shifts``. An ensemble's have one more
axis, of members, in front. A `kernel` may stand beside them, which answers with them. Statistics
of batch normalisation are apart: no gradient flows there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from ...random import bits, fold_in, uniform
from ...transforms import stop_gradient
from .embedding import ColumnEmbedding
from .kernel import blended
from .objectives import ACTIVATIONS, OBJECTIVES, OUTPUT_ACTIVATIONS, Objective

Weights: TypeAlias = dict[str, Any]

EPS = 1e-5  # added to a variance before its root
MOMENTUM = 0.9  # of the running statistics, at each batch


@dataclass(frozen=True)
class Perceptron:
    """All of a perceptron but its arrays: the program that is compiled.

    Attributes
    ----------
    activations : tuple of str or callable
        Of each hidden layer.
    loss : str or Objective
    normalization : str or None
        ``"batch"`` or ``"layer"``, before each activation.
    dropout : float
        Share of the hidden units that a training step leaves out, in whole 256ths.
    residual : bool
        Whether a hidden layer as wide as what it reads adds that to its answer.
    smoothing : float
        Of the labels: ``y (1 - s) + s / classes``, where each logistic output has two classes.
    mixup : bool
        Whether pairs of rows are mixed.
    embedding : ColumnEmbedding or None
        What the first layer reads in place of the rows.
    """

    activations: tuple[Any, ...]
    loss: str | Objective
    normalization: str | None = None
    dropout: float = 0.0
    residual: bool = False
    smoothing: float = 0.0
    mixup: bool = False
    embedding: ColumnEmbedding | None = None

    @property
    def objective(self) -> Objective:
        """The objective itself, where `loss` is its name."""
        return OBJECTIVES[self.loss] if isinstance(self.loss, str) else self.loss

    def raw_outputs(self, weights: Weights, stats: Any, x: Any) -> Any:
        """Outputs before their activation, shape (rows, outputs) or (members, rows, outputs).

        Rows of shape (members, rows, inputs) are those of each member.
        """
        outputs = self.apply(weights, stats, x)[0]
        return blended(weights["kernel"], outputs, x) if "kernel" in weights else outputs

    def outputs_of(self, raw: Any) -> Any:
        """The activated outputs of each member, of raw ones."""
        return OUTPUT_ACTIVATIONS[self.objective.output_activation](raw)

    def activate(self, raw: Any) -> Any:
        """Predictions of raw outputs, all members of an ensemble together."""
        outputs = self.outputs_of(raw)
        return outputs if outputs.ndim == 2 else self.objective.average_members(outputs)

    def predict(self, weights: Weights, stats: Any, x: Any) -> Any:
        """Predictions for rows, shape (rows, outputs)."""
        return self.activate(self.raw_outputs(weights, stats, x))

    def probabilities(self, weights: Weights, stats: Any, x: Any) -> Any:
        """Predictions with a column for either class where there is one output."""
        outputs = self.predict(weights, stats, x)
        if outputs.shape[1] > 1:
            return outputs
        return np.concatenate([1.0 - outputs, outputs], axis=1)

    def codes(self, weights: Weights, stats: Any, x: Any) -> Any:
        """The column of the largest prediction, or whether the only one is above 1/2; (rows,)."""
        raw = self.raw_outputs(weights, stats, x)
        if raw.ndim == 2 and self.objective.output_activation == "softmax":
            return np.argmax(raw, axis=1)  # the exponential keeps the order
        outputs = self.activate(raw)
        if outputs.shape[1] > 1:
            return np.argmax(outputs, axis=1)
        return (outputs[:, 0] > 0.5).astype(np.int64)

    def apply(
        self, weights: Weights, stats: Any, x: Any, training: bool = False, key: Any = None
    ) -> tuple[Any, Any]:
        """The raw outputs, and the statistics, to which a training step adds those of its batch."""
        new = []
        last = len(self.activations)
        if self.embedding is not None:
            x = self.embedding(weights["embedding"], x)
        for k, activation in enumerate(self.activations):
            z = x @ weights["coefs"][k] + _row(weights["intercepts"][k])
            if self.normalization is not None:
                z, running = self._normalize(z, stats[k] if stats else None, training)
                z = z * _row(weights["scales"][k]) + _row(weights["shifts"][k])
                new.append(running)
            h = as_activation(activation)(z)
            if self.dropout and key is not None:
                h = _dropped_out(fold_in(key, k), self.dropout, h)
            x = x + h if self.residual and np.shape(x)[-1] == np.shape(h)[-1] else h
        return x @ weights["coefs"][last] + _row(weights["intercepts"][last]), new

    def _normalize(self, z: Any, running: Any, training: bool) -> tuple[Any, Any]:
        """Shift and scale to mean 0 and variance 1: each row, or each unit over a batch."""
        axis = -1 if self.normalization == "layer" else -2
        if axis == -2 and not training:
            return (z - _row(running[0])) / np.sqrt(_row(running[1]) + EPS), running
        mean = np.mean(z, axis=axis, keepdims=True)
        centered = z - mean
        variance = np.mean(centered * centered, axis=axis, keepdims=True)
        if axis == -2:
            batch = [stop_gradient(a[..., 0, :]) for a in (mean, variance)]
            running = [MOMENTUM * a + (1.0 - MOMENTUM) * b
                       for a, b in zip(running, batch, strict=True)]  # fmt: skip
        return centered / np.sqrt(variance + EPS), running

    def takes_codes(self, y: Any) -> bool:
        """Whether targets are codes of classes, shape (rows, 1), and not the outputs themselves."""
        return bool(self.objective.output_activation == "softmax" and y.dtype.kind == "i")

    def outputs_for(self, weights: Weights, y: Any, dtype: Any) -> Any:
        """Targets of shape (rows, outputs); the code of a class becomes a 1 in its column."""
        if self.takes_codes(y):
            y = y == np.arange(weights["intercepts"][-1].shape[-1], dtype=np.int32)
        return y.astype(dtype)

    def training_loss(
        self, weights: Weights, stats: Any, x: Any, y: Any, w: Any, alpha: Any, key: Any = None
    ) -> tuple[Any, Any]:
        """The number that a step makes smaller; the loss to report, and the new statistics.

        scikit-learn's: the weighted mean of the rows' losses, and ``alpha / 2`` times the sum of
        squares of the coefficients over the weight of the rows. Each member of an ensemble has its
        own, and perhaps its own weights, shape (rows, members).
        """
        y = self.outputs_for(weights, y, x.dtype)
        if key is not None and self.mixup:
            x, y, w = _mix_rows(x, y, w, key)
        if self.smoothing:
            classes = 2 if self.objective.output_activation == "logistic" else y.shape[-1]
            y = y * (1.0 - self.smoothing) + self.smoothing / classes
        z, stats = self.apply(weights, stats, x, training=True, key=key)
        losses = self.objective.row_losses(z, y)
        reported = self.objective.reported_loss(losses, y)
        squares = sum([np.sum(c * c, axis=(-2, -1)) for c in weights["coefs"]])
        if w is None:
            total = x.dtype.type(x.shape[0])
        else:
            total = nonzero(np.sum(w, axis=0))
            losses, reported = losses * w.T, reported * w.T
        penalty = 0.5 * alpha * squares
        value = np.sum((np.sum(losses, axis=-1) + penalty) / total)
        return value, (np.mean((np.sum(reported, axis=-1) + penalty) / total), stats)


def nonzero(total: Any) -> Any:
    """Replace sums of weights that are 0 by 1, so that a batch without weight is not NaN."""
    return np.where(total == 0.0, total.dtype.type(1.0), total)


def _row(values: Any) -> Any:
    """Give vectors of members an axis for the rows."""
    return values if values.ndim == 1 else values[:, None, :]


def _dropped_out(key: Any, rate: float, h: Any) -> Any:
    """Hidden units with some of them 0, and the others so much larger that their mean stays.

    A byte decides on a unit: to draw a word for each took two fifths of a training.
    """
    left_out = min(max(round(256 * rate), 1), 255)  # of 256
    shape = np.shape(h)
    count = math.prod(shape)
    words = bits(key, -(-count // 4))
    # Word by word: rows of weight 0 at the end of a batch change nothing of those before them
    parts = (words[:, None] >> np.arange(0, 32, 8, dtype=np.uint32)) & np.uint32(255)
    stays = np.reshape(np.reshape(parts, (-1,))[:count], shape) >= np.uint32(left_out)
    return np.where(stays, h * (256.0 / (256 - left_out)), 0.0)


def _mix_rows(x: Any, y: Any, w: Any, key: Any) -> tuple[Any, Any, Any]:
    """Mix each row with the one as far from the other end, in one random share for all.

    Zhang et al.: "mixup: beyond empirical risk minimization", arXiv:1710.09412 (2017), with
    Beta(1, 1). The rows of a batch are in random order already.
    """
    share = uniform(fold_in(key, 1000), (), dtype=x.dtype)
    other = 1.0 - share
    mixed = [share * a + other * a[::-1] for a in (x, y)]
    return mixed[0], mixed[1], None if w is None else share * w + other * w[::-1]


def as_activation(activation: Any) -> Callable[[Any], Any]:
    """The function of a name, or the function itself."""
    return ACTIVATIONS[activation] if isinstance(activation, str) else activation
