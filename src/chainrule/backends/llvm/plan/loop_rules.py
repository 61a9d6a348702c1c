"""How scan, while_loop and cond become instructions.

A carry is updated in place unless its old value is read after the new one is written; so is what a
branch changes, if nobody else reads it.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from ....control.scan import split_operands
from ....graph.node import Node
from ....graph.types import Type
from ..fuse.fusion import fuse
from ..instructions.cond import If
from ..instructions.elementwise import Elementwise
from ..instructions.for_loop import ForLoop, RowPointer
from ..instructions.while_loop import WhileLoop
from ..layout.view import View
from .body import plan_body
from .packed_weights import hoist_packing
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
        inputs = (*carries, *rows[:n_xs], *invariants)
        plan_body(planner, fuse(body), inputs, (*carries, *rows[n_xs:]), _each(carries))
    before, code = hoist_fills(code, {carry.buffer for carry in carries})
    packs, code = hoist_packing(code, length, {row.buffer for row in rows})
    planner.instructions += [*before, *packs, ForLoop(length, p["reverse"], pointers, tuple(code))]


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
        planner.run_steps(fuse(condition), [None])
        _store_truth(planner, condition.outputs[0], flag)
    with planner.subplan() as code:
        plan_body(planner, fuse(body), (*carries, *for_body), carries, _each(carries))
    planner.append(WhileLoop(tuple(condition_code), flag, tuple(code)))


def plan_cond(planner: Planner, node: Node) -> None:
    """Plan two branches that write to the same buffers."""
    predicate, *operands = node.inputs
    outer = [planner.materialize_contiguous(x) for x in operands]
    results = planner.result_buffers(node)
    flag = planner.allocate((), np.dtype(np.bool_))
    _store_truth(planner, predicate, flag)
    branches = []
    overwritten = {j: outer.index(result) for j, result in enumerate(results) if result in outer}
    for name in ("true", "false"):
        with planner.subplan() as code:
            plan_body(planner, fuse(node.params[name]), outer, results, overwritten)
        branches.append(tuple(code))
    then, otherwise = branches
    planner.append(If(flag, then, otherwise))
    planner.results[node] = results


def _initialize(planner: Planner, starts: Sequence[Node], carries: Sequence[View]) -> None:
    for node, carry in zip(starts, carries, strict=True):
        planner.copy(node, carry)


def _each(carries: Sequence[View]) -> dict[int, int]:
    return {k: k for k in range(len(carries))}


def _store_truth(planner: Planner, node: Node, target: View) -> None:
    lowering = planner.lowering(0)
    expression = lowering(node, ((None, 0, 0),) * len(node.shape))
    planner.append(Elementwise((), [(lowering.truth(expression), target)]))
