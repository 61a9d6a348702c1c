"""What a backend is: it turns a graph into a function of arrays. Nobody else runs graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..graph.graph import Graph

Program = Callable[[Sequence[Any]], list[Any]]
"""A function from the inputs' arrays to the outputs' arrays, which are the caller's own."""
Attempt = Callable[[list[Any]], "list[Any] | None"]
"""A program that is given anything: None if it is not exactly the arrays that it was made for."""


class Backend(Protocol):
    """A way to run graphs."""

    name: str

    def compile(self, graph: Graph) -> Program:
        """A function from the inputs' arrays to the outputs' arrays."""
        ...
