"""The planning pass: fused steps to instructions over buffers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....graph.node import ITEM, Node
from ..fuse.op_traits import CUMULATIVE, REDUCTIONS, SCATTERS
from ..fuse.steps import FusedGraph
from ..instructions.base import Instructions
from ..instructions.host_call import HostCall
from .array_rules import (
    plan_argmax,
    plan_argsort,
    plan_concatenate,
    plan_convolution,
    plan_cumulative,
    plan_matmul,
    plan_pad,
    plan_reduction,
    plan_scatter,
)
from .loop_rules import plan_cond, plan_scan, plan_while
from .planner import Planner, Rule

RULES: Mapping[str, Rule] = {
    **dict.fromkeys(REDUCTIONS, plan_reduction),
    **dict.fromkeys(CUMULATIVE, plan_cumulative),
    **dict.fromkeys(SCATTERS, plan_scatter),
    "argmax": plan_argmax,
    "argsort": plan_argsort,
    "matmul": plan_matmul,
    "conv": plan_convolution,
    "pad": plan_pad,
    "concatenate": plan_concatenate,
    "scan": plan_scan,
    "while_loop": plan_while,
    "cond": plan_cond,
}
"""By the names of primitives: all others are elementwise, views, or computed by NumPy."""


@dataclass(frozen=True)
class Plan:
    """A graph as instructions, with a buffer for every array.

    Attributes
    ----------
    instructions : tuple of Instruction
    n_words : int
        Words of the frame.
    constants : mapping of Node to int
        The word that holds the address of each constant array.
    host_calls : tuple of HostCall
        What NumPy computes.
    bounds_checks : tuple of Node
        Nodes that look up computed positions. An error names one by its number, from 1.
    """

    instructions: Instructions
    n_words: int
    constants: Mapping[Node, int]
    host_calls: tuple[HostCall, ...]
    bounds_checks: tuple[Node, ...]


def plan(fused: FusedGraph) -> Plan:
    """Plan instructions that compute a graph's outputs into the words after its inputs."""
    planner, graph = Planner(RULES), fused.graph
    for node in graph.inputs:
        planner.views[node] = planner.external(node.type)
    targets = [planner.external(t) for t in graph.output_types]
    for node, target in zip(graph.outputs, targets, strict=True):
        if node.primitive is ITEM:
            key = (node.inputs[0], node.params["index"])
            planner.result_targets.setdefault(key, target)
    planner.run_fused(fused, targets)
    return Plan(
        tuple(planner.instructions), planner.n_words, dict(planner.constants),
        tuple(planner.host_calls), tuple(planner.bounds_checks),
    )  # fmt: skip
