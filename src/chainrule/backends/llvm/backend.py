"""The native backend: programs from the disk cache, or by the compiler."""

from __future__ import annotations

import sys
from time import perf_counter

from ...config import config
from ...graph.graph import Graph
from ...graph.stages import stage, times_instructions
from ...lazy import LazyModule
from ..base import NOTHING_DONATED, Donated, Program
from ..threads import get_num_threads
from .cache import disk
from .cache.signature import Signature
from .pairs.presence import has_complex
from .program.native import NativeProgram
from .program.serialize import from_bytes
from .runtime import cache_key, imports_of
from .tiering import resume_abandoned

_compiler = LazyModule("chainrule.backends.llvm.compiler")
_splitting = LazyModule("chainrule.backends.llvm.pairs.splitting")


class LlvmBackend:
    """Compiles a graph for the CPU at hand."""

    name = "llvm"

    def compile(
        self, graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
    ) -> Program:
        """Return native code as a function of arrays.

        With `tiered`, if optimised code would take long to make, the program starts with
        unoptimised code, and another thread makes the optimised code. It takes over between two
        iterations of a loop.
        """
        resume_abandoned()
        interface = graph
        if has_complex(graph):
            graph = _splitting.split_complex(graph)
        with stage("digest"):
            signature = Signature(graph)
        key = cache_key(signature.digest, str(get_num_threads()), str(sorted(donated.items())))
        program = _from_disk(graph, donated, signature, key) or _compiler.compile_graph(
            graph, donated, tiered, key, signature.nodes
        )
        program.set_interface(interface, donated)
        return program


def _from_disk(
    graph: Graph, donated: Donated, signature: Signature, key: str
) -> NativeProgram | None:
    """Return the program from the disk cache, if it is there."""
    start = perf_counter()
    payload = None if config.check >= 2 or times_instructions() else disk.load(key)
    if payload is None:
        return None
    try:
        executable, code = from_bytes(payload, signature.nodes)
        imports_of(executable.symbols)
    except (ValueError, KeyError, IndexError, TypeError):
        return None  # another writer's, or beside another SciPy: compiled again
    program = NativeProgram(graph, donated, executable, code)
    if config.debug >= 1:
        spent = 1e3 * (perf_counter() - start)
        print(f"chainrule: loaded cached code in {spent:.1f} ms", file=sys.stderr)
    return program
