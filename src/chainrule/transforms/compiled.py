"""A traced function once it is compiled: for all arguments of the same types."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from .. import tree
from ..backends import Function, Program, compile_graph
from ..errors import DtypeError, ShapeError, at_user_line
from ..graph.evaluate import inline
from ..graph.graph import Graph
from ..graph.node import Node
from ..graph.types import Type
from ..simplify import simplify
from ..trace.capture import as_array, finish
from ..trace.tracer import Tracer, node_of


class Compiled:
    """One trace of a function: its graph and, once it has run, its program."""

    def __init__(
        self, graph: Graph, out_treedef: Any, outside: Sequence[Node], quick_start: bool = False
    ) -> None:
        self.graph, self.quick_start = graph, quick_start
        self.out_treedef = out_treedef
        self.outside = tuple(outside)
        self.program: Program | None = None

    @cached_property
    def quick(self) -> Function:
        """All results as a list for arrays just as they should be; else None."""
        return self.ready().bound()

    @cached_property
    def direct(self) -> Function:
        """The same, for a function that returns a single array: that array."""
        return self.ready().bound(single=True)

    def ready(self) -> Program:
        """The program, made now if it was not yet."""
        if self.program is None:
            self.program = compile_graph(simplify(self.graph), self.quick_start)
        return self.program

    def run(self, leaves: Sequence[Any]) -> list[Any]:
        """The outputs for arrays laid out anyhow."""
        results = self.quick(*leaves)
        return self.ready()(leaves) if results is None else results

    def __call__(self, leaves: Sequence[Any]) -> Any:
        """The function's result for these leaves of its arguments."""
        if self.outside or any(isinstance(x, Tracer) for x in leaves):
            nodes = [
                node_of(x, t.dtype) for x, t in zip(leaves, self.graph.input_types, strict=False)
            ]
            results: list[Any] = inline(self.graph, [*nodes, *self.outside])
        else:
            results = self.run(leaves)
        return tree.unflatten(self.out_treedef, [finish(x) for x in results])


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
        self._direct: Function | None = compiled.direct if arrays else None
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
                at_user_line(f"compiled for arguments {self._treedef}, and called with {treedef}")
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
        return self._compiled(arrays)
