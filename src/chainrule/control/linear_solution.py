"""Solutions of linear equations whose matrix is known as a function: A u = b, given u -> A u.

Few unknowns: the matrix is put together from its columns, and factorized. Many: GMRES, which asks
for products alone (Y. Saad, M. H. Schultz, SIAM J. Sci. Stat. Comput. 7 (1986) 856-869).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import tree
from ..autodiff.batching import batch, spread_results
from ..errors import GradientError, at_user_line
from ..graph.evaluate import call as call_graph
from ..graph.graph import Graph
from ..graph.node import Node, apply, constant, input_node, items
from ..graph.types import Type
from ..lazy import LazyModule
from ..primitives.callback import FIRST_TOKEN, TOKEN, HostFunction, callback
from ..primitives.linear_algebra import lu
from ..primitives.structure import reshape, transpose
from .custom_call import CustomCall, apply_call
from .recomputed import pullback_of, pushforward_of

MOST_DENSE = 2000  # unknowns: a matrix of 32 MB, factorized in a fraction of a second
_RESTART = 60
_MOST_ITERATIONS = 20  # times _RESTART
_TOLERANCE = {8: 1e-12, 4: 1e-6}  # of |A u - b| / |b|, by the size of a number

_sparse = LazyModule("scipy.sparse.linalg")


def solve_linear(name: str, product: Graph, b: Any, constants: Sequence[Any]) -> Any:
    """Return u with ``product(u, *constants) = b``, for nodes or arrays.

    Parameters
    ----------
    name : str
        Of whom an error speaks.
    product : Graph
        Linear in its first input, a vector of as many numbers as its one output.
    b : node or array
    constants : sequence
    """
    (n,) = b.shape
    if not n:
        return b
    if n > MOST_DENSE:
        return apply_call(_KrylovSolution(name, product), [b, *constants])[0]
    unit = np.eye(n, dtype=b.dtype)
    operands = [unit, *constants]
    if any(isinstance(x, Node) for x in (b, *constants)):
        operands = [x if isinstance(x, Node) else constant(np.asarray(x)) for x in operands]
    batched = [True, *[False] * len(constants)]
    (rows,) = spread_results(batch(product, operands, batched, n), n)
    return reshape(
        _solved(name, transpose(rows, axes=(1, 0)), reshape(b, shape=(n, 1))), shape=(n,)
    )


def _solved(name: str, matrix: Any, b: Any) -> Any:
    try:
        return lu.solve(matrix, b)
    except np.linalg.LinAlgError:
        raise GradientError(
            at_user_line(
                f"{name}: the Jacobian at the root is singular, so that it has no derivative: it "
                "is a double root, or one of many close to each other"
            )
        ) from None


class _KrylovSolution(CustomCall):
    """``(b, *constants)`` to u, by GMRES."""

    def __init__(self, name: str, product: Graph) -> None:
        self.name, self.product = name, product
        self.types = (product.inputs[0].type,)

    def evaluate(self, *inputs: Any) -> Sequence[Any]:
        """Run GMRES."""
        b, constants = inputs[0], inputs[1:]
        n = len(b)

        def product(u: Any) -> Any:
            return call_graph(self.product, [u.astype(b.dtype), *constants])[0]

        with np.errstate(all="ignore"):
            operator = _sparse.LinearOperator((n, n), matvec=product, dtype=b.dtype)
            u, _ = _sparse.gmres(
                operator, b, rtol=_TOLERANCE[b.dtype.itemsize], atol=0.0, restart=_RESTART,
                maxiter=_MOST_ITERATIONS,
            )  # fmt: skip
            size = np.linalg.norm(b)
            error = np.linalg.norm(product(u) - b)
        if not error <= 1e3 * _TOLERANCE[b.dtype.itemsize] * size:
            raise GradientError(
                f"{self.name}: GMRES did not solve the {n:,} linear equations of its derivative "
                f"(error {error:.1e} of {size:.1e}): the Jacobian is singular or nearly so, or far "
                "from the identity: scale the equations by an approximate inverse of it"
            )
        return (u,)

    def graph(self, types: Sequence[Type]) -> Graph:
        """Return a graph that calls Python."""
        leaves = [input_node(t) for t in types]
        structure = tree.structure(tuple(range(len(leaves))))
        function = HostFunction(
            lambda *xs: list(self.evaluate(*xs)),
            structure,
            tree.structure([0]),
            self.types,
            True,
            "",
        )
        token = constant(np.asarray(FIRST_TOKEN, TOKEN.dtype))
        called = apply(callback, (token, *leaves), {"call": function})
        return Graph(tuple(leaves), (items(called)[1],))

    def jvp(self, tangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any]) -> Any:
        """A du = db - dA u."""
        moving = [k for k in range(1, len(inputs)) if tangents[k] is not None]
        change = tangents[0]
        if moving:
            along = pushforward_of(self.product, moving)
            directions = [tangents[k] for k in moving]
            (by_constants,) = call_graph(along, [results[0], *inputs[1:], *directions])
            change = -by_constants if change is None else change - by_constants
        return [solve_linear(self.name, self.product, change, inputs[1:])]

    def vjp(
        self, cotangents: Sequence[Any], results: Sequence[Any], inputs: Sequence[Any],
        needed: Sequence[bool],
    ) -> Sequence[Any]:  # fmt: skip
        """A.T w = g: w for b, and -w dA u for the constants."""
        w = solve_linear(self.name, transposed_product(self.product), cotangents[0], inputs[1:])
        passed: list[Any] = [None] * len(inputs)
        passed[0] = w
        moving = [k for k in range(1, len(inputs)) if needed[k]]
        if moving:
            back = pullback_of(self.product, moving, [0])
            values = call_graph(back, [results[0], *inputs[1:], -w])
            for k, c in zip(moving, values, strict=True):
                passed[k] = c
        return passed


def transposed_product(product: Graph) -> Graph:
    """Return the graph of ``(w, *constants)`` to A.T w."""
    back = pullback_of(product, [0], [0])
    _, *constants = product.inputs
    return Graph((back.inputs[-1], *constants), back.outputs)
