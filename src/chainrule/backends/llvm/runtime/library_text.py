"""The IR of the parts of the library that compiled programs call. Loaded if one is not cached."""

from __future__ import annotations

from ..ir.builder import Module
from ..ir.types import F32, F64
from ..kernels.matmul import write_dot_products, write_tiled
from ..kernels.sort import write_sort
from ..kernels.symbols import RUNTIME, SORT
from ..target.host import Host
from .autotune import write_autotune
from .fast_call import write_fast_call
from .poll import write_poll
from .pool import write_pool


def part_text(part: str, target: Host) -> str:
    """Return the module of a part: of `RUNTIME`, or of what exports the symbol of this name."""
    module = Module()
    if part == RUNTIME:
        write_pool(module)
        write_autotune(module)
        write_fast_call(module)
        write_poll(module, target.triple.startswith("x86_64"))
    elif part == SORT:
        write_sort(module)
    else:
        kind, _, dtype = part.partition("_")
        write = {"gemm": write_tiled, "dots": write_dot_products}[kind]
        write(module, target, F32 if dtype == "f32" else F64)
    return module.text(target.triple)
