"""The peers that may not be installed: a contest against one that is absent is left out."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any


def jax() -> Any:
    """JAX at its best for small work on a CPU: no asynchronous dispatch, float64 allowed."""
    if find_spec("jax") is None:
        print("jax is not installed: its contests are left out", file=sys.stderr)
        return None
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_enable_x64", True)
    return jax
