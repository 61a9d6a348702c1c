"""The user's function as SciPy calls it: traced arrays come in by its closure and by ``args=``.

It becomes a graph, once, whose further inputs are what it reads of outside; SciPy is handed a
function of plain numbers that runs the graph, and rules have derivatives of it as graphs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

import numpy as np

from .. import tree
from ..errors import AbstractValueError, UnsupportedError, at_user_line, refusals
from ..graph.evaluate import call
from ..graph.graph import Graph
from ..graph.node import Node, input_node, next_serial
from ..graph.types import Type
from ..trace.capture import call_user_function, capture, close_graph
from ..trace.interception import replaces
from ..trace.nested import is_traced, tracers_in
from ..trace.operands import node_of
from ..trace.plain_numbers import concrete_value
from ..trace.tracer import ArrayTracer, ScalarTracer, Tracer, traced
from .algorithm import depth_of_traces
from .arrays import asarray
from .call_arguments import arguments_of
from .derived_graphs import FLOAT
from .effects import check_stores_nothing
from .plain_function import plain_function

NUMBER = Type((), FLOAT)
Rule = Callable[..., Any]


class TracedResultError(BaseException):
    """SciPy's algorithm met a traced number: its rule takes over (and no handler of SciPy's)."""


def algorithm_rule(module: str, name: str, *functions: str) -> Callable[[Rule], Rule]:
    """Enter the rule for a function of SciPy that calls functions of the user's.

    Where nothing is traced, SciPy's own runs on the functions themselves. Whether anything in
    their closures is shows in what they return, which is watched.

    Parameters
    ----------
    functions
        Names of the arguments that are functions, or lists with functions in them.
    """

    def enter(rule: Rule) -> Rule:
        @wraps(rule)
        def watching(function: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                named = arguments_of(function, args, kwargs)
            except TypeError:  # which SciPy raises
                return function(*args, **kwargs)
            called = {key: named[key] for key in functions if key in named}
            if not is_traced((args, kwargs)):
                watched = {key: _watched(f) for key, f in called.items()}
                try:
                    return function(**{**named, **watched})
                except TracedResultError:
                    pass
            check_stores_nothing(*called.values())
            return rule(function, *args, **kwargs)

        replaces(module, name)(watching)
        return rule

    return enter


def _watched(function: Any) -> Any:
    """Return a function, or a list with functions in it, that says when a result is traced."""
    if type(function) in (list, tuple):
        return type(function)([_watched(entry) for entry in function])
    if not callable(function):
        return function

    @wraps(function)
    def watched(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if is_traced(result):
            raise TracedResultError
        return result

    return watched


class Inputs:
    """What an algorithm's node reads: traced arrays, and numbers that SciPy is handed."""

    def __init__(self) -> None:
        self.nodes: list[Node] = []

    def array(self, x: Any, dtype: Any = FLOAT) -> int:
        """Add an array or a number; return its position."""
        self.nodes.append(node_of(_real(x, dtype)))
        return len(self.nodes) - 1

    def function(
        self, f: Callable[..., Any], types: Sequence[Type], args: Sequence[Any] = (),
        arrays: bool = True,
    ) -> Closure:  # fmt: skip
        """Add what a function of the user's reads of outside.

        Parameters
        ----------
        types
            Of the arguments that SciPy hands over, those that come before `args`.
        arrays
            Whether results are arrays of float64; else they stay as they are.
        """
        closure = _closure(f, types, args, arrays, len(self.nodes))
        self.nodes += closure.outside
        return closure

    @property
    def known(self) -> bool:
        """Whether all numbers are known."""
        return all(node.value is not None for node in self.nodes)


@dataclass(frozen=True, eq=False)
class Closure:
    """A function of the user's, with what it reads of outside.

    Attributes
    ----------
    function : callable
        Of what SciPy hands over alone; with ``args`` bound, lists as arrays.
    types : tuple of Type
        Of these arguments.
    graph : Graph or None
        ``(*arguments, *outside)`` to the results; None if it branches on its arguments, where
        only the numbers show which way it goes (see `at`).
    outside : tuple of Node
    start : int
        Where `outside` begins among the inputs of the algorithm's node.
    """

    function: Callable[..., Any]
    types: tuple[Type, ...]
    graph: Graph | None
    outside: tuple[Node, ...]
    start: int

    def constants(self, inputs: Sequence[Any]) -> list[Any]:
        """Return what it reads of outside, from the inputs of the algorithm's node."""
        return list(inputs[self.start : self.start + len(self.outside)])

    def plain(self, inputs: Sequence[Any]) -> Callable[..., Any]:
        """Return it as a function of plain numbers, for SciPy."""
        if self.graph is None:
            return self._direct
        run = plain_function(self.graph, len(self.types), self.constants(inputs))
        return lambda *args: run(*args)[0]

    def _direct(self, *args: Any) -> Any:
        """Call the user's function itself, for the numbers of its result."""
        with depth_of_traces(1):
            return _values(self.function(*args))

    def at(self, *values: Any) -> Closure:
        """Return it with a graph, for arguments close to these."""
        if self.graph is not None:
            return self
        first_serial = next_serial()
        nodes = [
            input_node(t, np.asarray(x, t.dtype)[()])
            for t, x in zip(self.types, values, strict=True)
        ]
        result = call_user_function(self.function, [_placeholder(node) for node in nodes], {})
        graph, outside = close_graph(first_serial, nodes, [node_of(result)])
        return Closure(self.function, self.types, graph, outside, 0)


def _real(x: Any, dtype: Any) -> Any:
    """Return an array of floating numbers; complex ones are refused."""
    x = asarray(x)
    if x.dtype.kind == "c":
        raise UnsupportedError(
            at_user_line(
                "an algorithm of SciPy on complex numbers: have it work on real and imaginary parts"
            )
        )
    return asarray(x, dtype)


def _placeholder(node: Node) -> Tracer:
    return ArrayTracer(node) if node.shape else ScalarTracer(node, True)


def _closure(
    f: Callable[..., Any], types: Sequence[Type], args: Sequence[Any], arrays: bool, start: int
) -> Closure:
    def function(*xs: Any) -> Any:
        result = f(*xs, *args)
        return _real(result, FLOAT) if arrays else result

    before = refusals.latest
    structure = tree.structure(tuple(range(len(types))))
    try:
        captured = capture(function, types, structure, [not t.shape for t in types])
    except AbstractValueError:
        # A branch on its argument: fine if the numbers of all else are known.
        if any(x.node.value is None for x in tracers_in(args)) or not _runs_on_numbers(
            function, types
        ):
            raise
        refusals.latest = before
        return Closure(function, tuple(types), None, (), start)
    if captured.written:
        raise UnsupportedError(
            at_user_line(
                "a function that SciPy calls writes into its argument: have it write into a copy"
            )
        )
    if captured.reads_token:
        raise UnsupportedError(
            at_user_line(
                "a function that SciPy calls uses pure_callback or io_callback: call that outside "
                "of it, or pass plain numbers"
            )
        )
    return Closure(function, tuple(types), captured.graph, captured.outside, start)


def _runs_on_numbers(function: Callable[..., Any], types: Sequence[Type]) -> bool:
    """Return whether all that the function reads of outside is known."""
    before = refusals.latest
    try:
        result = function(*[np.full(t.shape, 0.5, t.dtype)[()] for t in types])
    except Exception:
        refusals.latest = before
        return False
    return not any(x.node.value is None for x in tracers_in(result))


def _values(result: Any) -> Any:
    """Return a result of the user's function as plain numbers."""
    if isinstance(result, Tracer):
        return concrete_value(result.node, "an algorithm of SciPy")
    return result


def differentiable(closure: Closure) -> Callable[..., Any]:
    """Return it as a function of traced arguments, which reads the tracers of outside."""
    assert closure.graph is not None
    graph = closure.graph

    def function(*xs: Any) -> Any:
        nodes = [node_of(asarray(x, t.dtype)) for x, t in zip(xs, closure.types, strict=True)]
        return traced(call(graph, [*nodes, *closure.outside])[0])

    return function


def plain(x: Any, name: str) -> Any:
    """Return an option as a plain number; a traced one must be known, and has no derivative."""
    if isinstance(x, Tracer):
        return concrete_value(x.node, name)
    return x
