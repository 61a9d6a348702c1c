"""The backend itself: simplified graph to program, through the disk cache."""

from __future__ import annotations

import os
import sys
from contextvars import copy_context
from threading import Thread
from time import perf_counter

from ...config import config
from ...errors import CompileError
from ...forks import compiling
from ...graph.graph import Graph
from ..base import Program
from ..threads import get_num_threads
from .cache import disk as cache
from .cache.signature import Signature
from .debug.describe import plan_text
from .emit.module import emit
from .plan.planner import plan
from .program.native import NativeProgram, describe
from .program.serialize import pack, unpack
from .runtime import key_of, symbols
from .target.assembler import assemble
from .target.host import host

_LINE = 16e-6  # seconds that code generation takes for a line of IR
_LONG = 0.05  # seconds that nobody should wait


# Programs whose better code is being made by another thread, with what it is made of
_Improving = tuple[NativeProgram, str, str, Signature]
_improving: list[_Improving] = []
_left_behind: list[_Improving] = []  # by threads that a child of a fork does not have


def _after_fork() -> None:
    _left_behind.extend(_improving)
    _improving.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class LlvmBackend:
    """Compiles a graph for the CPU at hand."""

    name = "llvm"

    def compile(self, graph: Graph, quick_start: bool = False) -> Program:
        """A function of arrays, as native code.

        With `quick_start`, code that would take long to make is first made in a hurry, and made
        well by another thread meanwhile: it takes over between two turns of a loop.
        """
        while _left_behind:
            self._improve_meanwhile(_left_behind.pop())
        start = perf_counter()
        signature = Signature(graph)
        key = key_of(signature.digest, str(get_num_threads()))
        found = self._cached(graph, signature, key, start)
        if found is not None:
            return found
        planned = plan(graph)
        if config.debug >= 4:
            print(plan_text(planned), file=sys.stderr)
        module = emit(planned, outlined=quick_start and config.debug < 2)
        asked = {*module.declarations, *(() if host().fma else ("fma", "fmaf"))}
        planned.symbols = [name for name in symbols() if name in asked]
        text = module.text(host().triple)
        middle = perf_counter()
        if config.debug >= 5:
            print(text, file=sys.stderr)
        hurried = bool(planned.turns) and text.count("\n") * _LINE > _LONG
        code = assemble(text, level=0) if hurried else assemble(text)
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
        program = NativeProgram(graph, planned, code)
        if hurried:
            self._improve_meanwhile((program, text, key, signature))
        elif not planned.guarded and not planned.timed:
            cache.store(key, pack(planned, code, signature.nodes))
        return program

    def _improve_meanwhile(self, what: _Improving) -> None:
        """In a thread of its own, under the same flags."""
        _improving.append(what)
        arguments = (self._improve, what)
        Thread(target=copy_context().run, args=arguments, name="chainrule better code").start()

    def _improve(self, what: _Improving) -> None:
        """Make better code, have the program use it, and keep it."""
        program, text, key, signature = what
        start = perf_counter()
        try:
            with compiling:  # no fork comes in between
                try:
                    code = assemble(text)
                    program.improve(code)
                finally:
                    _improving.remove(what)
        except CompileError as error:  # what there is goes on
            print(f"chainrule: {error}", file=sys.stderr)
            return
        if not program.plan.guarded:
            cache.store(key, pack(program.plan, code, signature.nodes))
        if config.debug >= 1:
            spent = 1e3 * (perf_counter() - start)
            print(f"chainrule: better code after {spent:.0f} ms more", file=sys.stderr)

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
