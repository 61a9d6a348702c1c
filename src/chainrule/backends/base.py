"""What a backend is: it turns a graph into a function of arrays. Nobody else runs graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol

from ..graph.graph import Graph
from ..graph.node import Node

FastCall = Callable[..., Any]
"""A function of arrays that returns None, without running, where it can't run."""

Donated = Mapping[int, int]
"""The input whose memory an output takes, by their numbers (output: input)."""

NOTHING_DONATED: Donated = MappingProxyType({})


NO_NUMBERS: Mapping[int, type] = MappingProxyType({})
"""The types of inputs that are numbers, by their positions."""


class TimedInstruction(NamedTuple):
    """A part of a program whose time is measured.

    Attributes
    ----------
    summary : str
        What it is.
    nodes : tuple of (Node, float)
        What it computes, and about which share of the work each is.
    """

    summary: str
    nodes: tuple[tuple[Node, float], ...]


class InstructionTime(NamedTuple):
    """How long an instruction took in the fastest of all calls, and how often it ran in one."""

    instruction: TimedInstruction
    seconds: float
    runs: int


class Program(Protocol):
    """A graph that can run."""

    def instruction_times(self) -> list[InstructionTime]:
        """Return the time of each instruction, if it was compiled to measure them.

        See `graph.stages.timed_instructions`. Where nothing was measured the list is empty.
        """
        ...

    @property
    def arena_bytes(self) -> int:
        """Most bytes that a call needs at once beside its arguments and results."""
        ...

    @property
    def threads(self) -> int:
        """For how many threads it was made; 0 if it is the same for any number."""
        ...

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """Return the outputs' arrays, which are the caller's own, for the inputs' arrays.

        Outputs that take the memory of an input are not among them.
        """
        ...

    def fast_call(self, single: bool = False, numbers: Mapping[int, type] = NO_NUMBERS) -> FastCall:
        """Return a fast callable ``f(*arrays)``.

        It returns None, without running, if an argument is not a C-contiguous, aligned ndarray of
        exactly the expected shape and dtype, if another thread is executing the program, or if
        another number of threads was set. Then call ``program(arguments)``.

        Parameters
        ----------
        single : bool
            Return the only output rather than a list.
        numbers : mapping of int to type
            Inputs that are numbers of just these types, such as `float`, and no arrays.
        """
        ...


class Backend(Protocol):
    """A way to run graphs."""

    name: str

    def compile(
        self, graph: Graph, tiered: bool = False, donated: Donated = NOTHING_DONATED
    ) -> Program:
        """Return a function from the inputs' arrays to the outputs' arrays.

        With `tiered` it may be slow at first, if that lets it begin earlier. Outputs of `donated`
        are written into the arrays of their inputs, which are C-contiguous, writeable, and share
        no memory with another one.
        """
        ...
