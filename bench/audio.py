"""Spoken digits: accuracy on the official split, and on a speaker who was never heard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

import chainrule

from .report import Kind, duration
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
        "`python -m bench audio` measures it.",
    ),
    ("split", "accuracy", "lowest", "highest", "time"),
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


def rows() -> Iterator[tuple[str, ...]]:
    if not PLACE.exists():
        print(f"there is no {PLACE}: nothing is measured", file=sys.stderr)
        return
    recordings, told = clips()
    rate, means = int(told["sample_rate"]), []
    for name, test in splits(told):
        runs = [trained(recordings, told["label"], test, rate, seed) for seed in range(SEEDS)]
        found, seconds = ([run[k] for run in runs] for k in (0, 1))
        yield (name, f"{median(found):.4f}", f"{min(found):.4f}", f"{max(found):.4f}",
               duration(median(seconds)))  # fmt: skip
        if name != "official":
            means.append(median(found))
    yield "mean without a speaker", f"{np.mean(means):.4f}", "", "", ""
