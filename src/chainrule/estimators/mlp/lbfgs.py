"""Training by SciPy's L-BFGS: one function of all rows, whose weights are one vector."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from math import prod
from typing import Any

import numpy as np
import scipy.optimize

from ... import tree
from ...transforms import jit, value_and_grad
from ..inputs.blas import one_blas_thread
from ..inputs.rows import issparse, pieces
from ..sklearn_private import check_optimize_result
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
    options = {"maxfun": max_fun, "maxiter": max_iter, "gtol": tol}
    with one_blas_thread:
        result = scipy.optimize.minimize(  # type: ignore[call-overload]
            objective, objective.first, method="L-BFGS-B", jac=True, options=options
        )
    weights = unpack(np.asarray(result.x), objective.structure, objective.shapes)
    iterations = check_optimize_result("lbfgs", result, max_iter)
    return network.replace(weights=weights), result.fun, iterations


class PackedObjective:
    """The loss and its gradient as a vector, of weights as a vector.

    Sparse rows are made dense some at a time.
    """

    def __init__(self, network: FittedNetwork, x: Any, y: Any, w: Any, alpha: float) -> None:
        leaves, self.structure = tree.flatten(network.weights)
        self.shapes = tuple(a.shape for a in leaves)
        self.first = np.concatenate([a.ravel() for a in leaves])
        self.n_coefs = sum(c.size for c in network.weights["coefs"])  # which come first
        self.stats, self.alpha = network.batch_stats, alpha
        self.x = x.tocsr() if issparse(x) else x.astype(np.float64, copy=False)
        self.y, self.w = y, w
        self.value_and_grad = make_packed_gradient(network.perceptron, self.structure, self.shapes)

    def __call__(self, packed: Any) -> tuple[float, Any]:
        whole = self.x.shape[0] if self.w is None else float(np.sum(self.w))
        coefs = packed[: self.n_coefs]
        loss, gradient = 0.5 * self.alpha * coefs @ coefs, np.zeros(packed.shape)
        gradient[: self.n_coefs] = self.alpha * coefs
        for part, x in pieces(self.x, 1):
            w = None if self.w is None else self.w[part]
            weight = x.shape[0] if w is None else float(np.sum(w))
            x = x.astype(packed.dtype, copy=False)
            value, grads = self.value_and_grad(packed, self.stats, x, self.y[part], w)
            loss += weight * float(value)
            gradient += weight * grads
        return loss / whole, gradient / whole


def unpack(packed: Any, structure: tree.TreeDef, shapes: Sequence[tuple[int, ...]]) -> Any:
    """A vector as a tree of arrays."""
    ends = list(accumulate(map(prod, shapes), initial=0))
    parts = [packed[a:b].reshape(s) for (a, b), s in zip(pairwise(ends), shapes, strict=True)]
    return tree.unflatten(structure, parts)


@lru_cache(maxsize=64)
def make_packed_gradient(
    perceptron: Perceptron, structure: tree.TreeDef, shapes: tuple[tuple[int, ...], ...]
) -> Any:
    """Compile ``(packed weights, stats, x, y, w) -> (reported loss, packed gradient)``.

    Both are means over all rows, without the penalty.
    """

    @jit
    def packed_gradient(packed: Any, stats: Any, x: Any, y: Any, w: Any) -> Any:
        def loss(weights: Any) -> Any:
            return perceptron.training_loss(weights, stats, x, y, w, x.dtype.type(0.0))

        weights = unpack(packed, structure, shapes)
        (_, (reported, _)), grads = value_and_grad(loss, has_aux=True)(weights)
        return reported, np.concatenate([np.ravel(g) for g in tree.leaves(grads)])

    return packed_gradient
