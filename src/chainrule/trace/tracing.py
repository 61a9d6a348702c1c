"""What holds while a function is traced, and what must not be seen once that is over."""

from __future__ import annotations

from collections.abc import Iterable
from threading import local
from typing import Any
from weakref import ReferenceType, WeakSet

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node, input_node, reachable
from ..primitives.callback import FIRST_TOKEN, TOKEN
from ..primitives.elementwise import add


class _Tracing(local):
    """State of this thread while a function is traced.

    Attributes
    ----------
    floor : int
        Nodes with a smaller number are from outside the function; -1 if no numbers are unknown.
    asked_kind : bool
        Whether user code asked what kind of value an array without axes is.
    tokens : Tokens or None
        Those of the innermost function that becomes a graph; None if none does.
    buffers : list of weak references
        To arrays that traced functions made, and may have stored.
    restarts : int
        How many functions are being traced again, with other code.
    all_buffers : bool
        Whether all arrays that are made may be written into elsewhere with what is traced.
    cache : dict
        What functions of `functools.lru_cache` gave for tracers in this trace.
    formatted : list of Tracer
        Whose numbers became text in this trace, which may be read back.
    masked_since : int or None
        The number of a node: later ones might be of masked arrays (`masked.py`).
    recording : Recording or None
        The numbers of the call whose branches are recorded (`recording.py`).
    sides : Sides or None
        The answers to branches on values in the body that is traced (`both_sides.py`).
    may_record : bool
        Whether a function that asks for numbers will be recorded in a further attempt.
    outside_asked : bool
        Whether the numbers of a node from outside the function were asked for.
    """

    first_serial = -1
    kind_observed = False
    tokens: Tokens | None = None
    all_buffers = False
    restarts = 0
    masked_since: int | None = None
    recording: Any = None
    sides: Any = None
    outside_asked = False
    may_record = False

    def __init__(self) -> None:
        self.buffers: list[ReferenceType[Any]] = []
        self.cache: dict[Any, Any] = {}
        self.formatted: list[Any] = []

    def begin(self) -> None:
        """Begin a trace: buffers of earlier ones hold their numbers, and no longer their graphs."""
        living = []
        for reference in self.buffers:
            buffer = reference()
            if buffer is not None:
                living.append(reference)
                buffer.drop_graph()
        self.buffers = living


class Tokens:
    """The tokens of callbacks in one function that becomes a graph; see `primitives.callback`.

    Attributes
    ----------
    first : Node
        An input of the graph: it is not known while the function is traced.
    last : Node
        That of the last call whose order counts.
    unordered : list of Node
        Those of calls with effects whose order does not count.
    """

    def __init__(self) -> None:
        self.first = self.last = input_node(TOKEN)
        self.unordered: list[Node] = []

    def joined(self) -> Node:
        """Return a token that follows from all calls with effects; the first one if none has."""
        token = self.last
        for other in self.unordered:
            token = add(token, other)
        return token


tracing = _Tracing()


def first_token() -> Any:
    """Return the token for what is pure, or may be called in any order."""
    return FIRST_TOKEN if tracing.tokens is None else tracing.tokens.first


def last_token() -> Any:
    """Return the token for what is to be called next."""
    return FIRST_TOKEN if tracing.tokens is None else tracing.tokens.last


def follow_token(token: Any) -> None:
    """Have later calls come after the one that gave this token."""
    if tracing.tokens is not None:
        tracing.tokens.last = token


def join_token(token: Any) -> None:
    """Take down a call with effects, whose order does not count."""
    if tracing.tokens is not None:
        tracing.tokens.unordered.append(token)


differentiated: WeakSet[Node] = WeakSet()  # what running derivatives put on outer nodes

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
