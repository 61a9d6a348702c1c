"""`python -m bench.mutation simplify data/features.py ...`: which changes no test notices.

A mutant is one small change: another comparison or operator, a constant beside the right one, a
negated condition, a statement left out, None returned, two arguments exchanged. The tests of a
package run once, traced, to find which of them reach which line. Then each mutant runs in a fork
against the tests that reach its line, the fastest first, until one fails; the import system serves
it in place of the file, so nothing in the tree is written, and `--jobs` may run at once.
(mutmut changes neither tables nor lambdas of modules, and its wrappers disturb traces; cosmic-ray
writes into the tree and begins anew each time.)

`--sample N` draws N mutants a package (60; 0: all), the same ones for one `--seed`.
`equivalent_mutants.txt` lists those that nothing can notice, each with the reason. No contest, so
`python -m bench` leaves it out.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import os
import pickle
import resource
import signal
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

from .mutants import ROOT, SOURCE, Mutant, mutants

EQUIVALENT = Path(__file__).with_name("equivalent_mutants.txt")
# Where the tests are not those of the folder of the same name, or not all
TESTS = {
    "autodiff": ["autodiff", "control/test_scan.py", "control/test_counted_loops.py"],
    "control": [f"control/test_{name}.py" for name in ("scan", "branches", "counted_loops")],
    "data/features.py": ["data/test_features.py", "data/test_column_values.py"],
    "export/rules.py": ["export", "primitives/test_exported_primitives.py"],
}  # fmt: skip
# Loaded before the forks, since loading takes a second
HEAVY = ("hypothesis", "llvmlite.binding", "mpmath", "numpy", "onnx", "onnxruntime", "optree",
         "pandas", "rich.console", "scipy.special", "scipy.stats", "sklearn.pipeline")  # fmt: skip
PYTEST = ["-q", "-x", "-n", "0", "-k", "not ctrl_c", "-p", "no:cacheprovider",
          "-W", "ignore::pytest.PytestWarning"]  # fmt: skip
MEMORY = 16 * 2**30  # bytes of addresses


class Reach:
    """A plugin of pytest that learns which test reaches which line, and how long tests take."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.test = ""  # in imports, and in fixtures that several tests share
        self.tests: dict[tuple[str, int], set[str]] = defaultdict(set)
        self.seconds: Counter[str] = Counter()

    def __call__(self, frame: Any, event: str, _arg: Any) -> Any:
        if event == "call" and not frame.f_code.co_filename.startswith(str(self.path)):
            return None
        own = frame.f_code.co_flags & inspect.CO_OPTIMIZED  # not the body of a module or a class
        self.tests[frame.f_code.co_filename, frame.f_lineno].add(self.test if own else "")
        return self

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self.test = item.nodeid
        result = yield
        self.test = ""
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Any:
        test, self.test = self.test, self.test if fixturedef.scope == "function" else ""
        result = yield
        self.test = test
        return result

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] += report.duration

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant, the fastest first; then all, if others may rest on it."""
        tests: set[str] = set()
        for lines in (mutant.lines, mutant.statement):
            tests = tests or set().union(*[self.tests[str(mutant.path), n] for n in lines])
        everything = {test.partition("::")[0] for test in self.seconds} if "" in tests else ()
        return sorted(tests - {""}, key=lambda test: self.seconds[test]) + sorted(everything)

    def limit(self, tests: list[str]) -> float:
        """Seconds after which a mutant hangs, on a busy machine."""
        return 60 + 5 * sum(
            seconds for test, seconds in self.seconds.items()
            if test in tests or test.partition("::")[0] in tests
        )  # fmt: skip


def forked(work: Callable[[], Any], log: Path) -> int:
    """The id of a process that works, prints to a file and ends with what the work returns."""
    if process := os.fork():
        return process
    status = 1
    try:
        os.setsid()
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        status = int(work())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def reach(path: Path, tests: list[str], folder: Path) -> Reach:
    """What the tests reach. They must pass."""
    result, log, plugin = folder / "reach", folder / "reach.log", Reach(path)

    def work() -> int:
        sys.settrace(plugin)
        threading.settrace(plugin)
        status = pytest.main([*PYTEST, *tests], [plugin])
        sys.settrace(None)
        result.write_bytes(pickle.dumps(plugin))
        return status

    _, status = os.waitpid(forked(work, log), 0)
    if status:
        sys.exit(f"the tests fail without a mutant:\n{log.read_text()}")
    found: Reach = pickle.loads(result.read_bytes())
    return found


def run(mutant: Mutant, tests: list[str]) -> int:
    """0 if no test fails on the mutant, which every import of the file gets."""
    original = SourceFileLoader.get_code

    def get_code(loader: Any, name: str) -> Any:
        if Path(loader.path) == mutant.path:
            return compile(mutant.source, loader.path, "exec", dont_inherit=True)
        return original(loader, name)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    return pytest.main([*PYTEST, *tests])


def verdicts(drawn: list[Mutant], reached: Reach, jobs: int, folder: Path) -> dict[Mutant, str]:
    """For each mutant "killed", "survived", "timed out" or "not reached"."""
    found = {mutant: "not reached" for mutant in drawn if not reached.of(mutant)}
    waiting = [mutant for mutant in drawn if mutant not in found]
    running: dict[int, tuple[Mutant, float]] = {}
    while waiting or running:
        while waiting and len(running) < jobs:
            mutant = waiting.pop(0)
            tests = reached.of(mutant)
            process = forked(lambda m=mutant, t=tests: run(m, t), folder / f"{len(waiting)}.log")
            running[process] = mutant, time.monotonic() + reached.limit(tests)
        time.sleep(0.05)
        for process, (mutant, end) in list(running.items()):
            done, status = os.waitpid(process, os.WNOHANG)
            if done:
                found[mutant] = "killed" if status else "survived"
            elif time.monotonic() > end:
                os.killpg(process, signal.SIGKILL)
                os.waitpid(process, 0)
                found[mutant] = "timed out"
            else:
                continue
            del running[process]
            print(f"{found[mutant]:9} {mutant.key}", file=sys.stderr, flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.mutation")
    parser.add_argument("names", nargs="+", help="packages or files of src/chainrule")
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    reasons = dict(line.rsplit(" | ", 1) for line in EQUIVALENT.read_text().splitlines())
    os.chdir(ROOT)
    for name in HEAVY:
        importlib.import_module(name)
    for name in options.names:
        path = SOURCE / name
        tests = [f"tests/{place}" for place in TESTS.get(name, [name.partition("/")[0]])]
        drawn = mutants(path, options.sample, options.seed)
        possible = {mutant.key for mutant in mutants(path)}
        for key in reasons:
            if key.startswith(name) and key not in possible:
                print(f"{EQUIVALENT.name} lists what is no mutant any more: {key}")
        with tempfile.TemporaryDirectory() as folder:
            reached = reach(path, tests, Path(folder))
            found = verdicts(drawn, reached, options.jobs, Path(folder))
        left = [m for m, verdict in found.items() if verdict in ("survived", "not reached")]
        known = [m for m in left if m.key in reasons]
        share = 1 - (len(left) - len(known)) / max(1, len(drawn) - len(known))
        counts = Counter(found.values())
        print(f"{name}: {len(drawn)} mutants, {dict(counts)}, {len(known)} of those that are left "
              f"are equivalent, {share:.0%} of the others are killed")  # fmt: skip
        for m in left:
            print(f"  {found[m]} {m.lines[0]}: {m.key} | {reasons.get(m.key, '')}", flush=True)


if __name__ == "__main__":
    main()
