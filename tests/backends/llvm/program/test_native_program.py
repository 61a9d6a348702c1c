"""Signals, threads, forks, errors and memory of compiled code while it runs."""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import tomllib
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule.backends import BACKENDS, compile_graph
from chainrule.backends.llvm.backend import LlvmBackend
from chainrule.backends.llvm.runtime.pool import _ACTIVE, _pools
from chainrule.backends.llvm.target import assembler, host
from chainrule.config import configured
from chainrule.errors import CompileError
from chainrule.forks import compiling

ROOT = Path(__file__).parents[4]
ENDLESS = """
import numpy as np, chainrule as cr
f = cr.jit(lambda w: cr.while_loop(lambda c: c[0] < np.inf, lambda c: c * 0.5 + 1.0, w))
cr.jit(lambda x: x + 1)(1.0)
try:
    print("ready", flush=True)
    f(np.ones(3))
except KeyboardInterrupt:
    print("stopped")
"""


def test_ctrl_c_ends_an_endless_loop() -> None:
    """KeyboardInterrupt arrives."""
    process = subprocess.Popen(
        [sys.executable, "-c", ENDLESS], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(0.5)  # most often it is in the loop by then
    process.send_signal(signal.SIGINT)
    try:
        assert process.communicate(timeout=600)[0] == "stopped\n"
    finally:
        process.kill()  # where SIGINT is ignored, it would run for ever


class Alarm(Exception):
    """What a user's own handler raises."""


@pytest.mark.usefixtures("_threads_as_before")
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX timers")
def test_no_thread_spins_after_an_interrupt() -> None:
    """Interrupted at 300 moments around shared work, the workers park all the same."""

    def handler(*_: object) -> None:
        raise Alarm

    cr.set_num_threads(2)
    f = cr.jit(lambda x: np.tanh(x @ x))
    x = np.random.default_rng(0).normal(size=(160, 160)) * 0.1
    expected = f(x)
    before = signal.signal(signal.SIGALRM, handler)
    draw = np.random.default_rng(1)
    try:
        for _ in range(300):
            with suppress(Alarm):
                signal.setitimer(signal.ITIMER_REAL, draw.uniform(1e-5, 2e-3))
                while True:
                    f(x)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    workers = _pools[2]
    assert ctypes.c_int64.from_address(workers.address + _ACTIVE).value == 0
    end = time.monotonic() + 600
    while workers._awake[0] and time.monotonic() < end:  # until they park
        time.sleep(0.01)
    assert workers._awake[0] == 0
    np.testing.assert_array_equal(f(x), expected)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="POSIX timers")
def test_a_handler_s_own_exception_goes_on() -> None:
    """What the handler raised is what the call raises; the function still works afterwards."""

    def handler(*_: object) -> None:
        raise Alarm("mine")

    turns = cr.jit(
        lambda w, n: cr.while_loop(lambda c: c[1] < n, lambda c: (c[0] * 0.5 + 1, c[1] + 1), (w, 0))
    )
    turns(np.ones(2), 1)
    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        with pytest.raises(Alarm, match="mine"):
            turns(np.ones(2), 10**15)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    np.testing.assert_array_equal(turns(np.ones(2), 2)[0], [1.75, 1.75])


def test_python_runs_beside_compiled_code() -> None:
    """The lock of the interpreter is free: another thread counts on, and ends an endless loop."""
    f = cr.jit(lambda w, n: cr.while_loop(lambda c: c[1] < n, lambda c: (c[0] * 0.5, c[1] + 1),
                                          (w, 0)))  # fmt: skip
    f(np.ones(2), 1)
    counted: list[int] = []

    def count() -> None:
        time.sleep(0.1)  # most often the loop runs by then
        counted.extend(range(1000))
        os.kill(os.getpid(), signal.SIGALRM)

    def handler(*_: object) -> None:
        raise Alarm

    before = signal.signal(signal.SIGALRM, handler)
    thread = threading.Thread(target=count)
    try:
        thread.start()
        with pytest.raises(Alarm):
            f(np.ones(2), 2**62)
    finally:
        thread.join()
        signal.signal(signal.SIGALRM, before)
    assert list(range(1000)) == counted


def test_two_threads_in_one_function() -> None:
    """Each call has its own memory."""
    f = cr.jit(lambda x: cr.fori_loop(0, 200, lambda i, c: np.tanh(c @ x) + c, x))
    inputs = [np.random.default_rng(k).normal(size=(20, 20)) * 0.1 for k in range(8)]
    expected = [f(x) for x in inputs]
    results: list[object] = [None] * 8

    def work(k: int) -> None:
        for _ in range(20):
            results[k] = f(inputs[k])

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for a, b in zip(expected, results, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.fixture
def _threads_as_before():
    yield
    cr.set_num_threads(0)


def heavy(x):
    """Products and maps that are long enough to be shared."""
    return cr.fori_loop(0, 3, lambda i, c: np.tanh(c @ x) * np.exp(-c), x)


@pytest.mark.usefixtures("_threads_as_before")
def test_any_number_of_threads_gives_the_same_bits() -> None:
    """1, 2, 3 and 7 threads: not one bit differs."""
    x = np.random.default_rng(0).normal(size=(301, 301)).astype(np.float32) * 0.1
    results = []
    for n in (1, 2, 3, 7):
        cr.set_num_threads(n)
        assert cr.get_num_threads() == n
        results.append(cr.jit(heavy)(x))
    for other in results[1:]:
        np.testing.assert_array_equal(results[0], other)
    with pytest.raises(ValueError, match="give 1 or more"):
        cr.set_num_threads(-1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.usefixtures("_threads_as_before")
def test_a_fork_has_its_own_workers() -> None:
    """A child of a process whose pool has run computes the same, and ends."""
    cr.set_num_threads(2)
    x = np.random.default_rng(0).normal(size=(301, 301)).astype(np.float32) * 0.1
    f = cr.jit(heavy)
    expected = f(x)
    child = os.fork()
    if child == 0:
        os._exit(0 if np.array_equal(f(x), expected) else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_an_index_out_of_bounds() -> None:
    """IndexError, as NumPy's, names the line; valid calls before and after are fine."""
    f = cr.jit(lambda x, i: x[i] * 2.0)
    x = np.arange(5.0)
    np.testing.assert_array_equal(f(x, np.array([4, -5])), [8.0, 0.0])
    for bad in (5, -6, 10**12):
        with pytest.raises(IndexError, match=r"test_native_program.*out of bounds.*\(5,\)"):
            f(x, np.array([0, bad]))
    np.testing.assert_array_equal(f(x, np.array([1, 2])), [2.0, 4.0])


def test_an_error_in_the_reference_goes_on() -> None:
    """What a node that NumPy computes raises, the call raises."""
    f = cr.jit(lambda x, i: x.astype(np.float16)[i])
    assert f(np.arange(4.0), np.array([2]))[0] == 2.0
    with pytest.raises(IndexError, match="out of bounds"):
        f(np.arange(4.0), np.array([9]))


def test_without_native_code_the_reference_computes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One warning, then NumPy."""

    def fails(*_: object) -> None:
        raise CompileError("no such CPU")

    monkeypatch.setattr("chainrule.backends.compiling._warned", set())
    monkeypatch.setattr(LlvmBackend, "compile", fails)
    for _ in range(2):
        graph = cr.make_graph(lambda x: x + 1.0)(np.ones(2))
        np.testing.assert_array_equal(compile_graph(graph)([np.ones(2)])[0], [2.0, 2.0])
    assert capsys.readouterr().err.count("no such CPU") == 1


def test_the_oldest_llvmlite_is_the_one_that_is_asked_for() -> None:
    """pyproject.toml's bound is that of the code; tests/backends pass with it."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"llvmlite>={host.OLDEST[1]}" in project["dependencies"]


def test_an_old_llvmlite_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """An LLVM whose pointers have types is refused before it says that our text is wrong."""
    assert (20, 0) <= host.binding.llvm_version_info
    monkeypatch.setattr(host, "binding", SimpleNamespace(llvm_version_info=(15, 0, 7)))
    host._detected.cache_clear()
    try:
        with pytest.raises(CompileError, match=r"LLVM 15.0.7 .* is too old: pip install 'llvmlite"):
            host._detected()
    finally:
        host._detected.cache_clear()


def test_arguments_laid_out_anyhow() -> None:
    """Steps, Fortran order, other byte order, no alignment: the same results."""
    f = cr.jit(lambda x: x * 2.0 + x[0, 0])
    x = np.arange(12.0).reshape(3, 4)
    room = np.zeros(x.nbytes + 1, np.uint8)
    odd = room[1:].view(np.float64).reshape(3, 4)
    odd[...] = x
    assert not odd.flags.aligned
    frozen = x.copy()
    frozen.flags.writeable = False
    for same in (np.asfortranarray(x), np.repeat(x, 2, axis=1)[:, ::2], odd, frozen):
        np.testing.assert_array_equal(f(same), x * 2)


def resident() -> int:
    """Bytes of memory that the process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_programs_that_are_dropped_leave_nothing() -> None:
    """After 350 to warm up, 500 compiles and drops take less than 6 KiB each."""

    def compile_some(count: int) -> None:
        for k in range(count):
            graph = cr.make_graph(lambda x, k=k: np.sum(np.tanh(x) * (1.0 + k)))(np.ones(5))
            assert BACKENDS["llvm"].compile(graph)([np.zeros(5)])[0] == 0.0
        gc.collect()

    with configured(check=0):
        compile_some(350)
        before = resident()
        compile_some(500)
        assert (resident() - before) / 500 < 6 * 1024


def test_the_arena_is_small() -> None:
    """A chain of 50 products needs room for a few of its matrices, not for all."""

    def chain(x):
        for _ in range(50):
            x = np.tanh(x @ x)
        return x

    graph = cr.make_graph(chain)(np.ones((64, 64)))
    program = BACKENDS["llvm"].compile(graph)
    assert program.arena_bytes < 4 * 64 * 64 * 8 + 100_000
    assert ctypes.sizeof(ctypes.c_void_p) == 8


def test_debug_output_names_what_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """2 times each instruction, 4 prints the plan with its loop, 5 IR and assembly."""
    with configured(debug=5):
        f = cr.jit(lambda w: cr.fori_loop(0, 3, lambda i, w: w - 0.1 * (w @ w), w))
        f(np.eye(4))
    said = capsys.readouterr().err
    assert "3 iterations:" in said
    assert "matmul 4 x 4 x 4" in said
    assert "define  i32 @main(ptr %frame)" in said
    assert "3 x  matmul 4 x 4 x 4" in said


def test_the_garbage_collector_does_not_end_loaded_code() -> None:
    """In a cycle it is garbage with all that it knows; LLVM's part waits for the lock, which
    another thread has, and which forks wait for.
    """
    free, asked = threading.Event(), threading.Event()

    def use_llvm() -> None:
        with compiling:
            asked.set()
            free.wait(60)

    cycle: list[Any] = [cr.jit(lambda x: x * 3.0 + 1.0).compile(np.ones(7))]
    cycle.append(cycle)
    before = len(assembler._loaded)
    thread = threading.Thread(target=use_llvm)
    thread.start()
    asked.wait(60)
    try:
        waiting = len(assembler._dropped)
        del cycle
        gc.collect()
        dropped = assembler._dropped[waiting:]
        assert len(dropped) == before - len(assembler._loaded) > 0
        assert all(not library.closed for _, library in dropped)
    finally:
        free.set()
        thread.join()
