"""Spoken digits: accuracy on the official split, and on a speaker who was never heard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import chainrule
from chainrule.estimators.raw.audio_networks import FLOOR, LOWEST, transform_length
from chainrule.signal import hann_window, mel_filterbank

from . import epochs, peers
from .report import duration
from .results import Kind
from .tabular_sets import DATA

SEEDS = 5
PLACE = DATA / "speech" / "fsdd.npz"
KIND = Kind(
    "Spoken digits",
    (
        "Free Spoken Digit Dataset: 3,000 clips of 10 digits by 6 speakers. `AudioClassifier` with",
        "its defaults; accuracy and time of `fit`, features and compilation included, median of",
        f"{SEEDS} seeds. Official: takes 0 to 4 of each speaker and digit are the test, 300 clips.",
        "Without a speaker: trained on the other five, tested on all 500 clips of that one.",
        "Ratio: an epoch over the 2,700 clips of the official training in PyTorch eager (two",
        "threads, the same features and layers, fused AdamW, nothing augmented) by ours, plain as",
        "well and augmented as usual (random speed, place and noise, hidden bands and times), in",
        "turns, median of three. `python -m bench audio` measures it.",
    ),
    ("split", "accuracy", "lowest", "highest", "time", "epoch", "PyTorch's", "ratio"),
)


def clips() -> tuple[list[Any], dict[str, Any]]:
    """Each recording, and what is known of it."""
    with np.load(PLACE) as held:
        told = {name: held[name] for name in held.files}
    ends = zip(told["start"], told["length"], strict=True)
    return [told["audio"][a : a + n] for a, n in ends], told


def trained(recordings: list[Any], labels: Any, test: Any, rate: int, seed: int
            ) -> tuple[float, float]:  # fmt: skip
    """Accuracy on the test, and seconds of training."""
    model = chainrule.AudioClassifier(sample_rate=rate, random_state=seed, progress=False)
    start = perf_counter()
    model.fit([recordings[k] for k in np.flatnonzero(~test)], labels[~test])
    seconds = perf_counter() - start
    return model.score([recordings[k] for k in np.flatnonzero(test)], labels[test]), seconds


def splits(told: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Names, and which clips are for the test."""
    yield "official", told["is_test"]
    for number, name in enumerate(told["speaker_names"]):
        yield f"without {name}", told["speaker"] == number


def with_torch(torch: Any, model: Any) -> Any:
    """The network of a fitted `AudioClassifier`, features included."""
    features = model.module_.features
    size, hop = features.size, features.hop
    length = transform_length(size)
    bank = mel_filterbank(length // 2 + 1, features.mels, features.rate, f_min=LOWEST)
    window = torch.from_numpy(hann_window(size).astype(np.float32))
    weights = torch.from_numpy(bank.astype(np.float32))
    layers, before = [], 1
    for k, channels in enumerate((16, 32, 48, 64)):
        side = 3 if k else 5
        layers.append(torch.nn.Conv2d(before, channels, side, padding=side // 2, bias=False))
        layers += [torch.nn.BatchNorm2d(channels), torch.nn.ReLU()]
        layers += [torch.nn.MaxPool2d(2)] if k < 3 else []
        before = channels

    class Network(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            blocks = torch.nn.Sequential(*layers)
            self.blocks = blocks.to(memory_format=torch.channels_last)
            self.last = torch.nn.Sequential(torch.nn.Dropout(0.3), torch.nn.Linear(128, 10))

        def forward(self, rows: Any) -> Any:
            frames = rows["samples"].unfold(1, size, hop) * window
            power = torch.fft.rfft(frames, n=length).abs() ** 2
            x = torch.log(power @ weights + FLOOR)
            counts = ((rows["lengths"] - size) // hop + 1).clamp(1, x.shape[1])
            inside = (torch.arange(x.shape[1]) < counts[:, None])[:, :, None]
            mean = torch.where(inside, x, 0.0).sum(1, keepdim=True) / counts[:, None, None]
            x = torch.where(inside, (x - mean) / 3.0, 0.0)[:, None]
            maps = self.blocks(x.contiguous(memory_format=torch.channels_last)).mean(3)
            counts = ((counts + 7) // 8).clamp(1, maps.shape[2])
            inside = (torch.arange(maps.shape[2]) < counts[:, None])[:, None]
            mean = torch.where(inside, maps, 0.0).sum(2) / counts[:, None]
            highest = torch.where(inside, maps, -1e9).amax(2)
            return self.last(torch.cat([mean, highest], 1))

    made = Network()
    ours = [*model.module_.blocks.layers, *model.module_.last.layers]
    epochs.copy_weights(torch, ours, made.modules())
    return made


PLAIN: dict[str, Any] = {"shift": 0, "speed": 0, "noise": None, "freq_mask": 0, "time_mask": 0}


def beside_torch(x: Any, y: Any, rate: int, **settings: Any) -> tuple[str, str, str]:
    """Time of an epoch, ours and theirs, and the ratio."""
    torch = peers.torch()
    if torch is None:
        return epochs.NONE

    def fit(**more: Any) -> Any:
        model = chainrule.AudioClassifier(
            sample_rate=rate, random_state=0, progress=False, **settings, **more
        )
        return model.fit(x, y)

    return epochs.beside(torch, fit, lambda model: with_torch(torch, model), x, y)


def rows() -> Iterator[tuple[str, ...]]:
    if not PLACE.exists():
        print(f"there is no {PLACE}: nothing is measured", file=sys.stderr)
        return
    recordings, told = clips()
    rate, means = int(told["sample_rate"]), []
    train = ~told["is_test"]
    kept = [recordings[k] for k in np.flatnonzero(train)]
    augmented = beside_torch(kept, told["label"][train], rate)
    plain = beside_torch(kept, told["label"][train], rate, **PLAIN)
    for name, test in splits(told):
        runs = [trained(recordings, told["label"], test, rate, seed) for seed in range(SEEDS)]
        found, seconds = ([run[k] for run in runs] for k in (0, 1))
        yield (name, f"{median(found):.4f}", f"{min(found):.4f}", f"{max(found):.4f}",
               duration(median(seconds)), *(augmented if name == "official" else epochs.NONE)
               )  # fmt: skip
        if name != "official":
            means.append(median(found))
    yield "mean without a speaker", f"{np.mean(means):.4f}", "", "", "", *epochs.NONE
    yield "official, nothing augmented", "", "", "", "", *plain
