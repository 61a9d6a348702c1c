"""An epoch of an estimator's training beside an equal network's in PyTorch, in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from chainrule import nn, tree

from .report import duration

TURNS, EPOCHS = 3, 3
NONE = ("", "", "")


def beside(
    torch: Any, fit: Callable[..., Any], network: Callable[[Any], Any], x: Any, labels: Any
) -> tuple[str, str, str]:
    """Time of an epoch over x, ours and theirs, and the ratio; medians over the turns.

    `fit(**more)` trains a model of ours, and `network(model)` is a PyTorch module of the same
    weights that reads what ours does, as tensors. Both must answer alike before anything is timed.
    """
    times: list[float] = []
    count = len(labels)
    watch = {"callbacks": [lambda report: times.append(count / report.samples_per_second)]}
    model = fit(epochs=1)
    rows = model._rows(model._read(x))
    tensors = tree.map(lambda array: torch.from_numpy(np.asarray(array)), rows)
    theirs = network(model)
    _check(torch, model, theirs, rows, tensors)
    epoch = _epoch(torch, theirs, tensors, labels, model.schedule(count)[1])
    ours, others = [], []
    for _ in range(TURNS):
        times.clear()
        fit(epochs=EPOCHS, **watch)
        ours.append(min(times))
        start = perf_counter()
        epoch()
        others.append(perf_counter() - start)
    ratio = median(b / a for a, b in zip(ours, others, strict=True))
    return duration(median(ours)), duration(median(others)), f"{ratio:.2f}"


def _check(torch: Any, model: Any, theirs: Any, rows: Any, tensors: Any) -> None:
    """Both networks give the same logits."""
    theirs.eval()
    with torch.no_grad():
        found = theirs(tree.map(lambda tensor: tensor[:64], tensors)).numpy()
    expected = np.asarray(model.module_(tree.map(lambda array: array[:64], rows)))
    error = np.abs(found - expected).max()
    assert error < 1e-3 * max(1.0, np.abs(expected).max()), error
    theirs.train()


def _epoch(torch: Any, network: Any, tensors: Any, labels: Any, batch: int) -> Callable[[], None]:
    """A pass over the rows in batches, in a new order."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, fused=True)
    loss = torch.nn.CrossEntropyLoss()
    codes = torch.from_numpy(np.asarray(labels).astype(np.int64))

    def epoch() -> None:
        for rows in torch.randperm(len(codes)).split(batch):
            optimizer.zero_grad()
            own = tree.map(itemgetter(rows), tensors)
            loss(network(own), codes[rows]).backward()
            optimizer.step()

    return epoch


def copy_weights(torch: Any, ours: Iterable[Any], theirs: Iterable[Any]) -> None:
    """From layers of ours to those of PyTorch, of each kind in their order."""
    pairs = ((nn.Conv2d, torch.nn.Conv2d), (nn.BatchNorm, torch.nn.BatchNorm2d),
             (nn.Dense, torch.nn.Linear), (nn.Embedding, torch.nn.EmbeddingBag))  # fmt: skip
    ours, theirs = list(ours), list(theirs)
    with torch.no_grad():
        for kind, other in pairs:
            mine = [layer for layer in ours if isinstance(layer, kind)]
            found = [layer for layer in theirs if isinstance(layer, other)]
            for a, b in zip(mine, found, strict=True):
                for name, array in _arrays(a):
                    getattr(b, name).copy_(torch.from_numpy(np.ascontiguousarray(array)))


def _arrays(layer: Any) -> Iterable[tuple[str, Any]]:
    """A layer's arrays, by PyTorch's names and in its order of axes."""
    if isinstance(layer, nn.BatchNorm):
        yield from (("weight", layer.scale), ("bias", layer.shift),
                    ("running_mean", layer.mean), ("running_var", layer.var))  # fmt: skip
        return
    weight = np.asarray(layer.weight)
    if isinstance(layer, nn.Embedding):
        yield "weight", weight
        return
    yield "weight", weight.T if weight.ndim == 2 else weight.transpose(3, 2, 0, 1)
    if layer.bias is not None:
        yield "bias", layer.bias
