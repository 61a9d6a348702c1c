"""``gemm``: a product of any sizes and strides, cut into panels of B and tiles of C.

::

    for each block of K            (so that a panel of B stays in the second cache)
        for each block of rows     (so that the block of A does, too; packed first, if large)
            for each panel of B    (packed first, if its rows are far apart or it is transposed)
                for each tile of C: one kernel

The idea of blocking is of K. Goto, R. A. van de Geijn: "Anatomy of high-performance matrix
multiplication", ACM Transactions on Mathematical Software 34 (2008). What is packed lies in few
pages of memory, which is as important where looking up a page is slow. While a kernel computes, it
asks for lines of the next panel, and each panel for rows of the next block of A.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ...ir.builder import FunctionBuilder, Module
from ...ir.types import Index
from .kernels import LINE, SIGNATURE, TOGETHER, Tile, kernel_name
from .packing import SIGNATURE as PACK_SIGNATURE
from .sweep import is_swept, sweep_block

DEPTH = 512  # numbers of K a block
UNIT = 12  # rows: a multiple of most tiles' rows
ROWS = 12 * UNIT  # of A a block at most
FAR = 2048  # bytes between rows of B, from which on packing pays
ENOUGH = 96  # rows of A that repay packing both
_FEW = 24  # rows of A that repay packing B if its rows are twice as far apart
WIDE = 128  # columns of B that repay packing A if its rows or columns are far apart
_LOW = 48  # rows of A, of which high tiles are made
_REPAID = 1024  # columns of B that repay packing any A

ARGUMENTS = [("i64", "M"), ("i64", "N"), ("i64", "K0"), ("ptr", "A"), ("i64", "a_row"),
             ("i64", "a_col"), ("ptr", "B"), ("i64", "b_row"), ("i64", "b_col"), ("ptr", "C"),
             ("i64", "c_row"), ("i64", "flags"), ("ptr", "scratch")]  # fmt: skip
PACK_ARGUMENTS = [("i64", "N"), ("i64", "K0"), ("ptr", "B"), ("i64", "b_row"), ("i64", "b_col"),
                  ("ptr", "scratch")]  # fmt: skip
ADD, PACKED = 1, 2  # flags: to C; B comes from `pack`


@dataclass(frozen=True)
class _Packs:
    """Whether A and B are packed, and whether B comes packed."""

    left: str
    right: str
    ready: str


@dataclass(frozen=True)
class _Rows:
    """A block of rows.

    Attributes
    ----------
    left, result : str
        Addresses in A, or where it was packed, and in C.
    row, column, between : str
        Strides of A, and how many numbers are between the tiles of rows, divided by their rows.
    count : str
        How many rows.
    first : str
        Whether it is the first block, which packs B.
    after : str
        Address of the next block in A.
    """

    left: str
    row: str
    column: str
    between: str
    result: str
    count: str
    first: str
    after: str


def write_gemm(module: Module, tile: Tile) -> None:
    """Write the exported function; see the package."""
    f = module.function(f"gemm_{tile.name}", ARGUMENTS)
    size = tile.dtype.itemsize
    ready = f.name(f"icmp ne i64 {f.name(f'and i64 %flags, {PACKED}')}, 0")
    unready = f.name(f"xor i1 {ready}, true")
    adds = f.name(f"and i64 %flags, {ADD}")
    swept = f.name(f"and i1 {unready}, {is_swept(f, tile)}")
    tiled = f.name(f"xor i1 {swept}, true")
    _table(module, tile)
    packs = _packs(f, tile, ready)
    b_step = f.name(f"select i1 {ready}, i64 {_padded(f, tile)}, i64 %b_row")
    with _blocks_of_depth(f) as (k0, depth):
        first = f.name(f"icmp eq i64 {k0}, 0")
        add = f.name(f"select i1 {first}, i64 {adds}, i64 {ADD}")
        a = f.offset("%A", f.times(k0, "%a_col"), size)
        b = f.offset("%B", f.times(k0, b_step), size)
        with f.when(swept):
            sweep_block(f, tile, a, b, depth, add)
        with f.when(tiled):
            _block(f, tile, packs, a, b, depth, add)
    f.emit("ret void")


def write_pack(module: Module, tile: Tile) -> None:
    """Write the exported function that packs all of B as `gemm` does block by block."""
    f = module.function(f"pack_{tile.name}", PACK_ARGUMENTS)
    size = tile.dtype.itemsize
    padded = _padded(f, tile)
    with _blocks_of_depth(f) as (k0, depth), f.loop(0, "%N", tile.columns) as panel:
        offset = f.plus(f.times(k0, "%b_row"), f.times(panel.index, "%b_col"))
        to = f.plus(f.times(k0, padded), f.times(panel.index, depth))
        width = f.smaller(tile.columns, f.name(f"sub i64 %N, {panel.index}"))
        source = f.offset("%B", offset, size)
        _pack(f, tile, source, depth, width, f.offset("%scratch", to, size))
    f.emit("ret void")


@contextmanager
def _blocks_of_depth(f: FunctionBuilder) -> Iterator[tuple[str, str]]:
    """Write a loop over blocks of K, all of about one size: where each begins, and its size."""
    empty = f.name("icmp eq i64 %K0, 0")
    steps = f.name(f"select i1 {empty}, i64 1, i64 %K0")  # no K at all: C is still zeroed
    blocks = _up(f, steps, DEPTH)
    above = f.name(f"add i64 {steps}, {f.name(f'sub i64 {blocks}, 1')}")
    even = f.name(f"sdiv i64 {above}, {blocks}")
    deepest = f.name(f"and i64 {f.name(f'add i64 {even}, {TOGETHER - 1}')}, {-TOGETHER}")
    with f.loop(0, steps, deepest) as block:
        yield block.index, f.smaller(deepest, f.name(f"sub i64 %K0, {block.index}"))


def _padded(f: FunctionBuilder, tile: Tile) -> Index:
    """Return the columns of all panels of B."""
    return f.times(_up(f, "%N", tile.columns), tile.columns)


def _up(f: FunctionBuilder, a: Index, b: Index) -> str:
    """Return a / b, rounded up."""
    return f.name(f"sdiv i64 {f.plus(a, f.plus(b, -1))}, {b}")


def _block(
    f: FunctionBuilder, tile: Tile, packs: _Packs, a: str, b: str, depth: str, add: str
) -> None:
    """Write one block of K: pack B if needed, then all blocks of rows."""
    size = tile.dtype.itemsize
    behind = f.name(f"select i1 {packs.ready}, i64 0, i64 {f.times(_padded(f, tile), depth)}")
    packed = f.offset("%scratch", behind, size)
    a_row = f.name(f"select i1 {packs.left}, i64 1, i64 %a_row")
    a_col = f.name(f"select i1 {packs.left}, i64 {tile.rows}, i64 %a_col")
    between = f.name(f"select i1 {packs.left}, i64 {depth}, i64 %a_row")
    parts = _up(f, "%M", ROWS)
    high = f.times(_up(f, _up(f, "%M", parts), UNIT), UNIT)
    with f.loop(0, "%M", high) as rows:
        count = f.smaller(high, f.name(f"sub i64 %M, {rows.index}"))
        direct = f.offset(a, f.times(rows.index, "%a_row"), size)
        with f.when(packs.left):
            _pack_left(f, tile, direct, count, depth, packed)
        left = f.name(f"select i1 {packs.left}, ptr {packed}, ptr {direct}")
        result = f.offset("%C", f.times(rows.index, "%c_row"), size)
        first = f.name(f"icmp eq i64 {rows.index}, 0")
        first = f.name(f"and i1 {first}, {f.name(f'xor i1 {packs.ready}, true')}")
        after = f.offset(direct, f.times("%a_row", high), size)
        block = _Rows(left, a_row, a_col, between, result, count, first, after)
        _panels(f, tile, packs, block, b, depth, add)


def _halves(f: FunctionBuilder, packs: _Packs) -> str:
    """Whether half of each panel is used at a time, as it is by a few high tiles.

    It stays in the first cache, and of the rows of a batch little is left over.
    """
    idle = f.name(f"or i1 {packs.ready}, {f.name(f'xor i1 {packs.right}, true')}")
    low = f.name(f"icmp sle i64 %M, {_LOW}")
    unpacked = f.name(f"xor i1 {packs.left}, true")
    return f.name(f"and i1 {low}, {f.name(f'and i1 {idle}, {unpacked}')}")


def _panels(
    f: FunctionBuilder,
    tile: Tile,
    packs: _Packs,
    block: _Rows,
    b: str,
    depth: str,
    add: str,
) -> None:
    """Write the panels of B for a block of rows, and for each of them all tiles."""
    size = tile.dtype.itemsize
    panels = f.name(f"select i1 {packs.ready}, ptr {b}, ptr %scratch")
    step = f.name(f"select i1 {_halves(f, packs)}, i64 {tile.columns // 2}, i64 {tile.columns}")
    with f.loop(0, "%N", step) as panel:
        direct = f.offset(b, f.times(panel.index, "%b_col"), size)
        begin = f.name(f"and i64 {panel.index}, {-tile.columns}")
        within = f.name(f"sub i64 {panel.index}, {begin}")
        packed = f.offset(panels, f.plus(f.times(begin, depth), within), size)
        right = f.name(f"select i1 {packs.right}, ptr {packed}, ptr {direct}")
        _fetch_left(f, tile, packs, block, panel.index, depth)
        apart = f.name(f"select i1 {packs.right}, i64 {tile.columns}, i64 %b_row")
        width = f.smaller(step, f.name(f"sub i64 %N, {panel.index}"))
        with f.when(f.name(f"and i1 {block.first}, {packs.right}")):
            _pack(f, tile, direct, depth, width, packed)
        above = f.name(f"add i64 {width}, {tile.lanes - 1}")
        vectors = f.name(f"sdiv i64 {above}, {tile.lanes}")
        before = f.times(f.name(f"sub i64 {vectors}, 1"), tile.lanes)
        tail = f.name(f"sub i64 {width}, {before}")
        masked = f.name(f"zext i1 {f.name(f'icmp slt i64 {tail}, {tile.lanes}')} to i64")
        narrow = f.name(f"icmp sle i64 {vectors}, {tile.vectors // 2}")
        unpacked = f.name(f"xor i1 {packs.left}, true")
        tall = f.name(f"and i1 {narrow}, {unpacked}")
        tallest = f.name(f"select i1 {tall}, i64 {tile.tall}, i64 {tile.rows}")
        full = f.name(f"icmp eq i64 {width}, {tile.columns}")
        result = f.offset(block.result, panel.index, size)
        with f.loop(0, block.count, tallest, at_least_once=True) as loop:
            count = f.smaller(tallest, f.name(f"sub i64 {block.count}, {loop.index}"))
            left = f.offset(block.left, f.times(loop.index, block.between), size)
            target = f.offset(result, f.times(loop.index, "%c_row"), size)
            whole = f.name(f"icmp eq i64 {count}, {tile.rows}")
            known = f.name(f"and i1 {packs.left}, {f.name(f'and i1 {whole}, {full}')}")
            with f.when(known):
                ahead, step = _ahead(f, tile, block, loop.index, direct, right, depth)
                f.emit(
                    f"call void @packed_{tile.name}(ptr {left}, ptr {right}, ptr {target}, "
                    f"i64 %c_row, i64 {depth}, i64 {add}, ptr {ahead}, i64 {step})"
                )
            with f.when(f.name(f"xor i1 {known}, true")):
                kernel = _chosen(f, tile, count, vectors, masked)
                f.emit(
                    f"call void {kernel}(ptr {left}, i64 {block.row}, i64 {block.column}, "
                    f"ptr {right}, i64 {apart}, ptr {target}, i64 %c_row, i64 {depth}, "
                    f"i64 {tail}, i64 {add})"
                )


def _ahead(
    f: FunctionBuilder,
    tile: Tile,
    block: _Rows,
    row: str,
    direct: str,
    right: str,
    depth: str,
) -> tuple[str, str]:
    """Return from where, and how many bytes apart, a kernel asks for lines of the next panel.

    There is one for four numbers of K. The first block of rows finds the next panel where B is,
    the others where it was packed.
    """
    size = tile.dtype.itemsize
    lines = tile.columns * size // LINE
    number = f.name(f"sdiv i64 {row}, {tile.rows}")
    few = f.smaller(number, TOGETHER * lines - 1)
    source = f.offset(direct, f.times("%b_col", tile.columns), size)
    quarter = f.times(f.times(f.name(f"sdiv i64 {depth}, {TOGETHER}"), "%b_row"), size)
    by_rows = f.plus(
        f.times(f.name(f"srem i64 {few}, {lines}"), LINE),
        f.times(f.name(f"sdiv i64 {few}, {lines}"), quarter),
    )
    contiguous = f.name("icmp eq i64 %b_col, 1")
    apart = f.times(f.name(f"select i1 {contiguous}, i64 %b_row, i64 %b_col"), size // TOGETHER)
    within = f.name(f"select i1 {contiguous}, i64 {by_rows}, i64 {f.times(number, LINE)}")
    packed = f.plus(
        f.times(depth, tile.columns * size),
        f.times(few, f.times(depth, LINE // TOGETHER)),
    )
    start = f.name(
        f"select i1 {block.first}, ptr {f.offset(source, within, 1)}, "
        f"ptr {f.offset(right, packed, 1)}"
    )
    return start, f.name(f"select i1 {block.first}, i64 {apart}, i64 {LINE // TOGETHER}")


def _fetch_left(
    f: FunctionBuilder, tile: Tile, packs: _Packs, block: _Rows, panel: str, depth: str
) -> None:
    """Ask for a part of the next block of rows of A, as large as the panel is of B."""
    size = tile.dtype.itemsize
    with f.when(packs.left):
        contiguous = f.name("icmp eq i64 %a_col, 1")
        runs = f.name(f"select i1 {contiguous}, i64 {ROWS}, i64 {depth}")
        apart = f.times(f.name(f"select i1 {contiguous}, i64 %a_row, i64 %a_col"), size)
        long = f.times(f.name(f"select i1 {contiguous}, i64 {depth}, i64 {ROWS}"), size)
        part = _up(f, f.times(runs, tile.columns), "%N")
        done = f.times(f.name(f"sdiv i64 {panel}, {tile.columns}"), part)
        some = f.smaller(part, f.name(f"sub i64 {runs}, {done}"))
        start = f.offset(block.after, f.times(done, apart), 1)
        f.emit(f"call void @fetch(ptr {start}, i64 {apart}, i64 {some}, i64 {long})")


def _table(module: Module, tile: Tile) -> None:
    """Declare the table of kernels by rows, vectors and mask."""
    names = [
        f"ptr @{kernel_name(tile, r, v, m)}" if r <= tile.tallest(v) else "ptr null"
        for r in range(1, tile.tall + 1)
        for v in range(1, tile.vectors + 1)
        for m in (False, True)
    ]
    module.declare(
        f"kernels_{tile.name}",
        f"@kernels_{tile.name} = internal constant [{len(names)} x ptr] [{', '.join(names)}]",
    )


def _chosen(f: FunctionBuilder, tile: Tile, rows: str, vectors: str, masked: str) -> str:
    """Return the address of a kernel."""
    r = f.times(f.name(f"sub i64 {rows}, 1"), tile.vectors * 2)
    v = f.times(f.name(f"sub i64 {vectors}, 1"), 2)
    entry = f.offset(f"@kernels_{tile.name}", f.plus(f.plus(r, v), masked), 8)
    return f.name(f"load ptr, ptr {entry}, align 8")


def _packs(f: FunctionBuilder, tile: Tile, ready: str) -> _Packs:
    """Return what is packed.

    B if its rows are not contiguous, or far apart and used often; both if A's are far apart and
    the product is large.
    """
    far = FAR // tile.dtype.itemsize
    scattered = f.name("icmp ne i64 %b_col, 1")
    often = f.name(f"icmp sge i64 %M, {ENOUGH}")
    pays = f.name(f"and i1 {f.name(f'icmp sge i64 %b_row, {far}')}, {often}")
    farther = f.name(f"icmp sge i64 %b_row, {2 * far}")
    soon = f.name(f"and i1 {farther}, {f.name(f'icmp sge i64 %M, {_FEW}')}")
    pays = f.name(f"or i1 {pays}, {soon}")
    distant = f.name(
        f"or i1 {f.name(f'icmp sge i64 %a_row, {far}')}, {f.name(f'icmp sge i64 %a_col, {far}')}"
    )
    distant = f.name(f"or i1 {distant}, {f.name(f'icmp sge i64 %N, {_REPAID}')}")
    wide = f.name(f"and i1 {often}, {f.name(f'icmp sge i64 %N, {WIDE}')}")
    left = f.name(f"and i1 {distant}, {wide}")
    right = f.name(f"or i1 {f.name(f'or i1 {scattered}, {pays}')}, {left}")
    return _Packs(left, f.name(f"or i1 {right}, {ready}"), ready)


def _pack_left(f: FunctionBuilder, tile: Tile, a: str, rows: str, depth: str, to: str) -> None:
    """Pack a block of A by the routine for its strides."""
    columns = f.name("icmp eq i64 %a_row, 1")
    contiguous = f.name("icmp eq i64 %a_col, 1")
    name = tile.name
    first = f.name(f"select i1 {columns}, ptr @pack_left_columns_{name}, ptr @pack_left_any_{name}")
    routine = f.name(f"select i1 {contiguous}, ptr @pack_left_rows_{name}, ptr {first}")
    f.emit(
        f"call void {routine}(ptr {a}, i64 %a_row, i64 %a_col, i64 {rows}, i64 {depth}, ptr {to})"
    )


def _pack(f: FunctionBuilder, tile: Tile, b: str, depth: str, width: str, to: str) -> None:
    """Pack a panel by the routine for its strides."""
    columns = f.name("icmp eq i64 %b_row, 1")
    rows = f.name("icmp eq i64 %b_col, 1")
    name = tile.name
    first = f.name(f"select i1 {columns}, ptr @pack_columns_{name}, ptr @pack_any_{name}")
    routine = f.name(f"select i1 {rows}, ptr @pack_rows_{name}, ptr {first}")
    assert PACK_SIGNATURE.count(",") == 5
    f.emit(
        f"call void {routine}(ptr {b}, i64 %b_row, i64 %b_col, i64 {depth}, i64 {width}, ptr {to})"
    )


def write_dots_driver(module: Module, tile: Tile) -> None:
    """Write the exported function for dot products of A's rows with B's columns."""
    f = module.function(f"dots_{tile.name}", ARGUMENTS)
    size = tile.dtype.itemsize
    columns = f.name("and i64 %N, -2")
    for n0, n1, n, tall in ((0, columns, 2, 4), (columns, "%N", 1, 8)):
        rows = f.name(f"and i64 %M, {-tall}")
        for m0, m1, m in ((0, rows, tall), (rows, "%M", 1)):
            with f.loop(n0, n1, n) as across, f.loop(m0, m1, m) as down:
                a = f.offset("%A", f.times(down.index, "%a_row"), size)
                b = f.offset("%B", f.times(across.index, "%b_col"), size)
                offset = f.plus(f.times(down.index, "%c_row"), across.index)
                f.emit(
                    f"call void @dots_{tile.name}_{m}_{n}(ptr {a}, i64 %a_row, ptr {b}, "
                    f"i64 %b_col, ptr {f.offset('%C', offset, size)}, i64 %c_row, i64 %K0, "
                    "i64 %flags)"
                )
    f.emit("ret void")


assert SIGNATURE.count(",") == 9
