"""Bisections that users write as loops, of which a derivative is refused.

The midpoint ``(low + high) / 2`` is a fixed fraction of the interval that was begun with, and its
derivative says how it moves with that interval: not at all how the root moves, though the midpoint
has come to lie there. Each operation is differentiated rightly, and the result would be wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from threading import local
from typing import Any

import numpy as np

from ..errors import GradientError, at_user_line
from ..graph.node import CONSTANT, Node
from ..primitives.elementwise import add, div, mul, sub
from ..primitives.structure import stop_gradient

_FEWEST_NODES = 100
_FEWEST_HALVINGS = 20
_MOST_CHAINS = 16
_FEWEST_MOVES = 3  # of either end; in ``x = (x + target) / 2`` one stays where it is

Ends = tuple[Any, Any]


def refuse_bisection(path: Sequence[Node], outputs: Iterable[Node]) -> None:
    """Raise if the nodes through which a derivative flows halve an interval over and over.

    Parameters
    ----------
    path : sequence of Node
        Those between the inputs and the outputs.
    outputs : iterable of Node
    """
    if len(path) < _FEWEST_NODES:
        return
    halved = [
        (node, ends)
        for node in path
        if (node.primitive is div or node.primitive is mul)
        and (ends := _ends_of_halved(node)) is not None
    ]
    if len(halved) <= _FEWEST_HALVINGS:
        return
    leading = _leading(path, outputs)
    halved = [(node, ends) for node, ends in halved if node in leading]
    for chain in _chains([ends for _, ends in halved]):
        if len(chain) > _FEWEST_HALVINGS and all(
            _moves(end) >= _FEWEST_MOVES for end in zip(*chain, strict=True)
        ):
            message = (
                "an interval is halved until a root is met, and the derivative of such steps is "
                "not that of the root: use scipy.optimize.brentq (or root_scalar), which has the "
                "root's. If none is needed, say so: chainrule.stop_gradient(middle)"
            )
            line = halved[0][0].line
            raise GradientError(f"{line}: {message}" if line else at_user_line(message))


def _leading(path: Sequence[Node], outputs: Iterable[Node]) -> set[Node]:
    """Return the nodes from which a derivative flows to the outputs."""
    leading = set(outputs)
    for node in reversed(path):
        if node in leading and node.primitive is not stop_gradient:
            leading.update(node.inputs)
    return leading


def _ends_of_halved(node: Node) -> Ends | None:
    """Return a and b of (a + b) / 2 or (a - b) / 2, where they are known."""
    whole, factor = node.inputs
    if node.primitive is mul and whole.primitive is CONSTANT:
        whole, factor = factor, whole
    if factor.primitive is not CONSTANT or whole.primitive not in (add, sub):
        return None
    half = 0.5 if node.primitive is mul else 2.0
    if factor.value is None or factor.value.size != 1 or factor.value.item() != half:
        return None
    a, b = map(_number, whole.inputs)
    return None if a is None or b is None else (a, b)


class _CallNumbers(local):
    """How the number of a node is known that has none itself: by the call that is recorded."""

    value_of: Callable[[Node], Any] | None = None


call_numbers = _CallNumbers()


def _number(node: Node) -> Any:
    if node.value is None and call_numbers.value_of is not None:
        return call_numbers.value_of(node)
    return node.value


def _chains(intervals: Sequence[Ends]) -> list[list[Ends]]:
    """Put each interval behind one that is twice as wide, the last that was."""
    chains: list[list[Ends]] = []
    widths: list[float] = []
    for ends in intervals:
        with np.errstate(all="ignore"):
            width = float(np.max(np.abs(np.subtract(*ends)), initial=0.0))
        halves = (k for k in reversed(range(len(widths))) if 0.499 < width / widths[k] < 0.501)
        k = next(halves, None) if width else None
        if k is not None:
            chains[k].append(ends)
            widths[k] = width
        elif width and len(chains) < _MOST_CHAINS:
            chains.append([ends])
            widths.append(width)
    return chains


def _moves(end: Sequence[Any]) -> int:
    return sum(not np.array_equal(before, after) for before, after in pairwise(end))
