"""A traced function once it is compiled: for all arguments of the same types."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..backends import FastCall, Program, compile_graph, get_num_threads
from ..config import config, threads_word
from ..errors import DtypeError, ShapeError, UnsupportedError, at_user_line
from ..graph.evaluate import inline
from ..graph.types import Type
from ..lazy import computed
from ..trace.capture import Captured, as_array, check_apart, finish
from ..trace.operands import node_of
from ..trace.strides import is_c_order, strides_of, strides_of_array, was_asked
from ..trace.tracer import ArrayTracer, Tracer

_PYTHON = {float, int, bool}
_NUMBERS = 4  # of threads for which a function keeps programs


class Compiled:
    """One trace of a function: its graph and, once it has run, its program."""

    def __init__(
        self, captured: Captured, leaves: Sequence[Any], arrays: Sequence[Any],
        tiered: bool = False,
    ) -> None:  # fmt: skip
        self.graph, self.out_treedef, self.outside, self.written, self.kinds = captured
        self.tiered = tiered
        self.program: Program | None = None
        self._programs: dict[int, Program] = {}  # by the number of threads they were made for
        self.used = 0  # when its function last looked it up: a number that grows
        self._bound: tuple[Program, int] | None = None  # to which `quick` leads
        self.unsized: frozenset[int] = frozenset()  # arguments that were arrays without axes
        own = list(enumerate(self.graph.inputs[: len(arrays)]))
        # Arguments that are numbers, and of which class: Python's own, or one of NumPy's
        self.scalars = [
            (k, type(leaf) if type(leaf) in _PYTHON else np.generic)
            for k, (leaf, x) in enumerate(zip(leaves, arrays, strict=True))
            if isinstance(x, np.generic)
        ]
        self.layouts = {k: strides_of(node) for k, node in own if was_asked(node)}

    @property
    def hasty(self) -> bool:
        """Whether arrays that lie as arrays usually do may go to the program unseen."""
        usual = all(
            s is not None and is_c_order(self.graph.inputs[k].shape, s)
            for k, s in self.layouts.items()
        )
        return usual and not (self.written and len(self.graph.inputs) > 1)

    def laid_out_as(self, arrays: Sequence[Any]) -> bool:
        """Whether these arrays lie in memory as those that the trace depended on did."""
        return all(layout(arrays[k]) == strides for k, strides in self.layouts.items())

    def with_numbers(self, leaves: Sequence[Any]) -> Any:
        """As `quick`, with numbers, such as a step counter, as arrays of no axis."""
        if not self.scalars:
            return None if self.kinds else self.quick(*map(_as_arrays, leaves))
        given = list(leaves)
        for k, kind in self.scalars:
            number = given[k]
            if type(number) is not kind and not (
                kind is np.generic and issubclass(type(number), np.generic)
            ):
                return None
            given[k] = np.asarray(number)
        return self.quick(*given)

    @computed
    def quick(self) -> FastCall:
        """All results as a list for arrays just as they should be; else None."""
        program = self.ready()
        self._bound = program, config.num_threads
        self.__dict__.pop("direct", None)  # it may lead to another program
        return program.fast_call()

    @computed
    def direct(self) -> FastCall:
        """The same, for a function that returns a single array: that array."""
        return self.ready().fast_call(single=True)

    def ready(self) -> Program:
        """The program for as many threads as are set, made now if it was not yet."""
        program = self.program
        if program is None or (program.threads and program.threads != get_num_threads()):
            program = self.program = self._other()
        return program

    def _other(self) -> Program:
        """A program for another number of threads than last."""
        threads = get_num_threads()
        program = self._programs.get(threads)
        if program is None:
            program = compile_graph(self.graph, self.tiered)
            if len(self._programs) == _NUMBERS:
                self._programs.pop(next(iter(self._programs)), None)
            self._programs[threads] = program
        return program

    def run(self, leaves: Sequence[Any]) -> list[Any]:
        """The outputs for arrays laid out anyhow."""
        results: list[Any] | None = self.quick(*leaves)
        if results is not None:
            return results
        program = self.ready()
        flag = config.num_threads
        if program.threads and self._bound != (program, flag) and threads_word.value == flag:
            for name in ("quick", "direct"):  # another number of threads was set: bound again
                self.__dict__.pop(name, None)
        return program(leaves)

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """The function's result for these leaves of its arguments."""
        if self.written:
            check_apart([leaves[k] for k in self.written], leaves)
        if self.outside or any(isinstance(x, Tracer) for x in leaves):
            nodes = [
                node_of(x, t.dtype) for x, t in zip(leaves, self.graph.input_types, strict=False)
            ]
            results: list[Any] = inline(self.graph, [*nodes, *self.outside])
        else:
            results = self.run(leaves)
        return tree.unflatten(self.out_treedef, [finish(x) for x in results])


def _as_arrays(x: Any) -> Any:
    return np.asarray(x) if issubclass(type(x), np.generic) else x


def _shown(treedef: tree.TreeDef) -> str:
    """Arguments as they are written in a call, with * for each leaf."""
    leaf = type("Leaf", (), {"__repr__": lambda _: "*"})
    args, kwargs = tree.unflatten(treedef, [leaf() for _ in range(treedef.num_leaves)])
    words = [*map(repr, args), *(f"{name}={value!r}" for name, value in kwargs.items())]
    return f"({', '.join(words):.300})"


def layout(x: Any) -> Any:
    """How an argument lies in memory."""
    if isinstance(x, ArrayTracer):
        return strides_of(x.node)
    return strides_of_array(x) if type(x) is np.ndarray else ()


class CompiledFunction:
    """A function for arguments of known structure, shapes and dtypes; see `Jitted.compile`.

    Attributes
    ----------
    graph : Graph
        What it computes, before simplification.
    memory_bytes : int
        Most bytes that a call needs at once beside its arguments and results.
    """

    __slots__ = ("_compiled", "_direct", "_treedef", "graph")

    def __init__(self, compiled: Compiled, treedef: tree.TreeDef) -> None:
        self._compiled, self._treedef, self.graph = compiled, treedef, compiled.graph
        if compiled.outside:
            raise TypeError(at_user_line("compile reads an outer trace: call it outside of that"))
        flat = treedef.num_nodes == treedef.num_leaves + 3  # a tuple of two, a tuple, a dict
        arrays = flat and compiled.out_treedef.is_leaf()
        arrays = arrays and compiled.hasty and not compiled.scalars
        self._direct: FastCall | None = compiled.direct if arrays else None
        compiled.ready()

    @property
    def memory_bytes(self) -> int:
        """Most bytes that a call needs at once beside its arguments and results."""
        return self._compiled.ready().arena_bytes

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._direct is not None and not kwargs:
            result = self._direct(*args)
            if result is not None:
                return result
        leaves, treedef = tree.flatten((args, kwargs))
        if treedef != self._treedef:
            raise ShapeError(
                at_user_line(
                    f"compiled for arguments {_shown(self._treedef)}, and called with "
                    f"{_shown(treedef)}, where each * is an array or a number: give them in the "
                    "same containers, rows of numbers as np.array(...)"
                )
            )
        arrays = [as_array(x) for x in leaves]
        for k, (x, wanted) in enumerate(zip(arrays, self.graph.input_types, strict=True)):
            if Type(x.shape, x.dtype) != wanted:
                error = DtypeError if x.shape == wanted.shape else ShapeError
                name = tree.names((args, kwargs))[k].partition(".")[2]
                raise error(
                    at_user_line(
                        f"argument {name} is {Type(x.shape, x.dtype)}, and this function was "
                        f"compiled for {wanted}"
                    )
                )
        if not self._compiled.laid_out_as(arrays):
            raise UnsupportedError(
                at_user_line(
                    "an argument lies in memory in another order than the one that this function "
                    "was compiled for, and what is a view in it depends on that: hand over "
                    "np.ascontiguousarray(x)"
                )
            )
        result = self._compiled(arrays)
        if self._direct is not None:
            self._direct = self._compiled.direct  # another one for another number of threads
        return result
