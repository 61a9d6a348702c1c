"""The compiler: graph to program by a sequence of passes. Loaded when a program is not cached."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from time import perf_counter

from ...config import config
from ...graph.graph import Graph
from ...graph.node import Node
from ...graph.stages import stage, times_instructions
from ..base import Donated
from .cache import disk
from .debug.plan_text import plan_text
from .debug.steps_text import steps_text
from .emit.module import emit
from .fuse.fusion import fuse
from .plan.plan import plan
from .program.executable import Executable
from .program.link import link
from .program.native import NativeProgram
from .program.serialize import to_bytes
from .runtime import imports_of, symbols
from .schedule.schedule import schedule
from .target.assembler import assemble
from .tiering import Promotion, is_worth_tiering, promote_in_background


def compile_graph(
    graph: Graph, donated: Donated, tiered: bool, key: str, nodes: Sequence[Node]
) -> NativeProgram:
    """Compile a graph, and store the program under a key; `nodes` are those of its signature.

    With `tiered`, if optimised code would take long to make, the program starts with unoptimised
    code, and another thread makes the optimised code.
    """
    start = perf_counter()
    with stage("fuse"):
        fused = fuse(graph)
    with stage("plan"):
        planned = plan(fused, donated)
    with stage("schedule"):
        scheduled = schedule(planned)
    if config.debug >= 4:
        print(steps_text(fused), plan_text(scheduled), sep="\n", file=sys.stderr)
    with stage("emit"):
        module = emit(scheduled, outlined=tiered and not times_instructions())
    emitted = perf_counter()
    if config.debug >= 5:
        print(module.text, file=sys.stderr)
    executable = link(scheduled, module, symbols())
    with stage("library"):
        imports_of(executable.symbols)  # which makes what is not there yet
    baseline = bool(module.iteration_words) and is_worth_tiering(module.text)
    with stage("assemble"):
        code = assemble(module.text, level=0) if baseline else assemble(module.text)
    if config.debug >= 1:
        _print_summary(graph, executable, code, start, emitted)
    with stage("link"):
        program = NativeProgram(graph, donated, executable, code)
    with stage("store"):
        if baseline:
            promote_in_background(Promotion(program, module.text, key, nodes))
        elif not executable.guarded and not executable.timed:
            disk.store(key, to_bytes(executable, code, nodes))
    return program


def _print_summary(
    graph: Graph, executable: Executable, code: bytes, start: float, emitted: float
) -> None:
    spent = 1e3 * (perf_counter() - start)
    print(
        f"chainrule: compiled {len(graph.nodes)} nodes to {len(code)} bytes in {spent:.0f} ms "
        f"(IR {1e3 * (emitted - start):.0f}), arena {executable.arena_bytes} bytes",
        file=sys.stderr,
    )
    for call in executable.numpy_calls:
        if call.rare:
            continue
        text = f"{call.node.primitive.name} {call.node.type} {call.node.line}".rstrip()
        print(f"chainrule: computed by NumPy: {text}", file=sys.stderr)
