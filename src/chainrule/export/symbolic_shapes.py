"""What of a graph depends on the number of rows: three traces side by side.

A graph's shapes are numbers. Traced with other numbers of rows, what depends on them differs: such
a size is kept as all that were seen, and is usable where one line ``times * rows + plus`` goes
through them. The first two differ by a prime, so that no ``rows // k`` looks like a line, and the
third is far away, so that neither does ``rows**2`` or ``min(rows, 2000)``. All are unusual: where
another axis happens to be as long, a graph might be simplified in another way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .. import tree
from ..errors import ChainruleError, UnsupportedError, at_user_line
from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node
from ..graph.types import Array
from ..simplify import simplify
from ..simplify.scan_passes import map_inner_graphs
from ..trace.capture import as_array
from ..transforms import make_graph
from .lower import lower

ROW_COUNTS = (1009, 1014, 10_007)


@dataclass(frozen=True)
class SymbolicSize:
    """A size that depends on the number of rows, as seen with each of `ROW_COUNTS`."""

    seen: tuple[int, ...]

    @property
    def line(self) -> tuple[int, int] | None:
        """``(times, plus)`` if it is ``times * rows + plus`` in all traces."""
        times, rest = divmod(self.seen[1] - self.seen[0], ROW_COUNTS[1] - ROW_COUNTS[0])
        plus = self.seen[0] - times * ROW_COUNTS[0]
        fits = rest == 0 and self.seen[2] == times * ROW_COUNTS[2] + plus
        return (times, plus) if fits else None

    def __str__(self) -> str:
        if self.line is None:
            return "unknown"
        times, plus = self.line
        return ("rows" if times == 1 else f"{times}*rows") + (f"{plus:+d}" if plus else "")


Dim: TypeAlias = int | SymbolicSize


class Span(NamedTuple):
    """A slice of one axis by whole numbers; a `stop` of -1 means that it ends with the first."""

    start: Dim
    stop: Dim
    step: int
    size: Dim

    @property
    def whole(self) -> bool:
        """Return whether it takes all there is, in order."""
        return self.start == 0 and self.stop == self.size and self.step == 1


@dataclass(frozen=True)
class SymbolicNode:
    """One node of the graph, as it is in all traces.

    Attributes
    ----------
    name : str
        The primitive's.
    inputs : tuple of int
        Places in the list of all steps, which begins with the graph's inputs.
    params : dict
        The node's, with `SymbolicSize` for what depends on the row count and `Span` for slices.
    values : tuple of arrays
        A constant's value in each trace.
    """

    name: str
    inputs: tuple[int, ...]
    params: dict[str, Any]
    shape: tuple[Dim, ...]
    dtype: np.dtype[Any]
    line: str
    values: tuple[Array, ...] = ()

    def refusal(self, why: str) -> UnsupportedError:
        """Return the error that names this node, and the user's line if it is known."""
        where = f"{self.line}: " if self.line else ""
        return UnsupportedError(f"{where}{self.name} cannot be exported: {why}")


@dataclass(frozen=True)
class SymbolicGraph:
    """A function as nodes: first its inputs, of which `batched` have rows."""

    nodes: tuple[SymbolicNode, ...]
    n_inputs: int
    batched: tuple[bool, ...]
    outputs: tuple[int, ...]
    output_names: tuple[str, ...]


def observe(
    function: Callable[..., Any], examples: Sequence[Any], batch: bool, supported: frozenset[str]
) -> SymbolicGraph:
    """Trace a function for the examples' types, with several row counts if `batch`.

    Raises
    ------
    UnsupportedError
        If a primitive is not among `supported`, or if what is computed depends on the row count.
    """
    names: list[str] = []

    def recorded(*args: Any) -> Any:
        result = function(*args)
        names[:] = tree.names(result)
        return result

    leaves, treedef = tree.flatten(tuple(examples))
    batched = have_rows([as_array(leaf) for leaf in leaves], batch)
    graphs = [_trace_and_lower(recorded, examples, supported)]
    if any(batched):
        graphs = []  # the examples' own was for the errors that its shapes would raise
        for count in ROW_COUNTS:
            grown = [_with_rows(x, count) if b else x for x, b in zip(leaves, batched, strict=True)]
            try:
                graphs.append(_trace_and_lower(recorded, tree.unflatten(treedef, grown), supported))
            except (ChainruleError, ValueError, TypeError) as error:
                error.add_note(f"with {count} rows in place of the examples'; see batch=False")
                raise
    steps, outputs = _merge_graphs(graphs)
    return SymbolicGraph(steps, len(leaves), batched, outputs, tuple(names))


def have_rows(arrays: Sequence[Array], batch: bool = True) -> tuple[bool, ...]:
    """Return which arrays are as long as the first that has an axis."""
    rows = next((x.shape[0] for x in arrays if x.shape), None) if batch else None
    return tuple(rows is not None and x.shape[:1] == (rows,) for x in arrays)


def _trace_and_lower(
    function: Callable[..., Any], examples: Sequence[Any], supported: frozenset[str]
) -> Graph:
    graph = _lower_with_bodies(simplify(make_graph(function)(*examples)))
    _check(graph, supported)
    if len(graph.inputs) != len(tree.leaves(tuple(examples))):
        raise UnsupportedError(
            at_user_line("export reads an outer trace, or calls Python: call it outside of that")
        )
    return graph


def _lower_with_bodies(graph: Graph) -> Graph:
    """Lower the graph and the graphs inside it to primitives that ONNX has."""
    return map_inner_graphs(lower(graph), _lower_with_bodies)


def _check(graph: Graph, supported: frozenset[str]) -> None:
    for node in graph.nodes:
        if node.primitive is not CONSTANT and node.primitive.name not in supported:
            raise _merge_nodes([node], {}).refusal("there is no rule for this primitive")
        if isinstance(node.params.get("body"), Graph):
            _check(node.params["body"], supported)


def _with_rows(example: Any, count: int) -> Array:
    """Return an example with `count` rows, of which only shape and dtype are read."""
    return np.broadcast_to(np.zeros((), example.dtype), (count, *example.shape[1:]))


def _merge_graphs(graphs: Sequence[Graph]) -> tuple[tuple[SymbolicNode, ...], tuple[int, ...]]:
    lists = [(*graph.inputs, *graph.nodes) for graph in graphs]
    positions = [{node: k for k, node in enumerate(nodes)} for nodes in lists]
    all_merged = []
    for same_nodes in zip(*lists, strict=False):
        merged = _merge_nodes(same_nodes, positions[0])
        for node, position in zip(same_nodes, positions, strict=True):
            same = node.primitive is same_nodes[0].primitive and node.dtype == merged.dtype
            if not same or tuple(position[x] for x in node.inputs) != merged.inputs:
                raise merged.refusal("the steps of the computation depend on the number of rows")
        all_merged.append(merged)
    outputs = {
        tuple(position[node] for node in graph.outputs)
        for graph, position in zip(graphs, positions, strict=True)
    }
    if len({len(nodes) for nodes in lists}) != 1 or len(outputs) != 1:
        raise all_merged[-1].refusal("the steps of the computation depend on the number of rows")
    return tuple(all_merged), outputs.pop()


def _merge_nodes(nodes: Sequence[Node], positions: dict[Node, int]) -> SymbolicNode:
    first = nodes[0]
    inputs = tuple(positions.get(x, -1) for x in first.inputs)
    values = tuple(np.asarray(node.value) for node in nodes) if first.primitive is CONSTANT else ()
    merged = SymbolicNode(first.primitive.name, inputs, {}, (), first.dtype, first.line, values)
    if any(n.primitive is not first.primitive for n in nodes):
        return merged
    if first.dtype is None:
        return _merge_loops(merged, nodes)
    try:
        merged.params.update(_merge_params([_with_spans(node) for node in nodes]))
        shape = _merge_params([node.shape for node in nodes])
    except ValueError as error:
        raise merged.refusal(f"{error} depends on the number of rows") from None
    return SymbolicNode(
        merged.name, inputs, merged.params, shape, merged.dtype, merged.line, values
    )


def _merge_loops(merged: SymbolicNode, nodes: Sequence[Node]) -> SymbolicNode:
    """Merge a loop's parameters, and its body, of all traces."""
    params = [dict(node.params) for node in nodes]
    bodies = [loop_params.pop("body", None) for loop_params in params]
    merged.params.update(_merge_params(params))
    if all(isinstance(body, Graph) for body in bodies):
        nodes_of_body, outputs = _merge_graphs(bodies)
        n_inputs = len(bodies[0].inputs)
        unknown = (False,) * n_inputs
        merged.params["body"] = SymbolicGraph(nodes_of_body, n_inputs, unknown, outputs, ())
    return merged


def _with_spans(node: Node) -> dict[str, Any]:
    """Return the parameters with `Span` for slices."""
    params = dict(node.params)
    name = "pattern" if "pattern" in params else "index"
    if isinstance(params.get(name), tuple):
        sizes = params.get("shape", node.inputs[0].shape)
        params[name] = tuple(
            Span(*part.indices(size), size) if isinstance(part, slice) else part
            for part, size in zip(params[name], sizes, strict=True)
        )
    return params


def _merge_params(values: Sequence[Any]) -> Any:
    """Merge one parameter of all traces; numbers that differ become a `SymbolicSize`."""
    first = values[0]
    if all(type(value) is type(first) and value == first for value in values):
        return first
    if all(isinstance(value, (int, np.integer)) for value in values):
        seen = tuple(int(value) for value in values)
        return seen[0] if len(set(seen)) == 1 else SymbolicSize(seen)
    if isinstance(first, dict):
        return {key: _merge_params([value[key] for value in values]) for key in first}
    if isinstance(first, tuple) and len({len(value) for value in values}) == 1:
        members = [_merge_params(column) for column in zip(*values, strict=True)]
        return Span(*members) if isinstance(first, Span) else tuple(members)
    raise ValueError(f"{first!r:.60}")
