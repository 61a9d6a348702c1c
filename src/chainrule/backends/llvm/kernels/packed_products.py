"""Products with a packed matrix: of bytes as int32, and of float32 with weights in bfloat16.

B is packed in blocks of 16 columns. Of each column some consecutive rows stand together, 32 bits: a
vector has them of as many columns as it has lanes. That order is the same for all widths of
vectors, so that weights can be kept in it: see `fuse.packed_operands`.

*Bytes*: four rows. A row of A is cut into groups of four bytes, each repeated in all lanes; one
instruction (VPDPBUSD of AVX512-VNNI and AVX-VNNI) multiplies the bytes of each lane, uint8 by int8,
and adds the four products. Other CPUs get the same integers from 16-bit products. ::

    A[m, 4g ... 4g + 3]                        a0 a1 a2 a3   repeated in each lane
    packed[block, g, n] = B[4g ... 4g + 3, n]  b0 b1 b2 b3   of column n of a block of 16

If the length of a row is no multiple of 4, the last group reaches up to three bytes beyond it,
which B multiplies by 0: there must be something after the last row.

*bfloat16*: two rows, which a shift and a mask make float32. Each sum is one chain of fused
multiply-adds, from the first row to the last, whatever the tile. (VDPBF16PS takes rounded
activations, and has half the speed of this: see docs/layers.md.)
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np

from ..ir.builder import FunctionBuilder, Module
from ..ir.types import F32, I32
from ..ir.value import Value
from ..target.host import Host

BLOCK = 16  # columns that are packed together
GROUP_BYTES = 4  # of a column, and of a lane
BYTES, PAIRS = 4, 2  # rows of B in a group: int8 or bfloat16
_I8, _I16 = np.dtype(np.int8), np.dtype(np.int16)
_PAIRS = {4: "sse2.pmadd.wd", 8: "avx2.pmadd.wd", 16: "avx512.pmaddw.d.512"}  # by lanes
_TALL = {64: {4: 6, 3: 8, 2: 12, 1: 14}, 32: {2: 5, 1: 8}, 16: {2: 5, 1: 8}}
"""Rows of a tile by its vectors, by bytes of a vector: accumulators fill the registers."""


@dataclass(frozen=True)
class PackedProduct:
    """Rows of bytes times a matrix of bytes; each row consists of segments at equal distances.

    A dense layer's rows are one segment; those of a convolution as many as its kernel is high.

    Attributes
    ----------
    columns : int
        Of B and of the result.
    segments, run : int
        How many there are, and the bytes of each.
    segment_step, row_step : int
        Bytes of A from one segment, and from one row, to the next.
    rows : int
        How many follow each other, if that is known; else 0.
    group : int
        `BYTES`, or `PAIRS` of bfloat16; `run` counts as many numbers.
    """

    columns: int
    segments: int
    run: int
    segment_step: int
    row_step: int
    rows: int = 0
    group: int = BYTES

    @property
    def groups(self) -> int:
        """The number of groups of a segment."""
        return -(-self.run // self.group)

    @property
    def blocks(self) -> int:
        """The number of blocks of columns."""
        return -(-self.columns // BLOCK)

    @property
    def block_bytes(self) -> int:
        """The size of a packed block."""
        return self.segments * self.groups * BLOCK * GROUP_BYTES

    def start(self, target: Host, vector: int) -> int:
        """Return where a vector of the first group lies in the packed B."""
        block, column = divmod(vector * target.lanes(GROUP_BYTES), BLOCK)
        return block * self.block_bytes + column * GROUP_BYTES

    def vectors(self, target: Host) -> int:
        """Return how many vectors the columns fill."""
        return -(-self.columns // target.lanes(GROUP_BYTES))

    def panels(self, target: Host) -> list[int]:
        """Return into how many vectors each panel of columns is cut, the widest first."""
        vectors = self.vectors(target)
        cuts = []
        for widest in sorted(self.tallest(target), reverse=True):
            count = -(-vectors // widest)
            cuts.append([vectors // count + (k < vectors % count) for k in range(count)])
        return min(cuts, key=lambda cut: sum(self._cost(target, width) for width in cut))

    def tallest(self, target: Host) -> Mapping[int, int]:
        """Return how many rows a tile has at most, by its vectors."""
        tallest = _TALL[target.vector_bytes]
        # Widened pairs take registers, too, and time that more rows share
        return {v: n for v, n in tallest.items() if v < 4 or self.group == BYTES}

    def tile_rows(self, target: Host, vectors: int) -> int:
        """Return how many rows a tile of so many vectors has."""
        tallest = self.tallest(target)[vectors]
        if not self.rows:
            return tallest
        sizes = range(1, min(tallest, self.rows) + 1)
        return min(sizes, key=lambda size: (self._of_tiles(vectors, size), -size))

    def _cost(self, target: Host, vectors: int) -> float:
        """Return about how long a group takes for all rows and a panel, by a row."""
        size = self.tile_rows(target, vectors)
        return self._of_tiles(vectors, size) if self.rows else self._of_tile(vectors, size) / size

    def _of_tiles(self, vectors: int, size: int) -> float:
        return -(-self.rows // size) * self._of_tile(vectors, size)

    def _of_tile(self, vectors: int, size: int) -> float:
        """Half cycles of a group: its products, of which 8 or more hide latency, and loads."""
        return max(float(vectors * size), 8.0) + 2.0 + 0.25 * (vectors + size)


def pack(f: FunctionBuilder, product: PackedProduct, source: str, to: str) -> None:
    """Write code that packs B of bytes, of `segments * run` contiguous rows."""
    whole, rest = divmod(product.columns, BLOCK)
    with f.loop(0, whole) as block:
        first = f.offset(source, block.index, BLOCK)
        _pack_block(f, product, first, f.offset(to, block.index, product.block_bytes), None)
    if rest:
        first = f.offset(source, whole * BLOCK, 1)
        mask = f.first_lanes(rest, BLOCK)
        _pack_block(f, product, first, f.offset(to, whole * product.block_bytes, 1), mask)


def _pack_block(
    f: FunctionBuilder, product: PackedProduct, source: str, to: str, mask: Value | None
) -> None:
    """Interleave groups of four rows of up to 16 columns."""
    whole, rest = divmod(product.run, BYTES)
    zero = f.constant(0, _I8, BLOCK)

    def interleave(row: str, count: int, address: str) -> None:
        rows = [f.load(f.offset(row, j * product.columns, 1), _I8, BLOCK, mask)
                for j in range(count)]  # fmt: skip
        four = [*rows, *[zero] * (BYTES - count)]
        first, second = (f.shuffle(four[j], four[j + 1], range(2 * BLOCK)) for j in (0, 2))
        order = [j * BLOCK + column for column in range(BLOCK) for j in range(BYTES)]
        f.store(f.shuffle(first, second, order), address)

    with f.loop(0, product.segments) as segment:
        rows = f.offset(source, segment.index, product.run * product.columns)
        groups = f.offset(to, segment.index, product.groups * BLOCK * GROUP_BYTES)
        with f.loop(0, whole) as group:
            row = f.offset(rows, group.index, BYTES * product.columns)
            interleave(row, BYTES, f.offset(groups, group.index, BLOCK * GROUP_BYTES))
        if rest:
            row = f.offset(rows, whole * BYTES * product.columns, 1)
            interleave(row, rest, f.offset(groups, whole * BLOCK * GROUP_BYTES, 1))


def write_lines(module: Module, target: Host, product: PackedProduct, vectors: int) -> str:
    """Write a function for `count` rows of A and a panel of so many vectors; return its name.

    ``f(A, panel, C, count, last)``; the last vector has `last` columns.
    """
    name = "_".join(map(str, ("bytes", *astuple(product), vectors)))
    if any(f" @{name}(" in function.head for function in module.functions):
        return name
    arguments = [("ptr", "A"), ("ptr", "B"), ("ptr", "C"), ("i64", "count"), ("i64", "last")]
    f = module.function(name, arguments, linkage="internal")
    tall = product.tile_rows(target, vectors)
    few, many = f.fresh("few"), f.fresh("many")
    f.branch(f.name(f"icmp slt i64 %count, {tall}"), few, many)
    f.label(many)
    end = f.name(f"sub i64 %count, {tall}")
    with f.loop(0, "%count", tall) as loop:  # the last tile overlaps the one before
        _tile(f, target, product, vectors, f.smaller(loop.index, end), tall)
    f.emit("ret void")
    f.label(few)
    with f.loop(0, "%count") as loop:
        _tile(f, target, product, vectors, loop.index, 1)
    f.emit("ret void")
    return name


def _tile(
    f: FunctionBuilder, target: Host, product: PackedProduct, vectors: int, row: str, rows: int
) -> None:
    """Write the sums of some rows of A and a panel of B, kept in registers."""
    lanes = target.lanes(GROUP_BYTES)
    line = f.offset("%A", row, product.row_step)
    a_rows = [f.offset(line, r * product.row_step, 1) for r in range(rows)]
    starts = [product.start(target, v) for v in range(vectors)]

    dtype = I32 if product.group == BYTES else F32
    add = _add_bytes if product.group == BYTES else _add_pairs

    def added(sums: Sequence[Value], a_offset: str | int, group: str, count: int) -> list[Value]:
        b = [_packed(f, f.offset(group, start, 1), lanes) for start in starts]
        addresses = [f.offset(a_row, a_offset, 1) for a_row in a_rows]
        return add(f, target, sums, addresses, b, count)

    whole, rest = divmod(product.run, product.group)
    if product.group == BYTES:
        whole, rest = product.groups, 0
    zero = f.constant(0, dtype, lanes)
    with f.loop(0, product.segments, carried=[zero] * (rows * vectors)) as segment:
        start = f.times(segment.index, product.segment_step)
        groups = f.offset("%B", segment.index, product.groups * BLOCK * GROUP_BYTES)
        step = GROUP_BYTES if product.group == BYTES else PAIRS * F32.itemsize
        with f.loop(0, whole, carried=segment.values) as loop:
            offset = f.plus(start, f.times(loop.index, step))
            group = f.offset(groups, loop.index, BLOCK * GROUP_BYTES)
            loop.carry(*added(loop.values, offset, group, product.group))
        sums: Sequence[Value] = loop.values
        if rest:
            group = f.offset(groups, whole * BLOCK * GROUP_BYTES, 1)
            sums = added(sums, f.plus(start, whole * step), group, rest)
        segment.carry(*sums)
    mask = f.first_lanes("%last", lanes)
    for k, total in enumerate(segment.values):
        r, v = divmod(k, vectors)
        position = f.plus(f.times(f.plus(row, r), product.columns), v * lanes)
        address = f.offset("%C", position, GROUP_BYTES)
        f.store(total, address, mask if v == vectors - 1 else None)


def _packed(f: FunctionBuilder, address: str, lanes: int) -> Value:
    return f.value(f"load <{lanes} x i32>, ptr {address}, align 1", I32, lanes)


def _add_bytes(
    f: FunctionBuilder, target: Host, sums: Sequence[Value], a: Sequence[str], b: Sequence[Value],
    _count: int,
) -> list[Value]:  # fmt: skip
    """Add the products of four bytes of each row of A with a group of B."""
    signed, new = [_signed(f, target, x) for x in b], list(sums)
    for r, address in enumerate(a):
        four = f.value(f"load i32, ptr {address}, align 1", I32, 1)
        left = _unsigned(f, target, f.splat(four, b[0].lanes))
        for v, right in enumerate(signed):
            k = r * len(b) + v
            new[k] = _add_products(f, target, new[k], left, right)
    return new


def _add_pairs(
    f: FunctionBuilder, target: Host, sums: Sequence[Value], a: Sequence[str], b: Sequence[Value],
    count: int,
) -> list[Value]:  # fmt: skip
    """Add the products of one or two numbers of each row of A with a pair of bfloat16."""
    new, lanes = list(sums), b[0].lanes
    for j in range(count):
        wide = [f.bitcast(f.binary("and", x, x.like(-65536)) if j else
                          f.binary("shl", x, x.like(16)), F32) for x in b]  # fmt: skip
        for r, address in enumerate(a):
            left = f.splat(f.load(f.offset(address, j, F32.itemsize), F32), lanes)
            for v, right in enumerate(wide):
                k = r * len(b) + v
                new[k] = f.fma(left, right, new[k])
    return new


Parts = tuple[Value, ...]
"""Bytes as an instruction multiplies them: all four of a lane; two and two as int16; or each."""


def _unsigned(f: FunctionBuilder, target: Host, x: Value) -> Parts:
    """Return the unsigned bytes of each lane."""
    if target.byte_products:
        return (x,)
    if target.is_x86:
        return _as_int16(f, f.binary("and", x, x.like(0x00FF00FF))), f.binary(
            "lshr", _as_int16(f, x), f.constant(8, _I16, 2 * x.lanes)
        )
    shifted = [f.binary("lshr", x, x.like(8 * j)) if j else x for j in range(BYTES)]
    return tuple(f.binary("and", part, x.like(255)) for part in shifted)


def _signed(f: FunctionBuilder, target: Host, x: Value) -> Parts:
    """Return the signed bytes of each lane."""
    if target.byte_products:
        return (x,)
    if target.is_x86:
        pairs, eight = _as_int16(f, x), f.constant(8, _I16, 2 * x.lanes)
        raised = f.binary("shl", pairs, eight)
        return f.binary("ashr", raised, eight), f.binary("ashr", pairs, eight)
    raised_bytes = [f.binary("shl", x, x.like(24 - 8 * j)) if j < 3 else x for j in range(BYTES)]
    return tuple(f.binary("ashr", part, x.like(24)) for part in raised_bytes)


def _as_int16(f: FunctionBuilder, x: Value) -> Value:
    return f.value(f"bitcast {x} to <{2 * x.lanes} x i16>", _I16, 2 * x.lanes)


def _add_products(f: FunctionBuilder, target: Host, total: Value, a: Parts, b: Parts) -> Value:
    """Return ``total + a0 * b0 + ... + a3 * b3`` in each lane, modulo 2**32."""
    lanes, kind = total.lanes, total.type
    if target.byte_products:
        name = f"llvm.x86.avx512.vpdpbusd.{32 * lanes}"
        f.declare(name, f"declare {kind} @{name}({kind}, {kind}, {kind})")
        return f.value(f"call {kind} @{name}({total}, {a[0]}, {b[0]})", I32, lanes)
    for x, y in zip(a, b, strict=True):
        if target.is_x86:
            name = f"llvm.x86.{_PAIRS[lanes]}"
            f.declare(name, f"declare {kind} @{name}({x.type}, {x.type})")
            products = f.value(f"call {kind} @{name}({x}, {y})", I32, lanes)
        else:
            products = f.binary("mul", x, y)
        total = f.binary("add", total, products)
    return total


def panel_starts(product: PackedProduct, target: Host) -> Iterator[tuple[int, int, int]]:
    """Yield (first byte in the packed B, first column, vectors) of each panel."""
    first = 0
    for vectors in product.panels(target):
        yield product.start(target, first), first * target.lanes(GROUP_BYTES), vectors
        first += vectors
