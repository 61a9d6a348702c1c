"""Loops in ONNX: a scan is ONNX' Scan, whose body is a graph inside the model."""

from __future__ import annotations

from typing import Any

import numpy as np

from .emit import Emitter, Value
from .observe import Observed, Size, Step


def scan(e: Emitter, step: Step, *inputs: Value) -> str:
    """The states and slices are inputs of the body; what never changes it reads from outside."""
    body: Observed = step.params["body"]
    n_carry, n_xs = step.params["n_carry"], step.params["n_xs"]
    n_own = n_carry + n_xs
    own = [e.parts.fresh("state" if k < n_carry else "slice") for k in range(n_own)]
    given = [value.name for value in inputs[:n_own]]
    types = [(each.dtype, each.shape) for each in body.steps[:n_own]]
    if not n_xs:  # the number of turns is that of the slices
        length = step.params["length"]
        if isinstance(length, Size):
            raise step.refusal("its number of turns depends on the row count, and it has no xs")
        own.append(e.parts.fresh("turn"))
        given.append(e.constant(np.zeros(length), bool))
        types.append((np.dtype(bool), ()))
    rows = e.rows()  # computed outside, for what follows may ask for it as well
    with e.parts.inner() as nodes:
        inside = Emitter(e.parts, body, [*own[:n_own], *[value.name for value in inputs[n_own:]]])
        found = inside.run(e.rules, rows)
        outs = [e.node("Identity", value.name) for value in found]
    made = [(each.dtype, each.shape) for each in found]
    ends = zip(own, types, strict=True), zip(outs, made, strict=True)
    graph = e.parts.graph_of(nodes, *map(list, ends))
    way = int(step.params["reverse"])
    directions: dict[str, Any] = {"scan_input_directions": [way] * (len(own) - n_carry)}
    if len(outs) > n_carry:
        directions["scan_output_directions"] = [way] * (len(outs) - n_carry)
    names = e.parts.node(
        "Scan", *given, outputs=len(outs), body=graph, num_scan_inputs=len(own) - n_carry,
        **directions,
    )  # fmt: skip
    results = (names,) if isinstance(names, str) else tuple(names)
    first = str(results[0])
    e.results[first] = results
    return first


def item(e: Emitter, step: Step, several: Value) -> str:
    """One of a loop's results."""
    index: int = step.params["index"]
    return e.results[several.name][index]
