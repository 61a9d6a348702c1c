"""Which products are of bytes: sums of uint8 times int8 as int32, which VNNI has instructions for.

They have no primitive of their own: a graph casts bytes to int32 and multiplies those, which
gives the same integers, and the compiler reads the bytes.
"""

from __future__ import annotations

import numpy as np

from ....graph.node import Node


def byte_operands(node: Node) -> tuple[Node, Node] | None:
    """Return the bytes that a product multiplies, or None if they are no bytes or too few."""
    if node.dtype != np.int32 or 0 in node.shape:
        return None
    left, right = (_uncast(child) for child in node.inputs)
    if left.dtype != np.uint8 or right.dtype != np.int8:
        return None
    rank = 2 if node.primitive.name == "matmul" else 4
    undilated = node.params.get("dilation", (1, 1)) == (1, 1)
    fits = undilated and len(left.shape) == len(right.shape) == rank
    return (left, right) if fits and 0 not in left.shape else None


def _uncast(node: Node) -> Node:
    return node.inputs[0] if node.primitive.name == "cast" else node


def memory_operands(node: Node) -> tuple[Node, ...]:
    """Return what a node that is no loop nest reads from memory: its inputs, or their bytes."""
    if node.primitive.name in ("matmul", "conv"):
        return byte_operands(node) or node.inputs
    return node.inputs
