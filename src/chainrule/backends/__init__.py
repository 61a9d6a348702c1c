"""How graphs are run: backends turn a graph into a function of arrays."""

from ..lazy import LazyModule
from .base import NO_NUMBERS, NOTHING_DONATED, Backend, Donated, FastCall, InstructionTime, Program
from .compiling import BACKENDS, compile_graph
from .threads import get_num_threads, set_num_threads

code_cache = LazyModule("chainrule.backends.llvm.cache.disk")  # who needs it waits for a compiler

__all__ = [
    "BACKENDS",
    "NOTHING_DONATED",
    "NO_NUMBERS",
    "Backend",
    "Donated",
    "FastCall",
    "InstructionTime",
    "Program",
    "code_cache",
    "compile_graph",
    "get_num_threads",
    "set_num_threads",
]
