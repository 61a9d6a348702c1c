"""jacfwd, jacrev, jacobian, hessian, hvp: all derivatives of all results, as arrays."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from math import prod
from typing import Any

import numpy as np

from ... import tree
from ...config import current
from ...errors import at_user_line
from ...graph.graph import Graph
from ...graph.node import Node
from ...graph.types import is_complex
from ...trace.capture import to_user_arrays
from ...tracebacks import filters_traceback
from ..nan_checks.nonfinite import check_function
from .gradient import differentiated_arguments, grad, jvp
from .linear_maps import check_dtypes, pulled, pushed
from .sparse_jacobian import sparse_jacobian
from .traced_call import TracedCall, zero_gradients_allowed

Rows = Callable[[TracedCall], list[list[Any]]]


def jacfwd(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the Jacobian of `f`, column by column in forward mode.

    It costs about as much as `f` for each entry of the arguments: the mode for functions of few
    numbers that return many. As `jax.jacfwd`.

    Parameters
    ----------
    f : callable
        Takes and returns arrays, numbers or pytrees of them; returns ``(result, aux)`` if
        `has_aux`.
    argnums : int or sequence of int
        Which positional arguments to differentiate by. Default 0.
    has_aux : bool
        Whether `f` returns a second result that is not differentiated. Default False.

    Returns
    -------
    callable
        Returns, in the structure of the result of `f`, for each array of shape ``s`` in it a tree
        like the argument (a tuple of them if `argnums` is a sequence), in which an array of shape
        ``t`` has become one of shape ``(*s, *t)``; ``(Jacobian, aux)`` if `has_aux`.

    Raises
    ------
    DtypeError
        If an argument is of integers, truth values, text or complex numbers.
    GradientError
        If a result is of integers or truth values.

    Examples
    --------
    >>> import numpy as np
    >>> jacfwd(lambda x: x**2)(np.array([1.0, 2.0])).tolist()
    [[2.0, 0.0], [0.0, 4.0]]
    """
    return _jacobian(f, argnums, has_aux, "jacfwd", _by_columns)


def jacrev(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the Jacobian of `f`, row by row in reverse mode.

    It costs a few times as much as `f` for each entry of the results: the mode for functions of
    many numbers that return few. Parameters and results are those of `jacfwd`. As `jax.jacrev`.

    Raises
    ------
    GradientError
        If a result is of integers, truth values or complex numbers.

    Examples
    --------
    >>> import numpy as np
    >>> jacrev(lambda p: p["a"] * p["b"])({"a": np.array([1.0, 2.0]), "b": 3.0})["a"].tolist()
    [[3.0, 0.0], [0.0, 3.0]]
    """
    return _jacobian(f, argnums, has_aux, "jacrev", _by_rows)


def jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False, *,
    sparsity: Any = None,
) -> Callable[..., Any]:  # fmt: skip
    """Make a function that returns the Jacobian of `f` in the cheaper mode.

    In forward mode if the results have at least as many entries as the arguments, or a
    `while_loop` is on the way, else in reverse mode. Parameters and results are those of `jacfwd`.

    Parameters
    ----------
    sparsity : scipy.sparse array or matrix, bool[m, n], or "auto", optional
        Where the Jacobian of `f`, a function of one array of n entries that returns one of m
        entries, may be other than zero. Columns that have no row in common (or rows without a
        common column, if these need fewer) are then computed together [1]_, colour by colour in
        the order of falling degree [2]_: a banded Jacobian costs as much as its bandwidth. With
        "auto" the pattern is what the graph of each call shows. Not under `jit`.

    Returns
    -------
    callable
        See `jacfwd`; with `sparsity` it returns a `scipy.sparse.csr_array` of that pattern.

    Raises
    ------
    ShapeError
        If `sparsity` has another shape than the Jacobian.
    GradientError
        If a random direction shows that the Jacobian is not zero outside of `sparsity`.
    UnsupportedError
        If a sparse Jacobian is asked for under `jit`, or in another transformation, or "auto" sees
        no pattern.

    References
    ----------
    .. [1] A. R. Curtis, M. J. D. Powell, J. K. Reid: "On the estimation of sparse Jacobian
       matrices", IMA Journal of Applied Mathematics 13 (1974)
    .. [2] T. F. Coleman, J. J. More: "Estimation of sparse Jacobian matrices and graph coloring
       problems", SIAM Journal on Numerical Analysis 20 (1983)

    Examples
    --------
    >>> import numpy as np
    >>> import scipy.sparse
    >>> def steps(x):
    ...     return x[1:] - x[:-1] ** 2
    >>> jacobian(steps)(np.array([1.0, 2.0, 3.0])).tolist()
    [[-2.0, 1.0, 0.0], [0.0, -4.0, 1.0]]
    >>> bands = scipy.sparse.diags_array([1.0, 1.0], offsets=[0, 1], shape=(2, 3))
    >>> sparse = jacobian(steps, sparsity=bands)(np.array([1.0, 2.0, 3.0]))
    >>> sparse.nnz, sparse.toarray().tolist()
    (4, [[-2.0, 1.0, 0.0], [0.0, -4.0, 1.0]])
    """
    if sparsity is not None:
        return sparse_jacobian(f, argnums, has_aux, sparsity)
    return _jacobian(f, argnums, has_aux, "jacobian", _by_shape)


def hessian(
    f: Callable[..., Any], argnums: int | Sequence[int] = 0, has_aux: bool = False
) -> Callable[..., Any]:
    """Make a function that returns the second derivatives of `f`: forward over reverse mode.

    As `jax.hessian`. Of a function of many numbers, `hvp` gives products with the Hessian at the
    price of a few gradients, and ``jacobian(grad(f), sparsity=...)`` a sparse Hessian.

    Parameters
    ----------
    f : callable
        See `jacfwd`.
    argnums : int or sequence of int
        Default 0.
    has_aux : bool
        Default False.

    Returns
    -------
    callable
        Returns, for a function of an array of shape ``t`` that returns one scalar, an array of
        shape ``(*t, *t)``; of trees a tree of trees, as ``jacfwd(jacrev(f))`` does.

    Examples
    --------
    >>> import numpy as np
    >>> hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0])).tolist()
    [[6.0, 4.0], [4.0, 0.0]]
    """
    columns = jacfwd(jacrev(f, argnums, has_aux), argnums, has_aux)

    @wraps(f)
    @filters_traceback
    def second_derivatives(*args: Any, **kwargs: Any) -> Any:
        with zero_gradients_allowed():  # of a linear function they are zero
            return columns(*args, **kwargs)

    return second_derivatives


@filters_traceback
def hvp(f: Callable[..., Any], *primals_and_v: Any) -> Any:
    """Return the product of the Hessian of `f` with a direction: forward over reverse mode.

    It costs a few times as much as `f`, and no matrix is formed.

    Parameters
    ----------
    f : callable
        Returns a real scalar.
    *primals_and_v : pytrees
        The arguments of `f`, then the direction: of one argument a tree like it, of several a
        tuple with one for each.

    Returns
    -------
    pytree
        Like the direction.

    Examples
    --------
    >>> import numpy as np
    >>> x, v = np.array([2.0, 3.0]), np.array([1.0, 0.0])
    >>> hvp(lambda x: x[0] ** 2 * x[1], x, v).tolist()
    [6.0, 4.0]
    """
    if len(primals_and_v) < 2:
        raise TypeError(
            at_user_line("hvp(f, x, v) takes the arguments of f and then the direction")
        )
    *primals, v = primals_and_v
    if len(primals) == 1:
        with zero_gradients_allowed():
            return jvp(grad(f), primals, (v,))[1]
    if not isinstance(v, (tuple, list)) or len(v) != len(primals):
        raise TypeError(
            at_user_line(f"hvp by {len(primals)} arguments: give a tuple of as many directions")
        )
    with zero_gradients_allowed():
        return jvp(grad(f, argnums=range(len(primals))), primals, tuple(v))[1]


def _jacobian(
    f: Callable[..., Any], argnums: int | Sequence[int], has_aux: bool, name: str, rows: Rows
) -> Callable[..., Any]:
    @wraps(f)
    @filters_traceback
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        positions = differentiated_arguments(argnums, len(args))
        traced = TracedCall(f, args, positions, kwargs, has_aux, reverse_mode=name != "jacfwd")
        check_dtypes(traced, name)
        with np.errstate(all="ignore"):
            blocks = rows(traced)
        arranged = []
        for of_output in blocks:
            by_argument = traced.split(to_user_arrays(of_output))
            arranged.append(by_argument[0] if isinstance(argnums, int) else tuple(by_argument))
        result = tree.unflatten(traced.out_treedef, arranged)
        if traced.eager and current().nans:
            check_function(differentiated, args, kwargs, positions, result)
        return (result, traced.auxiliary()) if has_aux else result

    return differentiated


def _by_shape(traced: TracedCall) -> list[list[Any]]:
    count = sum(prod(node.shape) for node in traced.inputs)
    forward_only = any(_forward_only(node) for node in traced.active_nodes)
    forward_only |= any(is_complex(node.dtype) for node in traced.outputs)
    if forward_only or count <= sum(prod(node.shape) for node in traced.outputs):
        return _by_columns(traced)
    return _by_rows(traced)


def _forward_only(node: Node) -> bool:
    """Return whether a node, or one in a graph that it holds, is a loop of unknown length."""
    if node.primitive.name == "while_loop":
        return True
    graphs = [value for value in node.params.values() if isinstance(value, Graph)]
    return any(_forward_only(inner) for graph in graphs for inner in graph.nodes)


def _by_columns(traced: TracedCall) -> list[list[Any]]:
    """Return, for each output, the derivatives by each input, of shape (output, input)."""
    columns = [pushed(traced, x).matrices(last=True) for x in traced.inputs]
    return [
        [
            _zeros_of_block(y, x) if column[k] is None else column[k]
            for x, column in zip(traced.inputs, columns, strict=True)
        ]
        for k, y in enumerate(traced.outputs)
    ]


def _by_rows(traced: TracedCall) -> list[list[Any]]:
    rows = [pulled(traced, y).matrices(last=False) for y in traced.outputs]
    return [
        [
            _zeros_of_block(y, x) if block is None else block
            for x, block in zip(traced.inputs, row, strict=True)
        ]
        for y, row in zip(traced.outputs, rows, strict=True)
    ]


def _zeros_of_block(y: Node, x: Node) -> Any:
    return np.zeros((*y.shape, *x.shape), y.dtype)
