"""The backend itself: simplified graph to program, through the disk cache."""

from __future__ import annotations

import sys
from time import perf_counter

from ...config import config
from ...graph.graph import Graph
from ..base import Program
from ..threads import get_num_threads
from . import cache
from .describe import plan_text
from .emit import emit
from .engine import assemble
from .host import host
from .plan import plan
from .program import NativeProgram, describe
from .runtime import key_of, symbols
from .signature import Signature
from .stored import pack, unpack


class LlvmBackend:
    """Compiles a graph for the CPU at hand."""

    name = "llvm"

    def compile(self, graph: Graph) -> Program:
        """A function of arrays, as native code."""
        start = perf_counter()
        signature = Signature(graph)
        key = key_of(signature.digest, str(get_num_threads()))
        found = self._cached(graph, signature, key, start)
        if found is not None:
            return found
        planned = plan(graph)
        if config.debug >= 4:
            print(plan_text(planned), file=sys.stderr)
        unit = emit(planned)
        asked = {*unit.declarations, *(() if host().fma else ("fma", "fmaf"))}
        planned.symbols = [name for name in symbols() if name in asked]
        text = unit.text(host().triple)
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
        if not planned.guarded and not planned.timed:
            cache.store(key, pack(planned, code, signature.nodes))
        return NativeProgram(graph, planned, code)

    def _cached(
        self, graph: Graph, signature: Signature, key: str, start: float
    ) -> NativeProgram | None:
        """The program from disk, if it is there."""
        payload = None if config.check >= 2 or config.debug >= 2 else cache.load(key)
        if payload is None:
            return None
        try:
            planned, code = unpack(payload, signature.nodes)
        except (ValueError, KeyError, IndexError, TypeError):
            return None  # another writer's: made again
        program = NativeProgram(graph, planned, code)
        if config.debug >= 1:
            spent = 1e3 * (perf_counter() - start)
            print(f"chainrule: loaded cached code in {spent:.1f} ms", file=sys.stderr)
        return program
