"""How the functions of a custom rule are run: on plain numbers, on tracers, or captured as graphs.

Where all numbers are known and no derivative of the rule itself is asked for, its functions are
handed plain arrays: they may branch on them, and call whatever computes with numbers. Else they are
handed tracers, of which those with known numbers may be branched on, too.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ... import tree
from ...control.effects import effects
from ...control.recomputed import without_values
from ...errors import (
    AbstractValueError,
    GradientError,
    UnsupportedError,
    at_user_line,
    outside_of_traces,
    refusals,
)
from ...graph.evaluate import call
from ...graph.graph import Graph
from ...graph.node import CONSTANT, Node, input_node, next_serial, reachable
from ...primitives.callback import FIRST_TOKEN
from ...trace.capture import as_array, call_user_function, capture, identity_of
from ...trace.operands import is_weak, node_of
from ...trace.plain_numbers import carries_derivative
from ...trace.restarts import restarted
from ...trace.strides import set_layout_like
from ...trace.tracer import ArrayTracer, ScalarTracer, Tracer
from ...trace.tracing import tracing

Function = Callable[..., Any]


class ClosureError(UnsupportedError):
    """A function of a rule reads a traced number that is no argument of its."""


@dataclass(frozen=True, eq=False)
class Arguments:
    """How a call's arguments are put together again from arrays.

    Attributes
    ----------
    treedef : TreeDef
        Of the tuple of arguments that may be differentiated by.
    weak : tuple of bool
        Which of their leaves are Python numbers.
    fixed : dict of int to object
        Other arguments, by position.
    """

    treedef: tree.TreeDef
    weak: tuple[bool, ...]
    fixed: dict[int, Any]

    def primals(self, leaves: Sequence[Any]) -> tuple[Any, ...]:
        """Return the arguments that may be differentiated by."""
        return tree.unflatten(self.treedef, leaves)  # type: ignore[no-any-return]

    def positional(self, leaves: Sequence[Any]) -> list[Any]:
        """Return all arguments in their order."""
        primals = iter(self.primals(leaves))
        count = self.treedef.num_children + len(self.fixed)
        return [self.fixed[k] if k in self.fixed else next(primals) for k in range(count)]


class Signature:
    """A function's parameters, of which some are no arrays."""

    def __init__(self, f: Function, fixed: int | Sequence[int], name: str) -> None:
        self.name = str(getattr(f, "__qualname__", getattr(f, "__name__", type(f).__name__)))
        self._where = f"{name} of {self.name}"
        self._fixed = (fixed,) if isinstance(fixed, int) else tuple(fixed)
        self._signature: inspect.Signature | None = None
        if not isinstance(inspect.unwrap(f), np.ufunc):  # where out= and its kin are no arguments
            with contextlib.suppress(TypeError, ValueError):  # functions of C may have none
                self._signature = inspect.signature(f)

    @property
    def has_fixed(self) -> bool:
        """Whether some arguments are no arrays."""
        return bool(self._fixed)

    def split(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[list[Any], Arguments]:
        """Return the leaves of the arguments of a call, and how they are put together."""
        if self._signature is not None:
            bound = self._signature.bind(*args, **kwargs)
            kwargs = bound.kwargs
            bound.apply_defaults()
            args = bound.args
        if kwargs:
            raise TypeError(
                at_user_line(f"{self._where}: {sorted(kwargs)} can be given by name only")
            )
        count = len(args)
        for k in self._fixed:
            if not -count <= k < count:
                raise TypeError(at_user_line(f"{self._where}: argument {k} of {count} arguments"))
        positions = {k % count for k in self._fixed}
        fixed = {k: args[k] for k in sorted(positions)}
        if any(isinstance(x, Tracer) for x in tree.leaves(list(fixed.values()))):
            raise UnsupportedError(
                at_user_line(
                    f"{self._where}: nondiff_argnums={self._fixed} names an argument that is "
                    "traced: leave it out there, and return None for it, or stop_gradient it before"
                )
            )
        primals = tuple(x for k, x in enumerate(args) if k not in positions)
        leaves, treedef = tree.flatten(primals)
        for x in leaves:
            as_array(x, f"an argument of {self.name}")
        return leaves, Arguments(treedef, tuple(map(is_weak, leaves)), fixed)


# On plain numbers


def run_plainly(function: Function, *args: Any) -> Any:
    """Return the function's result for plain arrays, with plain arrays in it."""
    with outside_of_traces():
        result = function(*args)
    return tree.map(_plain, result)


def _plain(leaf: Any) -> Any:
    if not isinstance(leaf, Tracer):
        return leaf
    node = leaf.node
    if node.value is None or carries_derivative(node):
        raise _reads_closure()
    return node.value


def plain_operand(x: Any, weak: bool) -> Any:
    """Return an argument of a rule's function: an array that cannot be written, or a number."""
    if weak:
        return x.item()
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    return x


def _reads_closure() -> ClosureError:
    return ClosureError(
        at_user_line(
            "a function with a rule of its own reads a traced array that is no argument of it (a "
            "closure), by which the rule has no derivative: make it an argument, or apply "
            "chainrule.stop_gradient to it before"
        )
    )


# On nodes


class BodyGraph(NamedTuple):
    """A function as a graph, with what it reads beside its operands.

    Attributes
    ----------
    graph : Graph
        Its inputs: one an operand, then one a node of `outside`, then the token if it takes one.
    outside : tuple of Node
        What the function read of tracers that are not its operands.
    takes_token : bool
    result : Any
        The function's result, with an `_Output` in place of each traced array.
    """

    graph: Graph
    outside: tuple[Node, ...]
    takes_token: bool
    result: Any

    def result_of(self, outputs: Sequence[Any]) -> Any:
        """Return the function's result with these outputs in it."""
        return tree.map(lambda x: outputs[x.index] if type(x) is _Output else x, self.result)


class _Output:
    """Stands for a traced array in a result."""

    def __init__(self, index: int) -> None:
        self.index = index


def graph_of_call(
    name: str, function: Function, operands: Sequence[Node], weak: Sequence[bool]
) -> tuple[BodyGraph, list[Node]]:
    """Run ``function(*tracers)`` where it is called; return its graph, and its results as nodes.

    So it sees what is known of its arguments there. The graph holds none of their numbers.
    """
    leaves = [identity_of(node) for node in operands]
    for leaf, node in zip(leaves, operands, strict=True):
        set_layout_like(leaf, node)
    first_serial = next_serial()
    tracers: list[Tracer] = []

    def run() -> Any:
        tracers[:] = [_tracer(leaf, w) for leaf, w in zip(leaves, weak, strict=True)]
        return call_user_function(function, tracers, {})

    result = restarted(run)
    refuse_writes(name, tracers, leaves)
    outputs, numbered = _numbered(result)
    nodes = [x.node for x in outputs]
    outside = _read_outside(first_serial, leaves, nodes)
    graph = without_values([*leaves, *outside], nodes)
    refuse_effects_in(name, graph)
    return BodyGraph(graph, outside, False, numbered), nodes


def _numbered(result: Any) -> tuple[list[Tracer], Any]:
    """Return the tracers in a result, and the result with outputs in their stead."""
    leaves, treedef = tree.flatten(result)
    tracers = [x for x in leaves if isinstance(x, Tracer)]
    numbers = iter(range(len(tracers)))
    return tracers, tree.unflatten(
        treedef, [_Output(next(numbers)) if isinstance(x, Tracer) else x for x in leaves]
    )


def body_graph(
    name: str, function: Function, operands: Sequence[Node], weak: Sequence[bool]
) -> BodyGraph:
    """Capture ``function(*tracers)``; those with known numbers keep them."""
    unknown = [k for k, node in enumerate(operands) if node.value is None]
    box: list[Any] = []

    def of_unknown(*tracers: Tracer) -> list[Any]:
        arguments: list[Any] = [_tracer(node, w) for node, w in zip(operands, weak, strict=True)]
        for k, tracer in zip(unknown, tracers, strict=True):
            arguments[k] = tracer
        outputs, numbered = _numbered(function(*arguments))
        box[:] = [numbered]
        return outputs

    types = [operands[k].type for k in unknown]
    structure = tree.structure(tuple(range(len(unknown))))
    captured = capture(of_unknown, types, structure, [weak[k] for k in unknown])
    if captured.written:
        raise _writes(name)
    refuse_effects_in(name, captured.graph)
    inputs = dict(zip(unknown, captured.graph.inputs, strict=False))
    known = {id(node): k for k, node in enumerate(operands) if node.value is not None}
    outside: list[Node] = []
    further: list[Node] = []
    for node, inside in zip(captured.outside, captured.graph.inputs[len(unknown) :], strict=False):
        if id(node) in known:
            inputs[known[id(node)]] = inside
        else:
            outside.append(node)
            further.append(inside)
    in_order = [
        inputs[k] if k in inputs else input_node(node.type) for k, node in enumerate(operands)
    ]
    token = [captured.graph.inputs[-1]] * captured.reads_token
    graph = Graph((*in_order, *further, *token), captured.graph.outputs)
    return BodyGraph(graph, tuple(outside), captured.reads_token, box[0])


def refuse_effects_in(name: str, graph: Graph) -> None:
    """Raise if a function that may run more or less often has effects."""
    if effects(graph):
        raise UnsupportedError(
            at_user_line(
                f"{name}: the function calls io_callback, and it may be called more or less often "
                "than the program says: use pure_callback"
            )
        )


def _tracer(node: Node, weak: bool) -> Tracer:
    return ArrayTracer(node) if node.shape else ScalarTracer(node, weak)


def refuse_writes(name: str, tracers: Sequence[Tracer], nodes: Sequence[Node]) -> None:
    """Raise if a function has written into its arguments."""
    if any(t.node is not node for t, node in zip(tracers, nodes, strict=True)):
        raise _writes(name)


def _writes(name: str) -> UnsupportedError:
    return UnsupportedError(
        at_user_line(f"{name}: the function writes into its argument: have it write into a copy")
    )


def run_on_nodes(
    name: str, function: Function, operands: Sequence[Node], weak: Sequence[bool],
    closure: Mapping[Node, Node],
) -> Any:  # fmt: skip
    """Return the function's result, with nodes in place of traced arrays.

    Parameters
    ----------
    closure : mapping of Node to Node
        What may be read beside the operands, and the nodes that stand for it.
    """
    if all(node.value is not None for node in operands):
        return _run_in_trace(name, function, operands, weak, closure)
    latest = refusals.latest
    try:
        body = body_graph(name, function, operands, weak)
    except AbstractValueError:
        if tracing.recording is None:
            raise
        refusals.latest = latest  # the trace around it may know the numbers
        return _run_in_trace(name, function, operands, weak, closure)
    outside = [allowed(node, closure) for node in body.outside]
    token = [FIRST_TOKEN] * body.takes_token
    return body.result_of(call(body.graph, [*operands, *outside, *token]))


def allowed(node: Node, closure: Mapping[Node, Any]) -> Any:
    """Return what stands for a node of outside, if it may be read."""
    if node in closure:
        return closure[node]
    if node.value is None or carries_derivative(node):
        raise _reads_closure()
    return node


def _run_in_trace(
    name: str, function: Function, operands: Sequence[Node], weak: Sequence[bool],
    closure: Mapping[Node, Node],
) -> Any:  # fmt: skip
    first_serial = next_serial()
    tracers: list[Tracer] = []

    def run() -> Any:
        tracers[:] = [_tracer(node, w) for node, w in zip(operands, weak, strict=True)]
        return call_user_function(function, tracers, {})

    result = restarted(run)
    refuse_writes(name, tracers, operands)
    outputs = [x.node for x in tree.leaves(result) if isinstance(x, Tracer)]
    for node in _read_outside(first_serial, operands, outputs):
        allowed(node, closure)
    return tree.map(lambda x: x.node if isinstance(x, Tracer) else x, result)


def _read_outside(
    first_serial: int, leaves: Sequence[Node], outputs: Sequence[Node]
) -> tuple[Node, ...]:
    """Return what a function read that is older than its run, beside its arguments."""
    known = set(leaves)
    outside: dict[Node, None] = {}
    children = [child for node in reachable(outputs, first_serial) for child in node.inputs]
    for node in (*outputs, *children):
        older = node.serial < first_serial or not node.inputs
        if older and node not in known and node.primitive is not CONSTANT:
            outside[node] = None
    return tuple(outside)


def as_node(x: Any, role: str) -> Node:
    """Return an array of a result as a node."""
    return x if isinstance(x, Node) else node_of(as_array(x, role))


def closure_error_by(name: str) -> GradientError:
    """Return the error for a derivative by what a function reads by its closure."""
    return GradientError(
        at_user_line(
            f"{name} reads a traced array by its closure, and a derivative by that is asked for, "
            "of which its rule says nothing: make it an argument"
        )
    )
