"""The small GPT of `torch_gpt`, of chainrule's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from chainrule import jit, losses, nn, optim, random, value_and_grad

from .torch_gpt import CODES, DEPTH, DIM, HEADS, RATE, STEPS, texts


class Gpt(nn.Module):
    """Vectors of codes and of positions, causal encoder layers, and a score for each code."""

    words: nn.Embedding
    positions: nn.PositionalEmbedding
    encoder: nn.TransformerEncoder
    head: nn.Dense

    def __call__(self, codes: Any) -> Any:
        return self.head(self.encoder(self.positions(self.words(codes)), is_causal=True))


def network() -> Gpt:
    keys = random.split(random.key(0), 4)
    return Gpt(
        nn.Embedding(CODES, DIM, key=keys[0]),
        nn.PositionalEmbedding(STEPS, DIM, key=keys[1]),
        nn.TransformerEncoder(DIM, HEADS, DEPTH, key=keys[2], dropout=0.0),
        nn.Dense(DIM, CODES, key=keys[3]),
    )


def step_of(model: Gpt) -> Callable[[], float]:
    """A step of Adam on the texts, which returns the loss."""
    codes, following = texts()
    optimizer = optim.adam(RATE)

    @jit(donate_argnums=(0, 1))
    def update(model: Any, state: Any, codes: Any, following: Any) -> Any:
        def loss(model: Any) -> Any:
            return losses.softmax_cross_entropy(model(codes), following)

        value, gradient = value_and_grad(loss)(model)
        updates, state = optimizer.update(gradient, state, model)
        return optim.apply_updates(model, updates), state, value

    latest = [model, optimizer.init(model)]

    def step() -> float:
        *latest[:], value = update(*latest, codes, following)
        return float(value)

    return step


def copy_weights(torch: Any, model: Gpt, peer: Any) -> None:
    """Give PyTorch's network our weights."""
    pairs: list[tuple[Any, Any]] = [
        (model.words.weight, peer.words.weight),
        (model.positions.weight, peer.positions.weight),
        *_dense(model.head, peer.head),
    ]
    for ours, theirs in zip(model.encoder.layers, peer.blocks, strict=True):
        pairs += _dense(ours.attention.project, theirs.project)
        pairs += _dense(ours.attention.combine, theirs.combine)
        pairs += [*_dense(ours.first, theirs.first), *_dense(ours.last, theirs.last)]
    with torch.no_grad():
        for mine, other in pairs:
            other.copy_(torch.from_numpy(np.array(mine)))


def _dense(ours: nn.Dense, theirs: Any) -> list[tuple[Any, Any]]:
    return [(ours.weight.T, theirs.weight), (ours.bias, theirs.bias)]
