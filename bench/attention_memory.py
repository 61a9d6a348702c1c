"""How much memory a training step of the GPT of `torch_gpt` takes.

`python -m bench.attention_memory LIBRARY` trains in a process of its own, as peaks never fall.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from tempfile import TemporaryDirectory

from . import torch_gpt
from .estimator_memory import MIB, ROOT, peak, resident
from .results import Kind

KIND = Kind(
    "Memory of a transformer's step",
    (
        f"A GPT of {torch_gpt.DEPTH} layers of {torch_gpt.DIM}, {torch_gpt.HEADS} heads,",
        f"{torch_gpt.STEPS} steps, batch {torch_gpt.BATCH}, float32, Adam; each in a process",
        "of its own. Before: what the process held with the library imported and the network made.",
        "Peak: the most that it ever held. `python -m bench attention_memory` measures it.",
    ),
    ("library", "before", "peak", "peak - before"),
)


def main(library: str) -> None:
    """Train for three steps; print the bytes held before, and held at most; and the loss."""
    if library == "chainrule":
        from . import gpt

        model = gpt.network()
        step = gpt.step_of(model)
    else:
        import torch

        torch.set_num_threads(1)
        step = torch_gpt.step_of(torch, torch_gpt.network(torch))
    before = resident()
    losses = [step() for _ in range(3)]
    print(before, peak(), losses[-1])


def measured(library: str, cache: str) -> tuple[int, int, float]:
    """What `main` prints, from a new process with a folder for compiled code."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.attention_memory", library], check=True, cwd=ROOT,
        stdout=subprocess.PIPE, text=True, env={**os.environ, "CHAINRULE_CACHE_DIR": cache},
    )  # fmt: skip
    before, most, loss = done.stdout.split()
    return int(before), int(most), float(loss)


def rows() -> Iterator[tuple[str, ...]]:
    with TemporaryDirectory() as cache:
        for case, library in (("chainrule, a new program", "chainrule"),
                              ("chainrule, compiled code on disk", "chainrule"),
                              ("PyTorch", "torch")):  # fmt: skip
            before, most, loss = measured(library, cache)
            assert 3.0 < loss < 5.5, loss  # near the logarithm of the number of codes
            yield (case, *(f"{count / MIB:.0f} MiB" for count in (before, most, most - before)))


if __name__ == "__main__":
    main(*sys.argv[1:])
