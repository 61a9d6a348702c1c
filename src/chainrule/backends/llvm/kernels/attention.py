"""Attention of one head, some queries at a time, and its derivative.

Scores are computed as ``K Q^T``: vectors lie along queries, so that the largest score of a query,
and the sum of its exponentials, are sums of whole vectors, and keys and values are read where they
lie. The scores of a block of queries with all keys stay in the second cache::

    forward                             backward
    P = K Q^T                           P = K Q^T, W = V G^T
    most, P = exp(P - most), total      P = exp(P - most) / total, mean = sum(P W)
    O = P^T V / total                   W = P (W - mean)
                                        dV += P G, dK += W Q, dQ = W^T K

The products are those of the library (T. Dao et al., "FlashAttention", arXiv:2205.14135 (2022);
M. N. Rabe, C. Staats, arXiv:2112.05682 (2021)). Keys that a causal block cannot read are left out.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np

from ..ir.builder import FunctionBuilder, Module
from ..ir.types import BOOL, I64, Index
from ..ir.value import Value
from ..target.host import host
from .math.exponential import exp_below_zero
from .matmul import scratch_bytes

_ALIGN = 64
_VECTORS = 4  # of queries at a time: enough sums at once to hide the time of an addition


@dataclass(frozen=True)
class Matrix:
    """A matrix at run time: its address, and the strides of its rows and columns, in numbers."""

    address: str
    row: Index
    column: Index

    @property
    def swapped(self) -> Matrix:
        """The transpose."""
        return Matrix(self.address, self.column, self.row)


@dataclass(frozen=True)
class Head:
    """What the code for one head depends on.

    Attributes
    ----------
    dtype : dtype
    steps, others : int
        The number of queries and of keys.
    width, depth : int
        Features of queries and keys, and of values.
    scale : float
    is_causal : bool
    bias : dtype or None
        Of what is added to scores; bool for a mask.
    boost : float or None
        What the weights that dropout leaves are multiplied by; None without dropout.
    """

    dtype: np.dtype[Any]
    steps: int
    others: int
    width: int
    depth: int
    scale: float
    is_causal: bool
    bias: np.dtype[Any] | None
    boost: float | None

    @property
    def name(self) -> str:
        """Another one for all other code."""
        numbers = [self.steps, self.others, self.width, self.depth, int(self.is_causal)]
        text = "_".join(map(str, [*numbers, self.bias, self.scale, self.boost]))
        return f"attention_f{8 * self.dtype.itemsize}_{text.replace('-', 'm')}"

    @property
    def lanes(self) -> int:
        """Numbers in a vector."""
        return host().lanes(self.dtype.itemsize)

    @property
    def vectors(self) -> int:
        """Vectors of queries that are computed together."""
        return max(1, min(_VECTORS, -(-self.steps // self.lanes)))

    @property
    def block(self) -> int:
        """Queries that are computed together."""
        return self.vectors * self.lanes

    def scratch(self, backward: bool) -> tuple[int, int]:
        """Return the bytes of one array of scores, and of all memory that a call needs."""
        scores = _padded(self.others * self.block * self.dtype.itemsize)
        keys, block = self.others, self.block
        products = [  # rows, columns, depth
            (keys, block, self.width), (block, self.depth, keys), (keys, block, self.depth),
            (keys, self.depth, block), (keys, self.width, block), (block, self.width, keys),
        ]  # fmt: skip
        packed = max(scratch_bytes(*sizes, self.dtype) for sizes in products)
        return scores, (1 + backward) * scores + _padded(packed)


def _padded(count: int) -> int:
    return -(-count // _ALIGN) * _ALIGN


MATRICES = {False: ("q", "k", "v", "out"), True: ("q", "k", "v", "g", "dq", "dk", "dv")}
EXTRAS = ("bias", "stays")


def arguments(head: Head, backward: bool) -> list[str]:
    """Return what the function takes: matrices, then addresses of rows, then scratch memory."""
    extras = [head.bias is not None, head.boost is not None]
    names = [*MATRICES[backward], *[n for n, there in zip(EXTRAS, extras, strict=True) if there]]
    listed = [f"{n}{part}" for n in names for part in ("", "_row", "_column")]
    return [*listed, "most", "total", "scratch"]


def write_head(module: Module, head: Head, backward: bool) -> str:
    """Write the function for a head, if it is not there yet, and return its name."""
    name = f"{head.name}_{'backward' if backward else 'forward'}"
    if name not in module.declarations:
        module.declare(name, f"; {name}")
        kinds = [
            ("i64" if n.endswith(("_row", "_column")) else "ptr", n)
            for n in arguments(head, backward)
        ]
        f = module.function(name, kinds, linkage="internal")
        (_Backward if backward else _Forward)(f, head).write()
        f.emit("ret void")
    return name


class _Blocks:
    """Writes a loop over blocks of queries."""

    backward = False

    def __init__(self, f: FunctionBuilder, head: Head) -> None:
        self.f, self.head = f, head
        names = [n.removesuffix("_row") for n in arguments(head, self.backward) if "_row" in n]
        self.matrices = {n: Matrix(f"%{n}", f"%{n}_row", f"%{n}_column") for n in names}
        scores, _ = head.scratch(self.backward)
        self.scores = Matrix("%scratch", head.block, 1)
        self.products = Matrix(f.offset("%scratch", scores, 1), head.block, 1)
        self.packing = f.offset("%scratch", scores * (1 + self.backward), 1)

    def write(self) -> None:
        f, head = self.f, self.head
        with f.loop(0, head.steps, head.block) as loop:
            self.first = loop.index
            self.count = f.smaller(head.block, f.name(f"sub i64 {head.steps}, {loop.index}"))
            self.keys: Index = head.others
            if head.is_causal:
                self.keys = f.smaller(head.others, f.plus(self.first, self.count))
            self.write_block()

    def write_block(self) -> None:
        """Write what is done with a block."""
        raise NotImplementedError

    # Parts of a block

    def rows(self, name: str) -> Matrix:
        """Return the block's rows of a matrix."""
        matrix = self.matrices[name]
        start = self.f.times(self.first, matrix.row)
        address = self.f.offset(matrix.address, start, self.head.dtype.itemsize)
        return Matrix(address, matrix.row, matrix.column)

    def multiply(
        self, sizes: tuple[Index, Index, Index], a: Matrix, b: Matrix, c: Matrix, add: bool = False
    ) -> None:
        """Write C[M, N] = A[M, K] @ B[K, N]."""
        f = self.f
        name = f"gemm_f{8 * self.head.dtype.itemsize}"
        kinds = "i64, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr, i64, i64, ptr"
        f.declare(name, f"declare void @{name}({kinds})")
        f.emit(
            f"call void @{name}({', '.join(f'i64 {size}' for size in sizes)}, "
            f"ptr {a.address}, i64 {a.row}, i64 {a.column}, "
            f"ptr {b.address}, i64 {b.row}, i64 {b.column}, "
            f"ptr {c.address}, i64 {c.row}, i64 {int(add)}, ptr {self.packing})"
        )

    def for_keys(
        self, carried: Sequence[Value], write: Callable[[Index, list[Value], bool], list[Value]]
    ) -> list[Value]:
        """Write a loop over the keys: first those that all queries read, then those that some do.

        ``write(key, values, masked)`` returns the loop's values.
        """
        f = self.f
        parts: list[tuple[Index, Index, bool]] = [(0, self.keys, False)]
        if self.head.is_causal:
            whole = f.smaller(self.first, self.keys)
            parts = [(0, whole, False), (whole, self.keys, True)]
        values = list(carried)
        for start, stop, masked in parts:
            with f.loop(start, stop, carried=values) as loop:
                loop.carry(*write(loop.index, list(loop.values), masked))
            values = list(loop.values)
        return values

    def at(self, matrix: Matrix, key: Index, v: int) -> str:
        """Return the address of a vector of an array of scores."""
        f, head = self.f, self.head
        row = f.offset(matrix.address, f.times(key, head.block), head.dtype.itemsize)
        return f.offset(row, v * head.lanes, head.dtype.itemsize)

    def score(self, key: Index, v: int, masked: bool) -> Value:
        """Return scores of a vector of queries and a key: scaled, biased and masked."""
        f, head = self.f, self.head
        x = f.load(self.at(self.scores, key, v), head.dtype, head.lanes) * head.scale
        if head.bias is not None:
            bias = self.extra("bias", head.bias, key, v)
            x = f.select(bias, x, -inf) if head.bias == BOOL else x + bias
        if masked:
            start = f.plus(self.first, v * head.lanes)
            ahead = f.splat(Value(f, f.name(f"sub i64 {key}, {start}"), I64, 1), head.lanes)
            x = f.select(f.vector(range(head.lanes), I64) < ahead, -inf, x)
        return x

    def extra(self, name: str, dtype: np.dtype[Any], key: Index, v: int) -> Value:
        """Return a vector of a bias or mask, whose rows have a stride of 0 or 1."""
        f, head, matrix = self.f, self.head, self.matrices[name]
        size = dtype.itemsize
        column = f.offset(matrix.address, f.times(key, matrix.column), size)
        first = f.plus(self.first, v * head.lanes)
        inside = f.first_lanes(f.name(f"sub i64 {self.count}, {v * head.lanes}"), head.lanes)
        along, one, after = f.fresh("along"), f.fresh("one"), f.fresh("after")
        f.branch(f.name(f"icmp eq i64 {matrix.row}, 1"), along, one)
        f.label(along)
        vector = f.load(f.offset(column, first, size), dtype, head.lanes, inside)
        f.jump(after)
        f.label(one)
        number = f.splat(f.load(column, dtype), head.lanes)
        f.jump(after)
        f.label(after)
        phi = f"phi {vector.type} [{vector.name}, %{along}], [{number.name}, %{one}]"
        return f.value(phi, dtype, head.lanes)

    def dropped(self, x: Value, key: Index, v: int) -> Value:
        """Return what dropout leaves of weights."""
        if self.head.boost is None:
            return x
        return self.f.select(self.extra("stays", BOOL, key, v), x * self.head.boost, 0.0)

    def row_masks(self) -> list[Value]:
        """Return for each vector which lanes are queries of the block."""
        f, lanes = self.f, self.head.lanes
        return [
            f.first_lanes(f.name(f"sub i64 {self.count}, {v * lanes}"), lanes)
            for v in range(self.head.vectors)
        ]

    def of_rows(self, name: str) -> list[str]:
        """Return the addresses of the block's vectors of a result with a number for each row."""
        f, size = self.f, self.head.dtype.itemsize
        start = f.offset(f"%{name}", self.first, size)
        return [f.offset(start, v * self.head.lanes, size) for v in range(self.head.vectors)]

    def constants(self, number: float) -> list[Value]:
        """Return one number in all lanes of all vectors."""
        head = self.head
        return [self.f.constant(number, head.dtype, head.lanes)] * head.vectors


class _Forward(_Blocks):
    """Writes the results of a head: a row for each query, the largest score and the sum."""

    def write_block(self) -> None:
        f, head, matrices = self.f, self.head, self.matrices
        every = range(head.vectors)
        q, out = self.rows("q"), self.rows("out")
        self.multiply(
            (self.keys, self.count, head.width), matrices["k"], q.swapped, self.scores
        )  # fmt: skip

        def largest(key: Index, most: list[Value], masked: bool) -> list[Value]:
            scores = [self.score(key, v, masked) for v in every]
            return [f.select(m < s, s, m) for m, s in zip(most, scores, strict=True)]

        most = self.for_keys(self.constants(-inf), largest)
        most = [f.select(m.equals(-inf), 0.0, m) for m in most]  # no key at all

        def add(key: Index, totals: list[Value], masked: bool) -> list[Value]:
            powers = [exp_below_zero(f, self.score(key, v, masked) - most[v]) for v in every]
            for v, power in enumerate(powers):
                f.store(self.dropped(power, key, v), self.at(self.scores, key, v))
            return [t + p for t, p in zip(totals, powers, strict=True)]

        totals = self.for_keys(self.constants(0.0), add)
        for name, values in (("most", most), ("total", totals)):
            for address, x, mask in zip(self.of_rows(name), values, self.row_masks(), strict=True):
                f.store(x, address, mask)
        weights = self.scores.swapped
        self.multiply((self.count, head.depth, self.keys), weights, matrices["v"], out)
        self._divide(out)

    def _divide(self, out: Matrix) -> None:
        """Write the division of rows by their sums, where that is not 0."""
        f, head = self.f, self.head
        size, lanes = head.dtype.itemsize, head.lanes
        with f.loop(0, self.count) as row:
            total = f.load(f.offset("%total", f.plus(self.first, row.index), size), head.dtype)
            total = f.splat(f.select(total.equals(0.0), 1.0, total), lanes)
            inverse = total.like(1.0) / total
            start = f.offset(out.address, f.times(row.index, out.row), size)
            whole = head.depth // lanes * lanes
            with f.loop(0, whole, lanes) as loop:
                address = f.offset(start, loop.index, size)
                f.store(f.load(address, head.dtype, lanes) * inverse, address)
            if head.depth > whole:
                mask = f.first_lanes(head.depth - whole, lanes)
                address = f.offset(start, whole, size)
                f.store(f.load(address, head.dtype, lanes, mask) * inverse, address, mask)


class _Backward(_Blocks):
    """Writes the cotangents of a head's queries, keys and values."""

    backward = True

    def write(self) -> None:
        for name, columns in (("dk", self.head.width), ("dv", self.head.depth)):
            self._clear(self.matrices[name], columns)
        super().write()

    def _clear(self, matrix: Matrix, columns: int) -> None:
        f, head = self.f, self.head
        size, lanes = head.dtype.itemsize, head.lanes
        zero, whole = f.constant(0.0, head.dtype, lanes), columns // lanes * lanes
        with f.loop(0, head.others) as row:
            start = f.offset(matrix.address, f.times(row.index, matrix.row), size)
            with f.loop(0, whole, lanes) as loop:
                f.store(zero, f.offset(start, loop.index, size))
            if columns > whole:
                mask = f.first_lanes(columns - whole, lanes)
                f.store(zero, f.offset(start, whole, size), mask)

    def write_block(self) -> None:
        f, head, matrices = self.f, self.head, self.matrices
        every, masks = range(head.vectors), self.row_masks()
        q, g = self.rows("q"), self.rows("g")
        scores, products = self.scores, self.products
        self.multiply((self.keys, self.count, head.width), matrices["k"], q.swapped, scores)
        self.multiply((self.keys, self.count, head.depth), matrices["v"], g.swapped, products)
        most, inverses = [], []
        for m, t, mask in zip(self.of_rows("most"), self.of_rows("total"), masks, strict=True):
            most.append(f.load(m, head.dtype, head.lanes, mask))
            total = f.load(t, head.dtype, head.lanes, mask)
            inverses.append(total.like(1.0) / f.select(total.equals(0.0), 1.0, total))

        def add(key: Index, means: list[Value], masked: bool) -> list[Value]:
            new = []
            for v, mean in enumerate(means):
                power = exp_below_zero(f, self.score(key, v, masked) - most[v])
                weight, address = power * inverses[v], self.at(products, key, v)
                by_weight = self.dropped(f.load(address, head.dtype, head.lanes), key, v)
                f.store(weight, self.at(scores, key, v))
                if head.boost is not None:
                    f.store(by_weight, address)
                new.append(f.fma(weight, by_weight, mean))
            return new

        means = self.for_keys(self.constants(0.0), add)

        def centre(key: Index, nothing: list[Value], _masked: bool) -> list[Value]:
            for v in every:
                address, at = self.at(products, key, v), self.at(scores, key, v)
                weight = f.load(at, head.dtype, head.lanes)
                by_weight = f.load(address, head.dtype, head.lanes)
                f.store(weight * (by_weight - means[v]) * head.scale, address)
                if head.boost is not None:
                    f.store(self.dropped(weight, key, v), at)
            return nothing

        self.for_keys([], centre)
        size, keys = self.count, self.keys
        self.multiply((keys, head.depth, size), scores, g, matrices["dv"], add=True)
        self.multiply((keys, head.width, size), products, q, matrices["dk"], add=True)
        self.multiply((size, head.width, keys), products.swapped, matrices["k"], self.rows("dq"))
