"""A function that a solver asks for, as a graph: its value, its derivatives, and loops around it.

What is compiled for a function serves each later call with arguments of the same kind, as long as
its graph is the same: see `fingerprint`. A function that no graph can be made of, since it asks
for numbers, is differentiated as it runs.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import tree
from ..errors import Refusal, UnsupportedError, at_user_line
from ..forks import changing
from ..graph.evaluate import inline
from ..graph.graph import Graph
from ..graph.node import Node, constant, reachable
from ..graph.types import Type
from ..lazy import computed
from ..trace.capture import Captured, capture, type_of
from ..trace.operands import node_of
from ..trace.tracer import Tracer, traced
from ..transforms.compiling.jit import jit
from ..transforms.differentiating.gradient import grad, jvp, value_and_grad
from ..transforms.differentiating.jacobians import hessian, jacfwd, jacrev
from .fingerprint import fingerprint
from .layout import FLOAT64
from .signatures import signature

Call = Callable[..., Any]
_MOST = 64  # functions that are remembered


class Arguments(NamedTuple):
    """What a function is given beside x: numbers of which it is a function, and all else.

    Attributes
    ----------
    leaves : list
        Arrays and floating numbers.
    restore : callable
        ``restore(leaves)`` gives the arguments again.
    key : hashable or None
        Equal for arguments of the same kind; None if that cannot be told.
    """

    leaves: list[Any]
    restore: Callable[[Sequence[Any]], Any]
    key: Hashable | None


def arguments(args: Any, solver: str, traced: bool = False) -> Arguments:
    """Split arguments into arrays and what decides which graph it is: counts, texts, functions."""
    leaves, treedef = tree.flatten(args)
    if not traced and any(isinstance(x, Tracer) for x in leaves):
        raise UnsupportedError(
            at_user_line(
                f"{solver}: args are traced, and chainrule.{solver} runs with plain numbers; "
                f"scipy.optimize.{solver}, called in a function that is traced, has a derivative"
            )
        )
    moving = [k for k, x in enumerate(leaves) if _is_numeric(x)]
    fixed = tuple([None if k in moving else x for k, x in enumerate(leaves)])

    def restore(numbers: Sequence[Any]) -> Any:
        whole = list(fixed)
        for k, x in zip(moving, numbers, strict=True):
            whole[k] = x
        return tree.unflatten(treedef, whole)

    rest = [(type(x), x if isinstance(x, Hashable) else id(x)) for x in fixed]
    keyed = all(isinstance(x, (int, str, type(None))) for x in fixed)
    key = (treedef, tuple(moving), tuple(rest)) if keyed else None
    numbers = [_in_order(leaves[k]) for k in moving]
    return Arguments(numbers, restore, key)


def _in_order(x: Any) -> Any:
    """Return an array as native code takes it without a copy."""
    return np.ascontiguousarray(x) if type(x) is np.ndarray and x.ndim else x


def _is_numeric(x: Any) -> bool:
    if isinstance(x, (np.ndarray, np.generic, Tracer)):
        return x.dtype.kind in "biufc"
    return type(x) in (float, complex)


class Function:
    """A function ``call(x, *leaves)`` of a vector and other arrays, and what is made of it.

    Attributes
    ----------
    call : callable
    compiled : bool
        Whether it became a graph; else derivatives are taken as it runs.
    """

    def __init__(self, call: Call, compiled: bool) -> None:
        self.call, self.compiled = call, compiled
        self.loops: dict[Hashable, Any] = {}

    def _prepared(self, function: Call) -> Call:
        return jit(function) if self.compiled else attempted(function)

    @computed
    def value(self) -> Call:
        """The function itself."""
        return self._prepared(self.call)

    @computed
    def value_and_gradient(self) -> Call:
        """The value of a scalar, and its gradient by x."""
        return self._prepared(value_and_grad(self.call))

    @computed
    def gradient(self) -> Call:
        """The gradient of a scalar by x."""
        return self._prepared(grad(self.call))

    @computed
    def hessian(self) -> Call:
        """The matrix of second derivatives of a scalar by x."""
        return self._prepared(hessian(self.call))

    @computed
    def hessian_product(self) -> Call:
        """``f(x, v, *leaves)``, the Hessian times a vector."""
        slope = grad(self.call)
        return self._prepared(
            lambda x, v, *rest: jvp(lambda x: slope(x, *rest), (x,), (v,))[1],
        )

    def jacobian(self, rows: int, columns: int) -> Call:
        """Return the matrix of derivatives of a vector of `rows` by x."""
        key = "jacobian", rows
        if key not in self.loops:
            self.loops[key] = self._prepared(matrix_of(self.call, rows, columns))
        return self.loops[key]  # type: ignore[no-any-return]

    def loop(self, key: Hashable, make: Callable[[Function], Call]) -> Call:
        """Return a compiled algorithm around the function, made once."""
        if key not in self.loops:
            self.loops[key] = jit(make(self))
        return self.loops[key]  # type: ignore[no-any-return]


def matrix_of(f: Call, rows: int, columns: int) -> Call:
    """Return the function of the matrix of derivatives of a vector ``f(x, *leaves)`` by x."""
    return jacrev(f) if rows < columns else jacfwd(f)


def attempted(function: Call) -> Call:
    """Return the function under `jit`, or as it is if `jit` refuses it."""
    compiled: list[Call] = [jit(function)]

    def run(*args: Any) -> Any:
        if compiled:
            try:
                return compiled[0](*args)
            except Refusal:
                compiled.clear()
        return function(*args)

    return run


_functions: dict[Hashable, Function] = {}


def function_of(
    user: Any, call: Call, key: Hashable | None, n: int, leaves: Sequence[Any],
) -> Function:  # fmt: skip
    """Return the function of the user's as one of a vector of `n` and of arrays.

    Parameters
    ----------
    user : callable
        The user's, which decides whether the graph is the one of before.
    call : callable
        ``call(x, *leaves)`` returns a vector or a number of float64.
    key : hashable or None
        Beside `user`, what decides the graph: how `call` arranges x and its result.
    """
    types = (Type((n,), FLOAT64), *map(type_of, leaves))
    known = None if key is None else fingerprint(user)
    name = (known, key, types)
    if known is not None and name in _functions:
        return _remember(name, _functions[name])
    function = _captured(call, types)
    return function if known is None else _remember(name, function)


def _captured(call: Call, types: Sequence[Type]) -> Function:
    treedef = tree.structure(tuple([0.0] * len(types)))
    try:
        captured = capture(call, types, treedef, copy_results=True)
    except Refusal:  # also of what is refused only where numbers are not known
        return Function(call, compiled=False)
    graph, outside = with_constants(captured)
    if outside:
        raise UnsupportedError(
            at_user_line(
                "a solver of chainrule runs with plain numbers, and this function reads what is "
                "traced around it: use scipy.optimize's, which has a derivative there"
            )
        )
    if captured.reads_token:
        return Function(call, compiled=False)
    key = signature(graph)
    if key is not None and key in _functions:
        return _remember(key, _functions[key])
    function = Function(function_over(graph), compiled=True)
    return function if key is None else _remember(key, function)


def with_constants(captured: Captured) -> tuple[Graph, tuple[Node, ...]]:
    """Return a captured graph that holds what it read of constants, and what else it read.

    Such as ``3 - 1`` in the graph of a function that was traced before.
    """
    count = len(captured.graph.inputs) - len(captured.outside) - captured.reads_token
    fixed = {node for node in captured.outside if _is_constant(node)}
    if not fixed:
        return captured.graph, captured.outside
    inputs = captured.graph.inputs
    pairs = zip(captured.outside, inputs[count:], strict=False)
    operands = [constant(node.value) if node in fixed else leaf for node, leaf in pairs]
    rest = [
        leaf for leaf, node in zip(operands, captured.outside, strict=True) if node not in fixed
    ]
    token = inputs[count + len(operands) :]
    outputs = inline(captured.graph, [*inputs[:count], *operands, *token])
    outside = tuple([node for node in captured.outside if node not in fixed])
    return Graph((*inputs[:count], *rest, *token), tuple(outputs)), outside


def _is_constant(node: Node) -> bool:
    """Return whether a node follows from constants alone."""
    return node.value is not None and all(child.inputs for child in reachable([node]))


def _remember(key: Hashable, function: Function) -> Function:
    """Enter a function as the latest, and forget the one that was not used for longest."""
    with changing:
        _functions.pop(key, None)
        _functions[key] = function
        while len(_functions) > _MOST:
            del _functions[next(iter(_functions))]
    return function


def function_over(graph: Graph) -> Call:
    """Return the function that a graph of one output computes, of arrays that are traced."""

    def call(*xs: Any) -> Any:
        nodes = [node_of(x, t.dtype) for x, t in zip(xs, graph.input_types, strict=True)]
        (y,) = inline(graph, nodes)
        return traced(y)

    return call
