"""Loops and branches as instructions: carries stay where they are, if nobody minds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from ....control.scan import parts
from ....graph.graph import Graph
from ....graph.node import Node
from ....graph.types import Type
from ..fuse.fusion import Fusion
from ..instructions.base import Either, Map, Moving, Turns, While
from ..layout.view import View
from .sparse_fill import fill_once

if TYPE_CHECKING:
    from .planner import Planner


def begin(planner: Planner, starts: Sequence[Node], places: Sequence[View]) -> None:
    """A loop's carries as they start, where they are to be."""
    for node, place in zip(starts, places, strict=True):
        planner.copy(node, place)


def turn(
    planner: Planner,
    body: Graph,
    places: Sequence[View],
    others: Sequence[View],
    rest: Sequence[View],
) -> None:
    """One turn of a loop: carries renewed where they are, other results written to `rest`."""
    planner.views.update(zip(body.inputs, (*places, *others), strict=True))
    fusion = Fusion(body)
    n = len(places)
    targets = [place if in_place(fusion, k, n) else None for k, place in enumerate(places)]
    planner.steps(fusion, [*targets, *rest])
    for node, row in zip(body.outputs[n:], rest, strict=True):
        if planner.views.get(node) is not row:
            planner.copy(node, row)
    held = {place.buffer for place in places}
    late = []
    for node, before, target, place in zip(body.outputs, body.inputs, targets, places,
                                           strict=False):  # fmt: skip
        if node is before or (target is not None and planner.views.get(node) is target):
            continue
        source = planner.view(node)
        if source is not None and source.buffer in held:
            source = planner.room(node.shape, node.dtype)
            planner.copy(node, source)
        late.append((node, source, place))
    for node, source, place in late:
        if source is None:
            planner.copy(node, place)
        else:
            planner.move(source, place)


def plan_scan(planner: Planner, node: Node) -> None:
    """A loop of known length."""
    p = node.params
    body, n_carry, n_xs, length = (p[k] for k in ("body", "n_carry", "n_xs", "length"))
    starts, xs, constants = parts(node.inputs, n_carry, n_xs)
    rows = [planner.dense(x) for x in xs]
    fixed = [planner.dense(c) for c in constants]
    results = planner.results[node] = planner.rooms(node)
    places, stacks = results[:n_carry], results[n_carry:]
    begin(planner, starts, places)
    if not length:
        return
    slots = [planner.slot(Type(row.shape[1:], row.dtype)) for row in (*rows, *stacks)]
    moving = [
        Moving(slot, row, prod(slot.shape))
        for slot, row in zip(slots, (*rows, *stacks), strict=True)
    ]
    others = (*slots[:n_xs], *fixed)
    code = planner.nested(lambda: turn(planner, body, places, others, slots[n_xs:]))
    once, code = fill_once(code, {place.buffer for place in places})
    planner.code += [*once, Turns(length, p["reverse"], moving, code)]


def plan_while(planner: Planner, node: Node) -> None:
    """A loop that asks before each turn."""
    asks, body = node.params["cond"], node.params["body"]
    n = len(body.outputs)
    starts, asked, read = (
        list(node.inputs[:n]),
        list(node.inputs[n : len(asks.inputs)]),
        list(node.inputs[len(asks.inputs) :]),
    )
    outer = [planner.dense(x) for x in (*asked, *read)]
    places = planner.results[node] = planner.rooms(node)
    begin(planner, starts, places)
    seen, others = outer[: len(asked)], outer[len(asked) :]
    condition = planner.room((), np.dtype(np.bool_))
    first = planner.nested(lambda: _answer(planner, asks, [*places, *seen], condition))
    code = planner.nested(lambda: turn(planner, body, places, others, []))
    planner.code.append(While(first, condition, code))


def _answer(planner: Planner, asks: Graph, given: Sequence[View], condition: View) -> None:
    planner.views.update(zip(asks.inputs, given, strict=True))
    planner.run(asks, [None])
    _truth(planner, asks.outputs[0], condition)


def _truth(planner: Planner, node: Node, target: View) -> None:
    lowering = planner.lowering(0)
    expression = lowering(node, ((None, 0, 0),) * len(node.shape))
    planner.add(Map((), [(lowering.truth(expression), target)]))


def plan_cond(planner: Planner, node: Node) -> None:
    """One of two branches, both writing to the same places."""
    predicate, *operands = node.inputs
    outer = [planner.dense(x) for x in operands]
    results = planner.rooms(node)
    condition = planner.room((), np.dtype(np.bool_))
    _truth(planner, predicate, condition)
    yes, no = (
        planner.nested(partial(_branch, planner, node.params[name], outer, results))
        for name in ("true", "false")
    )
    planner.code.append(Either(condition, yes, no))
    planner.results[node] = results


def _branch(
    planner: Planner, branch: Graph, operands: Sequence[View], results: Sequence[View]
) -> None:
    planner.views.update(zip(branch.inputs, operands, strict=True))
    planner.run(branch, results)


def in_place(fusion: Fusion, k: int, n_carry: int) -> bool:
    """Whether a loop's carry may be overwritten by its next value as that is computed."""
    old, new = fusion.graph.inputs[k], fusion.graph.outputs[k]
    if new not in fusion.stored or fusion.graph.outputs.index(new) != k:
        return False
    if any(
        old is node or (node not in fusion.stored and old in fusion.leaves(node))
        for j, node in enumerate(fusion.graph.outputs)
        if j != k
    ):
        return False
    made = False
    for step in fusion.steps:
        if made and old in step.reads:
            return False
        if new in step.nodes:
            made = True
            if old in step.reads and not (
                step.is_cluster and all(fusion.reads_in_step(node, {old}) for node in step.nodes)
            ):
                return False
    return True
