"""Philox against the known answers of its authors, and what keys promise."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from chainrule import random
from chainrule.errors import DtypeError, ShapeError
from chainrule.random.philox import counter_words
from chainrule.transforms.compiling.jit import jit

# Random123's kat_vectors, philox4x32 with 10 rounds: counter, key, result
KNOWN = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_known_answers(counter, key, expected):
    """The words are Random123's own, computed at once and traced, without an overflow warning."""
    c = np.array(counter, np.uint32)
    args = np.array(key, np.uint32), c[[0, 2]][:, None], c[[1, 3]][:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert expected == counter_words(*args)[0].tolist()
        assert expected == jit(counter_words)(*args)[0].tolist()


def test_key_is_the_seed_in_two_words():
    """Low word first; the whole range of 64 bits is taken."""
    assert [1, 0] == random.key(1).tolist()
    assert [0, 1] == random.key(2**32).tolist()
    assert [0xFFFFFFFF] * 2 == random.key(np.uint64(2**64 - 1)).tolist()


@pytest.mark.parametrize("seed", [-1, 2**64])
def test_seed_out_of_range(seed):
    with pytest.raises(ValueError, match=r"is not in 0 \.\.\. 2\*\*64 - 1"):
        random.key(seed)


@pytest.mark.parametrize("seed", [1.0, "1", None])
def test_seed_of_another_type(seed):
    with pytest.raises(DtypeError, match="give a whole number"):
        random.key(seed)


def test_children_are_distinct():
    """No child of split or fold_in equals another, nor any word that the key itself draws."""
    key = random.key(3)
    folded = [random.fold_in(key, k) for k in range(100)]
    keys = {tuple(child.tolist()) for child in (*random.split(key, 100), *folded, key)}
    assert 201 == len(keys)
    drawn = set(random.bits(key, 400).tolist())
    assert not drawn & {word for child in keys for word in child}


def test_split_is_a_prefix():
    """The first keys do not depend on how many are made; neither do drawn bits."""
    key = random.key(11)
    assert np.array_equal(random.split(key, 9)[:4], random.split(key, 4))
    assert np.array_equal(random.bits(key, 103)[:50], random.bits(key, (5, 10)).ravel())
    assert (0, 2) == random.split(key, 0).shape


def test_fold_in_takes_every_whole_number():
    """Python, NumPy and traced numbers agree modulo 2**64; the high word counts."""
    key = random.key(0)
    for number in (0, 7, -1, 2**40, 2**63 - 1):
        expected = random.fold_in(key, number).tolist()
        assert expected == random.fold_in(key, np.int64(number)).tolist()
        assert expected == jit(random.fold_in)(key, np.int64(number)).tolist()
    assert random.fold_in(key, 2**40).tolist() != random.fold_in(key, 0).tolist()
    for wrong in (1.0, np.array([1, 2]), "a"):
        with pytest.raises(DtypeError, match="fold_in takes one whole number"):
            random.fold_in(key, wrong)
    with pytest.raises(DtypeError, match=r"one for each key of uint32\[3, 2\]"):
        random.fold_in(random.split(key, 3), np.arange(2))


def test_a_key_must_be_one():
    """What is not uint32[..., 2] is refused, with what to do."""
    for wrong in (0, [0, 0], np.zeros(2), np.zeros(2, np.int64)):
        with pytest.raises(DtypeError, match=r"make one with random\.key\(0\)"):
            random.bits(wrong, 3)
    for shape in ((), (3,), (2, 4)):
        with pytest.raises(ShapeError, match=r"many are uint32\[\.\.\., 2\], not uint32\["):
            random.uniform(np.zeros(shape, np.uint32), 3)


def test_shapes():
    """Sizes may be NumPy's; zero sizes draw nothing; negative ones are errors."""
    key = random.key(0)
    assert (0, 3) == random.bits(key, (0, 3)).shape
    assert (2, 3) == random.bits(key, [np.int64(2), 3]).shape
    assert isinstance(random.bits(key), np.uint32)
    with pytest.raises(ShapeError, match="negative"):
        random.bits(key, (2, -1))
    with pytest.raises(DtypeError, match="whole number or a tuple"):
        random.bits(key, 2.5)
