"""Branches on values in the body of a loop: both sides are traced, and become a `cond`.

A body runs for many numbers, none of which is known. So it is traced once for each way through its
branches, and the traces are joined from the last branch to the first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..control.cond import run_cond
from ..errors import AbstractValueError, Refusal, at_user_line, user_frame
from ..graph.evaluate import closed
from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node
from ..primitives.elementwise import not_equal
from ..primitives.structure import cast, reshape
from ..simplify.subexpressions import eliminate_common_subexpressions
from .tracing import Tokens, tracing

MOST_WAYS = 64  # through the branches of one body


class Outcome(NamedTuple):
    """What a function gave on one way through it.

    Attributes
    ----------
    outputs : list of Node
        The leaves of the result.
    weak : list of bool
        Which of them stand for Python numbers.
    treedef
        The structure of the result.
    written : tuple of int
        Leaves of the arguments that it wrote into.
    """

    outputs: list[Node]
    weak: list[bool]
    treedef: Any
    written: tuple[int, ...]


class Sides:
    """The answers with which one trace of a body goes on where numbers decide.

    Attributes
    ----------
    answers : list of bool
    asked : list of Node
        Whose truth values were asked for, each once.
    lines : list of str
        Where.
    """

    def __init__(self, answers: Sequence[bool]) -> None:
        self.answers = list(answers)
        self.asked: list[Node] = []
        self.lines: list[str] = []

    def answer(self, node: Node) -> bool | None:
        """Return with which truth value to go on; None where there are too many ways."""
        if node in self.asked:
            return self.answers[self.asked.index(node)]
        k = len(self.asked)
        if k == MOST_WAYS:
            return None
        frame = user_frame()
        self.asked.append(node)
        self.lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno}" if frame else "")
        if k == len(self.answers):
            self.answers.append(True)
        return self.answers[k]


@contextmanager
def _answered(sides: Sides) -> Iterator[None]:
    outer = tracing.sides
    tracing.sides = sides
    try:
        yield
    finally:
        tracing.sides = outer


def traced_both_ways(
    run: Callable[[], Outcome], leaves: Sequence[Node], first_serial: int, tokens: Tokens
) -> Outcome:
    """Return the outcome of a body, with a `cond` for each branch on values.

    Parameters
    ----------
    run : callable
        Traces the body once.
    leaves : sequence of Node
        The body's arguments.
    first_serial : int
        Nodes with a smaller number are from outside.
    tokens : Tokens
        Those of the body: where branches are joined, no callback may have effects.
    """
    ways: dict[tuple[bool, ...], tuple[Sides, Outcome]] = {}
    pending: list[tuple[bool, ...]] = [()]
    while pending:
        prefix = pending.pop()
        sides = Sides(prefix)
        with _answered(sides):
            outcome = _attempt(run, sides)
        if not sides.asked:
            return outcome
        answers = tuple(sides.answers)
        ways[answers] = sides, outcome
        pending += [(*answers[:k], not answers[k]) for k in range(len(prefix), len(answers))]
        if len(ways) + len(pending) > MOST_WAYS:
            raise _refusal(sides.lines[-1], f"more than {MOST_WAYS} ways lead through the body")
        if tokens.joined() is not tokens.first:
            raise _refusal(sides.lines[0], "callbacks in the body have effects")
    return _Joining(ways, leaves, first_serial).outcome(())


def _attempt(run: Callable[[], Outcome], sides: Sides) -> Outcome:
    try:
        return run()
    except Refusal:
        raise
    except Exception as error:
        if not sides.asked:
            raise
        raise _refusal(sides.lines[-1], f"one side raises {type(error).__name__}") from error


class _Joining:
    """The ways through a body, brought together branch by branch."""

    def __init__(
        self, ways: dict[tuple[bool, ...], tuple[Sides, Outcome]], leaves: Sequence[Node],
        first_serial: int,
    ) -> None:  # fmt: skip
        self._ways = _shared(ways, leaves, first_serial)
        self._ends = {*leaves}
        self._first_serial = first_serial

    def outcome(self, answers: tuple[bool, ...]) -> Outcome:
        """Return what follows after these answers."""
        if answers in self._ways:
            return self._ways[answers][1]
        k = len(answers)
        before = next(way for way in self._ways if way[:k] == answers)
        sides = self._ways[before][0]
        true, false = (self.outcome((*answers, answer)) for answer in (True, False))
        if true.treedef != false.treedef:
            reason = f"one side gives {true.treedef} and the other one {false.treedef}"
            raise _refusal(sides.lines[k], reason)
        true, false = _of_one_type(true, false, sides.lines[k])
        outputs = self._cond(_truth_of(sides.asked[k]), true.outputs, false.outputs)
        weak = [a and b for a, b in zip(true.weak, false.weak, strict=True)]
        written = tuple(sorted({*true.written, *false.written}))
        return Outcome(outputs, weak, true.treedef, written)

    def _cond(self, predicate: Node, true: list[Node], false: list[Node]) -> list[Node]:
        """Return the outputs, where what only one side reads is computed in its branch."""
        of_true, of_false = self._under(true), self._under(false)
        common = of_true.keys() & of_false.keys() | self._under([predicate]).keys()
        operands: dict[Node, None] = {}
        for outputs, nodes in ((true, of_true), (false, of_false)):
            inside = nodes.keys() - common
            read = [*outputs, *[child for node in inside for child in node.inputs]]
            reached = [x for x in read if x not in inside and x.primitive is not CONSTANT]
            operands |= dict.fromkeys(reached)
        differ = [k for k, (a, b) in enumerate(zip(true, false, strict=True)) if a is not b]
        ordered = sorted(operands, key=lambda node: node.serial)
        branches = [closed(ordered, [side[k] for k in differ], ()) for side in (true, false)]
        results = run_cond([predicate, *ordered], true=branches[0], false=branches[1])
        joined = list(true)
        for k, node in zip(differ, results, strict=True):
            joined[k] = node
        return joined

    def _under(self, outputs: Sequence[Node]) -> dict[Node, None]:
        """Return the nodes of the body that lead to some outputs."""
        under: dict[Node, None] = {}
        stack = list(outputs)
        while stack:
            node = stack.pop()
            is_end = node in self._ends or not node.inputs or node.serial < self._first_serial
            if not is_end and node not in under:
                under[node] = None
                stack.extend(node.inputs)
        return under


def _shared(
    ways: dict[tuple[bool, ...], tuple[Sides, Outcome]], leaves: Sequence[Node], first_serial: int
) -> dict[tuple[bool, ...], tuple[Sides, Outcome]]:
    """Return the ways with one node for what each computed anew: the way to a branch."""
    outputs = [
        node for sides, outcome in ways.values() for node in (*sides.asked, *outcome.outputs)
    ]
    ends = dict.fromkeys(leaves)
    seen: set[Node] = set()
    stack = list(outputs)
    while stack:
        node = stack.pop()
        if node in seen or node in ends or node.primitive is CONSTANT:
            continue
        seen.add(node)
        if node.serial < first_serial or not node.inputs:
            ends[node] = None
        else:
            stack.extend(node.inputs)
    graph = eliminate_common_subexpressions(Graph(tuple(ends), tuple(outputs)))
    new = iter(graph.outputs)
    shared = {}
    for answers, (sides, outcome) in ways.items():
        sides.asked = [next(new) for _ in sides.asked]
        shared[answers] = sides, outcome._replace(outputs=[next(new) for _ in outcome.outputs])
    return shared


def _truth_of(node: Node) -> Node:
    if node.shape:
        node = reshape(node, shape=())
    return node if node.dtype.kind == "b" else not_equal(node, node.dtype.type(0))


def _of_one_type(true: Outcome, false: Outcome, line: str) -> tuple[Outcome, Outcome]:
    """Return both outcomes with the same types: a Python number takes that of the other side."""
    sides = [list(true.outputs), list(false.outputs)]
    for k, (a, b) in enumerate(zip(*sides, strict=True)):
        if a.type == b.type:
            continue
        if a.shape == b.shape and true.weak[k] != false.weak[k]:
            number, other = (0, b) if true.weak[k] else (1, a)
            if np.can_cast(sides[number][k].dtype, other.dtype, "same_kind"):
                sides[number][k] = cast(sides[number][k], dtype=other.dtype)
                continue
        raise _refusal(line, f"one side gives {a.type} and the other one {b.type}")
    return true._replace(outputs=sides[0]), false._replace(outputs=sides[1])


def _refusal(line: str, reason: str) -> AbstractValueError:
    return AbstractValueError(
        at_user_line(
            f"the branch on a value at {line}, in the body of a loop or branch, cannot become a "
            f"cond, because {reason}. There a number is not known: use np.where for a choice of "
            "numbers, or chainrule.cond with two functions that return the same kind of result"
        )
    )
