"""Recorded branches: a trace that follows what the numbers of one call decide.

Under `jit` a node has no value, and a branch needs one. While a call is recorded, its arguments'
numbers are known, so a node's value can be computed when it is asked for, and only then. Each
answer is a `Guard`: the graph serves for all arguments for which its guards come out the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..autodiff.bisection import call_numbers
from ..control.effects import has_effect
from ..errors import user_frame
from ..graph.node import INPUT, REFERENCE, Node, constant
from ..graph.types import is_complex, is_inexact
from ..lazy import LazyModule
from ..primitives.complex_numbers import imag, real
from ..primitives.elementary import copysign
from ..primitives.elementwise import absolute, bitwise_and, bitwise_or, equal, less, not_equal
from ..primitives.structure import cast, concatenate, reshape, sum_
from .tracing import tracing

_hashlib = LazyModule("hashlib")

Kind: TypeAlias = Literal["truth", "integer", "exact"]
_WHOLE = np.dtype(np.int64)
_MOST_WHOLE = 2.0**62  # floats below can be cast to int64
MOST_EXACT = 1 << 16  # entries of an array that a guard compares with


class Guard(NamedTuple):
    """What a trace asked of a node's numbers, and the answer that it went on with.

    Attributes
    ----------
    node : Node
    kind : str
        "truth" of one number, "integer" of one number, or "exact": all bits of an array.
    value : bool, int or array
        The answer.
    filename : str
    line : int
        Where the user's code asked.
    """

    node: Node
    kind: Kind
    value: Any
    filename: str
    line: int


class RaisedOnPath(Exception):
    """The function raised something while it was recorded, after it had asked for numbers."""


class Recording:
    """The numbers of one call while its function is traced, and what was asked of them.

    Attributes
    ----------
    guards : list of Guard
        In the order in which they were asked.
    generous : bool
        Whether what needs a plain number gets one, whose bits are then guarded: in a second
        attempt, since other code might compute with the traced number.
    effects : list
        What callbacks with effects gave, and whatever else has effects, in the order in which they
        were called: a further attempt is given it, and calls only those that come after.
    """

    def __init__(
        self, inputs: Sequence[Node], arrays: Sequence[Any], generous: bool = False,
        effects: list[Any] | None = None,
    ) -> None:  # fmt: skip
        self._values: dict[Node, Any] = {}
        for node, x in zip(inputs, arrays, strict=True):
            if isinstance(x, np.ndarray):  # no result is the caller's own array
                x = x.view()
                x.flags.writeable = False
            self._values[node] = x
        self.guards: list[Guard] = []
        self.generous = generous
        self.effects = [] if effects is None else effects
        self._effects_so_far = 0
        self._asked: dict[tuple[Node, Kind], Any] = {}

    def add(self, leaf: Node, value: Any) -> None:
        """Enter the value of one more leaf."""
        self._values[leaf] = value

    def knows(self, node: Node) -> bool:
        """Return whether a leaf is an argument of this call."""
        return node in self._values

    def value(self, node: Node) -> Any:
        """Return the value of a node; None if it depends on what is not an argument."""
        values = self._values
        known = node.value if node.value is not None else values.get(node)
        if known is not None:
            return known
        missing: dict[Node, None] = {}
        stack = [node]
        while stack:
            top = stack.pop()
            if top in values or top in missing or top.value is not None:
                continue
            if top.primitive is INPUT:
                return None
            missing[top] = None
            stack.extend(top.inputs)
        with np.errstate(all="ignore"):
            for top in sorted(missing, key=lambda x: x.serial):
                arguments = [values[x] if x.value is None else x.value for x in top.inputs]
                if has_effect(top):
                    values[top] = self._once(top, arguments)
                else:
                    values[top] = top.primitive.evaluate(REFERENCE, *arguments, **top.params)
        return values[node]

    def _once(self, node: Node, arguments: Sequence[Any]) -> Any:
        if self._effects_so_far == len(self.effects):
            self.effects.append(node.primitive.evaluate(REFERENCE, *arguments, **node.params))
        self._effects_so_far += 1
        return self.effects[self._effects_so_far - 1]

    def values_of(self, results: Sequence[Node], token: Node) -> list[Any]:
        """Return the values of a function's results, after all callbacks with effects."""
        values = [self.value(node) for node in results]
        self.value(token)
        return values

    def answer(self, node: Node, kind: Kind) -> Any:
        """Return a node's value, and guard what is asked of it; None if it is not known."""
        key = node, kind
        if key in self._asked:
            return self._asked[key]
        value = self.value(node)
        if value is None:
            return None
        size = prod(node.shape)
        if kind == "exact" and size > MOST_EXACT:
            return None
        self._asked[key] = value
        if kind == "exact":
            self._guard(node, kind, value)
        elif size == 1:  # of other sizes there is no answer, whatever the numbers are
            self._guard_number(node, kind, np.asarray(value).item())
        return value

    def note_attempt(self, true: Node) -> None:
        """Note that an error was not raised that would have been caught: the program may raise it
        for other numbers, which go another way then.
        """
        if all(guard.node.value is None for guard in self.guards):
            self._guard(true, "truth", True)

    def _guard_number(self, node: Node, kind: Kind, number: Any) -> None:
        if kind == "integer" and is_complex(node.dtype):
            return
        if kind == "integer" and is_inexact(node.dtype):
            most = min(_MOST_WHOLE, float(np.finfo(node.dtype).max))
            in_range = less(absolute(node), node.dtype.type(most))
            fits = bool(self.value(in_range))
            self._guard(in_range, "truth", fits)
            if not fits:
                self._guard(node, "exact", self.value(node))
                return
        self._guard(node, kind, bool(number) if kind == "truth" else int(number))

    def _guard(self, node: Node, kind: Kind, value: Any) -> None:
        frame = user_frame()
        where = ("", 0) if frame is None else (frame.f_code.co_filename, frame.f_lineno)
        self.guards.append(Guard(node, kind, value, *where))


@contextmanager
def recording(new: Recording | None) -> Iterator[None]:
    """While it lasts, the numbers of a call are at hand; with None, no longer those of another."""
    outer = tracing.recording, call_numbers.value_of
    tracing.recording, call_numbers.value_of = new, None if new is None else new.value
    try:
        yield
    finally:
        tracing.recording, call_numbers.value_of = outer


# Guards as a part of the graph


def decisions(guards: Sequence[Guard]) -> Node:
    """Return the node that tells what the guards come out as: one int64 each."""
    entries = [reshape(_decision(guard), shape=(1,)) for guard in guards]
    joined: Node = entries[0] if len(entries) == 1 else concatenate(*entries, axis=0)
    return joined


ANSWER_BYTES = 8
ONE = np.int64(1).tobytes()


def answer_of(guard: Guard, value: Any) -> bytes:
    """Return what a guard comes out as for a node's value: a number as `decisions` gives it, or a
    digest of an array.
    """
    array = np.asarray(value, guard.node.dtype)
    if guard.kind == "exact":
        if is_inexact(array.dtype):
            array = np.where(array == array, array, array.dtype.type(np.nan))  # one nan for all
        digest: bytes = _hashlib.blake2b(array.tobytes(), digest_size=ANSWER_BYTES).digest()
        return digest
    number = array.reshape(())
    return np.asarray(bool(number) if guard.kind == "truth" else number).astype(_WHOLE).tobytes()


def _decision(guard: Guard) -> Node:
    node = guard.node
    if guard.kind == "exact":
        node = _has_bits(node, np.asarray(guard.value, node.dtype))
    elif guard.kind == "truth" and node.dtype.kind != "b":
        node = not_equal(node, node.dtype.type(0))
    return node if node.dtype == _WHOLE else cast(node, dtype=_WHOLE)


def _has_bits(x: Node, value: np.ndarray[Any, Any]) -> Node:
    """Return whether all entries of x are those of an array: nan is nan, and -0 is not 0."""
    if is_complex(x.dtype):
        parts = _has_bits(real(x), value.real.copy()), _has_bits(imag(x), value.imag.copy())
        return bitwise_and(*parts)  # type: ignore[no-any-return]
    c = constant(np.array(value))
    same = equal(x, c)
    if is_inexact(x.dtype):
        one = x.dtype.type(1)
        same = bitwise_and(same, equal(copysign(one, x), copysign(one, c)))
        same = bitwise_or(same, bitwise_and(not_equal(x, x), not_equal(c, c)))
    if not x.shape:
        return same  # type: ignore[no-any-return]
    count = sum_(cast(same, dtype=_WHOLE), axes=tuple(range(len(x.shape))))
    return equal(count, _WHOLE.type(value.size))  # type: ignore[no-any-return]


def is_known(node: Node) -> bool:
    """Return whether a node's numbers are known, or could be by a guard."""
    recorded = tracing.recording
    return node.value is not None or (
        recorded is not None and recorded.generous and recorded.value(node) is not None
    )
