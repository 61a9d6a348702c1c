"""User code to graph: call a function on tracers and keep what its results were made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import tree
from ..errors import ChainruleError, DtypeError, at_user_line
from ..graph.graph import Graph
from ..graph.node import CONSTANT, Node, input_node, next_serial, reachable
from ..graph.types import Type, check_dtype
from ..primitives.structure import identity
from .tracer import Tracer, node_of


def as_array(x: Any, name: str = "argument") -> Any:
    """An argument as an array or a NumPy scalar; text and objects are refused."""
    if isinstance(x, (np.ndarray, np.generic, Tracer)):
        array: Any = x
    elif isinstance(x, (bool, int, float)):
        array = np.asarray(x)[()]
    else:
        raise DtypeError(
            at_user_line(f"{name} is {type(x).__name__} {x!r:.40}: give a number or an array")
        )
    check_dtype(array.dtype)
    return array


def type_of(x: Any) -> Type:
    """Shape and dtype of an array, a tracer or a number."""
    array = as_array(x)
    return Type(array.shape, array.dtype)


def called(function: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """The function's result. Where NumPy hid our error behind one of its own, ours is raised."""
    try:
        return function(*args, **kwargs)
    except ValueError as error:
        if isinstance(error.__cause__, ChainruleError):
            raise error.__cause__.with_traceback(error.__traceback__) from None
        raise


def capture(
    function: Callable[..., Any],
    types: Sequence[Any],
    treedef: Any,
    weak: Sequence[bool] | None = None,
) -> tuple[Graph, Any, tuple[Node, ...]]:
    """The graph of ``function(*unflatten(treedef, inputs))``.

    Returns
    -------
    graph : Graph
        Its inputs are one a leaf of the arguments, then one a node of `outside`.
    out_treedef
        The structure of the function's result.
    outside : tuple of Node
        What the function read of tracers that are not its own arguments.
    """
    floor = next_serial()
    inputs = [input_node(t) for t in types]
    weak = [False] * len(inputs) if weak is None else weak
    tracers = [Tracer(node, w) for node, w in zip(inputs, weak, strict=True)]
    result = called(function, tree.unflatten(treedef, tracers), {})
    leaves, out_treedef = tree.flatten(result)
    outputs = [node_of(as_array(leaf, "a result")) for leaf in leaves]
    graph, outside = close(floor, inputs, outputs)
    return graph, out_treedef, outside


def close(
    floor: int, inputs: Sequence[Node], outputs: Sequence[Node]
) -> tuple[Graph, tuple[Node, ...]]:
    """A graph that reads nothing but its inputs: what it read from outside becomes an input.

    Outside is what was there before the number `floor` was given, and leaves that are not ours.
    """
    own = set(inputs)
    outside: dict[Node, None] = {}
    for node in (*reachable(outputs, floor), *outputs):
        for child in (node, *node.inputs):
            foreign = child.serial < floor or (not child.inputs and child not in own)
            if foreign and child.primitive is not CONSTANT:
                outside[child] = None
    return Graph((*inputs, *outside), tuple(outputs)), tuple(outside)


def fresh(x: Any, copy: bool = False) -> tuple[Node, Tracer]:
    """A new leaf with the caller's value, and the tracer on it.

    The value is a view that cannot be written, so that no result is the caller's own array; a
    copy where the caller may change that array before it is read again.
    """
    if isinstance(x, Tracer):
        node = identity_of(x.node)
        return node, Tracer(node, x.weak)
    array = as_array(x)
    if isinstance(array, np.ndarray):
        array = array.copy() if copy else array.view()
        array.flags.writeable = False
    node = input_node(Type(array.shape, array.dtype), array)
    return node, Tracer(node, type(x) is float)


def identity_of(node: Node) -> Node:
    """A new node on top of another: what a nested transformation differentiates by."""
    return identity(node)  # type: ignore[no-any-return]


def finish(x: Any) -> Any:
    """A result for the caller: a writable array of its own, or a tracer where one is outside."""
    if isinstance(x, Node):
        return Tracer(x)
    if isinstance(x, np.ndarray):
        if x.ndim == 0:
            return x[()]
        return x if x.base is None and x.flags.writeable else np.array(x)
    return x


def finish_all(xs: Sequence[Any]) -> list[Any]:
    """Several results, of which no two are the same array."""
    finished: list[Any] = []
    seen: set[int] = set()
    for x in xs:
        y = finish(x)
        if isinstance(y, np.ndarray):
            if id(y) in seen:
                y = y.copy()
            seen.add(id(y))
        finished.append(y)
    return finished
