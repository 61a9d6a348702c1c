"""The networks of `AudioClassifier`: from samples and lengths to logits, features included."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ... import nn
from ...random import split
from ...signal import frequency_masking, log_mel_spectrogram, time_masking

FLOOR = 0.1  # of a band's power, where a clip's mean square is 1: what is weaker is silence
LOWEST = 60.0  # Hz of the first band
SPREAD = 3.0  # about the standard deviation of log-mel features


class MelFeatures(nn.Module):
    """Log-mel features of clips, less each band's mean over the clip; nothing to learn.

    The mean over time is the logarithm of what a microphone, a room and a voice do to all sounds
    alike (cepstral mean normalisation: B. S. Atal, 1974). Unless `by_band`, one mean is taken of
    all bands: steady sounds are nothing but their means.
    """

    rate: int
    size: int
    hop: int
    mels: int
    by_band: bool

    def __call__(self, rows: Any) -> tuple[Any, Any]:
        """Features (rows, frames, mels), 0 after the last frame, and each clip's frames."""
        x = rows["samples"]
        features = log_mel_spectrogram(
            x, self.rate, win_length=self.size, hop_length=self.hop, n_mels=self.mels,
            n_fft=transform_length(self.size), f_min=LOWEST, eps=FLOOR,
        )  # fmt: skip
        steps = features.shape[1]
        counts = np.clip((rows["lengths"] - self.size) // self.hop + 1, 1, steps)
        inside = (np.arange(steps) < counts[:, None])[:, :, None]
        total = np.sum(np.where(inside, features, 0), axis=1, keepdims=True)
        mean = total / counts[:, None, None].astype(features.dtype)
        if not self.by_band:
            mean = np.mean(mean, axis=2, keepdims=True)
        return np.where(inside, (features - mean) * (1.0 / SPREAD), 0), counts


def transform_length(size: int) -> int:
    """Samples of the transform of a frame: the next power of two."""
    return 1 << (size - 1).bit_length()


class Hiding(nn.Module):
    """SpecAugment's two masks: bands of mel and spans of time (Park et al., 2019)."""

    bands: int
    times: int

    def __call__(self, features: Any, counts: Any, key: Any) -> Any:
        of_bands, of_times = split(key)
        if self.bands:
            features = frequency_masking(features, of_bands, max_width=self.bands)
        if self.times:
            features = time_masking(features, counts, of_times, max_width=self.times)
        return features


class ConvNetwork(nn.Module):
    """Blocks of convolution, batch normalisation and pooling over time and mel."""

    features: MelFeatures
    hiding: Hiding
    blocks: nn.Sequential
    last: nn.Sequential
    pooled: int

    def __init__(
        self, features: MelFeatures, hiding: Hiding, channels: tuple[int, ...], classes: int,
        dropout: float, *, key: Any,
    ) -> None:  # fmt: skip
        *keys, of_last = split(key, len(channels) + 1)
        blocks: list[Any] = []
        halvings = min(3, len(channels), features.mels.bit_length() - 1)
        for k, (before, now) in enumerate(zip((1, *channels), channels, strict=False)):
            conv = nn.Conv2d(
                before, now, 3 if k else 5, padding="same", bias=False, key=keys[k],
                weight_init=nn.he_normal,
            )  # fmt: skip
            blocks += [conv, nn.BatchNorm(now), nn.relu]
            if k < halvings:
                blocks.append(nn.MaxPool2d(2))
        self.features, self.hiding, self.blocks = features, hiding, nn.Sequential(*blocks)
        self.last = nn.Sequential(
            nn.Dropout(dropout), nn.Dense(2 * channels[-1], classes, key=of_last)
        )
        self.pooled = 2**halvings

    def __call__(self, rows: Any) -> Any:
        features, counts = self.features(rows)
        return self.last(self._summary(self.blocks(features[..., None]), counts))

    def train(self, rows: Any, key: Any) -> tuple[Any, Self]:
        """Hide parts of the features, and normalise by the batch."""
        of_hiding, of_blocks, of_last = split(key, 3)
        features, counts = self.features(rows)
        features = self.hiding(features, counts, of_hiding)
        maps, blocks = self.blocks.train(features[..., None], of_blocks)
        logits, _ = self.last.train(self._summary(maps, counts), of_last)
        return logits, self.replace(blocks=blocks)

    def _summary(self, maps: Any, counts: Any) -> Any:
        """Mean and maximum over a clip's own time, of means over mel."""
        steps = maps.shape[1]
        counts = np.clip((counts + self.pooled - 1) // self.pooled, 1, steps)
        return summary(np.mean(maps, axis=2), counts)


class RecurrentNetwork(nn.Module):
    """Gated recurrent units that read the frames in both directions."""

    features: MelFeatures
    hiding: Hiding
    reader: nn.GRU
    last: nn.Sequential

    def __init__(
        self, features: MelFeatures, hiding: Hiding, hidden: int, layers: int, classes: int,
        dropout: float, *, key: Any,
    ) -> None:  # fmt: skip
        of_reader, of_last = split(key)
        self.features, self.hiding = features, hiding
        self.reader = nn.GRU(
            features.mels, hidden, num_layers=layers, bidirectional=True, dropout=dropout,
            key=of_reader,
        )  # fmt: skip
        self.last = nn.Sequential(nn.Dropout(dropout), nn.Dense(4 * hidden, classes, key=of_last))

    def __call__(self, rows: Any) -> Any:
        features, counts = self.features(rows)
        outputs, _ = self.reader(features, lengths=counts)
        return self.last(summary(outputs, counts))

    def train(self, rows: Any, key: Any) -> tuple[Any, Self]:
        """Hide parts of the features, and drop units."""
        of_hiding, of_reader, of_last = split(key, 3)
        features, counts = self.features(rows)
        features = self.hiding(features, counts, of_hiding)
        (outputs, _), _ = self.reader.train(features, of_reader, lengths=counts)
        logits, _ = self.last.train(summary(outputs, counts), of_last)
        return logits, self


def summary(x: Any, counts: Any) -> Any:
    """Mean and maximum of each feature over the first `counts` steps of each row, side by side."""
    inside = (np.arange(x.shape[1]) < counts[:, None])[:, :, None]
    mean = np.sum(np.where(inside, x, 0), axis=1) / counts[:, None].astype(x.dtype)
    highest = np.max(np.where(inside, x, np.float32(-1e9)), axis=1)
    return np.concatenate([mean, highest], axis=1)
