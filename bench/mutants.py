"""Small changes of source text, for `bench.mutation`."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "chainrule"
OTHER = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.Mod: ast.Mult,
    ast.FloorDiv: ast.Mult, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd,
    ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


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
    def source(self) -> bytes:
        old = self.path.read_bytes()
        return old[: self.start] + self.text.encode() + old[self.stop :]

    @property
    def key(self) -> str:
        """The file, and the lines before and after: the name in the list of equivalents."""
        old, new = self.path.read_bytes(), self.source
        begin = old.rfind(b"\n", 0, self.start) + 1
        rest = len(old) - old.find(b"\n", self.stop)
        lines = [" ".join(code[begin : len(code) - rest].decode().split()) for code in (old, new)]
        return f"{self.path.relative_to(SOURCE)} | {lines[0]} | {lines[1]}"


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
                yield node, ast.unparse(ast.Call(function, [second, first, *rest], keywords))
        case ast.Expr(ast.Call()) | ast.Assign([ast.Subscript() | ast.Attribute()]):
            yield node, "pass"
        case ast.AugAssign() | ast.Raise() | ast.Continue() | ast.Break() | ast.Delete():
            yield node, "pass"


def mutants(path: Path, sample: int = 0, seed: int = 0) -> list[Mutant]:
    """Mutants of a file or of the files of a folder: those that the seed puts first, or all."""
    found: dict[str, Mutant] = {}
    for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
        source = file.read_bytes()
        starts = [0]
        for line in source.splitlines(keepends=True):
            starts.append(starts[-1] + len(line))
        for node, statement in runs(ast.parse(source)):
            for part, text in replacements(node):
                start = starts[part.lineno - 1] + part.col_offset
                stop = starts[part.end_lineno - 1] + part.end_col_offset
                lines = range(part.lineno, part.end_lineno + 1)
                mutant = Mutant(file, lines, statement, start, stop, text)
                found[mutant.key] = mutant

    def rank(key: str) -> bytes:
        return hashlib.sha256(f"{seed} {key}".encode()).digest()

    return [found[key] for key in sorted(found, key=rank)][: sample or None]


def runs(node: Any, statement: range = range(0)) -> Iterator[tuple[Any, range]]:
    """The nodes that run, each with the lines of its statement: no types, texts and decorators.

    Nor what stands inside f-strings, whose positions are not known, and `strict` of `zip`.
    """
    if isinstance(node, ast.stmt):
        body = getattr(node, "body", None)
        last = body[0].lineno - 1 if body else node.end_lineno
        statement = range(node.lineno, max(last, node.lineno) + 1)
    yield node, statement
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Raise | ast.JoinedStr | ast.arg):
        return
    if isinstance(node, ast.keyword) and node.arg == "strict":
        return
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "decorator_list"):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from runs(child, statement)
