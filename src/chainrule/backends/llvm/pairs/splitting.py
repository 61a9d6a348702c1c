"""The pass from a graph with complex numbers to one of their parts."""

from __future__ import annotations

from ....graph.evaluate import replace_inputs
from ....graph.graph import Graph
from ....graph.node import CONSTANT, ITEM, Node, apply, input_node
from ....graph.types import is_complex
from ....graph.verify import verify
from ....simplify import simplify
from .host import by_numpy
from .pair import Value, constant_pair, joined, pair_type, separated
from .presence import is_of_complex
from .rules import RULES


def split_complex(graph: Graph) -> Graph:
    """Return the graph of real numbers: complex inputs and outputs are arrays of both parts."""
    return simplify(verify(_split(graph), "splitting of complex numbers"))


def _split(graph: Graph) -> Graph:
    values: dict[Node, Value] = {}
    inputs = []
    for node in graph.inputs:
        leaf = input_node(pair_type(node.type)) if is_complex(node.dtype) else node
        values[node] = leaf if leaf is node else separated(leaf)
        inputs.append(leaf)
    for node in graph.nodes:
        values[node] = _value(node, [values[child] for child in node.inputs])
    return Graph(tuple(inputs), tuple([joined(values[node]) for node in graph.outputs]))


def _value(node: Node, inputs: list[Value]) -> Value:
    """Return what stands for a node, given what stands for its inputs."""
    if node.primitive is CONSTANT:
        return constant_pair(node) if is_complex(node.dtype) else node
    if node.primitive is ITEM:
        item = apply(ITEM, (joined(inputs[0]),), node.params, node.source_location)
        return separated(item) if is_complex(node.dtype) else item
    real = [x for x in inputs if isinstance(x, Node)]
    if len(real) == len(inputs) and not is_of_complex(node):
        return replace_inputs(node, tuple(real))
    graphs = {key: _split(g) for key, g in node.params.items() if isinstance(g, Graph)}
    if graphs:
        operands = tuple(map(joined, inputs))
        return apply(node.primitive, operands, {**node.params, **graphs}, node.source_location)
    return RULES.get(node.primitive.name, by_numpy)(node, *inputs)
