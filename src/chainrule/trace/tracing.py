"""What holds while a function is traced, and what must not be seen once that is over."""

from __future__ import annotations

from collections.abc import Iterable
from threading import local
from weakref import WeakSet

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, reachable


class _Tracing(local):
    """State of this thread while a function is traced.

    Attributes
    ----------
    floor : int
        Nodes with a smaller number are from outside the function; -1 if no numbers are unknown.
    asked_kind : bool
        Whether somebody asked what kind of value an array without axes is.
    """

    first_serial = -1
    kind_observed = False


tracing = _Tracing()
_finished: WeakSet[Node] = WeakSet()  # arguments of functions whose trace is over


def mark_finished(arguments: Iterable[Node]) -> None:
    """Mark the arguments of a function that has returned: they mean nothing outside of it."""
    _finished.update(arguments)


def refuse_escaped(read: Iterable[Node], outer_first_serial: int) -> None:
    """Raise if what a function read of outside follows from an argument whose trace is over.

    Parameters
    ----------
    outer : int
        The floor of the trace around the function's: its nodes are looked at when that one ends.
    """
    unknown = [node for node in read if node.value is None]
    if not unknown:
        return
    if not _finished.isdisjoint(unknown):
        raise UnsupportedError(at_user_line(_ESCAPED))
    foreign = [
        node for node in unknown if outer_first_serial < 0 or node.serial < outer_first_serial
    ]
    if foreign and (outer_first_serial < 0 or not _finished.isdisjoint(reachable(foreign))):
        raise UnsupportedError(at_user_line(_ESCAPED))


_ESCAPED = (
    "a number is used outside of the function that it was traced in (under jit, or as the body of "
    "a loop or branch), where it was stored in a nonlocal name, a list or an attribute: return it "
    "from that function instead, a loop as part of its state"
)
