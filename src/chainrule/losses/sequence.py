"""Losses of sequences whose labels are known, but not when each of them is said."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import DtypeError, ShapeError, at_user_line
from ..trace.operands import is_plain_array
from ..transforms import scan, stop_gradient
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
    weights: Any = None,
    reduction: Reduction = "mean",
) -> Any:
    """``-log p(target)``, summed over all ways in which the target may lie in the sequence.

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
    weights, reduction
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
        If `blank` is no class; if a known target or length is out of range.

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
    rows, steps, _ = log_probs.shape
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
    ends = np.arange(states) - 2 * target_lengths[:, None]  # at the last label, or the blank after
    total = np.logaddexp.reduce(np.where((ends == 0) | (ends == -1), last, _NEVER), axis=1)
    possible = total > 0.5 * _NEVER
    impossible = 0.0 if zero_infinity else np.inf
    losses = np.where(possible, -np.where(possible, total, 0.0), impossible)
    return reduced(losses, weights, reduction)


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
    _, steps, classes = shapes[0]
    if log_probs.dtype.kind != "f":
        raise DtypeError(at_user_line(f"ctc_loss: log_probs are floats, not {log_probs.dtype}"))
    if not 0 <= blank < classes:
        raise ValueError(at_user_line(f"blank={blank}: classes are 0 to {classes - 1}"))
    for name, x, most in (
        ("targets", targets, None),
        ("input_lengths", input_lengths, steps),
        ("target_lengths", target_lengths, shapes[1][1]),
    ):
        if x.dtype.kind not in "iu":
            raise DtypeError(at_user_line(f"ctc_loss: {name} are whole numbers, not {x.dtype}"))
        if most is not None and is_plain_array(x) and np.any((x < 0) | (x > most)):
            raise ValueError(
                at_user_line(f"ctc_loss: {name} run from {x.min()} to {x.max()}: 0 to {most} fit")
            )
    if is_plain_array(targets) and is_plain_array(target_lengths):
        real = targets[np.arange(targets.shape[1]) < target_lengths[:, None]]
        if np.any((real < 0) | (real >= classes) | (real == blank)):
            raise ValueError(
                at_user_line(
                    f"ctc_loss: targets are classes, 0 to {classes - 1}, other than the blank "
                    f"{blank}; those given are {np.unique(real)[:20].tolist()}"
                )
            )
