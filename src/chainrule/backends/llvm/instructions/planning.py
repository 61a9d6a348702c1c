"""How nodes become instructions: what a rule uses of the planner, and where rules are found.

A module of this folder may define ``RULES``, functions by the names of primitives that they plan.
"""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Collection, Iterable, Sequence
from importlib import import_module
from typing import Any, Protocol

import numpy as np

from ....graph.node import Node
from ..expressions.lowering import Lowering
from ..layout.view import View
from .base import Instruction
from .host_call import HostCall


class Planning(Protocol):
    """The planner, as rules of this folder use it."""

    def append(self, instruction: Instruction) -> None:
        """Add the next instruction."""
        ...

    def target(self, node: Node) -> View:
        """Return where a node is to be written."""
        ...

    def allocate(
        self, shape: tuple[int, ...], dtype: np.dtype[Any], order: Sequence[int] | None = None
    ) -> View:
        """Return a new array in the arena; `order` lists its axes by decreasing stride."""
        ...

    def materialize_as(self, node: Node, dtype: np.dtype[Any]) -> View:
        """Return a node's numbers in a dtype: where they lie, or a copy."""
        ...

    def materialize(self, node: Node) -> View:
        """Return where a node lies, in whatever order."""
        ...

    def result_views(self, node: Node, orders: Sequence[Sequence[int] | None] = ()) -> list[View]:
        """Return where the results of a node are to be written; `orders` as in `allocate`."""
        ...

    def is_read_only_by(self, node: Node, names: Collection[str]) -> bool:
        """Whether all that reads the results of a node are primitives of these names."""
        ...

    def is_read_only_at(self, node: Node, arrays: Sequence[Node], pattern: Any) -> bool:
        """Whether all that is read of a node are its entries at an index."""
        ...

    def host_call(self, node: Node, outputs: Sequence[View], *, rare: bool = False) -> HostCall:
        """Return an instruction by which the reference computes a node, to be added."""
        ...

    def materialize_contiguous(self, node: Node) -> View:
        """Return where a node lies in C order: where it does, or a copy."""
        ...

    def lowering(self, rank: int, inlined: Iterable[Node] = ()) -> Lowering:
        """Return a translation of nodes to expressions."""
        ...

    def copy(self, node: Node, target: View) -> None:
        """Write a node's numbers to a view of its shape."""
        ...

    def move(self, source: View, target: View) -> None:
        """Copy an array."""
        ...

    def fill(self, target: View, number: Any) -> None:
        """Write one number everywhere."""
        ...


Rule = Callable[[Planning, Node], None]
"""Adds the instructions that compute a node."""


def instruction_rules() -> dict[str, Rule]:
    """Collect the rules of all modules of this folder, by the names of primitives."""
    rules: dict[str, Rule] = {}
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(import_module(package).__path__):
        module_rules = getattr(import_module(f"{package}.{module.name}"), "RULES", {})
        assert not module_rules.keys() & rules.keys(), f"two rules for one primitive: {module.name}"
        rules.update(module_rules)
    return rules
