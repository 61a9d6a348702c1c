"""NumPy's products on tracers: matmul, dot, tensordot, einsum and kin, as one primitive."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from ..errors import ShapeError, at_user_line
from ..graph.node import Node
from ..primitives import elementwise as ew
from ..primitives.complex_numbers import conjugate
from ..primitives.products import matmul
from ..primitives.structure import reshape, sum_, transpose
from .arithmetic import in_place
from .function_rules import implements, normalize_axis, refuse_options
from .index import diagonal
from .operands import is_sparse, nodes_of
from .strides import set_layout_unknown
from .tracer import METHODS, UFUNCS, ArrayTracer, Tracer, traced
from .ufunc_rules import as_dtype
from .views import permuted


def _alike(x: Any, y: Any) -> tuple[Node, Node]:
    a, b = nodes_of(x, y)
    if a.dtype == b.dtype:
        return a, b
    dtype = np.result_type(a.dtype, b.dtype)
    return as_dtype(a, dtype), as_dtype(b, dtype)


def _matmul(x: Any, y: Any, dtype: Any = None) -> Tracer:
    a, b = _alike(x, y)
    if dtype is not None:
        a, b = as_dtype(a, np.dtype(dtype)), as_dtype(b, np.dtype(dtype))
    return _product(a, b)


def _product(a: Node, b: Node) -> Tracer:
    if not a.shape or not b.shape:
        raise ShapeError(at_user_line("matmul of an array without axes: use * instead"))
    rows = len(a.shape) == 1
    columns = len(b.shape) == 1
    a = reshape(a, shape=(1, *a.shape)) if rows else a
    b = reshape(b, shape=(*b.shape, 1)) if columns else b
    z = matmul(a, b)
    shape = z.shape[:-1] if columns else z.shape
    if rows:
        shape = shape[:-1] if columns else (*z.shape[:-2], z.shape[-1])
    return traced(z if shape == z.shape else reshape(z, shape=shape))


UFUNCS["matmul"] = _matmul


@implements(np.dot, method="dot")
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    if out is not None:
        refuse_options(out=out)
    x, y = _alike(a, b)
    if not x.shape or not y.shape:
        return traced(ew.mul(x, y))
    if len(y.shape) <= 2:
        if len(x.shape) <= 2:
            return _product(x, y)
        return _tensordot(traced(x), traced(y), ((len(x.shape) - 1,), (0,)))
    return _tensordot(traced(x), traced(y), ((len(x.shape) - 1,), (len(y.shape) - 2,)))


@implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Tracer:
    x, y = _alike(a, b)
    n, m = len(x.shape), len(y.shape)
    if isinstance(axes, (int, np.integer)):
        left, right = list(range(n - int(axes), n)), list(range(int(axes)))
    else:
        left = [normalize_axis(k, n) for k in np.atleast_1d(axes[0])]
        right = [normalize_axis(k, m) for k in np.atleast_1d(axes[1])]
    if [x.shape[k] for k in left] != [y.shape[k] for k in right]:
        raise ShapeError(at_user_line(f"tensordot: shapes {x.shape} and {y.shape}, axes {axes}"))
    free_x = [k for k in range(n) if k not in left]
    free_y = [k for k in range(m) if k not in right]
    shape = (*[x.shape[k] for k in free_x], *[y.shape[k] for k in free_y])
    inner = int(np.prod([x.shape[k] for k in left]))
    outer_x = int(np.prod([x.shape[k] for k in free_x]))
    outer_y = int(np.prod([y.shape[k] for k in free_y]))
    x = reshape(transpose(x, axes=(*free_x, *left)), shape=(outer_x, inner))
    y = reshape(transpose(y, axes=(*right, *free_y)), shape=(inner, outer_y))
    return ArrayTracer(reshape(matmul(x, y), shape=shape))


@implements(np.inner)
def _inner(a: Any, b: Any, /) -> Any:
    if not np.ndim(a) or not np.ndim(b):
        return _dot(a, b)
    return traced(_tensordot(a, b, ((np.ndim(a) - 1,), (np.ndim(b) - 1,))).node)


@implements(np.vdot)
def _vdot(a: Any, b: Any, /) -> Tracer:
    x, y = _alike(a, b)
    flat = (int(np.prod(x.shape)),)
    return traced(sum_(reshape(conjugate(x), shape=flat) * reshape(y, shape=flat), axes=(0,)))


@implements(np.outer)
def _outer(a: Any, b: Any, out: Any = None) -> Tracer:
    refuse_options(out=out)
    x, y = _alike(a, b)
    return traced(
        ew.mul(
            reshape(x, shape=(int(np.prod(x.shape)), 1)),
            reshape(y, shape=(1, int(np.prod(y.shape)))),
        )
    )


@implements(np.einsum)
def _einsum(*operands: Any, out: Any = None, dtype: Any = None, order: str = "K",
            casting: Any = "safe", optimize: Any = False) -> Tracer:  # fmt: skip
    """Contract pairwise from the left, each pair as one batched matrix product."""
    np.empty(0).copy(order)  # type: ignore[arg-type]  # raises what NumPy would
    if not isinstance(operands[0], str):
        operands = _with_text(operands)
    nodes = list(nodes_of(*operands[1:]))
    if dtype is not None:
        nodes = [_cast_by(node, np.dtype(dtype), casting) for node in nodes]
        operands = (operands[0], *map(traced, nodes))
    terms, result = _subscripts(operands[0], nodes)
    if len(terms) == 1 and set(terms[0]) == set(result):
        return _einsum_view(operands[1], terms[0], result)
    for k, (term, node) in enumerate(zip(terms, nodes, strict=True)):
        terms[k], nodes[k] = _diagonals(term, node)
    while len(nodes) > 1:
        term, node = _pair(terms[0], nodes[0], terms[1], nodes[1], "".join(terms[2:]) + result)
        terms[:2], nodes[:2] = [term], [node]
    gone = tuple(k for k, label in enumerate(terms[0]) if label not in result)
    node = sum_(nodes[0], axes=gone) if gone else nodes[0]
    term = "".join(label for label in terms[0] if label in result)
    contracted = transpose(node, axes=tuple(term.index(label) for label in result))
    set_layout_unknown(contracted)  # which follows from all operands' layouts
    return traced(contracted)


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

    p = transpose(x, axes=tuple(a.index(c) for c in (*batch, *left, *inner)))
    q = transpose(y, axes=tuple(b.index(c) for c in (*batch, *inner, *right)))
    lead = len(batch)
    p = reshape(p, shape=(*p.shape[:lead], _size(left, size), _size(inner, size)))
    q = reshape(q, shape=(*q.shape[:lead], _size(inner, size), _size(right, size)))
    z = matmul(p, q)
    shape = tuple(size[c] for c in (*batch, *left, *right))
    return "".join((*batch, *left, *right)), reshape(z, shape=shape)


def _summed(term: str, node: Node, rest: str) -> tuple[str, Node]:
    gone = tuple(k for k, label in enumerate(term) if label not in rest)
    if not gone:
        return term, node
    return "".join(c for c in term if c in rest), sum_(node, axes=gone)


def _size(labels: list[str], size: dict[str, int]) -> int:
    return int(np.prod([size[c] for c in labels]))


def _matmul_operator(x: Any, y: Any) -> Any:
    return NotImplemented if is_sparse(y) else _matmul(x, y)


def _install() -> None:
    Tracer.__matmul__ = _matmul_operator  # type: ignore[operator]
    Tracer.__rmatmul__ = lambda y, x: _matmul(x, y)  # type: ignore[attr-defined]
    ArrayTracer.__imatmul__ = in_place(_matmul)  # type: ignore[attr-defined]
    METHODS["dot"] = _dot


_install()
