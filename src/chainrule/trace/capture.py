"""User code to graph: call a function on tracers and keep what its results were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import (
    AbstractValueError,
    ChainruleError,
    DtypeError,
    Refusal,
    at_user_line,
    refusals,
)
from ..graph.evaluate import closed
from ..graph.graph import Graph
from ..graph.node import (
    CONSTANT,
    ITEM,
    Node,
    input_node,
    lines_of_their_user,
    next_serial,
    origin,
    reachable,
)
from ..graph.types import Type, check_dtype
from ..primitives.callback import FIRST_TOKEN
from ..primitives.structure import identity
from .aliasing import check_results_not_aliased
from .both_sides import Outcome, traced_both_ways
from .compiled_readers import refusal_behind
from .frozen_draws import frozen_draws
from .interception import call_intercepted
from .masked import refuse_masked
from .operands import check_plain, is_weak, node_of
from .patches import CachedFunction, patches
from .recording import Guard, RaisedOnPath, Recording, decisions, recording
from .restarts import restarted
from .strides import set_layout_like, set_layout_of, set_strides, strides_of_array
from .tracer import HOOKS, ArrayTracer, ScalarTracer, Tracer, traced
from .tracing import Tokens, differentiated, mark_finished, refuse_escaped, tracing
from .views import check_shapes


def as_array(x: Any, name: str = "argument") -> Any:
    """Convert an argument to an array or a NumPy scalar; text and objects are refused."""
    if type(x) is np.ndarray or isinstance(x, (Tracer, np.generic)):
        array: Any = x
    elif isinstance(x, (bool, int, float, complex)):
        array = np.asarray(x)[()]
    elif type(x) is np.memmap:
        array = np.asarray(x)
    else:
        check_plain(x, name)
        raise DtypeError(
            at_user_line(f"{name} is {type(x).__name__} {x!r:.40}: give a number or an array")
        )
    check_dtype(array.dtype)
    return array


def type_of(x: Any) -> Type:
    """Return shape and dtype of an array, a tracer or a number."""
    array = as_array(x)
    return Type(array.shape, array.dtype)


def call_user_function(
    function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]
) -> Any:
    """Call the user's function, and raise a refusal again that it swallowed or replaced."""
    if type(function) is CachedFunction:
        function = function.__wrapped__
    if origin.location is not None:  # called by a rule: its lines are its own
        with lines_of_their_user():
            return call_user_function(function, args, kwargs)
    outer = refusals.latest
    refusals.latest = None
    if not refusals.depth:
        refusals.of_threads.clear()
    refusals.depth += 1
    try:
        if refusals.depth > 1:
            result = HOOKS["seeing_calls"](function)(*args, **kwargs)
        elif patches.loaded > 0 and HOOKS["is_simple"](function, args, kwargs):
            if tracing.buffers:
                tracing.begin()
            result = function(*args, **kwargs)
        else:
            result = call_intercepted(function, args, kwargs)
        if refusals.latest is not None:
            raise refusals.latest
        if refusals.of_threads:
            raise refusals.of_threads.pop()
        if tracing.masked_since is not None:
            leaves = tree.leaves((args, kwargs, result))
            refuse_masked([x.node for x in leaves if isinstance(x, Tracer)])
    except Refusal:
        raise
    except Exception as error:
        if refusals.latest is not None:
            raise refusals.latest from error
        if isinstance(error.__cause__, ChainruleError):
            raise error.__cause__.with_traceback(error.__traceback__) from None
        refusal = refusal_behind(error)
        if refusal is not None:
            raise refusal from error
        raise
    finally:
        refusals.depth -= 1
        if not refusals.depth:
            refusals.latest = tracing.masked_since = None
    refusals.latest = outer
    return result


class Captured(NamedTuple):
    """The graph that a function became, and how it connects to its surroundings.

    Attributes
    ----------
    graph : Graph
        Its inputs are leaves: one a leaf of the arguments, then one a node of `outside`.
    out_treedef
        The structure of the function's result.
    outside : tuple of Node
        What the function read of tracers that are not its own arguments.
    written : tuple of int
        Leaves of the arguments that the function wrote into.
    kinds : bool
        Whether it would be another graph if arrays without axes were numbers.
    reads_token : bool
        Whether it calls Python: then the graph's last input is a token.
    has_effects : bool
        Whether such a call has effects: then the graph's last output is a token, too.
    asks_outside : bool
        Whether a branch depends on the numbers of tracers that are not its own arguments.
    guards : tuple of Guard
        What the trace asked of the numbers of the call that was recorded. If there are any, the
        graph has one more output, after the results: what they come out as (`recording.decisions`).
    leaves : tuple of Node
        The arguments and the token that the guards hang on.
    values : callable or None
        Returns the results of the call that was recorded.
    """

    graph: Graph
    out_treedef: Any
    outside: tuple[Node, ...]
    written: tuple[int, ...]
    distinguishes_scalars: bool
    reads_token: bool = False
    has_effects: bool = False
    asks_outside: bool = False
    guards: tuple[Guard, ...] = ()
    leaves: tuple[Node, ...] = ()
    values: Callable[[], list[Any]] | None = None


def capture(
    function: Callable[..., Any],
    types: Sequence[Any],
    treedef: Any,
    weak: Sequence[bool] | None = None,
    examples: Sequence[Any] | None = None,
    copy_results: bool = False,
    record: bool = False,
    joins: bool = False,
) -> Captured:
    """Return the graph of ``function(*unflatten(treedef, inputs))``.

    What the function raises arrives as it is; to `record`, as a `RaisedOnPath`, if it had asked for
    numbers and has no effects so far: the call without a trace says it with numbers.

    Parameters
    ----------
    types : sequence of Type
        One a leaf of the arguments.
    weak : sequence of bool, optional
        Which leaves stand for Python numbers. Default none.
    examples : sequence, optional
        Arrays and numbers like those to come: what has no axes and is an array can be written in
        place, and how it lies in memory decides what is a view. Default: numbers where there are
        no axes, and arrays in C order.
    copy_results : bool
        Whether the results become arrays of their own. Default False: they go on as arrays of the
        trace, so a function that writes may not return one array twice.
    record : bool
        Whether branches follow the numbers of the `examples`, and are guarded. Default False: they
        are refused.
    joins : bool
        Whether both sides of a branch on values are traced, and joined by `cond`. Default False.
    """
    attempts: list[Recording] = []
    effects: list[Any] = []

    def trace(generous: bool) -> Captured:
        first_new_serial = next_serial()
        inputs = [input_node(t) for t in types]
        call = _Traced(function, inputs, treedef, weak, examples, copy_results)
        if not record:
            return _captured(call, first_new_serial, None, joins)
        attempts.append(Recording(inputs, examples or (), generous, effects))
        with recording(attempts[-1]):
            return _captured(call, first_new_serial, attempts[-1], joins)

    latest = refusals.latest
    try:
        return restarted(lambda: trace(False))
    except AbstractValueError:
        if not attempts:
            raise
    refusals.latest = latest
    return restarted(lambda: trace(True))


class _Traced(NamedTuple):
    """What is traced: see `capture`."""

    function: Callable[..., Any]
    inputs: list[Node]
    treedef: Any
    weak: Sequence[bool] | None
    examples: Sequence[Any] | None
    copy_results: bool

    def outcome(self) -> Outcome:
        """Call the function on tracers of the inputs."""
        inputs, nothing = self.inputs, [None] * len(self.inputs)
        columns = (inputs, self.weak or nothing, self.examples or nothing)
        tracers = [_placeholder(node, bool(w), x) for node, w, x in zip(*columns, strict=True)]
        with frozen_draws(self.function):
            result = call_user_function(self.function, tree.unflatten(self.treedef, tracers), {})
        leaves, out_treedef = tree.flatten(result)
        outputs = [node_of(as_array(leaf, "a result")) for leaf in leaves]
        written = tuple(k for k, t in enumerate(tracers) if t.node is not inputs[k])
        check_shapes([tracers[k] for k in written], [inputs[k] for k in written])
        if written and not self.copy_results:
            check_results_not_aliased(leaves)
        return Outcome(outputs, [*map(is_weak, leaves)], out_treedef, written)


def _captured(
    call: _Traced, first_new_serial: int, recorded: Recording | None, joins: bool
) -> Captured:
    inputs = call.inputs
    outer = tracing.first_serial, tracing.kind_observed, tracing.tokens, tracing.outside_asked
    outer_sides, tracing.sides = tracing.sides, None
    tokens = Tokens()
    if recorded is not None:
        recorded.add(tokens.first, FIRST_TOKEN)
    tracing.first_serial, tracing.kind_observed, tracing.tokens = first_new_serial, False, tokens
    tracing.outside_asked = False
    try:
        if joins:
            outcome = traced_both_ways(call.outcome, inputs, first_new_serial, tokens)
        else:
            outcome = call.outcome()
        asked_kind, asked_outside = tracing.kind_observed, tracing.outside_asked
    except ChainruleError:
        raise
    except Exception as error:
        last = tokens.joined()
        if recorded is None or not recorded.guards:
            raise
        if last is tokens.first:
            raise RaisedOnPath from error
        recorded.value(last)  # effects that came before it
        raise
    finally:
        tracing.first_serial, tracing.kind_observed, tracing.tokens, tracing.outside_asked = outer
        tracing.sides = outer_sides
    outputs, _, out_treedef, written = outcome
    last = tokens.joined()
    has_effects = last is not tokens.first
    guards: tuple[Guard, ...] = ()
    values = None
    if recorded is not None and recorded.guards:
        guards = tuple(recorded.guards)
        values = partial(recorded.values_of, tuple(outputs), last)
        outputs.append(decisions(guards))
    outputs += [last] * has_effects
    graph, outside = close_graph(first_new_serial, inputs, outputs)
    reads_token = tokens.first in outside
    if reads_token:  # as the last input
        outside, order = _without(tokens.first, outside, graph.inputs)
        graph = Graph(order, graph.outputs)
    refuse_escaped(outside, outer[0])
    mark_finished([*inputs, tokens.first])
    distinguishes_scalars = asked_kind or any(not inputs[k].shape for k in written)
    return Captured(
        graph, out_treedef, outside, written, distinguishes_scalars, reads_token, has_effects,
        asked_outside, guards, (*inputs, tokens.first), values,
    )  # fmt: skip


def _without(
    token: Node, outside: tuple[Node, ...], inputs: tuple[Node, ...]
) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Return what is read of outside but a token, and a graph's inputs with the token as last."""
    k = outside.index(token)
    position = len(inputs) - len(outside) + k
    order = (*inputs[:position], *inputs[position + 1 :], inputs[position])
    return (*outside[:k], *outside[k + 1 :]), order


def _placeholder(node: Node, weak: bool, example: Any) -> Tracer:
    """Return a tracer on an input whose numbers are not known."""
    if node.shape or (isinstance(example, (ArrayTracer, np.ndarray)) and not weak):
        if isinstance(example, ArrayTracer):
            set_layout_like(node, example.node)
        elif type(example) is np.ndarray and not example.flags.c_contiguous:
            set_layout_of(node, example)
        return ArrayTracer(node)
    return ScalarTracer(node, weak)


def close_graph(
    first_new_serial: int, inputs: Sequence[Node], outputs: Sequence[Node]
) -> tuple[Graph, tuple[Node, ...]]:
    """Return a graph that reads nothing but its inputs: for what it read from outside it has new
    ones.

    Outside is what has a smaller number than `first_new_serial`, and leaves that are no inputs.
    """
    leaves = set(inputs)
    outside: dict[Node, None] = {}
    new_nodes = reachable(outputs, first_new_serial)
    read = [
        # a node of several results is no leaf, but each of them is
        new if new.primitive is ITEM and child.serial < first_new_serial else child
        for new in new_nodes for child in new.inputs
    ]  # fmt: skip
    for node in (*outputs, *read):
        of_old = node.primitive is ITEM and node.inputs[0].serial < first_new_serial
        foreign = of_old or node.serial < first_new_serial or not (node.inputs or node in leaves)
        if foreign and node.primitive is not CONSTANT:
            outside[node] = None
    return closed((*inputs, *outside), outputs, leaves), tuple(outside)


def new_leaf(x: Any, copy: bool = False) -> tuple[Node, Tracer]:
    """Return a new leaf with the caller's value, and the tracer on it.

    The value is a view that cannot be written, so that no result is the caller's own array; a
    copy where the caller may change that array before it is read again.
    """
    if isinstance(x, Tracer):
        node = identity_of(x.node)
        differentiated.add(node)
        set_layout_like(node, x.node)
        return node, ArrayTracer(node) if isinstance(x, ArrayTracer) else ScalarTracer(node, x.weak)
    array = as_array(x)
    if not isinstance(array, np.ndarray):
        node = input_node(Type(array.shape, array.dtype), array)
        return node, ScalarTracer(node, type(x) is float or type(x) is complex)
    strides = strides_of_array(array) if copy else None
    array = array.copy(order="K") if copy else array.view()
    array.flags.writeable = False
    node = input_node(Type(array.shape, array.dtype), array)
    if copy:
        set_strides(node, strides)  # of the caller's array: what lies between is not copied
    return node, ArrayTracer(node)


def identity_of(node: Node) -> Node:
    """Put a new node on top of another, for a nested transformation to differentiate by."""
    return identity(node)  # type: ignore[no-any-return]


def to_user_array(x: Any) -> Any:
    """Return a result for the caller: a writable array, or a tracer inside an outer trace."""
    if isinstance(x, Node):
        return traced(x)
    if isinstance(x, np.ndarray):
        if x.ndim == 0:
            return x[()]
        return x if x.base is None and x.flags.writeable else np.array(x)
    return x


def to_user_arrays(xs: Sequence[Any]) -> list[Any]:
    """Return several results, of which no two are the same array."""
    finished: list[Any] = []
    seen: set[int] = set()
    for x in xs:
        y = to_user_array(x)
        if isinstance(y, np.ndarray):
            if id(y) in seen:
                y = y.copy()
            seen.add(id(y))
        finished.append(y)
    return finished
