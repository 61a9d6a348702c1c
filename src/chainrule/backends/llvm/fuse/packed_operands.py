"""Which products are of bytes, or of weights in bfloat16; and which weights are packed already.

Sums of uint8 times int8 as int32 have no primitive of their own: a graph casts bytes to int32 and
multiplies those, which gives the same integers, and the compiler reads the bytes. Weights may be
kept in the order in which `kernels.packed_products` reads them; those in bfloat16 have to be. For
groups of k rows, 4 of bytes or 2 of bfloat16::

    packed = reshape(weights, (blocks, segments, groups, 16, k))
    matrix = reshape(transpose(packed, (1, 2, 4, 0, 3)), (segments, k groups, 16 blocks))
    product(cast(x), cast(reshape(slice(matrix, [:, :run, :columns]), ...)))
    matmul(x, from_bfloat16(reshape(slice(matrix, [:, :run, :columns]), ...)))

Then nothing of that is computed.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from ....graph.node import Node
from ..kernels.packed_products import BLOCK, BYTES, PAIRS

_ORDER = (1, 2, 4, 0, 3)


class PackedOperands(NamedTuple):
    """What a product reads: on the right a matrix of bytes, or one that is packed already."""

    left: Node
    right: Node
    packed: Node | None

    @property
    def in_memory(self) -> tuple[Node, Node]:
        """The arrays that are read."""
        return self.left, self.right if self.packed is None else self.packed


def packed_operands(node: Node) -> PackedOperands | None:
    """Return what a product of bytes, or with packed weights, multiplies; else None."""
    if 0 in node.shape:
        return None
    if node.dtype == np.float32 and node.primitive.name == "matmul":
        return _of_bfloat16(*node.inputs)
    if node.dtype != np.int32:
        return None
    left, right = (_uncast(child) for child in node.inputs)
    if left.dtype != np.uint8 or right.dtype != np.int8:
        return None
    rank = 2 if node.primitive.name == "matmul" else 4
    undilated = node.params.get("dilation", (1, 1)) == (1, 1)
    if not undilated or len(left.shape) != rank or len(right.shape) != rank or 0 in left.shape:
        return None
    return PackedOperands(left, right, _packed(right, BYTES))


def _of_bfloat16(left: Node, right: Node) -> PackedOperands | None:
    if right.primitive.name != "from_bfloat16" or len(left.shape) != 2 or len(right.shape) != 2:
        return None
    (matrix,) = right.inputs
    packed = _packed(matrix, PAIRS)
    fits = packed is not None and matrix.dtype == np.uint16 and left.dtype == np.float32
    return PackedOperands(left, matrix, packed) if fits and left.shape[1] else None


def _uncast(node: Node) -> Node:
    return node.inputs[0] if node.primitive.name == "cast" else node


def _packed(right: Node, group: int) -> Node | None:
    """Return the packed array that a matrix, or a kernel, is unpacked from."""
    *height, run, columns = right.shape if len(right.shape) == 2 else (
        right.shape[0], right.shape[1] * right.shape[2], right.shape[3],
    )  # fmt: skip
    segments = height[0] if height else 1
    groups, blocks = -(-run // group), -(-columns // BLOCK)
    whole = (segments, groups * group, blocks * BLOCK)
    node = _without_reshapes(right)
    if node.primitive.name == "slice":
        index = tuple(slice(0, size, 1) for size in (segments, run, columns))
        if node.inputs[0].shape != whole or node.params["index"] != index:
            return None
        node = _without_reshapes(node.inputs[0])
    elif (segments, run, columns) != whole:
        return None
    if node.primitive.name != "transpose" or node.params["axes"] != _ORDER:
        return None
    (packed,) = node.inputs
    fits = packed.shape == (blocks, segments, groups, BLOCK, group)
    return _without_reshapes(packed) if fits else None


def _without_reshapes(node: Node) -> Node:
    while node.primitive.name == "reshape":
        (node,) = node.inputs
    return node


def memory_operands(node: Node) -> tuple[Node, ...]:
    """Return what a node that is no loop nest reads from memory: its inputs, or their bytes."""
    of_bytes = packed_operands(node) if node.primitive.name in ("matmul", "conv") else None
    return node.inputs if of_bytes is None else of_bytes.in_memory


def unpacked_for_nothing(nodes: Iterable[Node], outputs: Iterable[Node]) -> frozenset[Node]:
    """Return the nodes that unpack weights which are only read as they are packed."""
    products = [(node, of_bytes) for node in nodes if node.primitive.name in ("matmul", "conv")
                and (of_bytes := packed_operands(node)) is not None]  # fmt: skip
    steps: set[Node] = set()
    for node, (_, _, packed) in products:
        step = node.inputs[1]
        while packed is not None and step is not packed:
            steps.add(step)
            step = step.inputs[0]
    allowed = steps | {node for node, _ in products}
    read = {child for node in nodes if node not in allowed for child in node.inputs}
    return frozenset(steps - read - set(outputs))
