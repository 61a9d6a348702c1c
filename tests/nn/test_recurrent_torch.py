"""Recurrent layers against PyTorch in float64, over drawn hyper-parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import nn, random, tree
from chainrule.transforms import grad, jit

torch = pytest.importorskip("torch", reason="PyTorch is what these tests compare with")


def drawn_case(seed: int) -> dict[str, Any]:
    """Hyper-parameters from a seed."""
    rng = np.random.default_rng(seed)
    return {
        "rows": int(rng.integers(1, 6)),
        "steps": int(rng.integers(1, 9)),
        "inputs": int(rng.integers(1, 8)),
        "hidden": int(rng.integers(1, 10)),
        "num_layers": int(rng.integers(1, 4)),
        "bidirectional": bool(rng.integers(2)),
        "bias": bool(rng.integers(4)),
        "packed": bool(rng.integers(2)),
        "started": bool(rng.integers(2)),
    }


def theirs_of(layer: Any, kind: str, case: dict[str, Any]) -> Any:
    """PyTorch's layer with the weights of ours: the other bias is 0, but for the GRU's."""
    options = {name: case[name] for name in ("num_layers", "bidirectional", "bias")}
    theirs = getattr(torch.nn, kind)(
        case["inputs"], case["hidden"], batch_first=True, dtype=torch.float64, **options
    )
    with torch.no_grad():
        for depth, pair in enumerate(layer.cells):
            for end, cell in zip(("", "_reverse"), pair, strict=False):
                of = {name: getattr(theirs, f"{name}_l{depth}{end}", None)
                      for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")}  # fmt: skip
                of["weight_ih"].copy_(torch.tensor(cell.input_weight.T))
                of["weight_hh"].copy_(torch.tensor(cell.hidden_weight.T))
                if case["bias"]:
                    of["bias_ih"].copy_(torch.tensor(cell.bias))
                    of["bias_hh"].zero_()
                    if kind == "GRU":
                        of["bias_hh"][-cell.hidden_size :] = torch.tensor(cell.hidden_bias)
    return theirs


def gradient_of(theirs: Any, layer: Any) -> Any:
    """PyTorch's gradients, as a layer of ours."""

    def of(name: str, depth: int, end: str) -> Any:
        return getattr(theirs, f"{name}_l{depth}{end}").grad.numpy()

    cells = []
    for depth, pair in enumerate(layer.cells):
        made = []
        for end, cell in zip(("", "_reverse"), pair, strict=False):
            parts = {"input_weight": of("weight_ih", depth, end).T,
                     "hidden_weight": of("weight_hh", depth, end).T}  # fmt: skip
            if cell.bias is not None:
                parts["bias"] = of("bias_ih", depth, end)
            if getattr(cell, "hidden_bias", None) is not None:
                parts["hidden_bias"] = of("bias_hh", depth, end)[-cell.hidden_size :]
            made.append(cell.replace(**parts))
        cells.append(tuple(made))
    return layer.replace(cells=tuple(cells))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("seed", range(12))
def test_values_and_gradients(kind: str, seed: int) -> None:
    """Outputs, last states, and slopes of inputs, weights and first states: within 1e-9."""
    case = drawn_case(seed)
    rng = np.random.default_rng(100 + seed)
    options = {name: case[name] for name in ("num_layers", "bidirectional", "bias")}
    layer = getattr(nn, kind)(
        case["inputs"], case["hidden"], key=random.key(seed), dtype=np.float64, **options
    )
    layer = tree.map(lambda leaf: rng.normal(size=np.shape(leaf)) * 0.5, layer)
    x = rng.normal(size=(case["rows"], case["steps"], case["inputs"]))
    directions = case["num_layers"] * (1 + case["bidirectional"])
    halves = rng.normal(size=(2, directions, case["rows"], case["hidden"]))
    start: Any = tuple(halves) if kind == "LSTM" else halves[0]
    start = start if case["started"] else tree.map(np.zeros_like, start)
    lengths = rng.integers(1, case["steps"] + 1, case["rows"]) if case["packed"] else None
    weights = rng.normal(size=(case["rows"], case["steps"], 1))

    def loss(layer: Any, x: Any, start: Any) -> Any:
        outputs, last = layer(x, start, lengths)
        states = sum(np.sum(np.sin(s)) for s in tree.leaves(last))
        return np.sum(weights * outputs**2) + states, (outputs, last)

    mine, (outputs, last) = jit(grad(loss, (0, 1, 2), has_aux=True))(layer, x, start)
    theirs = theirs_of(layer, kind, case)
    t_x = torch.tensor(x, requires_grad=True)
    t_start = tree.map(lambda s: torch.tensor(s, requires_grad=True), start)
    t_outputs, t_last = in_torch(theirs, t_x, t_start, lengths)
    states = sum(torch.sum(torch.sin(s)) for s in tree.leaves(t_last))
    (torch.sum(torch.tensor(weights) * t_outputs**2) + states).backward()

    slopes = (gradient_of(theirs, layer), t_x.grad.numpy(), tree.map(slope, t_start))
    pairs = zip(
        tree.leaves((outputs, last, mine)),
        tree.leaves((plain(t_outputs), tree.map(plain, t_last), slopes)),
        strict=True,
    )
    for ours, expected in pairs:
        np.testing.assert_allclose(ours, expected, rtol=1e-9, atol=1e-9)


def in_torch(theirs: Any, x: Any, start: Any, lengths: Any) -> tuple[Any, Any]:
    """With packed sequences if there are lengths."""
    if lengths is None:
        outputs, last = theirs(x, start)
        return outputs, last
    rnn = torch.nn.utils.rnn
    packed = rnn.pack_padded_sequence(
        x, torch.tensor(lengths), batch_first=True, enforce_sorted=False
    )
    outputs, last = theirs(packed, start)
    outputs, _ = rnn.pad_packed_sequence(outputs, batch_first=True, total_length=x.shape[1])
    return outputs, last


def slope(x: Any) -> Any:
    return x.grad.numpy()


def plain(x: Any) -> Any:
    return x.detach().numpy()
