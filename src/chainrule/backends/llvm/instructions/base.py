"""What a plan is made of: each instruction is one loop nest, product, loop or call."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import NamedTuple

from ....graph.node import Node
from ....graph.types import Shape
from ..expressions.expression import Expression, Load, Lookup, parts
from ..layout.view import Buffer, View

_FEW, _DEEP = 128, 256  # results, of sums over so many: dot products, not tiles


@dataclass(eq=False)
class Instruction:
    """Something that runs; the graph's node is kept for messages."""

    def buffers(self) -> Iterator[Buffer]:
        """What it reads and writes."""
        raise NotImplementedError


@dataclass(eq=False)
class Map(Instruction):
    """Expressions stored at every place of a domain; all are computed before one is stored."""

    domain: Shape
    stores: Sequence[tuple[Expression, View]]

    def buffers(self) -> Iterator[Buffer]:
        for expression, view in self.stores:
            yield view.buffer
            yield from loaded(expression)


@dataclass(eq=False)
class Reduce(Instruction):
    """A sum, maximum or product of an expression over some axes of a domain."""

    name: str
    domain: Shape
    axes: tuple[int, ...]
    expression: Expression
    view: View

    def buffers(self) -> Iterator[Buffer]:
        yield self.view.buffer
        yield from loaded(self.expression)


@dataclass(eq=False)
class Along(Instruction):
    """A running sum or product, or the place of the maximum, along one axis."""

    name: str
    domain: Shape
    axis: int
    expression: Expression
    view: View

    def buffers(self) -> Iterator[Buffer]:
        yield self.view.buffer
        yield from loaded(self.expression)


@dataclass(eq=False)
class Sort(Instruction):
    """The stable order of each row of keys, which a map before it has written."""

    keys: View
    view: View
    scratch: Buffer

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.keys.buffer, self.view.buffer, self.scratch)


@dataclass(eq=False)
class Key(Map):
    """A map that stores, for each number, bits that order as the numbers do."""


class Routine(NamedTuple):
    """What of the library computes a product, and whether as C.T = B.T @ A.T."""

    name: str
    turned: bool


@dataclass(eq=False)
class Product(Instruction):
    """Matrix products of the last two axes, over equal leading ones.

    Attributes
    ----------
    left, right, view : View
    scratch : Buffer or None
        Room for each of the chunks, once that is known.
    chunk : int
        How many rows, or columns, or leading places threads take at a time; 0 for all.
    axis : int
        Which axis of the result is cut in chunks.
    near : bool
        Whether threads share it only where that was found to pay.
    each : int
        How many rows belong to one place of the first axis, as the graph has it.
    """

    left: View
    right: View
    view: View
    each: int = 1
    scratch: Buffer | None = None
    chunk: int = 0
    axis: int = 0
    near: bool = False

    @property
    def extent(self) -> int:
        """Along the axis that is cut."""
        return self.view.shape[self.axis]

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.extent // self.chunk) if self.chunk else 1

    @property
    def routine(self) -> Routine:
        """How it is computed, by its whole shape: parts of it have the same bits."""
        (rows, columns), depth = self.view.shape[-2:], self.left.shape[-1]
        few = rows * columns <= _FEW and depth >= _DEEP
        if self.left.strides[-1] == 1 and self.right.strides[-2] == 1:
            if columns == 1 or few:
                return Routine("dots", False)
            if rows == 1:
                return Routine("dots", True)
        dense = self.view.strides[-2] == 1
        return Routine("gemm", columns == 1 and dense and self.left.strides[-2] == 1)

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.left.buffer, self.right.buffer, self.view.buffer)
        if self.scratch is not None:
            yield self.scratch


@dataclass(eq=False)
class Convolution(Instruction):
    """A convolution of the last four axes, over equal leading ones; o is contiguous in both.

    Attributes
    ----------
    left, right, view : View
        (..., N, H, W, C), (..., KH, KW, C, O) and (..., N, OH, OW, O).
    strides, dilation : (int, int)
    axis : int
        What vectors lie along, contiguous in kernel and result: o, -1; or, contiguous in x as well,
        groups side by side, which are the last leading axis: -5.
    blocks : int
        Into how many the sum is cut, so that what they read stays in the cache.
    pieces : sequence of Convolution
        Parts of the result that threads compute; none if it is not cut.
    near : bool
        Whether threads share it only where that was found to pay.
    """

    left: View
    right: View
    view: View
    strides: tuple[int, int]
    dilation: tuple[int, int]
    axis: int = -1
    blocks: int = 1
    pieces: Sequence[Convolution] = ()
    near: bool = False
    chunk: int = 1

    @property
    def grouped(self) -> bool:
        """Whether vectors lie along groups."""
        return self.axis != -1

    @property
    def extent(self) -> int:
        """How many pieces there are."""
        return max(1, len(self.pieces))

    @property
    def chunks(self) -> int:
        """A chunk is a piece."""
        return self.extent

    @property
    def work(self) -> int:
        """Multiplications."""
        return prod(self.view.shape) * prod(self.right.shape[-4:-1])

    def buffers(self) -> Iterator[Buffer]:
        yield from (self.left.buffer, self.right.buffer, self.view.buffer)


@dataclass(eq=False)
class Region(Instruction):
    """Instructions that run together, some rows at a time: each row needs only its own.

    Attributes
    ----------
    rows : int
    steps : sequence of Instruction
        Maps, reductions and products of so many rows.
    chunk : int
        How many rows threads take at a time, a multiple of 16.
    near : bool
        Whether threads share it only where that was found to pay.
    """

    rows: int
    steps: Sequence[Instruction]
    chunk: int = 0
    near: bool = False

    @property
    def extent(self) -> int:
        """What is cut."""
        return self.rows

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return -(-self.rows // self.chunk)

    def buffers(self) -> Iterator[Buffer]:
        for step in self.steps:
            yield from step.buffers()


@dataclass(eq=False)
class Scatter(Instruction):
    """Values written, or added, in order, at computed places of an array."""

    adds: bool
    domain: Shape
    value: Expression
    target: Lookup

    def buffers(self) -> Iterator[Buffer]:
        yield from loaded(self.value)
        yield from loaded(self.target)


@dataclass(eq=False)
class Call(Instruction):
    """A node that the reference computes."""

    node: Node
    number: int
    inputs: Sequence[View]
    results: Sequence[View]

    def buffers(self) -> Iterator[Buffer]:
        for view in (*self.inputs, *self.results):
            yield view.buffer


@dataclass(eq=False)
class Moving:
    """A slot of the frame that points at another row in each turn of a loop."""

    row: View
    start: View
    stride: int


@dataclass(eq=False)
class Turns(Instruction):
    """A loop of known length.

    Attributes
    ----------
    trial : int
        The first slot of what it knows of sharing small work; 0 if it has none to share.
    """

    length: int
    reverse: bool
    moving: Sequence[Moving]
    body: Sequence[Instruction]
    trial: int = 0

    def buffers(self) -> Iterator[Buffer]:
        for moving in self.moving:
            yield moving.start.buffer
        for instruction in self.body:
            yield from instruction.buffers()


@dataclass(eq=False)
class While(Instruction):
    """A loop that turns while a number is true."""

    asks: Sequence[Instruction]
    condition: View
    body: Sequence[Instruction]

    def buffers(self) -> Iterator[Buffer]:
        yield self.condition.buffer
        for instruction in (*self.asks, *self.body):
            yield from instruction.buffers()


@dataclass(eq=False)
class Either(Instruction):
    """One of two lists of instructions, as a number decides."""

    condition: View
    yes: Sequence[Instruction]
    no: Sequence[Instruction]

    def buffers(self) -> Iterator[Buffer]:
        yield self.condition.buffer
        for instruction in (*self.yes, *self.no):
            yield from instruction.buffers()


@dataclass(eq=False)
class Plan:
    """A graph as instructions, with a place for every number.

    Attributes
    ----------
    instructions : sequence of Instruction
    slots : int
        Of the frame.
    arena : int
        Bytes.
    constants : dict
        Each constant array's slot.
    calls : sequence of Call
        What the reference computes.
    sites : sequence of Node
        Nodes that look up computed places; an error names one by its position, from 1.
    parallel : bool
        Whether some instruction is shared by threads.
    long : bool
        Whether other Python threads should run meanwhile.
    guarded : sequence of Buffer
        Those whose surroundings are watched: all, which then share no room, or none.
    symbols : sequence of str
        What the code calls of the library.
    threads : int
        For how many it was made; 0 if it is the same for any number.
    turns : list of int
        The slots that hold the addresses of the functions turn0, turn1, ...
    timed : sequence of str
        What is counted in words after the slots, two each.
    """

    instructions: Sequence[Instruction]
    slots: int
    arena: int
    constants: dict[Node, int]
    calls: Sequence[Call]
    sites: Sequence[Node] = field(default_factory=list)
    parallel: bool = False
    long: bool = True
    guarded: Sequence[Buffer] = ()
    symbols: Sequence[str] = ()
    threads: int = 0
    turns: list[int] = field(default_factory=list)
    timed: Sequence[str] = ()


def loaded(expression: Expression) -> Iterator[Buffer]:
    """The buffers that an expression reads."""
    for found in parts([expression]):
        if isinstance(found, (Load, Lookup)):
            yield found.buffer


def lookups(step: Instruction) -> Iterator[Lookup]:
    """The lookups of an instruction, whose indices may be out of bounds."""
    roots: list[Expression] = []
    if isinstance(step, Map):
        roots = [expression for expression, _ in step.stores]
    elif isinstance(step, (Reduce, Along)):
        roots = [step.expression]
    elif isinstance(step, Scatter):
        roots = [step.value, step.target]
    yield from (found for found in parts(roots) if isinstance(found, Lookup))
