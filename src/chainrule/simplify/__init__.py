"""Layer 3: graph to an equal graph that costs less. Each pass is small, and verified."""

from __future__ import annotations

import sys

import numpy as np

from ..config import config
from ..graph.graph import Graph
from ..graph.verify import verify
from .algebra import algebra
from .common import fold_constants, share
from .cuts import cut_early
from .loops import in_bodies, merge_scans, prune_scans

PASSES = (merge_scans, fold_constants, algebra, cut_early, share, prune_scans)
ROUNDS = 8  # each round can open a way for the next; two are common


def simplify(graph: Graph) -> Graph:
    """The graph without dead, repeated, constant or empty work; the same numbers bit for bit."""
    with np.errstate(all="ignore"):
        idle = 0  # passes in a row that found nothing to do
        for step in PASSES * ROUNDS:
            before = graph
            graph = verify(step(graph), step.__name__)
            if config.debug >= 4:
                print(f"# after {step.__name__}\n{graph}", file=sys.stderr)
            idle = idle + 1 if graph is before else 0
            if idle == len(PASSES):
                break
        return verify(in_bodies(graph, simplify), "in_bodies")


__all__ = ["PASSES", "simplify"]
