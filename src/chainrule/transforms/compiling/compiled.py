"""A traced function once it is compiled: for all arguments of the same types."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Generic, ParamSpec, TypeVar

import numpy as np

from ... import tree
from ...backends import (
    NOTHING_DONATED,
    Donated,
    FastCall,
    Program,
    compile_graph,
    get_num_threads,
)
from ...config import config, current, threads_word
from ...errors import DtypeError, ShapeError, UnsupportedError, at_user_line
from ...graph.evaluate import inline
from ...graph.graph import Graph
from ...graph.node import Node
from ...graph.types import Type
from ...lazy import computed
from ...primitives.callback import FIRST_TOKEN
from ...simplify.loops import find_loops
from ...trace.aliasing import check_no_alias
from ...trace.capture import Captured, as_array, to_user_array
from ...trace.operands import node_of
from ...trace.strides import is_c_order, strides_of, strides_of_array, was_asked
from ...trace.tracer import ArrayTracer, Tracer
from ...trace.tracing import follow_token, last_token, tracing
from ...tracebacks import filter_traceback
from ..nan_checks.nonfinite import run_checked
from .model_call import ModelCalls

P = ParamSpec("P")
R = TypeVar("R")
_PYTHON = {float, int, bool}
_MAX_THREAD_COUNTS = 4  # of threads for which a function keeps programs


class TracedFunction:
    """One trace of a function: its graph and, once it has run, its program."""

    def __init__(
        self, captured: Captured, leaves: Sequence[Any], arrays: Sequence[Any],
        tiered: bool = False, donated: Donated = NOTHING_DONATED,
    ) -> None:  # fmt: skip
        self.graph, self.out_treedef, self.outside = captured[:3]
        self.written, self.distinguishes_scalars = captured[3:5]
        self.reads_token, self.has_effects = captured[5:7]
        self.asks_outside = captured.asks_outside
        self.tiered, self.donated = tiered, donated
        self.program: Program | None = None
        self._programs: dict[int, Program] = {}  # by the number of threads they were made for
        self.last_used = 0  # when its function last looked it up: a number that grows
        self._fast_call_key: tuple[Program, int] | None = None  # to which `fast_call` leads
        self.zero_dim_arguments: frozenset[int] = frozenset()  # positions of 0-d arrays
        inputs = list(enumerate(self.graph.inputs[: len(arrays)]))
        # Arguments that are numbers, and of which class: Python's own, or one of NumPy's
        self.scalars = [
            (k, type(leaf) if type(leaf) in _PYTHON else np.generic)
            for k, (leaf, x) in enumerate(zip(leaves, arrays, strict=True))
            if isinstance(x, np.generic)
        ]
        # The same by position and exact type, where all of these can be read where they lie
        self.numbers: dict[int, type] = {}
        if all(kind is float or kind is np.generic for _, kind in self.scalars):
            self.numbers = {k: type(leaves[k]) for k, _ in self.scalars}
        self.layouts = {k: strides_of(node) for k, node in inputs if was_asked(node)}

    @property
    def allows_fast_call(self) -> bool:
        """Return whether arrays that lie as arrays usually do may go to the program unseen."""
        if self.reads_token or not self.is_of_c_order:
            return False
        return not (self.written and len(self.graph.inputs) > 1)

    def takes_unseen(self, leaves: Sequence[Any]) -> bool:
        """Return whether all leaves are arrays, or numbers that programs read where they lie."""
        return all(type(x) is np.ndarray or k in self.numbers for k, x in enumerate(leaves))

    @property
    def is_of_c_order(self) -> bool:
        """Return whether it serves for arguments in C order."""
        return all(
            s is not None and is_c_order(self.graph.inputs[k].shape, s)
            for k, s in self.layouts.items()
        )

    def has_layout_of(self, arrays: Sequence[Any]) -> bool:
        """Return whether these arrays lie in memory as those that the trace depended on did."""
        return lie_as(self.layouts, arrays)

    def fast_call_with_numbers(self, leaves: Sequence[Any]) -> Any:
        """Make a fast call with numbers, such as a step counter, passed as 0-d arrays."""
        if not self.scalars:
            return None if self.distinguishes_scalars else self.fast_call(*map(_as_arrays, leaves))
        results = self.fast_call_of_numbers(*leaves) if self.numbers else None
        if results is not None:
            return results
        arrays = list(leaves)
        for k, kind in self.scalars:
            number = arrays[k]
            if type(number) is not kind and not (
                kind is np.generic and issubclass(type(number), np.generic)
            ):
                return None
            arrays[k] = np.asarray(number)
        return self.fast_call(*arrays)

    @computed
    def fast_call(self) -> FastCall:
        """All results as a list for arrays just as they should be; else None."""
        if self.reads_token:  # which no argument is
            return lambda *_: None
        program = self.ensure_compiled()
        self._fast_call_key = program, config.num_threads
        for name in ("fast_call_single", "fast_call_of_numbers"):  # they may lead to another one
            self.__dict__.pop(name, None)
        return program.fast_call()

    @computed
    def fast_call_of_numbers(self) -> FastCall:
        """The same for numbers as they are where the trace had numbers."""
        if self.reads_token:
            return lambda *_: None
        return self.ensure_compiled().fast_call(numbers=self.numbers)

    @computed
    def fast_call_single(self) -> FastCall:
        """The same, for a function that returns a single array: that array."""
        return self.ensure_compiled().fast_call(single=True, numbers=self.numbers)

    def ensure_compiled(self) -> Program:
        """Return the program for the present number of threads, compiled now if there is none."""
        program = self.program
        if program is None or (program.threads and program.threads != get_num_threads()):
            program = self.program = self._program_for_threads()
        return program

    def _program_for_threads(self) -> Program:
        """Return the program for the present number of threads, from the cache of the last four."""
        threads = get_num_threads()
        program = self._programs.get(threads)
        if program is None:
            program = compile_graph(self.graph, self.tiered, self.donated)
            if len(self._programs) == _MAX_THREAD_COUNTS:
                self._programs.pop(next(iter(self._programs)), None)
            self._programs[threads] = program
        return program

    def run(self, leaves: Sequence[Any]) -> list[Any]:
        """Return the outputs for arrays of any memory layout."""
        if current().nans:
            return self._run_checked(leaves)
        results: list[Any] | None = self.fast_call(*leaves)
        if results is not None:
            return results
        program = self.ensure_compiled()
        flag = config.num_threads
        key = (program, flag)
        if program.threads and self._fast_call_key != key and threads_word.value == flag:
            for name in ("fast_call", "fast_call_single", "fast_call_of_numbers"):
                # They were made for another number of threads
                self.__dict__.pop(name, None)
        if not self.reads_token:
            return program(leaves)
        results = program([*leaves, FIRST_TOKEN])
        return results[:-1] if self.has_effects else results

    def _run_checked(self, leaves: Sequence[Any]) -> list[Any]:
        """Run, and raise if there are nans in the results."""
        arguments = [*leaves, FIRST_TOKEN] if self.reads_token else leaves
        results = run_checked(
            self.graph, lambda xs: self.ensure_compiled()(xs), arguments, bool(self.donated)
        )
        return results[:-1] if self.has_effects else results

    def _with_donated(self, results: list[Any], leaves: Sequence[Any]) -> list[Any]:
        """Return all outputs: those that took the memory of an argument are that argument."""
        if not self.donated:
            return results
        rest = iter(results)
        count = len(self.graph.outputs) - self.has_effects
        return [leaves[self.donated[j]] if j in self.donated else next(rest) for j in range(count)]

    def is_part(self, leaves: Sequence[Any]) -> bool:
        """Return whether a call with these leaves is a part of another traced function."""
        calls_later = self.reads_token and tracing.tokens is not None
        return bool(self.outside) or calls_later or any(isinstance(x, Tracer) for x in leaves)

    @computed
    def _with_loops(self) -> Graph:
        """The graph with its loops found, which other functions take in."""
        return find_loops(self.graph)

    def _inlined(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the outputs over other nodes, after callbacks that came before."""
        token = [node_of(last_token())] * self.reads_token
        results = inline(self._with_loops, [*nodes, *self.outside, *token])
        if self.has_effects:
            follow_token(results.pop())
        return results

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """Return the function's result for these leaves of its arguments."""
        if self.written:
            check_no_alias([leaves[k] for k in self.written], leaves)
        if self.is_part(leaves):
            nodes = [
                node_of(x, t.dtype) for x, t in zip(leaves, self.graph.input_types, strict=False)
            ]
            results: list[Any] = self._inlined(nodes)
        else:
            results = self._with_donated(self.run(leaves), leaves)
        return tree.unflatten(self.out_treedef, [to_user_array(x) for x in results])


def lie_as(layouts: Mapping[int, Any], arrays: Sequence[Any]) -> bool:
    """Return whether the arrays at some positions have these layouts."""
    return all(layout(arrays[k]) == strides for k, strides in layouts.items())


def _as_arrays(x: Any) -> Any:
    return np.asarray(x) if issubclass(type(x), np.generic) else x


def _call_as_text(treedef: tree.TreeDef) -> str:
    """Write arguments as in a call, with * for each leaf."""
    leaf = type("Leaf", (), {"__repr__": lambda _: "*"})
    args, kwargs = tree.unflatten(treedef, [leaf() for _ in range(treedef.num_leaves)])
    words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    return f"({', '.join(words):.300})"


def layout(x: Any) -> Any:
    """Return the strides of an argument, in entries."""
    if isinstance(x, ArrayTracer):
        return strides_of(x.node)
    return strides_of_array(x) if type(x) is np.ndarray else ()


class CompiledFunction(Generic[P, R]):
    """A function for arguments of known structure, shapes and dtypes; see `JitFunction.compile`.

    Attributes
    ----------
    graph : Graph
        What it computes, before simplification.
    memory_bytes : int
        Most bytes that a call needs at once beside its arguments and results.
    """

    __slots__ = ("_allows_fast_call", "_fast_single", "_models", "_traced", "_treedef", "graph")

    def __init__(self, traced: TracedFunction, treedef: tree.TreeDef) -> None:
        self._traced, self._treedef, self.graph = traced, treedef, traced.graph
        self._models = ModelCalls()
        if traced.outside:
            raise TypeError(at_user_line("compile reads an outer trace: call it outside of that"))
        flat = treedef.num_nodes == treedef.num_leaves + 3  # a tuple of two, a tuple, a dict
        self._allows_fast_call = traced.allows_fast_call and not traced.scalars
        arrays = flat and traced.out_treedef.is_leaf() and self._allows_fast_call
        self._fast_single: FastCall | None = traced.fast_call_single if arrays else None
        traced.ensure_compiled()

    @property
    def memory_bytes(self) -> int:
        """Most bytes that a call needs at once beside its arguments and results."""
        return self._traced.ensure_compiled().arena_bytes

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            if self._fast_single is not None and not kwargs:
                result: R | None = self._fast_single(*args)
                if result is not None:
                    return result
            repeated = None if kwargs else self._models(args)
            if repeated is not None:
                return repeated[0]  # type: ignore[no-any-return]
            leaves, treedef = tree.flatten((args, kwargs))
            if treedef == self._treedef and self._allows_fast_call and self._fast_single is None:
                results = self._traced.fast_call(*leaves)
                if results is not None:
                    if args and not kwargs:
                        self._models.see(
                            args, leaves, self._traced.fast_call, self._traced.out_treedef
                        )
                    return self._traced.out_treedef.unflatten(results)  # type: ignore[no-any-return]
            if treedef != self._treedef:
                raise ShapeError(
                    at_user_line(
                        f"compiled for arguments {_call_as_text(self._treedef)}, and called with "
                        f"{_call_as_text(treedef)}, where each * is an array or a number: give "
                        "them in the same containers, rows of numbers as np.array(...)"
                    )
                )
            arrays = [as_array(x) for x in leaves]
            types = self.graph.input_types  # and a token, where Python is called
            for k, (x, wanted) in enumerate(zip(arrays, types, strict=False)):
                if Type(x.shape, x.dtype) != wanted:
                    error = DtypeError if x.shape == wanted.shape else ShapeError
                    name = tree.names((args, kwargs))[k].partition(".")[2]
                    raise error(
                        at_user_line(
                            f"argument {name} is {Type(x.shape, x.dtype)}, and this function was "
                            f"compiled for {wanted}"
                        )
                    )
            if not self._traced.has_layout_of(arrays):
                raise UnsupportedError(
                    at_user_line(
                        "an argument lies in memory in another order than the one that this "
                        "function was compiled for, and what is a view in it depends on that: "
                        "hand over np.ascontiguousarray(x)"
                    )
                )
            result = self._traced(arrays)
            if self._fast_single is not None:
                # another one for another number of threads
                self._fast_single = self._traced.fast_call_single
            return result
        except Exception as error:
            filter_traceback(error)
            raise
