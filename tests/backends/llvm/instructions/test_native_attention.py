"""Native attention, forward and backward, against a formula in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import chainrule as cr
from chainrule import nn, random
from chainrule.backends import BACKENDS
from chainrule.backends.llvm.fuse.op_traits import is_native
from chainrule.config import configured

# Leading axes, queries, keys, heads, features of keys, of values; which options
CASES: dict[str, tuple[Any, ...]] = {
    "one": ((1,), 1, 1, 1, 1, 1, ""),
    "tails": ((2,), 17, 70, 3, 5, 3, "causal"),
    "blocks": ((1,), 130, 33, 2, 16, 33, "mask"),
    "wide": ((), 3, 20, 1, 130, 2, "bias"),
    "long": ((2, 2), 65, 90, 1, 4, 8, "causal bias mask dropout"),
    "shared mask": ((3,), 9, 9, 2, 4, 4, "causal keys dropout"),
    "empty": ((0,), 4, 4, 2, 3, 3, "mask"),
}


def drawn(name: str, dtype: Any) -> tuple[list[Any], dict[str, Any], Any]:
    """Arrays, options, and what is added to the scores by the formula."""
    lead, steps, others, heads, width, depth, said = CASES[name]
    rng = np.random.default_rng(3)
    shapes = (steps, heads, width), (others, heads, width), (others, heads, depth)
    arrays = [rng.normal(size=(*lead, *shape)).astype(dtype) for shape in shapes]
    options: dict[str, Any] = {"is_causal": "causal" in said}
    if "bias" in said:
        options["bias"] = rng.normal(size=(heads, steps, others)).astype(dtype)
    if "mask" in said:
        options["mask"] = rng.random((steps, others)) < 0.6
    if "keys" in said:
        options["mask"] = rng.random((*lead, 1, 1, others)) < 0.6
    if "dropout" in said:
        options |= {"dropout": 0.3, "key": random.key(5)}
    scores = (*lead, heads, steps, others)
    added = np.zeros(scores) + options.get("bias", 0.0)
    added = np.where(options.get("mask", True), added, -np.inf)
    if options["is_causal"]:
        added = np.where(np.tri(steps, others, dtype=bool), added, -np.inf)
    stays = random.bernoulli(random.key(5), 0.7, scores) / 0.7 if "dropout" in said else 1.0
    return arrays, options, (added, stays)


def formula(added: Any, stays: Any, q: Any, k: Any, v: Any) -> Any:
    """Softmax by its definition; rows of which nothing is read are 0."""
    q, k, v = (np.swapaxes(x, -3, -2) for x in (q, k, v))
    powers = np.exp(q @ np.swapaxes(k, -1, -2) / np.sqrt(q.shape[-1]) + added)
    totals = np.sum(powers, axis=-1, keepdims=True)
    weights = powers / np.where(totals == 0.0, 1.0, totals)
    return np.swapaxes((weights * stays) @ v, -3, -2)


def results(f: Any, slope: Any) -> Any:
    """A function of queries, keys and values, with its gradients."""

    def loss(*arrays: Any) -> Any:
        y = f(*arrays)
        return np.sum(y * slope), y

    return cr.grad(loss, argnums=(0, 1, 2), has_aux=True)


def compared(name: str, dtype: Any, close: float) -> None:
    arrays, options, (added, stays) = drawn(name, dtype)
    exact = [x.astype(float) for x in arrays]
    slope = np.cos(np.arange(formula(added, stays, *exact).size))
    slope = slope.reshape(formula(added, stays, *exact).shape)
    expected, y = results(lambda *xs: formula(added, stays, *xs), slope)(*exact)
    f = results(lambda *xs: nn.dot_product_attention(*xs, **options), slope.astype(dtype))
    actual, z = cr.jit(f)(*arrays)
    for a, b in zip((*expected, y), (*actual, z), strict=True):
        assert b.dtype == dtype
        np.testing.assert_allclose(b, a, rtol=0, atol=close * (1 + np.abs(a).max(initial=0)))


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients(name: str) -> None:
    """Native float64 is the formula; the bytes around each buffer are watched."""
    with configured(check=2, cache=0):
        compared(name, np.float64, 1e-13)


@pytest.mark.parametrize(("name", "vector"), [("tails", 0), ("long", 4), ("long", 8)])
def test_other_vectors(name: str, vector: int) -> None:
    """float32, with blocks of fewer queries as well."""
    with configured(vector=vector, check=2, cache=0):
        compared(name, np.float32, 1e-5)


def test_it_is_native_and_small() -> None:
    """Forward and backward at 512 steps take a fraction of one matrix of weights."""
    x = np.ones((4, 512, 2, 8), np.float32)

    def loss(x: Any) -> Any:
        return np.sum(nn.dot_product_attention(x, x, x, is_causal=True))

    graph = cr.make_graph(cr.grad(loss))(x)
    names = [node.primitive.name for node in graph.nodes]
    assert [names.count(n) for n in ("attention", "attention_vjp", "exp")] == [1, 1, 0]
    assert all(is_native(node) for node in graph.nodes if "attention" in node.primitive.name)
    program = BACKENDS["llvm"].compile(graph)
    assert program.arena_bytes < 8 * 512 * 512 * 4 / 2  # of eight heads


def test_threads_change_no_bit() -> None:
    """Heads are shared, alone and in tiles of rows with the products before and after."""
    layer = nn.MultiHeadAttention(8, 2, key=random.key(0))
    for rows, steps in ((3, 130), (64, 20)):
        x = random.normal(random.key(1), (rows, steps, 8))

        def loss(layer: Any, x: Any) -> Any:
            return np.sum(layer(x, is_causal=True) ** 2)

        outcomes = []
        for threads in (1, 2, 3):
            with configured(num_threads=threads, cache=0):
                outcomes.append(cr.tree.leaves(cr.jit(cr.grad(loss, (0, 1)))(layer, x)))
        for other in outcomes[1:]:
            for a, b in zip(outcomes[0], other, strict=True):
                np.testing.assert_array_equal(a, b)


def test_extremes() -> None:
    """Scores of 1e4 do not overflow; a nan stays in its row; minus infinity is a mask."""
    q = np.array([1e4, -1e4, np.nan, 0.0])[:, None, None]
    k, v = np.array([1.0, 2.0])[:, None, None], np.array([3.0, 5.0])[:, None, None]
    f = cr.jit(lambda bias: nn.dot_product_attention(q, k, v, bias=bias, scale=1.0)[:, 0, 0])
    np.testing.assert_array_equal(f(np.zeros((4, 2))), [5.0, 3.0, np.nan, 4.0])
    bias = np.array([[0.0, -np.inf], [-np.inf, 0.0], [0.0, 0.0], [-np.inf, -np.inf]])
    np.testing.assert_array_equal(f(bias), [3.0, 5.0, np.nan, 0.0])
