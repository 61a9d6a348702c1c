"""Views: what slicing, transposing and reshaping give, which write through to their parent."""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import UnsupportedError, at_user_line
from ..graph.node import Node
from ..primitives.structure import reshape, transpose
from .operands import node_of
from .strides import Strides, c_order, is_c_order, reshaped_strides, strides_of
from .tracer import HOOKS, ArrayTracer, ScalarTracer, Tracer

Read = Callable[[Node], Node]
Write = Callable[[Node, Node], Node]


class ReadOnlyError(ValueError):
    """NumPy's own error for a write into a view that cannot be written."""


class View(ArrayTracer):
    """Reads what its parent holds now, and writes through to it.

    Attributes
    ----------
    parent : ArrayTracer
    read : callable
        ``read(parent's node)`` is the node of the view.
    write : callable or None
        ``write(parent's node, new)`` is the parent's node once the view holds `new`; None if
        NumPy gives a view that cannot be written, nor can its views.
    """

    __slots__ = ("parent", "read", "seen", "write")

    def __init__(self, parent: ArrayTracer, read: Read, write: Write | None) -> None:
        self.parent = parent
        self.read = read
        self.write = write
        self.seen = parent.node
        self._node = read(self.seen)

    @property
    def node(self) -> Node:
        """The node that holds the present value."""
        now = self.parent.node
        if now is not self.seen:
            self._follow(now)
        return self._node

    def _follow(self, now: Node) -> None:
        self.seen = now
        self._node = self.read(now)

    def _write(self, node: Node) -> None:
        if self.write is None:
            raise ReadOnlyError(
                at_user_line(
                    "assignment destination is read-only: NumPy gives a view that cannot be "
                    "written; take a copy of it first"
                )
            )
        self.parent.rebind(self.write(self.parent.node, node))
        self.seen = self.parent.node
        self._node = node


class Reshaped(View):
    """`x.reshape(shape)`: a view where memory allows it, else a copy; decided at a first write.

    `raveled` says that it is `x.ravel()`, which is a view only if `x` lies in C order.
    """

    __slots__ = ("is_view", "raveled")

    def __init__(self, parent: ArrayTracer, shape: tuple[int, ...], raveled: bool) -> None:
        super().__init__(
            parent,
            lambda x: reshape(x, shape=shape),
            lambda x, new: reshape(new, shape=x.shape),
        )
        self.is_view: bool | None = None
        self.raveled = raveled
        if raveled:
            self._node.order = c_order(shape)

    @property
    def node(self) -> Node:
        """The node that holds the present value."""
        if self.is_view is False:
            return self._node
        now = self.parent.node
        if now is not self.seen and self.decide_view():
            self._follow(now)
        return self._node

    def _write(self, node: Node) -> None:
        if self.decide_view():
            super()._write(node)
        else:
            self._node = node

    def decide_view(self) -> bool:
        """Return whether NumPy gives a view; asked for where it makes a difference."""
        if self.is_view is None:
            before = self.seen  # the memory is the same whatever has been written since
            strides = strides_of(before)
            if strides is None:
                raise UnsupportedError(
                    at_user_line(
                        "an array and its reshaped form are used after a write into one of them, "
                        "and whether NumPy gives a view or a copy here is not known: write "
                        "x.copy().reshape(...)"
                    )
                )
            if self.raveled:
                self.is_view = is_c_order(before.shape, strides)
            else:
                view_strides = reshaped_strides(before.shape, strides, self._node.shape)
                self.is_view = view_strides is not None
        return self.is_view


def copies_parent(x: View) -> bool:
    """Return whether what would be a view has memory of its own."""
    return isinstance(x, Reshaped) and not x.decide_view()


def memory_owner(x: Any) -> Any:
    """Return the array whose memory x looks at: itself, if it is no view or a copy after all."""
    while isinstance(x, View) and not copies_parent(x):
        x = x.parent
    return x


def root_of(x: ArrayTracer) -> ArrayTracer:
    """Return the array that owns the memory which x, if it is a view, may look at."""
    while issubclass(type(x), View):
        x = x.parent
    return x


def view(a: Any, read: Read, write: Write | None) -> Tracer:
    """Return a view of a traced array; of a number, or of a plain array, what NumPy would give."""
    if isinstance(a, ArrayTracer):
        return View(a, read, write)
    node = read(node_of(a))
    number = type(a) is ScalarTracer and not node.shape
    return ScalarTracer(node) if number else ArrayTracer(node)


def permuted(a: Any, axes: tuple[int, ...]) -> Tracer:
    """Return a view with the axes in another order."""
    back = tuple(sorted(range(len(axes)), key=axes.__getitem__))
    return view(
        a,
        lambda x: transpose(x, axes=axes),
        lambda x, new: transpose(new, axes=back),
    )


def reshaped(a: Any, shape: Sequence[int], raveled: bool = False) -> Tracer:
    """Return another shape: a view if the memory allows it, else a copy."""
    sizes = tuple(shape)
    if isinstance(a, ArrayTracer):
        return Reshaped(a, sizes, raveled)
    return view(a, lambda x: reshape(x, shape=sizes), None)


def resized(a: Any, shape: Sequence[int]) -> Tracer:
    """Insert or drop axes of size 1, always as a view."""
    sizes = tuple(shape)
    return view(
        a,
        lambda x: reshape(x, shape=sizes),
        lambda x, new: reshape(new, shape=x.shape),
    )


def set_shape(x: ArrayTracer, shape: Any) -> None:
    """Have an array itself, not a view of it, take another shape: ``x.shape = ...``."""
    sizes = np.empty(x.shape, np.bool_).reshape(shape).shape  # NumPy's own errors, and -1
    if isinstance(x, Reshaped):
        x.decide_view()  # by the shape that it was made with
    node, before = x.node, x.shape
    if type(x) is not ArrayTracer and not issubclass(type(x), View):
        raise UnsupportedError(at_user_line("x.shape = ... of a traced number"))
    if reshaped_strides(before, known_strides(x), sizes) is None:
        raise AttributeError(at_user_line("incompatible shape for in-place modification"))
    views = [y for y in gc.get_referrers(x) if issubclass(type(y), View) and not copies_parent(y)]
    for y in views:
        if y.parent is x:
            _look_through(y, before)
    if isinstance(x, View):
        read, write = x.read, x.write
        x.read = lambda parent: reshape(read(parent), shape=sizes)
        x.write = write and (lambda parent, new: write(parent, reshape(new, shape=before)))
        x._node = reshape(x._node, shape=sizes)
    else:
        x._write(reshape(node, shape=sizes))


HOOKS["set_shape"] = set_shape


def _look_through(x: View, shape: tuple[int, ...]) -> None:
    """Have a view look at its parent as one of the shape that it was made of."""
    read, write = x.read, x.write
    x.read = lambda parent: read(reshape(parent, shape=shape))
    x.write = write and (
        lambda parent, new: reshape(write(reshape(parent, shape=shape), new), shape=parent.shape)
    )


def check_shapes(arguments: Sequence[Tracer], nodes: Sequence[Node]) -> None:
    """Raise if an argument has another shape than it came with, as the caller's array would."""
    for x, node in zip(arguments, nodes, strict=True):
        if x.shape != node.shape:
            raise UnsupportedError(
                at_user_line(
                    f"x.shape = ... of an argument, whose array is the caller's, which would have "
                    f"the shape {x.shape} from now on: write x = x.reshape({x.shape}), or set the "
                    f"shape {node.shape} again before the function returns"
                )
            )


def known_strides(a: Any) -> Strides:
    """Return the strides of an array, in entries, or raise if they are not known."""
    strides = strides_of(node_of(a))
    if strides is None:
        raise UnsupportedError(
            at_user_line(
                "order='K' or 'A' asks how an array lies in memory, which is not known here: write "
                "order='C' or order='F'"
            )
        )
    return strides


def memory_order(a: Any, order: Any, allowed: str) -> str:
    """Return "C", "F" or "K" for NumPy's `order`: what "A" stands for depends on the array."""
    letter = order.upper() if isinstance(order, str) and order else "C" if order is None else order
    if not isinstance(letter, str) or len(letter) != 1 or letter not in allowed:
        raise ValueError(at_user_line(f"order must be one of {', '.join(allowed)}, not {order!r}"))
    if letter in "CF":
        return letter
    shape = np.shape(a)
    if sum(n > 1 for n in shape) <= 1:
        return "C"
    strides = known_strides(a)
    if is_c_order(shape, strides):
        return "C"
    if is_c_order(shape[::-1], strides[::-1]):
        return "F"
    return "C" if letter == "A" else "K"


def axes_by_stride(a: Any) -> tuple[int, ...]:
    """Return the axes from the slowest in memory to the fastest, as ravel(order="K") takes them."""
    strides = known_strides(a)
    if any(step < 0 for step in strides):
        raise UnsupportedError(
            at_user_line("order='K' of an array with reversed axes: write order='C' or order='F'")
        )
    return tuple(sorted(range(len(strides)), key=lambda k: -strides[k]))
