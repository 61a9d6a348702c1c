"""How graphs are run: backends turn a graph into a function of arrays."""

from .base import NO_NUMBERS, NOTHING_DONATED, Backend, Donated, FastCall, InstructionTime, Program
from .compiling import BACKENDS, compile_graph
from .llvm.cache import disk as code_cache
from .threads import get_num_threads, set_num_threads

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
