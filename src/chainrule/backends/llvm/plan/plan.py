"""The planning pass: fused steps to instructions over buffers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ....graph.node import Node
from ...base import NOTHING_DONATED, Donated
from ..fuse.steps import FusedGraph
from ..instructions.base import Instructions
from ..instructions.host_call import HostCall
from ..instructions.planning import instruction_rules
from .body import plan_body
from .loop_rules import plan_cond, plan_scan, plan_while
from .planner import Planner, Rule

RULES: Mapping[str, Rule] = {
    **instruction_rules(),
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


def plan(fused: FusedGraph, donated: Donated = NOTHING_DONATED) -> Plan:
    """Plan instructions that compute a graph's outputs into the words after its inputs.

    Outputs that are `donated` the memory of an input have no words of their own.
    """
    planner, graph = Planner(RULES), fused.graph
    inputs = [planner.external(t) for t in graph.input_types]
    results = [
        inputs[donated[j]] if j in donated else planner.external(t)
        for j, t in enumerate(graph.output_types)
    ]
    plan_body(planner, fused, inputs, results, donated)
    return Plan(
        tuple(planner.instructions), planner.n_words, dict(planner.constants),
        tuple(planner.host_calls), tuple(planner.bounds_checks),
    )  # fmt: skip
