"""Compute once: known values become constants, equal nodes become one."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, constant
from ..graph.types import weak_constant
from .rewrite import rewrite

_WEIGHTS = (np.dtype(np.int8), np.dtype(np.int32))
_PACKED = ((np.dtype(np.int8), (16, 4)), (np.dtype(np.uint16), (16, 2)))


def fold_constants(graph: Graph) -> Graph:
    """Replace what follows from constants alone; a broadcast number stays a broadcast number."""

    def fold(node: Node, _original: Node) -> Node:
        if not node.inputs or node.dtype is None or node.primitive.name == "broadcast_to":
            return node
        if any(child.primitive is not CONSTANT for child in node.inputs):
            return node
        if _is_of_narrow_weights(node):
            return node
        return constant(weak_constant(node.value, node.dtype))

    return rewrite(graph, fold)


def _is_of_narrow_weights(node: Node) -> bool:
    """Whether weights of one byte or two are read: compiled products read them as they are kept.

    Those are matrices of int8 that are cast, and packed ones: see `llvm.fuse.packed_operands`.
    """
    x = node.inputs[0]
    if node.primitive.name == "cast":
        return (x.dtype, node.dtype) == _WEIGHTS and len(x.shape) >= 2
    is_split = node.primitive.name == "reshape" and len(x.shape) == 4
    return is_split and (x.dtype, node.shape[-2:]) in _PACKED


def eliminate_common_subexpressions(graph: Graph) -> Graph:
    """Replace nodes of the same primitive, inputs and parameters by one node (CSE)."""
    known: dict[Hashable, Node] = {}
    return rewrite(graph, lambda node, _: known.setdefault(_key(node), node))


def _key(node: Node) -> Hashable:
    if node.primitive is CONSTANT:
        value = np.asarray(node.value)
        if value.size and not any(value.strides):
            return (node.shape, node.dtype, value.ravel()[:1].tobytes())
        if value.nbytes > 64:
            return id(node)
        return (node.shape, node.dtype, value.tobytes())
    return (node.primitive, node.inputs, _frozen(node.params))


def _frozen(value: Any) -> Hashable:
    """Return a parameter as something hashable; 1 and 1.0 differ."""
    if isinstance(value, dict):
        return tuple((key, _frozen(value[key])) for key in sorted(value))
    if isinstance(value, (tuple, list)):
        return tuple(map(_frozen, value))
    if isinstance(value, slice):
        return (slice, value.start, value.stop, value.step)
    return (type(value), value)
