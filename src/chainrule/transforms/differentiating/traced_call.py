"""One call of a function on tracers, and what hangs on its arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from threading import local
from typing import Any

import numpy as np

from ... import tree
from ...autodiff.bisection import refuse_bisection
from ...autodiff.forms import in_other_form, other_forms
from ...autodiff.releasing import releasing
from ...autodiff.reverse import active_nodes, needs_graph, reverse
from ...config import current
from ...control.effects import has_effect
from ...errors import (
    DtypeError,
    GradientError,
    GradientWarning,
    at_user_line,
    warn_user,
)
from ...graph.node import Node, freeze_argument, input_node, reachable
from ...graph.stages import stage
from ...graph.types import Type, is_inexact
from ...simplify.loops import rerolled
from ...trace.aliasing import check_no_alias
from ...trace.capture import (
    as_array,
    call_user_function,
    new_leaf,
    to_user_array,
    to_user_arrays,
)
from ...trace.operands import node_of
from ...trace.restarts import restarted
from ...trace.strides import set_layout_like
from ...trace.tracer import ArrayTracer, ScalarTracer, Tracer
from ...trace.tracing import differentiated, refuse_escaped, tracing
from ...trace.views import check_shapes
from ..nan_checks.nonfinite import check_derivatives, check_nodes


class _Running(local):
    depth = 0


_running = _Running()


@contextmanager
def zero_gradients_allowed() -> Iterator[None]:
    """While it lasts, a derivative that is zero throughout is no cause for a warning.

    So it is inside the function that an outer transformation differentiates.
    """
    _running.depth += 1
    try:
        yield
    finally:
        _running.depth -= 1


class TracedCall:
    """One call of a function on tracers: its result and the nodes between."""

    def __init__(
        self,
        function: Callable[..., Any],
        args: Sequence[Any],
        argnums: Sequence[int],
        kwargs: dict[str, Any],
        has_aux: bool = False,
        copy_inputs: bool = False,
        reverse_mode: bool = True,
    ) -> None:
        self.inputs: list[Node] = []
        self.argnums = argnums
        self.treedefs = []
        passed = list(args)
        tracers: list[Tracer] = []
        for k in argnums:
            leaves, treedef = tree.flatten(args[k])
            traced_leaves = [_leaf(leaf, f"argument {k}", copy_inputs) for leaf in leaves]
            self.inputs += [node for node, _ in traced_leaves]
            self.treedefs.append(treedef)
            argument_tracers = [tracer for _, tracer in traced_leaves]
            passed[k] = tree.unflatten(treedef, argument_tracers)
            tracers += argument_tracers
        _running.depth += 1

        def call() -> Any:
            if tracing.restarts:  # a call before may have written into them
                for tracer, node in zip(tracers, self.inputs, strict=True):
                    tracer.reset(node)
            return call_user_function(function, passed, kwargs)

        watched = reverse_mode and _running.depth == 1 and not (current().lines or current().nans)
        try:
            with releasing() if watched else nullcontext():
                result = restarted(call)
        finally:
            _running.depth -= 1
        written = [k for k, node in enumerate(self.inputs) if tracers[k].node is not node]
        if written:
            check_shapes([tracers[k] for k in written], [self.inputs[k] for k in written])
            argument_leaves = [leaf for k in argnums for leaf in tree.leaves(args[k])]
            check_no_alias([argument_leaves[k] for k in written], tree.leaves((args, kwargs)))
        self.aux = None
        if has_aux:
            if not (isinstance(result, tuple) and len(result) == 2):
                raise GradientError("has_aux=True: the function must return (value, aux)")
            result, self.aux = result
        leaves, self.out_treedef = tree.flatten(result)
        self.outputs = [node_of(as_array(leaf, "the function's result")) for leaf in leaves]
        self._find_loops()
        first_serial = tracing.first_serial
        refuse_escaped(
            self.outputs if first_serial < 0 else reachable(self.outputs, first_serial),
            first_serial,
        )
        self.active_nodes = active_nodes(self.outputs, self.inputs)
        results = self.outputs
        if self.aux is not None:
            results = results + [x.node for x in tree.leaves(self.aux) if isinstance(x, Tracer)]
        self.eager = not needs_graph(self.active_nodes, self.inputs, results)
        one_side = tracing.sides is not None and tracing.sides.asked  # which may be constant
        if not self.active_nodes and self.inputs and not _running.depth and not one_side:
            self._warn_if_unreached()
        self.forms: dict[Node, Node] = {}
        if reverse_mode and not self.eager:
            self.forms = other_forms(self.active_nodes, self.inputs)
        for node in self.inputs:
            freeze_argument(node)
            differentiated.discard(node)

    def _find_loops(self) -> None:
        """Make scans of the loops that were unrolled, before they are differentiated."""
        if not self.inputs or all(node.value is not None for node in self.outputs):
            return
        auxiliary = [
            x for x in tree.leaves(self.aux) if type(x) is ArrayTracer or type(x) is ScalarTracer
        ]
        results = [*self.outputs, *[x.node for x in auxiliary]]
        first_serial = min(node.serial for node in self.inputs)
        record = tracing.recording
        guards = [] if record is None else record.guards
        asked = [k for k, guard in enumerate(guards) if guard.node.serial >= first_serial]
        results += [guards[k].node for k in asked]
        nodes = reachable(results, first_serial)
        if any(node.primitive.spec["family"] == "control" and has_effect(node) for node in nodes):
            return  # it is called once: by the node that the token of this trace follows from
        refuse_bisection(active_nodes(self.outputs, self.inputs), self.outputs)  # before it is one
        with stage("find loops"):
            loops = rerolled(results, self.inputs, nodes)
        for new, old in zip(loops, results, strict=True):
            if new is not old and old.shape:
                set_layout_like(new, old)
            if new is not old and record is not None and record.knows(old):
                record.add(new, record.value(old))
        rest = iter(loops)
        self.outputs = [next(rest) for _ in self.outputs]
        for x in auxiliary:
            x.reset(next(rest))
        for k in asked:
            guards[k] = guards[k]._replace(node=next(rest))

    def _warn_if_unreached(self) -> None:
        """Warn if no differentiated argument leads to the result, by whatever operations."""
        inputs = set(self.inputs)
        first_serial = min(node.serial for node in inputs)
        if inputs.isdisjoint(reachable(self.outputs, first_serial)):
            warn_user(
                "the result does not depend on what it is differentiated by, so that every "
                "derivative is zero: was the argument replaced by plain numbers on the way, or "
                "is another argnums meant?",
                GradientWarning,
            )

    def result(self, looked_at: bool = True) -> Any:
        """Return the function's result for the caller; nans in it count if that is `looked_at`."""
        outputs = in_other_form(self.outputs, self.forms) if self.forms else self.outputs
        results = [node.value if self.eager else node for node in outputs]
        if looked_at and self.eager and current().nans:
            check_nodes(self._names(), self.outputs)
        return tree.unflatten(self.out_treedef, to_user_arrays(results))

    def auxiliary(self) -> Any:
        """Return the second result, as plain numbers if there is no outer trace."""
        if not self.eager:
            return self.aux
        return tree.map(
            lambda x: to_user_array(x.node.value) if isinstance(x, Tracer) else x, self.aux
        )

    def split(self, flat: Sequence[Any]) -> list[Any]:
        """Arrange the leaves' cotangents as the differentiated arguments."""
        arranged = []
        start = 0
        for treedef in self.treedefs:
            count = treedef.num_leaves
            arranged.append(tree.unflatten(treedef, flat[start : start + count]))
            start += count
        return arranged

    def pullback(self, cotangents: Sequence[Any]) -> list[Any]:
        """Return the arguments' cotangents for those of the results."""
        values = self.eager and not any(isinstance(g, Node) for g in cotangents)
        if not values:
            cotangents = [None if g is None else node_of(g) for g in cotangents]
        with np.errstate(all="ignore"):
            flat = self._reversed(cotangents, values)
        if values and current().nans:
            self.check_derivative(reverse, cotangents, flat, "cotangent")
        pairs = zip(self.inputs, flat, strict=True)
        return self.split(to_user_arrays([zeros(x) if g is None else g for x, g in pairs]))

    def _reversed(self, cotangents: Sequence[Any], values: bool) -> list[Any]:
        if values:
            return reverse(self.outputs, self.inputs, cotangents, None, True, self.active_nodes)
        with stage("differentiate"):
            return reverse(
                self.outputs, self.inputs, cotangents, path=self.active_nodes, forms=self.forms
            )

    def check_derivative(
        self, mode: Callable[..., list[Any]], passed: Sequence[Any], results: Sequence[Any],
        role: str,
    ) -> None:  # fmt: skip
        """Raise if derivatives have nans: they are computed once more, as nodes."""
        leaves = [None if x is None else input_node(Type(x.shape, x.dtype), x) for x in passed]

        def nodes() -> list[Node]:
            with np.errstate(all="ignore"):
                return [x for x in mode(self.outputs, self.inputs, leaves) if x is not None]

        names = {x: f"{role} {k}" for k, x in enumerate(leaves) if x is not None}
        check_derivatives({**self._names(), **names}, nodes, [x for x in results if x is not None])

    def _names(self) -> dict[Node, str]:
        """Return what an error calls the arguments that are differentiated by."""
        names = []
        for k, treedef in zip(self.argnums, self.treedefs, strict=True):
            count = treedef.num_leaves
            names += [f"argument {k}" + f", leaf {j}" * (count > 1) for j in range(count)]
        return dict(zip(self.inputs, names, strict=True))


def zeros(node: Node) -> Any:
    return np.zeros(node.shape, node.dtype)


def _leaf(x: Any, name: str, copy: bool) -> tuple[Node, Tracer]:
    array = as_array(x, name)
    if not is_inexact(array.dtype):
        raise DtypeError(
            at_user_line(
                f"{name} has dtype {array.dtype}, by which nothing can be differentiated: give "
                "floating numbers, such as 3.0 or x.astype(float)"
            )
        )
    return new_leaf(x, copy=copy)
