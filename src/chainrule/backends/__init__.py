"""Layer 6: how graphs are run."""

from .base import Backend, Function, Program
from .compiling import BACKENDS, compile_graph
from .llvm.cache import disk as code_cache
from .threads import get_num_threads, set_num_threads

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
