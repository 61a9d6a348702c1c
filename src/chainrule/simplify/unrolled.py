"""A warning for Python's loops that stayed unrolled: each iteration's nodes are compiled anew."""

from __future__ import annotations

import ast
import linecache
from collections import Counter
from collections.abc import Hashable, Iterator
from os.path import basename
from warnings import warn_explicit

from ..errors import PerformanceWarning
from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, line_of
from ..syntax import parse

MOST_UNROLLED = 2_000  # nodes that repeat
FEWEST_ITERATIONS = 64  # as often as that: the layers of a network are no loop to be written anew
_warned: set[tuple[str, int]] = set()


def warn_of_unrolled_loops(graph: Graph) -> None:
    """Warn, once a line, if a graph has many copies of what one loop of the user's computes.

    Parameters
    ----------
    graph : Graph
        After all passes: what is a `scan` by now has no copies.

    Warns
    -----
    PerformanceWarning
        At the loop from which most copies come, with their number.
    """
    if len(graph.nodes) <= MOST_UNROLLED and not any(_inner(graph)):
        return
    nodes = [node for node in _all_nodes(graph) if node.primitive is not CONSTANT]
    if len(nodes) <= MOST_UNROLLED:
        return
    counts = Counter(map(_kind, nodes))
    repeated = [node for node in nodes if counts[_kind(node)] >= FEWEST_ITERATIONS]
    if len(repeated) <= MOST_UNROLLED:
        return
    lines = Counter(node.source_location for node in repeated if node.source_location is not None)
    if not lines:
        return
    ((code, instruction), _), *_ = lines.most_common(1)
    name = code.co_filename
    number = line_of(code, instruction)
    loop = _loop_around(name, number)
    subject = f"{basename(name)}:{number} ran many times, and its work"
    if loop is not None:
        number, subject = loop, f"the loop at {basename(name)}:{loop}"
    if (name, number) in _warned:
        return
    warn_explicit(
        f"{subject} was unrolled into {len(repeated)} operations, "
        "each of which is compiled: where an iteration computes the same as the one before, "
        "chainrule.scan or chainrule.fori_loop compiles it once",
        PerformanceWarning, name, number,
    )  # fmt: skip
    _warned.add((name, number))  # not where warnings are errors: then each one is raised


def _kind(node: Node) -> Hashable:
    """Return what copies of a node have in common."""
    return node.source_location, node.primitive, node.shape, node.dtype


def _inner(graph: Graph) -> Iterator[Graph]:
    for node in graph.nodes:
        for value in node.params.values():
            if isinstance(value, Graph):
                yield value


def _all_nodes(graph: Graph) -> Iterator[Node]:
    yield from graph.nodes
    for inner in _inner(graph):
        yield from _all_nodes(inner)


def _loop_around(name: str, number: int) -> int | None:
    """Return the line of the innermost loop of a file that a line is in."""
    try:
        tree = parse("".join(linecache.getlines(name)))
    except (SyntaxError, ValueError):  # of a notebook's cell with commands, for instance
        return None
    loops = [node for node in ast.walk(tree) if isinstance(node, (ast.For, ast.While))]
    around = [loop.lineno for loop in loops if loop.lineno <= number <= (loop.end_lineno or 0)]
    return max(around, default=None)
