"""Calls of compiled functions that do next to nothing: what is left is the way in and out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import chainrule as cr

from . import peers
from .harness import Contest

rng = np.random.default_rng(0)
SIX = {name: rng.standard_normal(10, np.float32) for name in "abcdef"}
W1, B1, W2, B2 = (
    (rng.standard_normal(shape) / 8).astype(np.float32)
    for shape in ((64, 100), (100,), (100, 10), (10,))
)
ROW = rng.standard_normal((1, 64), np.float32)
NUMBER = 3000


def halved(tree: dict[str, Any]) -> dict[str, Any]:
    return {name: 0.5 * array for name, array in tree.items()}


def network(x: Any) -> Any:
    """What a row is mapped to; the weights are constants of the function."""
    return np.maximum(x @ W1 + B1, 0) @ W2 + B2


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, np.asarray(b), rtol=1e-5, atol=1e-5)


def all_same(a: dict[str, Any], b: dict[str, Any]) -> None:
    assert a.keys() == b.keys()
    for name, array in a.items():
        same(array, b[name])


def in_torch(torch: Any) -> Any:
    """Without modules, which cost 6 µs, and without autograd's records."""
    w1, b1, w2, b2, row = map(torch.from_numpy, (W1, B1, W2, B2, ROW))

    def infer() -> Any:
        with torch.inference_mode():
            return torch.addmm(b2, torch.addmm(b1, row, w1).relu_(), w2)

    return infer


def contests() -> Iterator[Contest]:
    six, one = "a dict of six arrays of 10", "a row through 64-100-10"
    jitted_halved, jitted_network = cr.jit(halved), cr.jit(network)
    yield Contest(six, "NumPy", lambda: jitted_halved(SIX), lambda: halved(SIX),
                  all_same, number=NUMBER)  # fmt: skip
    yield Contest(one, "NumPy by hand", lambda: jitted_network(ROW), lambda: network(ROW), same,
                  number=NUMBER)  # fmt: skip
    jax = peers.jax()  # without asynchronous dispatch, so results are there when a call returns
    if jax is not None:
        jnp = jax.numpy
        there, row = {name: jnp.asarray(array) for name, array in SIX.items()}, jnp.asarray(ROW)
        f, g = jax.jit(halved), jax.jit(lambda x: jnp.maximum(x @ W1 + B1, 0) @ W2 + B2)
        yield Contest(six, "JAX jit", lambda: jitted_halved(SIX), lambda: f(there), all_same,
                      number=NUMBER)  # fmt: skip
        yield Contest(one, "JAX jit", lambda: jitted_network(ROW), lambda: g(row), same,
                      number=NUMBER)  # fmt: skip
    torch = peers.torch()
    if torch is not None:
        yield Contest(one, "PyTorch eager", lambda: jitted_network(ROW), in_torch(torch), same,
                      number=NUMBER)  # fmt: skip
