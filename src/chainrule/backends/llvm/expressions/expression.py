"""What a loop nest computes at one point of its domain: a tree of loads and operations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....graph.node import Node
from ..layout.view import Buffer


@dataclass(frozen=True, eq=False)
class Expression:
    """A number at each point of the domain; it varies along `axes` of the domain only."""

    dtype: np.dtype[Any]
    axes: frozenset[int] = field(default=frozenset(), kw_only=True)


@dataclass(frozen=True, eq=False)
class Number(Expression):
    """A constant."""

    value: Any


@dataclass(frozen=True, eq=False)
class Load(Expression):
    """The number at ``offset + sum of stride * loop variable``, counted in numbers, not bytes."""

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Lookup(Expression):
    """A load whose address also depends on computed indices: (index, axis size, stride) each.

    Indices are checked; an error names `node`.
    """

    buffer: Buffer
    offset: int
    strides: tuple[int, ...]
    indices: tuple[tuple[Expression, int, int], ...]
    node: Node


@dataclass(frozen=True, eq=False)
class Truth(Expression):
    """Whether the input is not zero."""

    inputs: tuple[Expression, ...]


@dataclass(frozen=True, eq=False)
class Apply(Expression):
    """An elementwise primitive."""

    node: Node
    inputs: tuple[Expression, ...]


def subexpressions(expressions: Iterable[Expression]) -> list[Expression]:
    """Return some expressions and all those inside them, each once."""
    stack, visited = list(expressions), dict[Expression, None]()
    while stack:
        expression = stack.pop()
        if expression not in visited:
            visited[expression] = None
            kind = type(expression)
            if kind is not Load and kind is not Number:
                stack.extend(children(expression))
    return list(visited)


def children(expression: Expression) -> Sequence[Expression]:
    """Return the expressions that one is computed from."""
    if isinstance(expression, (Apply, Truth)):
        return expression.inputs
    if isinstance(expression, Lookup):
        return [index for index, _, _ in expression.indices]
    return ()


def buffers_read(expressions: Iterable[Expression]) -> Iterator[Buffer]:
    """Yield the buffers that expressions load from."""
    for expression in subexpressions(expressions):
        if isinstance(expression, (Load, Lookup)):
            yield expression.buffer


def lookups(expressions: Iterable[Expression]) -> list[Lookup]:
    """Return the lookups inside expressions, whose indices may be out of bounds."""
    return [e for e in subexpressions(expressions) if isinstance(e, Lookup)]


def primitive_names(expressions: Iterable[Expression]) -> list[str]:
    """Return the names of the primitives inside expressions."""
    return [e.node.primitive.name for e in subexpressions(expressions) if isinstance(e, Apply)]
