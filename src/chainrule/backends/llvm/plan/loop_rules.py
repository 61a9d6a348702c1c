"""How scan, while_loop and cond become instructions.

A carry is updated in place unless its old value is read after the new one is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ....control.scan import split_operands
from ....graph.graph import Graph
from ....graph.node import Node
from ....graph.types import Type
from ..fuse.fusion import fuse
from ..fuse.steps import FusedGraph
from ..instructions.cond import If
from ..instructions.elementwise import Elementwise
from ..instructions.for_loop import ForLoop, RowPointer
from ..instructions.while_loop import WhileLoop
from ..layout.view import View
from .planner import Planner
from .sparse_fill import hoist_fills


def plan_scan(planner: Planner, node: Node) -> None:
    """Plan a loop of known length."""
    p = node.params
    body, n_carry, n_xs, length = (p[k] for k in ("body", "n_carry", "n_xs", "length"))
    starts, xs, constants = split_operands(node.inputs, n_carry, n_xs)
    arrays = [planner.materialize_contiguous(x) for x in xs]
    invariants = [planner.materialize_contiguous(c) for c in constants]
    results = planner.results[node] = planner.result_buffers(node)
    carries, stacks = results[:n_carry], results[n_carry:]
    _initialize(planner, starts, carries)
    if not length:
        return
    rows = [planner.external(Type(a.shape[1:], a.dtype)) for a in (*arrays, *stacks)]
    pointers = [
        RowPointer(row, array, prod(row.shape))
        for row, array in zip(rows, (*arrays, *stacks), strict=True)
    ]
    with planner.subplan() as code:
        _plan_iteration(planner, body, carries, (*rows[:n_xs], *invariants), rows[n_xs:])
    before, code = hoist_fills(code, {carry.buffer for carry in carries})
    planner.instructions += [*before, ForLoop(length, p["reverse"], pointers, tuple(code))]


def plan_while(planner: Planner, node: Node) -> None:
    """Plan a loop that computes a condition before each iteration."""
    condition, body = node.params["cond"], node.params["body"]
    n, n_condition = len(body.outputs), len(condition.inputs)
    starts, invariants = node.inputs[:n], node.inputs[n:]
    outer = [planner.materialize_contiguous(x) for x in invariants]
    for_condition, for_body = outer[: n_condition - n], outer[n_condition - n :]
    carries = planner.results[node] = planner.result_buffers(node)
    _initialize(planner, starts, carries)
    flag = planner.allocate((), np.dtype(np.bool_))
    with planner.subplan() as condition_code:
        inputs = (*carries, *for_condition)
        planner.views.update(zip(condition.inputs, inputs, strict=True))
        planner.run(condition, [None])
        _store_truth(planner, condition.outputs[0], flag)
    with planner.subplan() as code:
        _plan_iteration(planner, body, carries, for_body, [])
    planner.append(WhileLoop(tuple(condition_code), flag, tuple(code)))


def plan_cond(planner: Planner, node: Node) -> None:
    """Plan two branches that write to the same buffers."""
    predicate, *operands = node.inputs
    outer = [planner.materialize_contiguous(x) for x in operands]
    results = planner.result_buffers(node)
    flag = planner.allocate((), np.dtype(np.bool_))
    _store_truth(planner, predicate, flag)
    branches = []
    for name in ("true", "false"):
        branch: Graph = node.params[name]
        with planner.subplan() as code:
            planner.views.update(zip(branch.inputs, outer, strict=True))
            planner.run(branch, results)
        branches.append(tuple(code))
    then, otherwise = branches
    planner.append(If(flag, then, otherwise))
    planner.results[node] = results


def _initialize(planner: Planner, starts: Sequence[Node], carries: Sequence[View]) -> None:
    for node, carry in zip(starts, carries, strict=True):
        planner.copy(node, carry)


def _store_truth(planner: Planner, node: Node, target: View) -> None:
    lowering = planner.lowering(0)
    expression = lowering(node, ((None, 0, 0),) * len(node.shape))
    planner.append(Elementwise((), [(lowering.truth(expression), target)]))


def _plan_iteration(
    planner: Planner, body: Graph, carries: Sequence[View], others: Sequence[View],
    rows: Sequence[View],
) -> None:  # fmt: skip
    """Plan one iteration: carries are updated where they lie, other results written to `rows`."""
    planner.views.update(zip(body.inputs, (*carries, *others), strict=True))
    fused = fuse(body)
    n = len(carries)
    targets = [carry if is_in_place(fused, k) else None for k, carry in enumerate(carries)]
    planner.run_steps(fused, [*targets, *rows])
    for node, row in zip(body.outputs[n:], rows, strict=True):
        if planner.views.get(node) is not row:
            planner.copy(node, row)
    _update_carries(planner, body, carries, targets)


def _update_carries(
    planner: Planner, body: Graph, carries: Sequence[View], targets: Sequence[View | None]
) -> None:
    """Copy next values of carries that are not updated in place, once all of them are known."""
    carry_buffers = {carry.buffer for carry in carries}
    late = []
    for node, before, target, carry in zip(body.outputs, body.inputs, targets, carries,
                                           strict=False):  # fmt: skip
        if node is before or (target is not None and planner.views.get(node) is target):
            continue
        source = planner.view(node)
        if source is not None and source.buffer in carry_buffers:
            source = planner.allocate(node.shape, node.dtype)
            planner.copy(node, source)
        late.append((node, source, carry))
    for node, source, carry in late:
        if source is None:
            planner.copy(node, carry)
        else:
            planner.move(source, carry)


def is_in_place(fused: FusedGraph, k: int) -> bool:
    """Whether carry k may be overwritten by its next value while that is computed."""
    graph, materialized = fused.graph, fused.materialized
    old, new = graph.inputs[k], graph.outputs[k]
    if new not in materialized.nodes or graph.outputs.index(new) != k:
        return False
    if any(
        old is node or (node not in materialized.nodes and old in materialized.leaves(node))
        for j, node in enumerate(graph.outputs)
        if j != k
    ):
        return False
    written = False
    for step in fused.steps:
        if written and old in step.reads:
            return False
        if new in step.nodes:
            written = True
            if old in step.reads and not (
                step.is_cluster
                and all(materialized.reads_elementwise(node, {old}) for node in step.nodes)
            ):
                return False
    return True
