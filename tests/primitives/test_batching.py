"""The batching rule of each primitive against a loop over the examples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
import pytest
from batch_rows import ROWS_OF_FAMILIES
from hypothesis import given, settings
from hypothesis import strategies as st
from primitive_rows import ROWS

import chainrule as cr
from chainrule.autodiff.batching import batch, batch_graph, spread_results
from chainrule.autodiff.reverse import reverse
from chainrule.graph.evaluate import evaluate
from chainrule.graph.graph import Graph
from chainrule.graph.node import apply, input_node, items
from chainrule.graph.types import Type
from chainrule.graph.verify import verify
from chainrule.primitives import REGISTRY, complex_functions, fourier, linear_algebra, special
from chainrule.scipy_rules.algorithm import algorithm
from chainrule.trace.tracer import traced

FAMILIES = (complex_functions, fourier, linear_algebra, special)  # declared when imported
SIZE = 3
ELEMENTWISE = sorted(
    name for name, p in REGISTRY.items() if p.spec["family"] in ("special", "complex")
)
OF_CALLS = {"scan", "while_loop", "cond", "callback", "custom_call"}  # tests/transforms has theirs
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")


def test_every_primitive_has_a_rule_and_a_test() -> None:
    """A primitive without either fails here."""
    assert [] == [name for name, p in {**REGISTRY, "algorithm": algorithm}.items() if not p.batch]
    assert {*REGISTRY} == {*ROWS, *ROWS_OF_FAMILIES, *ELEMENTWISE, *OF_CALLS}


def varied(x: Any) -> Any:
    """Three examples with the numbers of one, in other orders: all in the same domain."""
    flat = x.ravel()
    orders = (flat, flat[::-1], np.roll(flat, 1))
    return np.stack([np.reshape(order, x.shape) for order in orders])


def subsets(count: int) -> Iterator[tuple[bool, ...]]:
    """All, each alone, and of three inputs at most each pair as well."""
    several = product((True, False), repeat=count)
    return (flags for flags in several if sum(flags) in (1, count) or (any(flags) and count < 4))


def graph_of(name: str, arrays: Sequence[Any], params: dict[str, Any]) -> Graph:
    nodes = [input_node(Type(x.shape, x.dtype)) for x in arrays]
    result = apply(REGISTRY[name], tuple(nodes), params)
    return Graph(tuple(nodes), items(result) if REGISTRY[name].multiple else (result,))


def assert_equals_loop(
    graph: Graph, operands: Sequence[Any], flags: Sequence[bool], rtol: float = 1e-12
) -> None:
    """The batch of a graph is what a loop gives: with arrays, and as a graph."""
    loop = [
        evaluate(graph, [x[k] if b else x for x, b in zip(operands, flags, strict=True)])
        for k in range(SIZE)
    ]
    expected = [np.stack(results) for results in zip(*loop, strict=True)]
    results = batch(graph, operands, flags, SIZE)
    assert_close(expected, spread_results(results, SIZE), rtol)
    of_batch = batch_graph(graph, flags, SIZE, [True] * len(expected)).graph
    verify(of_batch, "batch")
    assert_close(expected, evaluate(of_batch, operands), rtol)


def assert_close(expected: Sequence[Any], actual: Sequence[Any], rtol: float) -> None:
    for y, z in zip(expected, actual, strict=True):
        assert (y.shape, y.dtype) == (z.shape, z.dtype)
        scale = float(np.max(np.abs(y[np.isfinite(y)]), initial=0.0)) if y.dtype != bool else 0.0
        np.testing.assert_allclose(z, y, rtol=rtol, atol=rtol * scale)


def check_drawn(name: str, data: Any) -> None:
    rng = np.random.default_rng(data.draw(st.integers(0, 1000)))
    arrays, params = ROWS[name].draw(data, rng)
    graph = graph_of(name, arrays, params)
    flags = data.draw(st.lists(st.booleans(), min_size=len(arrays), max_size=len(arrays)))
    flags[data.draw(st.integers(0, len(arrays) - 1))] = True
    operands = [varied(x) if b else x for x, b in zip(arrays, flags, strict=True)]
    assert_equals_loop(graph, operands, flags)
    inner = batch_graph(graph, flags, SIZE, [True]).graph  # and a batch of the batch
    twice = [np.stack([x, x[::-1], x]) if b else x for x, b in zip(operands, flags, strict=True)]
    assert_equals_loop(inner, twice, flags)


@pytest.mark.parametrize("name", sorted(ROWS))
def test_rows(name: str) -> None:
    """Each primitive with a row, for drawn shapes, with any of its inputs batched, and twice."""
    settings(max_examples=4)(given(data=st.data())(lambda data: check_drawn(name, data)))()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["gather", "scatter", "scatter_add", "matmul", "conv"])
def test_many_rows(name: str) -> None:
    """What has several cases, for many drawn shapes."""
    settings(max_examples=60)(given(data=st.data())(lambda data: check_drawn(name, data)))()


@pytest.mark.parametrize("name", sorted(ROWS_OF_FAMILIES))
def test_families(name: str) -> None:
    """Each transform and decomposition, with any of its inputs batched."""
    draw, params = ROWS_OF_FAMILIES[name]
    rng = np.random.default_rng(7)
    examples = [draw(rng) for _ in range(SIZE)]
    graph = graph_of(name, examples[0], params)
    for flags in subsets(len(examples[0])):
        operands = [np.stack([e[k] for e in examples]) if b else examples[0][k]
                    for k, b in enumerate(flags)]  # fmt: skip
        assert_equals_loop(graph, operands, flags, rtol=1e-9)
        if not all(flags):
            continue
        inner = batch_graph(graph, flags, SIZE, [True] * len(graph.outputs)).graph
        twice = [np.stack([x, x[::-1], x]) for x in operands]
        assert_equals_loop(inner, twice, flags, rtol=1e-9)


@pytest.mark.parametrize("first", range(8))
def test_elementwise_families(first: int) -> None:
    """Each special function, with inputs of unlike ranks, one of them shared."""
    for name in ELEMENTWISE[first::8]:
        try:
            _check_special_function(name)
        except AssertionError as error:
            error.add_note(name)
            raise


def _check_special_function(name: str) -> None:
    spec, rng = REGISTRY[name].spec, np.random.default_rng(3)
    shapes = [(2, 2), (2,), (), (2, 1)]
    arrays = []
    for k, (low, high) in enumerate(spec["domain"]):
        x = rng.uniform(low, high, shapes[k % 4])
        if isinstance(low, int) or (spec["kinds"] == "i" and (name, k) != ("ldexp", 0)):
            x = np.rint(x).astype(np.int64)
        arrays.append(x + 0.5j if spec["kinds"] == "c" else x)
    flags = [k != 1 for k in range(len(arrays))]
    operands = [varied(x) if b else x for x, b in zip(arrays, flags, strict=True)]
    assert_equals_loop(graph_of(name, arrays, {}), operands, flags)


DIFFERENTIABLE = sorted(
    name for name in {*ROWS, *ROWS_OF_FAMILIES}
    if REGISTRY[name].vjp is not None and name not in ("identity", "where", "riccati_solution")
)  # fmt: skip


@pytest.mark.parametrize("name", DIFFERENTIABLE)
def test_cotangents(name: str) -> None:
    """The graph of each primitive's derivative, for a batch of cotangents and one of all."""
    if name in ROWS:
        settings(max_examples=2)(given(data=st.data())(lambda data: check_cotangents(
            name, *ROWS[name].draw(data, np.random.default_rng(5)))))()  # fmt: skip
    else:
        draw, params = ROWS_OF_FAMILIES[name]
        check_cotangents(name, draw(np.random.default_rng(5)), params)


def check_cotangents(name: str, arrays: Sequence[Any], params: dict[str, Any]) -> None:
    graph = graph_of(name, arrays, params)
    wanted = [x for x in graph.inputs if x.dtype.kind in "fc"]
    seeds = [input_node(y.type) if y.dtype.kind in "fc" else None for y in graph.outputs]
    if not wanted or not any(seeds):
        return
    passed = [g for g in reverse(graph.outputs, wanted, seeds) if g is not None]
    leaves = [seed for seed in seeds if seed is not None]
    derived = Graph((*graph.inputs, *leaves), tuple(passed))
    rng = np.random.default_rng(1)
    cotangents = [rng.normal(size=(SIZE, *x.shape)).astype(x.dtype) for x in leaves]
    shared, batched = [False] * len(arrays), [True] * len(leaves)
    assert_equals_loop(derived, [*arrays, *cotangents], [*shared, *batched], rtol=1e-9)
    stacked = [np.stack([x] * SIZE) for x in arrays]
    flags = [True] * (len(arrays) + len(leaves))
    assert_equals_loop(derived, [*stacked, *cotangents], flags, rtol=1e-9)


@pytest.mark.slow
def test_under_jit() -> None:
    """Compiled code of batches gives what NumPy gives."""
    rng = np.random.default_rng(2)
    cases = dict(UNDER_JIT)
    for name in ("linear_solve", "lstsq"):
        draw, params = ROWS_OF_FAMILIES[name]
        examples = [draw(rng) for _ in range(SIZE)]
        cases[name] = [np.stack(column) for column in zip(*examples, strict=True)], params

    def function(inputs: dict[str, Any]) -> dict[str, Any]:
        results = {}
        for name, xs in inputs.items():
            node = apply(REGISTRY[name], tuple(x.node for x in xs), cases[name][1])
            multiple = REGISTRY[name].multiple
            results[name] = tuple(map(traced, items(node))) if multiple else traced(node)
        return results

    operands = {name: case[0] for name, case in cases.items()}
    expected = cr.vmap(function)(operands)
    actual = cr.jit(cr.vmap(function))(operands)
    assert_close(cr.tree.leaves(expected), cr.tree.leaves(actual), 1e-10)


_RNG = np.random.default_rng(4)
_INDEX = np.array([[0, 2], [1, 1], [2, 0]])
UNDER_JIT: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "gather": ([_RNG.normal(size=(3, 2, 3)), _INDEX], {"pattern": (slice(None), 0)}),
    "scatter_add": (
        [_RNG.normal(size=(3, 2, 3)), _RNG.normal(size=(3, 2, 2)), _INDEX],
        {"pattern": (slice(None), 0)},
    ),
    "matmul": ([_RNG.normal(size=(3, 2, 4)), _RNG.normal(size=(3, 4, 2))], {}),
    "conv": (
        [_RNG.normal(size=(3, 1, 4, 4, 2)), _RNG.normal(size=(3, 2, 2, 2, 3))],
        {"strides": (1, 1), "dilation": (1, 1)},
    ),
    "argsort": ([_RNG.normal(size=(3, 5))], {"axis": 0}),
}
