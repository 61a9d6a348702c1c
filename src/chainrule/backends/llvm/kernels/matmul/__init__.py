"""Matrix products: kernels, made for the host once, each when a program first calls it.

``void gemm_f32(M, N, K, A, a_row, a_col, B, b_row, b_col, C, c_row, flags, scratch)``, and
``gemm_f64``: C[M, N] = A @ B, added to C with the flag `ADD`. Strides count numbers and may be any;
the columns of C follow each other. `scratch` has `scratch_bytes`, 64-byte aligned.

``void pack_f32(N, K, B, b_row, b_col, to)``, and ``pack_f64``: B as ``gemm`` reads it with the flag
`PACKED`, `packed_size` numbers, for a matrix that many products share.

``dots_f32`` and ``dots_f64`` have the same arguments, and want contiguous rows of A and columns of
B. Each of their sums runs over the lanes of a vector, those of ``gemm`` over K in order: so who
calls must choose by the whole product, never by a part of it that a thread takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ...ir.builder import Module
from ...target.host import Host, host
from .driver import (
    DEPTH,
    ENOUGH,
    FAR,
    PACKED,
    ROWS,
    WIDE,
    write_dots_driver,
    write_gemm,
    write_pack,
)
from .kernels import LINE, tile_for, write_dots, write_kernel, write_packed_kernel
from .packing import (
    write_fetch,
    write_pack_any,
    write_pack_columns,
    write_pack_left,
    write_pack_rows,
)
from .sweep import MOST, write_sweep


def write_tiled(module: Module, target: Host, dtype: np.dtype[Any]) -> None:
    """Write ``gemm`` of a dtype, and all that it calls."""
    tile = tile_for(target, dtype)
    for vectors in range(1, tile.vectors + 1):
        for rows in range(1, tile.tallest(vectors) + 1):
            for masked in (False, True):
                write_kernel(module, tile, rows, vectors, masked)
    write_packed_kernel(module, tile)
    write_pack_left(module, tile)
    write_fetch(module)
    for rows in range(1, MOST + 1):
        write_sweep(module, tile, rows)
    write_pack_rows(module, tile)
    write_pack_columns(module, tile)
    write_pack_any(module, tile)
    write_gemm(module, tile)
    write_pack(module, tile)


def write_dot_products(module: Module, target: Host, dtype: np.dtype[Any]) -> None:
    """Write ``dots`` of a dtype, and all that it calls."""
    tile = tile_for(target, dtype)
    for rows, columns in ((8, 1), (4, 2), (1, 2), (1, 1)):
        write_dots(module, tile, rows, columns)
    write_dots_driver(module, tile)


def scratch_bytes(
    rows: int, columns: int, depth: int, dtype: np.dtype[Any], packed: bool = False
) -> int:
    """Return the size of a packed block of B, and one of A, for a product or one of fewer rows.

    Of B nothing if it comes `packed`.
    """
    tile = tile_for(host(), dtype)
    wide = max(columns, rows if columns == 1 else 0)  # a single column is transposed
    numbers, behind = 0 if packed else -(-wide // tile.columns) * tile.columns, 0
    if rows >= ENOUGH and columns >= WIDE:
        numbers += -(-min(rows, ROWS) // tile.rows) * tile.rows
        behind = LINE
    return numbers * min(depth, DEPTH) * dtype.itemsize + behind


def packed_size(columns: int, depth: int, dtype: np.dtype[Any]) -> int:
    """Return how many numbers B has when it is packed."""
    tile = tile_for(host(), dtype)
    return -(-columns // tile.columns) * tile.columns * depth


__all__ = [
    "FAR",
    "MOST",
    "PACKED",
    "packed_size",
    "scratch_bytes",
    "tile_for",
    "write_dot_products",
    "write_tiled",
]
