"""What a backend is: it turns a graph into a function of arrays. Nobody else runs graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..graph.graph import Graph

Function = Callable[..., Any]


class Program(Protocol):
    """A graph that can run."""

    @property
    def arena_bytes(self) -> int:
        """Most bytes that a call needs at once beside its arguments and results."""
        ...

    @property
    def threads(self) -> int:
        """For how many threads it was made; 0 if it is the same for any number."""
        ...

    def __call__(self, arguments: Sequence[Any]) -> list[Any]:
        """The outputs' arrays, which are the caller's own, for the inputs' arrays."""
        ...

    def bound(self, single: bool = False) -> Function:
        """The program as a function of as many arrays, which returns None if it can't run.

        That is, if one is not an array of just its input's type, laid out as arrays usually are,
        another thread is in it, or another number of threads was set: then call a program itself.

        Parameters
        ----------
        single : bool
            Return the only output rather than a list.
        """
        ...


class Backend(Protocol):
    """A way to run graphs."""

    name: str

    def compile(self, graph: Graph, quick_start: bool = False) -> Program:
        """A function from the inputs' arrays to the outputs' arrays.

        With `quick_start` it may be slow at first, if that lets it begin earlier.
        """
        ...
