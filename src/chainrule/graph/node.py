"""Two nouns: `Primitive` (an operation and its rules) and `Node` (one use of it).

A node knows its inputs, and what it computes never changes, so a graph is nothing but a slice of
the nodes between some inputs and some outputs. Nodes are numbered as they are created: an input has
a smaller number than whatever reads it, so sorting by number *is* the topological order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from math import prod
from operator import attrgetter
from threading import local
from types import CodeType
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from ..config import current
from ..errors import user_frame
from ..lazy import LazyModule
from .types import Array, Type, is_inexact, weak_constant
from .watching import LARGE, watcher

Location: TypeAlias = tuple[CodeType, int]

_serial = count()
_new_tuple = tuple.__new__
NO_PARAMS: dict[str, Any] = {}
_WEAK = (bool, int, float, complex)
_value = attrgetter("value")


_special = LazyModule("scipy.special")


class Reference:
    """The array namespace `xp` of the reference evaluator: NumPy, then `scipy.special`."""

    @staticmethod
    def broadcast_to(x: Any, shape: tuple[int, ...]) -> Any:
        """Repeat `x`: a few entries are copied, which takes a tenth of the time of a view."""
        if prod(shape) > _FEW:
            return np.broadcast_to(x, shape)
        result = np.empty(shape, x.dtype)
        result[...] = x
        return result

    def __getattr__(self, name: str) -> Any:
        value = getattr(np, name, None)
        if value is None:
            value = getattr(_special, name)
        setattr(self, name, value)
        return value


_FEW = 256
REFERENCE = Reference()


@dataclass(frozen=True, eq=False)
class Primitive:
    """An operation: what it computes, what shape it has, what its derivatives are.

    Called with at least one `Node` it makes a node; called with arrays only it computes. Rules
    are written with such calls and with operators, so one formula serves both: it returns graph
    for graph, and numbers for numbers.

    Attributes
    ----------
    name : str
        How it prints.
    evaluate : callable
        ``evaluate(xp, *arrays, **params)`` gives the value, with NumPy's or another namespace.
    infer : callable
        ``infer(*types, **params)`` gives the result's `Type` (a tuple of them if `multiple`).
    vjp : callable or None
        ``vjp(g, y, *inputs, **params)`` gives one cotangent (or None) an input.
    jvp : callable or None
        ``jvp(tangents, y, *inputs, **params)`` gives the tangent of the output; a tangent that
        is zero comes as None.
    multiple : bool
        Whether it yields a tuple, whose members `item` picks.
    selective_vjp : bool
        Whether `vjp` takes ``needs_input_grad``, a list that says for each input whether its
        cotangent is asked for. Worth it where a cotangent costs more than the question.
    spec : Mapping
        What tests and documentation read: family, domain, extremes, doc.
    batch : callable or None
        ``batch(size, batched, *inputs, **params)`` gives the results for `size` examples at once.
        `batched` says for each input whether it has a leading axis of that size, and at least one
        has; the result has one, too. Of several results a sequence is returned, in which one that
        all examples share is `Unbatched`.
    partials : mapping or None
        Of what is elementwise, by the slope's name (None: the usual), ``partials(y, *inputs)``.
    """

    name: str
    evaluate: Callable[..., Any]
    infer: Callable[..., Any]
    vjp: Callable[..., Sequence[Any]] | None = None
    jvp: Callable[..., Any] | None = None
    multiple: bool = False
    selective_vjp: bool = False
    spec: Mapping[str, Any] = field(default_factory=dict)
    batch: Callable[..., Any] | None = None
    partials: Mapping[str | None, Callable[..., Sequence[Any]]] | None = None

    def __call__(self, *inputs: Any, **params: Any) -> Any:
        for x in inputs:
            if type(x) is Node:
                return apply(self, _as_nodes(inputs), params)
        return self.evaluate(REFERENCE, *inputs, **params)

    def __repr__(self) -> str:
        return self.name


class Unbatched(NamedTuple):
    """A result of a batch that all its examples share."""

    value: Any


class Node:
    """One use of a primitive.

    What it computes never changes. Two things about it do: an argument's leaf becomes a constant
    when its function has returned (`freeze_argument`), and `order` is computed at first use.

    Attributes
    ----------
    primitive : Primitive
    inputs : tuple of Node
    params : dict
        Static values, such as an axis.
    shape, dtype
        Of the result. A node of several results has dtype None and a tuple of `Type` as shape.
    value : array or None
        The result, where it is known: constants, and whatever is computed from known values.
    serial : int
        Larger than every input's.
    source_location : tuple of (code, instruction) or None
        The user's line, as code and instruction because most are never printed.
    order : tuple of int, Node or None
        How NumPy would have laid the result out in memory, once that was asked for: see
        `trace/strides.py`, which alone reads and sets it.
    """

    __slots__ = (
        "__weakref__",
        "dtype",
        "inputs",
        "order",
        "params",
        "primitive",
        "serial",
        "shape",
        "source_location",
        "value",
    )
    order: Any

    def __init__(
        self,
        primitive: Primitive,
        inputs: tuple[Node, ...],
        params: dict[str, Any],
        shape: Any,
        dtype: Any,
        value: Any = None,
        source_location: Location | None = None,
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.params = params
        self.shape = shape
        self.dtype = dtype
        self.value = value
        self.source_location = source_location
        self.serial = next(_serial)

    @property
    def ndim(self) -> int:
        """Number of dimensions of the result."""
        return len(self.shape)

    @property
    def type(self) -> Any:
        """The result's `Type`, or a tuple of them."""
        if self.dtype is None:
            return self.shape
        return _new_tuple(Type, (self.shape, self.dtype))  # in half the time of a call of Type

    @property
    def line(self) -> str:
        """`file.py:12` of the user's code that made the node, or an empty text."""
        if self.source_location is None:
            return ""
        code, instruction = self.source_location
        return f"{code.co_filename.rsplit('/', 1)[-1]}:{line_of(code, instruction)}"

    def __repr__(self) -> str:
        return f"<Node {self.primitive.name}: {self.type}>"


def line_of(code: CodeType, instruction: int) -> int:
    """Return the number of the line of an instruction."""
    for start, end, line in code.co_lines():
        if line is not None and start <= instruction < end:
            return line
    return code.co_firstlineno


def _as_nodes(inputs: tuple[Any, ...]) -> tuple[Node, ...]:
    """Wrap arrays as constants; a Python number takes the dtype of the other inputs (NEP 50)."""
    for x in inputs:
        if type(x) is not Node:
            break
    else:
        return inputs
    dtype = np.result_type(*[x.dtype for x in inputs if type(x) not in _WEAK])
    return tuple(x if isinstance(x, Node) else constant(weak_constant(x, dtype)) for x in inputs)


def apply(
    primitive: Primitive, inputs: tuple[Node, ...], params: dict[str, Any],
    source_location: Location | Literal["caller"] | None = "caller",
) -> Node:  # fmt: skip
    """Make a node; compute its value at once if all its inputs' values are known.

    Its source location is the user's line that is running, unless a rewrite passes that of the
    node which it replaces.
    """
    values = [*map(_value, inputs)]
    for x in values:
        if x is None:
            return _abstract(primitive, inputs, params, source_location)
    try:
        value = primitive.evaluate(REFERENCE, *values, **params)
    except (ValueError, TypeError, IndexError):
        _abstract(primitive, inputs, params, None)  # raises an error that names the user's line
        raise
    if source_location == "caller":
        source_location = _caller_location() if current().lines else None
    if primitive.multiple:
        types = tuple(Type(v.shape, v.dtype) for v in value)
        return Node(primitive, inputs, params, types, None, value, source_location)
    node = Node(primitive, inputs, params, value.shape, value.dtype, value, source_location)
    if value.size > LARGE and watcher.notice is not None:
        watcher.notice(node)
    return node


def _abstract(
    primitive: Primitive, inputs: tuple[Node, ...], params: dict[str, Any],
    source_location: Location | Literal["caller"] | None,
) -> Node:  # fmt: skip
    """Make a node whose value is not known: only its type is inferred."""
    result = primitive.infer(*[node.type for node in inputs], **params)
    location = _caller_location() if source_location == "caller" else source_location
    if primitive.multiple:
        return Node(primitive, inputs, params, tuple(result), None, None, location)
    return Node(primitive, inputs, params, result.shape, result.dtype, None, location)


class DerivativeLocation(tuple[CodeType, int]):
    """The user's line whose derivative a node is a part of.

    Attributes
    ----------
    operation : str
        The name of the primitive there.
    """

    operation: str


class _Origin(local):
    """For which node of another graph this thread makes nodes: they are of the same line.

    Whoever sets it puts back what was there before.
    """

    location: Location | None = None


origin = _Origin()


@contextmanager
def lines_of_their_user() -> Iterator[None]:
    """While it lasts, nodes are of the lines that make them: a function of the user runs."""
    outer, origin.location = origin.location, None
    try:
        yield
    finally:
        origin.location = outer


def derivative_location(node: Node) -> Location | None:
    """Return the source location of what belongs to the derivative of a node."""
    if node.source_location is None:
        return None
    location = DerivativeLocation(node.source_location)
    location.operation = node.primitive.name
    return location


def _caller_location() -> Location | None:
    """Return the line of the user's code that is running, or that nodes are made for."""
    if origin.location is not None:
        return origin.location
    frame = user_frame(3)  # this function and its caller are ours
    return None if frame is None else (frame.f_code, frame.f_lasti)


def _no_evaluation(_xp: Any, **_params: Any) -> Any:
    raise AssertionError("an input or a constant is never evaluated")


INPUT = Primitive("input", _no_evaluation, lambda **_: None, spec={"family": "leaf"})
CONSTANT = Primitive("constant", _no_evaluation, lambda **_: None, spec={"family": "leaf"})


def constant(value: Array) -> Node:
    """Make a node of a fixed value; the caller must not write into the array afterwards."""
    if type(value) is np.ndarray:
        value.flags.writeable = False  # whoever hands it out copies it
    return Node(CONSTANT, (), NO_PARAMS, value.shape, value.dtype, value)


def input_node(type_: Type, value: Array | None = None) -> Node:
    """Make a leaf that stands for an argument, with a value if it is known already."""
    return Node(INPUT, (), NO_PARAMS, type_.shape, type_.dtype, value)


def freeze_argument(leaf: Node) -> None:
    """Make an argument a constant: the function that it was passed to has returned.

    From then on only the transformation that made the leaf differentiates by it; to all others
    it is a number like any other.
    """
    if leaf.primitive is INPUT:
        leaf.primitive = CONSTANT


def pick_evaluate(_xp: Any, results: Any, *, index: int) -> Any:
    """Return member `index` of a tuple of results."""
    return results[index]


ITEM = Primitive(
    "item",
    pick_evaluate,
    lambda types, *, index: types[index],
    spec={"family": "structure", "doc": "One of the results of a node that has several."},
)


def items(node: Node) -> tuple[Node, ...]:
    """Return the results of a node that has several, each as a node."""
    return tuple(apply(ITEM, (node,), {"index": k}) for k in range(len(node.shape)))


def next_serial() -> int:
    """Return a serial number between those of all existing nodes and later ones."""
    return next(_serial)


_by_serial = attrgetter("serial")


def reachable(outputs: Iterable[Node], first_serial: int = -1) -> list[Node]:
    """Return the nodes under `outputs` numbered `first_serial` or higher but constants, inputs
    first.
    """
    seen = {node for node in outputs if node.serial >= first_serial}
    stack = list(seen)
    nodes = list(seen)
    while stack:
        for child in stack.pop().inputs:
            if (
                child.primitive is not CONSTANT
                and child not in seen
                and child.serial >= first_serial
            ):
                seen.add(child)
                stack.append(child)
                nodes.append(child)
    nodes.sort(key=_by_serial)
    return nodes


def differentiable(node: Node) -> bool:
    """Return whether a cotangent can flow into the node."""
    return node.dtype is None or is_inexact(node.dtype)
