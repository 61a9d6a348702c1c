"""The IR of the library that every compiled program calls. Loaded if it is not cached."""

from __future__ import annotations

from ..ir.builder import Module
from ..kernels.matmul import write_library
from ..kernels.sort import write_sort
from ..target.host import Host
from .autotune import write_autotune
from .fast_call import write_fast_call
from .poll import write_poll
from .pool import write_pool


def library_text(target: Host) -> str:
    """Return the module of all kernels and of all that the runtime adds."""
    module = Module()
    write_library(module, target)
    write_pool(module)
    write_autotune(module)
    write_fast_call(module)
    write_sort(module)
    write_poll(module, target.triple.startswith("x86_64"))
    return module.text(target.triple)
