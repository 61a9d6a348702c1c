"""Scans: one loop in place of two over the same numbers, no work for results nobody reads."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from ..control.scan import split_operands
from ..graph.graph import Graph
from ..graph.node import ITEM, Node, apply
from .rewrite import replace, rewrite


def merge_scans(graph: Graph) -> Graph:
    """Join scans that carry the same along the same inputs and differ only in what they stack.

    Reverse mode makes such pairs: the loop that the user wrote, and the one that remembers.
    """
    groups: dict[Hashable, list[Node]] = {}
    for node in graph.nodes:
        if node.primitive.name == "scan":
            groups.setdefault(_merge_key(node), []).append(node)
    if all(len(group) == 1 for group in groups.values()):
        return graph
    merged: dict[Hashable, Node] = {}

    def merge(node: Node, original: Node) -> Node:
        if node.primitive is not ITEM or node.inputs[0].primitive.name != "scan":
            return node
        scan = node.inputs[0]
        key = _merge_key(original.inputs[0])
        if len(groups[key]) == 1:
            return node
        n_carry, body = scan.params["n_carry"], scan.params["body"]
        stacked = [y for member in groups[key] for y in member.params["body"].outputs[n_carry:]]
        ys = list(dict.fromkeys(stacked))
        if key not in merged:
            grown = Graph(body.inputs, (*body.outputs[:n_carry], *ys))
            merged[key] = replace(scan, scan.inputs, body=grown)
        index = node.params["index"]
        if index >= n_carry:
            index = n_carry + ys.index(body.outputs[index])
        return apply(ITEM, (merged[key],), {"index": index})

    return rewrite(graph, merge)


def prune_scans(graph: Graph) -> Graph:
    """Drop carries and ys that nobody reads, and inputs that the body does not read."""
    read: dict[Node, set[int]] = {}
    for node in graph.nodes:
        if node.primitive is ITEM:
            read.setdefault(node.inputs[0], set()).add(node.params["index"])
    if not read:
        return graph
    pruned: dict[Node, tuple[Node, list[int]]] = {}

    def prune(node: Node, original: Node) -> Node:
        if node.primitive.name == "scan":
            smaller = _pruned(node, read[original])
            if smaller is not None:
                pruned[node] = smaller
        elif node.primitive is ITEM and node.inputs[0] in pruned:
            scan, retained = pruned[node.inputs[0]]
            return apply(ITEM, (scan,), {"index": retained.index(node.params["index"])})
        return node

    return rewrite(graph, prune)


def _pruned(scan: Node, read: set[int]) -> tuple[Node, list[int]] | None:
    body, n_carry, n_xs = (scan.params[name] for name in ("body", "n_carry", "n_xs"))
    retained = set(read)
    while True:  # a carry is needed if what is needed reads it
        reached = Graph(body.inputs, tuple(body.outputs[k] for k in sorted(retained)))
        needed = {child for node in reached.nodes for child in node.inputs} | set(reached.outputs)
        grown = retained | {k for k in range(n_carry) if body.inputs[k] in needed}
        if grown == retained:
            break
        retained = grown
    in_carry, in_xs, in_constants = split_operands(range(len(body.inputs)), n_carry, n_xs)
    carry = [k for k in in_carry if k in retained]
    xs = [k for k in in_xs if body.inputs[k] in needed]
    constants = [k for k in in_constants if body.inputs[k] in needed]
    chosen = [*carry, *xs, *constants]
    if len(chosen) == len(body.inputs) and len(retained) == len(body.outputs):
        return None
    order = sorted(retained)
    smaller = Graph(tuple(body.inputs[k] for k in chosen), tuple(body.outputs[k] for k in order))
    inputs = tuple(scan.inputs[k] for k in chosen)
    smaller_scan = replace(scan, inputs, body=smaller, n_carry=len(carry), n_xs=len(xs))
    return smaller_scan, order


def map_inner_graphs(graph: Graph, simplify: Callable[[Graph], Graph]) -> Graph:
    """Apply a function to the graphs that the nodes of a graph hold."""
    done: dict[Graph, Graph] = {}

    def visit(node: Node, _original: Node) -> Node:
        changed = {}
        for name, inner in node.params.items():
            if isinstance(inner, Graph):
                if inner not in done:
                    done[inner] = simplify(inner)
                if done[inner] is not inner:
                    changed[name] = done[inner]
        return replace(node, node.inputs, **changed) if changed else node

    return rewrite(graph, visit)


def _merge_key(scan: Node) -> Hashable:
    """Return a key that is equal for scans that carry the same along the same inputs."""
    p = scan.params
    carries = p["body"].outputs[: p["n_carry"]]
    rest = (p["n_carry"], p["n_xs"], p["length"], p["reverse"])
    return (scan.inputs, p["body"].inputs, carries, rest)
