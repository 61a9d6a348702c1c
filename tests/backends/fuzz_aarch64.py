"""Code for 64-bit ARM (NEON), run by an emulator, beside the reference: not a part of the tests.

It needs Debian's `qemu-user` and `gcc-aarch64-linux-gnu`. Each program is assembled by LLVM for
that CPU, linked with the parts of the library that it calls and with the C program below, and run::

    python tests/backends/fuzz_aarch64.py          # the programs below, and 100 random graphs
    python tests/backends/fuzz_aarch64.py 1000 200 # these, and the graphs of seeds 200 to 1199

Threads take tiles one after the other; signals are not polled for. What NumPy, LAPACK or SciPy
computes in the middle of a program is not there: such graphs are counted as left out.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_graphs import compare, differences, shared
from stages import simplified

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.emit.module import emit
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.kernels.symbols import PARTS, RUNTIME
from chainrule.backends.llvm.layout.frame import ARENA, FIRST_ARGUMENT, STATUS
from chainrule.backends.llvm.plan.plan import plan
from chainrule.backends.llvm.program.link import link
from chainrule.backends.llvm.runtime import symbols
from chainrule.backends.llvm.runtime.library_text import part_text
from chainrule.backends.llvm.schedule.schedule import schedule
from chainrule.backends.llvm.target import host
from chainrule.backends.llvm.target.assembler import assemble
from chainrule.config import configured
from chainrule.graph.graph import Graph

CPU = host.Host("aarch64-unknown-linux-gnu", "generic", "+neon", vector_bytes=16, fma=True)
COMPILER, EMULATOR = "aarch64-linux-gnu-gcc", ("qemu-aarch64", "-L", "/usr/aarch64-linux-gnu")
DRIVER = r"""
#include <stdio.h>
#include <stdlib.h>
#include <stdint.h>
int32_t program(int64_t *frame);
int32_t polled(void *frame) { return 0; }
void autotune(void *frame, void *state, int64_t turn) {}
void parallel(void *pool, void (*task)(void *, int64_t), void *frame, int64_t tiles) {
    for (int64_t k = 0; k < tiles; k++) task(frame, k);
}
static void *memory(int64_t bytes) { return aligned_alloc(64, (bytes + 127) / 64 * 64); }
int main(int count, char **names) {
    FILE *in = fopen(names[1], "rb"), *out = fopen(names[2], "wb");
    int64_t head[3];                       /* words of the frame, bytes of the arena, arrays */
    fread(head, 8, 3, in);
    int64_t *frame = calloc(head[0] + 1, 8), (*arrays)[3] = calloc(head[2] + 1, 24);
    frame[ARENA] = (int64_t)memory(head[1]);
    for (int64_t k = 0; k < head[2]; k++) { /* word, bytes, whether it is a result */
        fread(arrays[k], 8, 3, in);
        void *data = memory(arrays[k][1]);
        if (!arrays[k][2]) fread(data, 1, arrays[k][1], in);
        frame[arrays[k][0]] = (int64_t)data;
    }
    int64_t status = program(frame);
    fwrite(&status, 8, 1, out);
    for (int64_t k = 0; k < head[2]; k++)
        if (arrays[k][2]) fwrite((void *)frame[arrays[k][0]], 1, arrays[k][1], out);
    return fclose(out);
}
"""


class LeftOut(Exception):
    """A graph that calls what is not there."""


class Emulated:
    """A backend whose programs run in the emulator."""

    name = "aarch64"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        source = folder / "driver.c"
        source.write_text(DRIVER.replace("ARENA", str(ARENA)), encoding="utf-8")
        self.driver = self._object(source)

    def compile(self, graph: Graph, **_: Any) -> Callable[[Sequence[Any]], list[Any]]:
        """Return the program of a graph."""
        scheduled = schedule(plan(fuse(graph)))
        module = emit(scheduled)
        executable = link(scheduled, module, symbols())
        if any(not call.rare for call in executable.numpy_calls):
            raise LeftOut
        parts = {part for part, names in PARTS.items() for name in names
                 if name in executable.symbols and part != RUNTIME}  # fmt: skip
        here = {name for part in (*parts, RUNTIME) for name in PARTS[part]}
        if set(executable.symbols) - here - {"sin", "cos", "fmod", "fmodf", "fma", "fmaf"}:
            raise LeftOut
        code = self.folder / "program.o"
        text = module.text.replace("@main(", "@program(").replace("@poll(", "@polled(")
        code.write_bytes(assemble(text))
        binary = self.folder / "program"
        objects = [self.driver, code, *map(self._part, sorted(parts))]
        subprocess.run([COMPILER, "-static", "-o", binary, *objects, "-lm"], check=True)
        return lambda arguments: self._run(binary, graph, executable, arguments)

    def _run(self, binary: Path, graph: Graph, executable: Any, arguments: Sequence[Any]) -> Any:
        """Return the outputs that the emulator computes."""
        given = [np.require(x, t.dtype, ["C"]) for x, t in
                 zip(arguments, graph.input_types, strict=True)]  # fmt: skip
        results = [np.empty(t.shape, t.dtype) for t in graph.output_types]
        arrays = [(FIRST_ARGUMENT + k, x) for k, x in enumerate((*given, *results))]
        arrays += [(word, np.ascontiguousarray(node.value))
                   for node, word in executable.constants]  # fmt: skip
        written = range(len(given), len(given) + len(results))
        data, out = self.folder / "in", self.folder / "out"
        with data.open("wb") as file:
            file.write(np.array([executable.n_words, executable.arena_bytes, len(arrays)]))
            for k, (word, x) in enumerate(arrays):
                file.write(np.array([word, x.nbytes, k in written]))
                file.write(b"" if k in written else x.tobytes())
        subprocess.run([*EMULATOR, binary, data, out], check=True)
        raw = out.read_bytes()
        if status := int(np.frombuffer(raw, np.int64, 1)[0]):
            raise IndexError(f"{status}: an index is out of bounds ({STATUS})")
        start = 8
        for x in results:
            x.flat = np.frombuffer(raw, x.dtype, x.size, start)
            start += x.nbytes
        return results

    def _part(self, part: str) -> Path:
        """Return a part of the library as an object file."""
        path = self.folder / f"{part}.o"
        if not path.exists():
            path.write_bytes(assemble(part_text(part, CPU)))
        return path

    def _object(self, source: Path) -> Path:
        path = source.with_suffix(".o")
        subprocess.run([COMPILER, "-O1", "-w", "-c", source, "-o", path], check=True)
        return path


def programs() -> dict[str, tuple[Callable[..., Any], tuple[Any, ...]]]:
    """Functions and their arguments: what random graphs are too small for."""
    rng = np.random.default_rng(0)

    def normal(*shape: int, dtype: Any = np.float32) -> Any:
        return rng.normal(size=shape).astype(dtype)

    def step(state: Any, x: Any) -> Any:
        state = np.tanh(state @ x) + 0.1
        return state, np.sum(state, axis=-1)

    def network(p: Any, x: Any, y: Any) -> Any:
        h = np.maximum(x @ p[0] + p[1], 0)
        return np.mean((h @ p[2] - y) ** 2)

    def train(p: Any, x: Any, y: Any) -> Any:
        def turn(p: Any, _: Any) -> Any:
            g = cr.grad(network)(p, x, y)
            return [a - np.float32(0.1) * b for a, b in zip(p, g, strict=True)], None

        return cr.scan(turn, p, None, length=3)[0]

    functions = ["exp", "log1p", "tanh", "sin", "cos", "arctan", "sqrt", "cbrt", "expm1", "log2"]
    cases: dict[str, tuple[Callable[..., Any], tuple[Any, ...]]] = {}
    for dtype in (np.float32, np.float64):
        name = np.dtype(dtype).name
        x, m = np.abs(normal(1003, dtype=dtype)), normal(37, 41, dtype=dtype)
        for function in functions:
            cases[f"{function} {name}"] = getattr(np, function), (x,)
        for reduction in ("sum", "max", "min", "argmax", "argmin", "sort", "argsort", "cumsum"):
            f = getattr(np, reduction)
            for axis in (0, 1):
                cases[f"{reduction} {axis} {name}"] = (lambda m, f=f, a=axis: f(m, axis=a)), (m,)
        for k, (a, b, c) in enumerate([(5, 7, 9), (130, 600, 70), (3, 900, 300), (150, 520, 1100)]):
            left, right = normal(a, b, dtype=dtype), normal(b, c, dtype=dtype)
            cases[f"matmul {k} {name}"] = np.matmul, (left, right)
            cases[f"matmul {k} TN {name}"] = (lambda x, y: x.T @ y), (left.T.copy(), right)
            cases[f"matmul {k} NT {name}"] = (lambda x, y: x @ y.T), (left, right.T.copy())
        cases[f"scan {name}"] = (
            lambda s, xs: cr.scan(step, s, xs), (normal(12, 40, dtype=dtype),
                                                 normal(6, 40, 40, dtype=dtype) / 6))  # fmt: skip
    p = [normal(30, 65), normal(65), normal(65, 3)]
    cases["training"] = train, (p, normal(50, 30), normal(50, 3))
    return cases


def main(count: int = 100, start: int = 0) -> int:
    """Run all programs, and random graphs; how many were wrong."""
    host.binding.initialize_all_targets()
    host.binding.initialize_all_asmprinters()
    host._host = lambda width: CPU
    failed = left_out = right = 0
    with tempfile.TemporaryDirectory() as folder, configured(check=1, cache=0, num_threads=1):
        BACKENDS["aarch64"] = Emulated(Path(folder))  # type: ignore[index]
        tasks: list[tuple[str, Any, Callable[[], str]]] = []
        for name, (f, arguments) in programs().items():

            def run(f: Any = f, arguments: Any = arguments) -> str:
                leaves = cr.tree.leaves(arguments)
                return compare(simplified(f, *arguments), leaves, "aarch64")

            tasks.append((name, nullcontext(), run))
        for seed in range(start, start + count):
            several = shared(adaptive=seed % 4 == 3) if seed % 2 else nullcontext()
            tasks.append((f"seed {seed}", several, lambda s=seed: differences(s, "aarch64")))
        for name, threads, task in tasks:
            try:
                with threads:
                    wrong = task()
            except LeftOut:
                left_out += 1
                continue
            failed += bool(wrong)
            right += not wrong
            if wrong:
                print(f"{name}: {wrong}", flush=True)
    print(f"{right} programs right, {failed} wrong, {left_out} left out")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
