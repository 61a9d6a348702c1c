"""Graphs as text, one node a line: ``%3: f64[4,3] = tanh %2``. What golden tests compare."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .node import CONSTANT, Node


def to_text(inputs: Sequence[Node], nodes: Sequence[Node], outputs: Sequence[Node]) -> str:
    """Print the graph; nodes are numbered in order of appearance, inner graphs are indented."""
    names: dict[Node, str] = {}
    for node in (*inputs, *nodes):
        names[node] = f"%{len(names)}"
    head = ", ".join(f"{names[node]}: {_type(node)}" for node in inputs)
    lines = [f"graph({head}):"]
    for node in nodes:
        lines.append(f"  {names[node]}: {_type(node)} = {_right_side(node, names)}")
    lines.append("  return " + ", ".join(names[node] for node in outputs))
    return "\n".join(lines)


def _type(node: Node) -> str:
    if node.dtype is None:
        return "(" + ", ".join(map(str, node.shape)) + ")"
    return str(node.type)


def _right_side(node: Node, names: dict[Node, str]) -> str:
    if node.primitive is CONSTANT:
        return f"constant {_number(node.value)}"
    words = [node.primitive.name, ", ".join(names[child] for child in node.inputs)]
    inner = []
    for key, value in node.params.items():
        if hasattr(value, "outputs") and hasattr(value, "nodes"):
            inner.append(f"\n    {key}: " + str(value).replace("\n", "\n    "))
        else:
            words.append(f"{key}={_param(value)}")
    return " ".join(word for word in words if word) + "".join(inner)


def _param(value: Any) -> str:
    if isinstance(value, np.dtype):
        return str(value)
    if isinstance(value, tuple):
        return "(" + ",".join(_param(member) for member in value) + ")"
    if isinstance(value, slice):
        return ":".join("" if v is None else str(v) for v in (value.start, value.stop, value.step))
    return repr(value)


def _number(value: Any) -> str:
    if value.size and not any(value.strides):
        return repr(value.ravel()[0].item())
    listed = ", ".join(repr(v) for v in value.ravel()[:3].tolist())
    return f"[{listed}{', ...' if value.size > 3 else ''}]"
