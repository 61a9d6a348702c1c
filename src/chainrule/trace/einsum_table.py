"""`einsum` on tracers: in the order that is cheapest, two operands at a time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from string import ascii_letters
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Node
from ..graph.types import Shape
from ..primitives import elementwise as ew
from ..primitives.products import matmul
from ..primitives.structure import reshape, sum_, transpose
from .function_rules import NO_VALUE, implements
from .index import diagonal
from .operands import nodes_of
from .strides import set_layout_unknown
from .tracer import Tracer, traced
from .ufunc_rules import as_dtype
from .views import permuted

Path = Sequence[tuple[int, ...]]
"""Which operands are contracted, one step after the other; a result comes after those left."""

_MOST_EXAMINED = 5  # operands of which all orders are compared; of more, the best pair is taken
_SUMMED = (np.float32, np.float64)  # sums of float16 round less in a matrix product
_NO_LIMIT = 2**62  # numbers of an intermediate result: none is larger than its operations are many


@implements(np.einsum)
def _einsum(*operands: Any, out: Any = None, dtype: Any = None, order: str = "K",
            casting: Any = "safe", optimize: Any = NO_VALUE) -> Tracer:  # fmt: skip
    """Contract pairwise, in an order of `optimize=`; by default in the cheapest."""
    np.empty(0).copy(order)  # type: ignore[arg-type]  # raises what NumPy would
    if not isinstance(operands[0], str):
        operands = _with_text(operands)
    nodes = list(nodes_of(*operands[1:]))
    if dtype is not None:
        nodes = [_cast_by(node, np.dtype(dtype), casting) for node in nodes]
        operands = (operands[0], *map(traced, nodes))
    terms, result = _subscripts(operands[0], nodes)
    path = _path(terms, result, nodes, optimize)
    if len(terms) == 1 and set(terms[0]) == set(result):
        return _einsum_view(operands[1], terms[0], result)
    for k, (term, node) in enumerate(zip(terms, nodes, strict=True)):
        terms[k], nodes[k] = _diagonals(term, node)
    for step in path:
        _contract(terms, nodes, sorted(step), result)
    (term,), (node,) = terms, nodes
    gone = tuple(k for k, label in enumerate(term) if label not in result)
    node = sum_(node, axes=gone) if gone else node
    term = "".join(label for label in term if label in result)
    contracted = transpose(node, axes=tuple(term.index(label) for label in result))
    set_layout_unknown(contracted)  # which follows from all operands' layouts
    return traced(contracted)


@implements(np.einsum_path)
def _einsum_path(*operands: Any, optimize: Any = "greedy", einsum_call: Any = False) -> Any:
    """Return the path of NumPy, which follows from the operands' shapes."""
    if not isinstance(operands[0], str):
        operands = _with_text(operands)
    stand_ins = _stand_ins([node.shape for node in nodes_of(*operands[1:])])
    return np.einsum_path(operands[0], *stand_ins, optimize=optimize)


def _path(terms: Sequence[str], result: str, nodes: Sequence[Node], optimize: Any) -> Path:
    """Return the order that an option asks for."""
    shapes = tuple(node.shape for node in nodes)
    if optimize is NO_VALUE:
        return _cheapest_path(tuple(terms), result, shapes)
    text = f"{','.join(terms)}->{result}"
    steps = np.einsum_path(text, *_stand_ins(shapes), optimize=optimize)[0][1:]
    return [tuple(step) for step in steps]


@lru_cache(maxsize=1024)
def _cheapest_path(terms: tuple[str, ...], result: str, shapes: tuple[Shape, ...]) -> Path:
    """Return the order with the fewest operations, as far as it can be told in good time."""
    if len(terms) < 3:
        return [tuple(range(len(terms)))]
    text = f"{','.join(terms)}->{result}"
    search = "optimal" if len(terms) <= _MOST_EXAMINED else "greedy"
    path = np.einsum_path(text, *_stand_ins(shapes), optimize=(search, _NO_LIMIT))[0]
    return tuple(path[1:])


def _stand_ins(shapes: Iterable[Shape]) -> list[Any]:
    """Return arrays of some shapes, without memory."""
    return [np.broadcast_to(0.0, shape) for shape in shapes]


def _contract(terms: list[str], nodes: list[Node], step: Sequence[int], result: str) -> None:
    """Replace the operands of one step by their product, which comes last."""
    pairs = [(terms[k], nodes[k]) for k in step]
    for k in reversed(step):
        del terms[k], nodes[k]
    term, node = pairs[0]
    for k, (other, factor) in enumerate(pairs[1:], 2):
        rest = "".join([*(label for label, _ in pairs[k:]), *terms, result])
        term, node = _pair(term, node, other, factor, rest)
    if len(pairs) == 1:
        term, node = _summed(term, node, "".join([*terms, result]))
    terms.append(term)
    nodes.append(node)


def _cast_by(node: Node, dtype: np.dtype[Any], casting: Any) -> Node:
    if not np.can_cast(node.dtype, dtype, casting):
        raise TypeError(at_user_line(f"einsum: no {node.dtype} as {dtype} by the rule {casting!r}"))
    return as_dtype(node, dtype)


def _einsum_view(a: Any, term: str, result: str) -> Tracer:
    """Return, for one operand without a sum, a view of its diagonals and axes, as NumPy does."""
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            i = term.index(label)
            j = term.index(label, i + 1)
            _check_equal(label, a.shape[i], a.shape[j])
            a = diagonal(a, 0, i, j, writable=True)
            term = term[:i] + term[i + 1 : j] + term[j + 1 :] + label
    return permuted(a, tuple(term.index(label) for label in result))


def _check_equal(label: str, size: int, other: int) -> None:
    if size != other:
        raise ShapeError(at_user_line(f"einsum: axis {label!r} is {size} and {other}"))


def _with_text(operands: Sequence[Any]) -> tuple[Any, ...]:
    """Return ``x, [0, 1], y, [1, 2], [0, 2]`` as ``"AB,BC->AC", x, y``, with NumPy's letters."""

    def term(labels: Iterable[Any]) -> str:
        return "".join("..." if k is Ellipsis else ascii_letters.swapcase()[k] for k in labels)

    *pairs, last = operands if len(operands) % 2 else (*operands, None)
    text = ",".join(map(term, pairs[1::2]))
    return text if last is None else f"{text}->{term(last)}", *pairs[::2]


def _subscripts(text: str, nodes: list[Node]) -> tuple[list[str], str]:
    left, arrow, right = text.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(nodes):
        raise ShapeError(at_user_line(f"einsum {text!r} names {len(terms)} operands"))
    spare = [c for c in "ZYXWVUTSRQPONMLKJIHGFEDCBA" if c not in text]
    widest = 0
    for k, (term, node) in enumerate(zip(terms, nodes, strict=True)):
        if "..." in term:
            extra = len(node.shape) - len(term.replace("...", ""))
            widest = max(widest, extra)
            terms[k] = term.replace("...", "".join(spare[:extra][::-1]))
        if len(terms[k]) != len(node.shape):
            raise ShapeError(at_user_line(f"einsum {text!r}: {term!r} for shape {node.shape}"))
    if arrow:
        return terms, right.replace("...", "".join(spare[:widest][::-1]))
    every = "".join(terms)
    once = sorted(c for c in set(every) if every.count(c) == 1 and c not in spare)
    return terms, "".join(spare[:widest][::-1]) + "".join(once)


def _diagonals(term: str, node: Node) -> tuple[str, Node]:
    """Take the diagonal of axes whose label stands twice in one operand."""
    for label in dict.fromkeys(term):
        while term.count(label) > 1:
            i = term.index(label)
            j = term.index(label, i + 1)
            _check_equal(label, node.shape[i], node.shape[j])
            mask = np.eye(node.shape[i], node.shape[j], dtype=node.dtype)
            sizes = [node.shape[k] if k in (i, j) else 1 for k in range(len(term))]
            node = sum_(ew.mul(node, mask.reshape(sizes)), axes=(j,))
            term = term[:j] + term[j + 1 :]
    return term, node


def _pair(a: str, x: Node, b: str, y: Node, rest: str) -> tuple[str, Node]:
    """Multiply two operands; sum over labels that are in no other operand nor in the result."""
    size: dict[str, int] = {}
    for term, node in ((a, x), (b, y)):
        for label, n in zip(term, node.shape, strict=True):
            if size.get(label, 1) != 1 and n not in (1, size[label]):
                raise ShapeError(at_user_line(f"einsum: axis {label!r} is {size[label]} and {n}"))
            size[label] = max(n, size.get(label, 1)) if n else 0
    a, x = _summed(a, x, b + rest)
    b, y = _summed(b, y, a + rest)
    both = [c for c in a if c in b]
    wide_x, wide_y = dict(zip(a, x.shape, strict=True)), dict(zip(b, y.shape, strict=True))
    batch = [c for c in both if c in rest or wide_x[c] != wide_y[c]]
    inner = [c for c in both if c not in batch]
    left = [c for c in a if c not in both]
    right = [c for c in b if c not in both]
    if not inner:
        labels = _in_order(a, b, rest)
        return labels, ew.mul(_by_labels(a, x, labels), _by_labels(b, y, labels))
    if not left and not right and x.dtype == y.dtype and x.dtype in _SUMMED:
        products = ew.mul(x, _by_labels(b, y, a))
        return _summed(a, products, rest)

    p = transpose(x, axes=tuple(a.index(c) for c in (*batch, *left, *inner)))
    q = transpose(y, axes=tuple(b.index(c) for c in (*batch, *inner, *right)))
    lead = len(batch)
    p = reshape(p, shape=(*p.shape[:lead], _size(left, size), _size(inner, size)))
    q = reshape(q, shape=(*q.shape[:lead], _size(inner, size), _size(right, size)))
    z = matmul(p, q)
    shape = tuple(size[c] for c in (*batch, *left, *right))
    return "".join((*batch, *left, *right)), reshape(z, shape=shape)


def _in_order(a: str, b: str, rest: str) -> str:
    """Return the labels of two operands: in the order of the result, if that is all of them."""
    labels = dict.fromkeys(a + b)
    return "".join(dict.fromkeys(rest) if set(rest) == set(labels) else labels)


def _by_labels(term: str, node: Node, labels: str) -> Node:
    """Return an operand with an axis for each label, in their order; of size 1 if it has none."""
    ordered = transpose(node, axes=tuple(term.index(c) for c in labels if c in term))
    sizes = dict(zip(term, node.shape, strict=True))
    spread: Node = reshape(ordered, shape=tuple(sizes.get(c, 1) for c in labels))
    return spread


def _summed(term: str, node: Node, rest: str) -> tuple[str, Node]:
    gone = tuple(k for k, label in enumerate(term) if label not in rest)
    if not gone:
        return term, node
    return "".join(c for c in term if c in rest), sum_(node, axes=gone)


def _size(labels: list[str], size: dict[str, int]) -> int:
    return int(np.prod([size[c] for c in labels]))
