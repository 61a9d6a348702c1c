"""The stages of the native compiler, run one after the other on a function of arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import chainrule as cr
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.plan.plan import plan
from chainrule.backends.llvm.schedule.schedule import Schedule, schedule
from chainrule.graph.graph import Graph
from chainrule.simplify import simplify


def simplified(f: Callable[..., Any], *arguments: Any) -> Graph:
    """What the compiler is given."""
    return simplify(cr.jit(f).graph(*arguments))


def scheduled(f: Callable[..., Any], *arguments: Any) -> Schedule:
    """All passes before emission."""
    return scheduled_graph(simplified(f, *arguments))


def scheduled_graph(graph: Graph) -> Schedule:
    """All passes before emission, of a graph that is simplified already."""
    return schedule(plan(fuse(graph)))
