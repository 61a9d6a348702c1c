"""The CPU that code is made for: its name, features, and how wide its vectors are."""

from __future__ import annotations

import struct
import sys
from dataclasses import dataclass
from functools import lru_cache

from ....config import current
from ....errors import CompileError
from ....forks import compiling
from ....lazy import LazyModule

binding = LazyModule("llvmlite.binding")
_llvmlite = LazyModule("llvmlite")

# The first LLVM whose pointers have no type by default, which is how our IR is written, and the
# first llvmlite that brings it (pyproject.toml asks for it, too)
OLDEST = (20, "0.45")

# Bytes of a vector, and what a CPU must have for it
_LEVELS = ((64, ("avx512f", "avx512vl", "avx512dq", "avx512bw")), (32, ("avx2", "fma")), (16, ()))


@dataclass(frozen=True)
class Host:
    """What code generation must know of a CPU.

    Attributes
    ----------
    triple, cpu, features : str
        As LLVM names them.
    vector_bytes : int
        16, 32 or 64: vectors of 4, 8 or 16 float32.
    fma : bool
        Whether a fused multiply-add is one instruction.
    byte_products : bool
        Whether four products of bytes, and their sum, are one instruction (VNNI).
    """

    triple: str
    cpu: str
    features: str
    vector_bytes: int
    fma: bool
    byte_products: bool = False

    @property
    def is_x86(self) -> bool:
        """Whether it has the instructions of x86."""
        return self.triple.split("-")[0] in ("x86_64", "AMD64")

    def lanes(self, itemsize: int) -> int:
        """Return how many numbers of so many bytes a vector holds."""
        return self.vector_bytes // itemsize


@lru_cache(maxsize=1)
def _detected() -> tuple[str, str, dict[str, bool]]:
    with compiling:
        if binding.llvm_version_info[0] < OLDEST[0]:
            version, oldest = ".".join(map(str, binding.llvm_version_info)), OLDEST[1]
            raise CompileError(
                f"LLVM {version} of llvmlite {_llvmlite.__version__} is too old: "
                f"pip install 'llvmlite>={oldest}'"
            )
        binding.initialize_native_target()
        binding.initialize_native_asmprinter()
        features = dict(binding.get_host_cpu_features())
        return binding.get_process_triple(), binding.get_host_cpu_name(), features


@lru_cache(maxsize=8)
def _host(width: int) -> Host:
    triple, cpu, features = _detected()
    for size, needed in _LEVELS:
        if all(features.get(name, False) for name in needed) and width in (0, size // 4):
            break
    else:
        raise ValueError(f"CHAINRULE_VECTOR={width}: this CPU has no such vectors; try 4, 8 or 16")
    if triple.split("-")[0] not in ("x86_64", "AMD64"):  # 128-bit vectors are common to all
        return Host(triple, cpu, _flat(features), 16, features.get("neon", False))
    if size < 64:
        features = {k: on and not k.startswith("avx512") for k, on in features.items()}
        cpu = "x86-64-v3"
    if size < 32:
        narrow = ("avx", "fma", "f16c", "vaes", "vpcl", "gfni", "xop", "tbm", "lwp", "bmi")
        features = {k: on and not k.startswith(narrow) for k, on in features.items()}
        cpu = "x86-64-v2" if features.get("sse4.2") else "x86-64"
    vnni = {64: "avx512vnni", 32: "avxvnni"}.get(size, "")
    return Host(triple, cpu, _flat(features), size, size >= 32, features.get(vnni, False))


def _flat(features: dict[str, bool]) -> str:
    return ",".join(f"{'+' if on else '-'}{name}" for name, on in sorted(features.items()))


def host() -> Host:
    """Return the CPU of this process; ``CHAINRULE_VECTOR`` narrows its vectors to 4 or 8 float32.

    Raises
    ------
    ValueError
        If the CPU has no vectors of the width asked for.
    """
    return _host(current().vector)


def supported() -> bool:
    """Whether code can be made for this process: 64 bits, little-endian."""
    return struct.calcsize("P") == 8 and sys.byteorder == "little"
