"""A whole graph as instructions: that of a function, of a loop's body, of a branch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..fuse.steps import FusedGraph
from ..layout.view import View
from .in_place import InPlace
from .planner import Planner


def plan_body(
    planner: Planner, fused: FusedGraph, inputs: Sequence[View], results: Sequence[View],
    overwritten: Mapping[int, int],
) -> None:  # fmt: skip
    """Plan a graph whose outputs are written to the results.

    `overwritten` are the inputs that lie where outputs are to lie, by the numbers of these. Such an
    output is computed there at once, or copied when all are known.
    """
    body = fused.graph
    planner.views.update(zip(body.inputs, inputs, strict=True))
    is_in_place = InPlace.of(fused)
    targets = [
        result if j not in overwritten or is_in_place(overwritten[j], j) else None
        for j, result in enumerate(results)
    ]
    planner.run_steps(fused, targets)
    shared = {results[j].buffer for j in overwritten}
    late = []
    for j, (node, result) in enumerate(zip(body.outputs, results, strict=True)):
        if j not in overwritten:
            planner.copy(node, result)
        elif node is not body.inputs[overwritten[j]] and not planner.lies_at(node, result):
            source = planner.view(node)
            if source is not None and source.buffer in shared:
                source = planner.allocate(node.shape, node.dtype)
                planner.copy(node, source)
            late.append((node, source, result))
    for node, source, result in late:
        if source is None:
            planner.copy(node, result)
        else:
            planner.move(source, result)
