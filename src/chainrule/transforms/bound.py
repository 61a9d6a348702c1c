"""A compiled step with its state: arrays that stay where they are, and are changed there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any

import numpy as np

from .. import tree
from ..backends import FastCall
from ..errors import DtypeError, ShapeError, StateLostError, UnsupportedError, at_user_line
from ..graph.types import Type
from ..trace.capture import Captured, as_array
from ..trace.tracer import Tracer
from ..trace.tracing import tracing
from .compiled import TracedFunction

_UNKNOWN: tuple[Any, Any] = (None, None)


class BoundFunction:
    """A step that changes its own state; see `JitFunction.bind`.

    Attributes
    ----------
    state : tree of arrays
        A copy. Setting it copies arrays of the same structure, shapes and dtypes into the state.

    `copy.copy` gives a step with a copy of the state. A step cannot be pickled: pickle its state.
    """

    def __init__(self, find_or_trace: Callable[..., TracedFunction], state: Any) -> None:
        leaves, self._treedef = tree.flatten(state)
        self._find_or_trace = find_or_trace
        self._leaves = [_copy(x) for x in leaves]
        self._last_traced: dict[tree.TreeDef, tuple[TracedFunction, FastCall]] = {}
        self._running = Lock()
        self._failure: BaseException | None = None

    @property
    def state(self) -> Any:
        if self._running.locked():
            raise _busy()
        with self._running:
            self._check_whole()
            return tree.unflatten(self._treedef, [x.copy() for x in self._leaves])

    @state.setter
    def state(self, new: Any) -> None:
        leaves, treedef = tree.flatten(new)
        if treedef != self._treedef:
            raise ShapeError(
                at_user_line(f"the state is {self._treedef}, and was to become {treedef}")
            )
        arrays = [_copy(x) for x in leaves]
        for name, x, before in zip(tree.names(new), arrays, self._leaves, strict=True):
            _check_type(f"state {name}", Type(x.shape, x.dtype), Type(before.shape, before.dtype))
        if self._running.locked():
            raise _busy()
        with self._running:
            try:
                for array, x in zip(self._leaves, arrays, strict=True):
                    array[...] = x
            except BaseException as error:  # an interrupt, after a part of them
                self._failure = error
                raise
            self._failure = None

    def __call__(self, *args: Any) -> Any:
        """Run the step, and return what it returns beside the new state."""
        leaves, treedef = tree.flatten(args)
        if tracing.tokens is not None:  # of another function, which would run the step once
            raise _part_of_a_trace()
        if self._running.locked():
            raise _busy()
        with self._running:  # no method of it: an interrupt behind `acquire` would leave it locked
            starts = False
            try:
                self._check_whole()
                traced, fast_call = self._last_traced.get(treedef, _UNKNOWN)
                results = None
                if traced is not None:
                    starts = True
                    results = fast_call(*leaves) if not traced.scalars else None
                    if results is None:
                        results = traced.fast_call_with_numbers([*self._leaves, *leaves])
                    starts = results is not None
                if results is None:
                    traced = self._traced(args, leaves)
                    arrays = [*self._leaves, *[as_array(x) for x in leaves]]
                    starts = True
                    results = traced.run(arrays)
                    # Only now: a program is chosen for the number of threads, which may change
                    self._last_traced[treedef] = traced, partial(traced.fast_call, *self._leaves)
            except BaseException as error:
                if starts:
                    self._failure = error
                raise
        return traced.out_treedef.unflatten(results)

    def _traced(self, args: Any, leaves: list[Any]) -> TracedFunction:
        if any(isinstance(x, Tracer) for x in leaves):
            raise _part_of_a_trace()
        whole = (tree.unflatten(self._treedef, self._leaves), *args)
        everything, treedef = tree.flatten(whole)
        arrays = [as_array(x) for x in everything]
        return self._find_or_trace(everything, arrays, treedef)

    def _check_whole(self) -> None:
        """Raise if a step failed in the middle."""
        if self._failure is not None:
            raise StateLostError(
                at_user_line(
                    f"a step failed in the middle ({type(self._failure).__name__}: "
                    f"{self._failure}), and left a part of the state changed: set `state` to one "
                    "that you have, such as the last checkpoint's"
                )
            ) from self._failure

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


def _busy() -> RuntimeError:
    """Return the error for a second call; of two threads that come at one moment, one waits."""
    return RuntimeError(
        at_user_line(
            "a bound step runs already, in another thread or around this call: its state is one"
        )
    )
