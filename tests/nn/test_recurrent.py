"""Recurrent layers against a loop written out by hand, and against PyTorch, in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import expit

from chainrule import nn, random, tree
from chainrule.errors import DtypeError, ShapeError
from chainrule.transforms import check_grads, grad, jit, scan

pytestmark = pytest.mark.usefixtures("_unoptimised")

KINDS = [nn.RNN, nn.LSTM, nn.GRU]
CELLS = {nn.RNN: nn.RNNCell, nn.LSTM: nn.LSTMCell, nn.GRU: nn.GRUCell}


def drawn(layer: Any, rng: Any) -> Any:
    """The layer with weights and biases of normal numbers."""
    return tree.map(lambda leaf: rng.normal(size=np.shape(leaf)) * 0.5, layer)


def layer_of(kind: Any, inputs: int, hidden: int, seed: int = 0, **options: Any) -> Any:
    layer = kind(inputs, hidden, key=random.key(seed), dtype=np.float64, **options)
    return drawn(layer, np.random.default_rng(seed))


def stepped(cell: Any, x: Any, h: Any, c: Any) -> tuple[Any, Any]:
    """One row, one step, gate by gate."""
    size = len(h)
    bias = np.zeros(cell.gates * size) if cell.bias is None else cell.bias
    a = [x @ cell.input_weight[:, k * size : (k + 1) * size] + bias[k * size : (k + 1) * size]
         for k in range(cell.gates)]  # fmt: skip
    b = [h @ cell.hidden_weight[:, k * size : (k + 1) * size] for k in range(cell.gates)]
    if cell.gates == 1:
        return np.tanh(a[0] + b[0]), c
    if cell.gates == 4:
        i, f, g, o = [p + q for p, q in zip(a, b, strict=True)]
        c = expit(f) * c + expit(i) * np.tanh(g)
        return expit(o) * np.tanh(c), c
    r, z = expit(a[0] + b[0]), expit(a[1] + b[1])
    n = np.tanh(a[2] + r * (b[2] + (0 if cell.hidden_bias is None else cell.hidden_bias)))
    return (1 - z) * n + z * h, c


def by_hand(layer: Any, x: Any, start: Any, lengths: Any) -> tuple[Any, Any, Any]:
    """Row by row, step by step: outputs, and the two halves of the last states."""
    size = layer.cells[0][0].hidden_size
    hs, cs = [], []
    for pair in layer.cells:
        outputs = np.zeros((*x.shape[:2], len(pair) * size))
        for direction, cell in enumerate(pair):
            h_rows, c_rows = np.array(start[0][len(hs)]), np.array(start[1][len(hs)])
            for row, length in enumerate(lengths):
                order = range(length)[::-1] if direction else range(length)
                h, c = h_rows[row], c_rows[row]
                for t in order:
                    h, c = stepped(cell, x[row, t], h, c)
                    outputs[row, t, direction * size : (direction + 1) * size] = h
                h_rows[row], c_rows[row] = h, c
            hs.append(h_rows)
            cs.append(c_rows)
        x = outputs
    return x, np.stack(hs), np.stack(cs)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("layers", "bidirectional", "bias"), [(1, False, True), (1, True, False), (2, True, True)]
)
@pytest.mark.parametrize("lengths", [[6, 6, 6], [4, 0, 6]])
def test_a_loop_over_rows_and_steps(
    kind: Any, layers: int, bidirectional: bool, bias: bool, lengths: list[int]
) -> None:
    """Outputs and last states, eager and compiled, from a given first state and from 0."""
    layer = layer_of(kind, 2, 3, num_layers=layers, bidirectional=bidirectional, bias=bias)
    rng = np.random.default_rng(1)
    x = rng.normal(size=(3, 6, 2))
    start = rng.normal(size=(2, layers * (1 + bidirectional), 3, 3))
    for first, given in ((start, start), (np.zeros_like(start), None)):
        outputs, h, c = by_hand(layer, x, first, lengths)
        if given is not None:
            given = tuple(given) if kind is nn.LSTM else given[0]
        for run in (layer, jit(lambda *args: layer(*args))):
            found, last = run(x, given, np.array(lengths))
            np.testing.assert_allclose(found, outputs, rtol=1e-12, atol=1e-14)
            for a, b in zip(last if kind is nn.LSTM else [last], (h, c), strict=False):
                np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-14)
    if lengths == [6, 6, 6]:
        np.testing.assert_allclose(layer(x)[0], outputs, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("kind", KINDS)
def test_what_lies_behind_the_end_has_no_influence(kind: Any) -> None:
    """Not on results, not on gradients, even if it is nan in the forward pass."""
    layer = layer_of(kind, 2, 3, bidirectional=True)
    x = np.random.default_rng(2).normal(size=(2, 5, 2))
    other = x.copy()
    other[1, 3:] = 100.0
    lengths = np.array([5, 3])
    for a, b in zip(
        tree.leaves(layer(x, None, lengths)), tree.leaves(layer(other, None, lengths)), strict=True
    ):
        np.testing.assert_array_equal(a, b)
    slope = grad(lambda x: np.sum(layer(x, None, lengths)[0] ** 2))(x)
    assert np.all(slope[1, 3:] == 0) and np.all(slope[1, :3] != 0)


@pytest.mark.parametrize("kind", KINDS)
def test_derivatives(kind: Any) -> None:
    """By input, weights and first state, to second order, against central differences."""
    layer = layer_of(kind, 2, 2, bidirectional=True)
    rng = np.random.default_rng(3)
    x, start = rng.normal(size=(2, 3, 2)), rng.normal(size=(2, 2, 2, 2))

    def loss(layer: Any, x: Any, start: Any) -> Any:
        first = (start[0], start[1]) if kind is nn.LSTM else start[0]
        outputs, last = layer(x, first, np.array([3, 2]))
        return np.sum(outputs**2) + sum(np.sum(np.sin(s)) for s in tree.leaves(last))

    check_grads(loss, (layer, x, start), order=2)


@pytest.mark.parametrize("kind", KINDS)
def test_a_cell_in_a_scan_is_the_layer(kind: Any) -> None:
    """A cell is a body of `scan`; its state has the cell's structure."""
    layer = layer_of(kind, 2, 3)
    x = np.random.default_rng(4).normal(size=(4, 5, 2))
    ((cell,),) = layer.cells
    _, outputs = scan(cell, cell.initial_state(4), np.swapaxes(x, 0, 1))
    np.testing.assert_allclose(np.swapaxes(outputs, 0, 1), layer(x)[0], rtol=1e-13)


@pytest.mark.parametrize("kind", KINDS)
def test_first_weights(kind: Any) -> None:
    """Uniform within 1 / sqrt(hidden); biases 0, of the LSTM's forget gate 1; float32."""
    ((cell,),) = kind(20, 100, key=random.key(0)).cells
    assert all(leaf.dtype == np.float32 for leaf in tree.leaves(cell))
    for weight in (cell.input_weight, cell.hidden_weight):
        assert np.abs(weight).max() <= 0.1
        assert np.std(weight) == pytest.approx(0.1 / 3**0.5, rel=0.05)
    bias = cell.bias.reshape(cell.gates, 100)
    assert bias.sum(1).tolist() == ([0, 100, 0, 0] if kind is nn.LSTM else [0] * cell.gates)


def test_dropout_is_between_the_layers_alone() -> None:
    """The first layer's outputs are dropped, kept ones grow; one layer has nothing to drop."""
    layer = layer_of(nn.RNN, 2, 3, num_layers=2, dropout=0.5)
    x = np.random.default_rng(5).normal(size=(2, 4, 2))
    (outputs, last), moved = layer.train(x, random.key(7))
    assert moved is layer
    first, second = (layer.replace(cells=(pair,)) for pair in layer.cells)
    between = np.swapaxes(first(x)[0], 0, 1)
    own = random.split(random.key(7), 2)[1]
    expected = second(np.swapaxes(nn.dropout(between, 0.5, own), 0, 1))
    np.testing.assert_allclose(outputs, expected[0], rtol=1e-13)
    np.testing.assert_allclose(last[0], first(x)[1][0], rtol=1e-13)
    single = layer_of(nn.RNN, 2, 3, dropout=0.5)
    np.testing.assert_array_equal(single.train(x, random.key(7))[0][0], single(x)[0])


def test_errors() -> None:
    """What was given, and what is taken."""
    layer = nn.LSTM(2, 3, key=random.key(0))
    x = np.zeros((4, 5, 2), np.float32)
    state = np.zeros((1, 4, 3), np.float32)
    with pytest.raises(ShapeError, match=r"LSTM takes \(rows, steps, input_size\)"):
        layer(x[0])
    with pytest.raises(ShapeError, match=r"LSTMCell takes arrays of shape \(\.\.\., 2\)"):
        layer(x[:, :, :1])
    with pytest.raises(ShapeError, match="as the last one"):
        layer(x, state)
    with pytest.raises(ShapeError, match=r"states of \(1, 4, 3\), not \(4, 3\)"):
        layer(x, (state[0], state[0]))
    with pytest.raises(ShapeError, match="one number for each of 4 rows"):
        layer(x, None, np.array([1, 2]))
    with pytest.raises(DtypeError, match="whole numbers, not float64"):
        layer(x, None, np.array([1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(ValueError, match="dropout=1"):
        nn.GRU(2, 3, key=random.key(0), dropout=1.0)
    with pytest.raises(TypeError, match="activation"):
        nn.GRU(2, 3, key=random.key(0), activation=np.tanh)
