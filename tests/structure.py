"""The structure of the source in numbers: `python tests/structure.py [SRC]`.

Printed are files and lines of each folder, circles between files (those that only a type checker
sees count), uses of another module's private names, and blocks of lines that stand twice.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from functools import cache
from itertools import combinations
from pathlib import Path

DOCUMENTED = {"_exit", "_getframe", "_replace"}  # of os, sys, named tuples
LATE = {"LazyModule", "import_module", "load_module", "__import__"}
BLOCK = 6  # lines that stand twice are a block from here on


@cache
def parsed(path: Path) -> ast.Module:
    """A file as Python reads it; of several tests in one process the first one parses it."""
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def nodes(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of a file, which are looked for once."""
    return tuple(ast.walk(tree))


def modules(source: Path) -> dict[str, ast.Module]:
    """The parsed files of a package by dotted name, `__init__` by its folder's."""
    return {
        ".".join(path.relative_to(source.parent).with_suffix("").parts).removesuffix(".__init__"):
        parsed(path)
        for path in sorted(source.rglob("*.py"))
    }  # fmt: skip


def imports(name: str, tree: ast.Module, is_package: bool) -> Iterator[tuple[str, int]]:
    """The dotted names that a module imports, however late or for types alone, with the line."""
    package = name.split(".") if is_package else name.split(".")[:-1]
    for node in nodes(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            start = package[: len(package) - node.level + 1] if node.level else []
            base = ".".join([*start, *([node.module] if node.module else [])])
            # `from . import x` and `from ..trace import tracer` name modules or their members
            yield from ((f"{base}.{alias.name}", node.lineno) for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "id", "") in LATE
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value), node.lineno


def import_graph(source: Path) -> dict[str, set[str]]:
    """Which module imports which, without the facades (`__init__`) of packages."""
    trees = modules(source)
    packages = {name for name in trees if any(other.startswith(f"{name}.") for other in trees)}
    graph: dict[str, set[str]] = {}
    for name, tree in trees.items():
        if name not in packages:
            targets = {
                next((n for n in (full, full.rpartition(".")[0]) if n in trees), "")
                for full, _ in imports(name, tree, is_package=False)
            }
            graph[name] = targets - packages - {"", name}
    return graph


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """The strongly connected components of more than one module (Tarjan, 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph.get(name, ())):
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            component = stack[stack.index(name) :]
            del stack[stack.index(name) :]
            if len(component) > 1:
                found.append(sorted(component))

    for name in graph:
        if name not in index:
            visit(name)
    return found


def is_private(name: str) -> bool:
    """Whether a name begins with one underscore."""
    return re.match("_[^_]", name) is not None and name not in DOCUMENTED


def of_itself(node: ast.Attribute) -> bool:
    """Whether an attribute is one of `self`, `cls` or `super()`."""
    owner = node.value.func if isinstance(node.value, ast.Call) else node.value
    return getattr(owner, "id", "") in ("self", "cls", "super")


def private_uses(source: Path) -> list[str]:
    """Each place where a module reads or writes a private name that another module defines.

    A name counts as a module's own if it is defined or assigned anywhere in it; what hangs on
    `self`, `cls` or `super()` belongs to the class itself.
    """
    uses = []
    for name, tree in modules(source).items():
        own = {n.name for n in nodes(tree)
               if isinstance(n, (ast.FunctionDef, ast.ClassDef))}  # fmt: skip
        own |= {n.id for n in nodes(tree)
                if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}  # fmt: skip
        attributes = [n for n in nodes(tree) if isinstance(n, ast.Attribute)]
        own |= {n.attr for n in attributes if isinstance(n.ctx, ast.Store) and of_itself(n)}
        for node in nodes(tree):
            if isinstance(node, ast.Attribute) and is_private(node.attr) and node.attr not in own:
                owner = getattr(node.value, "id", "")
                of_super = (
                    isinstance(node.value, ast.Call)
                    and getattr(node.value.func, "id", "") == "super"
                )
                if owner not in ("self", "cls") and not of_super:
                    uses.append(f"{name}:{node.lineno} .{node.attr}")
            elif isinstance(node, ast.ImportFrom):
                uses += [f"{name}:{node.lineno} {a.name}" for a in node.names if is_private(a.name)]
    return uses


def blocks_twice(source: Path) -> list[tuple[str, str]]:
    """Pairs of files that share at least `BLOCK` lines in a row, without docstrings and imports."""
    places: dict[str, list[str]] = defaultdict(list)
    for path in sorted(source.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        skipped = set()
        for node in ast.walk(ast.parse(text)):
            is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
            if is_text or isinstance(node, (ast.Import, ast.ImportFrom)):
                skipped |= set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        lines = [
            line.strip() for number, line in enumerate(text.splitlines(), 1)
            if number not in skipped and len(line.strip()) > 3
        ]  # fmt: skip
        for start in range(len(lines) - BLOCK + 1):
            places["\n".join(lines[start : start + BLOCK])].append(str(path.relative_to(source)))
    pairs = set()
    for files in places.values():
        pairs |= {tuple(sorted(pair)) for pair in combinations(files, 2)}
    return sorted(pairs)


def main(source: Path) -> None:
    """Print the structure of a package."""
    files, lines = Counter[str](), Counter[str]()
    for path in source.rglob("*.py"):
        folder = str(path.relative_to(source).parent)
        files[folder] += 1
        lines[folder] += path.read_text(encoding="utf-8").count("\n")
    for folder in sorted(files):
        print(f"{folder:32} {files[folder]:4} files {lines[folder]:6} lines")
    print(f"{'together':32} {files.total():4} files {lines.total():6} lines")
    for title, rows in (
        ("circles of imports", [" <-> ".join(names) for names in circles(import_graph(source))]),
        ("uses of another module's private names", private_uses(source)),
        ("pairs of files that share a block", [f"{a} ~ {b}" for a, b in blocks_twice(source)]),
    ):
        print(f"\n{len(rows)} {title}")
        print("".join(f"  {row}\n" for row in rows), end="")


if __name__ == "__main__":
    default = Path(__file__).parents[1] / "src" / "chainrule"
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else default)
