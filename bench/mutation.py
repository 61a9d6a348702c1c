"""`python -m bench.mutation autodiff data/features.py ...`: which changes no test notices.

A mutant is one small change: another comparison or operator, a constant beside the right one, a
negated condition, a statement left out, None returned, two arguments exchanged. The tests of a
package run once, traced, to find which of them reach which line. Then each mutant runs in a fork
against the tests that reach its line, the fastest first, until one fails; the import system serves
it in place of the file, so nothing in the tree is written and `--jobs` may run at once.

`--sample N` draws N mutants a package (60; 0: all), the same ones for one `--seed`.
`equivalent_mutants.txt` lists those that nothing can notice, with the reason. No contest, so
`python -m bench` leaves it out.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
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
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "chainrule"
EQUIVALENT = Path(__file__).with_name("equivalent_mutants.txt")
# Where the tests are not those of the folder of the same name: tests of one file, or others, too
TESTS = {
    "autodiff": ["autodiff", "control/test_scan.py", "control/test_branches.py",
                 "transforms/test_gradient.py", "transforms/test_closed_forms.py"],
    "control": ["control", "transforms/test_structural.py"],
    "data/features.py": ["data/test_features.py", "data/test_readings.py", "data/test_tables.py"],
    "export/rules.py": ["export", "primitives/test_exported_primitives.py"],
    "simplify": ["simplify", "control/test_scan.py", "control/test_pairs.py"],
}  # fmt: skip
# Loaded before the forks, since loading takes a second
HEAVY = ("hypothesis", "llvmlite.binding", "mpmath", "numpy", "onnx", "onnxruntime", "optree",
         "pandas", "rich.console", "scipy.special", "scipy.stats", "sklearn.pipeline")  # fmt: skip
PYTEST = [
    "-q",
    "-x",
    "-n",
    "0",
    "-k",
    "not ctrl_c",
    "-p",
    "no:cacheprovider",
    "-W",
    "ignore::pytest.PytestWarning",
]
ADDRESS_SPACE = 16 * 2**30
CRASHED = 99
OTHER = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


def replacements(node: ast.AST) -> Iterator[tuple[Any, str]]:
    """What the operators of mutation do with one node: the part they replace, and by what."""
    match node:
        case ast.Compare(left, ops, right):
            for k, op in enumerate(ops):
                changed = [*ops[:k], OTHER[type(op)](), *ops[k + 1 :]]
                yield node, f"({ast.unparse(ast.Compare(left, changed, right))})"
        case ast.BinOp(left, op, right) if type(op) in OTHER:
            yield node, f"({ast.unparse(ast.BinOp(left, OTHER[type(op)](), right))})"
        case ast.BoolOp(op, values):
            yield node, f"({ast.unparse(ast.BoolOp(OTHER[type(op)](), values))})"
        case ast.UnaryOp(ast.USub() | ast.Not(), operand):
            yield node, f"({ast.unparse(operand)})"
        case ast.Constant(bool(value)):
            yield node, str(not value)
        case ast.Constant(int(value) | float(value)):
            yield node, f"({value + 1})"
            yield node, f"({value - 1})"
        case ast.If(test) | ast.While(test) | ast.IfExp(test):
            yield test, f"(not ({ast.unparse(test)}))"
        case ast.comprehension(ifs=tests):
            for test in tests:
                yield test, f"(not ({ast.unparse(test)}))"
        case ast.Return(ast.expr() as value) if not isinstance(value, ast.Constant):
            yield value, "None"
        case ast.Call(function, [first, second, *rest], keywords):
            if type(first) is type(second) and ast.dump(first) != ast.dump(second):
                swapped = ast.Call(function, [second, first, *rest], keywords)
                yield node, ast.unparse(swapped)
        case ast.Expr(ast.Call()) | ast.Assign([ast.Subscript() | ast.Attribute()]):
            yield node, "pass"
        case ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete():
            yield node, "pass"


@dataclass(frozen=True)
class Mutant:
    """A file with the bytes from `start` to `stop` replaced by `text`."""

    path: Path
    lines: range  # of what is replaced
    statement: range  # the lines of the statement around it
    start: int
    stop: int
    text: str

    @property
    def file(self) -> str:
        return str(self.path.relative_to(SOURCE))

    @property
    def source(self) -> bytes:
        old = self.path.read_bytes()
        return old[: self.start] + self.text.encode() + old[self.stop :]

    @property
    def key(self) -> str:
        """The file, and the changed lines before and after: what the list of equivalents names."""
        old, new = self.path.read_bytes(), self.source
        begin = old.rfind(b"\n", 0, self.start) + 1
        end = len(old) - old.find(b"\n", self.stop)
        lines = [" ".join(code[begin : len(code) - end].decode().split()) for code in (old, new)]
        return f"{self.file} | {lines[0]} | {lines[1]}"


class Finder(ast.NodeVisitor):
    """All mutants of a file: of what runs, hence not of types, docstrings and decorators."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[Mutant] = []
        source = path.read_bytes()
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.statement = range(0)
        self.visit(ast.parse(source))

    def visit(self, node: Any) -> None:
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            self.statement = range(node.lineno, max(last, node.lineno) + 1)
        for part, text in replacements(node):
            start = self.starts[part.lineno - 1] + part.col_offset
            stop = self.starts[part.end_lineno - 1] + part.end_col_offset
            lines = range(part.lineno, part.end_lineno + 1)
            self.found.append(Mutant(self.path, lines, self.statement, start, stop, text))
        super().visit(node)

    def skip(self, _node: Any) -> None:
        """Messages of errors are free; positions inside f-strings are not known."""

    visit_Raise = visit_JoinedStr = visit_arg = skip

    def visit_FunctionDef(self, node: Any) -> None:
        for child in (*node.args.defaults, *node.args.kw_defaults, *node.body):
            if child is not None:
                self.visit(child)

    def visit_ClassDef(self, node: Any) -> None:
        for child in node.body:
            self.visit(child)

    def visit_AnnAssign(self, node: Any) -> None:
        if node.value is not None:
            self.visit(node.value)

    def visit_If(self, node: Any) -> None:
        if ast.unparse(node.test) != "TYPE_CHECKING":
            self.generic_visit(node)


def draw(paths: list[Path], sample: int, seed: int) -> list[Mutant]:
    """Some mutants of the files, or all: those that the seed puts first, wherever they stand."""

    def rank(mutant: Mutant) -> bytes:
        return hashlib.sha256(f"{seed} {mutant.key}".encode()).digest()

    found = {mutant.key: mutant for path in paths for mutant in Finder(path).found}
    return sorted(found.values(), key=rank)[: sample or None]


class Reach:
    """A plugin of pytest that learns which test reaches which line, and how long tests take."""

    def __init__(self, paths: list[Path]) -> None:
        self.paths = {str(path): path for path in paths}
        self.test = ""  # while modules are imported
        self.tests: dict[tuple[Path, int], set[str]] = defaultdict(set)
        self.seconds: Counter[str] = Counter()

    def __call__(self, frame: Any, _event: str, _arg: Any) -> Any:
        path = self.paths.get(frame.f_code.co_filename)
        if path is None:
            return None
        own = frame.f_code.co_flags & inspect.CO_OPTIMIZED  # not the body of a module or a class

        def trace(frame: Any, _event: str, _arg: Any) -> Any:
            self.tests[path, frame.f_lineno].add(self.test if own else "")
            return trace

        return trace

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        self.test = item.nodeid
        try:
            return (yield)
        finally:
            self.test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Any:
        test = self.test
        if fixturedef.scope != "function":  # all tests of the file may rest on it
            self.test = test.partition("::")[0]
        try:
            return (yield)
        finally:
            self.test = test

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.seconds[report.nodeid] += report.duration

    def of(self, mutant: Mutant) -> list[str]:
        """The tests that reach a mutant, files first where all of one may, then the fastest."""
        for lines in (mutant.lines, mutant.statement):
            tests = set().union(*[self.tests.get((mutant.path, n), ()) for n in lines])
            if tests:
                break
        if tests == {""}:
            return sorted({test.partition("::")[0] for test in self.seconds})
        files = {test for test in tests if "::" not in test} - {""}
        rest = {test for test in tests - {""} if test.partition("::")[0] not in files}
        return sorted(files) + sorted(rest, key=lambda test: self.seconds[test])

    def limit(self, tests: list[str]) -> float:
        """Seconds that the tests may take, on a busy machine, before the mutant hangs."""
        taken = sum(
            s for t, s in self.seconds.items() if t in tests or t.partition("::")[0] in tests
        )
        return 30 + 5 * taken


def forked(work: Callable[[], Any], log: Path) -> int:
    """The id of a process that works, prints to a file and ends with what the work returns."""
    process = os.fork()
    if process:
        return process
    status = CRASHED
    try:
        os.setsid()
        with log.open("wb") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
        status = int(work())
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        os._exit(status)


def reach(paths: list[Path], tests: list[str], folder: Path) -> Reach:
    """What the tests reach. They must pass."""
    result, log = folder / "reach", folder / "reach.log"

    def work() -> int:
        plugin = Reach(paths)
        sys.settrace(plugin)
        threading.settrace(plugin)
        status = pytest.main([*PYTEST, *tests], [plugin])
        sys.settrace(None)
        result.write_bytes(pickle.dumps((dict(plugin.tests), plugin.seconds)))
        return status

    _, status = os.waitpid(forked(work, log), 0)
    if status:
        sys.exit(f"the tests fail without a mutant:\n{log.read_text()}")
    found = Reach(paths)
    found.tests, found.seconds = pickle.loads(result.read_bytes())
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


def verdicts(mutants: list[Mutant], reached: Reach, jobs: int, folder: Path) -> dict[Mutant, str]:
    """For each mutant "killed", "survived", "timed out" or "not reached"."""
    found = {mutant: "not reached" for mutant in mutants if not reached.of(mutant)}
    waiting = [mutant for mutant in mutants if mutant not in found]
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
    parser = argparse.ArgumentParser(prog="python -m bench.mutation", description=__doc__)
    parser.add_argument("names", nargs="+", help="packages or files of src/chainrule")
    parser.add_argument("--sample", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    equivalent = dict(
        line.rsplit(" | ", 1) for line in EQUIVALENT.read_text().splitlines() if " | " in line
    )
    os.chdir(ROOT)
    for name in HEAVY:
        importlib.import_module(name)
    for name in options.names:
        path = SOURCE / name
        paths = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        tests = [f"tests/{place}" for place in TESTS.get(name, [name.partition("/")[0]])]
        drawn = draw(paths, options.sample, options.seed)
        with tempfile.TemporaryDirectory() as folder:
            reached = reach(paths, tests, Path(folder))
            found = verdicts(drawn, reached, options.jobs, Path(folder))
        left = [m for m, verdict in found.items() if verdict in ("survived", "not reached")]
        known = [m for m in left if m.key in equivalent]
        counts = Counter(found.values())
        killed = counts["killed"] + counts["timed out"]
        print(
            f"{name}: {len(drawn)} mutants, {counts['killed']} killed, {counts['timed out']} timed "
            f"out, {len(left)} survived, of which {len(known)} are equivalent: "
            f"{killed / max(1, len(drawn) - len(known)):.0%} of the others killed"
        )
        for mutant in left:
            why = equivalent.get(mutant.key, "")
            print(f"  {found[mutant]} {mutant.lines[0]}: {mutant.key}{why and f' | {why}'}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
