"""`python -m bench.first_epoch LIBRARY`: one epoch of 64-100-10 in a new interpreter.

Given the names of two files more, it starts from the weights, and takes the rows in the order, of
the one, and writes the weights to the other.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from . import peers, torch_training
from .jax_training import BATCH, RATE, make_epoch

ROWS, SIZES = 1797, (64, 100, 10)


def with_chainrule(x: Any, labels: Any, start: Any, order: Any) -> list[Any]:
    """Its first weights and its order are drawn from keys; they are what the others are given."""
    from chainrule import jit, losses, nn, optim, random, train

    optimizer = optim.adam(RATE)
    model = nn.MLP(SIZES[0], SIZES[1:-1], SIZES[-1], key=random.key(0))
    epoch = jit(train.make_epoch(losses.softmax_cross_entropy, optimizer, BATCH))
    model, _, _ = epoch(model, optimizer.init(model), random.key(3), x, labels)
    return [array for layer in model.layers for array in (layer.weight, layer.bias)]


def with_jax(x: Any, labels: Any, start: Any, order: Any) -> list[Any]:
    """Weights and order come from NumPy: JAX would compile what draws them."""
    jax = peers.jax()
    return [np.asarray(a) for a in jax.jit(make_epoch(jax, x, labels))(start, order)]


def with_torch(x: Any, labels: Any, start: Any, order: Any) -> list[Any]:
    """Eager; to make the first optimiser takes as long as the import, whichever it is."""
    torch = peers.torch()
    data, classes = torch.from_numpy(x), torch.from_numpy(labels)
    model, epoch = torch_training.classifier(torch, start, data, classes, BATCH, RATE)
    epoch(torch.from_numpy(order))
    return torch_training.weights_of(model)


LIBRARIES = {"chainrule": with_chainrule, "jax": with_jax, "torch": with_torch}


def main(library: str, given: str = "", made: str = "") -> None:
    """Train, and write what came of it if asked to."""
    rng = np.random.default_rng(0)
    x, labels = rng.random((ROWS, SIZES[0]), np.float32), rng.integers(SIZES[-1], size=ROWS)
    if given:
        *start, order = np.load(given).values()
    else:
        first, second = rng.standard_normal(SIZES[:2]), rng.standard_normal(SIZES[1:])
        start = [a.astype(np.float32) for a in (first / 8, first[0], second / 8, second[0])]
        order = rng.permutation(ROWS)
    weights = LIBRARIES[library](x, labels, start, order)
    if made:
        np.savez(made, *weights)


if __name__ == "__main__":
    main(*sys.argv[1:])
