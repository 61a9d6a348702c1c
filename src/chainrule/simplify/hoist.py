"""Work moved out of a loop, before it: what no iteration changes, and products of slices of xs.

::

    scan:  h = tanh(x_t @ W + h @ U)      ->   p = xs @ W;  scan:  h = tanh(p_t + h @ U)

One product of all iterations' rows runs faster than one per iteration, and splits better over
threads.
"""

from __future__ import annotations

from math import prod

from ..autodiff.residuals import REMATERIALIZABLE, dependents
from ..control.scan import split_operands
from ..graph.evaluate import inline, substitute
from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, apply, input_node
from ..graph.types import Type
from ..primitives.declare import ELEMENTWISE_FAMILIES
from ..primitives.products import matmul
from ..primitives.structure import concatenate, reshape, slice_, transpose
from .rewrite import replace, rewrite

MIN_MULTIPLICATIONS = 4096  # per iteration: below it, a product is mostly the work around it
MAX_ROWS = 256  # a product of more rows is as fast inside
MAX_STACK_BYTES = 2**26  # no larger stack is made
MAX_DEPTH = 32  # operations between a slice and a product of it
MIN_ENTRIES = 64  # entries that may as well be computed again each iteration


def hoist(graph: Graph) -> Graph:
    """Move out of each scan what can be computed before it."""
    return rewrite(
        graph, lambda node, _: _without_invariants(node) if node.primitive.name == "scan" else node
    )


def is_worth_hoisting(node: Node) -> bool:
    """Return whether a node is a matrix product to compute for all iterations at once."""
    if node.primitive is not matmul or any(len(child.shape) != 2 for child in node.inputs):
        return False
    rows, inner = node.inputs[0].shape
    columns = node.inputs[1].shape[1]
    return bool(rows <= MAX_ROWS and rows * inner * columns >= MIN_MULTIPLICATIONS)


class Stacker:
    """Builds nodes of a scan's body outside of it: invariant ones once, others for all iterations.

    Attributes
    ----------
    known : dict
        Of nodes that are stacked outside already.
    fixed : set of Node
        What follows from the constants alone.
    """

    def __init__(self, scan: Node) -> None:
        p = scan.params
        body, n_carry, n_xs = p["body"], p["n_carry"], p["n_xs"]
        _, xs, self._constants = split_operands(scan.inputs, n_carry, n_xs)
        carry, slices, self._inside = split_operands(body.inputs, n_carry, n_xs)
        self.length: int = p["length"]
        self.carried = dependents(body.nodes, carry)
        self.varying = dependents(body.nodes, (*carry, *slices))
        self.known: dict[Node, Node] = dict(zip(slices, xs, strict=True))

    def invariant(self, node: Node) -> Node:
        """Return a node that no iteration changes as a node outside of the loop."""
        return inline(Graph(tuple(self._inside), (node,)), self._constants)[0]

    def stacked(self, node: Node, depth: int = 0) -> Node | None:
        """Return a node stacked over all iterations; None if that fails or would not pay."""
        if node not in self.known:
            if node in self.carried or node.dtype is None or depth > MAX_DEPTH:
                return None
            if self.length * prod(node.shape) * node.dtype.itemsize > MAX_STACK_BYTES:
                return None
            stack = self._stack_operation(node, depth)
            if stack is None:
                return None
            self.known[node] = stack
        return self.known[node]

    def _stack_operation(self, node: Node, depth: int) -> Node | None:
        inputs = []
        for child in node.inputs:
            varies = child in self.varying
            outer = self.stacked(child, depth + 1) if varies else self.invariant(child)
            if outer is None:
                return None
            inputs.append(outer)
        name, before = node.primitive.name, node.inputs
        if name in ("reshape", "transpose", "slice"):
            return stacked_view(node, inputs[0])
        full = all(len(x.shape) == len(node.shape) or x not in self.varying for x in before)
        if node.primitive.spec.get("family") in ELEMENTWISE_FAMILIES or name == "cast":
            return apply(node.primitive, tuple(inputs), node.params) if full else None
        if node.primitive is concatenate and all(x in self.varying for x in before):
            return concatenate(*inputs, axis=node.params["axis"] + 1)  # type: ignore[no-any-return]
        if node.primitive is matmul and before[0] in self.varying and len(before[1].shape) == 2:
            return None if before[1] in self.varying else matmul(*inputs)
        return None


def stacked_view(node: Node, source: Node) -> Node:
    """Return a body's view as the same view of the stack of its source."""
    length = source.shape[0]
    if node.primitive is transpose:
        return transpose(source, axes=(0, *[k + 1 for k in node.params["axes"]]))  # type: ignore[no-any-return]
    if node.primitive is slice_:
        return slice_(source, index=(slice(0, length, 1), *node.params["index"]))  # type: ignore[no-any-return]
    return reshape(source, shape=(length, *node.shape))  # type: ignore[no-any-return]


def _without_invariants(scan: Node) -> Node:
    body, n_carry, n_xs = (scan.params[name] for name in ("body", "n_carry", "n_xs"))
    if n_carry == 0 or scan.params["length"] < 2:
        return scan
    stacker = Stacker(scan)
    xs: dict[Node, Node] = {}
    constants: dict[Node, Node] = {}
    for node in body.nodes:
        if node in stacker.carried or node.dtype is None:
            continue
        if node in stacker.varying:
            outer = stacker.stacked(node) if is_worth_hoisting(node) else None
            if outer is not None:
                xs[node] = outer
        elif _is_expensive(node):
            constants[node] = stacker.invariant(node)
    if not xs and not constants:
        return scan
    inside = {node: input_node(Type(node.shape, node.dtype)) for node in (*xs, *constants)}
    carry, slices, fixed = split_operands(body.inputs, n_carry, n_xs)
    operands = split_operands(scan.inputs, n_carry, n_xs)
    lighter = Graph(
        (*carry, *slices, *[inside[x] for x in xs], *fixed, *[inside[x] for x in constants]),
        tuple(substitute(body.outputs, inside, body.nodes)),
    )
    inputs = (*operands[0], *operands[1], *xs.values(), *operands[2], *constants.values())
    return replace(scan, inputs, body=lighter, n_xs=n_xs + len(xs))


def _is_expensive(node: Node) -> bool:
    """Return whether a node that no iteration changes is worth a buffer of its own."""
    name = node.primitive.name
    return (
        node.primitive is not CONSTANT
        and name not in REMATERIALIZABLE
        and prod(node.shape) >= MIN_ENTRIES
    )
