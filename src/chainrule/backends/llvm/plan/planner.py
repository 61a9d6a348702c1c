"""A graph as instructions over buffers: where each number lies, and when.

A loop's carries stay in one place and are updated there, if nobody reads the old value after the
new one is written. All other numbers live in one arena; those whose lifetimes do not meet share it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import Any

import numpy as np

from ....config import config
from ....graph.graph import Graph
from ....graph.node import CONSTANT, ITEM, Node
from ....graph.types import Type
from ...threads import get_num_threads
from ..expressions.expression import Lowering, gathered_shape, identity_index
from ..fuse import op_traits as kinds
from ..fuse.axis_order import GROUPS, grouped, last
from ..fuse.fusion import Fusion, Step, viewed
from ..fuse.op_traits import VIEWS, uniform
from ..instructions.base import (
    Along,
    Call,
    Convolution,
    Instruction,
    Key,
    Map,
    Plan,
    Product,
    Reduce,
    Region,
    Scatter,
    Sort,
    lookups,
)
from ..instructions.convolution import blocks
from ..instructions.matmul import flattened
from ..instructions.sharing import nanoseconds
from ..kernels.matmul import scratch_bytes
from ..kernels.sort import scratch_words
from ..layout.frame import FIRST
from ..layout.view import Buffer, View
from ..runtime.autotune import WORDS
from ..schedule.arena import Lifetimes
from ..schedule.row_tiling import arrange, depends_on_threads, everything, loops_that_try
from .loops import plan_cond, plan_scan, plan_while

_ROWS = 32  # and as many numbers a row, of which sums are worth a step of their own
_LONG = 20_000.0  # nanoseconds for which nobody minds that other Python threads wait


def plan(graph: Graph) -> Plan:
    """Instructions that compute the graph's outputs into their slots."""
    return Planner().whole(graph)


class Planner:
    """Collects instructions, and where the numbers lie that are known so far."""

    def __init__(self) -> None:
        self.slots = FIRST
        self.views: dict[Node, View] = {}
        self.results: dict[Node, list[View]] = {}
        self.constants: dict[Node, int] = {}
        self.calls: list[Call] = []
        self.sites: dict[Node, None] = {}
        self.wanted: dict[tuple[Node, int], View] = {}  # where results of loops are to be
        self.code: list[Instruction] = []

    # Places

    def slot(self, type_: Type) -> View:
        """An array whose address stands in a new slot."""
        buffer = Buffer(prod(type_.shape), type_.dtype, slot=self.slots)
        self.slots += 1
        return View.whole(buffer, type_.shape)

    def room(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: Sequence[int] | None = None
    ) -> View:
        """A new array in the arena; its axes may lie in another order."""
        return View.whole(Buffer(prod(shape), dtype), shape, order)

    def view(self, node: Node) -> View | None:
        """Where a node's numbers lie; None if they are computed where they are read."""
        known = self.views.get(node)
        if known is not None:
            return known
        made: View | None = None
        if node.primitive is ITEM:
            made = self.results[node.inputs[0]][node.params["index"]]
        elif node.primitive is CONSTANT:
            made = self._constant(node)
        elif node.primitive.name in VIEWS and kinds.is_native(node):
            source = self.view(node.inputs[0]) if uniform(node.inputs[0]) is None else None
            made = None if source is None else viewed(node, source)
        if made is not None:
            self.views[node] = made
        return made

    def _constant(self, node: Node) -> View:
        known = self.constants.get(node)
        if known is not None:  # of another body, whose views are forgotten, but not its slot
            return View.whole(Buffer(prod(node.shape), node.dtype, slot=known), node.shape)
        made = self.slot(node.type)
        assert made.buffer.slot is not None
        self.constants[node] = made.buffer.slot
        return made

    def seen(self, node: Node) -> View:
        """Where a node's numbers lie, which is known to be somewhere."""
        found = self.view(node)
        if found is None:  # a number repeated by views
            found = self.room(node.shape, node.dtype)
            self.copy(node, found)
        return found

    # Instructions

    def add(self, instruction: Instruction) -> None:
        """The next instruction."""
        self.code.append(instruction)
        self.sites.update(dict.fromkeys(e.node for e in lookups(instruction)))

    def lowering(self, rank: int, own: Iterable[Node] = ()) -> Lowering:
        """Nodes to expressions, with the places known by now."""
        return Lowering(rank, set(own), self.view)

    def copy(self, node: Node, target: View) -> None:
        """A node's numbers written to a view of its shape, in the order in which they lie there."""
        order = target.order
        index = identity_index([node.shape[k] for k in order])
        seen = tuple(index[order.index(k)] for k in range(len(order)))
        turned = target.transposed(order)
        self.add(Map(turned.shape, [(self.lowering(len(order))(node, seen), turned)]))

    def move(self, source: View, target: View) -> None:
        """Numbers from one place to another, in the order in which they lie there."""
        order = target.order
        source, target = source.transposed(order), target.transposed(order)
        lowering = self.lowering(len(source.shape))
        load = lowering.load(source, identity_index(source.shape))
        self.add(Map(source.shape, [(load, target)]))

    def whole(self, graph: Graph) -> Plan:
        """The plan of the outermost graph."""
        for node in graph.inputs:
            self.views[node] = self.slot(node.type)
        targets = [self.slot(t) for t in graph.output_types]
        for node, target in zip(graph.outputs, targets, strict=True):
            if node.primitive is ITEM:
                self.wanted.setdefault((node.inputs[0], node.params["index"]), target)
        self.run(graph, targets)
        code = arrange(self.code)
        for loop in loops_that_try(code):
            loop.trial, self.slots = self.slots, self.slots + WORDS
        shared = [
            step for step in everything(code) if isinstance(step, (Product, Convolution, Region))
        ]
        for step in shared:
            if isinstance(step, Product):
                _give_scratch(step)
        lifetimes = Lifetimes()
        lifetimes.run(code)
        threads = get_num_threads() if depends_on_threads(code) else 0
        guarded = config.check >= 2
        arena = lifetimes.place(share=not guarded)
        return Plan(
            code, self.slots, arena, self.constants, self.calls, [*self.sites],
            any(step.chunks > 1 for step in shared), sum(map(nanoseconds, code)) > _LONG,
            [*lifetimes.first] if guarded else [], threads=threads,
        )  # fmt: skip

    def run(self, graph: Graph, targets: Sequence[View | None]) -> None:
        """A graph whose inputs have places; its outputs end where `targets` say."""
        self.steps(Fusion(graph), targets)
        for node, target in zip(graph.outputs, targets, strict=True):
            known = self.view(node) if node.primitive is ITEM else self.views.get(node)
            if target is not None and known is not target:
                self.copy(node, target)

    def steps(self, fusion: Fusion, targets: Sequence[View | None]) -> None:
        """All steps; a stored output is written to its target at once, if it is laid out so."""
        for node in fusion.stored:
            if (order := fusion.order(node)) is not None:
                self.views[node] = self.room(node.shape, node.dtype, order)
        for node, target in zip(fusion.graph.outputs, targets, strict=True):
            if target is not None and node in fusion.stored and node not in self.views:
                self.views[node] = target
        for step in fusion.steps:
            self.step(step)

    def place(self, node: Node) -> View:
        """Where a node is to be written."""
        if node not in self.views:
            self.views[node] = self.room(node.shape, node.dtype)
        return self.views[node]

    def rooms(self, node: Node) -> list[View]:
        """Where a loop's or a branch's results are to be written."""
        return [
            self.wanted.get((node, k)) or self.room(t.shape, t.dtype)
            for k, t in enumerate(node.shape)
        ]

    def step(self, step: Step) -> None:
        """One step of a fusion."""
        node = step.node
        name = node.primitive.name
        if step.host:
            self._call(node)
        elif step.is_cluster:
            self._cluster(step.nodes)
        elif name in kinds.REDUCTIONS or name in kinds.ALONG:
            self._reduction(node)
        else:
            _STEPS[name](self, node)

    def _cluster(self, nodes: Sequence[Node]) -> None:
        targets = [self.place(node) for node in nodes]
        lowering = self.lowering(len(nodes[0].shape), nodes)
        stores = [(lowering(n), target) for n, target in zip(nodes, targets, strict=True)]
        self.add(Map(nodes[0].shape, stores))

    def _reduction(self, node: Node) -> None:
        (x,) = node.inputs
        expression = self.lowering(len(x.shape))(x)
        target, name = self.place(node), node.primitive.name
        if name in kinds.ALONG:
            self.add(Along(name, x.shape, node.params["axis"], expression, target))
            return
        axes = tuple(node.params["axes"] if name != "prod" else (node.params["axis"],))
        if name == "sum" and _goes_by_rows(x.shape, axes):
            part = self.room(tuple(n for k, n in enumerate(x.shape) if not k or k not in axes),
                             target.dtype)  # fmt: skip
            self.add(Reduce(name, x.shape, axes[1:], expression, part))
            load = self.lowering(len(part.shape)).load(part, identity_index(part.shape))
            self.add(Reduce(name, part.shape, axes[:1], load, target))
            return
        self.add(Reduce(name, x.shape, axes, expression, target))

    def sorted(self, node: Node) -> None:
        """Keys first, then their order, a row at a time."""
        (x,) = node.inputs
        keys = self.room(x.shape, np.dtype(np.uint64))
        self.add(Key(x.shape, [(self.lowering(len(x.shape))(x), keys)]))
        scratch = Buffer(scratch_words(x.shape[-1]), keys.dtype)
        self.add(Sort(keys, self.place(node), scratch))

    def product(self, node: Node) -> None:
        """Matrix products over broadcast leading axes."""
        operands = [self._cast(child, node.dtype) for child in node.inputs]
        batch = node.shape[:-2]
        left, right = (v.broadcast((*batch, *v.shape[-2:])) for v in operands)
        step = Product(left, right, self.place(node))
        self.add(flattened(step) or step)

    def convolution(self, node: Node) -> None:
        """Convolutions over broadcast leading axes; vectors lie along o, or along groups."""
        left, right = (self._cast(child, node.dtype) for child in node.inputs)
        lead, axis = node.shape[:-4], GROUPS if grouped(node) else -1
        left, right = (v.broadcast((*lead, *v.shape[-4:])) for v in (left, right))
        right = self._contiguous(right, axis)
        if axis == GROUPS:
            left = self._contiguous(left, axis)
        target = result = self.place(node)
        if 0 in right.shape:
            self.fill(target, 0)
            return
        if axis == GROUPS and target.strides[axis] != 1:
            result = self.room(node.shape, node.dtype, last(target.order, axis))
        given = node.params["strides"], node.params["dilation"]
        step = Convolution(left, right, result, *given, axis)
        step.blocks = blocks(step)
        self.add(step)
        if result is not target:
            self.move(result, target)

    def _contiguous(self, view: View, axis: int) -> View:
        """A view, or a copy, whose numbers lie side by side along an axis."""
        if view.strides[axis] == 1 or view.shape[axis] == 1:
            return view
        made = self.room(view.shape, view.dtype, last(tuple(range(len(view.shape))), axis))
        self.move(view, made)
        return made

    def _cast(self, node: Node, dtype: np.dtype[Any]) -> View:
        """A node's numbers in a dtype: where they are, or in a copy."""
        if node.dtype == dtype:
            return self.seen(node)
        target = self.room(node.shape, dtype)
        self.copy(node, target)
        return target

    def padded(self, node: Node) -> None:
        """Zeros with an array at a slice."""
        target = self.place(node)
        (x,) = node.inputs
        part = target.cut(node.params["index"])
        if part.shape != target.shape:
            self.fill(target, 0)
        self.copy(x, part)

    def fill(self, target: View, number: Any) -> None:
        """One number everywhere."""
        target = target.transposed(target.order)
        lowering = self.lowering(len(target.shape))
        self.add(Map(target.shape, [(lowering.number(number, target.dtype), target)]))

    def joined(self, node: Node) -> None:
        """Arrays written side by side."""
        target, axis, start = self.place(node), node.params["axis"], 0
        for x in node.inputs:
            index = [slice(None)] * len(node.shape)
            index[axis] = slice(start, start + x.shape[axis])
            self.copy(x, target.cut(index))
            start += x.shape[axis]

    def scattered(self, node: Node) -> None:
        """A copy with values written, or added, at computed places."""
        x, value, *arrays = node.inputs
        target = self.place(node)
        self.copy(x, target)
        pattern = node.params["pattern"]
        shape = gathered_shape(node.shape, arrays, pattern)
        lowering = self.lowering(len(shape))
        lookup = lowering.lookup(target, node, pattern, arrays, identity_index(shape))
        spread = lowering.broadcast(value, shape)
        self.add(Scatter(node.primitive.name == "scatter_add", shape, spread, lookup))

    def _call(self, node: Node) -> None:
        types = node.shape if node.dtype is None else (node.type,)
        if node.dtype is None:
            results = [self.room(t.shape, t.dtype) for t in types]
            self.results[node] = results
        else:
            results = [self.place(node)]
        inputs = [self.seen(child) for child in node.inputs]
        call = Call(node, len(self.calls), inputs, results)
        self.calls.append(call)
        self.add(call)

    # Bodies of loops

    def nested(self, write: Any) -> list[Instruction]:
        """What `write()` adds, as a list of its own."""
        outer, self.code = self.code, []
        views, results = dict(self.views), dict(self.results)
        write()
        inner, self.code = self.code, outer
        self.views, self.results = views, results  # a body may be planned again elsewhere
        return inner

    def dense(self, node: Node) -> View:
        """Where a node's numbers lie without gaps, which a body may count on."""
        found = self.seen(node)
        if found.is_dense:
            return found
        target = self.room(node.shape, node.dtype)
        self.copy(node, target)
        return target


def _goes_by_rows(shape: tuple[int, ...], axes: tuple[int, ...]) -> bool:
    """Whether a sum is that of sums of rows: those run in a region, and round less."""
    within = prod(shape[k] for k in axes[1:])
    return axes[:1] == (0,) and shape[0] >= _ROWS and within >= _ROWS


def _give_scratch(product: Product) -> None:
    """Room to pack what is multiplied, for each chunk."""
    dtype, (rows, columns) = product.view.dtype, product.view.shape[-2:]
    needed = scratch_bytes(rows, columns, product.left.shape[-1], dtype)
    if needed:
        product.scratch = Buffer(-(-needed // 64) * 64 // dtype.itemsize * product.chunks, dtype)


_STEPS: dict[str, Callable[[Planner, Node], None]] = {
    "argsort": Planner.sorted,
    "matmul": Planner.product,
    "conv": Planner.convolution,
    "place": Planner.padded,
    "concatenate": Planner.joined,
    "scatter": Planner.scattered,
    "scatter_add": Planner.scattered,
    "scan": plan_scan,
    "while_loop": plan_while,
    "cond": plan_cond,
}
