"""A compiled step with its state: arrays that stay where they are, and are changed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from ... import tree
from ...backends import FastCall
from ...errors import DtypeError, ShapeError, StateLostError, UnsupportedError, at_user_line
from ...graph.types import Type
from ...trace.capture import Captured, as_array
from ...trace.tracer import Tracer
from ...trace.tracing import tracing
from ...tracebacks import filter_traceback
from .compiled import TracedFunction


class StateMemory:
    """Arrays that steps change, one step at a time."""

    def __init__(self, state: Any) -> None:
        leaves, self.treedef = tree.flatten(state)
        self.leaves = [_copy(x) for x in leaves]
        self.running = Lock()
        self.failure: BaseException | None = None

    def check_whole(self) -> None:
        """Raise if a step failed in the middle."""
        if self.failure is not None:
            raise StateLostError(
                at_user_line(
                    f"a step failed in the middle ({type(self.failure).__name__}: "
                    f"{self.failure}), and left a part of the state changed: set `state` to one "
                    "that you have, such as the last checkpoint's"
                )
            ) from self.failure

    def check_free(self) -> None:
        """Raise if a step runs, of which there is no second one: its state is one.

        (Of two threads that come at the same moment, one waits.)
        """
        if self.running.locked():
            raise RuntimeError(
                at_user_line(
                    "a bound step runs already, in another thread or around this call: its state "
                    "is one"
                )
            )


class BoundFunction:
    """A step that changes its own state; see `JitFunction.bind`.

    Attributes
    ----------
    state : tree of arrays
        A copy. Setting it copies arrays of the same structure, shapes and dtypes into the state.

    `copy.copy` gives a step with a copy of the state. A step cannot be pickled: pickle its state.
    """

    def __init__(self, find_or_trace: Callable[..., TracedFunction], state: Any) -> None:
        self._find_or_trace = find_or_trace
        shared = state._memory if isinstance(state, BoundFunction) else None
        self._memory: StateMemory = StateMemory(state) if shared is None else shared
        # Of calls whose arguments are arrays: by how many there are
        self._last_flat: dict[int, _Call] = {}
        self._last: dict[tree.TreeDef, _Call] = {}

    @property
    def state(self) -> Any:
        memory = self._memory
        memory.check_free()
        with memory.running:
            memory.check_whole()
            return tree.unflatten(memory.treedef, [x.copy() for x in memory.leaves])

    @state.setter
    def state(self, new: Any) -> None:
        memory = self._memory
        leaves, treedef = tree.flatten(new)
        if treedef != memory.treedef:
            raise ShapeError(
                at_user_line(f"the state is {memory.treedef}, and was to become {treedef}")
            )
        arrays = [_copy(x) for x in leaves]
        for name, x, before in zip(tree.names(new), arrays, memory.leaves, strict=True):
            _check_type(f"state {name}", Type(x.shape, x.dtype), Type(before.shape, before.dtype))
        memory.check_free()
        with memory.running:
            try:
                for array, x in zip(memory.leaves, arrays, strict=True):
                    array[...] = x
            except BaseException as error:  # an interrupt, after a part of them
                memory.failure = error
                raise
            memory.failure = None

    def __call__(self, *args: Any) -> Any:
        """Run the step, and return what it returns beside the new state."""
        memory = self._memory
        if tracing.tokens is not None:  # of another function, which would run the step once
            raise _part_of_a_trace()
        memory.check_free()
        with memory.running:  # no method of it: an interrupt behind `acquire` would leave it locked
            if memory.failure is not None:
                memory.check_whole()
            starts = False
            try:
                flat = self._last_flat.get(len(args))
                if flat is not None:
                    starts = True
                    results = flat.fast_call(*args)
                    if results is not None:
                        return flat.unflatten(results)
                    starts = False
                leaves, treedef = tree.flatten(args)
                call = self._last.get(treedef)
                if call is not None:
                    starts = True
                    results = call.run(memory.leaves, leaves)
                    if results is not None:
                        return call.unflatten(results)
                    starts = False
                traced = self._traced(args, leaves)
                arrays = [*memory.leaves, *[as_array(x) for x in leaves]]
                starts = True
                results = traced.run(arrays)
                # Only now: a program is chosen for the number of threads, which may have changed
                call = self._remember(traced, args, treedef)
                return call.unflatten(results)
            except BaseException as error:
                if starts:
                    memory.failure = error
                if isinstance(error, Exception):
                    filter_traceback(error)
                raise

    def _remember(self, traced: TracedFunction, args: Any, treedef: tree.TreeDef) -> _Call:
        call = _Call(traced, self._memory.leaves)
        if call.allows_fast_call:
            self._last[treedef] = call
            if all(type(x) is np.ndarray for x in args) and not traced.scalars:
                self._last_flat[len(args)] = call
        return call

    def _traced(self, args: Any, leaves: list[Any]) -> TracedFunction:
        if any(isinstance(x, Tracer) for x in leaves):
            raise _part_of_a_trace()
        whole = (tree.unflatten(self._memory.treedef, self._memory.leaves), *args)
        everything, treedef = tree.flatten(whole)
        arrays = [as_array(x) for x in everything]
        return self._find_or_trace(everything, arrays, treedef)

    def __copy__(self) -> BoundFunction:
        return BoundFunction(self._find_or_trace, self.state)

    def __deepcopy__(self, memo: dict[int, Any]) -> BoundFunction:
        return BoundFunction(self._find_or_trace, self.state)

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(
            at_user_line(
                "a bound step holds compiled code and cannot be pickled: pickle its `state`, and "
                "bind the function to that"
            )
        )


class _Call:
    """A trace of a step with the state's arrays: what the next call of the same kind needs."""

    def __init__(self, traced: TracedFunction, state: Sequence[Any]) -> None:
        self._traced = traced
        self.fast_call: FastCall = partial(traced.fast_call, *state)
        self.unflatten = tree.unflatten_results(traced.out_treedef)

    @property
    def allows_fast_call(self) -> bool:
        """Return whether other arguments in C order may go to the program unseen.

        The state's arrays share memory with nothing; arguments that are written may share theirs.
        """
        traced = self._traced
        return traced.is_of_c_order and all(k in traced.donated.values() for k in traced.written)

    def run(self, state: Sequence[Any], leaves: Sequence[Any]) -> Any:
        """Return the results, or None if this trace does not serve for these arguments."""
        traced = self._traced
        results = None if traced.scalars else self.fast_call(*leaves)
        return traced.fast_call_with_numbers([*state, *leaves]) if results is None else results


def traced_step(
    captured: Captured, leaves: Sequence[Any], arrays: Sequence[Any], treedef: tree.TreeDef,
    tiered: bool,
) -> TracedFunction:  # fmt: skip
    """Return a trace of ``f(state, ...) -> (new state, result)``, which writes over the state.

    Raises
    ------
    TypeError, ShapeError, DtypeError
        If the function returns something else, or another kind of state.
    """
    graph, returned = captured.graph, captured.out_treedef
    if captured.outside:
        raise UnsupportedError(at_user_line("a bound step reads an outer trace: make it outside"))
    if returned.type is not tuple or returned.num_children != 2:
        raise TypeError(at_user_line("a step returns (new state, result); the result may be None"))
    old, (new, result) = treedef.children()[0], returned.children()
    if new != old:
        raise ShapeError(at_user_line(f"a step was given the state {old}, and returned {new}"))
    n = old.num_leaves
    names = tree.names(tree.unflatten(old, list(leaves[:n])))
    for name, before, after in zip(names, graph.input_types, graph.output_types, strict=False):
        _check_type(f"state {name}", after, before)
    step = captured._replace(out_treedef=result)
    return TracedFunction(step, leaves, arrays, tiered, {k: k for k in range(n)})


def _check_type(name: str, new: Type, old: Type) -> None:
    if new != old:
        error = ShapeError if new.shape != old.shape else DtypeError
        raise error(at_user_line(f"{name} is {old}, and was to become {new}"))


def _copy(x: Any) -> Any:
    return np.array(as_array(x), order="C")


def _part_of_a_trace() -> UnsupportedError:
    return UnsupportedError(
        at_user_line(
            "a bound step changes its state, so it cannot be a part of another traced function: "
            "call the function that it was made of"
        )
    )
