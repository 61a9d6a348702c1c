"""Mel features against formulas written anew in float64, and torchaudio's if it is there."""

import math

import numpy as np
import pytest
import scipy.fft

import chainrule as cr
from chainrule import signal

RNG = np.random.default_rng(11)


def by_loops(bins, mels, rate, low, high):
    """Each weight by itself: triangles on HTK's scale."""

    def mel(f):
        return 1127.0 * math.log(1 + f / 700)  # 2595 log10, but for its rounding: 1127.01

    edges = [
        700 * (math.exp((mel(low) + k * (mel(high) - mel(low)) / (mels + 1)) / 1127) - 1)
        for k in range(mels + 2)
    ]
    bank = np.zeros((bins, mels))
    for k in range(bins):
        f = k * rate / 2 / (bins - 1)
        for m in range(mels):
            left, top, right = edges[m : m + 3]
            if left < f <= top:
                bank[k, m] = (f - left) / (top - left)
            elif top < f < right:
                bank[k, m] = (right - f) / (right - top)
    return bank


@pytest.mark.parametrize(
    ("bins", "mels", "rate", "low", "high"),
    [(129, 40, 8000, 60.0, 4000.0), (257, 64, 16000, 0.0, 8000.0), (33, 4, 22050, 100.0, 9000.0)],
)
def test_filters_are_triangles_in_mel(bins, mels, rate, low, high):
    """Where they begin, peak and end; the scale is that of HTK."""
    found = signal.mel_filterbank(bins, mels, rate, f_min=low, f_max=high)
    np.testing.assert_allclose(found, by_loops(bins, mels, rate, low, high), atol=1e-6)


def test_filters_are_torchaudios():
    """melscale_fbanks with its defaults, to the digits of float32."""
    torchaudio = pytest.importorskip("torchaudio", reason="torchaudio is not installed")
    expected = torchaudio.functional.melscale_fbanks(129, 60.0, 4000.0, 40, 8000).numpy()
    found = signal.mel_filterbank(129, 40, 8000, f_min=60.0, f_max=4000.0)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_the_scale_and_its_inverse():
    """1000 Hz are about 1000 mel; there and back."""
    assert abs(signal.hz_to_mel(1000.0) - 1000) < 0.02
    f = np.linspace(0, 8000, 50)
    np.testing.assert_allclose(signal.mel_to_hz(signal.hz_to_mel(f)), f, atol=1e-9)


def test_features_are_those_of_the_formula():
    """log(triangles of |rfft|**2), and its cosines."""
    x = RNG.normal(size=(2, 700))
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(200) / 200)
    cut = np.stack([x[:, t : t + 200] * window for t in range(0, 501, 80)], axis=1)
    power = np.abs(np.fft.rfft(cut, 256)) ** 2
    expected = np.log(power @ by_loops(129, 20, 8000, 0.0, 4000.0) + 1e-10)
    settings = {"win_length": 200, "hop_length": 80, "n_mels": 20, "n_fft": 256}
    found = signal.log_mel_spectrogram(x, 8000, **settings)
    assert found.shape == (2, 7, 20)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    cepstrum = scipy.fft.dct(expected, type=2, norm="ortho")[..., :13]
    np.testing.assert_allclose(signal.mfcc(x, 8000, **settings), cepstrum, atol=1e-4)


@pytest.mark.parametrize("frequency", [300.0, 1000.0, 2500.0])
def test_a_tone_is_in_its_band(frequency):
    """The loudest band is the one whose peak is nearest in mel."""
    x = np.sin(2 * np.pi * frequency * np.arange(1600) / 8000)
    features = signal.log_mel_spectrogram(x, 8000, win_length=256, hop_length=80, n_mels=24)
    peaks = np.linspace(0, signal.hz_to_mel(4000.0), 26)[1:-1]
    nearest = np.abs(peaks - signal.hz_to_mel(frequency)).argmin()
    assert set(features.argmax(axis=-1)) == {nearest}


def test_features_are_differentiated_and_compiled():
    """From the samples on; silence has a gradient too, of 0."""
    x = RNG.normal(size=(2, 80))

    def features(x):
        return signal.mfcc(x, 8000, win_length=32, hop_length=12, n_mels=6, n_mfcc=4)

    cr.check_grads(features, (x,))
    np.testing.assert_allclose(cr.jit(features)(x), features(x), rtol=1e-11, atol=1e-11)
    slope = cr.grad(lambda x: np.sum(features(x)))(np.zeros((1, 40)))
    assert (slope == 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: signal.mel_filterbank(129, 10, 8000, f_min=500, f_max=400), "0 <= f_min < f_max"),
        (lambda: signal.mel_filterbank(129, 10, 8000, f_max=5000), "half the sampling rate"),
        (lambda: signal.mel_filterbank(33, 60, 8000), "lies between two of 33 frequencies"),
        (
            lambda: signal.log_mel_spectrogram(
                np.zeros(99), 8000, win_length=32, hop_length=8, n_mels=6, eps=0.0
            ),
            "eps=0",
        ),
    ],
)
def test_mistakes_are_told(call, words):
    """What was wrong, and what to do."""
    with pytest.raises(ValueError, match=words):
        call()
