"""Where no derivative flows: entries of a cotangent that are 0 whatever the slopes below are.

Three kinds of such entries are known. All are propagated to the elementwise operations below, whose
slopes may be infinite there, and 0 * inf would be nan:

* What `where` did not choose: ``where(x > 0, log(x), 0)`` does not depend on log(x) at 0.
* What a slice leaves out, where an array that is not finite is sliced: ``(x * [inf, 2])[1]`` does
  not depend on the first entry. (Where its numbers are not known, an array is one that may be
  infinite if it was computed with a constant that is.)
* What an exponential overflows into: ``1 / (1 + exp(u))`` is flat where exp(u) is infinite. A
  function f(d) that stays finite as d grows has d f'(d) -> 0, and where d grows as exponentials
  do, d' is of the size of d. (Not so at a pole: 1 / (1 / x) is x.)

Everywhere else 0 * inf stays nan. Where all that flows into a node is known to be 0 at an entry,
its contributions are set to 0 there; what arrives in another way as well flows again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from operator import attrgetter
from typing import Any

import numpy as np

from ..graph.node import CONSTANT, Node
from ..primitives.declare import ELEMENTWISE_FAMILIES, REGISTRY
from ..primitives.elementwise import (
    absolute,
    bitwise_and,
    bitwise_or,
    equal,
    less,
    not_equal,
    where,
)
from ..primitives.structure import broadcast_to, pad, reshape, slice_, sum_, transpose, with_ones

VIEWS = {"identity", "cast", "reshape", "broadcast_to", "transpose", "sum", "slice"}
GROWS = {"exp", "expm1", "cosh", "power"}  # a power by its exponent
_SAME_NUMBERS = {"identity", "stop_gradient", "reshape", "broadcast_to"}
KEEPS_GROWING = {"add", "sub", "neg", "abs", "mul", "sqrt", "cbrt", *VIEWS}
_MOST_STEPS = 4  # from a constant to where its infinite entries are left out
_primitive = attrgetter("primitive")
# finite, or possibly so, where an input is infinite
SATURATES = {"div", "exp", "expm1", "power", "tanh", "erf", "erfc", "logistic", "arctan2",
             "logaddexp", "maximum", "minimum"}  # fmt: skip
ZERO = {"div", "exp"}  # and that finite number is 0
SOURCES = {REGISTRY[name] for name in ("where", *GROWS)}  # without them nothing is to be known


class Flow:
    """A mask of where a derivative flows into a node, computed once, when a rule asks for it."""

    __slots__ = ("_make", "_others", "_value", "growing")

    def __init__(self, make: Any, growing: bool = False, others: Flow | None = None) -> None:
        self._make = make
        self._value: Any = None
        self.growing = growing  # whether it is for growing nodes only
        self._others = others

    @property
    def others(self) -> Flow | None:
        """What holds for nodes that do not grow; None if nothing does."""
        return self._others if self.growing else self

    def __call__(self) -> Any:
        if self._make is not None:
            self._value = self._make()
            self._make = None
        return self._value


def growing_nodes(path: Sequence[Node], inputs: Iterable[Node]) -> set[Node]:
    """Return the nodes of a path from `inputs` that grow as exponentials do.

    With what is added or multiplied to it: a factor's derivative is 0 as well where d is infinite.
    A divisor's need not be, nor that of the base of a power: where these are variables, no.
    """
    return _find_growing(path, {*path, *inputs}) if _has_sources(path) else set()


def _has_sources(path: Sequence[Node]) -> bool:
    return not SOURCES.isdisjoint(map(_primitive, path))


def _find_growing(path: Sequence[Node], active: set[Node]) -> set[Node]:
    grown: set[Node] = set()
    for node in path:
        name = node.primitive.name
        if name in GROWS and not _is_below_maximum(node.inputs[0]):
            base = node.inputs[0]
            if name != "power" or base in grown or base not in active:
                grown.add(node)
        elif not grown.isdisjoint(node.inputs):
            divided = name == "div" and node.inputs[1] not in active
            if divided or name in KEEPS_GROWING:
                grown.add(node)
    return grown


def _is_below_maximum(x: Node) -> bool:
    """Whether numbers are what an array is less than its maximum, as in a stable softmax.

    Their exponentials are at most 1, so there is nothing to know of where they overflow.
    """
    if x.primitive.name != "sub":
        return False
    array, largest = x.inputs
    shapes = [largest.shape]
    while largest.primitive.name in _SAME_NUMBERS:
        (largest,) = largest.inputs
        shapes.append(largest.shape)
    if largest.primitive.name != "max" or largest.inputs[0] is not array:
        return False
    aligned = with_ones(array.shape, largest.params["axes"])
    in_line = shapes[-2:-1] == [aligned] and {*shapes[:-1]} <= {aligned, array.shape}
    return in_line or not largest.shape


def flows_of(path: Sequence[Node], inputs: Iterable[Node], values: bool) -> Flows | None:
    """Return the known flows for reverse mode, or None if a derivative flows everywhere."""
    slices = [node for node in path if node.primitive is slice_]
    infinite = {x for x in {node.inputs[0] for node in slices} if _is_infinite(x)}
    cuts = {node for node in slices if node.inputs[0] in infinite}
    if not cuts and (not _has_sources(path) or (values and not _anything_to_know(path))):
        return None
    return Flows(path, _find_growing(path, {*path, *inputs}), values, cuts)


def _is_infinite(node: Node) -> bool:
    """Return whether a node is known to be infinite or nan somewhere, or may be by a constant that
    is at most a few operations away.
    """
    nodes = {node}
    for _ in range(_MOST_STEPS):
        if any(x.value is not None and not np.isfinite(x.value).all() for x in nodes):
            return True
        nodes = {child for x in nodes if x.value is None for child in x.inputs}
    return False


def _anything_to_know(path: Sequence[Node]) -> bool:
    """Return whether the path has a `where`, or a function whose argument overflowed.

    Most often there is none, and then nothing need be kept.
    """
    for node in path:
        name = node.primitive.name
        if name == "where":
            return True
        if name in ZERO:
            if np.count_nonzero(node.value) != node.value.size:
                return True
        elif name in SATURATES and not all(np.isfinite(x.value).all() for x in node.inputs):
            return True
    return False


class Flows:
    """The masks known for the cotangents on their way back; see the module's docstring."""

    def __init__(
        self, path: Sequence[Node], grows: set[Node], values: bool, cuts: set[Node]
    ) -> None:
        self.growing = grows
        self.values = values
        self.known: dict[Node, Flow] = {}
        # nothing flows from these into some entries of one of their inputs
        self.blocking = cuts | {
            node for node in path
            if node.primitive is where or (grows and saturating(node, grows))
        }  # fmt: skip

    def propagate(
        self, node: Node, flow: Flow | None, passed: Sequence[Any], total: dict[Node, Any]
    ) -> None:
        """Learn what flows into the inputs of a node; `total` is what has come to them before."""
        visited = set()
        for k, (child, contribution) in enumerate(zip(node.inputs, passed, strict=True)):
            if contribution is None:
                continue
            new = self._flow_into(node, k, flow)
            if child in total or child in visited:
                old = self.known.pop(child, None)
                new = _union(old, new)
            visited.add(child)
            if new is not None:
                self.known[child] = new

    def _flow_into(self, node: Node, k: int, flow: Flow | None) -> Flow | None:
        """Return what flows from a node into its input k."""
        child = node.inputs[k]
        name = child.primitive.name
        if child.primitive.spec.get("family") not in ELEMENTWISE_FAMILIES and name not in VIEWS:
            return None
        if flow is not None and child not in self.growing:
            flow = flow.others
        blocked = None
        if node in self.blocking:
            if node.primitive is where:
                blocked = Flow(lambda: _selected_side(self._value_or_node(node.inputs[0]), k))
            elif node.primitive is slice_:
                blocked = Flow(lambda: np.ones(node.shape, bool))  # `_input_flow` pads it
            elif child in self.growing:
                blocked = self._saturated(node, child)
        combined = _intersection(flow, blocked)
        if combined is None:
            return None
        return _mapped(combined, lambda flow: _input_flow(flow, node, child))

    def _value_or_node(self, node: Node) -> Any:
        return node.value if self.values else node

    def _saturated(self, node: Node, child: Node) -> Flow | None:
        y, x = self._value_or_node(node), self._value_or_node(child)
        if self.values:  # most often nothing overflows
            if node.primitive.name in ZERO:
                if np.count_nonzero(y) == y.size:
                    return None
            elif np.isfinite(x).all():
                return None
        return Flow(lambda: unsaturated(node, y, x), growing=True)


def saturating(node: Node, grows: set[Node]) -> bool:
    """Return whether the node stays finite, or may do so, while one of its inputs grows."""
    return node.primitive.name in SATURATES and not grows.isdisjoint(node.inputs)


def unsaturated(node: Node, y: Any, x: Any) -> Any:
    """Return where the result y is not the finite one of an infinite input x."""
    if node.primitive.name in ZERO:  # where x is finite though, the slope is 0 as well
        return not_equal(y, 0.0)
    return equal(bitwise_and(equal(absolute(x), inf), less(absolute(y), inf)), False)


def poles(node: Node, grows: set[Node], values: bool) -> Any:
    """Return where a growing node may be infinite but by growth; None if nowhere."""
    if node.primitive.name in GROWS:
        return None
    pole = None
    for child in node.inputs:
        if child in grows:
            here = poles(child, grows, values)
        elif child.primitive is CONSTANT and np.all(np.isfinite(child.value)):
            here = None
        else:
            here = equal(absolute(child.value if values else child), inf)
        if here is not None:
            pole = here if pole is None else bitwise_or(pole, here)
    if pole is None or node.primitive.name in ("identity", "cast"):
        return pole
    if node.primitive.name not in VIEWS:  # of a shape that broadcasts to the node's
        return pole
    pole = broadcast_to(pole, shape=node.inputs[0].shape)
    if node.primitive.name == "sum":
        return not_equal(sum_(pole, **node.params), 0)
    return node.primitive(pole, **node.params)


def tangent_flows(node: Node, grows: set[Node], values: bool) -> list[Any] | None:
    """Return, for forward mode, where a tangent flows from each input; None if everywhere.

    What comes from `where` is chosen by its own rule: tangents of the other side are not read.
    """
    if not saturating(node, grows):
        return None

    def flow(child: Node) -> Any:
        inside = unsaturated(node, *(n.value if values else n for n in (node, child)))
        pole = poles(child, grows, values)
        return inside if pole is None else bitwise_or(inside, pole)

    return [(lambda child=child: flow(child)) if child in grows else None for child in node.inputs]


def _mapped(flow: Flow, function: Any) -> Flow:
    if not flow.growing:
        return Flow(lambda: function(flow()))
    others = None if flow.others is None else _mapped(flow.others, function)
    return Flow(lambda: function(flow()), True, others)


def _intersection(first: Flow | None, second: Flow | None) -> Flow | None:
    """Return where both say that a derivative flows; None says so of every entry."""
    if first is None or second is None or first is second:
        return first or second
    return _joined(first, second, bitwise_and, _intersection)


def _union(first: Flow | None, second: Flow | None) -> Flow | None:
    """Return where at least one of the two says that a derivative flows."""
    if first is None or second is None or first is second:
        return first and second
    return _joined(first, second, bitwise_or, _union)


def _joined(first: Flow, second: Flow, rule: Any, join_others: Any) -> Flow:
    """Join two masks by `rule`, and those for nodes that do not grow by `join_others`."""
    if not (first.growing or second.growing):
        return Flow(lambda: rule(first(), second()))
    return Flow(lambda: rule(first(), second()), True, join_others(first.others, second.others))


def _selected_side(condition: Any, k: int) -> Any:
    """Return where input k of `where` was chosen."""
    if condition.dtype.kind != "b":
        condition = not_equal(condition, 0)
    return condition if k == 1 else equal(condition, False)


def _input_flow(flow: Any, node: Node, child: Node) -> Any:
    """Return what flows into an input, in a shape that broadcasts to the input's."""
    name = node.primitive.name
    if not flow.shape:
        return flow
    if name in ("reshape", "transpose", "sum", "slice"):
        whole = broadcast_to(flow, shape=node.shape)
        if name == "slice":
            return pad(whole, shape=child.shape, index=node.params["index"])
        if name == "transpose":
            return transpose(whole, axes=tuple(int(k) for k in np.argsort(node.params["axes"])))
        reshaped_to = (
            child.shape if name == "reshape" else with_ones(child.shape, node.params["axes"])
        )
        return reshape(whole, shape=reshaped_to)
    return _any_over_broadcast(flow, node.shape, child.shape)


def _any_over_broadcast(flow: Any, full: tuple[int, ...], shape: tuple[int, ...]) -> Any:
    """Return where anything flows into what was broadcast from `shape` to `full`."""
    if shape == full:
        return flow
    extra = len(full) - len(shape)
    flow = reshape(flow, shape=(1,) * (len(full) - len(flow.shape)) + tuple(flow.shape))
    axes = tuple(
        k for k, size in enumerate(flow.shape)
        if size != 1 and (k < extra or shape[k - extra] == 1)
    )  # fmt: skip
    if axes:
        reduced_shape = with_ones(flow.shape, axes)
        flow = reshape(not_equal(sum_(flow, axes=axes), 0), shape=reduced_shape)
    return reshape(flow, shape=flow.shape[extra:])
