"""The native backend, loaded when the first graph is compiled: importing it takes a while."""

from __future__ import annotations

from ..graph.graph import Graph
from ..lazy import LazyModule
from .base import NOTHING_DONATED, Donated, Program

_llvm = LazyModule("chainrule.backends.llvm.backend")


class NativeBackend:
    """Stands for `llvm.backend.LlvmBackend`."""

    name = "llvm"

    def compile(
        self, graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
    ) -> Program:
        """Return native code as a function of arrays."""
        return _llvm.LlvmBackend().compile(graph, tiered, donated)  # type: ignore[no-any-return]
