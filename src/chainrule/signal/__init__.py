"""Signals as NumPy code: spectra, mel features, and noise that training adds.

Everything here is plain NumPy with known sizes, so it runs on arrays, is differentiated and
compiles like the network behind it: ``grad`` may go from a loss back to the samples.
"""

from .augmentation import added_noise, at_speed, hidden_bands, hidden_times, moved_clips
from .mel import hertz_to_mel, log_mel, mel_filterbank, mel_to_hertz, mfcc
from .spectrum import dct, fourier_matrices, frames, hann, power_spectrum, stft

__all__ = [
    "added_noise",
    "at_speed",
    "dct",
    "fourier_matrices",
    "frames",
    "hann",
    "hertz_to_mel",
    "hidden_bands",
    "hidden_times",
    "log_mel",
    "mel_filterbank",
    "mel_to_hertz",
    "mfcc",
    "moved_clips",
    "power_spectrum",
    "stft",
]
