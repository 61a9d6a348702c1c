"""Audio signals as NumPy code: spectra, mel features, and random changes for training.

Everything here is plain NumPy with known sizes, so it runs on arrays, is differentiated, and
compiles with the network that follows it: ``grad`` may go from a loss back to the samples.
"""

from .augmentation import (
    change_speed,
    frequency_masking,
    random_noise,
    random_shift_and_speed,
    time_masking,
)
from .mel import hz_to_mel, log_mel_spectrogram, mel_filterbank, mel_to_hz, mfcc
from .spectrum import dct_matrix, dft_matrices, frame, hann_window, power_spectrum, stft

__all__ = [
    "change_speed",
    "dct_matrix",
    "dft_matrices",
    "frame",
    "frequency_masking",
    "hann_window",
    "hz_to_mel",
    "log_mel_spectrogram",
    "mel_filterbank",
    "mel_to_hz",
    "mfcc",
    "power_spectrum",
    "random_noise",
    "random_shift_and_speed",
    "stft",
    "time_masking",
]
