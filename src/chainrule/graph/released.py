"""Nodes whose value has been let go, since nothing was going to read it; asked, they compute it."""

from __future__ import annotations

from typing import Any

import numpy as np

from .node import REFERENCE, Node


class ReleasedNode(Node):
    """A node without its value: what it computes has not changed, so the value is found again."""

    __slots__ = ()

    @property
    def value(self) -> Any:
        """The value, which is computed again, as are those of other such nodes below."""
        restore(self)
        return self.value


def release(node: Node) -> None:
    """Let a node's value go."""
    del node.value
    node.__class__ = ReleasedNode


def restore(node: Node) -> None:
    """Compute the value of a node again, and those that it follows from."""
    released = {node}
    stack = [node]
    while stack:
        for child in stack.pop().inputs:
            if type(child) is ReleasedNode and child not in released:
                released.add(child)
                stack.append(child)
    with np.errstate(all="ignore"):  # it has warned the first time
        for each in sorted(released, key=lambda n: n.serial):
            values = [child.value for child in each.inputs]
            value = each.primitive.evaluate(REFERENCE, *values, **each.params)
            each.__class__ = Node
            each.value = value
