"""A graph's nodes in the order of execution, as arrays of numbers in which loops are searched.

A node has a *code*, equal for nodes that do the same to other operands: primitive, type and
parameters, but for where a slice starts. Operands are *ids*: the position of a node of the
sequence, or, from its length on, the number of an *external* node, such as a constant. Equal
constants have one id.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from ...control.effects import effects
from ...graph.graph import Graph
from ...graph.node import CONSTANT, ITEM, Node
from ...graph.types import Array
from ...primitives.callback import callback
from ...primitives.indexing import gather, scatter, scatter_add
from ...primitives.structure import broadcast_to, cast, concatenate, pad, reshape, slice_

MOST_INTERNED_BYTES = 4096  # of a constant that is compared with others by its bytes
_MOVES = {"identity", "reshape", "transpose", "broadcast_to", "slice", "pad", "concatenate",
          "scatter", "stop_gradient"}  # fmt: skip
_ROUNDED_ONCE = {"add", "sub", "mul", "div", "neg", "abs", "sqrt", "equal", "less", "not_equal",
                 "where", "cast"}  # fmt: skip


def is_exact(node: Node) -> bool:
    """Return whether a node has the same bits whoever computes it.

    Such a node may be one of a loop though its value is known.
    """
    name = node.primitive.name
    if name in _MOVES or name not in _ROUNDED_ONCE or node.dtype is None:
        return name in _MOVES
    return all(x.dtype.kind in "biu" or x.dtype.char in "fd" for x in (node, *node.inputs))


def movable(index: Sequence[slice]) -> bool:
    """Return whether a basic slice takes entries that lie side by side, wherever it starts."""
    return all(s.step in (None, 1) for s in index)


def _slice_key(params: Mapping[str, Any]) -> Hashable:
    index = params["index"]
    if movable(index):
        return None  # the shape of the result says how many entries
    return tuple([(s.start, s.stop, s.step) for s in index])


def _pattern_key(params: Mapping[str, Any]) -> Hashable:
    return tuple(
        [
            entry if type(entry) is int
            else (entry.start is None, _extent(entry), entry.step)
            if entry.step in (None, 1)
            else (entry.start, entry.stop, entry.step)
            for entry in params["pattern"]
        ]
    )  # fmt: skip


def _extent(entry: slice) -> Any:
    return entry.stop if entry.start is None or entry.stop is None else entry.stop - entry.start


def _no_key(_params: Mapping[str, Any]) -> Hashable:
    return None  # the type of the result says it all


def frozen(value: Any) -> Hashable:
    """Return a parameter as something hashable, equal only for what is computed alike."""
    if isinstance(value, (tuple, list)):
        return (tuple, *[frozen(entry) for entry in value])
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    if isinstance(value, dict):
        return tuple([(key, frozen(value[key])) for key in sorted(value)])
    if isinstance(value, Graph):
        return graph_key(value)
    if isinstance(value, np.ndarray):
        return (value.shape, value.dtype, value.tobytes())
    try:
        hash(value)
    except TypeError:
        return id(value)
    return (type(value), value)


def graph_key(graph: Graph) -> Hashable:
    """Return what is equal for graphs that compute the same by the same nodes."""
    number = {node: k for k, node in enumerate((*graph.inputs, *graph.nodes))}
    rows: list[Hashable] = [tuple([(n.shape, n.dtype) for n in graph.inputs])]
    for node in graph.nodes:
        if node.primitive is CONSTANT:
            rows.append(constant_key(node))
        else:
            inputs = tuple([number[child] for child in node.inputs])
            rows.append((node.primitive, inputs, node.shape, node.dtype, frozen(node.params)))
    return (*rows, tuple([number[node] for node in graph.outputs]))


def _calls_python(node: Node) -> bool:
    """Return whether a node calls Python, at a time that may count."""
    graphs = [value for value in node.params.values() if isinstance(value, Graph)]
    return node.primitive is callback or any(map(effects, graphs))


def constant_key(node: Node) -> Hashable:
    """Return what is equal for constants of equal bits, if they are small."""
    value = np.asarray(node.value)
    if value.nbytes > MOST_INTERNED_BYTES:
        if any(value.strides) or not value.size:
            return id(node)
        return (node.shape, node.dtype, value.ravel()[:1].tobytes())
    return (node.shape, node.dtype, value.tobytes())


_KEYS: dict[Any, Callable[[Mapping[str, Any]], Hashable]] = {
    reshape: _no_key,
    broadcast_to: _no_key,
    cast: _no_key,
    slice_: _slice_key,
    gather: _pattern_key,
    scatter: _pattern_key,
    scatter_add: _pattern_key,
    concatenate: lambda params: params["axis"],
    ITEM: lambda params: params["index"],
    pad: lambda params: movable(params["index"]) or frozen(params["index"]),
}


@dataclass(eq=False)
class NodeSequence:
    """Nodes in order, as arrays; see the module.

    Attributes
    ----------
    nodes : list of Node
    externals : list of Node
        What they read beside each other.
    codes : array of int, one a node
    types : array of int, one an id
        A number for each type of result.
    operands : array of int
        The ids of all nodes' operands, one node after the other.
    firsts : array of int
        Where each node's operands begin; one more entry at the end.
    outputs : list of int
        The ids of the results.
    """

    nodes: list[Node]
    externals: list[Node]
    codes: Array
    types: Array
    operands: Array
    firsts: Array
    outputs: list[int]

    def __len__(self) -> int:
        return len(self.nodes)

    def node(self, number: int) -> Node:
        """Return the node of an id, as it was traced."""
        n = len(self.nodes)
        return self.nodes[number] if number < n else self.externals[number - n]

    def operand_ids(self, position: int) -> list[int]:
        """Return the ids of what a node reads."""
        return self.operands[self.firsts[position] : self.firsts[position + 1]].tolist()  # type: ignore[no-any-return]


def number_nodes(
    nodes: list[Node], outputs: Sequence[Node], alias: Mapping[Node, Node]
) -> NodeSequence:
    """Return nodes in their order as a sequence.

    Parameters
    ----------
    nodes : list of Node
    outputs : sequence of Node
        The results.
    alias : mapping of Node to Node
        What is read in place of nodes that are not there.
    """
    numbering = _Numbering(nodes, alias)
    codes: dict[Hashable, int] = {}
    types: dict[Hashable, int] = {}
    code_types: list[int] = []
    unique = count()
    code_list, operands, firsts = [], [], [0]
    ids, keys = numbering.ids, _KEYS
    for node in nodes:
        primitive, params, inputs = node.primitive, node.params, node.inputs
        for child in inputs:
            known = ids.get(child)
            operands.append(numbering.id_of(child) if known is None or alias else known)
        firsts.append(len(operands))
        detail: Hashable = None
        if params:
            rule = keys.get(primitive)
            if rule is not None:
                detail = rule(params)
            elif primitive.spec["family"] == "control" and _calls_python(node):
                detail = (_calls_python, next(unique))  # in no loop
            else:
                detail = frozen(params)
        key = primitive, node.shape, node.dtype, len(inputs), detail
        code = codes.setdefault(key, len(codes))
        if code == len(code_types):
            code_types.append(types.setdefault((node.shape, node.dtype), len(types)))
        code_list.append(code)
    type_list = [code_types[code] for code in code_list]
    output_ids = [numbering.id_of(node) for node in outputs]
    externals = numbering.externals
    type_list += [types.setdefault((n.shape, n.dtype), len(types)) for n in externals]
    code_array, type_array, operand_array, first_array = [
        np.array(numbers, np.int64) for numbers in (code_list, type_list, operands, firsts)
    ]
    return NodeSequence(
        nodes, externals, code_array, type_array, operand_array, first_array, output_ids
    )


class _Numbering:
    """The ids of nodes."""

    def __init__(self, nodes: list[Node], alias: Mapping[Node, Node]) -> None:
        self.ids: dict[Node, int] = {node: k for k, node in enumerate(nodes)}
        self.externals: list[Node] = []
        self._count, self._alias = len(nodes), alias
        self._constants: dict[Hashable, int] = {}

    def id_of(self, node: Node) -> int:
        """Return the id of an operand; an external one is entered when it is met first."""
        while node in self._alias:
            node = self._alias[node]
        known = self.ids.get(node)
        if known is not None:
            return known
        new = following = self._count + len(self.externals)
        if node.primitive is CONSTANT:
            new = self._constants.setdefault(constant_key(node), following)
        self.ids[node] = new
        if new == following:
            self.externals.append(node)
        return new
