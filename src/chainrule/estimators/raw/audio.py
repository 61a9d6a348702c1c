"""`AudioClassifier`: recordings of any length to classes, such as short spoken commands."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ... import nn
from ...container import damaged
from ...data.audio import EXTENSIONS, SAMPLE_RATES, Recording, as_recordings, resample
from ...data.audio_datasets import audio_files
from ...data.moments import exponent
from ...errors import DataError
from ...random import split
from ...signal import change_speed, mel_filterbank, random_noise, random_shift_and_speed
from ..serialization.schema import fields, whole
from ..sklearn_private import Interval, StrOptions
from .audio_networks import (
    LOWEST,
    ConvNetwork,
    Hiding,
    MelFeatures,
    RecurrentNetwork,
    transform_length,
)
from .network import COUNT, FRACTION, NetworkClassifier, epochs_for_steps
from .quantized import QuantizeMixin

ENCODERS = ("conv", "gru")
CHANNELS = (16, 32, 48, 64)
HIDDEN, LAYERS = 64, 2
WINDOW, STEP = 0.025, 0.010  # seconds of a frame, and from one to the next
FRAMES = 8  # of a clip at least; shorter ones end in silence
LONGEST = 10.0  # seconds of a clip that are listened to
MOST_SAMPLES = 2**22
STEPS = 800  # of a training
EPOCHS = (20, 60)  # at least and at most
BATCH_SIZES = (16, 64)
COVERED = 98  # percent of the training clips that are heard whole
SILENCE = 1e-4  # of the loudest 10 ms' power: 40 dB below
VIEWS = (0.88, 1.0, 1.14)  # speeds at which a clip is heard for an answer
NOTHING = 1e-12  # power, where the largest sample is about 1: a constant offset's rounding
MARGIN = 2  # quiet blocks of 10 ms that stay at both ends


@dataclass(frozen=True)
class Speed:
    """A view of a batch: its clips played so much faster."""

    factor: float

    def __call__(self, rows: Any) -> Any:
        if self.factor == 1.0:
            return rows
        samples, lengths = change_speed(rows["samples"], rows["lengths"], self.factor)
        return {"lengths": lengths, "samples": samples}


class AudioClassifier(QuantizeMixin, NetworkClassifier):
    """A classifier for short recordings: spoken commands, sounds, tones.

    Recordings are paths of files, arrays of samples (whole numbers of up to 32 bits, or floats of
    any scale), or pairs ``(samples, samples a second)``, of any length; for `fit` and `score`, also
    a folder with a folder of recordings a class. They are brought to one sampling rate, silence at
    the ends is cut off, loudness is evened out, and a network listens to their log-mel features,
    which are part of its graph. In training each clip is met a little earlier or later, faster or
    slower, noisier, and with bands and spans hidden. An answer is the mean of those at three
    speeds: voices that were not met are higher or lower.

    Parameters
    ----------
    encoder : {"conv", "gru"}
        How features become an answer. "conv": four blocks of convolution over time and frequency,
        and mean and maximum over time. "gru": two layers of recurrent units in both directions.
        Default "conv".
    sample_rate : int or None
        What recordings are brought to, and the rate of arrays that come without one. None: the
        commonest of the training files.
    n_mels : int
        Mel bands of the features. Default 40.
    normalize : {"bands", "level"}
        What is taken away of a clip's features: each band's mean over time, which makes voices and
        microphones more alike, or one mean of all bands. Steady sounds, such as tones or machines,
        are nothing but the former: give "level" for them. Default "bands".
    max_seconds : float or None
        What is heard of a clip, 0.1 to 10; of a longer one the part about the middle of its
        energy. None: so much that 98 % of the training clips are heard whole.
    dropout : float
        Share of the features before the last layer that a step leaves out. Default 0.3.
    shift, speed : float
        Largest shift as part of a clip, and largest change of speed, in training. Default 0.1 and
        0.2. Without changes of speed, answers are those at the speed of the recording alone.
    noise : float or None
        Decibels of the loudest noise that training adds, from the clip's own level. Default -5;
        None: no noise.
    freq_mask, time_mask : int
        SpecAugment: most mel bands, and most frames of 10 ms, that a step masks. Default 10 and 15.
    epochs : int or None
        How often to hear all clips, at most. None: 20 to 60, so that there are 800 steps.
    batch_size : int or None
        Clips a step. None: 64, and of fewer than 1,024 clips a 16th, 16 at least.
    learning_rate, weight_decay, label_smoothing, class_weight, ema
        See `NetworkClassifier`. Default 0.004, 0.02, 0.1, None, None.
    validation_fraction, patience
        See `NetworkClassifier`. Default 0: all rows are trained on, and the last epoch counts.
    random_state, n_threads, progress, callbacks, checkpoint, checkpoint_interval
        See `NetworkClassifier`.

    Attributes
    ----------
    sample_rate_ : int
        Samples a second that the network listens to.
    samples_ : int
        Samples of a clip that it listens to.
    classes_, module_, history_, loss_curve_, n_iter_, best_epoch_, stopped_
        See `NetworkClassifier`.

    References
    ----------
    T. N. Sainath, C. Parada: "Convolutional neural networks for small-footprint keyword spotting",
    Interspeech (2015); D. S. Park et al.: "SpecAugment", arXiv:1904.08779 (2019); T. Ko et al.:
    "Audio augmentation for speech recognition", Interspeech (2015).

    Examples
    --------
    >>> import numpy as np
    >>> time = np.arange(2000) / 8000
    >>> low = [np.sin(2 * np.pi * f * time) for f in range(200, 400, 10)]
    >>> high = [np.sin(2 * np.pi * f * time) for f in range(1000, 2000, 50)]
    >>> model = AudioClassifier(sample_rate=8000, normalize="level", epochs=8, batch_size=8,
    ...                         random_state=0)
    >>> model = model.fit(low + high, ["low"] * 20 + ["high"] * 20)
    >>> model.predict([np.sin(2 * np.pi * f * time[:1500]) for f in (305, 1510)]).tolist()
    ['low', 'high']
    """

    endings: ClassVar[tuple[str, ...]] = EXTENSIONS  # of files in a folder that it reads
    _parameter_constraints: ClassVar[dict[str, Any]] = {
        **NetworkClassifier._parameter_constraints,
        "encoder": [StrOptions(set(ENCODERS))],
        "sample_rate": [Interval(Integral, *SAMPLE_RATES, closed="both"), None],
        "n_mels": [Interval(Integral, 8, 256, closed="both")],
        "normalize": [StrOptions({"bands", "level"})],
        "epochs": [*COUNT, None],
        "batch_size": [*COUNT, None],
        "max_seconds": [Interval(Real, 0.1, LONGEST, closed="both"), None],
        "dropout": FRACTION,
        "shift": FRACTION,
        "speed": FRACTION,
        "noise": [Interval(Real, -100, 40, closed="both"), None],
        "freq_mask": [Interval(Integral, 0, 256, closed="both")],
        "time_mask": [Interval(Integral, 0, 1000, closed="both")],
    }

    def __init__(
        self,
        encoder: str = "conv",
        *,
        sample_rate: int | None = None,
        n_mels: int = 40,
        normalize: str = "bands",
        max_seconds: float | None = None,
        dropout: float = 0.3,
        shift: float = 0.1,
        speed: float = 0.2,
        noise: float | None = -5.0,
        freq_mask: int = 10,
        time_mask: int = 15,
        epochs: int | None = None,
        batch_size: int | None = None,
        learning_rate: float = 0.004,
        weight_decay: float = 0.02,
        label_smoothing: float = 0.1,
        class_weight: Any = None,
        ema: float | None = None,
        validation_fraction: float = 0.0,
        patience: int | None = None,
        random_state: Any = None,
        n_threads: int | None = None,
        progress: bool = True,
        callbacks: Any = None,
        checkpoint: str | Path | None = None,
        checkpoint_interval: float = 10.0,
    ) -> None:
        self._set(locals())

    # From recordings to rows

    def _labelled(self, X: Any, y: Any) -> tuple[Any, Any]:
        if isinstance(X, (str, Path)):
            if y is not None:
                raise DataError(f"{X} is a folder, whose folders name the classes: leave out y")
            return audio_files(X)
        return super()._labelled(X, y)

    def _read(self, X: Any) -> list[Recording]:
        return as_recordings(X)

    def _learn(self, X: list[Recording], y: Any) -> None:
        rates = Counter(sound.rate for sound in X if sound.rate is not None)
        rate = self.sample_rate or max(rates, key=lambda rate: (rates[rate], rate), default=None)
        if rate is None:
            raise DataError(
                "arrays do not tell their sampling rate: AudioClassifier(sample_rate=8000), or "
                "give pairs (samples, 8000)"
            )
        self.sample_rate_ = int(rate)
        self._check_bands()
        if self.max_seconds is not None:
            samples = round(self.max_seconds * self.sample_rate_)
        else:
            seconds = [_loud(sound.samples, self._rate(sound)).size / self._rate(sound)
                       for sound in X]  # fmt: skip
            samples = round(min(np.percentile(seconds, COVERED), LONGEST) * self.sample_rate_)
        self.samples_ = max(self._fewest(), samples)

    def _check_bands(self) -> None:
        """Raise a `DataError` if low rates leave a band without a frequency of its own."""
        bins = transform_length(self._frame()[0]) // 2 + 1
        try:
            mel_filterbank(bins, self.n_mels, self.sample_rate_, f_min=LOWEST)
        except ValueError:
            raise DataError(
                f"n_mels={self.n_mels} are too many bands for {self.sample_rate_} samples a "
                "second: give fewer, or a higher sample_rate"
            ) from None

    def _rows(self, X: list[Recording]) -> dict[str, Any]:
        samples = np.zeros((len(X), self.samples_), np.float32)
        lengths = np.zeros(len(X), np.int32)
        for row, sound in enumerate(X):
            clip = self._prepared_clip(sound)
            samples[row, : len(clip)], lengths[row] = clip, len(clip)
        return {"lengths": lengths, "samples": samples}

    def _prepared_clip(self, sound: Recording) -> Any:
        """A clip at the model's rate, without silence at its ends, cut to length, of power 1."""
        clip = resample(sound.samples, self._rate(sound), self.sample_rate_)
        clip = _about_its_middle(_loud(clip, self.sample_rate_), self.samples_)
        clip = clip.astype(np.float64)
        clip = np.ldexp(clip, -exponent(clip))  # the unit does not matter, nor does it change a bit
        clip = clip - np.mean(clip)
        power = float(np.mean(np.square(clip)))
        return clip / np.sqrt(power) if power > NOTHING else clip

    def _rate(self, sound: Recording) -> int:
        return self.sample_rate_ if sound.rate is None else sound.rate

    def _frame(self) -> tuple[int, int]:
        """Samples of a frame, and from one to the next."""
        return round(WINDOW * self.sample_rate_), round(STEP * self.sample_rate_)

    def _fewest(self) -> int:
        """Samples of a clip of as many frames as the network halves to one."""
        size, step = self._frame()
        return size + (FRAMES - 1) * step

    # The network

    def schedule(self, n_samples: int) -> tuple[int, int]:
        """How long `fit` trains on so many clips: the number of epochs, and the batch size."""
        batch_size = int(self.batch_size or np.clip(n_samples // 16, *BATCH_SIZES))
        epochs = self.epochs or epochs_for_steps(n_samples, batch_size, STEPS, EPOCHS)
        return int(epochs), batch_size

    def _augment(self, rows: Any, key: Any) -> Any:
        shift_key, noise_key = split(key)
        samples, lengths = rows["samples"], rows["lengths"]
        if self.shift or self.speed:
            samples, lengths = random_shift_and_speed(
                samples, lengths, shift_key, max_shift=self.shift, max_speed_change=self.speed
            )
        if self.noise is not None:
            samples = random_noise(
                samples, noise_key, min_db=min(-60.0, self.noise), max_db=self.noise
            )
        return {"lengths": lengths, "samples": samples}

    def _views(self) -> tuple[Speed, ...]:
        return tuple(Speed(factor) for factor in VIEWS) if self.speed else ()

    def make_module(self, key: Any) -> nn.Module:
        features = MelFeatures(
            self.sample_rate_, *self._frame(), self.n_mels, self.normalize == "bands"
        )
        hiding, classes = Hiding(self.freq_mask, self.time_mask), len(self.classes_)
        if self.encoder == "conv":
            return ConvNetwork(features, hiding, CHANNELS, classes, self.dropout, key=key)
        return RecurrentNetwork(features, hiding, HIDDEN, LAYERS, classes, self.dropout, key=key)

    # The model file

    def preprocessing_state(self) -> tuple[dict[str, Any], dict[str, Any]]:
        return {"rate": self.sample_rate_, "samples": self.samples_}, {}

    def restore_preprocessing(self, state: dict[str, Any], arrays: Any) -> None:
        checked = fields({"rate": whole(*SAMPLE_RATES), "samples": whole(1, MOST_SAMPLES)})(
            state, "what was prepared"
        )
        self.sample_rate_, self.samples_ = checked["rate"], checked["samples"]
        if self.samples_ < self._fewest() or self.samples_ > LONGEST * self.sample_rate_ + 1:
            raise damaged(f"it listens to {self.samples_} samples at {self.sample_rate_} a second")
        types = self.row_types_
        shapes = {"lengths": ((0,), "int32"), "samples": ((0, self.samples_), "float32")}
        arrays_by_name = types.items() if isinstance(types, dict) else ()
        if {name: (array.shape, array.dtype.name) for name, array in arrays_by_name} != shapes:
            raise damaged("its rows are not samples and lengths")


def _loud(samples: Any, rate: int) -> Any:
    """A clip without the silence at its ends, all of it if there is nothing else."""
    block = max(1, round(rate * STEP))
    count = len(samples) // block
    if count < 2:
        return samples
    blocks = samples[: count * block].reshape(count, block)
    power = np.var(blocks, axis=1, dtype=np.float64)  # a constant offset is no sound
    loud = np.flatnonzero(power > SILENCE * power.max())
    if not len(loud):
        return samples
    return samples[max(0, loud[0] - MARGIN) * block : (loud[-1] + 1 + MARGIN) * block]


def _about_its_middle(samples: Any, longest: int) -> Any:
    """The part of a longer clip about the middle of its energy."""
    if len(samples) <= longest:
        return samples
    energy = np.cumsum(np.square(samples, dtype=np.float64))
    middle = int(np.searchsorted(energy, energy[-1] / 2))
    start = min(max(0, middle - longest // 2), len(samples) - longest)
    return samples[start : start + longest]
