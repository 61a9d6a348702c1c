"""Values of nodes that no rule will read, which are let go while a function is still running.

Without a graph around it, a derivative reads of large arrays only what its rules read: of ``x + 1``
nothing, of ``tanh(x)`` the result. All others are let go as soon as nobody but the nodes that
follow from them can see them. Who does is counted: Python's references to the node, but for those
of the nodes that read it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from threading import local
from types import FunctionType
from typing import Any
from weakref import ref

import numpy as np

from ..graph.node import CONSTANT, Node, Primitive, input_node, reachable
from ..graph.released import release
from ..graph.types import Type
from ..graph.watching import watcher
from ..primitives.declare import REGISTRY

# Whose value is soon computed again, if it is asked for after all; and by the same bits
_MOVERS = frozenset(["identity", "reshape", "transpose", "broadcast_to", "slice", "cast", "pad",
                     "concatenate"])  # fmt: skip
_WHERE = REGISTRY["where"]


class _Seen(local):
    """The nodes of this thread that no rule has been going to read so far.

    Attributes
    ----------
    unread : dict
        By the identity of a node, a weak reference to it, and to each node that has it as input.
    """

    def __init__(self) -> None:
        self.unread: dict[int, tuple[ref[Node], list[ref[Node]]]] = {}


_seen = _Seen()


@contextmanager
def releasing() -> Iterator[None]:
    """While it lasts, values of this thread's nodes that no rule for reverse mode reads are let
    go.
    """
    outer, watcher.notice = watcher.notice, _note
    try:
        yield
    finally:
        watcher.notice = outer
        _seen.unread.clear()


def _note(node: Node) -> None:
    """See who reads whom, now that a node with a large value has been made."""
    unread = _seen.unread
    constant = tuple([child.primitive is CONSTANT for child in node.inputs])
    result_is_read, *read = _read_by_rule(
        node.primitive, node.params.get("slope"), node.dtype,
        tuple([child.dtype for child in node.inputs]), constant,
    )  # fmt: skip
    for child, is_read in zip(node.inputs, read, strict=True):
        known = unread.get(id(child))
        if known is not None and known[0]() is child:
            if is_read:
                del unread[id(child)]
            else:
                known[1].append(ref(node))
    del child
    if not result_is_read and _is_soon_computed(node.primitive):
        unread[id(node)] = ref(node), []
    for key, (reference, readers) in list(unread.items()):
        _let_go_if_unseen(unread, key, reference, readers)


def _let_go_if_unseen(
    unread: dict[int, Any], key: int, reference: ref[Node], readers: list[ref[Node]]
) -> None:
    node = reference()
    if node is None:
        del unread[key]
        return
    living = sum([reader() is not None for reader in readers])
    if living and sys.getrefcount(node) == living + _references_of_one():
        release(node)
        del unread[key]


@lru_cache(maxsize=1)
def _references_of_one() -> int:
    """Return what is counted of an object that only one local name knows."""
    node = object()
    return sys.getrefcount(node)


def _is_soon_computed(primitive: Primitive) -> bool:
    return primitive.partials is not None or primitive is _WHERE or primitive.name in _MOVERS


@lru_cache(maxsize=1024)
def _read_by_rule(
    primitive: Primitive, slope: str | None, dtype: np.dtype[Any],
    dtypes: tuple[np.dtype[Any], ...], constant: tuple[bool, ...],
) -> tuple[bool, ...]:  # fmt: skip
    """Return whether a rule reads the numbers of the node, and of each input.

    An elementwise rule is asked for its graph. A linear one reads the type of what it is linear
    in.
    """
    if primitive.vjp is None:
        return (False, *[False] * len(dtypes))
    if primitive is _WHERE:
        return (False, True, False, False)
    if primitive.spec["family"] == "linear":
        every = primitive.name == "concatenate"
        return (False, *[k > 0 and not every for k in range(len(dtypes))])
    if primitive.partials is None:
        return (True, *[True] * len(dtypes))
    leaves = [input_node(Type((2,), d)) for d in (dtype, *dtypes)]
    slopes = primitive.partials[slope](*leaves)
    wanted = [x for x, known in zip(slopes, constant, strict=True) if not known]
    computed = [x() if type(x) is FunctionType else x for x in wanted]
    read = set(reachable([x for x in computed if isinstance(x, Node)]))
    return tuple([leaf in read for leaf in leaves])
