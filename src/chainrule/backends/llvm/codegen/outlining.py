"""Outlined code: one function for all instructions that differ in nothing but their addresses.

A loop that Python ran has the same instruction many times, and so has a network of equal layers.
Each such instruction becomes a function of the frame and of a row of *operands*, where its buffers
lie. Instructions that follow each other are a table of functions and operands, and a loop that
calls one after the other. So the time of code generation depends on how many different
instructions there are, and not on how many there are in all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import groupby
from typing import Any, Protocol

import numpy as np

from ..expressions.expression import Apply, Expression, Load, Number, Truth
from ..ir.builder import FunctionBuilder, Module
from ..layout.frame import ARENA
from ..layout.view import Arena, Buffer, View

MANY_LINES = 1_500  # of code in a list from which on instructions that repeat are outlined
VERY_MANY_LINES = 30_000  # from which on even those are of which a call is most of the time
SECTION_LINES = 1_500  # of a function: the time for a line grows with the lines of its function
OFTEN = 2  # times that an instruction repeats
SMALL = 15.0  # nanoseconds of an instruction whose operands had better stay in registers
SHORT = 1_000.0  # nanoseconds of a list whose values had better stay in registers

_ENTRY = "{ ptr, i64 }"
ROWS = ("start", "stop", "count", "tile")  # what a function of some rows takes as well


class Outlinable(Protocol):
    """What is asked of an instruction."""

    @property
    def outlinable(self) -> bool:
        """Whether its code depends on its fields alone, and goes on behind itself."""
        ...

    @property
    def n_tiles(self) -> int:
        """Into how many tiles it is cut for threads."""
        ...

    def nanoseconds(self) -> float:
        """Return about how long it takes."""
        ...

    def code_lines(self) -> int:
        """Return about how many lines of code it is."""
        ...


@dataclass(frozen=True, eq=False)
class Call:
    """An instruction as a call.

    Attributes
    ----------
    instruction : Outlinable
    key : Hashable
        Equal for instructions with the same code.
    operands : mapping of Buffer to int
        What it reads and writes, each with the first entry that it names.
    """

    instruction: Any
    key: Hashable
    operands: dict[Buffer, int]


def repeated_calls(
    instructions: Sequence[Outlinable], n_rows: int = 0, single: bool = False
) -> list[Call | None]:
    """Return the calls that a list of instructions is to be; None for what stays in line.

    With `n_rows` they are row tiles of so many rows, or single rows.
    """
    lines = sum([x.code_lines() for x in instructions])
    if lines < MANY_LINES or sum([x.nanoseconds() for x in instructions]) < SHORT:
        return [None] * len(instructions)
    smallest = 0.0 if lines >= VERY_MANY_LINES else SMALL
    calls = [
        _call(x, n_rows, single)
        if x.outlinable and (n_rows or x.n_tiles == 1) and x.nanoseconds() >= smallest
        else None
        for x in instructions
    ]
    count = Counter(call.key for call in calls if call is not None)
    return [call if call is not None and count[call.key] >= OFTEN else None for call in calls]


def _call(instruction: Outlinable, n_rows: int, single: bool) -> Call | None:
    description = _Description()
    try:
        description.add_fields(instruction)
    except _NotAlikeError:
        return None
    return Call(instruction, (n_rows, single, *description.words), description.first)


class _NotAlikeError(Exception):
    """Something whose code depends on more than can be compared."""


class _Description:
    """What the code of an instruction depends on, as words; buffers are numbered."""

    def __init__(self) -> None:
        self.words: list[Any] = []
        self.first: dict[Buffer, int] = {}
        self._numbers: dict[Buffer | Expression, int] = {}

    def add(self, x: Any) -> None:
        """Add a field, or a part of one."""
        words = self.words
        if isinstance(x, Expression):
            self._add_expression(x)
        elif type(x) is View:
            words.append(View)
            self._add_buffer(x.buffer, x.offset)
            words += (x.shape, x.strides)
        elif type(x) is Buffer:
            words.append(Buffer)
            self._add_buffer(x, 0)
        elif x is None or type(x) in (int, bool, str):
            words += (type(x), x)
        elif type(x) in (tuple, list):
            words.append(len(x))
            for member in x:
                self.add(member)
        elif is_dataclass(x):
            self.add_fields(x)
        else:
            raise _NotAlikeError

    def add_fields(self, x: Any) -> None:
        """Add an instruction, or a part with fields."""
        self.words.append(type(x))
        for item in _fields(type(x)):
            self.add(getattr(x, item))

    def _add_buffer(self, buffer: Buffer, offset: int) -> None:
        """Name a buffer by its number, and an entry of it by how far it is from the first one."""
        first = self.first.setdefault(buffer, offset)
        number = self._numbers.setdefault(buffer, len(self._numbers))
        self.words += (number, buffer.dtype, offset - first)

    def _add_expression(self, x: Expression) -> None:
        known = self._numbers.get(x)
        if known is not None:
            self.words.append(known)
            return
        self._numbers[x] = len(self._numbers)
        words = self.words
        words += (type(x), x.dtype)
        if type(x) is Load:
            self._add_buffer(x.buffer, x.offset)
            words.append(x.strides)
        elif type(x) is Number:
            value = np.asarray(x.value)
            words += (value.dtype, value.tobytes())
        elif type(x) is Truth or type(x) is Apply:
            if type(x) is Apply:
                node = x.node
                words += (node.primitive, node.dtype, *[child.dtype for child in node.inputs])
                if node.params:
                    words.append(repr(sorted(node.params.items())))
            words.append(len(x.inputs))
            for child in x.inputs:
                self._add_expression(child)
        else:
            raise _NotAlikeError


_known_fields: dict[type, list[str]] = {}


def _fields(kind: type[Any]) -> list[str]:
    if kind not in _known_fields:
        _known_fields[kind] = [item.name for item in fields(kind)]
    return _known_fields[kind]


def rebased(call: Call) -> tuple[Any, list[Buffer]]:
    """Return the instruction over new buffers that begin at its operands, and these buffers."""
    instruction, first = call.instruction, call.operands
    new = {buffer: Buffer(buffer.size, buffer.dtype) for buffer in first}
    known: dict[Expression, Expression] = {}

    def shifted(x: Any) -> Any:
        if isinstance(x, Expression):
            if x not in known:
                known[x] = shifted_expression(x)
            return known[x]
        if type(x) is View:
            return replace(x, buffer=new[x.buffer], offset=x.offset - first[x.buffer])
        if type(x) is Buffer:
            return new[x]
        if type(x) in (tuple, list):
            return type(x)(map(shifted, x))
        return shifted_fields(x) if is_dataclass(x) else x

    def shifted_expression(x: Any) -> Any:
        if type(x) is Load:
            return replace(x, buffer=new[x.buffer], offset=x.offset - first[x.buffer])
        return x if type(x) is Number else replace(x, inputs=tuple(map(shifted, x.inputs)))

    def shifted_fields(x: Any) -> Any:
        return replace(x, **{name: shifted(getattr(x, name)) for name in _fields(type(x))})

    return shifted_fields(instruction), list(new.values())


@dataclass
class OutlinedFunctions:
    """The outlined functions of a module, by what their code depends on, and its tables."""

    names: dict[Hashable, str] = field(default_factory=dict)
    n_tables: int = 0
    is_dry_run: bool = False

    @contextmanager
    def dry_run(self) -> Iterator[None]:
        """Forget at the end all functions and tables: what is written meanwhile is removed."""
        saved, self.is_dry_run = (dict(self.names), self.is_dry_run), True
        yield
        self.names, self.is_dry_run = saved

    def begin(self, module: Module, call: Call, n_rows: int) -> FunctionBuilder:
        """Begin the function of a call."""
        name = self.names[call.key] = f"outlined{len(self.names)}"
        rows = [("i64", part) for part in ROWS] if n_rows else []
        arguments = [("ptr", "frame"), ("ptr", "operands"), *rows]
        return module.function(name, arguments, linkage="internal")

    def table(self, module: Module, arena: Arena, calls: Sequence[Call]) -> tuple[str, str]:
        """Write two constants, and return their names: all operands, two words each, and of each
        call the function and the number of its first byte there.
        """
        if self.is_dry_run:
            return "null", "null"
        entries, operands = [], list[int]()
        for call in calls:
            entries.append(f"{_ENTRY} {{ ptr @{self.names[call.key]}, i64 {8 * len(operands)} }}")
            for buffer, first in call.operands.items():
                word, start = buffer.word, first * buffer.dtype.itemsize
                if word is None:
                    word, start = ARENA, start + arena.offsets[buffer]
                operands += (8 * word, start)
        number, self.n_tables = self.n_tables, self.n_tables + 1
        listed = ", ".join([f"i64 {x}" for x in operands])
        module.declare(
            f"calls{number}",
            f"@calls{number} = internal constant [{len(calls)} x {_ENTRY}] [{', '.join(entries)}]",
        )
        module.declare(
            f"operands{number}",
            f"@operands{number} = internal constant [{len(operands)} x i64] [{listed}]",
        )
        return f"@calls{number}", f"@operands{number}"


def runs(instructions: Sequence[Any], calls: Iterable[Call | None]) -> Iterator[Any]:
    """Yield instructions that stay in line, and lists of calls that follow each other."""
    pairs = zip(instructions, calls, strict=True)
    for in_line, group in groupby(pairs, key=lambda pair: pair[1] is None):
        if in_line:
            yield from (instruction for instruction, _ in group)
        else:
            yield [call for _, call in group]


def sections(parts: Sequence[Any]) -> list[list[Any]]:
    """Cut a long list, of instructions in line and lists of calls, where a function gets long."""
    lines = [4 if isinstance(part, list) else part.code_lines() for part in parts]
    if sum(lines) < 2 * SECTION_LINES:
        return [list(parts)]
    result: list[list[Any]] = [[]]
    length = 0
    for part, count in zip(parts, lines, strict=True):
        if length + count > SECTION_LINES and result[-1]:
            result.append([])
            length = 0
        result[-1].append(part)
        length += count
    return result
