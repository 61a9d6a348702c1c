"""Layer 6: how graphs are run."""

import sys

from ..config import config
from ..errors import CompileError
from ..graph.graph import Graph
from .base import Backend, Function, Program
from .llvm import cache as code_cache
from .native import NativeBackend
from .numpy import NumpyBackend
from .threads import get_num_threads, set_num_threads

BACKENDS: dict[str, Backend] = {"numpy": NumpyBackend(), "llvm": NativeBackend()}
_warned: set[str] = set()


def compile_graph(graph: Graph, quick_start: bool = False) -> Program:
    """The graph as a function of arrays, by the backend of `config`.

    Where native code cannot be made the reference takes over, with one warning.
    """
    try:
        return BACKENDS[config.backend].compile(graph, quick_start)
    except CompileError as error:
        if not _warned:
            _warned.add(config.backend)
            print(f"chainrule: no native code, NumPy computes instead: {error}", file=sys.stderr)
        return BACKENDS["numpy"].compile(graph)


__all__ = [
    "BACKENDS",
    "Backend",
    "Function",
    "Program",
    "code_cache",
    "compile_graph",
    "get_num_threads",
    "set_num_threads",
]
