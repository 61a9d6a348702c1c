"""Jacobians of which it is known where they are zero, compressed by a colouring."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod
from typing import Any

import numpy as np

from ..autodiff.sparsity import colouring, scipy_sparse
from ..errors import GradientError, ShapeError, UnsupportedError, at_user_line
from ..graph.types import Array
from ..tracebacks import filters_traceback
from .gradient import differentiated_arguments
from .linear_maps import check_dtypes, pulled, pushed
from .traced_call import TracedCall


def sparse_jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, sparsity: Any
) -> Callable[..., Any]:
    """Make a function that returns the Jacobian as a sparse array; see `jacobian`."""
    if not isinstance(argnums, int):
        raise TypeError(at_user_line("a sparse Jacobian is one by a single argument: argnums=0"))
    pattern = _pattern(sparsity)
    by_columns = colouring(pattern)
    by_rows = colouring(pattern.T.tocsr())
    forward_mode = by_columns.max(initial=-1) <= by_rows.max(initial=-1)
    colours = by_columns if forward_mode else by_rows

    @wraps(f)
    @filters_traceback
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        positions = differentiated_arguments(argnums, len(args))
        traced = TracedCall(f, args, positions, kwargs, has_aux)
        check_dtypes(traced, "jacobian")
        _check_traced(traced, pattern.shape)
        with np.errstate(all="ignore"):
            result = _compressed(traced, pattern, colours, forward_mode)
        return (result, traced.auxiliary()) if has_aux else result

    return differentiated


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


def _check_traced(traced: TracedCall, shape: tuple[int, ...]) -> None:
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
    (x,), (y,) = traced.inputs, traced.outputs
    if shape != (prod(y.shape), prod(x.shape)):
        raise ShapeError(
            at_user_line(
                f"sparsity has shape {shape} for the Jacobian of {prod(y.shape)} results by "
                f"{prod(x.shape)} numbers"
            )
        )


def _compressed(traced: TracedCall, pattern: Any, colours: Array, forward_mode: bool) -> Any:
    """Return the Jacobian: the sum of all columns (or rows) of one colour is one product."""
    (x,), (y,) = traced.inputs, traced.outputs
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
