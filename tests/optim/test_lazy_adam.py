"""Adam on the rows that a batch looked up, against PyTorch's SparseAdam written out in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from chainrule import losses, nn, optim, random, train
from chainrule.transforms import grad, jit, scan

ROWS, WIDTH, STEPS, RATE = 40, 3, 6, 0.05
DRAW = np.random.default_rng(0)
TABLE = DRAW.normal(size=(ROWS, WIDTH))
CODES = DRAW.integers(0, 12, (STEPS, 2, 4))  # each batch has some codes twice, none from 12 on
TARGETS = DRAW.normal(size=(STEPS, 2, WIDTH))


def loss(table: Any, codes: Any, targets: Any) -> Any:
    return np.sum((np.sum(np.take(table, codes, axis=0), axis=1) - targets) ** 2)


def sparse_adam(decay: float = 0.0) -> Any:
    """PyTorch's, for the looked-up rows only, after their gradients were added: all tables."""
    p, m, s = TABLE.copy(), np.zeros_like(TABLE), np.zeros_like(TABLE)
    path = []
    for t in range(1, STEPS + 1):
        codes, slope = CODES[t - 1], np.zeros_like(TABLE)
        residual = p[codes].sum(axis=1) - TARGETS[t - 1]
        np.add.at(slope, codes, np.broadcast_to(2 * residual[:, None], (*codes.shape, WIDTH)))
        rows = np.unique(codes)
        g = slope[rows]
        m[rows] += (g - m[rows]) * (1 - 0.9)
        s[rows] += (g * g - s[rows]) * (1 - 0.999)
        size = RATE * np.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        p[rows] -= size * m[rows] / (np.sqrt(s[rows]) + 1e-8) + RATE * decay * p[rows]
        path.append(p.copy())
    return np.array(path), m, s


def steps(decay: float, whole: bool = False) -> Any:
    """The same as a scan; with `whole` something reads the whole gradient."""
    optimizer = optim.lazy_adam(RATE, weight_decay=decay, epsilon_hat=True)

    def step(carry: Any, batch: Any) -> Any:
        table, state = carry
        gradient = grad(loss)(table, *batch)
        updates, state = optimizer.update(gradient, state, table)
        table = optim.apply_updates(table, updates)
        return (table, state), (table, np.max(gradient) if whole else 0.0)

    (_, state), (path, _) = scan(step, (TABLE, optimizer.init(TABLE)), (CODES, TARGETS))
    return path, state.mean, state.square


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("whole", [False, True])
def test_it_is_sparse_adam(decay, whole):
    """Compiled for the looked-up rows, or for all; rows that were not looked up keep their bits."""
    path, mean, square = jit(lambda: steps(decay, whole))()
    expected = sparse_adam(decay)
    for ours, theirs in zip((path, mean, square), expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(path[:, 12:], np.broadcast_to(TABLE[12:], path[:, 12:].shape))
    assert not mean[12:].any() and not square[12:].any()


def test_negative_zero_and_nan_stay_what_they_are():
    """Nothing is added to rows without a gradient; a gradient of nan is one."""
    table = np.array([[-0.0, 1.0], [np.nan, -0.0], [1.0, 1.0], [-0.0, 0.0]])
    optimizer = optim.lazy_adam(0.1)

    def step(table: Any, slope: Any) -> Any:
        updates, _ = optimizer.update(slope, optimizer.init(table), table)
        return optim.apply_updates(table, updates)

    slope = np.array([[0.0, -0.0], [0.0, 0.0], [np.nan, 0.0], [0.0, 1.0]])
    for function in (step, jit(step)):
        new = function(table, slope)
        np.testing.assert_allclose(new, [[0, 1], [np.nan, 0], [np.nan, 1], [0, -0.1]], rtol=1e-7)
        assert np.signbit(new[[0, 1, 3], [0, 1, 0]]).all()


def test_vectors_and_numbers_follow_adam():
    """A bias has no rows: an entry without a gradient moves on by its mean."""
    lazy, dense = optim.lazy_adam(0.1), optim.adam(0.1)
    for g in (np.array([1.0, 0.0]), np.array([0.0, 0.0])):
        for ours, theirs in zip(lazy.update({"b": g, "x": 2.0}, lazy.init({"b": g, "x": 1.0})),
                                dense.update({"b": g, "x": 2.0}, dense.init({"b": g, "x": 1.0})),
                                strict=True):  # fmt: skip
            assert str(ours) == str(theirs)


class Tied(nn.Module):
    """The vectors of codes, and scores of all codes by the same table."""

    table: nn.Embedding

    def __call__(self, codes: Any) -> Any:
        return np.mean(self.table(codes), axis=1) @ self.table.weight.T


def trained(optimizer: Any, path: Any = None, epochs: int = 2) -> Any:
    """Of five batches an epoch, the last of them smaller."""
    draw = np.random.default_rng(1)
    codes = draw.integers(0, 20, (33, 4))
    model = Tied(nn.Embedding(20, 3, key=random.key(0)))
    return train.fit(
        model, codes, codes[:, 0], loss=losses.softmax_cross_entropy, optimizer=optimizer,
        epochs=epochs, batch_size=8, progress=False, checkpoint=path, checkpoint_interval=0.0,
    ).model.table.weight  # fmt: skip


def test_a_tied_table_has_gradients_everywhere(tmp_path):
    """It is that of Adam, then; and goes on from a checkpoint."""
    weight = trained(optim.lazy_adam(0.01))
    np.testing.assert_array_equal(weight, trained(optim.adam(0.01)))
    np.testing.assert_array_equal(weight, trained(optim.lazy_adam(0.01), tmp_path / "state"))


class Bag(nn.Module):
    """The mean of the vectors of codes."""

    table: nn.Embedding

    def __call__(self, codes: Any) -> Any:
        return np.mean(self.table(codes), axis=1)


def test_fit_leaves_rows_that_no_text_has():
    """All others change."""
    draw = np.random.default_rng(2)
    codes = draw.integers(0, 30, (40, 4))
    model = Bag(nn.Embedding(200, 3, key=random.key(0)))
    new = train.fit(
        model, codes, draw.normal(size=(40, 3)), loss=losses.squared_error,
        optimizer=optim.lazy_adam(0.01), epochs=2, batch_size=8, progress=False,
    ).model.table.weight  # fmt: skip
    changed = np.any(new != model.table.weight, axis=1)
    np.testing.assert_array_equal(changed, np.isin(np.arange(200), codes))
