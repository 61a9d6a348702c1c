"""Many keys draw what each draws alone: every function, in NumPy and compiled, bit for bit."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule import random
from chainrule.errors import ShapeError

pytestmark = pytest.mark.usefixtures("_unoptimised")

LOGITS = np.log([[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]])
P = np.array([0.5, 0.0, 0.3, 0.15, 0.05])
DRAWS = {
    "split": lambda key, shape: random.split(key, 3),
    "fold_in": lambda key, shape: random.fold_in(key, 2**40 + 7),
    "bits": random.bits,
    "uniform": random.uniform,
    "uniform32": lambda key, shape: random.uniform(key, shape, np.float32, -1.0, 3.0),
    "normal": lambda key, shape: random.normal(key, shape, np.float64, 1.0, 2.0),
    "normal32": lambda key, shape: random.normal(key, shape, np.float32),
    "randint": lambda key, shape: random.randint(key, shape, -128, 128, np.int8),
    "bernoulli": lambda key, shape: random.bernoulli(key, 0.3, shape),
    "bernoulli of p": lambda key, shape: random.bernoulli(key, P),
    "exponential": random.exponential,
    "gumbel": lambda key, shape: random.gumbel(key, shape, np.float32),
    "symmetric_beta": lambda key, shape: random.symmetric_beta(key, 0.4, shape),
    "permutation": lambda key, shape: random.permutation(key, 7),
    "categorical": lambda key, shape: random.categorical(key, LOGITS, shape=(*shape, 2)),
    "categorical of columns": lambda key, shape: random.categorical(key, LOGITS.T, axis=0),
    "choice": lambda key, shape: random.choice(key, 9, shape),
    "choice with p": lambda key, shape: random.choice(key, np.arange(10, 15), shape, p=P),
    "columns": lambda key, shape: random.choice(key, LOGITS, shape, axis=1),
    "last axis": lambda key, shape: random.choice(key, LOGITS, shape, axis=-1),
    "each once": lambda key, shape: random.choice(key, 5, shape[:1], replace=False),
    "each once with p": lambda key, shape: random.choice(key, np.eye(5), 4, False, P),
}


def keys_of(leading):
    return random.bits(random.key(5), (*leading, 2))


def each_alone(draw, keys):
    """The draws of single keys, stacked."""
    alone = np.array([draw(key) for key in keys.reshape(-1, 2)])
    return alone.reshape((*keys.shape[:-1], *alone.shape[1:]))


@pytest.mark.parametrize("name", DRAWS)
@settings(max_examples=15, deadline=None, derandomize=True)
@given(
    leading=st.lists(st.integers(1, 4), min_size=0, max_size=3).map(tuple),
    shape=st.lists(st.integers(0, 4), min_size=0, max_size=2).map(tuple),
)
def test_many_keys_in_numpy(name, leading, shape):
    keys = keys_of(leading)
    draw = lambda key: DRAWS[name](key, shape)  # noqa: E731
    expected, actual = each_alone(draw, keys), draw(keys)
    assert (expected.shape, expected.dtype) == (actual.shape, actual.dtype)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("name", DRAWS)
@pytest.mark.parametrize(("leading", "shape"), [((37,), (3,)), ((1, 5), (2, 3))])
def test_many_keys_compiled(name, leading, shape):
    keys = keys_of(leading)
    draw = cr.jit(lambda key: DRAWS[name](key, shape))
    expected, actual = each_alone(draw, keys), draw(keys)
    assert (expected.shape, expected.dtype) == (actual.shape, actual.dtype)
    np.testing.assert_array_equal(actual, expected)


def test_numbers_folded_into_each_key():
    """One number a key, or one for all: the keys of each alone, in NumPy and compiled."""
    keys = keys_of((2, 3))
    data = np.array([[0, 1, 2], [-1, 2**40, 7]])
    expected = [[random.fold_in(keys[i, j], data[i, j]).tolist() for j in range(3)] for i in (0, 1)]
    for fold in (random.fold_in, cr.jit(random.fold_in)):
        assert expected == fold(keys, data).tolist()
        assert expected[1][2] == fold(keys, np.int64(7))[1, 2].tolist()


def test_a_row_of_logits_each_key():
    """n keys and n rows of logits are n draws; their parameters broadcast against the result."""
    keys = keys_of((2,))
    drawn = random.categorical(keys, LOGITS, shape=())
    assert drawn.tolist() == [int(random.categorical(keys[k], LOGITS[k])) for k in range(2)]
    likely = random.bernoulli(keys, np.array([1.0, 0.0]), ())
    assert [True, False] == likely.tolist()
    with pytest.raises(ShapeError, match=r"shape=\(3,\) does not end with \(2,\)"):
        random.categorical(keys_of((3,)), LOGITS, shape=())


def test_no_keys():
    """Of no keys nothing is drawn, with the shapes and dtypes of draws."""
    none = np.zeros((0, 2), np.uint32)
    assert (0, 3) == random.uniform(none, 3).shape
    assert (0, 4, 2) == random.split(none, 4).shape
