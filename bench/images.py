"""Images: accuracy and time of training with defaults, and an epoch beside an equal PyTorch one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule

from . import epochs, peers
from .report import duration
from .results import Kind
from .tabular_sets import DATA

SEEDS, ROWS = 5, 10_000
SETTINGS: dict[str, dict[str, Any]] = {
    "digits": {}, "mnist": {}, "fashion_mnist": {"flip": True, "shift": 1},
}  # fmt: skip
KIND = Kind(
    "Images with defaults",
    (
        "`ImageClassifier` on the official test images (of the digits, 8 x 8, a fifth that was",
        "held out); median, lowest and highest of five seeds; time of a whole `fit` on two",
        "threads. The only settings: Fashion-MNIST with `flip=True, shift=1`. Ratio: an epoch over",
        "10,000 of the images, batches of 128, in PyTorch eager (two threads, channels last, fused",
        "AdamW, the same layers, no augmentation) by ours (with augmentation), in turns, median of",
        "three.",
    ),
    ("set", "test images", "accuracy", "lowest", "highest", "fit", "epoch of 10,000", "PyTorch's",
     "ratio"),
)  # fmt: skip


def images_of(name: str) -> tuple[Any, ...] | None:
    """Training images and labels, test images and labels."""
    if name == "digits":
        digits = load_digits()
        x, y = digits.images.astype(np.uint8), digits.target
        train, test, before, after = train_test_split(x, y, test_size=0.2, random_state=0)
        return train, before, test, after
    place = DATA / "image" / f"{name}.npz"
    if not place.exists():
        print(f"there is no {place}: it is left out", file=sys.stderr)
        return None
    with np.load(place) as held:
        return tuple(held[part] for part in ("x_train", "y_train", "x_test", "y_test"))


def fitted(name: str, x: Any, y: Any, seed: int, **more: Any) -> tuple[Any, float]:
    """The model, and seconds of training."""
    settings = {**SETTINGS[name], "random_state": seed, "progress": False, **more}
    model = chainrule.ImageClassifier(**settings)
    start = perf_counter()
    model.fit(x, y)
    return model, perf_counter() - start


def with_torch(torch: Any, model: Any) -> Any:
    """The network of a fitted `ImageClassifier` for 28 x 28, as PyTorch's users write it."""
    layers, before = [], 1
    for channels, pools in ((16, False), (32, True), (64, True), (96, False)):
        layers.append(torch.nn.Conv2d(before, channels, 3, padding=1, bias=False))
        layers += [torch.nn.MaxPool2d(2)] if pools else []
        layers += [torch.nn.BatchNorm2d(channels), torch.nn.ReLU()]
        before = channels
    maps = torch.nn.Sequential(*layers, torch.nn.AvgPool2d(2)).to(memory_format=torch.channels_last)
    standard = model.module_.layers[1]

    class Network(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.maps = maps
            self.last = torch.nn.Sequential(torch.nn.Dropout(0.2), torch.nn.Linear(96 * 9, 10))

        def forward(self, images: Any) -> Any:
            x = (images.float() - standard.mean[0]) * (1.0 / standard.deviation[0])
            x = self.maps(x.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last))
            return self.last(x.permute(0, 2, 3, 1).flatten(1))

    made = Network()
    epochs.copy_weights(torch, model.module_.layers, made.modules())
    return made


def beside_torch(name: str, x: Any, y: Any) -> tuple[str, str, str]:
    """Time of an epoch, ours and theirs, and the ratio."""
    torch = peers.torch()
    if torch is None or len(x) < ROWS:
        return epochs.NONE
    x, y = x[:ROWS], y[:ROWS]
    return epochs.beside(
        torch, lambda **more: fitted(name, x, y, 0, **more)[0],
        lambda model: with_torch(torch, model), x, y,
    )  # fmt: skip


def rows() -> Iterator[tuple[str, ...]]:
    for name in SETTINGS:
        found = images_of(name)
        if found is None:
            continue
        x, y, x_test, y_test = found
        contest = beside_torch(name, x, y)
        scores, seconds = [], []
        for seed in range(SEEDS):
            model, took = fitted(name, x, y, seed)
            scores.append(model.score(x_test, y_test))
            seconds.append(took)
            print(f"{name}, seed {seed}: {scores[-1]:.4f} in {took:.0f} s", file=sys.stderr)
        yield (name, f"{len(x_test):,}", f"{median(scores):.4f}", f"{min(scores):.4f}",
               f"{max(scores):.4f}", duration(median(seconds)), *contest)  # fmt: skip
