"""Reconstruction networks: against formulas in float64, their gradients, members and folds."""

import numpy as np
import pytest

from chainrule import random, transforms, tree
from chainrule.estimators.anomaly.members.networks import (
    LEAST_VARIANCE,
    Autoencoder,
    DenoisingAutoencoder,
    MaskedNetwork,
    VariationalAutoencoder,
    code_size,
)
from chainrule.estimators.anomaly.members.training import (
    fold_weights,
    loss,
    train_network,
    unseen_errors,
    with_unseen_variances,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")

FEATURES, MEMBERS, ROWS = 6, 3, 9
COLUMNS = (0, 1, 2, 1, 3, 3)  # of the features: two columns have two
KEY = random.key(3)
NETWORKS = {
    "autoencoder": lambda: Autoencoder(MEMBERS, FEATURES, (8, 2), key=KEY),
    "denoising": lambda: DenoisingAutoencoder(MEMBERS, FEATURES, (7, 5), key=KEY),
    "variational": lambda: VariationalAutoencoder(MEMBERS, FEATURES, (8, 2), key=KEY),
    "masked": lambda: MaskedNetwork(MEMBERS, FEATURES, (7, 5), COLUMNS, groups=2, key=KEY),
}
X = np.random.default_rng(0).normal(size=(ROWS, FEATURES)).astype(np.float32)


def network(name):
    """With biases and variances that are not those of the start."""
    rng = np.random.default_rng(1)

    def changed(leaf):
        return np.asarray(leaf) + rng.uniform(0.1, 0.5, np.shape(leaf)).astype(np.float32)

    made = NETWORKS[name]()
    layers = [layer.replace(bias=changed(layer.bias)) for layer in made.layers]
    return made.replace(layers=layers, variances=changed(made.variances))


# Independent formulas


def silu(x):
    return x / (1.0 + np.exp(-x))


def dense(layers, member, x, activated):
    """Layers of one member in float64; `activated` says after which there is a SiLU."""
    for layer, active in zip(layers, activated, strict=True):
        x = x @ layer.weight[member].astype(float) + layer.bias[member].astype(float)
        x = silu(x) if active else x
    return x


def slow(name, made, member, x):
    """The reconstruction of rows by one member."""
    x = x.astype(float)
    if name == "autoencoder":  # 6-8-2-8-6: the code and the answer are linear
        return dense(made.layers, member, x, (True, False, True, False))
    if name == "denoising":
        return dense(made.layers, member, x, (True, True, False))
    if name == "variational":  # the mean is the first half of the code
        code = dense(made.layers[:2], member, x, (True, False))[:, :2]
        return dense(made.layers[2:], member, code, (True, False))
    answer = np.zeros_like(x)
    for group in range(2):  # columns 0 and 2, then 1 and 3
        hidden = np.array([1.0 if column % 2 == group else 0.0 for column in COLUMNS])
        inputs = np.concatenate([x * (1 - hidden), np.tile(hidden, (len(x), 1))], axis=1)
        answer += dense(made.layers, member, inputs, (True, True, False)) * hidden
    return answer


@pytest.mark.parametrize("name", NETWORKS)
def test_reconstructions_and_errors(name):
    """Up to float32's rounding; an error is the mean of squares over their variances."""
    made = network(name)
    each = np.stack([slow(name, made, member, X) for member in range(MEMBERS)])
    np.testing.assert_allclose(made.reconstructed(X), each, rtol=1e-4, atol=1e-5)
    squares = (each - X) ** 2
    np.testing.assert_allclose(made.squared_residuals(X), squares, rtol=1e-3, atol=1e-5)
    errors = (squares / made.variances[:, None, :].astype(float)).mean(axis=2).T
    assert (ROWS, MEMBERS) == made(X).shape
    np.testing.assert_allclose(made(X), errors, rtol=1e-4)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_errors(name):
    """In float64 they agree with central differences, by the rows and by the weights."""
    made = network(name)
    leaves, form = tree.leaves(made), tree.structure(made)
    wide = [np.asarray(leaf, float) if np.ndim(leaf) else leaf for leaf in leaves]
    x = X[:3].astype(float)

    def total(rows, first):
        return np.sum(tree.unflatten(form, [first, *wide[1:]])(rows) ** 2)

    transforms.check_grads(total, (x, wide[0]), order=1)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_flow_to_every_weight(name):
    """In training no weight of any member is left out."""
    made = network(name)

    def objective(model):
        return np.sum(model.train(X, random.key(5))[0])

    slopes = transforms.grad(objective)(made)
    names = [path for path in tree.names(made) if "layers" in path]
    found = dict(zip(tree.names(slopes), tree.leaves(slopes), strict=True))
    assert names
    for path in names:
        for member in range(MEMBERS):
            assert np.abs(found[path][member]).max() > 1e-6, (path, member)


@pytest.mark.parametrize("name", NETWORKS)
def test_members_are_independent(name):
    """Other weights of one member change that member's answers only."""
    made = network(name)
    before = np.asarray(made(X))
    first = made.layers[0]
    weight = np.array(first.weight)
    weight[0] += 0.3
    changed = made.replace(layers=[first.replace(weight=weight), *made.layers[1:]])
    after = np.asarray(changed(X))
    np.testing.assert_array_equal(before[:, 1:], after[:, 1:])
    assert np.abs(before[:, 0] - after[:, 0]).min() > 1e-4
    weights = [np.array(layer.weight) for layer in made.layers]
    assert all(np.abs(w[0] - w[1]).max() > 0.05 for w in weights)  # and they begin differently


def test_a_column_has_no_influence_on_its_own_reconstruction():
    """Each feature is predicted from columns that are not hidden with it, which matter."""
    made = network("masked")
    before = np.asarray(made.reconstructed(X))
    for feature, column in enumerate(COLUMNS):
        other = X.copy()
        other[:, feature] += 5.0
        after = np.asarray(made.reconstructed(other))
        group = [k for k, its in enumerate(COLUMNS) if its % 2 == column % 2]
        rest = [k for k in range(FEATURES) if k not in group]
        np.testing.assert_array_equal(before[:, :, group], after[:, :, group])
        assert np.abs(before - after)[:, :, rest].min() > 1e-6


def test_no_more_groups_than_columns():
    """With six groups, four columns are hidden one at a time."""
    made = MaskedNetwork(1, FEATURES, (4,), COLUMNS, key=KEY)
    assert 4 == made.groups
    before = np.asarray(made.reconstructed(X))
    other = X.copy()
    other[:, 0] += 5.0
    after = np.asarray(made.reconstructed(other))
    np.testing.assert_array_equal(before[:, :, 0], after[:, :, 0])
    assert np.abs(before - after)[:, :, 1:].max(axis=(0, 1)).min() > 1e-6


# Training


def test_the_denoising_loss():
    """Noise on the inputs, not on the aims; other noise for each member."""
    made = network("denoising").replace(noise=0.0)
    errors = made.train(X, KEY)[0]
    expected = np.stack([((slow("denoising", made, m, X) - X) ** 2).mean(axis=1) for m in range(3)])
    np.testing.assert_allclose(errors, expected.T, rtol=1e-4)
    noisy = network("denoising")
    draws = random.normal(KEY, (MEMBERS, ROWS, FEATURES), dtype=np.float32)
    for member in range(MEMBERS):
        rebuilt = slow("denoising", noisy, member, X + 0.3 * np.asarray(draws)[member])
        expected = ((rebuilt - X) ** 2).mean(axis=1)
        np.testing.assert_allclose(noisy.train(X, KEY)[0][:, member], expected, rtol=1e-3)


def test_the_variational_loss():
    """Minus the evidence lower bound: residuals by the learned variance, and the divergence."""
    made = network("variational").replace(log_variance=np.float32([[0.5], [-0.5], [0.0]]))
    draws = np.asarray(random.normal(KEY, (MEMBERS, ROWS, 2), dtype=np.float32), float)
    errors = np.asarray(made.train(X, KEY)[0])
    for member, spread in enumerate([0.5, -0.5, 0.0]):
        code = dense(made.layers[:2], member, X.astype(float), (True, False))
        mean, log_variance = code[:, :2], code[:, 2:]
        z = mean + draws[member] * np.exp(log_variance / 2)
        residuals = dense(made.layers[2:], member, z, (True, False)) - X
        # -log N(x; ., e**spread) without its constant, and KL(N(mean, var) || N(0, 1))
        likelihood = 0.5 * (residuals**2 / np.exp(spread) + spread).sum(axis=1)
        divergence = 0.5 * (np.exp(log_variance) + mean**2 - 1 - log_variance).sum(axis=1)
        expected = (likelihood + divergence) / FEATURES
        np.testing.assert_allclose(errors[:, member], expected, rtol=1e-3)


def test_the_masked_loss():
    """Squares of the hidden features alone, whose columns are hidden as wholes."""
    made = network("masked")
    draws = np.asarray(random.bernoulli(KEY, 0.3, (MEMBERS, ROWS, 4)), float)
    assert 0.1 < draws.mean() < 0.5
    errors = np.asarray(made.train(X, KEY)[0])
    for member in range(MEMBERS):
        hidden = draws[member][:, list(COLUMNS)]
        inputs = np.concatenate([X * (1 - hidden), hidden], axis=1)
        residuals = (dense(made.layers, member, inputs, (True, True, False)) - X) * hidden
        expected = (residuals**2).sum(axis=1) / (hidden.sum(axis=1) + 1)
        np.testing.assert_allclose(errors[:, member], expected, rtol=1e-3, atol=1e-6)


def test_the_loss_is_a_weighted_mean():
    """Of each member, added; a member without any row counts nothing."""
    errors = np.array([[1.0, 5.0, 2.0], [3.0, 7.0, 2.0]])
    weights = np.array([[1.0, 0.0, 0.0], [3.0, 2.0, 0.0]])
    np.testing.assert_allclose(loss(errors, weights), (1 + 9) / 4 + 7.0, rtol=1e-6)


@pytest.mark.parametrize(("rows", "members"), [(100, 4), (101, 4), (5, 5), (7, 2)])
def test_each_row_is_left_out_once(rows, members):
    """By exactly one member; the folds are of equal sizes, up to one row."""
    weights = fold_weights(rows, members, np.random.default_rng(0))
    assert {0.0, 1.0} == {*weights.ravel().tolist()}
    np.testing.assert_array_equal(np.full(rows, members - 1), weights.sum(axis=1))
    sizes = (weights == 0).sum(axis=0)
    assert rows == sizes.sum() and np.ptp(sizes) <= 1


@pytest.mark.parametrize(("rows", "members"), [(10, 1), (3, 4)])
def test_no_folds(rows, members):
    """A single member learns from all rows, and of fewer rows than members all learn from all."""
    assert (fold_weights(rows, members, np.random.default_rng(0)) == 1).all()


def test_variances_are_of_rows_not_seen():
    """Mean squares over each member's left-out rows, and a hundredth of the mean as a floor."""
    made = NETWORKS["autoencoder"]()
    weights = np.ones((ROWS, MEMBERS), np.float32)
    weights[:2, 0] = weights[2:5, 1] = 0
    weights[7] = 0  # of no weight for any: not a row that was left out
    squares = np.asarray(made.squared_residuals(X), float)
    taken = [squares[0, :2], squares[1, 2:5], squares[2, [0, 1, 2, 3, 4, 5, 6, 8]]]
    means = np.stack([its.mean(axis=0) for its in taken])
    expected = means + LEAST_VARIANCE * means.mean(axis=1, keepdims=True)
    answer = with_unseen_variances(made, X, weights).variances
    np.testing.assert_allclose(answer, expected, rtol=1e-5)
    assert np.float32 == answer.dtype


def test_errors_of_rows_not_seen():
    """The mean over the members that left a row out; of all if none or all of them did."""
    errors = np.arange(12.0).reshape(4, 3)
    weights = np.array([[0, 1, 1], [0, 0, 1], [1, 1, 1], [0, 0, 0]])
    np.testing.assert_array_equal([0.0, 3.5, 7.0, 10.0], unseen_errors(errors, weights))


@pytest.mark.parametrize(
    "name",
    ["autoencoder", "masked", *(pytest.param(n, marks=pytest.mark.slow)
                                for n in ("denoising", "variational"))],
)  # fmt: skip
def test_a_member_learns_nothing_from_rows_without_weight(name):
    """Other values in rows that one member leaves out change the other members only."""
    weights = np.ones((ROWS, MEMBERS), np.float32)
    weights[4, 1] = 0.0
    other = X.copy()
    other[4] += 3.0
    first, second = (
        train_network(NETWORKS[name](), x, weights, seed=0, epochs=3, batch_size=4)[0]
        for x in (X, other)
    )
    for a, b in zip(first.layers, second.layers, strict=True):
        np.testing.assert_array_equal(a.weight[1], b.weight[1])
        assert np.abs(a.weight[0] - b.weight[0]).max() > 1e-5


def test_training_takes_its_steps():
    """Epochs make up the steps, of many rows a part is drawn; the loss falls."""
    rows = np.random.default_rng(0).normal(size=(64, FEATURES)).astype(np.float32)
    weights = np.ones((64, MEMBERS), np.float32)
    made, history = train_network(
        NETWORKS["autoencoder"](), rows, weights, seed=0, batch_size=16, steps=402
    )
    assert 101 == len(history)  # of 4 batches
    assert history[-1]["loss"] < 0.8 * history[0]["loss"]
    _, short = train_network(
        NETWORKS["autoencoder"](), rows, weights, seed=0, batch_size=8, steps=5
    )
    assert 1 == len(short)
    assert (made.variances > 0).all()


# Sizes


@pytest.mark.parametrize("name", NETWORKS)
def test_sizes_make_the_same_network_again(name):
    """`layer_sizes` is what it was made with."""
    expected = [8, 2] if name in ("autoencoder", "variational") else [7, 5]
    assert expected == NETWORKS[name]().layer_sizes()


def test_the_size_of_the_code():
    """As many principal components as explain nine tenths; never more than features."""
    rng = np.random.default_rng(0)
    assert 9 == code_size(rng.normal(size=(100_000, 10)))  # of equal ones
    three = rng.normal(size=(500, 3)) @ np.linalg.qr(rng.normal(size=(20, 20)))[0][:3]
    assert 3 == code_size(three)
    assert 1 == code_size(np.ones((50, 4))) == code_size(np.ones((1, 4))) == code_size(three[:, :1])
    assert 4 == code_size(rng.normal(size=(1000, 4)), share=1.0)
