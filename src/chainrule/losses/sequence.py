"""Losses of sequences whose labels are known, but not when each of them is said."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..transforms import scan, stop_gradient
from .labels import check, marked
from .reduction import Reduction, array, reduced

_NEVER = -1e30  # the logarithm of no probability: finite, so that differences of two are


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
) -> Any:
    """``-log p(targets)``, summed over all ways in which the target may lie in the sequence.

    Each step says a class or `blank`. What is said is read by joining equal neighbours and then
    leaving out blanks: "aa-ab" with the blank "-" reads "aab". The probability of a target is the
    sum over all sequences that read so, found step by step (the paper's forward variables).

    Parameters
    ----------
    log_probs : floating array of shape (rows, steps, classes)
        Logarithms of each step's probabilities, as of `nn.log_softmax`. float16 is computed in
        float32.
    targets : integer array of shape (rows, longest)
        Classes other than `blank`, filled up at the end with any.
    input_lengths, target_lengths : integer arrays of shape (rows,)
        How many steps and labels of each row are real.
    blank : int
        The class of saying nothing. Default 0.
    zero_infinity : bool
        Whether rows with no such sequence (more labels than steps, say) count as 0. Otherwise
        their loss is infinite; its derivative is 0 in both cases. Default False.
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
    log_probs, targets = array(log_probs), array(targets)
    input_lengths, target_lengths = array(input_lengths), array(target_lengths)
    _check(log_probs, targets, input_lengths, target_lengths, blank)
    if log_probs.dtype == np.float16:
        log_probs = log_probs.astype(np.float32)
    rows, steps, classes = log_probs.shape
    sizes = steps, classes, blank
    given = targets, input_lengths, target_lengths
    valid = check(given, partial(_fit, sizes), partial(_not_fitting, sizes))
    if valid is not None:  # the choices below lead around a row: marked here, its slopes are nan
        log_probs = marked(log_probs, valid[:, None, None])
    said, skips = _states(targets, target_lengths, blank)
    states = said.shape[1]
    everywhere = np.broadcast_to(said[:, None, :], (rows, steps, states))
    spoken = np.maximum(np.take_along_axis(log_probs, everywhere, axis=2), _NEVER)
    first = np.where(np.arange(states) == 0, 0.0, _NEVER).astype(log_probs.dtype)

    def step(forward: Any, now: Any) -> tuple[Any, None]:
        t, emitted = now
        one, two = (_from_left(forward, count) for count in (1, 2))
        came = _log_sum(forward, one, np.where(skips, two, _NEVER)) + emitted
        return np.where((t < input_lengths)[:, None], came, forward), None

    start = np.broadcast_to(first, (rows, states))
    last, _ = scan(step, start, (np.arange(steps), np.swapaxes(spoken, 0, 1)))
    last_label = 2 * target_lengths.astype(np.int64)[:, None]  # twice a uint8 may be none
    ends = np.arange(states) - last_label  # at the last label, or the blank after
    total = np.logaddexp.reduce(np.where((ends == 0) | (ends == -1), last, _NEVER), axis=1)
    possible = total > 0.5 * _NEVER
    impossible = 0.0 if zero_infinity else np.inf
    losses = np.where(possible, -np.where(possible, total, 0.0), impossible)
    return reduced(marked(losses, valid), sample_weight, reduction)


def _states(targets: Any, target_lengths: Any, blank: int) -> tuple[Any, Any]:
    """Labels with blanks around each, (rows, 2 longest + 1), and which may follow the last but one.

    A label may follow the label before it without a blank between, unless they are equal.
    """
    rows, longest = targets.shape
    real = np.arange(longest) < target_lengths[:, None]
    labels = np.where(real, targets, blank)
    blanks = np.full((rows, longest), blank)
    pairs = np.stack([blanks, labels], axis=2).reshape(rows, 2 * longest)
    said = np.concatenate([pairs, np.full((rows, 1), blank)], axis=1)
    before = np.concatenate([np.full((rows, min(2, 2 * longest)), blank), pairs], axis=1)
    return said, (said != blank) & (said != before[:, : 2 * longest + 1])


def _from_left(forward: Any, count: int) -> Any:
    """Each state's value `count` states later."""
    rows, states = forward.shape
    kept = max(states - count, 0)
    edge = np.full((rows, states - kept), _NEVER, forward.dtype)
    return np.concatenate([edge, forward[:, :kept]], axis=1)


def _log_sum(*terms: Any) -> Any:
    """log(exp(a) + exp(b) + ...): the largest, which cancels in the derivative, is taken out."""
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


def _fit(sizes: tuple[int, int, int], given: tuple[Any, Any, Any]) -> Any:
    """Which rows have lengths that fit, and targets that are classes."""
    steps, classes, blank = sizes
    targets, input_lengths, target_lengths = given
    longest = targets.shape[1]
    real = np.arange(longest) < target_lengths[:, None]
    good = (targets >= 0) & (targets < classes) & (targets != blank)
    lengths = (input_lengths >= 0) & (input_lengths <= steps)
    lengths = lengths & (target_lengths >= 0) & (target_lengths <= longest)
    return lengths & np.all(good | ~real, axis=1)


def _not_fitting(sizes: tuple[int, int, int], given: tuple[Any, Any, Any]) -> str:
    steps, classes, blank = sizes
    targets, input_lengths, target_lengths = given
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
