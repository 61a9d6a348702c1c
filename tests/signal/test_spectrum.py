"""Spectra against NumPy's and SciPy's transforms, energies, tones, and central differences."""

import numpy as np
import pytest
import scipy.fft
import scipy.signal

import chainrule as cr
from chainrule import signal
from chainrule.errors import DtypeError, ShapeError

RNG = np.random.default_rng(7)


def by_rfft(x, size, hop, length):
    """Frames one by one, NumPy's fast transform."""
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    count = 1 + (x.shape[-1] - size) // hop
    cut = np.stack([x[..., t * hop : t * hop + size] for t in range(count)], axis=-2)
    return np.fft.rfft(cut * window, length)


@pytest.mark.parametrize(
    ("samples", "size", "hop", "length"),
    [(100, 16, 4, 16), (101, 16, 5, 32), (40, 7, 7, 7), (33, 9, 12, 9), (16, 16, 3, 16),
     (500, 200, 80, 256), (5, 1, 1, 1)],
)  # fmt: skip
def test_stft_is_the_fast_transform_of_each_frame(samples, size, hop, length):
    """Whatever divides whatever; both parts, with zeros after the frame."""
    x = RNG.normal(size=(2, 3, samples))
    expected = by_rfft(x, size, hop, length)
    real, imaginary = signal.stft(x, size, hop, n_fft=length)
    np.testing.assert_allclose(real, expected.real, atol=1e-12)
    np.testing.assert_allclose(imaginary, expected.imag, atol=1e-12)


def test_stft_is_scipys():
    """scipy.signal.stft without padding, times the window's sum, by which it divides."""
    x = RNG.normal(size=(3, 400))
    _, _, expected = scipy.signal.stft(
        x, window="hann", nperseg=64, noverlap=48, boundary=None, padded=False
    )
    real, imaginary = signal.stft(x, 64, 16)
    found = np.swapaxes(real + 1j * imaginary, -1, -2) / signal.hann_window(64).sum()
    np.testing.assert_allclose(found, expected, atol=1e-13)


def test_hann_windows_are_scipys_and_add_up_to_1():
    """Periodic, so that windows half a length apart sum to 1."""
    np.testing.assert_allclose(
        signal.hann_window(50), scipy.signal.get_window("hann", 50), atol=1e-15
    )
    np.testing.assert_allclose(
        signal.hann_window(50)[:25] + signal.hann_window(50)[25:], 1.0, atol=1e-15
    )


def test_energies_are_equal_in_time_and_frequency():
    """Parseval: the sum over all bins is the frame's energy times the length."""
    x = RNG.normal(size=64)
    power = signal.power_spectrum(x, 64, 64)[0]
    both_sides = power[0] + power[-1] + 2 * power[1:-1].sum()
    expected = 64 * np.sum((x * signal.hann_window(64)) ** 2)
    np.testing.assert_allclose(both_sides, expected, rtol=1e-13)


@pytest.mark.parametrize("bin_", [1, 5, 20, 31])
def test_a_tone_is_in_its_bin(bin_):
    """k turns a frame are bin k, with a quarter of the power in each neighbour."""
    x = np.cos(2 * np.pi * bin_ * np.arange(256) / 64 + 0.3)
    power = signal.power_spectrum(x, 64, 32)
    assert (power.argmax(axis=-1) == bin_).all()
    if bin_ not in (1, 31):  # whose mirror images meet them
        np.testing.assert_allclose(power[:, bin_ + 1] / power[:, bin_], 0.25, rtol=1e-12)


def test_dct_is_scipys_and_orthonormal():
    """Type II; all of it is a rotation."""
    x = RNG.normal(size=(4, 13))
    expected = scipy.fft.dct(x, type=2, norm="ortho")
    np.testing.assert_allclose(x @ signal.dct_matrix(13, 13), expected, atol=1e-14)
    np.testing.assert_allclose(x @ signal.dct_matrix(13, 5), expected[:, :5], atol=1e-14)
    np.testing.assert_allclose(
        signal.dct_matrix(13, 13).T @ signal.dct_matrix(13, 13), np.eye(13), atol=1e-14
    )


def test_spectra_are_differentiated_and_compiled():
    """Both modes against central differences; compiled code gives the same numbers."""
    x = RNG.normal(size=(2, 45))

    def spectrum(x):
        return signal.power_spectrum(x, 12, 5, n_fft=16)

    cr.check_grads(spectrum, (x,))
    np.testing.assert_allclose(cr.jit(spectrum)(x), spectrum(x), rtol=1e-12, atol=1e-12)
    single = x.astype(np.float32)
    assert spectrum(single).dtype == np.float32
    np.testing.assert_allclose(cr.jit(spectrum)(single), spectrum(x), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: signal.stft(np.zeros(5), 8, 4), ShapeError, "5 samples, and a frame takes 8"),
        (lambda: signal.stft(np.zeros(9, int), 8, 4), DtypeError, "divide 16-bit samples"),
        (lambda: signal.stft([0.0] * 9, 8, 4), DtypeError, "not list"),
        (lambda: signal.stft(np.float64(0.0), 8, 4), ShapeError, "..., samples"),
        (lambda: signal.stft(np.zeros(9), 8, 0), ValueError, "hop_length=0"),
        (lambda: signal.stft(np.zeros(9), 8.0, 1), ValueError, "win_length=8.0"),
        (lambda: signal.stft(np.zeros(9), 8, 1, n_fft=4), ValueError, "give 8 or more"),
        (lambda: signal.dct_matrix(4, 5), ValueError, "no more than 4"),
    ],
)
def test_mistakes_are_told(call, error, words):
    """What was wrong, and what to do."""
    with pytest.raises(error, match=words):
        call()
