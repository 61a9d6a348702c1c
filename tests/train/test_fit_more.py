"""fit: trees of rows, statistics and noise, augmentation, running means, checkpoints."""

import json
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from safetensors.numpy import load, save

import chainrule as cr
from chainrule import losses, nn, optim, random, train
from chainrule.config import configured
from chainrule.errors import DataError, ModelFileError
from chainrule.train import checkpoint_file
from chainrule.train.epoch import make_epoch

pytestmark = pytest.mark.usefixtures("_unoptimised")

rng = np.random.default_rng(5)
X = rng.normal(size=(50, 3))
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype(np.float64)


def noisy(rate=0.5):
    """Batch normalisation and dropout, in float64."""
    first, last = random.split(random.key(1))
    return nn.Sequential(
        nn.Dense(3, 4, key=first, dtype=float, bias=False), nn.BatchNorm(4, dtype=float),
        np.tanh, nn.Dropout(rate), nn.Dense(4, 1, key=last, dtype=float),
    )  # fmt: skip


class Sum(nn.Module):
    """A linear model of a dict of two inputs."""

    a: np.ndarray
    b: np.ndarray

    def __call__(self, x):
        return x["wide"] @ self.a + x["narrow"][:, None] * self.b


def fit(m=None, x=X, y=Y, **options):
    options = {"loss": losses.squared_error, "optimizer": optim.sgd(0.05), "epochs": 4} | options
    return train.fit(noisy() if m is None else m, x, y, **options)


def assert_same(first, second):
    for a, b in zip(cr.tree.leaves(first), cr.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(a, b)


# Trees


def test_trees_of_rows_are_the_arrays_in_them():
    """Inputs in a dict and targets with weights: the same as the linear model of one matrix."""
    weights = np.linspace(0.5, 1.5, 50)[:, None]

    def weighted(outputs, y):
        return np.mean(y[1] * (outputs - y[0]) ** 2)

    m = Sum(np.array([[0.1], [0.2]]), np.array([0.3]))
    x = {"wide": X[:, :2], "narrow": X[:, 2]}
    got = fit(m, x, (Y, weights), loss=weighted, batch_size=8, validation_fraction=0.2)

    class Whole(nn.Module):
        w: np.ndarray

        def __call__(self, x):
            return x @ self.w

    w = np.array([[0.1], [0.2], [0.3]])
    want = fit(Whole(w), X, (Y, weights), loss=weighted, batch_size=8, validation_fraction=0.2)
    np.testing.assert_allclose(
        np.concatenate([got.model.a, got.model.b[None]]), want.model.w, rtol=1e-10
    )
    assert [row["loss"] for row in got.history] == pytest.approx(
        [row["loss"] for row in want.history], rel=1e-10
    )
    np.testing.assert_allclose(
        train.predict(got.model, x, batch_size=7), train.predict(want.model, X), rtol=1e-10
    )


def test_uint8_stays_uint8_until_the_batch():
    """The graph of an epoch gathers bytes, and converts what it gathered."""
    images = rng.integers(0, 256, (40, 3)).astype(np.uint8)

    class Scaled(nn.Module):
        inner: nn.Module

        def __call__(self, x):
            assert x.dtype == np.uint8
            return self.inner(x / 255.0)

    m = Scaled(nn.Dense(3, 1, key=random.key(0), dtype=float))
    got = fit(m, images, Y[:40], batch_size=10)
    want = fit(m.inner, images / 255.0, Y[:40], batch_size=10)
    np.testing.assert_allclose(got.model.inner.weight, want.model.weight, rtol=1e-10)
    epoch = make_epoch(losses.squared_error, optim.sgd(0.1), 10)
    graph = cr.make_graph(epoch)(m, optim.sgd(0.1).init(m), random.key(0), images, Y[:40])
    [scan] = [node for node in graph.nodes if node.primitive.name == "scan"]
    gathered = [n.dtype for n in scan.params["body"].nodes if n.primitive.name == "gather"]
    assert np.uint8 in gathered


@pytest.mark.parametrize(
    ("x", "words"),
    [
        ({"a": X, "b": X[:49]}, r"x.b has 49 rows and x.a 50"),
        ({"a": X, "b": np.where(X == X[3, 1], np.nan, X)}, r"x.b\[3, 1\] is nan"),
        ({"a": X.astype(str)}, r"x.a has dtype"),
        ({}, "holds no array"),
    ],
)
def test_a_wrong_leaf_is_named(x, words):
    with pytest.raises(DataError, match=words):
        fit(x=x)


def test_labels_and_indices_out_of_range_are_found_before_training():
    """The extremes of integers are looked at, wherever they stand."""

    class Looked(nn.Module):
        table: np.ndarray

        def __call__(self, x):
            return self.table[x]

    codes = np.arange(50) % 4
    m = Looked(np.zeros((3, 5)))
    with pytest.raises(IndexError, match="out of bounds"):
        fit(m, codes, codes, loss=losses.softmax_cross_entropy)
    wrong = codes.copy()
    wrong[31] = 7
    with pytest.raises(ValueError, match="labels run from 0 to 7"):
        fit(Looked(np.zeros((4, 5))), codes, wrong, loss=losses.softmax_cross_entropy)


# Statistics, noise, augmentation


@pytest.mark.parametrize("batch_size", [7, 10])
def test_an_epoch_with_statistics_and_noise_is_the_loop_written_by_hand(batch_size):
    """50 rows by 7: the row that is left over joins the last batch, for it has no variance."""
    optimizer, key, m = optim.adamw(0.05, weight_decay=0.5), random.key(7), noisy()
    state = optimizer.init(m)

    def augment(x, key):
        return x + 0.1 * random.normal(key, x.shape)

    order, starts = random.permutation(key, 50), [*range(0, 49, batch_size), 50]
    for step, (start, stop) in enumerate(pairwise(starts)):
        rows = order[start:stop]
        of_data, of_model = random.split(random.fold_in(key, step))
        x = augment(X[rows], of_data)

        def loss(m):
            outputs, moved = m.train(x, of_model)  # noqa: B023
            return losses.squared_error(outputs, Y[rows]), moved  # noqa: B023

        (_, moved), g = cr.value_and_grad(loss, has_aux=True)(m)
        updates, state = optimizer.update(g, state, m)
        m = nn.with_batch_stats(optim.apply_updates(m, updates), moved)
    epoch = cr.jit(make_epoch(losses.squared_error, optimizer, batch_size, augment))
    got, got_state, _ = epoch(noisy(), optimizer.init(noisy()), key, X, Y)
    for a, b in zip(cr.tree.leaves((got, got_state)), cr.tree.leaves((m, state)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-12)


def test_noise_is_drawn_anew_and_statistics_move():
    result = fit(optimizer=optim.adamw(0.01, weight_decay=1.0), epochs=30)
    norm = result.model.layers[1]
    hidden = result.model.layers[0](X)
    np.testing.assert_allclose(norm.mean, hidden.mean(axis=0), atol=0.3)
    np.testing.assert_allclose(norm.var, hidden.var(axis=0), rtol=0.5)
    assert len({row["loss"] for row in fit(optimizer=optim.sgd(0.0)).history}) == 4


def test_augment_may_change_targets_too():
    def twice(x, y, key):
        return x, 2.0 * y

    linear = nn.Dense(3, 1, key=random.key(0), dtype=float)
    got = fit(linear, augment=twice, validation_fraction=0.2)
    want = fit(linear, y=2.0 * Y, validation_fraction=0.2)
    assert [r["loss"] for r in got.history] == [r["loss"] for r in want.history]
    assert got.history[0]["validation_loss"] != want.history[0]["validation_loss"]
    with pytest.raises(TypeError, match="give a function"):
        fit(augment=3)


def test_running_means_of_the_weights():
    """With SGD of rate 0 on all but one step they would stay; here: against the loop by hand."""
    linear, optimizer = nn.Dense(3, 1, key=random.key(0), dtype=float), optim.sgd(0.05)
    result = fit(linear, optimizer=optimizer, ema=0.8, batch_size=50, epochs=5)
    averager = optim.exponential_moving_average(0.8)
    m, average = linear, averager.init(linear)
    for _ in range(5):
        g = cr.grad(lambda m: losses.squared_error(m(X), Y))(m)
        updates, _ = optimizer.update(g, optimizer.init(m), m)
        m = optim.apply_updates(m, updates)
        average = averager.update(m, average)
    np.testing.assert_allclose(result.model.weight, average.params.weight, rtol=1e-10)


# Checkpoints


class Crash(Exception):
    """What a callback raises in place of a power cut."""


def crash_at(epoch):
    def callback(report):
        if report.epoch == epoch:
            raise Crash

    return [callback]


SETTINGS = {
    "epochs": 7, "batch_size": 8, "validation_fraction": 0.2, "ema": 0.9, "patience": 6,
    "augment": lambda x, key: x + 0.1 * random.normal(key, x.shape),
}  # fmt: skip


def resumed(path, **settings):
    """A fit of `SETTINGS` with a checkpoint after each epoch."""
    given = {**SETTINGS, "checkpoint": path, "checkpoint_interval": 0.0, **settings}
    return fit(optimizer=optim.adam(0.02), **given)


@cache
def left_alone():
    """What a fit of `SETTINGS` comes to."""
    return fit(optimizer=optim.adam(0.02), **SETTINGS)


@pytest.fixture(scope="module")
def state(tmp_path_factory):
    """The checkpoint of one that was stopped after three epochs."""
    path = tmp_path_factory.mktemp("fits") / "state"
    with configured(check=1, cache=0), pytest.raises(Crash):
        resumed(path, callbacks=crash_at(3))
    return path.read_bytes()


def test_goes_on_bit_for_bit(tmp_path):
    """StopReason by an error after some epochs, twice, and run again: nothing differs."""
    expected = left_alone()
    path, met = tmp_path / "state", []
    for epoch in (3, 5):
        with pytest.raises(Crash):
            resumed(path, callbacks=crash_at(epoch))
        assert path.exists()
    result = resumed(path, callbacks=[lambda report: met.append(report.epoch)])
    assert met == [5, 6, 7]
    assert (result.history, result.best_epoch) == (expected.history, expected.best_epoch)
    assert_same(result.model, expected.model)
    assert not path.exists()


@pytest.mark.parametrize(("interval", "written"), [(2.0, 3), (99.0, 0)])
def test_between_two_writings_an_interval_passes(tmp_path, monkeypatch, interval, written):
    """Counted from the beginning, and then from the writing before; epochs take a second."""
    now, states = [100.0], set()
    monkeypatch.setattr(checkpoint_file, "monotonic", lambda: now[0])
    path = tmp_path / "state"

    def tick(report):
        if path.exists():
            states.add(path.read_bytes())
        now[0] += 1.0

    settings = {"epochs": 7, "patience": None, "callbacks": [tick], "augment": None, "ema": None}
    resumed(path, checkpoint_interval=interval, **settings)
    assert written == len(states)


def test_ctrl_c_keeps_the_file(tmp_path, capsys):
    def press(report):
        if report.epoch == 4:
            raise KeyboardInterrupt

    path = tmp_path / "state"
    assert resumed(path, callbacks=[press]).stop_reason == "interrupted"
    assert path.exists()
    assert_same(resumed(path).model, left_alone().model)
    assert "interrupted in epoch 5" in capsys.readouterr().err


@pytest.mark.parametrize(
    "settings", [{"seed": 1}, {"batch_size": 9}, {"x": X + 1e-9}, {"ema": 0.95}, {"m": noisy(0.4)}]
)
def test_another_training_starts_anew(tmp_path, state, settings):
    path = tmp_path / "state"
    path.write_bytes(state)
    expected = fit(optimizer=optim.adam(0.02), **{**SETTINGS, **settings})
    with pytest.warns(UserWarning, match="is of another training .*: starting anew"):
        assert_same(resumed(path, **settings).model, expected.model)


def changed(data, **changes):
    """The same file with another head."""
    head = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    inner = {**json.loads(head["chainrule"]), **changes}
    return save(load(data), metadata={"chainrule": json.dumps(inner)})


BROKEN = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "foreign": lambda data: save({"a": np.zeros(3)}),
    "newer": lambda data: changed(data, format="chainrule-fit-3"),
    "no best": lambda data: changed(data, best=None),
    "history of another kind": lambda data: changed(data, history=[3]),
    "fewer arrays": lambda data: save(
        {k: v for k, v in load(data).items() if k != "00002"},
        metadata=json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"],
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_checkpoints(tmp_path, state, name):
    """A file that is damaged, foreign or newer is named in an error, and left as it is."""
    path = tmp_path / "state"
    path.write_bytes(BROKEN[name](state))
    before = path.read_bytes()
    with pytest.raises(ModelFileError, match="state is no checkpoint"):
        resumed(path)
    assert path.read_bytes() == before


# predict


def test_predict_pads_and_cuts():
    m = noisy()
    for rows in (1, 2, 3, 31, 50):
        np.testing.assert_allclose(train.predict(m, X[:rows]), m(X[:rows]), rtol=1e-12)
    pair = Sum(np.ones((2, 1)), np.ones(1))
    with pytest.raises(DataError, match="all need the same rows"):
        train.predict(pair, {"wide": X[:, :2], "narrow": X[:49, 2]})
