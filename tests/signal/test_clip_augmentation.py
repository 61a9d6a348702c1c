"""Augmentation: what it does with known draws, its bounds, and that compiled code agrees."""

import numpy as np
import pytest

import chainrule as cr
from chainrule import random, signal


def ramps(rows=200, samples=60, length=40):
    x = np.zeros((rows, samples))
    x[:, :length] = np.arange(1, length + 1)
    return x, np.full(rows, length)


def test_without_changes_clips_stay():
    """No shift and no change of speed."""
    x, lengths = ramps()
    moved, ends = signal.random_shift_and_speed(x, lengths, random.key(0))
    assert (moved == x).all()
    assert (ends == lengths).all()


def test_speed_is_the_slope_of_a_ramp():
    """A ramp played faster is steeper and shorter; both by the same factor, within the bounds."""
    x, lengths = ramps()
    moved, ends = signal.random_shift_and_speed(x, lengths, random.key(1), max_speed_change=0.25)
    slopes = moved[:, 5] - moved[:, 4]
    np.testing.assert_allclose(moved[:, :20] - moved[:, :1], slopes[:, None] * np.arange(20),
                               atol=1e-9)  # fmt: skip
    assert 0.75 <= slopes.min() < 0.78 < 1.22 < slopes.max() <= 1.25
    np.testing.assert_array_equal(ends, np.minimum(np.ceil(40 / slopes), 60))
    for row, end in zip(moved, ends, strict=True):
        assert (row[int(end) :] == 0).all()


def test_shift_moves_a_clip():
    """Earlier or later by a tenth at most; what comes in is silence."""
    x, lengths = ramps()
    moved, ends = signal.random_shift_and_speed(x, lengths, random.key(2), max_shift=0.1)
    starts = moved[:, 10] - 11
    assert -4 <= starts.min() < -3.5 < 3.5 < starts.max() <= 4
    np.testing.assert_array_equal(ends, np.ceil(40 - starts))
    late = starts < -1
    assert (moved[late, 0] == 0).all()


def test_noise_has_the_level_that_was_asked_for():
    """20 dB below a clip of power 4 is a variance of 0.04; louder noise for louder clips."""
    x = np.full((50, 4000), 2.0)
    x[25:] *= 10
    noise = signal.random_noise(x, random.key(0), min_db=-20.0, max_db=-20.0) - x
    np.testing.assert_allclose(noise[:25].var(), 0.04, rtol=0.02)
    np.testing.assert_allclose(noise[25:].var(), 4.0, rtol=0.02)


def test_bands_are_hidden_in_all_frames():
    """One span of features, of all widths up to the largest, anywhere."""
    x = np.ones((2000, 3, 10))
    hidden = signal.frequency_masking(x, random.key(0), max_width=4) == 0
    assert (hidden == hidden[:, :1]).all()
    widths = hidden[:, 0].sum(axis=1)
    np.testing.assert_allclose(np.bincount(widths, minlength=5) / 2000, 0.2, atol=0.03)
    edges = np.diff(hidden[:, 0].astype(int), axis=1) != 0
    assert edges.sum(axis=1).max() <= 2
    assert hidden[:, 0].any(axis=0).all()


def test_times_are_hidden_within_the_clip():
    """At most a fifth of it, and never behind its end."""
    x = np.ones((500, 50, 2))
    lengths = np.where(np.arange(500) % 2, 50, 20)
    hidden = signal.time_masking(x, lengths, random.key(3), max_width=8, num_masks=2)[:, :, 0] == 0
    assert hidden[1::2].sum(axis=1).max() > 10
    assert hidden[::2].sum(axis=1).max() <= 8
    assert not hidden[::2, 20:].any()
    assert hidden[1::2, 40:].any()


def test_compiled_code_draws_the_same():
    """The same key, the same variant."""
    x, lengths = ramps(5)

    def vary(x, lengths, key):
        first, second, third = random.split(key, 3)
        x, lengths = signal.random_shift_and_speed(
            x, lengths, first, max_shift=0.2, max_speed_change=0.2
        )
        x = signal.random_noise(x, second)
        return signal.time_masking(x[:, :, None], lengths, third, max_width=5), lengths

    expected, ends = vary(x, lengths, random.key(5))
    found, found_ends = cr.jit(vary)(x, lengths, random.key(5))
    np.testing.assert_allclose(found, expected, atol=1e-12)
    assert (found_ends == ends).all()


def test_shares_are_checked():
    """A speed of 0 would never end."""
    x, lengths = ramps(2)
    with pytest.raises(ValueError, match="max_speed_change=1: give 0 or more and less than 1"):
        signal.random_shift_and_speed(x, lengths, random.key(0), max_speed_change=1)
