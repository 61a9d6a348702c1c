"""Training by L-BFGS: one function of all rows, whose weights are one vector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np

from ... import tree
from ...transforms import jit, value_and_grad
from ..inputs.blas import one_blas_thread
from ..inputs.rows import issparse, pieces
from ..sklearn_private import check_optimize_result
from . import quasi_newton
from .network import FittedNetwork
from .perceptron import Perceptron


def minimize(
    network: FittedNetwork, x: Any, y: Any, w: Any, *, alpha: float, tol: float, max_iter: int,
    max_fun: int,
) -> tuple[FittedNetwork, float, int]:  # fmt: skip
    """Train a network on all rows at once.

    Returns
    -------
    (network, loss, iterations)
        The weights are float64, whatever x is, as scikit-learn's are.
    """
    objective = PackedObjective(network, x, y, w, alpha)
    with one_blas_thread:
        result = quasi_newton.minimize(
            objective, objective.first, gtol=tol, maxiter=max_iter, maxfun=max_fun
        )
    weights = unpack(result.x, objective.structure, objective.shapes)
    iterations = check_optimize_result("lbfgs", result, max_iter)
    return network.replace(weights=weights), result.fun / objective.members, iterations


class PackedObjective:
    """The loss and its gradient as a vector, of weights as a vector.

    Of an ensemble, the sum of its members' losses. Sparse rows are made dense some at a time.
    """

    def __init__(self, network: FittedNetwork, x: Any, y: Any, w: Any, alpha: float) -> None:
        leaves, self.structure = tree.flatten(network.weights)
        self.shapes = tuple(a.shape for a in leaves)
        self.first = np.concatenate([a.ravel() for a in leaves])
        self.stats, self.alpha = network.batch_stats, float(alpha)
        coefs = network.weights["coefs"][0]
        self.members = len(coefs) if coefs.ndim == 3 else 1
        self.x = x.tocsr() if issparse(x) else x
        if isinstance(x, np.ndarray):
            self.x = np.ascontiguousarray(x, np.float64)
        self.y, self.w = y, w
        self.value_and_grad = make_packed_gradient(network.perceptron, self.structure, self.shapes)

    def __call__(self, packed: Any) -> tuple[float, Any]:
        if isinstance(self.x, np.ndarray):
            value, gradient = self.value_and_grad(
                packed, self.stats, self.x, self.y, self.w, self.alpha
            )
            return self.members * float(value), gradient
        whole = self.x.shape[0] if self.w is None else float(np.sum(self.w))
        loss, gradient, alpha = 0.0, np.zeros(packed.shape), self.alpha
        for part, x in pieces(self.x, 1):
            w = None if self.w is None else self.w[part]
            weight = x.shape[0] if w is None else float(np.sum(w))
            x = x.astype(packed.dtype, copy=False)
            value, grads = self.value_and_grad(packed, self.stats, x, self.y[part], w, alpha)
            loss += weight * float(value)
            gradient += weight * grads
            alpha = 0.0  # the penalty is in the first part
        return self.members * loss / whole, gradient / whole


def unpack(packed: Any, structure: tree.TreeDef, shapes: Sequence[tuple[int, ...]]) -> Any:
    """A vector as a tree of arrays."""
    ends = list(accumulate(map(prod, shapes), initial=0))
    parts = [packed[a:b].reshape(s) for (a, b), s in zip(pairwise(ends), shapes, strict=True)]
    return tree.unflatten(structure, parts)


@lru_cache(maxsize=64)
def make_packed_gradient(
    perceptron: Perceptron, structure: tree.TreeDef, shapes: tuple[tuple[int, ...], ...]
) -> Any:
    """Compile ``(packed weights, stats, x, y, w, alpha) -> (reported loss, packed gradient)``.

    Both are means over all rows, with the penalty.
    """

    @jit
    def packed_gradient(packed: Any, stats: Any, x: Any, y: Any, w: Any, alpha: Any) -> Any:
        def loss(weights: Any) -> Any:
            return perceptron.training_loss(weights, stats, x, y, w, alpha)

        weights = unpack(packed, structure, shapes)
        (_, (reported, _)), grads = value_and_grad(loss, has_aux=True)(weights)
        return reported, np.concatenate([np.ravel(g) for g in tree.leaves(grads)])

    return packed_gradient
