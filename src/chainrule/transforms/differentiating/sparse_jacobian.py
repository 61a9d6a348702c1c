"""Jacobians of which it is known where they are zero, compressed by a colouring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod
from typing import Any, NamedTuple

import numpy as np

from ...autodiff.sparsity import colouring, patterns, scipy_sparse
from ...config import current
from ...errors import GradientError, ShapeError, UnsupportedError, at_user_line
from ...graph.types import Array
from ...tracebacks import filters_traceback
from ..nan_checks.nonfinite import check_function
from .gradient import differentiated_arguments, jvp
from .linear_maps import check_dtypes, pulled, pushed
from .traced_call import TracedCall


def sparse_jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, sparsity: Any
) -> Callable[..., Any]:
    """Make a function that returns the Jacobian as a sparse array; see `jacobian`."""
    if not isinstance(argnums, int):
        raise TypeError(at_user_line("a sparse Jacobian is one by a single argument: argnums=0"))
    automatic = isinstance(sparsity, str)
    recent = None if automatic else _compression(_pattern(sparsity))
    if automatic and sparsity != "auto":
        raise TypeError(
            at_user_line(f"sparsity={sparsity!r}: give a pattern, or 'auto' to see it in the graph")
        )

    @wraps(f)
    @filters_traceback
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        nonlocal recent
        positions = differentiated_arguments(argnums, len(args))
        traced = TracedCall(f, args, positions, kwargs, has_aux)
        check_dtypes(traced, "jacobian")
        _check_traced(traced)
        with np.errstate(all="ignore"):
            compression = _seen_compression(traced, recent) if automatic else recent
            assert compression is not None
            recent = compression
            result = _compressed(traced, compression)
        if current().nans:
            check_function(_row_sums(f, positions[0]), args, kwargs, positions, result.data)
        return (result, traced.auxiliary()) if has_aux else result

    return differentiated


def _row_sums(f: Callable[..., Any], position: int) -> Callable[..., Any]:
    """Return the function whose result has a nan where a row of the Jacobian has one."""

    def row_sums(*args: Any, **kwargs: Any) -> Any:
        def of_one(x: Any) -> Any:
            return f(*args[:position], x, *args[position + 1 :], **kwargs)

        return jvp(of_one, (args[position],), (np.ones_like(args[position]),))[1]

    return row_sums


class _Compression(NamedTuple):
    """Where a Jacobian is not zero, and which of its columns, or rows, are computed together."""

    pattern: Any
    colours: Array
    forward_mode: bool


def _compression(pattern: Any) -> _Compression:
    by_columns = colouring(pattern)
    by_rows = colouring(pattern.T.tocsr())
    forward_mode = bool(by_columns.max(initial=-1) <= by_rows.max(initial=-1))
    return _Compression(pattern, by_columns if forward_mode else by_rows, forward_mode)


def _seen_compression(traced: TracedCall, recent: _Compression | None) -> _Compression:
    """Return where the graph shows that a Jacobian is not zero; the one before if that holds."""
    (x,), (y,) = traced.inputs, traced.outputs
    linear_map = pushed(traced, x)
    shape = prod(y.shape), prod(x.shape)
    if not linear_map.present[0]:
        return _compression(scipy_sparse.csr_array(shape, dtype=bool))
    known = patterns(linear_map.graph, most=1.0)
    if known is None:
        raise UnsupportedError(
            at_user_line(
                "sparsity='auto': where the Jacobian is zero is not to be seen, since there is a "
                "loop, a decomposition or an unknown index on the way. Give the pattern"
            )
        )
    pattern = known[0].tocsr()
    pattern.sort_indices()
    if recent is not None and _equal(pattern, recent.pattern):
        return recent
    return _compression(pattern)


def _equal(pattern: Any, other: Any) -> bool:
    return bool(
        pattern.shape == other.shape
        and np.array_equal(pattern.indptr, other.indptr)
        and np.array_equal(pattern.indices, other.indices)
    )


def _pattern(sparsity: Any) -> Any:
    """Return where the Jacobian may be other than zero, as a sparse array of sorted rows."""
    if not scipy_sparse.issparse(sparsity):
        sparsity = np.asarray(sparsity)
        if sparsity.dtype.kind != "b":
            raise TypeError(
                at_user_line(
                    f"sparsity is of {sparsity.dtype}: give truth values, or a sparse array of "
                    "scipy.sparse, whose stored entries count"
                )
            )
    if len(sparsity.shape) != 2:
        raise ShapeError(
            at_user_line(f"sparsity has shape {sparsity.shape}: give one with rows and columns")
        )
    entries = scipy_sparse.coo_array(sparsity)
    stored = np.ones(entries.nnz, bool)
    pattern = scipy_sparse.csr_array((stored, (entries.row, entries.col)), shape=entries.shape)
    pattern.sum_duplicates()
    pattern.sort_indices()
    return pattern


def _check_traced(traced: TracedCall) -> None:
    if len(traced.inputs) != 1 or len(traced.outputs) != 1:
        raise TypeError(
            at_user_line(
                "a sparse Jacobian is that of a function of one array that returns one array: "
                f"there are {len(traced.inputs)} and {len(traced.outputs)}"
            )
        )
    if not traced.eager:
        raise UnsupportedError(
            at_user_line(
                "a sparse Jacobian under jit or in another transformation: it is an array of "
                "scipy.sparse, which is not traced. Leave sparsity out, or call it outside"
            )
        )


def _compressed(traced: TracedCall, compression: _Compression) -> Any:
    """Return the Jacobian: the sum of all columns (or rows) of one colour is one product."""
    pattern, colours, forward_mode = compression
    (x,), (y,) = traced.inputs, traced.outputs
    if pattern.shape != (prod(y.shape), prod(x.shape)):
        raise ShapeError(
            at_user_line(
                f"sparsity has shape {pattern.shape} for the Jacobian of {prod(y.shape)} results "
                f"by {prod(x.shape)} numbers"
            )
        )
    side = x if forward_mode else y
    count = int(colours.max(initial=-1)) + 1
    seeds = np.zeros((count + 1, len(colours)), side.dtype)
    seeds[colours, np.arange(len(colours))] = 1
    seeds[count] = probe = np.random.default_rng(0).uniform(0.5, 1.5, len(colours))
    vectors = seeds.reshape(count + 1, *side.shape)
    linear_map = pushed(traced, x) if forward_mode else pulled(traced, y)
    (products,) = linear_map.at(vectors)
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    columns = pattern.indices
    if products is None:
        data = np.zeros(len(columns), y.dtype)
    else:
        flat = products.reshape(count + 1, -1)
        entry = (colours[columns], rows) if forward_mode else (colours[rows], columns)
        data = flat[entry]
    result = scipy_sparse.csr_array((data, columns.copy(), pattern.indptr.copy()), pattern.shape)
    if products is not None:
        _check_probe(result if forward_mode else result.T, probe, flat[count])
    return result


def _check_probe(jacobian: Any, probe: Array, product: Array) -> None:
    """Raise if the Jacobian times a random direction is not what the function says."""
    rounding = 1e4 * float(np.finfo(product.dtype).eps)
    size = abs(jacobian) @ np.abs(probe) + np.abs(product)
    off = ~(np.abs(jacobian @ probe - product) <= rounding * size) & np.isfinite(product)
    if off.any():
        raise GradientError(
            at_user_line(
                "the Jacobian is not zero outside of sparsity: in a random direction "
                f"{np.count_nonzero(off)} of {len(product)} entries of the product are others. "
                "Add the entries that are missing, or leave sparsity out"
            )
        )
