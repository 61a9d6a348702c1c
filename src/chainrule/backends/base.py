"""What a backend is: it turns a graph into a function of arrays. Nobody else runs graphs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..graph.graph import Graph

Program = Callable[[Sequence[Any]], list[Any]]


class Backend(Protocol):
    """A way to run graphs."""

    name: str

    def compile(self, graph: Graph) -> Program:
        """A function from the inputs' arrays to the outputs' arrays."""
        ...
