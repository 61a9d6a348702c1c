"""Graph to an equal graph that costs less. Each pass is small, and verified."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from ..config import config
from ..graph.graph import Graph
from ..graph.stages import stage
from ..graph.verify import verify
from .algebra import algebra
from .concat_of_pads import concat_of_pads
from .hoist import hoist
from .inline_calls import inline_calls
from .push_slices import push_slices
from .scan_passes import map_inner_graphs, merge_scans, prune_scans
from .shared_pads import shared_pads
from .sink_after_scan import sink_after_scan
from .subexpressions import eliminate_common_subexpressions, fold_constants
from .touched_rows import touched_rows

PASSES = (
    merge_scans,
    fold_constants,
    algebra,
    push_slices,
    concat_of_pads,
    touched_rows,
    shared_pads,
    eliminate_common_subexpressions,
    prune_scans,
)
ROUNDS = 8  # each round can open a way for the next; two are common


def simplify(graph: Graph) -> Graph:
    """Return the graph without dead, repeated, constant or empty work.

    The same numbers bit for bit, but for products and sums that are moved out of a loop: these are
    added in another order.
    """
    with np.errstate(all="ignore"):
        inlined = _verified(inline_calls, verify(graph, "tracing"))
        simple = map_inner_graphs(_fixed_point(inlined), simplify)
        hoisted = _verified(sink_after_scan, _verified(hoist, simple))
        if hoisted is not simple:
            simple = map_inner_graphs(_fixed_point(hoisted), simplify)
        return verify(simple, "simplify")


def _fixed_point(graph: Graph) -> Graph:
    """Apply all passes, one after the other, until none finds anything to do."""
    idle = 0  # passes in a row that found nothing to do
    for step in PASSES * ROUNDS:
        before = graph
        graph = _verified(step, graph)
        idle = idle + 1 if graph is before else 0
        if idle == len(PASSES):
            break
    return graph


def _verified(step: Callable[[Graph], Graph], graph: Graph) -> Graph:
    with stage(step.__name__):
        graph = verify(step(graph), step.__name__, graph)
    if config.debug >= 4:
        print(f"# after {step.__name__}\n{graph}", file=sys.stderr)
    return graph


__all__ = ["PASSES", "simplify"]
