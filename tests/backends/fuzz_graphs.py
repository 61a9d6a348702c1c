"""Random graphs, to hold the native backend against the reference.

A graph is grown node by node from a seed. *Exact* nodes have the same bits on every backend
(arguments, integers, and what only moves or compares those): only they feed what is discontinuous.
Other numbers are kept tame, so that rounding stays small and a wrong number is a bug.

``python tests/backends/fuzz_graphs.py 200000`` runs many, and prints those that fail.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from math import inf
from typing import Any

import numpy as np

from chainrule.autodiff.reverse import reverse
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.instructions import sharing
from chainrule.config import configured
from chainrule.control.cond import cond
from chainrule.control.scan import scan
from chainrule.control.while_loop import while_loop
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, constant, input_node, items
from chainrule.graph.types import Type
from chainrule.primitives import elementwise as e
from chainrule.primitives.convolution import conv
from chainrule.primitives.indexing import gather, scatter, scatter_add
from chainrule.primitives.products import matmul
from chainrule.primitives.reductions import argmax, argsort, cumprod, cumsum, max_, prod
from chainrule.primitives.structure import (
    broadcast_to,
    cast,
    concatenate,
    pad,
    reshape,
    slice_,
    stop_gradient,
    sum_,
    transpose,
)
from chainrule.simplify import simplify

FLOATS = [np.dtype(np.float64), np.dtype(np.float32)]
RARE = [np.dtype(t) for t in ("int64", "int32", "uint32", "uint8", "uint64", "bool", "float16")]
LARGEST = 400  # numbers a node


class Growth:
    """A graph on its way."""

    def __init__(self, rng: np.random.Generator, depth: int = 0) -> None:
        self.rng, self.depth = rng, depth
        self.tall = 0
        self.reversible = False  # no loops without a derivative, nothing whose derivative jumps
        self.inputs: list[Node] = []
        self.nodes: list[Node] = []
        self.exact: set[Node] = set()

    # Choices

    def one(self, options: Any) -> Any:
        """One of several."""
        return options[int(self.rng.integers(len(options)))]

    def chance(self, p: float) -> bool:
        """True with a probability."""
        return bool(self.rng.random() < p)

    def shape(self) -> tuple[int, ...]:
        """Up to three axes: small ones, sizes around a vector's, now and then 0."""
        sizes = [1, 2, 3, 4, 5, 7, 8, 10, 16, 17, 33]
        if self.tall and self.chance(0.7):
            return (
                self.tall,
                *[int(self.one([1, 5, 16, 33])) for _ in range(self.rng.integers(3))],
            )
        rank = int(self.rng.integers(0, 4))
        shape = tuple(int(self.one(sizes)) for _ in range(rank))
        if self.chance(0.03) and shape:
            shape = (0, *shape[1:])
        return shape if np.prod(shape) <= LARGEST else shape[:1]

    def dtype(self) -> Any:
        """Mostly floating."""
        return self.one(RARE) if self.chance(0.2) else self.one(FLOATS)

    def pick(self, wanted: Callable[[Node], bool] = lambda n: True) -> Node | None:
        """One of the nodes that fit, the newer the likelier."""
        fitting = [n for n in self.nodes if wanted(n)]
        if not fitting:
            return None
        newest = min(len(fitting), 6) if self.chance(0.7) else len(fitting)
        return fitting[-1 - int(self.rng.integers(newest))]

    # Growing

    def argument(self, shape: Any = None, dtype: Any = None) -> Node:
        """A new input."""
        kind = Type(self.shape() if shape is None else shape, dtype or self.dtype())
        node = input_node(kind)
        self.inputs.append(node)
        self.keep(node, exact=True)
        return node

    def keep(self, node: Node, exact: bool) -> Node:
        """A node that later ones may read."""
        self.nodes.append(node)
        if exact or node.dtype.kind != "f":
            self.exact.add(node)
        return node

    def number(self, shape: Any, dtype: Any) -> Any:
        """Random values of a type."""
        return draw(self.rng, shape, dtype)

    def grow(self) -> None:
        """One more node, or none if the choice does not fit."""
        rule = self.one(RULES)
        made = rule(self)
        if made is not None:
            node, exact = made
            if np.prod(node.shape) <= 4 * max(LARGEST, 33 * self.tall):
                self.keep(node, exact)

    def alike(self, x: Node) -> Node:
        """A node that broadcasts with x: one there is, or a constant."""
        shapes = [x.shape, x.shape[1:], (), tuple(1 for _ in x.shape)]
        found = self.pick(lambda n: n.dtype == x.dtype and n.shape in shapes)
        if found is not None and self.chance(0.8):
            return found
        made = constant(np.asarray(self.number(self.one(shapes), x.dtype)))
        self.exact.add(made)
        return made


def draw(rng: np.random.Generator, shape: Any, dtype: Any) -> Any:
    """Random values: floats of about 1, small integers."""
    if dtype.kind == "b":
        return rng.random(shape) < 0.5
    if dtype.kind == "u":
        return rng.integers(0, 9, shape).astype(dtype)
    if dtype.kind == "i":
        return rng.integers(-5, 9, shape).astype(dtype)
    return (np.round(rng.normal(size=shape) * 8) / 8).astype(dtype)  # ties occur


Made = tuple[Node, bool] | None


def is_float(n: Node) -> bool:
    return bool(n.dtype.kind == "f")


def smooth(g: Growth) -> Made:
    """A function whose slope is at most about 1, of a tame argument."""
    x = g.pick(is_float)
    if x is None:
        return None
    square = e.add(e.mul(x, x), x.dtype.type(1))
    options: list[Callable[[], Node]] = [
        lambda: e.tanh(x), lambda: e.sin(x), lambda: e.cos(x), lambda: e.logistic(x),
        lambda: e.erf(x), lambda: e.erfc(x), lambda: e.arcsinh(x), lambda: e.sqrt(square),
        lambda: e.log(square), lambda: e.log1p(e.mul(x, x)), lambda: e.div(x, square),
        lambda: e.exp(e.neg(e.mul(x, x))), lambda: e.expm1(e.tanh(x)), lambda: e.cbrt(square),
        lambda: e.cosh(e.tanh(x)), lambda: e.power(square, x.dtype.type(0.3)),
        lambda: e.arctan2(x, square), lambda: e.hypot(x, x.dtype.type(1)),
        lambda: e.logaddexp(x, x.dtype.type(0.5)),
    ]  # fmt: skip
    return g.one(options)(), False


def arithmetic(g: Growth) -> Made:
    """Two operands, broadcast, and large results tamed."""
    x = g.pick(lambda n: n.dtype.kind != "b")
    if x is None:
        return None
    y = g.alike(x)
    choices = [e.add, e.sub, e.mul, e.maximum, e.minimum]
    if g.reversible and not (x in g.exact and y in g.exact):
        choices = choices[:3]
    node = g.one(choices)(x, y)
    if is_float(node):
        return e.tanh(node) if g.chance(0.5) else node, False
    return node, True


def whole(g: Growth) -> Made:
    """Integers and truth values."""
    x = g.pick(lambda n: n.dtype.kind in "iub")
    if x is None:
        return None
    y = g.alike(x)
    if x.dtype.kind == "b":
        return g.one([e.bitwise_and, e.bitwise_xor, e.equal])(x, y), True
    node = g.one([e.bitwise_and, e.bitwise_xor, e.floor_divide, e.remainder, e.shift_right,
                  e.less, e.equal])  # fmt: skip
    if node is e.shift_right:
        y = e.bitwise_and(y, x.dtype.type(7))
    return node(x, y), True


def choice(g: Growth) -> Made:
    """What jumps, of exact operands only."""
    x = g.pick(lambda n: is_float(n) and n in g.exact)
    if x is None:
        return None
    y = g.alike(x)
    if y not in g.exact:
        return None
    options: list[Callable[[], Node]] = [
        lambda: e.less(x, y), lambda: e.equal(x, y), lambda: e.floor(x), lambda: e.rint(x),
        lambda: e.sign(x), lambda: e.absolute(x), lambda: e.neg(x), lambda: e.remainder(x, y),
        lambda: e.floor_divide(x, y),
    ]  # fmt: skip
    with np.errstate(all="ignore"):
        return g.one(options)(), True


def where(g: Growth) -> Made:
    """By a truth value of a shape that fits."""
    x = g.pick()
    if x is None:
        return None
    c = g.pick(lambda n: n.dtype.kind == "b" and n.shape in (x.shape, (), x.shape[1:]))
    y = g.alike(x)
    return None if c is None else (e.where(c, x, y), x in g.exact and y in g.exact)


def move(g: Growth) -> Made:
    """Views, and what copies them."""
    x = g.pick()
    if x is None:
        return None
    axes = tuple(int(k) for k in g.rng.permutation(len(x.shape)))
    steps = [slice(None), slice(None, None, -1), slice(None, None, 2), slice(1, None), slice(0, 1)]
    index = tuple(slice(*g.one(steps).indices(n)) for n in x.shape)
    index = tuple(slice(s.start, None if s.stop < 0 else s.stop, s.step) for s in index)
    total = int(np.prod(x.shape))
    shapes = [(total,), (1, *x.shape), (*x.shape, 1), x.shape[::-1]]
    wide = tuple(n + 2 for n in x.shape)
    options: list[Callable[[], Node]] = [
        lambda: transpose(x, axes=axes), lambda: slice_(x, index=index),
        lambda: reshape(x, shape=g.one(shapes)), lambda: stop_gradient(x),
        lambda: broadcast_to(x, shape=(g.one([1, 2, 3]), *x.shape)),
        lambda: pad(x, shape=wide, index=tuple(slice(1, n + 1, 1) for n in x.shape)),
        lambda: concatenate(x, slice_(x, index=(*index[:-1], slice(0, x.shape[-1], 2))), axis=0)
        if len(x.shape) == 1 else concatenate(x, x, axis=0) if x.shape else x,
    ]  # fmt: skip
    try:
        return g.one(options)(), x in g.exact
    except ValueError:
        return None


def convert(g: Growth) -> Made:
    """Another dtype, where that is exact."""
    x = g.pick()
    if x is None:
        return None
    target = g.one([d for d in [*FLOATS, *RARE] if np.can_cast(x.dtype, d, "same_kind")])
    if x.dtype.kind in "iu" and target.kind == "f":  # 2 - 3 of unsigned ones is 4e9
        x = g.keep(e.bitwise_and(x, x.dtype.type(63)), x in g.exact)
    return cast(x, dtype=target), x in g.exact and np.can_cast(x.dtype, target, "safe")


def reduce(g: Growth) -> Made:
    """Over any axes."""
    x = g.pick(lambda n: len(n.shape) > 0)
    if x is None:
        return None
    axes = tuple(k for k in range(len(x.shape)) if g.chance(0.5)) or (0,)
    axis = axes[0]
    exact = x in g.exact
    kind = g.one(["sum", "max", "argmax", "argsort", "cumsum", "prod", "cumprod"])
    if kind == "sum":
        mean = sum_(x, axes=axes)
        scale = max(1, int(np.prod([x.shape[k] for k in axes])))
        return (e.mul(mean, x.dtype.type(1 / scale)) if is_float(x) else mean), False
    if kind == "max" and g.reversible and not exact:
        return None
    if kind in ("max", "argmax") and any(x.shape[k] == 0 for k in axes):
        return None
    if kind == "max":
        largest = max_(x, axes=axes)
        return (e.add(largest, x.dtype.type(0)) if is_float(x) else largest), exact  # of 0 and -0
    if kind == "argmax":
        return (argmax(x, axis=axis), True) if exact else None
    if kind == "argsort":
        return (argsort(x, axis=axis), True) if exact else None
    if not is_float(x):
        return cumsum(x, axis=axis), True
    tame = e.tanh(x)
    scaled = e.mul(tame, x.dtype.type(1 / max(1, x.shape[axis])))
    return g.one([lambda: cumsum(scaled, axis=axis), lambda: prod(tame, axis=axis),
                  lambda: cumprod(tame, axis=axis)])(), False  # fmt: skip


def product(g: Growth) -> Made:
    """Matrices that are there, or turned, or with a constant; leading axes broadcast."""
    x = g.pick(lambda n: is_float(n) and len(n.shape) >= 2)
    if x is None:
        return None
    depth = x.shape[-1]
    n = int(g.one([1, 2, 5, 10, 17, 33]))
    lead = g.one([(), (1,), x.shape[:-2]])
    y: Node = constant(g.number((*lead, depth, n), x.dtype))
    if g.chance(0.4):
        y = transpose(constant(g.number((n, depth), x.dtype)), axes=(1, 0))
    if g.chance(0.3) and len(x.shape) == 2:
        x, y = transpose(x, axes=(1, 0)), constant(g.number((x.shape[0], n), x.dtype))
    scale = x.dtype.type(1 / max(1, x.shape[-1]))
    return e.mul(matmul(x, y), scale), False


def convolution(g: Growth) -> Made:
    """Of an array seen as images, or by the gradient of one; steps, holes, each channel alone."""
    x = g.pick(lambda n: is_float(n) and len(n.shape) >= 2 and 0 not in n.shape)
    if x is None:
        return None
    *rest, width, columns = x.shape
    rows = int(np.prod(rest[:-1]))
    x = reshape(x, shape=(rows, rest[-1] if rest else 1, width, columns))
    kernel = [int(g.rng.integers(1, min(n, 4) + 1)) for n in x.shape[1:3]]
    dilation = tuple(
        int(g.rng.integers(1, 3)) if 2 * (k - 1) < n else 1
        for k, n in zip(kernel, x.shape[1:3], strict=True)
    )
    strides = tuple(int(g.rng.integers(1, 4)) for _ in range(2))
    outputs, groups = int(g.one([1, 3, 8, 17, 32])), ()
    if g.chance(0.4):
        x = transpose(reshape(x, shape=(*x.shape, 1)), axes=(3, 0, 1, 2, 4))
        outputs, groups, columns = int(g.one([1, 1, 2])), (columns,), 1
        if g.chance(0.5):
            wide = (*x.shape[:2], x.shape[2] + 3, x.shape[3] + 2, 1)
            index = tuple(slice(k in (2, 3), n + (k in (2, 3)), 1) for k, n in enumerate(x.shape))
            x = pad(x, shape=wide, index=index)
    w: Node = constant(g.number((*groups, *kernel, columns, outputs), x.dtype))
    scale = x.dtype.type(1 / (columns * kernel[0] * kernel[1]))
    y = e.mul(conv(x, w, strides=strides, dilation=dilation), scale)
    if g.chance(0.5):
        turned = bool(groups) and g.chance(0.7)
        return (transpose(y, axes=(1, 2, 3, 0, 4)) if turned else y), False
    by_x, by_w = reverse([y], [x, w], [e.tanh(y)])
    made = by_x if g.chance(0.5) else by_w
    assert made is not None
    return e.mul(made, x.dtype.type(1 / int(np.prod(y.shape)))), False


def indexing(g: Growth) -> Made:
    """Rows and places by integers that are constants or computed."""
    x = g.pick(lambda n: 1 <= len(n.shape) <= 2 and 0 not in n.shape)
    if x is None:
        return None
    if g.chance(0.4):  # of one number, such as a gradient that is 0 but for some rows
        shape = (int(g.one([5, 33])), *x.shape[1:])
        x = constant(np.broadcast_to(g.number((), x.dtype), shape))
        g.exact.add(x)
    size = x.shape[0]
    count = int(g.rng.integers(1, 6))
    index: Node = constant(g.rng.integers(-size, size, count))
    found = g.pick(lambda n: n.dtype == np.int64 and len(n.shape) == 1 and 0 < n.shape[0] < 6)
    if found is not None and g.chance(0.5):
        index, count = e.remainder(found, np.int64(size)), found.shape[0]
    rest = tuple(slice(0, n, 1) for n in x.shape[1:])
    pattern: tuple[Any, ...] = (0, *rest)
    arrays: list[Node] = [index]
    shape = (count, *x.shape[1:])
    if len(x.shape) == 2 and g.chance(0.4):
        arrays.append(constant(g.rng.integers(0, x.shape[1], count)))
        pattern, shape = (0, 1), (count,)
    exact = x in g.exact
    if g.chance(0.5):
        return gather(x, *arrays, pattern=pattern), exact
    if g.chance(0.3):  # a part that slices alone name
        starts = [int(g.rng.integers(0, n)) for n in x.shape]
        parts = [
            slice(s, n, int(g.rng.integers(1, 4))) for s, n in zip(starts, x.shape, strict=True)
        ]
        pattern, arrays = tuple(parts), []
        shape = tuple(len(range(p.start, p.stop, p.step)) for p in parts)
    fits = [shape, shape[1:], ()]
    v = g.pick(lambda n: n.dtype == x.dtype and n.shape in fits) if g.chance(0.7) else None
    if v is None:
        v = constant(g.number(shape, x.dtype))
        g.exact.add(v)
    exact = exact and v in g.exact
    if g.reversible:  # as a trace writes it: the rules of derivatives count on that
        v = broadcast_to(v, shape=shape)
    if g.chance(0.5) and x.dtype.kind != "b":
        return scatter_add(x, v, *arrays, pattern=pattern), exact
    return scatter(x, v, *arrays, pattern=pattern), exact


def inner(g: Growth, types: list[Type], outputs: list[Type], size: int) -> Graph:
    """A body: inputs of these types, outputs of those."""
    body = Growth(g.rng, g.depth + 1)
    body.reversible = g.reversible
    for t in types:
        body.argument(t.shape, t.dtype)
        body.exact.clear()  # a carry is not exact after the first turn
    for _ in range(size):
        body.grow()
    found = []
    for t in outputs:
        fits = body.pick(lambda n, t=t: n.type == t)  # type: ignore[misc]
        if fits is None:
            fits = constant(g.number(t.shape, t.dtype))
        elif t.dtype.kind == "f" and g.chance(0.6):
            fits = e.tanh(fits)
        found.append(fits)
    return Graph(tuple(body.inputs), tuple(found))


def loop(g: Growth) -> Made:
    """A scan, a while loop or a branch, over some nodes that are there."""
    if g.depth >= 2:
        return None
    carry = [n for n in (g.pick(is_float) for _ in range(int(g.rng.integers(1, 4)))) if n]
    if not carry:
        return None
    types = [n.type for n in carry]
    free = g.pick(is_float)
    fixed = [free] if free is not None else []
    kind = g.one(["scan", "scan", "scan" if g.reversible else "while", "cond"])
    size = int(g.rng.integers(1, 12))
    extra = [n.type for n in fixed]
    if kind == "scan":
        length = int(g.one([0, 1, 2, 5]))
        xs = [constant(g.number((length, *g.shape()[:2]), g.one(FLOATS)))]
        rows = [Type(x.shape[1:], x.dtype) for x in xs]
        ys = [g.one([*types, *rows])]
        body = inner(g, [*types, *rows, *extra], [*types, *ys], size)
        results = items(scan(*carry, *xs, *fixed, body=body, n_carry=len(carry), n_xs=1,
                             length=length, reverse=g.chance(0.3)))  # fmt: skip
    elif kind == "while":
        count = Type((), np.dtype(np.int64))
        steps = inner(g, [*types, *extra], types, size)
        k = input_node(count)
        body = Graph((k, *steps.inputs), (e.add(k, np.int64(1)), *steps.outputs))
        c = [input_node(t) for t in (count, *types)]
        ask = Graph(tuple(c), (e.less(c[0], np.int64(int(g.rng.integers(0, 5)))),))
        start = constant(np.asarray(0))
        results = items(while_loop(start, *carry, *fixed, cond=ask, body=body))[1:]
    else:
        branches = [inner(g, [*types, *extra], types, size) for _ in range(2)]
        picked = g.pick(lambda n: n.shape == () and n.dtype.kind != "f")
        condition = constant(np.asarray(g.chance(0.5))) if picked is None else picked
        results = items(cond(condition, *carry, *fixed, true=branches[0], false=branches[1]))
    for node in results[:-1]:
        g.keep(node, exact=False)
    return results[-1], False


RULES = [
    smooth,
    smooth,
    smooth,
    arithmetic,
    arithmetic,
    arithmetic,
    whole,
    choice,
    where,
    move,
    move,
    move,
    convert,
    reduce,
    reduce,
    product,
    convolution,
    indexing,
    loop,
]


def graph_of(seed: int) -> tuple[Graph, list[Any]]:
    """The graph of a seed, and arguments for it, some laid out awkwardly."""
    rng = np.random.default_rng(seed)
    g = Growth(rng)
    if rng.random() < 0.25:  # many rows, which threads may share
        g.tall = int(g.one([32, 45, 64, 100]))
    for _ in range(int(rng.integers(1, 5))):
        g.argument()
    with np.errstate(all="ignore"):  # constants are computed at once
        for _ in range(int(rng.integers(10, 60 if rng.random() < 0.9 else 200))):
            g.grow()
    count = int(rng.integers(1, 6))
    outputs = tuple(g.pick() or g.nodes[0] for _ in range(count))
    arguments = []
    for node in g.inputs:
        x = np.asarray(draw(rng, node.shape, node.dtype))
        layout = rng.random()
        if layout < 0.15 and x.ndim:
            x = np.asfortranarray(x)
        elif layout < 0.3 and x.ndim:
            x = np.repeat(x, 2, axis=0)[::2]
        arguments.append(x)
    return Graph(tuple(g.inputs), outputs), arguments


def coarsest(graph: Graph) -> int:
    """Bytes of the smallest floating dtype in a graph and in its bodies."""
    found = [8]
    for node in (*graph.inputs, *graph.nodes):
        types = node.shape if node.dtype is None else (node.type,)
        found += [t.dtype.itemsize for t in types if t.dtype.kind == "f"]
        found += [coarsest(p) for p in node.params.values() if isinstance(p, Graph)]
    return min(found)


def differences(seed: int, backend: str = "llvm") -> str:
    """What the backend gets wrong of a seed's graph; empty if nothing."""
    graph, arguments = graph_of(seed)
    return compare(simplify(graph), arguments, backend)


def compare(simple: Graph, arguments: list[Any], backend: str = "llvm") -> str:
    """What a backend gets wrong of a simplified graph; empty if nothing."""
    before = [x.copy() for x in arguments]
    bound = {2: 2e-2, 4: 2e-4, 8: 1e-10}[coarsest(simple)]
    expected = BACKENDS["numpy"].compile(simple)(arguments)
    found = BACKENDS[backend].compile(simple)(arguments)
    for k, (a, b) in enumerate(zip(expected, found, strict=True)):
        a, b = np.asarray(a), np.asarray(b)
        if (a.shape, a.dtype) != (b.shape, b.dtype):
            return f"output {k}: {a.dtype}{a.shape} became {b.dtype}{b.shape}"
        if a.dtype.kind != "f":
            same = np.array_equal(a, b)
        else:
            with np.errstate(all="ignore"):
                scale = 1 + np.max(np.abs(a), initial=0, where=np.isfinite(a))
            same = np.allclose(a, b, rtol=0, atol=bound * float(scale), equal_nan=True)
        if not same:
            with np.errstate(all="ignore"):
                distance = np.abs(a.astype(float) - b.astype(float)).ravel()
            worst = int(np.argmax(np.where(np.isnan(distance), np.inf, distance)))
            return f"output {k} at {worst}: {a.ravel()[worst]} became {b.ravel()[worst]}"
    if any(not np.array_equal(x, y, equal_nan=x.dtype.kind == "f") for x, y in
           zip(before, arguments, strict=True)):  # fmt: skip
        return "an argument was written to"
    return ""


@contextmanager
def shared(adaptive: bool = False) -> Iterator[None]:
    """Three threads share whatever they can, however little it is.

    With `adaptive`, loops find out whether they do.
    """
    before = sharing.SMALLEST_SHARED, sharing.SMALLEST_AUTOTUNED
    sharing.SMALLEST_SHARED = inf if adaptive else 0.0
    sharing.SMALLEST_AUTOTUNED = 0.0
    try:
        with configured(num_threads=3, cache=0):
            yield
    finally:
        sharing.SMALLEST_SHARED, sharing.SMALLEST_AUTOTUNED = before


def main(count: int, start: int = 0) -> int:
    """Run many seeds, each second one shared by threads, or maybe; how many failed."""
    failed = 0
    with configured(check=1, cache=0, num_threads=1):
        for seed in range(start, start + count):
            with shared(adaptive=seed % 4 == 3) if seed % 2 else nullcontext():
                wrong = differences(seed)
            if wrong:
                failed += 1
                print(f"seed {seed}: {wrong}\n{simplify(graph_of(seed)[0])}", flush=True)
    print(f"{count} graphs, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
