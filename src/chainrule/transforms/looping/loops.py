"""scan and fori_loop: loops that stay one node in the graph, however long they run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import isqrt
from typing import Any, TypeVar

import numpy as np

from ... import tree
from ...control.effects import results_of_effects
from ...control.scan import run_scan
from ...errors import DtypeError, ShapeError, at_user_line
from ...graph.graph import Graph
from ...graph.node import Node
from ...graph.types import Type
from ...lazy import LazyModule
from ...primitives.structure import cast
from ...simplify.loops import find_loops
from ...trace.aliasing import check_no_alias
from ...trace.capture import (
    Captured,
    as_array,
    capture,
    to_user_arrays,
    type_of,
)
from ...trace.function_rules import as_int
from ...trace.operands import is_weak
from ...trace.tracer import Tracer, traced
from ...trace.tracing import first_token, follow_token, last_token
from ...tracebacks import filters_traceback
from ..nan_checks.nonfinite import checked_operation

C = TypeVar("C")
_recomputation = LazyModule("chainrule.transforms.rules.recomputation")  # which imports this file


@filters_traceback
def scan(
    f: Callable[[C, Any], tuple[C, Any]],
    init: C,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    *,
    checkpoint: bool = False,
) -> tuple[C, Any]:
    """Loop over the leading axis of `xs`, carrying a state along.

    The same as::

        carry, ys = init, []
        for x in xs:
            carry, y = f(carry, x)
            ys.append(y)
        return carry, np.stack(ys)

    but `f` is traced once and becomes one node, so that the graph is small, a compiler sees the
    loop, and its derivative saves only what the backward pass reads.

    Parameters
    ----------
    f : callable
        ``f(carry, x) -> (carry, y)``; the carry keeps its structure, shapes and dtypes.
    init : pytree
        The first carry.
    xs : pytree of arrays, optional
        What to loop over: all with one size of axis 0. None if `length` is given.
    length : int, optional
        The number of iterations. Default: the size of axis 0 of `xs`.
    reverse : bool
        From the last to the first; ``ys[k]`` still belongs to ``xs[k]``. Default False.
    checkpoint : bool
        Whether the backward pass remembers the carry of each √n-th of n iterations only, and
        computes those in between again, √n at a time (see `checkpoint`): the memory of 2 √n
        iterations, and the time of one more forward pass. Default False: what the backward pass
        reads of each iteration is remembered.

    Returns
    -------
    carry : pytree
        The last carry.
    ys : pytree of arrays
        What `f` returned beside it, stacked along a new axis 0.

    Raises
    ------
    ShapeError
        If `xs` differ in length, or the carry changes its structure or shape.
    DtypeError
        If the carry changes its dtype.
    AbstractValueError
        If `f` asks for a number: in a scan only shapes and dtypes are known.

    Examples
    --------
    >>> import numpy as np
    >>> total, running = scan(lambda s, x: (s + x, s + x), 0.0, np.array([1.0, 2.0, 3.0]))
    >>> float(total), running.tolist()
    (6.0, [1.0, 3.0, 6.0])
    """
    carry, carry_def = tree.flatten(init)
    columns = [as_array(x, "xs") for x in tree.leaves(xs)]
    length = _length(columns, length)
    if checkpoint and length > 1:
        return _checkpointed_scan(f, init, xs, length, reverse)
    slices = [Type(x.shape[1:], x.dtype) for x in columns]
    args_def = tree.structure((init, xs))

    weak = [*map(is_weak, carry), *[False] * len(slices)]
    examples = [*map(example_without_layout, carry), *[None] * len(slices)]
    captured = capture(f, [*map(type_of, carry), *slices], args_def, weak, examples, joins=True)
    if captured.written:
        operands = (*carry, *columns)
        check_no_alias([operands[k] for k in captured.written], operands)
    wanted = _carry_dtypes(captured.graph, captured.out_treedef, carry, carry_def)
    if any(t != type_of(x) for t, x in zip(wanted, carry, strict=True)):
        # A carry that began as a Python number takes the dtype that the first iteration gave it.
        carry = [as_dtype(x, t.dtype) for x, t in zip(carry, wanted, strict=True)]
        captured = capture(f, [*wanted, *slices], args_def, None, examples, joins=True)
        _carry_dtypes(captured.graph, captured.out_treedef, carry, carry_def)
    results = _run(captured, carry, columns, length, reverse)
    return tree.unflatten(captured.out_treedef, to_user_arrays(results))  # type: ignore[no-any-return]


def _run(
    captured: Captured, carry: Sequence[Any], columns: Sequence[Any], length: int, reverse: bool
) -> list[Any]:
    """Return the results of a scan; a token of callbacks in it is one more carry, the last one."""
    body, n, m = find_loops(captured.graph), len(carry), len(columns)
    operands = [*map(node_or_array, carry), *map(node_or_array, columns), *captured.outside]
    if not captured.has_effects:
        operands += [first_token()] * captured.reads_token
        loop = partial(run_scan, body=body, n_carry=n, n_xs=m, length=length, reverse=reverse)
        return checked_operation("scan", loop, operands)
    *inputs, token = body.inputs
    *outputs, last = body.outputs
    operands.insert(n, last_token())
    more = results_of_effects(body) if any(isinstance(x, Node) for x in operands) else ()
    body = Graph((*inputs[:n], token, *inputs[n:]), (*outputs[:n], last, *outputs[n:], *more))
    results = run_scan(operands, body=body, n_carry=n + 1, n_xs=m, length=length, reverse=reverse)
    follow_token(results[n])
    return [*results[:n], *results[n + 1 : len(outputs) + 1]]


def _checkpointed_scan(
    f: Callable[[C, Any], tuple[C, Any]], init: C, xs: Any, length: int, reverse: bool
) -> tuple[C, Any]:
    """Run a scan as one of chunks, each a scan that the backward pass computes again.

    What is left over, fewer iterations than a chunk's, comes after them in `xs`.
    """
    size = isqrt(length)
    count = length // size
    stop = count * size

    def chunk_of(size: int) -> Callable[[C, Any], tuple[C, Any]]:
        def chunk(carry: C, rows: Any) -> tuple[C, Any]:
            return scan(f, carry, rows, length=size, reverse=reverse)

        checkpointed: Callable[[C, Any], tuple[C, Any]] = _recomputation.checkpoint(chunk)
        return checkpointed

    last_chunk = chunk_of(length - stop)
    columns = tree.map(lambda x: x if isinstance(x, Tracer) else as_array(x), xs)
    main = tree.map(lambda x: np.reshape(x[:stop], (count, size, *x.shape[1:])), columns)
    rest = tree.map(lambda x: x[stop:], columns)
    carry, ends = init, None
    if reverse and stop < length:
        carry, ends = last_chunk(carry, rest)
    carry, ys = scan(chunk_of(size), carry, main, length=count, reverse=reverse)
    ys = tree.map(lambda y: np.reshape(y, (stop, *y.shape[2:])), ys)
    if not reverse and stop < length:
        carry, ends = last_chunk(carry, rest)
    if stop < length:
        ys = tree.map(lambda y, end: np.concatenate([y, end]), ys, ends)
    return carry, ys


@filters_traceback
def fori_loop(lower: int, upper: int, body: Callable[[Any, C], C], init: C) -> C:
    """Run ``for i in range(lower, upper): val = body(i, val)`` as one node in the graph.

    Parameters
    ----------
    lower, upper : int
        Known numbers, also under `jit` (make them static arguments).
    body : callable
        ``body(i, val) -> val``; `val` keeps its structure, shapes and dtypes.
    init : pytree
        The first value.

    Returns
    -------
    pytree
        The last value.

    Examples
    --------
    >>> float(fori_loop(0, 10, lambda i, x: x * 0.5, 1024.0))
    1.0
    """
    first, end = as_int(lower, "lower"), as_int(upper, "upper")
    for limit in (first, end):
        if not -(2**63) <= limit < 2**63:
            raise OverflowError(at_user_line(f"fori_loop: {limit} is no 64-bit number"))

    def step(state: tuple[Any, C], _: None) -> tuple[tuple[Any, C], None]:
        i, value = state
        return (i + 1, body(i, value)), None

    (_, last), _ = scan(step, (np.int64(first), init), length=max(0, end - first))
    return last


def _length(columns: Sequence[Any], length: int | None) -> int:
    sizes: set[int] = set()
    for x in columns:
        if not x.shape:
            raise ShapeError(at_user_line("scan over a number: xs need an axis to loop over"))
        sizes.add(x.shape[0])
    if length is not None:
        sizes.add(as_int(length, "length"))
    if len(sizes) != 1:
        complaint = f"different lengths {sorted(sizes)}" if sizes else "neither xs nor length"
        raise ShapeError(at_user_line(f"scan was given {complaint}"))
    size: int = sizes.pop()
    if size < 0:
        raise ValueError(at_user_line(f"scan: length={size} is negative"))
    return size


def _carry_dtypes(
    body: Graph, out_def: Any, carry: Sequence[Any], carry_def: Any
) -> Sequence[Type]:
    """Return the carry's types after one iteration, checked against those before it."""
    children = out_def.children() if out_def.type is tuple else []
    if len(children) != 2:
        raise ShapeError(at_user_line("scan: the function must return (carry, y), a pair"))
    if children[0] != carry_def:
        raise ShapeError(at_user_line(f"scan: the carry was {carry_def} and became {children[0]}"))
    after = body.output_types[: len(carry)]
    for x, new in zip(carry, after, strict=True):
        old = type_of(x)
        if new.shape != old.shape:
            raise ShapeError(at_user_line(f"scan: a carry of {old} became {new}"))
        if new.dtype != old.dtype and not is_weak(x):
            raise DtypeError(
                at_user_line(
                    f"scan: a carry of {old} became {new}; cast it with .astype, or start with it"
                )
            )
    return after


def as_dtype(x: Any, dtype: np.dtype[Any]) -> Any:
    return traced(cast(x.node, dtype=dtype)) if isinstance(x, Tracer) else dtype.type(x)


def example_without_layout(x: Any) -> Any:
    """Return an example that tells `capture` arrays from numbers, but no memory layout."""
    return None if type_of(x).shape else x


def node_or_array(x: Any) -> Node | Any:
    """Return a tracer's node, or a view of an array, such that results are recognised as its
    copies.
    """
    if isinstance(x, Tracer):
        return x.node
    array = as_array(x)
    return array.view() if isinstance(array, np.ndarray) else array
