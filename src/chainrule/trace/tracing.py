"""What holds while a function is traced, and what must not be seen once that is over."""

from __future__ import annotations

from collections.abc import Iterable
from threading import local
from weakref import WeakSet

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, reachable


class _Tracing(local):
    """What holds while a function is traced.

    Attributes
    ----------
    floor : int
        Nodes with a smaller number are from outside the function; -1 if no numbers are unknown.
    asked_kind : bool
        Whether somebody asked what kind of value an array without axes is.
    """

    floor = -1
    asked_kind = False


tracing = _Tracing()
_over: WeakSet[Node] = WeakSet()  # arguments of functions whose trace is over


def end(arguments: Iterable[Node]) -> None:
    """The function has returned: what follows from its arguments means nothing outside of it."""
    _over.update(arguments)


def refuse_escaped(read: Iterable[Node], outer: int) -> None:
    """Raise if what a function read of outside follows from an argument whose trace is over.

    Parameters
    ----------
    outer : int
        The floor of the trace around the function's: its nodes are looked at when that one ends.
    """
    unknown = [node for node in read if node.value is None]
    if not unknown:
        return
    if not _over.isdisjoint(unknown):
        raise UnsupportedError(at_user_line(_ESCAPED))
    far = [node for node in unknown if outer < 0 or node.serial < outer]
    if far and (outer < 0 or not _over.isdisjoint(reachable(far))):
        raise UnsupportedError(at_user_line(_ESCAPED))


_ESCAPED = (
    "a number is used outside of the function that it was traced in (under jit, or as the body of "
    "a loop or branch), where it was stored in a nonlocal name, a list or an attribute: return it "
    "from that function instead, a loop as part of its state"
)
