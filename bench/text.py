"""An epoch over texts as bags of words: rows in a given order, Adam on all of the table."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from chainrule import jit, losses, optim, random, train
from chainrule.estimators.raw.text_networks import BagNetwork

from . import peers, torch_training
from .harness import Contest

ROWS, LENGTH, CLASSES, BATCH, RATE = 2048, 40, 2, 32, 1e-3
SIZES = ((5_000, 16), (20_000, 16), (100_000, 8))  # entries of the vocabulary, and of a vector


def data() -> tuple[Any, Any, Any]:
    """Codes as frequent as words are (Zipf), shares with padding at the end, and labels."""
    rng = np.random.default_rng(0)
    lengths = rng.integers(5, LENGTH + 1, ROWS)
    shares = (np.arange(LENGTH) < lengths[:, None]) / lengths[:, None]
    return rng.random((ROWS, LENGTH)), shares.astype(np.float32), rng.integers(CLASSES, size=ROWS)


def with_torch(torch: Any, model: Any, codes: Any, shares: Any, labels: Any) -> Any:
    """An epoch of PyTorch from the same weights, and what they have become."""
    size, width = model.table.weight.shape
    bag = torch.nn.EmbeddingBag(size, width, mode="sum")
    head = torch.nn.Linear(width, CLASSES)
    with torch.no_grad():
        bag.weight.copy_(torch.from_numpy(model.table.weight))
        head.weight.copy_(torch.from_numpy(model.head.weight.T))
        head.bias.copy_(torch.from_numpy(model.head.bias))
    both = torch.nn.ModuleList([bag, head])
    optimizer = torch_training.adam(torch, both, RATE)
    loss = torch.nn.CrossEntropyLoss()
    x, w, y = map(torch.from_numpy, (codes.astype(np.int64), shares, labels))

    def epoch(order: Any) -> list[Any]:
        batches = x[order].split(BATCH), w[order].split(BATCH), y[order].split(BATCH)
        for rows, weights, targets in zip(*batches, strict=True):
            optimizer.zero_grad()
            loss(head(bag(rows, per_sample_weights=weights)), targets).backward()
            optimizer.step()
        return [bag.weight.detach().numpy(), head.weight.detach().numpy().T,
                head.bias.detach().numpy()]  # fmt: skip

    return epoch


def contest(torch: Any, size: int, width: int) -> Contest:
    where, shares, labels = data()
    codes = (size**where).astype(np.int32)  # density 1 / code
    model = BagNetwork(size, width, CLASSES, word_dropout=0.0, dropout=0.0, key=random.key(0))
    optimizer = optim.adam(RATE)
    epoch = jit(train.make_epoch(losses.softmax_cross_entropy, optimizer, BATCH))
    key, rows = random.key(3), {"codes": codes, "shares": shares}
    order = torch.from_numpy(np.asarray(random.permutation(key, ROWS)).astype(np.int64))
    state = [model, optimizer.init(model)]

    def ours() -> list[Any]:
        state[:] = epoch(*state, key, rows, labels)[:2]
        return [state[0].table.weight, state[0].head.weight, state[0].head.bias]

    theirs = with_torch(torch, model, codes, shares, labels)

    def peer() -> list[Any]:
        return list(theirs(order))

    return Contest(
        f"{ROWS} texts, {size:,} x {width}, batch {BATCH}", "PyTorch eager",
        ours, peer, same, rounds=7,
    )  # fmt: skip


def same(mine: list[Any], theirs: list[Any]) -> None:
    """Both have gone on from the same weights for as many epochs."""
    for a, b in zip(mine, theirs, strict=True):
        assert np.abs(np.asarray(a) - b).max() < 1e-3, np.abs(np.asarray(a) - b).max()


def contests() -> Iterator[Contest]:
    torch = peers.torch()
    if torch is not None:
        yield from (contest(torch, size, width) for size, width in SIZES)
