"""Distributions against SciPy's, and traced against untraced."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from chainrule import random
from chainrule.errors import DtypeError
from chainrule.transforms.compiling.jit import jit
from chainrule.transforms.differentiating.gradient import grad

N = 20_000
DRAWS = {
    "split": lambda key: random.split(key, 3),
    "bits": lambda key: random.bits(key, (3, 5)),
    "uniform": lambda key: random.uniform(key, (3, 5)),
    "uniform32": lambda key: random.uniform(key, 7, np.float32, -1.0, 3.0),
    "uniform16": lambda key: random.uniform(key, 7, np.float16),
    "normal": lambda key: random.normal(key, 7),
    "normal32": lambda key: random.normal(key, (), np.float32, 1.0, 2.0),
    "randint": lambda key: random.randint(key, 7, -128, 128, np.int8),
    "bernoulli": lambda key: random.bernoulli(key, 0.3, 7),
    "symmetric_beta": lambda key: random.symmetric_beta(key, 0.4, (3, 5)),
    "symmetric_beta32": lambda key: random.symmetric_beta(key, 2.0, 7, np.float32),
    "permutation": lambda key: random.permutation(key, 7),
}


@pytest.mark.parametrize("name", DRAWS)
def test_traced_is_untraced(name):
    """A graph draws what NumPy draws, of the same type, for a traced key.

    Bit for bit, but for the functions in normal and beta numbers.
    """
    for seed in range(3):
        expected = DRAWS[name](random.key(seed))
        found = jit(DRAWS[name])(random.key(seed))
        assert type(expected) is type(found)
        assert (expected.dtype, expected.shape) == (found.dtype, found.shape)
        if name.startswith("normal"):
            np.testing.assert_array_max_ulp(expected, found, 8)
        elif name.startswith("symmetric_beta"):
            np.testing.assert_allclose(found, expected, rtol=100 * np.finfo(found.dtype).eps)
        else:
            assert np.array_equal(expected, found)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_kolmogorov_smirnov(dtype, seed):
    """The distance to the true distribution is what chance gives 99.9 % of the time."""
    limit = 1.95 / np.sqrt(N)  # Kolmogorov's 0.001 quantile
    key = random.key(seed)
    u = random.uniform(key, N, dtype, -2.0, 3.0)
    assert stats.kstest(u, stats.uniform(-2.0, 5.0).cdf).statistic < limit
    z = random.normal(key, N, dtype, 1.0, 2.0)
    assert stats.kstest(z, stats.norm(1.0, 2.0).cdf).statistic < limit
    assert dtype == u.dtype == z.dtype


def test_normal_is_that_of_box_and_muller():
    """sqrt(-2 log(1 - u)) times cosine, then sine, of 2 pi v: u and v are the key's numbers."""
    key = random.key(6)
    u, v = random.uniform(key, (2, 4))
    radius = np.sqrt(-2.0 * np.log1p(-u))
    expected = np.concatenate([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)])
    np.testing.assert_allclose(random.normal(key, 8), expected, rtol=1e-13)
    np.testing.assert_array_equal(random.normal(key, 8)[:7], random.normal(key, 7))


def test_normal_is_finite_where_the_uniform_number_is_0():
    """One of 2,048 float16 numbers is 0, whose logarithm would be infinite."""
    key = random.key(7)
    assert 0.0 == random.uniform(key, 2 * N, np.float16)[:N].min()
    assert np.isfinite(random.normal(key, 2 * N, np.float16)).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("alpha", [0.1, 0.4, 0.5, 1.0, 2.0, 30.0])
def test_symmetric_beta(alpha, dtype):
    """The half below 1/2 follows the true distribution, is a half, and all moments are right.

    Above, numbers within a rounding of 1 are 1, which the distance would count as a jump.
    """
    drawn = random.symmetric_beta(random.key(4), alpha, N, dtype)
    assert dtype == drawn.dtype and drawn.min() >= 0 and drawn.max() <= 1
    true = stats.beta(alpha, alpha)
    low = drawn[drawn < 0.5].astype(float)
    assert abs(len(low) - N / 2) < 4 * np.sqrt(N) / 2
    if dtype is np.float64 or alpha > 0.1:  # float32 ends at 1e-45, where 1e-4 of alpha 0.1 lies
        statistic = stats.kstest(low, lambda x: 2 * true.cdf(x)).statistic
        assert statistic < 1.95 / np.sqrt(len(low))
    for power in (1, 2, 4):
        values = drawn.astype(float) ** power
        limit = 4 * np.sqrt((true.moment(2 * power) - true.moment(power) ** 2) / N)
        assert abs(values.mean() - true.moment(power)) < limit


def test_symmetric_beta_of_many_alphas():
    """One a row; differentiable by them; the logarithm near 0 has its digits."""
    alphas = np.array([[0.2], [1.0], [5.0]])
    drawn = random.symmetric_beta(random.key(1), alphas, (3, N))
    np.testing.assert_allclose(drawn.var(axis=1), 1 / (4 * (2 * alphas[:, 0] + 1)), rtol=0.03)
    low = np.log(drawn[0][drawn[0] < 0.5])
    logs = np.log(stats.beta(0.2, 0.2).rvs(10**6, random_state=0))
    assert abs(low.mean() - logs[logs < np.log(0.5)].mean()) < 0.15  # its deviation is 5
    key = random.key(3)
    total = lambda a: np.sum(random.symmetric_beta(key, a, 9) ** 2)  # noqa: E731
    numeric = (total(0.7 + 1e-6) - total(0.7 - 1e-6)) / 2e-6
    np.testing.assert_allclose(grad(total)(0.7), numeric, rtol=1e-7)
    for alpha in (0, -1.0, float("nan"), np.array([1.0, 0.0])):
        with pytest.raises(ValueError, match="symmetric_beta: alpha=.*: give it above 0"):
            random.symmetric_beta(key, alpha, 2)


def test_neighbours_are_unrelated():
    """Correlations of one key's neighbours, and of neighbouring keys, are those of chance."""
    limit = 4 / np.sqrt(N)
    rows = np.array([random.normal(random.fold_in(random.key(9), k), N) for k in range(6)])
    seeds = np.array([random.normal(random.key(k), N) for k in range(6)])
    for drawn in (rows, seeds):
        assert np.abs(np.corrcoef(drawn) - np.eye(6)).max() < limit
    assert abs(np.corrcoef(rows[0, 1:], rows[0, :-1])[0, 1]) < limit
    half = rows[0].reshape(2, -1)  # the cosine and the sine of one pair
    assert abs(np.corrcoef(half**2)[0, 1]) < limit * np.sqrt(2)


def test_every_bit_is_fair():
    """Each of the 32 bits is set in half of the words."""
    words = random.bits(random.key(1), N)
    share = ((words[:, None] >> np.arange(32, dtype=np.uint32)) & 1).mean(axis=0)
    assert np.abs(share - 0.5).max() < 4 * 0.5 / np.sqrt(N)


def test_randint():
    """Every number is as likely (chi-square), bounds are kept, and the full range is drawn."""
    drawn = random.randint(random.key(2), N, -3, 4)
    values, counts = np.unique(drawn, return_counts=True)
    assert list(range(-3, 4)) == values.tolist()
    assert stats.chisquare(counts).pvalue > 0.001
    wide = random.randint(random.key(2), N, 0, 2**64 - 1, np.uint64)
    assert wide.min() < 2**52
    assert wide.max() > 2**64 - 2**52
    small = random.randint(random.key(2), N, -128, 128, np.int8)
    assert (-128, 127) == (small.min(), small.max())
    for low, high in ((3, 3), (4, 3), (-1, 2**63 + 1)):
        with pytest.raises(ValueError, match="minval < maxval, both within int64"):
            random.randint(random.key(0), 3, low, high)
    with pytest.raises(DtypeError, match="draws integers"):
        random.randint(random.key(0), 3, 0, 3, np.float64)


def test_bernoulli():
    """True as often as told, an entry each; 0 never, 1 always."""
    p = np.array([[0.0], [0.1], [0.5], [1.0]])
    share = random.bernoulli(random.key(4), p, (4, N)).mean(axis=1)
    assert (0.0, 1.0) == (share[0], share[3])
    assert np.abs(share - p[:, 0]).max() < 4 * 0.5 / np.sqrt(N)
    assert (4, 1) == random.bernoulli(random.key(4), p).shape


@pytest.mark.parametrize("n", [0, 1, 2, 100])
def test_permutation_holds_each_once(n):
    assert list(range(n)) == sorted(random.permutation(random.key(0), n).tolist())


def test_permutation_is_fair():
    """All 24 orders of 4 come equally often (chi-square)."""
    keys = random.split(random.key(8), 4800)
    codes = [int(random.permutation(key, 4) @ [64, 16, 4, 1]) for key in keys]
    values, counts = np.unique(codes, return_counts=True)
    assert 24 == len(values)
    assert stats.chisquare(counts).pvalue > 0.001


def test_uniform_is_differentiable_by_its_bounds():
    """low + u (high - low): the derivatives are 1 - u and u."""
    key = random.key(5)
    u = float(random.uniform(key))
    by_bounds = grad(lambda a, b: random.uniform(key, (), np.float64, a, b), argnums=(0, 1))
    assert np.allclose((1 - u, u), by_bounds(2.0, 5.0), rtol=1e-15)


def test_dtypes():
    """Only floating dtypes whose grid of numbers is stated."""
    for draw in (random.uniform, random.normal):
        with pytest.raises(DtypeError, match="float64, 32 or 16"):
            draw(random.key(0), 3, np.int64)
    with pytest.raises(DtypeError, match="float64, 32 or 16"):
        random.symmetric_beta(random.key(0), 0.4, 3, np.int64)
    assert np.float32(1.0) > random.uniform(random.key(0), N, np.float32).max()
