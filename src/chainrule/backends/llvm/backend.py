"""The native backend: graph to program, by a sequence of passes, through the disk cache."""

from __future__ import annotations

import sys
from time import perf_counter

from ...config import config
from ...graph.graph import Graph
from ..base import Program
from ..threads import get_num_threads
from .cache import disk
from .cache.signature import Signature
from .debug.plan_text import plan_text
from .debug.steps_text import steps_text
from .emit.module import emit
from .fuse.fusion import fuse
from .plan.plan import plan
from .program.executable import Executable, executable
from .program.native import NativeProgram
from .program.serialize import from_bytes, to_bytes
from .runtime import cache_key, symbols
from .schedule.schedule import schedule
from .target.assembler import assemble
from .tiering import Promotion, is_worth_tiering, promote_in_background, resume_abandoned


class LlvmBackend:
    """Compiles a graph for the CPU at hand."""

    name = "llvm"

    def compile(self, graph: Graph, tiered: bool = False) -> Program:
        """Return native code as a function of arrays.

        With `tiered`, if optimised code would take long to make, the program starts with
        unoptimised code, and another thread makes the optimised code. It takes over between two
        iterations of a loop.
        """
        resume_abandoned()
        start = perf_counter()
        signature = Signature(graph)
        key = cache_key(signature.digest, str(get_num_threads()))
        cached = _cached(graph, signature, key, start)
        if cached is not None:
            return cached
        fused = fuse(graph)
        planned = plan(fused)
        scheduled = schedule(planned)
        if config.debug >= 4:
            print(steps_text(fused), plan_text(scheduled), sep="\n", file=sys.stderr)
        module = emit(scheduled, outlined=tiered and config.debug < 2)
        emitted = perf_counter()
        if config.debug >= 5:
            print(module.text, file=sys.stderr)
        baseline = bool(module.iteration_words) and is_worth_tiering(module.text)
        code = assemble(module.text, level=0) if baseline else assemble(module.text)
        how_to_run = executable(scheduled, module, symbols())
        _print_summary(graph, how_to_run, code, start, emitted)
        program = NativeProgram(graph, how_to_run, code)
        if baseline:
            promote_in_background(Promotion(program, module.text, key, signature.nodes))
        elif not how_to_run.guarded and not how_to_run.timed:
            disk.store(key, to_bytes(how_to_run, code, signature.nodes))
        return program


def _cached(graph: Graph, signature: Signature, key: str, start: float) -> NativeProgram | None:
    """Return the program from disk, if it is there."""
    payload = None if config.check >= 2 or config.debug >= 2 else disk.load(key)
    if payload is None:
        return None
    try:
        how_to_run, code = from_bytes(payload, signature.nodes)
    except (ValueError, KeyError, IndexError, TypeError):
        return None  # another writer's: compiled again
    program = NativeProgram(graph, how_to_run, code)
    if config.debug >= 1:
        spent = 1e3 * (perf_counter() - start)
        print(f"chainrule: loaded cached code in {spent:.1f} ms", file=sys.stderr)
    return program


def _print_summary(
    graph: Graph, how_to_run: Executable, code: bytes, start: float, emitted: float
) -> None:
    if config.debug < 1:
        return
    spent = 1e3 * (perf_counter() - start)
    print(
        f"chainrule: compiled {len(graph.nodes)} nodes to {len(code)} bytes in {spent:.0f} ms "
        f"(IR {1e3 * (emitted - start):.0f}), arena {how_to_run.arena_bytes} bytes",
        file=sys.stderr,
    )
    for call in how_to_run.numpy_calls:
        text = f"{call.node.primitive.name} {call.node.type} {call.node.line}".rstrip()
        print(f"chainrule: computed by NumPy: {text}", file=sys.stderr)
