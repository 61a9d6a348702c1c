"""How long an import takes, each in a fresh interpreter; the peer is NumPy alone."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from .harness import Contest


def load(module: str) -> int:
    """Start Python, import, exit."""
    return subprocess.run([sys.executable, "-c", f"import {module}"], check=True).returncode


def contests() -> Iterator[Contest]:
    def same(a: int, b: int) -> None:
        assert a == b == 0

    yield Contest("a fresh interpreter", "import numpy", lambda: load("chainrule"),
                  lambda: load("numpy"), same, rounds=21)  # fmt: skip
