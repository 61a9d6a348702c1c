"""The peers that may not be installed: a contest against one that is absent is left out."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from time import perf_counter, process_time
from typing import Any


def usable_cpus() -> set[int]:
    """The CPUs that this process may run on; where the system does not tell, all."""
    if hasattr(os, "sched_getaffinity"):
        return set(os.sched_getaffinity(0))
    return set(range(os.cpu_count() or 1))


THREADS = len(usable_cpus())  # of both sides: `python -m bench` keeps a process on so many cores
# Of short calls: what one thread uses does not change with what else the machine does
CLOCK = process_time if THREADS == 1 else perf_counter


def prepare() -> None:
    """Let NumPy's OpenBLAS choose its kernels, and let threads sleep when their work is done.

    Whatever the environment says of the CPU is dropped: with the kernels for AVX2 OpenBLAS is half
    as fast on one that has AVX-512. Its workers, and PyTorch's, go on spinning for up to 100 ms, on
    the CPU of whoever runs next; half a millisecond (2**20 ticks; 30,000 pauses) makes them no
    slower. All this is read when the libraries are loaded. And new interpreters may keep the
    bytecode of what they import, as they usually do.
    """
    for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE", "PYTHONDONTWRITEBYTECODE"):
        os.environ.pop(name, None)
    os.environ["OPENBLAS_THREAD_TIMEOUT"] = "20"
    os.environ["GOMP_SPINCOUNT"] = "30000"


def installed(name: str) -> bool:
    """Whether a peer is there; says so if it is not."""
    if find_spec(name) is not None:
        return True
    print(f"{name} is not installed: its contests are left out", file=sys.stderr)
    return False


def jax() -> Any:
    """JAX at its best for small work on a CPU: no asynchronous dispatch, float64 allowed."""
    if not installed("jax"):
        return None
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    import jax

    jax.config.update("jax_cpu_enable_async_dispatch", False)
    jax.config.update("jax_enable_x64", True)
    return jax


def torch(threads: int = THREADS) -> Any:
    """PyTorch with as many threads as all others have."""
    if not installed("torch"):
        return None
    import torch

    torch.set_num_threads(threads)
    return torch
