"""Steps of a bag of embeddings whose table is far larger than what a batch looks up.

Ours is `optim.lazy_adam`, PyTorch's SparseAdam on ``nn.Embedding(sparse=True)``. With dense Adam
ours took 16 times as long as that for a million rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np

from chainrule import jit, losses, nn, optim, random, scan, value_and_grad
from chainrule.config import configured

from . import peers, torch_training
from .harness import Contest

SIZES = (20_000, 1_000_000)
WIDTH, BATCH, LENGTH, STEPS, CLASSES, RATE = 16, 64, 50, 10, 2, 1e-3


class Bag(nn.Module):
    """A linear map of the mean of vectors."""

    table: nn.Embedding
    head: nn.Dense

    def __call__(self, codes: Any) -> Any:
        return self.head(np.mean(self.table(codes), axis=1))


def in_chainrule(model: Bag, codes: Any, labels: Any) -> Any:
    """Return a function that takes all steps and returns their losses."""
    optimizer = optim.lazy_adam(RATE, epsilon_hat=True)

    def step(carry: Any, batch: Any) -> Any:
        model, state = carry
        x, y = batch
        value, slopes = value_and_grad(
            lambda m: losses.softmax_cross_entropy(m(x), y)
        )(model)  # fmt: skip
        updates, state = optimizer.update(slopes, state, model)
        return (optim.apply_updates(model, updates), state), value

    bound = jit(lambda carry, x, y: scan(step, carry, (x, y))).bind((model, optimizer.init(model)))

    def run() -> Any:
        with configured(num_threads=1):
            return bound(codes, labels)

    return run


def in_torch(torch: Any, model: Bag, codes: Any, labels: Any) -> Any:
    table = torch.nn.Embedding(*model.table.weight.shape, sparse=True)
    head = torch.nn.Linear(WIDTH, CLASSES)
    with torch.no_grad():
        table.weight.copy_(torch.from_numpy(model.table.weight))
        head.weight.copy_(torch.from_numpy(model.head.weight.T))
        head.bias.copy_(torch.from_numpy(model.head.bias))
    sparse = torch.optim.SparseAdam(table.parameters(), RATE)
    dense = torch_training.adam(torch, head, RATE)
    loss = torch.nn.CrossEntropyLoss()
    batches = list(zip(torch.from_numpy(codes), torch.from_numpy(labels), strict=True))

    def run() -> Any:
        values = []
        for x, y in batches:
            sparse.zero_grad()
            dense.zero_grad()
            value = loss(head(table(x).mean(dim=1)), y)
            value.backward()
            sparse.step()
            dense.step()
            values.append(value.item())
        return np.array(values)

    return run


def same(a: Any, b: Any) -> None:
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)


def contests() -> Iterator[Contest]:
    torch = peers.torch(threads=1)
    if torch is None:
        return
    draw = np.random.default_rng(0)
    for rows in SIZES:
        table_key, head_key = random.split(random.key(0))
        table = nn.Embedding(rows, WIDTH, key=table_key)
        model = Bag(table, nn.Dense(WIDTH, CLASSES, key=head_key))
        codes = draw.integers(0, rows, (STEPS, BATCH, LENGTH))
        labels = draw.integers(0, CLASSES, (STEPS, BATCH))
        yield Contest(
            f"{STEPS} steps, {BATCH} x {LENGTH} codes of {rows:,} x {WIDTH}; 1 thread",
            "PyTorch's SparseAdam", in_chainrule(model, codes, labels),
            in_torch(torch, model, codes, labels), same, rounds=15, clock=process_time,
        )  # fmt: skip
