"""One check for a NumPy expression: plain, traced with values, traced without, differentiated."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from central_differences import along, assert_close

from chainrule import tree
from chainrule.graph.evaluate import evaluate
from chainrule.graph.node import input_node
from chainrule.graph.types import Type
from chainrule.graph.verify import verify
from chainrule.trace.capture import call_user_function, capture, restarted
from chainrule.trace.tracer import ArrayTracer, Tracer, traced
from chainrule.transforms.differentiating.gradient import jvp, vjp


def seeded(*shape: int, seed: int = 0, low: float = -2.0, high: float = 2.0) -> Any:
    """Uniform random numbers, the same each time."""
    return np.random.default_rng(seed).uniform(low, high, shape)


def leaves(result: Any) -> list[Any]:
    """The results as arrays, also where NumPy gives a list of them or a Python number."""
    return [np.asarray(leaf) for leaf in tree.leaves(result)]


def without_values(f: Callable[..., Any], *arrays: Any) -> list[Any]:
    """f's results through a graph that was traced with shapes and dtypes only."""
    given, structure = tree.flatten(arrays)
    types = [Type(np.shape(a), np.asarray(a).dtype) for a in given]
    graph, _, outside, *_ = capture(f, types, structure, examples=given)
    assert outside == ()
    verify(graph, "capture")
    return [np.asarray(y) for y in evaluate(graph, [np.asarray(a) for a in given])]


def with_values(f: Callable[..., Any], *arrays: Any) -> list[Any]:
    """f's results on tracers that know their numbers, whatever the dtypes."""
    from_tracers = restarted(lambda: call_user_function(f, [_standing_for(a) for a in arrays], {}))
    return [
        np.asarray(x.node.value if isinstance(x, Tracer) else x) for x in tree.leaves(from_tracers)
    ]


def _standing_for(a: Any) -> Tracer:
    node = _leaf(a)
    return ArrayTracer(node) if isinstance(a, np.ndarray) else traced(node)


def _leaf(a: Any) -> Any:
    array = np.asarray(a)
    return input_node(Type(array.shape, array.dtype), array)


def agrees(f: Callable[..., Any], *arrays: Any, rtol: float = 1e-13, smooth: bool = True,
           abstract: bool = True) -> None:  # fmt: skip
    """f on ndarrays, on tracers and as a graph gives the same; its derivative is the slope."""
    with np.errstate(all="ignore"):
        expected = leaves(f(*[np.array(a) for a in arrays]))
        ways = [with_values(f, *arrays)]
        if abstract:
            ways.append(without_values(f, *arrays))
    for actual in ways:
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected, strict=True):
            assert (a.shape, a.dtype) == (e.shape, e.dtype)
            np.testing.assert_allclose(a, e, rtol=rtol, atol=rtol)
    moving = [k for k, a in enumerate(arrays) if np.asarray(a).dtype == np.float64]
    if smooth and moving and all(e.dtype == np.float64 for e in expected):
        slopes_agree(f, arrays, moving)


def slopes_agree(f: Callable[..., Any], arrays: Any, moving: list[int]) -> None:
    """jvp and vjp against central differences along one random direction."""
    rng = np.random.default_rng(7)

    def of_moving(*xs: Any) -> Any:
        full = list(arrays)
        for k, x in zip(moving, xs, strict=True):
            full[k] = x
        return f(*full)

    def flat(*xs: Any) -> Any:
        parts = leaves(of_moving(*[np.array(x) for x in xs]))
        return np.concatenate([p.ravel() for p in parts])

    xs = [np.asarray(arrays[k]) for k in moving]
    v = [rng.standard_normal(x.shape) for x in xs]
    expected = along(flat, xs, v)
    _, pushed = jvp(of_moving, xs, v)
    assert_close(np.concatenate([p.ravel() for p in leaves(pushed)]), expected)
    y, pullback = vjp(of_moving, *xs)
    g = tree.map(lambda a: rng.standard_normal(np.shape(a)), y)
    weight = np.concatenate([p.ravel() for p in leaves(g)])
    pulled = sum(float(np.sum(a * b)) for a, b in zip(pullback(g), v, strict=True))
    assert_close(pulled, float(weight @ expected))
