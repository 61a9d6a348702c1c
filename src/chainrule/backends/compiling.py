"""From a graph to a program that runs it, with the reference as a fallback."""

from __future__ import annotations

import sys

from ..config import config
from ..errors import ChainruleError, CompileError
from ..faults import ask_for_report
from ..graph.graph import Graph
from ..graph.stages import stage, take_stages
from ..memory import collections_paused
from ..simplify import simplify
from ..simplify.loops import find_loops
from ..simplify.unrolled import warn_of_unrolled_loops
from .base import NOTHING_DONATED, Backend, Donated, Program
from .native import NativeBackend
from .numpy import NumpyBackend

BACKENDS: dict[str, Backend] = {"numpy": NumpyBackend(), "llvm": NativeBackend()}
_warned: set[str] = set()


def compile_graph(
    graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
) -> Program:
    """Simplify a graph and compile it with the backend of `config`.

    If native code cannot be made, the reference takes over, with one warning. So it does after an
    internal error of a rewrite or of the compiler, with a warning that asks for a report. Errors of
    the user are raised, and so is everything under ``CHAINRULE_CHECK=1``.
    """
    try:
        with collections_paused():
            program = BACKENDS[config.backend].compile(_simplified(graph), tiered, donated)
        if config.debug >= 1:
            print(f"chainrule: milliseconds: {take_stages()}", file=sys.stderr)
        return program
    except CompileError as error:
        if config.backend not in _warned:
            _warned.add(config.backend)
            print(f"chainrule: no native code, NumPy computes instead: {error}", file=sys.stderr)
        return BACKENDS["numpy"].compile(_simplified(graph), donated=donated)
    except (ChainruleError, MemoryError):
        raise
    except Exception as error:
        if config.check:
            raise
        ask_for_report(error, "no native code is made for this function, NumPy computes it, slower")
        # As it was traced: a rewrite may be at fault
        return BACKENDS["numpy"].compile(graph, donated=donated)


def _simplified(graph: Graph) -> Graph:
    with stage("find loops"):
        graph = find_loops(graph)
    with stage("simplify"):
        graph = simplify(graph)
        warn_of_unrolled_loops(graph)
    return graph
