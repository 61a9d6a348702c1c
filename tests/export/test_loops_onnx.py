"""Loops, exported, compute under onnxruntime what they compute here."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from exported import assert_same, run

import chainrule as cr
from chainrule import nn, random, tree
from chainrule.errors import UnsupportedError
from chainrule.export import to_onnx

RNG = np.random.default_rng(0)


def check(f: Any, *args: Any, rows: int = 0, **options: Any) -> list[str]:
    """Exported for the arguments, compared for them and for as many rows; the operations."""
    model = to_onnx(f, *args, **options)
    cases = [args]
    if rows:
        cases.append(tuple(np.resize(x, (rows, *x.shape[1:])) for x in args))
    for case in cases:
        expected = tree.leaves(f(*case))
        for mine, theirs in zip(expected, run(model, *case), strict=True):
            assert_same(mine, theirs)
    return [node.op_type for node in model.graph.node]


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_recurrent_layers(kind: Any, dtype: Any) -> None:
    """Stacked, in both directions, for any number of rows."""
    layer = kind(4, 8, key=random.key(0), num_layers=2, bidirectional=True, dtype=dtype)
    x = RNG.normal(size=(5, 7, 4)).astype(dtype)
    assert check(layer, x, rows=3).count("Scan") == 4


def test_lengths() -> None:
    """Masks of rows of different lengths."""
    layer = nn.LSTM(4, 8, key=random.key(0), bidirectional=True)
    x = RNG.normal(size=(5, 7, 4)).astype(np.float32)
    check(lambda x, lengths: layer(x, None, lengths), x, np.array([7, 3, 1, 0, 5]), rows=3)


def test_a_classifier_and_a_cell_of_ones_own() -> None:
    """Between other layers; constants are read from outside of the loop."""
    key = random.key(1)
    cell, head = nn.GRUCell(4, 8, key=key), nn.Dense(8, 3, key=key)

    def network(x: Any) -> Any:
        start = np.zeros((x.shape[0], 8), np.float32)
        last, _ = cr.scan(cell, start, np.swapaxes(x, 0, 1))
        return nn.softmax(head(nn.relu(last)))

    check(network, RNG.normal(size=(5, 7, 4)).astype(np.float32), rows=2)


@pytest.mark.parametrize("reverse", [False, True])
def test_carries_stacks_and_constants(reverse: bool) -> None:
    """Several of each, of several dtypes, in both directions; results that are inputs."""
    scale = RNG.normal(size=4)

    def f(xs: Any, start: Any) -> Any:
        def body(carry: Any, x: Any) -> Any:
            total, count, flag = carry
            total = np.log1p(np.abs(total * scale + x))
            return (total, count + 1, ~flag), (total, count, x, flag)

        return cr.scan(body, (start, 0, False), xs, reverse=reverse)

    check(f, RNG.normal(size=(6, 4)), RNG.normal(size=4), batch=False)


def test_a_loop_over_numbers_alone_and_one_inside_another() -> None:
    """Without xs; and a body that has a loop of its own."""

    def f(x: Any) -> Any:
        def outer(c: Any, _: Any) -> Any:
            inner, ys = cr.scan(lambda d, y: (d * 0.5 + y, d), c, np.arange(3.0))
            return inner + c, np.sum(ys, axis=0)

        return cr.scan(outer, x, None, length=4)

    check(f, RNG.normal(size=3), batch=False)
    check(f, RNG.normal(size=(5, 3)), rows=2)


def test_other_loops_are_refused() -> None:
    """Also inside of a scan: by the name of what cannot be exported."""

    def f(x: Any) -> Any:
        def body(c: Any, _: Any) -> Any:
            return cr.while_loop(lambda c: np.sum(c) < 3.0, lambda c: c + 1.0, c), None

        return cr.scan(body, x, None, length=2)[0]

    with pytest.raises(UnsupportedError, match="while_loop cannot be exported"):
        to_onnx(f, np.zeros(3), batch=False)
