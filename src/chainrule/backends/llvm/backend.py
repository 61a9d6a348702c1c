"""The backend itself: simplified graph to program, through the disk cache."""

from __future__ import annotations

import sys
from time import perf_counter

from ...config import config
from ...graph.graph import Graph
from ..base import Program
from .emit import emit
from .engine import assemble
from .host import host
from .plan import plan
from .program import NativeProgram, describe


class LlvmBackend:
    """Compiles a graph for the CPU at hand."""

    name = "llvm"

    def compile(self, graph: Graph) -> Program:
        """A function of arrays, as native code."""
        start = perf_counter()
        planned = plan(graph)
        text = emit(planned).text(host().triple)
        middle = perf_counter()
        if config.debug >= 5:
            print(text, file=sys.stderr)
        code = assemble(text)
        if config.debug >= 1:
            end = perf_counter()
            print(
                f"chainrule: compiled {len(graph.nodes)} nodes to {len(code)} bytes in "
                f"{1e3 * (end - start):.0f} ms (IR {1e3 * (middle - start):.0f}), "
                f"arena {planned.arena} bytes",
                file=sys.stderr,
            )
            for call in planned.calls:
                print(f"chainrule: computed by NumPy: {describe(call.node)}", file=sys.stderr)
        return NativeProgram(graph, planned, code)
