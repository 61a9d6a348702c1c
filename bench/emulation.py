"""Graphs as programs for 64-bit ARM (NEON), each linked with a small driver and run under qemu."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

import chainrule as cr
from chainrule.backends import BACKENDS
from chainrule.backends.base import NO_NUMBERS, NOTHING_DONATED, Donated, FastCall, Program
from chainrule.backends.llvm.emit.module import emit
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.ir.builder import Module
from chainrule.backends.llvm.kernels.symbols import MATMULS, SORT
from chainrule.backends.llvm.layout.frame import FAILED, FIRST_ARGUMENT
from chainrule.backends.llvm.plan.plan import plan
from chainrule.backends.llvm.program.executable import Executable
from chainrule.backends.llvm.program.link import link
from chainrule.backends.llvm.runtime import is_symbol, symbols
from chainrule.backends.llvm.runtime.autotune import write_autotune
from chainrule.backends.llvm.runtime.library_text import part_text
from chainrule.backends.llvm.runtime.poll import write_poll
from chainrule.backends.llvm.schedule.schedule import schedule
from chainrule.backends.llvm.target import host as hosts
from chainrule.backends.llvm.target.assembler import assemble
from chainrule.graph.graph import Graph
from chainrule.lazy import computed

pool_code = import_module("chainrule.backends.llvm.runtime.pool")  # not the function

TRIPLE, TOOLS = "aarch64-unknown-linux-gnu", "aarch64-linux-gnu"
ARM = hosts.Host(TRIPLE, "generic", "+neon", 16, True)
SYSROOT = f"/usr/{TOOLS}"
QEMU = "qemu-aarch64"
outcomes: Counter[str] = Counter()


@contextmanager
def for_arm() -> Iterator[None]:
    """Make code for ARM meanwhile."""
    before = hosts._host
    hosts._host = lambda _: ARM  # type: ignore[assignment]
    try:
        with cr.configured(num_threads=1):
            yield
    finally:
        hosts._host = before


@cache
def folder() -> Path:
    return Path(mkdtemp(prefix="aarch64-"))


def _run(*command: str | Path) -> None:
    subprocess.run([str(word) for word in command], check=True)


@cache
def library() -> list[Path]:
    """The object files that each program is linked with: the driver, and the library's parts."""
    runtime = Module()
    pool_code._X86 = False  # which is asked of this machine
    pool_code.write_pool(runtime)
    write_autotune(runtime)
    write_poll(runtime, x86=False)
    objects = [folder() / "driver.o"]
    _run(
        f"{TOOLS}-gcc", "-O1", "-c", Path(__file__).with_name("aarch64_driver.c"), "-o", objects[0]
    )
    texts = {
        "pieces": runtime.text(TRIPLE),
        **{name: part_text(name, ARM) for name in (*MATMULS, SORT)},
    }
    for name, text in texts.items():
        objects.append(folder() / f"{name}.o")
        with for_arm():
            objects[-1].write_bytes(assemble(text))
    return objects


class Emulated:
    """A program whose calls run under emulation."""

    threads = 1

    def __init__(self, graph: Graph, donated: Donated, executable: Executable, code: bytes) -> None:
        self.graph, self.donated = graph, donated
        self.inputs = graph.input_types
        self.outputs = tuple(t for k, t in enumerate(graph.output_types) if k not in donated)
        self.executable, self._code = executable, code
        self.name = f"program{sum(outcomes.values())}"

    @property
    def arena_bytes(self) -> int:
        return self.executable.arena_bytes

    @computed
    def binary(self) -> Path:
        """The linked program."""
        code, result = folder() / f"{self.name}.o", folder() / self.name
        code.write_bytes(self._code)
        _run(f"{TOOLS}-objcopy", "--redefine-sym", "main=program", code)
        _run(f"{TOOLS}-gcc", "-static", "-o", result, code, *library(), "-lm")
        code.unlink()
        return result

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        inputs = [
            np.array(x, t.dtype, order="C") for x, t in zip(arguments, self.inputs, strict=True)
        ]
        results = [np.empty(t.shape, t.dtype) for t in self.outputs]
        constants = [
            (word, np.ascontiguousarray(node.value)) for node, word in self.executable.constants
        ]
        arrays = [*enumerate((*inputs, *results), FIRST_ARGUMENT), *constants]
        given, come = folder() / f"{self.name}.in", folder() / f"{self.name}.out"
        head = np.array([self.executable.n_words, self.arena_bytes, len(arrays)], np.int64)
        parts = [head.tobytes()]
        for word, array in arrays:
            parts += [np.array([word, array.nbytes], np.int64).tobytes(), array.tobytes()]
        given.write_bytes(b"".join(parts))
        _run(QEMU, "-L", SYSROOT, self.binary, given, come)
        data = come.read_bytes()
        status, position = int.from_bytes(data[:8], "little", signed=True), 8
        if status > 0:
            raise IndexError(f"an index is out of bounds: check {status}")
        if status == FAILED:  # a rare case that native code leaves to NumPy
            return BACKENDS["numpy"].compile(self.graph, donated=self.donated)(arguments)
        assert not status, status
        for (_, array), argument in zip(arrays, (*arguments, *results), strict=False):
            new = np.frombuffer(data, array.dtype, array.size, position).reshape(array.shape)
            if isinstance(argument, np.ndarray) and argument.flags.writeable:
                argument[...] = new  # a donated one, or a result
            position += array.nbytes
        return [r if r.ndim else r[()] for r in results]

    def instruction_times(self) -> list[Any]:
        return []

    def fast_call(self, single: bool = False, numbers: Mapping[int, type] = NO_NUMBERS) -> FastCall:
        return lambda *_: None


class ArmBackend:
    """Stands for the native backend."""

    name = "llvm"

    def compile(
        self, graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
    ) -> Program:
        with for_arm():
            try:
                scheduled = schedule(plan(fuse(graph), donated))
                module = emit(scheduled)
            except KeyError:  # complex numbers, which are split into pairs before
                outcomes["by the reference"] += 1
                return BACKENDS["numpy"].compile(graph, donated=donated)
            executable = link(scheduled, module, symbols())
            calls = [call for call in executable.numpy_calls if not call.rare]
            if calls or any(map(is_symbol, executable.symbols)):
                outcomes["by the reference"] += 1
                return BACKENDS["numpy"].compile(graph, donated=donated)
            outcomes["emulated"] += 1
            return Emulated(graph, donated, executable, assemble(module.text))


def install() -> None:
    """Let all native code be for ARM from now on."""
    hosts.binding.initialize_all_targets()
    hosts.binding.initialize_all_asmprinters()
    BACKENDS["llvm"] = ArmBackend()
