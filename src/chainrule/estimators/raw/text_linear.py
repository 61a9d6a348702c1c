"""The classes of texts from sums of weights of words, pairs and pieces: trained by L-BFGS.

A bag without dropout is a linear model, whose loss has one minimum: it is trained on all texts at
once, each a sparse row.
"""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
import scipy.optimize
import scipy.sparse

from ...data.vocabulary import Vocabulary
from ...errors import DataError
from ..inputs.blas import one_blas_thread
from .text_reading import ratios_of_classes

MAX_ITER = 500
TOLERANCE = 0.03  # of the gradient's largest entry at the start: from there on no text is learned
TEXTS_FOR_RATIOS = 100  # of a class: of fewer, log-ratios are mostly chance
SHARE_OF_PAIRS = 0.5  # of few texts: how much a pair counts beside a word that is as rare

# Parameters that L-BFGS has no use for: where one is set, "auto" is Adam
OF_ADAM = (
    "batch_size", "callbacks", "checkpoint", "checkpoint_interval", "dropout", "ema", "epochs",
    "label_smoothing", "learning_rate", "max_length", "patience", "validation_fraction",
    "weight_decay", "width", "word_dropout",
)  # fmt: skip


class LinearFit(NamedTuple):
    """Weights of shape (size, classes), a bias for each class, and the loss of each iteration."""

    weight: Any
    bias: Any
    losses: list[float]
    stopped: str


def chosen_solver(model: Any, validation_data: Any) -> str:
    """The solver of a `TextClassifier` with these parameters.

    Raises
    ------
    DataError
        If a parameter is set that it does not use.
    """
    usual = inspect.signature(type(model)).parameters
    of_adam = [name for name in OF_ADAM if getattr(model, name) != usual[name].default]
    if validation_data is not None:
        of_adam.append("validation_data")
    is_linear = model.encoder == "bag" and not of_adam
    solver = ("lbfgs" if is_linear else "adam") if model.solver == "auto" else model.solver
    if solver == "lbfgs" and not is_linear:
        unused = ", ".join(of_adam) or f"encoder={model.encoder!r}"
        raise DataError(f"solver='lbfgs' does not use {unused}: leave it out, or give 'adam'")
    if solver == "adam" and model.C is not None:
        raise DataError("solver='adam' does not use C: give weight_decay in its stead")
    return str(solver)


def term_scale(counts: Any, labels: Any, tokens: Vocabulary) -> Any:
    """How much each code counts: how rare it is, or how unevenly the classes use it.

    Rare is ``log((1 + n) / (1 + n_code)) + 1``, as scikit-learn's `TfidfTransformer` has it, of a
    pair `SHARE_OF_PAIRS` of that. Where there are `TEXTS_FOR_RATIOS` texts a class, words and pairs
    count by their log-ratios instead.

    G. Salton, C. Buckley: "Term-weighting approaches in automatic text retrieval", Information
    Processing & Management 24 (1988); S. Wang, C. D. Manning: "Baselines and bigrams", ACL (2012).

    Parameters
    ----------
    counts : sparse matrix of shape (texts, tokens.size)
    labels : integer array of shape (texts,)
    tokens : Vocabulary

    Returns
    -------
    float32 array of shape (tokens.size,)
    """
    texts_with = np.bincount(counts.indices, minlength=tokens.size)
    scale = np.log((1 + len(labels)) / (1 + texts_with)) + 1
    first_piece = tokens.size - len(tokens.pieces)
    scale[1 + len(tokens.words) : first_piece] *= SHARE_OF_PAIRS
    if len(labels) >= TEXTS_FOR_RATIOS * len(np.unique(labels)):
        is_word = counts.indices < first_piece
        classes = np.repeat(labels, np.diff(counts.indptr))[is_word]
        scale[:first_piece] = ratios_of_classes(counts.indices[is_word], classes, first_piece)
    return scale.astype(np.float32)


def weighted_rows(counts: Any, scale: Any, tokens: Vocabulary) -> Any:
    """Texts as a sparse float32 matrix of shape (texts, tokens.size), of `Vocabulary.counts`.

    Each entry is ``(1 + log(count)) * scale``; those of words and pairs, and those of pieces, are
    each divided by their Euclidean norm, so that a long text weighs as much as a short one.
    """
    values = (1 + np.log(counts.data)) * scale[counts.indices]
    is_piece = counts.indices >= tokens.size - len(tokens.pieces)
    part = 2 * np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr)) + is_piece
    norm = np.sqrt(np.bincount(part, values * values, minlength=2 * counts.shape[0]))
    values /= np.maximum(norm, np.finfo(np.float32).tiny)[part]
    return scipy.sparse.csr_matrix(
        (values.astype(np.float32), counts.indices, counts.indptr), counts.shape
    )


def fit_linear(rows: Any, labels: Any, weights: Any, classes: int, C: float) -> LinearFit:
    """Weights of the least mean cross-entropy, plus ``|weight|**2 / (2 C n)``.

    Parameters
    ----------
    rows : sparse matrix of shape (n, size)
    labels : integer array of shape (n,)
    weights : float array of shape (n,), or None
        How much each text counts.
    classes : int
    C : float
        Inverse strength of regularisation.
    """
    count, size = rows.shape
    share = np.full(count, 1 / count) if weights is None else np.asarray(weights, float) / count
    # Of two classes the weights are each other's negative, and one column is enough
    columns = 1 if classes == 2 else classes
    decay = classes / columns / (C * count)
    rows = rows.astype(np.float64)
    by_code = rows.T
    losses: list[float] = []

    def objective(packed: Any) -> tuple[float, Any]:
        weight, bias = packed[: size * columns].reshape(size, columns), packed[size * columns :]
        logits = rows @ weight + bias
        if columns == 1:
            logits = np.concatenate([-logits, logits], axis=1)
        logits -= logits.max(axis=1, keepdims=True)
        exponentials = np.exp(logits)
        total = exponentials.sum(axis=1, keepdims=True)
        of_truth = logits[np.arange(count), labels] - np.log(total[:, 0])
        slopes = exponentials / total  # of a softmax: the probabilities, less 1 for the truth
        slopes[np.arange(count), labels] -= 1.0
        slopes *= share[:, None]
        if columns == 1:
            slopes = slopes[:, 1:] - slopes[:, :1]
        loss = 0.5 * decay * np.sum(weight * weight) - share @ of_truth
        by_weight = by_code @ slopes + decay * weight
        return float(loss), np.concatenate([by_weight.ravel(), slopes.sum(axis=0)])

    def note(intermediate_result: Any) -> None:
        losses.append(float(intermediate_result.fun))

    start = np.zeros((size + 1) * columns)
    with one_blas_thread:
        tolerance = TOLERANCE * np.abs(objective(start)[1]).max()
        result = scipy.optimize.minimize(
            objective, start, method="L-BFGS-B", jac=True, callback=note,
            options={"maxiter": MAX_ITER, "gtol": tolerance, "ftol": 0.0},
        )  # fmt: skip
    weight, bias = result.x[: size * columns].reshape(size, columns), result.x[size * columns :]
    if columns == 1:
        weight, bias = np.concatenate([-weight, weight], axis=1), np.concatenate([-bias, bias])
    stopped = "epochs" if result.nit >= MAX_ITER else "converged"
    return LinearFit(
        weight.astype(np.float32), bias.astype(np.float32), losses or [float(result.fun)], stopped
    )
