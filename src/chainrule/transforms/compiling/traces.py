"""The traces of one function: one for each kind of arguments."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple, TypeAlias
from weakref import ref

import numpy as np

from ... import tree
from ...backends import NOTHING_DONATED, Donated
from ...config import config
from ...errors import AbstractValueError, refusals
from ...forks import changing
from ...graph.node import constant
from ...graph.stages import stage
from ...memory import collections_paused
from ...trace.capture import (
    Captured,
    as_array,
    call_user_function,
    capture,
    to_user_array,
    to_user_arrays,
)
from ...trace.operands import is_weak
from ...trace.recording import RaisedOnPath, recording
from ...trace.tracer import ArrayTracer, ScalarTracer, Tracer
from ...trace.tracing import tracing
from .bound import traced_step
from .compiled import TracedFunction, layout
from .donation import donated_leaves, match_outputs
from .paths import Paths

Entry: TypeAlias = TracedFunction | Paths
_NONE: frozenset[int] = frozenset()


class CallArguments(NamedTuple):
    """The arguments of one call: leaves as they came and as arrays, and how they were arranged.

    Attributes
    ----------
    leaves, arrays : list
    treedef
        Of the arguments that are traced: of a tuple, or of ``(args, kwargs)`` if `named`.
    static : tuple
        The others: see `static.split_arguments`.
    named : bool
    """

    leaves: list[Any]
    arrays: list[Any]
    treedef: Any
    static: tuple[Any, ...] = ()
    named: bool = False

    @property
    def is_nested(self) -> bool:
        """Return whether the call is, or may become, a part of another traced function."""
        return tracing.tokens is not None or any(isinstance(x, Tracer) for x in self.leaves)


class Traces:
    """What `jit` knows of a function.

    Parameters
    ----------
    function : callable
    tiered, changes_state : bool
    donate_argnums : tuple of int
        See `jit` and `JitFunction.bind`.
    owner : weak reference, optional
        To who uses traces without looking them up here: it is asked which ones (``in_use()``), and
        told which one is dropped (``forget(traced)``). Weak, so that code goes with its function,
        and does not wait for the garbage collector.
    """

    def __init__(
        self, function: Callable[..., Any], tiered: bool = False, changes_state: bool = False,
        donate_argnums: Sequence[int] = (), owner: Callable[[], Any] = lambda: None,
    ) -> None:  # fmt: skip
        self.function, self._tiered, self._changes_state = function, tiered, changes_state
        self._donate_argnums, self._owner = donate_argnums, owner
        self.cache: dict[Hashable, Entry] = {}
        self._uses = itertools.count(1)

    def note_use(self, traced: Entry) -> None:
        """Note that a trace was used now."""
        traced.last_used = next(self._uses)

    def strict(self, call: CallArguments) -> TracedFunction:
        """Return the trace for arguments like these; branches on values are refused."""
        known, key, either_key = self._lookup(call)
        if known is None or isinstance(known, Paths):
            traced = self._traced(self._captured(call), call)
            if known is None:
                self._store(call, traced, key, either_key)
            known = traced
        self.note_use(known)
        return known

    def find(self, call: CallArguments) -> tuple[Entry, tuple[Any] | None]:
        """Return the trace, or the paths, for arguments like these.

        A call whose branches were recorded has its result already, which comes in a tuple.
        """
        known, key, either_key = self._lookup(call)
        result = None
        if known is None:
            try:
                captured = self._captured(call, record=True)
            except RaisedOnPath:
                captured = None
            if captured is None:
                known = self._paths(call)
                return known, (known.eager(call.leaves),)
            traced = self._traced(captured, call)
            known = self._paths(call) if captured.guards else traced
            known = self._store(call, known, key, either_key)
            if captured.guards and isinstance(known, Paths):
                result = (known.take(captured, traced, call.arrays),)
        self.note_use(known)
        return known, result

    def find_nested(self, call: CallArguments) -> TracedFunction | None:
        """Return the trace for a call inside another traced function; None if it branches."""
        known, key, either_key = self._lookup(call)
        if known is None:
            latest, may_record = refusals.latest, tracing.may_record
            tracing.may_record = True
            try:
                known = self._traced(self._captured(call), call)
            except AbstractValueError:
                refusals.latest = latest
                known = self._paths(call)
            finally:
                tracing.may_record = may_record
            known = self._store(call, known, key, either_key)
        self.note_use(known)
        return None if isinstance(known, Paths) else known

    # The cache

    def _lookup(self, call: CallArguments) -> tuple[Entry | None, Hashable, Hashable]:
        """Return what is known of arguments like these, and the keys to store more under."""
        arrays = call.arrays
        pairs = zip(arrays, call.leaves, strict=True)
        types = [(x.shape, x.dtype, is_weak(y)) for x, y in pairs]
        signature = (call.treedef, call.static, tuple(types))
        zero_dim = _zero_dim(arrays)
        key: Hashable = (*signature, zero_dim)
        either_key: Hashable = key
        known = self.cache.get(key)
        if known is None:  # what treats arrays without axes as numbers serves for both
            either_key = (*signature, "either")
            known = self.cache.get(either_key)
            if known is not None and not zero_dim <= known.zero_dim_arguments:
                known = None
        if known is not None and known.layouts and not known.has_layout_of(arrays):
            key = either_key = (key, tuple(map(layout, arrays)))
            known = self.cache.get(key)
        return known, key, either_key

    def _store(
        self, call: CallArguments, traced: Entry, key: Hashable, either_key: Hashable
    ) -> Entry:
        """Cache a trace, and drop the least recently used one if the cache is full.

        Native code goes with the last reference: a call that runs it in another thread has one.
        What is returned is to be used: paths that another thread stored meanwhile come first, or
        what one of the two has learned and counted would be lost.
        """
        if traced.outside or traced.asks_outside:  # an outer trace is gone by the next call
            return traced
        traced.zero_dim_arguments = zero_dim = _zero_dim(call.arrays)
        with changing:
            earlier = self.cache.get(key)
            if isinstance(earlier, Paths):
                return earlier
            owner = self._owner()
            for last in () if owner is None else owner.in_use():
                self.note_use(last)
            while len(self.cache) >= max(1, config.programs):
                oldest = min(self.cache, key=lambda key: self.cache[key].last_used)
                dropped = self.cache.pop(oldest)
                if owner is not None:
                    owner.forget(dropped)
            same_for_scalars = zero_dim and not traced.distinguishes_scalars
            self.cache[either_key if same_for_scalars else key] = traced
        return traced

    # Tracing

    def _traced(self, captured: Captured, call: CallArguments) -> TracedFunction:
        if self._changes_state:
            return traced_step(captured, call.leaves, call.arrays, call.treedef, self._tiered)
        donated: Donated = NOTHING_DONATED
        if self._donate_argnums:
            positions = donated_leaves(call.treedef.children()[0].children(), self._donate_argnums)
            donated = match_outputs(captured.graph, positions)
        return TracedFunction(captured, call.leaves, call.arrays, self._tiered, donated)

    def _captured(self, call: CallArguments, record: bool = False) -> Captured:
        """Trace the function: for arguments like these, or, to `record`, with their numbers."""
        if config.debug:
            why = "first call" if not self.cache else "new shapes, dtypes or static values"
            print(f"chainrule: tracing {self._name} ({why})", file=sys.stderr)
        captured = self.captured(call, record)
        if config.debug >= 3:
            print(captured.graph, file=sys.stderr)
        return captured

    def captured(self, call: CallArguments, record: bool = False) -> Captured:
        """Return the graph of a call."""
        weak = [is_weak(x) for x in call.leaves]
        with stage("trace"), collections_paused(), recording(None):
            return capture(
                self._function_of(call), call.arrays, call.treedef, weak, call.arrays,
                copy_results=True, record=record,
            )  # fmt: skip

    @property
    def _name(self) -> str:
        return getattr(self.function, "__qualname__", repr(self.function))

    def _function_of(self, call: CallArguments) -> Callable[..., Any]:
        """Return the function of what is traced, which puts static arguments beside it."""
        positional = {name: value for name, _, value in call.static if isinstance(name, int)}
        static_kwargs = {name: value for name, _, value in call.static if isinstance(name, str)}

        def function(*arguments: Any) -> Any:
            dynamic, by_name = arguments if call.named else (arguments, {})
            rest = iter(dynamic)
            count = len(dynamic) + len(positional)
            args = [positional[k] if k in positional else next(rest) for k in range(count)]
            return self.function(*args, **by_name, **static_kwargs)

        function.__wrapped__ = self.function  # type: ignore[attr-defined]
        return function

    # Without a trace

    def _paths(self, call: CallArguments) -> Paths:
        layouts = {k: layout(x) for k, x in enumerate(call.arrays) if x.shape}
        kind = call._replace(leaves=[], arrays=[])  # without the numbers of this call
        function, traces = self._function_of(kind), ref(self)

        def record(leaves: list[Any], arrays: list[Any]) -> tuple[Captured, TracedFunction]:
            now, these = kind._replace(leaves=leaves, arrays=arrays), traces()
            assert these is not None  # who calls has them
            captured = these._captured(now, record=True)
            return captured, these._traced(captured, now)

        def eager(leaves: list[Any]) -> Any:
            copies = [np.array(x, order="K") if type(x) is np.ndarray else x for x in leaves]
            with np.errstate(all="ignore"):
                result = function(*tree.unflatten(kind.treedef, copies))
            results, treedef = tree.flatten(result)
            return tree.unflatten(treedef, to_user_arrays([as_array(x) for x in results]))

        return Paths(self._name, record, eager, layouts)

    def inlined(self, call: CallArguments) -> Any:
        """Return what the function itself gives inside another traced function."""
        args = tree.unflatten(call.treedef, [_as_argument(x) for x in call.leaves])
        result = call_user_function(self._function_of(call), args, {})
        return tree.map(lambda x: to_user_array(x.node if isinstance(x, Tracer) else x), result)


def _zero_dim(arrays: Sequence[Any]) -> frozenset[int]:
    """Return which arguments are arrays without axes."""
    zero_dim = _NONE
    for k, x in enumerate(arrays):
        if not x.shape and isinstance(x, np.ndarray):
            zero_dim |= {k}
    return zero_dim


def _as_argument(x: Any) -> Tracer:
    """Return an argument of the inner function: a new array, as it is of a trace of its own."""
    if isinstance(x, Tracer):
        return ArrayTracer(x.node) if isinstance(x, ArrayTracer) else ScalarTracer(x.node, x.weak)
    array = as_array(x)
    node = constant(np.array(array)[()])
    return ArrayTracer(node) if isinstance(array, np.ndarray) else ScalarTracer(node, is_weak(x))
