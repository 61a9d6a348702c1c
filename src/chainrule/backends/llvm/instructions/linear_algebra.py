"""Linear algebra: small matrices in the lanes of vectors, others by LAPACK, one by one.

Where something fails (a pivot of 0, a matrix that is not positive definite), the reference computes
the node again and raises, or returns, what it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from math import prod

import numpy as np

from ....graph.node import CONSTANT, Node
from ....graph.types import Shape
from ..codegen.emitter import Emitter
from ..ir.builder import FunctionBuilder
from ..kernels.lapack_calls import write_cholesky, write_eigh, write_lu
from ..kernels.matrix_functions import (
    WORK,
    SmallTask,
    Solving,
    by_cholesky,
    by_lu,
    by_triangle,
    write_determinant,
    write_inverse,
    write_small_cholesky,
    write_small_cofactors,
    write_small_lu,
    write_small_solve,
    write_solve,
)
from ..kernels.matrix_sizes import is_small, lanes_for_matrices
from ..kernels.small_eigen import write_small_eigh
from ..kernels.small_matrices import Stack
from ..layout.view import Buffer, View
from .access import Access
from .base import Instruction
from .host_call import HostCall
from .planning import Planning, Rule

Writer = Callable[[FunctionBuilder, Sequence[Stack]], None]


@dataclass(frozen=True, eq=False)
class MatrixFunction(Instruction):
    """A function of stacks of matrices, and the node that NumPy computes if it fails.

    Attributes
    ----------
    name : str
    write : callable
        ``write(f, stacks)`` writes it as a function that returns whether it failed.
    operands : sequence of View
        What is read, then what is written; with three axes each.
    outputs : int
        How many are written.
    estimate : float
        Nanoseconds.
    fallback : HostCall or None
    """

    name: str
    write: Writer
    operands: Sequence[View]
    outputs: int
    estimate: float
    fallback: HostCall | None = None

    def buffers(self) -> Iterator[Buffer]:
        for view in self.operands:
            yield view.buffer
        if self.fallback is not None:
            yield from self.fallback.buffers()

    def accesses(self) -> list[Access]:
        written = {view.buffer for view in self.operands[-self.outputs :]}
        return [Access(buffer, buffer in written) for buffer in dict.fromkeys(self.buffers())]

    def results(self) -> Sequence[View]:
        return self.operands[-self.outputs :]

    def nanoseconds(self) -> float:
        return self.estimate

    def summary(self) -> str:
        return f"{self.name} {list(self.operands[0].shape)}"

    def emit(self, emitter: Emitter) -> None:
        """Write the function, its call, and what follows if it fails."""
        f = emitter.f
        name = f"matrices{len(f.module.functions)}"
        arguments = [("ptr", f"p{k}") for k in range(len(self.operands))]
        g = f.module.function(name, arguments, "i32", linkage="internal")
        strides = [(*view.strides, 0, 0)[:3] for view in self.operands]
        self.write(g, [
            Stack(f"%p{k}", view.dtype, (s[0], s[1], s[2]))
            for k, (view, s) in enumerate(zip(self.operands, strides, strict=True))
        ])  # fmt: skip
        listed = ", ".join(f"ptr {emitter.addresses.of_view(view)}" for view in self.operands)
        failed = f.name(f"call i32 @{name}({listed})")
        if self.fallback is not None:
            with f.when(f.name(f"icmp ne i32 {failed}, 0")):
                self.fallback.emit(emitter)


# How matrices lie


def _stack(planner: Planning, x: View, batch: Shape, core: int = 2) -> View:
    """Return matrices (or vectors, as columns) with one leading axis, repeated over a batch."""
    shape = (*batch, *x.shape[len(x.shape) - core :])
    flat = (prod(batch), *shape[len(batch) :])
    view = x if x.shape == shape else x.broadcast(shape)
    stacked = view.reshaped(flat)
    if stacked is None:
        whole = planner.allocate(shape, x.dtype)
        planner.move(view, whole)
        stacked = whole.reshaped(flat)
    assert stacked is not None
    return stacked


def _for_lapack(planner: Planning, x: View) -> View:
    """Return a stack whose matrices lie by rows or by columns without gaps inside."""
    _, rows, columns = x.shape
    _, down, across = x.strides
    if (across == 1 and down >= columns) or (down == 1 and across >= rows):
        return x
    whole = planner.allocate(x.shape, x.dtype)
    planner.move(x, whole)
    return whole


def _small(x: View, n: int) -> SmallTask:
    count = x.shape[0]
    return SmallTask(x.dtype, count, lanes_for_matrices(count, x.dtype), n)


def _cost(count: int, operations: float, small: bool) -> float:
    return count * (20 + operations / 4) if small else count * (1500 + operations / 25)


# The rules


_READERS = frozenset(["linear_solve", "det", "slogdet"])  # which read factors in any order


class _Destination:
    """Where a result is written: where it belongs, or beside it, if that is no stack.

    Attributes
    ----------
    whole, stack : View
    """

    def __init__(
        self, planner: Planning, target: View, batch: Shape, core: int = 2,
        fits: Callable[[View], bool] = lambda _: True, order: Sequence[int] | None = None,
    ) -> None:  # fmt: skip
        self.planner, self.target, self.whole = planner, target, target
        flat = (prod(batch), *target.shape[len(batch) :])
        stack = target.reshaped(flat)
        if stack is None or not fits(stack):
            self.whole = planner.allocate(target.shape, target.dtype, order)
            stack = self.whole.reshaped(flat)
        assert stack is not None
        self.stack = stack

    def finish(self) -> None:
        """Move the result to where it belongs."""
        if self.whole is not self.target:
            self.planner.move(self.whole, self.target)


def _by_columns(x: View) -> bool:
    return x.strides[1] == 1 and x.strides[2] == x.shape[1]


def _without_gaps(x: View) -> bool:
    _, rows, columns = x.shape
    return x.strides[1:] in ((columns, 1), (1, rows)) or columns == 1


def plan_lu(planner: Planning, node: Node) -> None:
    """Plan a factorization. Factors that only solving reads lie as that likes best."""
    (x,) = node.inputs
    n, batch, check = x.shape[-1], x.shape[:-2], node.params["check"]
    a = _stack(planner, planner.materialize(x), batch)
    count, b = a.shape[0], len(batch)
    small = is_small(node)
    columns_first = (*range(b), b + 1, b)
    orders: list[Sequence[int] | None] = [None, None]
    if planner.is_read_only_by(node, _READERS):
        if not small:
            orders[0] = columns_first
        elif count > 1:
            orders = [(b, b + 1, *range(b)), (b, *range(b))]
    targets = planner.result_views(node, orders)
    pivots = _Destination(planner, targets[1], batch, 1, lambda y: small or y.strides[1] == 1)
    if small:
        factors = _Destination(planner, targets[0], batch)
        write: Writer = partial(write_small_lu, task=_small(a, n), check=check)
    else:
        factors = _Destination(planner, targets[0], batch, 2, _by_columns, columns_first)
        write = partial(write_lu, count=count, n=n, check=check)
    fallback = planner.host_call(node, [factors.whole, pivots.whole], rare=True)
    operands = (a, factors.stack, pivots.stack)
    planner.append(
        MatrixFunction("lu", write, operands, 2, _cost(count, 0.67 * n**3, small), fallback)
    )
    factors.finish()
    pivots.finish()


def plan_cholesky(planner: Planning, node: Node) -> None:
    """Plan Cholesky's factorization."""
    (x,) = node.inputs
    n, batch = x.shape[-1], x.shape[:-2]
    a = _stack(planner, planner.materialize(x), batch)
    count = a.shape[0]
    small = is_small(node)
    write: Writer
    if small:
        write = partial(write_small_cholesky, task=_small(a, n))
    else:
        write = partial(write_cholesky, count=count, n=n)
    factor = _Destination(
        planner, planner.target(node), batch, 2, lambda y: y.strides[1:] == (n, 1)
    )
    fallback = planner.host_call(node, [factor.whole], rare=True)
    cost = _cost(count, n**3 / 3, small)
    operands = (a, factor.stack)
    planner.append(MatrixFunction("cholesky", write, operands, 1, cost, fallback))
    factor.finish()


def plan_cofactors(planner: Planning, node: Node) -> None:
    """Plan the derivatives of the determinants of small matrices."""
    (x,) = node.inputs
    n, batch = x.shape[-1], x.shape[:-2]
    a = _stack(planner, planner.materialize(x), batch)
    result = _Destination(planner, planner.target(node), batch)
    write = partial(write_small_cofactors, task=_small(a, n))
    fallback = planner.host_call(node, [result.whole], rare=True)
    cost = _cost(a.shape[0], 3.0 * n**3, True)
    operands = (a, result.stack)
    planner.append(MatrixFunction("cofactors", write, operands, 1, cost, fallback))
    result.finish()


def plan_solve(planner: Planning, node: Node, how: Callable[[Node], Solving]) -> None:
    """Plan to solve with factors, whose node is the last input but pivots and b."""
    if _is_inverse(node):
        _plan_inverse(planner, node)
        return
    solving = how(node)
    batch, (n, columns) = node.shape[:-2], node.shape[-2:]
    pivots = 1 if solving.pivots else 0
    *_, b = node.inputs
    factors, *rows = [
        _stack(planner, planner.materialize(x), batch, core)
        for x, core in zip(node.inputs[-2 - pivots : -1], (2, 1), strict=False)
    ]
    count = prod(batch)
    small = is_small(node)
    x = _Destination(planner, planner.target(node), batch, 2, _without_gaps)
    fallback = planner.host_call(node, [x.whole], rare=True) if solving.check else None
    cost = _cost(count, n * n * columns * len(solving.triangles), small)
    write: Writer
    if small:
        right = _stack(planner, planner.materialize(b), batch)
        operands = (factors, *rows, right, x.stack)
        write = partial(write_small_solve, task=_small(x.stack, n), how=solving, columns=columns)
    else:
        view = planner.materialize(b)
        planner.move(view.broadcast(node.shape), x.whole)
        operands = (_for_lapack(planner, factors), *rows, x.stack)
        write = partial(write_solve, count=count, n=n, how=solving, columns=columns)
    planner.append(MatrixFunction(node.primitive.name, write, operands, 1, cost, fallback))
    x.finish()


def _is_inverse(node: Node) -> bool:
    """Whether the identity is solved for with more than one row."""
    b = node.inputs[-1]
    if node.primitive.name != "linear_solve" or b.primitive is not CONSTANT or is_small(node):
        return False
    return len(b.shape) == 2 and np.array_equal(b.value, np.eye(b.shape[-1], dtype=b.dtype))


def _plan_inverse(planner: Planning, node: Node) -> None:
    """Plan an inverse by factors, which takes LAPACK two thirds of solving for the identity."""
    batch, n = node.shape[:-2], node.shape[-1]
    factors, pivots = [
        _stack(planner, planner.materialize(x), batch, core)
        for x, core in zip(node.inputs[1:3], (2, 1), strict=True)
    ]
    by_rows = _Destination(
        planner, planner.target(node), batch, 2, lambda y: y.strides[1:] == (n, 1)
    )
    fallback = planner.host_call(node, [by_rows.whole], rare=True)
    counted = planner.allocate((n,), np.dtype(np.int32))
    work = planner.allocate((WORK * n,), node.dtype)
    operands = (factors, pivots, by_rows.stack, counted, work)
    count = prod(batch)
    write = partial(write_inverse, count=count, n=n, trans=node.params["trans"])
    cost = _cost(count, 1.5 * n**3, False)
    planner.append(MatrixFunction("inverse", write, operands, 3, cost, fallback))
    by_rows.finish()


def plan_determinant(planner: Planning, node: Node) -> None:
    """Plan a product of pivots, or its sign and logarithm."""
    _, factors, pivots = node.inputs
    n, batch = factors.shape[-1], factors.shape[:-2]
    name = node.primitive.name
    targets = planner.result_views(node) if name == "slogdet" else [planner.target(node)]
    operands = [_stack(planner, planner.materialize(factors), batch)]
    operands.append(_stack(planner, planner.materialize(pivots), batch, 1))
    results = [_Destination(planner, y, batch, 0) for y in targets]
    operands += [y.stack for y in results]
    count = prod(batch)
    write = partial(write_determinant, task=_small(operands[0], n), logarithm=name == "slogdet")
    cost = 10.0 * count * n
    planner.append(MatrixFunction(name, write, operands, len(results), cost))
    for y in results:
        y.finish()


def plan_eigh(planner: Planning, node: Node) -> None:
    """Plan eigenvalues and eigenvectors."""
    (x,) = node.inputs
    n, batch = x.shape[-1], x.shape[:-2]
    a = _stack(planner, planner.materialize(x), batch)
    targets = planner.result_views(node)
    values = _Destination(planner, targets[0], batch, 1, lambda y: y.strides[1] == 1)
    vectors = _Destination(planner, targets[1], batch, 2, lambda y: y.strides[1:] == (n, 1))
    operands = [a, values.stack, vectors.stack]
    count, low = a.shape[0], node.params["low"]
    small = is_small(node)
    write: Writer
    if small:
        write = partial(write_small_eigh, count=count, n=n)
    else:
        write = partial(write_eigh, count=count, n=n, low=low)
        operands.append(planner.allocate((1 + 6 * n + 2 * n * n,), a.dtype))
        operands.append(planner.allocate((3 + 5 * n,), np.dtype(np.int32)))
    fallback = planner.host_call(node, [values.whole, vectors.whole], rare=True)
    cost = _cost(count, 4.0 * n**3, False)
    outputs = len(operands) - 1
    planner.append(MatrixFunction("eigh", write, operands, outputs, cost, fallback))
    values.finish()
    vectors.finish()


def _lu_solving(node: Node) -> Solving:
    return by_lu(node.params["trans"])


def _cholesky_solving(_node: Node) -> Solving:
    return by_cholesky()


def _triangular_solving(node: Node) -> Solving:
    return by_triangle(**node.params)


RULES: Mapping[str, Rule] = {
    "lu": plan_lu,
    "cholesky": plan_cholesky,
    "cofactors": plan_cofactors,
    "linear_solve": partial(plan_solve, how=_lu_solving),
    "positive_solve": partial(plan_solve, how=_cholesky_solving),
    "triangular_solve": partial(plan_solve, how=_triangular_solving),
    "det": plan_determinant,
    "slogdet": plan_determinant,
    "eigh": plan_eigh,
}
