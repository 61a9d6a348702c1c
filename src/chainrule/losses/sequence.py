"""Connectionist temporal classification: labels known in order, but not in time."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..transforms import scan, stop_gradient
from ..typing import Array
from .labels import check, mark_invalid
from .reduction import Reduction, as_array, reduce_losses

_LOG_ZERO = -1e30  # log of probability 0; finite, so that differences of two are finite


def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    *,
    blank: int = 0,
    zero_infinity: bool = False,
    sample_weight: Any = None,
    reduction: Reduction = "mean",
) -> Array:
    """``-log p(targets)``, summed over all alignments of the targets with the sequence.

    Each step emits a class or `blank`. An emitted sequence is decoded by merging equal neighbours
    and then removing blanks: "aa-ab" with the blank "-" decodes to "aab". The probability of a
    target is the sum over all sequences that decode to it, computed step by step (the paper's
    forward variables).

    Parameters
    ----------
    log_probs : floating array of shape (rows, steps, classes)
        Logarithms of each step's probabilities, as of `nn.log_softmax`. float16 is computed in
        float32.
    targets : integer array of shape (rows, longest)
        Classes other than `blank`, padded at the end with arbitrary classes.
    input_lengths, target_lengths : integer arrays of shape (rows,)
        The numbers of steps and of labels of each row.
    blank : int
        The class of the blank. Default 0.
    zero_infinity : bool
        Whether the loss of rows without any alignment (more labels than steps, say) is 0 instead
        of infinite; its derivative is 0 in both cases. Default False.
    sample_weight, reduction
        See `chainrule.losses`. (PyTorch's mean divides each loss by its target's length.)

    Returns
    -------
    number, or array of shape (rows,)

    Raises
    ------
    ShapeError
        If the shapes do not fit.
    DtypeError
        If targets or lengths are not integers.
    ValueError
        If `blank` is no class; if a target or length is out of range. (A compiled function does
        not see it so early: there the loss of such a row and its derivative are nan, or an
        IndexError says that a target has no place.)

    References
    ----------
    A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber: "Connectionist temporal classification:
    labelling unsegmented sequence data with recurrent neural networks" (2006).

    Examples
    --------
    Two steps, even chances of "-" and "a": "aa", "a-" and "-a" read "a", 3 of 4 sequences.

    >>> import numpy as np
    >>> even = np.log(np.full((1, 2, 2), 0.5))
    >>> loss = ctc_loss(even, np.array([[1]]), np.array([2]), np.array([1]))
    >>> float(np.exp(-loss).round(12))
    0.75
    """
    log_probs, targets = as_array(log_probs), as_array(targets)
    input_lengths, target_lengths = as_array(input_lengths), as_array(target_lengths)
    _check(log_probs, targets, input_lengths, target_lengths, blank)
    if log_probs.dtype == np.float16:
        log_probs = log_probs.astype(np.float32)
    rows, steps, classes = log_probs.shape
    sizes = steps, classes, blank
    labels = targets, input_lengths, target_lengths
    valid = check(labels, partial(_valid_rows, sizes), partial(_describe_invalid, sizes))
    if valid is not None:  # the selections below may skip an invalid row, so mark it before them
        log_probs = mark_invalid(log_probs, valid[:, None, None])
    extended, may_skip = _states(targets, target_lengths, blank)
    states = extended.shape[1]
    everywhere = np.broadcast_to(extended[:, None, :], (rows, steps, states))
    emissions = np.maximum(np.take_along_axis(log_probs, everywhere, axis=2), _LOG_ZERO)
    first = np.where(np.arange(states) == 0, 0.0, _LOG_ZERO).astype(log_probs.dtype)

    def step(forward: Any, inputs: Any) -> tuple[Any, None]:
        t, emitted = inputs
        previous, before_previous = (_shift_states(forward, count) for count in (1, 2))
        skipped = np.where(may_skip, before_previous, _LOG_ZERO)
        reached = _log_sum(forward, previous, skipped) + emitted
        return np.where((t < input_lengths)[:, None], reached, forward), None

    start = np.broadcast_to(first, (rows, states))
    last, _ = scan(step, start, (np.arange(steps), np.swapaxes(emissions, 0, 1)))
    last_label = 2 * target_lengths.astype(np.int64)[:, None]  # twice a uint8 may be none
    ends = np.arange(states) - last_label  # at the last label, or the blank after
    total = np.logaddexp.reduce(np.where((ends == 0) | (ends == -1), last, _LOG_ZERO), axis=1)
    possible = total > 0.5 * _LOG_ZERO
    impossible = 0.0 if zero_infinity else np.inf
    losses = np.where(possible, -np.where(possible, total, 0.0), impossible)
    return reduce_losses(mark_invalid(losses, valid), sample_weight, reduction)


def _states(targets: Any, target_lengths: Any, blank: int) -> tuple[Any, Any]:
    """Return labels with blanks between, (rows, 2 longest + 1), and where a blank may be skipped.

    A label may follow the label before it without a blank, unless the two are equal.
    """
    rows, longest = targets.shape
    real = np.arange(longest) < target_lengths[:, None]
    labels = np.where(real, targets, blank)
    blanks = np.full((rows, longest), blank)
    pairs = np.stack([blanks, labels], axis=2).reshape(rows, 2 * longest)
    extended = np.concatenate([pairs, np.full((rows, 1), blank)], axis=1)
    before = np.concatenate([np.full((rows, min(2, 2 * longest)), blank), pairs], axis=1)
    return extended, (extended != blank) & (extended != before[:, : 2 * longest + 1])


def _shift_states(forward: Any, count: int) -> Any:
    """Shift the values (rows, states) by `count` states, filling up with log 0."""
    rows, states = forward.shape
    remaining = max(states - count, 0)
    edge = np.full((rows, states - remaining), _LOG_ZERO, forward.dtype)
    return np.concatenate([edge, forward[:, :remaining]], axis=1)


def _log_sum(*terms: Any) -> Any:
    """Return log(exp(a) + exp(b) + ...); the maximum is subtracted first, against overflow."""
    top = terms[0]
    for term in terms[1:]:
        top = np.maximum(top, term)
    top = stop_gradient(top)
    return top + np.log(sum(np.exp(term - top) for term in terms))


def _check(
    log_probs: Any, targets: Any, input_lengths: Any, target_lengths: Any, blank: int
) -> None:
    shapes = [x.shape for x in (log_probs, targets, input_lengths, target_lengths)]
    rows = shapes[0][:1]
    if [len(s) for s in shapes] != [3, 2, 1, 1] or any(s[:1] != rows for s in shapes):
        raise ShapeError(
            at_user_line(
                "ctc_loss takes log_probs (rows, steps, classes), targets (rows, longest), and two "
                f"lengths (rows,): the shapes are {', '.join(map(str, shapes))}"
            )
        )
    classes = shapes[0][2]
    if log_probs.dtype.kind != "f":
        raise DtypeError(at_user_line(f"ctc_loss: log_probs are floats, not {log_probs.dtype}"))
    if not 0 <= blank < classes:
        raise ValueError(at_user_line(f"blank={blank}: classes are 0 to {classes - 1}"))
    for name, x in (
        ("targets", targets),
        ("input_lengths", input_lengths),
        ("target_lengths", target_lengths),
    ):
        if x.dtype.kind not in "iu":
            raise DtypeError(at_user_line(f"ctc_loss: {name} are whole numbers, not {x.dtype}"))


def _valid_rows(sizes: tuple[int, int, int], labels: tuple[Any, Any, Any]) -> Any:
    """Return which rows have lengths in range and targets that are classes."""
    steps, classes, blank = sizes
    targets, input_lengths, target_lengths = labels
    longest = targets.shape[1]
    real = np.arange(longest) < target_lengths[:, None]
    good = (targets >= 0) & (targets < classes) & (targets != blank)
    lengths = (input_lengths >= 0) & (input_lengths <= steps)
    lengths = lengths & (target_lengths >= 0) & (target_lengths <= longest)
    return lengths & np.all(good | ~real, axis=1)


def _describe_invalid(sizes: tuple[int, int, int], labels: tuple[Any, Any, Any]) -> str:
    steps, classes, blank = sizes
    targets, input_lengths, target_lengths = labels
    for name, x, most in (
        ("input_lengths", input_lengths, steps),
        ("target_lengths", target_lengths, targets.shape[1]),
    ):
        if np.any((x < 0) | (x > most)):
            return f"ctc_loss: {name} run from {x.min()} to {x.max()}: 0 to {most} fit"
    real = targets[np.arange(targets.shape[1]) < target_lengths[:, None]]
    return (
        f"ctc_loss: targets are classes, 0 to {classes - 1}, other than the blank {blank}; those "
        f"given are {np.unique(real)[:20].tolist()}"
    )
