"""A training step of a small transformer: two layers, 64 steps of 64 features, batch 32, Adam."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule import jit, losses, nn, optim, random, value_and_grad

from . import peers, torch_training
from .harness import Contest

BATCH, STEPS, DIM, HEADS, HIDDEN, DEPTH, CLASSES = 32, 64, 64, 4, 256, 2, 10
RATE = 1e-3


class Network(nn.Module):
    """The encoder, the mean over the steps, and a linear map."""

    encoder: nn.TransformerEncoder
    head: nn.Dense

    def __call__(self, x: Any) -> Any:
        return self.head(np.mean(self.encoder(x), axis=1))


def network() -> Network:
    first, second = random.split(random.key(0))
    encoder = nn.TransformerEncoder(
        DIM, HEADS, DEPTH, HIDDEN, key=first, dropout=0.0, activation=nn.relu
    )
    return Network(encoder, nn.Dense(DIM, CLASSES, key=second))


def in_torch(torch: Any, model: Network) -> Any:
    """The same network with the same weights, of PyTorch's own layers."""
    layer = torch.nn.TransformerEncoderLayer(
        DIM, HEADS, HIDDEN, dropout=0.0, batch_first=True, norm_first=True
    )
    encoder = torch.nn.TransformerEncoder(
        layer, DEPTH, torch.nn.LayerNorm(DIM), enable_nested_tensor=False
    )
    head = torch.nn.Linear(DIM, CLASSES)
    with torch.no_grad():
        for ours, theirs in zip(model.encoder.layers, encoder.layers, strict=True):
            attention = theirs.self_attn
            _copy(torch, ours.attention.project, attention.in_proj_weight, attention.in_proj_bias)
            for mine, other in (
                (ours.attention.combine, attention.out_proj),
                (ours.first, theirs.linear1),
                (ours.last, theirs.linear2),
            ):
                _copy(torch, mine, other.weight, other.bias)  # fmt: skip
        _copy(torch, model.head, head.weight, head.bias)

    class Peer(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder, self.head = encoder, head

        def forward(self, x: Any) -> Any:
            return self.head(self.encoder(x).mean(1))

    return Peer()


def _copy(torch: Any, layer: nn.Dense, weight: Any, bias: Any) -> None:
    weight.copy_(torch.from_numpy(np.ascontiguousarray(layer.weight.T)))
    bias.copy_(torch.from_numpy(np.ascontiguousarray(layer.bias)))


def contest(torch: Any) -> Contest:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH, STEPS, DIM)).astype(np.float32)
    labels = rng.integers(CLASSES, size=BATCH)
    model, optimizer = network(), optim.adam(RATE)

    @jit
    def step(model: Any, state: Any, x: Any, labels: Any) -> Any:
        def loss(model: Any) -> Any:
            return losses.softmax_cross_entropy(model(x), labels)

        value, gradient = value_and_grad(loss)(model)
        updates, state = optimizer.update(gradient, state, model)
        return optim.apply_updates(model, updates), state, value

    peer = in_torch(torch, model)
    theirs_optimizer = torch_training.adam(torch, peer, RATE)
    loss, tx, ty = torch.nn.CrossEntropyLoss(), torch.from_numpy(x), torch.from_numpy(labels)
    held = [model, optimizer.init(model)]

    def ours() -> float:
        *held[:], value = step(*held, x, labels)
        return float(value)

    def theirs() -> float:
        theirs_optimizer.zero_grad()
        value = loss(peer(tx), ty)
        value.backward()
        theirs_optimizer.step()
        return float(value.detach())

    def same(a: float, b: float) -> None:
        assert abs(a - b) < 1e-4, (a, b)
        for _ in range(3):  # the next steps as well, to which all gradients lead
            a, b = ours(), theirs()
            assert abs(a - b) < 1e-3, (a, b)

    task = f"{DEPTH} layers, {STEPS} steps of {DIM}, batch {BATCH}"
    return Contest(task, "PyTorch eager", ours, theirs, same, 15, 20, 0.2)


def contests() -> Iterator[Contest]:
    torch = peers.torch()
    if torch is not None:
        yield contest(torch)
