"""Tests on code for 64-bit ARM (NEON), run under emulation: `python -m bench.aarch64 [PYTEST ...]`.

Each graph that a test compiles becomes an object file for aarch64, is linked with a small driver,
and runs under qemu; the tests compare results as they always do. It needs what Debian calls
qemu-user, gcc-aarch64-linux-gnu and libc6-dev-arm64-cross. Without arguments it runs tests that
compare native code with NumPy for all kinds of instructions.

What calls back into this process (computations by NumPy or SciPy) is evaluated by the reference;
how many programs that were is said at the end. Tests of what only this process can do (code on
disk, LAPACK's symbols) are left out by `LEFT_OUT`.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import pytest

TESTS = (
    "tests/primitives/test_primitives.py", "tests/primitives/test_exported_primitives.py",
    "tests/backends/test_fuzz.py", "tests/backends/llvm/kernels/test_math_functions.py",
    "tests/backends/llvm/kernels/test_sorting.py", "tests/backends/llvm/instructions",
    "tests/backends/llvm/kernels/test_matrix_functions.py",
    "tests/control", "tests/nn", "tests/optim", "tests/losses",
)  # fmt: skip
LEFT_OUT = "not (usable or lapack or on_disk)"
PACKAGES = "qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross"


def pytest_sessionstart() -> None:
    """Exchange the backend, once the tests' own conftest.py has loaded the library."""
    import_module("bench.emulation").install()


def pytest_terminal_summary(terminalreporter: Any) -> None:
    emulation = import_module("bench.emulation")
    terminalreporter.write_line(f"programs for {emulation.TRIPLE}: {dict(emulation.outcomes)}")
    shutil.rmtree(emulation.folder(), ignore_errors=True)


def main(arguments: Sequence[str]) -> int:
    for name in ("qemu-aarch64", "aarch64-linux-gnu-gcc", "aarch64-linux-gnu-objcopy"):
        if shutil.which(name) is None:
            sys.exit(f"there is no {name}: apt-get install {PACKAGES}")
    os.environ["CHAINRULE_CACHE"] = "0"
    return int(
        pytest.main(["-p", "bench.aarch64", "-n", "0", "-q", *(arguments or TESTS), "-k", LEFT_OUT])
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
