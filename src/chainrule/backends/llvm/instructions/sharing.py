"""About how long instructions take, and so which are worth sharing among threads, in what chunks.

Threads never change the numbers: a product's and a map's are the same however they are cut.
"""

from __future__ import annotations

from math import inf, prod

from ...threads import get_num_threads
from ..expressions.expression import Apply, Load, Lookup, parts
from ..fuse.op_traits import cost
from ..kernels.matmul import FAR
from ..kernels.matmul.kernels import tile_for
from ..kernels.matmul.sweep import MOST
from ..target.host import host
from .base import (
    Along,
    Convolution,
    Either,
    Instruction,
    Map,
    Product,
    Reduce,
    Region,
    Scatter,
    Sort,
    Turns,
    While,
)
from .unrolled_matmul import is_tiny

# Nanoseconds of work that repays handing its numbers to another core, which may be on another die
SHARED = 80_000.0
NEAR = 5_000.0  # on the same die
_CHUNK = 50_000.0  # of work that is worth a chunk of its own
_PACKED = 2**19  # bytes of B that may be packed again for each chunk of rows


def nanoseconds(step: Instruction) -> float:
    """About how long an instruction takes on one thread."""
    if isinstance(step, Map):
        return 3.0 + prod(step.domain) * _per_entry(step)
    if isinstance(step, (Reduce, Along, Scatter)):
        return 3.0 + prod(step.domain) * (0.3 if isinstance(step, Reduce) else 2.0)
    if isinstance(step, Product):
        work = prod(step.view.shape) * step.left.shape[-1] / 50.0
        if _is_thin(step):
            work = max(work, prod(step.right.shape) * step.view.dtype.itemsize / 40.0,
                       prod(step.left.shape) * step.view.dtype.itemsize / 40.0)  # fmt: skip
        return 10.0 + work
    if isinstance(step, Convolution):
        return 20.0 + step.work / 40.0
    if isinstance(step, Sort):
        return 20.0 * prod(step.keys.shape)
    if isinstance(step, Region):
        return sum(map(nanoseconds, step.steps))
    if isinstance(step, Turns):
        return step.length * sum(map(nanoseconds, step.body))
    if isinstance(step, Either):
        return max(sum(map(nanoseconds, step.yes)), sum(map(nanoseconds, step.no)))
    return inf if isinstance(step, While) else 10_000.0


def _is_thin(product: Product) -> bool:
    """Whether it takes as long as reading a matrix."""
    return min(product.view.shape[-2:]) <= MOST


def _per_entry(step: Map) -> float:
    """Of a map: operations by vectors, loads and stores by bandwidth."""
    total = 0.1 * len(step.stores)
    for expression in parts([expression for expression, _ in step.stores]):
        if isinstance(expression, Apply):
            total += 1.6 * cost(expression.node) / host().vector_bytes
        elif isinstance(expression, (Load, Lookup)):
            total += 0.1
    return total


def count_chunks(work: float, least: float) -> int:
    """How many chunks work of so many nanoseconds is cut into; one if it is less than `least`."""
    threads = get_num_threads()
    if threads == 1 or work < least:
        return 1
    return threads * max(1, min(4, int(work / threads / _CHUNK)))


def takes_rows(step: Instruction) -> bool:
    """Whether an instruction may run some rows at a time without losing by it.

    A product packs B for each chunk of rows, which does not pay if B is large.
    """
    if not isinstance(step, Product):
        return True
    depth, columns = step.right.shape[-2:]
    size = step.view.dtype.itemsize
    packs = step.right.strides[-1] != 1 or step.right.strides[-2] * size >= FAR
    return not (packs and depth * columns * size > _PACKED) and not is_tiny(step)


def share_product(product: Product, least: float) -> None:
    """Cut a product into chunks: of its first leading axis, its rows, or its columns."""
    shape, work = product.view.shape, nanoseconds(product)
    product.near = work < SHARED
    count = count_chunks(work, least)
    if _is_thin(product):  # long pieces of rows are what memory likes
        count = min(count, get_num_threads())
    if count == 1 or 0 in shape or is_tiny(product):
        return
    if len(shape) > 2:
        if shape[0] >= get_num_threads():
            product.axis, product.chunk = 0, -(-shape[0] // min(count, shape[0]))
        return
    tile = tile_for(host(), product.view.dtype)
    # Each chunk of rows packs all of B again; a chunk of columns packs its own
    wide = shape[1] >= 2 * get_num_threads() * tile.columns
    axis, unit = (1, tile.columns) if wide else (0, tile.tall)
    product.axis = axis
    product.chunk = -(-shape[axis] // (count * unit)) * unit
    if product.chunk >= shape[axis]:
        product.axis = product.chunk = 0
