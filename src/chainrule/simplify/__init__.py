"""Layer 3: graph to an equal graph that costs less. Each pass is small, and verified."""

from __future__ import annotations

import sys
from collections.abc import Callable

import numpy as np

from ..config import config
from ..graph.graph import Graph
from ..graph.verify import verify
from .algebra import algebra
from .common import fold_constants, share
from .cuts import cut_early
from .hoist import hoist
from .joins import join_pieces
from .loops import in_bodies, merge_scans, prune_scans
from .sink import sink

PASSES = (merge_scans, fold_constants, algebra, cut_early, join_pieces, share, prune_scans)
ROUNDS = 8  # each round can open a way for the next; two are common


def simplify(graph: Graph) -> Graph:
    """The graph without dead, repeated, constant or empty work.

    The same numbers bit for bit, but for products and sums that are moved out of a loop: these are
    added in another order.
    """
    with np.errstate(all="ignore"):
        simple = in_bodies(_settled(verify(graph, "tracing")), simplify)
        moved = _checked(sink, _checked(hoist, simple))
        if moved is not simple:
            simple = in_bodies(_settled(moved), simplify)
        return verify(simple, "simplify")


def _settled(graph: Graph) -> Graph:
    """The graph after all passes, one after the other until none finds anything to do."""
    idle = 0  # passes in a row that found nothing to do
    for step in PASSES * ROUNDS:
        before = graph
        graph = _checked(step, graph)
        idle = idle + 1 if graph is before else 0
        if idle == len(PASSES):
            break
    return graph


def _checked(step: Callable[[Graph], Graph], graph: Graph) -> Graph:
    graph = verify(step(graph), step.__name__)
    if config.debug >= 4:
        print(f"# after {step.__name__}\n{graph}", file=sys.stderr)
    return graph


__all__ = ["PASSES", "simplify"]
