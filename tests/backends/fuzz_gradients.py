"""Random gradients: constant cotangents, arrays that are written into, tails that only move.

A program begins with arguments and with buffers (zeros, ones, one number everywhere, something
else's copy) into which parts of them are written, goes on with what moves numbers, now and then
with arithmetic or a loop, and ends in a sum or a mean of all or of a part. So its derivative begins
with one number everywhere, which views, gathers, scatters and paddings read.

``python tests/backends/fuzz_gradients.py 100000 0 8`` plans many, compiles and runs each eighth of
them, and prints those that fail.
"""

from __future__ import annotations

import sys
import traceback
from contextlib import nullcontext
from typing import Any

import numpy as np
from fuzz_graphs import (
    Growth,
    Made,
    arithmetic,
    compare,
    convert,
    draw,
    indexing,
    is_float,
    loop,
    move,
    reduce,
    shared,
    smooth,
    where,
)

from chainrule.autodiff.reverse import reverse
from chainrule.backends.llvm.emit.module import emit
from chainrule.backends.llvm.fuse.fusion import fuse
from chainrule.backends.llvm.plan.plan import plan
from chainrule.backends.llvm.schedule.schedule import schedule
from chainrule.config import configured
from chainrule.errors import GradientError
from chainrule.graph.graph import Graph
from chainrule.graph.node import Node, constant
from chainrule.primitives import elementwise as e
from chainrule.primitives.indexing import gather, scatter, scatter_add
from chainrule.primitives.structure import (
    broadcast_to,
    concatenate,
    pad,
    reshape,
    slice_,
    sum_,
    transpose,
)
from chainrule.simplify import simplify

INPUTS = [np.dtype(np.float64)] * 3 + [np.dtype(np.float32)]


def uniform(g: Growth) -> Made:
    """One number everywhere: an array that was filled, or a view that repeats it."""
    x = g.pick(is_float)
    shape = g.shape() if x is None or g.chance(0.3) else x.shape
    dtype = x.dtype if x is not None else g.one(INPUTS)
    number = g.number((), dtype) if g.chance(0.6) else dtype.type(g.one([0.0, 1.0, -0.0]))
    ways = [
        lambda: constant(np.broadcast_to(dtype.type(number), shape)),
        lambda: broadcast_to(constant(dtype.type(number)), shape=shape),
        lambda: broadcast_to(constant(np.full((1,) * len(shape), number, dtype)), shape=shape),
        lambda: constant(np.full(shape, number, dtype)),
    ]
    return g.one(ways)(), True


def part(g: Growth, shape: tuple[int, ...]) -> tuple[slice, ...]:
    """A basic slice, mostly of the first axis."""
    found = []
    for n in shape:
        start = int(g.rng.integers(0, n)) if n and g.chance(0.5) else 0
        found.append(slice(start, n, int(g.one([1, 1, 2]))))
    return tuple(found)


def written(g: Growth) -> Made:
    """A buffer with something written, or added, at a slice or at rows: x[i] = v, np.add.at."""
    buffer = g.pick(lambda n: is_float(n) and len(n.shape) > 0 and 0 not in n.shape)
    if buffer is None:
        return None
    if g.chance(0.6):
        number = g.one([0.0, 1.0, 0.5])
        buffer = broadcast_to(constant(buffer.dtype.type(number)), shape=buffer.shape)
    rule = g.one([scatter, scatter, scatter_add])
    if g.chance(0.5):
        index = part(g, buffer.shape)
        shape = tuple(len(range(*s.indices(n))) for s, n in zip(index, buffer.shape, strict=True))
        pattern: tuple[Any, ...] = index
        arrays: list[Node] = []
    else:
        count = int(g.rng.integers(1, 5))
        arrays = [constant(g.rng.integers(-buffer.shape[0], buffer.shape[0], count))]
        rest = tuple(slice(0, n, 1) for n in buffer.shape[1:])
        pattern, shape = (0, *rest), (count, *buffer.shape[1:])
    value = g.pick(lambda n: n.dtype == buffer.dtype and n.shape in (shape, shape[1:], ()))
    if value is None:
        source = g.pick(lambda n: n.dtype == buffer.dtype and np.prod(n.shape) >= np.prod(shape))
        if source is None or 0 in shape:
            return None
        flat = reshape(source, shape=(int(np.prod(source.shape)),))
        value = reshape(slice_(flat, index=(slice(0, int(np.prod(shape)), 1),)), shape=shape)
    value = broadcast_to(value, shape=shape)
    return rule(buffer, value, *arrays, pattern=pattern), False


def joined(g: Growth) -> Made:
    """Parts of one array beside each other, as roll, stack and concatenate make them."""
    x = g.pick(lambda n: is_float(n) and len(n.shape) > 0)
    if x is None:
        return None
    flat = reshape(x, shape=(int(np.prod(x.shape)),))
    size = flat.shape[0]
    cut = int(g.rng.integers(0, size + 1))
    pieces = [slice_(flat, index=(slice(cut, size, 1),)), slice_(flat, index=(slice(0, cut, 1),))]
    ways = [
        lambda: reshape(concatenate(*pieces, axis=0), shape=x.shape),
        lambda: concatenate(flat, *pieces, axis=0),
        lambda: concatenate(x, x, axis=len(x.shape) - 1),
        lambda: pad(flat, shape=(size + 3,), index=(slice(2, size + 2, 1),)),
        lambda: gather(flat, constant(g.rng.integers(0, size, 3)), pattern=(0,)) if size else None,
    ]
    made = g.one(ways)()
    return None if made is None else (made, False)


def flattened(g: Growth) -> Made:
    """A reshape that does not follow the order in memory: of a transpose, of a cut, of steps."""
    x = g.pick(lambda n: len(n.shape) >= 2)
    if x is None:
        return None
    y = transpose(x, axes=tuple(int(k) for k in g.rng.permutation(len(x.shape))))
    if g.chance(0.4):
        y = slice_(y, index=part(g, y.shape))
    size = int(np.prod(y.shape))
    half = (size // 2, 2) if size % 2 == 0 else (size,)
    return reshape(y, shape=g.one([(size,), half, (*y.shape[::-1],)])), False


MOVES = [move, move, written, written, joined, flattened, uniform, indexing]
OTHERS = [smooth, arithmetic, where, reduce, convert, loop]


def tail(g: Growth) -> Node:
    """A sum or a mean of all of a node, or of a part."""
    x = g.pick(lambda n: is_float(n) and n.dtype.itemsize > 2) or g.inputs[0]
    if g.chance(0.3) and x.shape:
        x = slice_(x, index=part(g, x.shape))
    if g.chance(0.2):
        x = sum_(x, axes=(0,)) if x.shape else x
    total = sum_(x, axes=tuple(range(len(x.shape))))
    if g.chance(0.5):
        total = e.mul(total, x.dtype.type(1 / max(1, np.prod(x.shape))))
    return total


def gradient_of(seed: int) -> tuple[Graph, list[Any]]:
    """The gradient of a seed's program, beside its value, and arguments for it."""
    rng = np.random.default_rng(seed)
    g = Growth(rng)
    g.reversible = True
    for _ in range(int(rng.integers(1, 3))):
        g.argument(dtype=g.one(INPUTS))
    rules = MOVES if g.chance(0.5) else MOVES + OTHERS
    with np.errstate(all="ignore"):  # constants are computed at once
        for _ in range(int(rng.integers(2, 12))):
            made = g.one(rules)(g)
            if made is not None and np.prod(made[0].shape) <= 1000:
                g.keep(*made)
        total = tail(g)
        found = reverse([total], g.inputs, [constant(np.ones((), total.dtype))])
        slopes = [n for n in found if n is not None]
        if rng.random() < 0.3 and slopes:  # second order, and what a step of an optimiser does
            square = e.mul(slopes[0], slopes[0])
            again = sum_(square, axes=tuple(range(len(square.shape))))
            more = reverse([again], g.inputs, [constant(np.ones((), again.dtype))])
            slopes += [n for n in more if n is not None]
    arguments = [np.asarray(draw(rng, n.shape, n.dtype)) for n in g.inputs]
    return Graph(tuple(g.inputs), (total, *slopes)), arguments


def planned(seed: int) -> None:
    """Simplify, plan and write a seed's gradient; an error that comes up is ours."""
    emit(schedule(plan(fuse(simplify(gradient_of(seed)[0])))))


def wrong(seed: int, run: bool) -> str:
    """What is wrong with a seed's gradient: an internal error, or a number; empty if nothing."""
    try:
        if not run:
            planned(seed)
            return ""
        graph, arguments = gradient_of(seed)
        return compare(simplify(graph), arguments)
    except GradientError:
        raise
    except Exception:  # whatever it is, it is ours: all programs here are valid
        return traceback.format_exc()


def main(count: int, start: int = 0, every: int = 8) -> int:
    """Plan many seeds, run each `every`th of them, half of those shared by threads."""
    failed = 0
    with configured(check=1, cache=0, num_threads=1):
        for seed in range(start, start + count):
            run = seed % every == 0
            with shared() if run and seed // every % 2 else nullcontext():
                said = wrong(seed, run)
            if said:
                failed += 1
                print(f"seed {seed}: {said}", flush=True)
            if (seed + 1 - start) % 1000 == 0:
                print(f"{seed + 1 - start} gradients, {failed} failed", flush=True)
    print(f"{count} gradients, {failed} failed")
    return failed


if __name__ == "__main__":
    sys.exit(bool(main(*map(int, sys.argv[1:]))))
