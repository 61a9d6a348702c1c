"""``gemm``: a product of any sizes and strides, cut into panels of B and tiles of C.

::

    for each block of K            (so that a panel of B stays in the first cache)
        for each block of rows     (so that the block of A stays in the second)
            for each panel of B    (packed first, if its rows are far apart or it is transposed)
                for each tile of C: one kernel

The idea of blocking is of K. Goto, R. A. van de Geijn: "Anatomy of high-performance matrix
multiplication", ACM Transactions on Mathematical Software 34 (2008); A is read where it is.
"""

from __future__ import annotations

from ...ir.builder import FunctionBuilder, Module
from .kernels import SIGNATURE, Tile, kernel_name
from .packing import SIGNATURE as PACK_SIGNATURE
from .sweep import use_sweep

DEPTH = 384  # numbers of K a block
ROWS = 240  # rows of A a block: a multiple of all tiles' rows
FAR = 2048  # bytes between rows of B, from which on packing pays
_ENOUGH = 24  # rows of A that repay packing

ARGUMENTS = [("i64", "M"), ("i64", "N"), ("i64", "K0"), ("ptr", "A"), ("i64", "a_row"),
             ("i64", "a_col"), ("ptr", "B"), ("i64", "b_row"), ("i64", "b_col"), ("ptr", "C"),
             ("i64", "c_row"), ("i64", "add0"), ("ptr", "scratch")]  # fmt: skip


def write_gemm(module: Module, tile: Tile) -> None:
    """The exported function; see `products`."""
    f = module.function(f"gemm_{tile.name}", ARGUMENTS)
    use_sweep(f, tile)
    _table(module, tile)
    packs = _packs(f, tile)
    empty = f.name("icmp eq i64 %K0, 0")
    steps = f.name(f"select i1 {empty}, i64 1, i64 %K0")  # no K at all: C is still zeroed
    with f.loop(0, steps, DEPTH) as block:
        k0 = block.index
        depth = f.smaller(DEPTH, f.name(f"sub i64 %K0, {k0}"))
        first = f.name(f"icmp eq i64 {k0}, 0")
        add = f.name(f"select i1 {first}, i64 %add0, i64 1")
        a = f.offset("%A", f.times(k0, "%a_col"), tile.dtype.itemsize)
        b = f.offset("%B", f.times(k0, "%b_row"), tile.dtype.itemsize)
        _block(f, tile, packs, a, b, depth, add)
    f.emit("ret void")


def _block(
    f: FunctionBuilder, tile: Tile, packs: str, a: str, b: str, depth: str, add: str
) -> None:
    """One block of K: pack B if needed, then all tiles."""
    size = tile.dtype.itemsize
    with f.when(packs), f.loop(0, "%N", tile.columns) as panel:
        width = f.smaller(tile.columns, f.name(f"sub i64 %N, {panel.index}"))
        source = f.offset(b, f.times(panel.index, "%b_col"), size)
        target = f.offset("%scratch", f.times(panel.index, depth), size)
        _pack(f, tile, source, depth, width, target)
    with f.loop(0, "%M", ROWS) as rows, f.loop(0, "%N", tile.columns) as panel:
        direct = f.offset(b, f.times(panel.index, "%b_col"), size)
        packed = f.offset("%scratch", f.times(panel.index, depth), size)
        where = f.name(f"select i1 {packs}, ptr {packed}, ptr {direct}")
        apart = f.name(f"select i1 {packs}, i64 {tile.columns}, i64 %b_row")
        width = f.smaller(tile.columns, f.name(f"sub i64 %N, {panel.index}"))
        above = f.name(f"add i64 {width}, {tile.lanes - 1}")
        vectors = f.name(f"sdiv i64 {above}, {tile.lanes}")
        before = f.times(f.name(f"sub i64 {vectors}, 1"), tile.lanes)
        tail = f.name(f"sub i64 {width}, {before}")
        masked = f.name(f"zext i1 {f.name(f'icmp slt i64 {tail}, {tile.lanes}')} to i64")
        stop = f.smaller("%M", f.plus(rows.index, ROWS))
        narrow = f.name(f"icmp sle i64 {vectors}, {tile.vectors // 2}")
        tallest = f.name(f"select i1 {narrow}, i64 {tile.tall}, i64 {tile.rows}")
        with f.loop(rows.index, stop, tallest, at_least_once=True) as loop:
            count = f.smaller(tallest, f.name(f"sub i64 {stop}, {loop.index}"))
            kernel = _chosen(f, tile, count, vectors, masked)
            source = f.offset(a, f.times(loop.index, "%a_row"), size)
            place = f.plus(f.times(loop.index, "%c_row"), panel.index)
            target = f.offset("%C", place, size)
            f.emit(
                f"call void {kernel}(ptr {source}, i64 %a_row, i64 %a_col, ptr {where}, "
                f"i64 {apart}, ptr {target}, i64 %c_row, i64 {depth}, i64 {tail}, i64 {add})"
            )


def _table(module: Module, tile: Tile) -> None:
    """The kernels by rows, vectors and mask."""
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
    """The kernel's address."""
    r = f.times(f.name(f"sub i64 {rows}, 1"), tile.vectors * 2)
    v = f.times(f.name(f"sub i64 {vectors}, 1"), 2)
    place = f.offset(f"@kernels_{tile.name}", f.plus(f.plus(r, v), masked), 8)
    return f.name(f"load ptr, ptr {place}, align 8")


def _packs(f: FunctionBuilder, tile: Tile) -> str:
    """Whether B is packed: if its rows are not contiguous, or far apart and used often."""
    scattered = f.name("icmp ne i64 %b_col, 1")
    far = f.name(f"icmp sge i64 %b_row, {FAR // tile.dtype.itemsize}")
    often = f.name(f"icmp sge i64 %M, {_ENOUGH}")
    pays = f.name(f"and i1 {far}, {often}")
    return f.name(f"or i1 {scattered}, {pays}")


def _pack(f: FunctionBuilder, tile: Tile, b: str, depth: str, width: str, to: str) -> None:
    """A panel by the routine for its strides."""
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
    """The exported function for dot products: A's rows and B's columns are contiguous."""
    f = module.function(f"dots_{tile.name}", ARGUMENTS)
    size = tile.dtype.itemsize
    columns = f.name("and i64 %N, -2")
    for n0, n1, n, tall in ((0, columns, 2, 4), (columns, "%N", 1, 8)):
        rows = f.name(f"and i64 %M, {-tall}")
        for m0, m1, m in ((0, rows, tall), (rows, "%M", 1)):
            with f.loop(n0, n1, n) as across, f.loop(m0, m1, m) as down:
                a = f.offset("%A", f.times(down.index, "%a_row"), size)
                b = f.offset("%B", f.times(across.index, "%b_col"), size)
                place = f.plus(f.times(down.index, "%c_row"), across.index)
                f.emit(
                    f"call void @dots_{tile.name}_{m}_{n}(ptr {a}, i64 %a_row, ptr {b}, "
                    f"i64 %b_col, ptr {f.offset('%C', place, size)}, i64 %c_row, i64 %K0, "
                    "i64 %add0)"
                )
    f.emit("ret void")


assert SIGNATURE.count(",") == 9
