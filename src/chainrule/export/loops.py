"""Loops in ONNX: a scan is ONNX' Scan, whose body is a graph inside the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from .emitter import Emitter, OnnxValue
from .symbolic_shapes import SymbolicGraph, SymbolicNode, SymbolicSize


def scan(e: Emitter, node: SymbolicNode, *inputs: OnnxValue) -> str:
    """Emit a Scan: states and slices are inputs of the body, constants are read from outside."""
    body: SymbolicGraph = node.params["body"]
    n_carry, n_xs = node.params["n_carry"], node.params["n_xs"]
    n_inputs = n_carry + n_xs
    input_names = [
        e.builder.unique_name("state" if k < n_carry else "slice") for k in range(n_inputs)
    ]
    operand_names = [value.name for value in inputs[:n_inputs]]
    types = [(each.dtype, each.shape) for each in body.nodes[:n_inputs]]
    if not n_xs:  # the number of iterations is that of the slices
        length = node.params["length"]
        if isinstance(length, SymbolicSize):
            raise node.refusal("its length depends on the row count, and it has no xs")
        input_names.append(e.builder.unique_name("iteration"))
        operand_names.append(e.constant(np.zeros(length), bool))
        types.append((np.dtype(bool), ()))
    rows = e.rows()  # computed outside, for what follows may ask for it as well
    with e.builder.nested_nodes() as nodes:
        inside = Emitter(
            e.builder, body, [*input_names[:n_inputs], *[value.name for value in inputs[n_inputs:]]]
        )
        values = inside.run(e.rules, rows)
        outs = [e.node("Identity", value.name) for value in values]
    output_types = [(each.dtype, each.shape) for each in values]
    ends = zip(input_names, types, strict=True), zip(outs, output_types, strict=True)
    graph = e.builder.graph_of(nodes, *map(list, ends))
    direction = int(node.params["reverse"])
    directions: dict[str, Any] = {
        "scan_input_directions": [direction] * (len(input_names) - n_carry)
    }
    if len(outs) > n_carry:
        directions["scan_output_directions"] = [direction] * (len(outs) - n_carry)
    names = e.builder.node(
        "Scan", *operand_names, outputs=len(outs), body=graph,
        num_scan_inputs=len(input_names) - n_carry, **directions,
    )  # fmt: skip
    results = (names,) if isinstance(names, str) else tuple(names)
    first = str(results[0])
    e.results[first] = results
    return first


def item(e: Emitter, node: SymbolicNode, several: OnnxValue) -> str:
    """Return one of a loop's results."""
    index: int = node.params["index"]
    return e.results[several.name][index]
