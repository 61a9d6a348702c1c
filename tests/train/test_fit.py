"""fit: the same numbers as a loop written by hand, and an end for every reason to end."""

import io
import re
import sys

import numpy as np
import pytest
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule import losses, nn, optim, random, train
from chainrule.errors import DataError, TrainingError
from chainrule.train import progress
from chainrule.train.epoch import make_epoch

pytestmark = pytest.mark.usefixtures("_unoptimised")

rng = np.random.default_rng(5)
X = rng.normal(size=(50, 3))
Y = (X @ np.array([[1.0], [-2.0], [0.5]]) + 0.3).astype(np.float64)


def model(dtype=float, hidden=(4,)):
    return nn.MLP(3, hidden, 1, np.tanh, key=random.key(1), dtype=dtype)


def fit(m=None, x=X, y=Y, **options):
    options = {"loss": losses.squared_error, "optimizer": optim.sgd(0.05), "epochs": 5} | options
    return train.fit(model() if m is None else m, x, y, **options)


def leaves(m):
    return cr.tree.leaves(m)


# One epoch


@pytest.mark.parametrize("batch_size", [1, 7, 10, 50, 80])
def test_an_epoch_is_the_loop_written_by_hand(batch_size):
    """Momentum included, and the last, smaller batch."""
    optimizer, key = optim.sgd(0.05, momentum=0.9), random.key(7)
    m, state = model(), optimizer.init(model())
    values = []
    order = random.permutation(key, 50)
    for start in range(0, 50, batch_size):
        rows = order[start : start + batch_size]
        value, g = cr.value_and_grad(lambda m: losses.squared_error(m(X[rows]), Y[rows]))(m)  # noqa: B023
        updates, state = optimizer.update(g, state, m)
        m = optim.apply_updates(m, updates)
        values.append(value * len(rows))
    epoch = cr.jit(make_epoch(losses.squared_error, optimizer, batch_size))
    got, got_state, got_value = epoch(model(), optimizer.init(model()), key, X, Y)
    assert got_value == pytest.approx(sum(values) / 50, rel=1e-12)
    for a, b in zip(leaves((got, got_state)), leaves((m, state)), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-13)


def test_an_epoch_is_a_scan_in_the_graph():
    epoch = make_epoch(losses.squared_error, optim.adam(0.01), 10)
    m = model()
    graph = cr.make_graph(epoch)(m, optim.adam(0.01).init(m), random.key(0), X, Y)
    scans = [node for node in graph.nodes if node.primitive.name == "scan"]
    assert [node.params["length"] for node in scans] == [5]
    inner = {node.primitive.name for node in scans[0].params["body"].nodes}
    assert {"gather", "matmul", "tanh", "sqrt"} <= inner  # rows, forward, backward, optimiser


def test_every_row_is_met_once():
    """A loss that names its rows: with rate 0, its mean over the batches is that over the rows."""
    marks = np.arange(50.0).reshape(50, 1) ** 2
    result = fit(y=marks, loss=lambda p, y: np.mean(y + 0.0 * p), optimizer=optim.sgd(0.0),
                 batch_size=8, epochs=3)  # fmt: skip
    for row in result.history:
        assert row["loss"] == pytest.approx(np.mean(marks), rel=1e-12)


# A training


def test_the_same_seed_gives_the_same_bits():
    first, second, other = fit(seed=3), fit(seed=3), fit(seed=4)
    assert first.history == second.history
    assert first.history != other.history
    for a, b in zip(leaves(first.model), leaves(second.model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_callers_model_is_left_alone():
    m = model()
    before = [leaf.copy() for leaf in leaves(m)]
    result = fit(m)
    for a, b, c in zip(leaves(m), before, leaves(result.model), strict=True):
        np.testing.assert_array_equal(a, b)
        assert not np.shares_memory(a, c)
    again = fit(m, epochs=0)
    assert (again.best_epoch, again.history) == (0, [])
    for a, b in zip(leaves(again.model), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_float32_weights_stay_float32():
    result = fit(model(np.float32))
    assert {leaf.dtype for leaf in leaves(result.model)} == {np.dtype(np.float32)}


def test_a_line_is_found():
    result = fit(model(hidden=()), optimizer=optim.sgd(0.1), epochs=60)
    np.testing.assert_allclose(result.model.layers[0].weight[:, 0], [1.0, -2.0, 0.5], atol=1e-6)
    np.testing.assert_allclose(result.model.layers[0].bias, [0.3], atol=1e-6)
    assert result.stop_reason == "epochs"


def test_digits_held_out():
    """Seeds 0 to 4 gave 0.964 to 0.978."""
    x, labels = load_digits(return_X_y=True)
    x, held = (x / 16).astype(np.float32), np.arange(1797) % 5 == 0
    result = train.fit(
        nn.MLP(64, (100,), 10, key=random.key(0)), x[~held], labels[~held],
        loss=losses.softmax_cross_entropy, optimizer=optim.adam(3e-3), epochs=12,
    )  # fmt: skip
    outputs = train.predict(result.model, x[held])
    assert np.mean(np.argmax(outputs, axis=1) == labels[held]) >= 0.95


# Validation


def noisy():
    """Targets that can only be learned by heart: validation gets worse."""
    return rng.normal(size=(50, 1))


def test_the_best_weights_are_kept():
    result = fit(model(hidden=(32,)), y=noisy(), validation_fraction=0.3, epochs=60,
                 optimizer=optim.adam(0.03))  # fmt: skip
    course = [row["validation_loss"] for row in result.history]
    assert result.best_epoch == int(np.argmin(course)) + 1
    assert result.best_epoch < 60
    again = fit(model(hidden=(32,)), validation_data=(X[:5], Y[:5]))
    measured = losses.squared_error(again.model(X[:5]), Y[:5])
    assert measured == pytest.approx(min(r["validation_loss"] for r in again.history), rel=1e-12)


def test_patience():
    result = fit(model(hidden=(32,)), y=noisy(), validation_fraction=0.3, epochs=500, patience=4,
                 optimizer=optim.adam(0.03))  # fmt: skip
    assert result.stop_reason == "patience"
    assert len(result.history) == result.best_epoch + 4


def test_a_score_decides_and_the_loss_breaks_ties():
    scores = iter([0.5, 0.7, 0.7, 0.6])
    result = fit(epochs=4, validation_fraction=0.2, score=lambda outputs, y: next(scores))
    assert [row["score"] for row in result.history] == [0.5, 0.7, 0.7, 0.6]
    second, third = (result.history[k]["validation_loss"] for k in (1, 2))
    assert result.best_epoch == (2 if second <= third else 3)


def test_a_score_without_validation_rows_is_that_of_the_rows_trained_on():
    """Beside the loss, which decides nothing then: the last weights are the best."""
    seen = []

    def score(outputs, targets):
        seen.append(targets)
        return 1.0 / len(seen)

    result = fit(epochs=3, score=score)
    assert [1.0, 0.5, 1 / 3] == [row["score"] for row in result.history]
    assert all("validation_loss" not in row for row in result.history)
    np.testing.assert_array_equal(seen[2], Y)
    assert 3 == result.best_epoch
    assert all("score" not in row for row in fit(epochs=2).history)


def test_validation_rows_are_not_trained_on():
    """Held-out targets of 1e6 would show in the weights."""
    y = np.zeros((50, 1))
    seen = []

    def score(outputs, targets):
        seen.append(targets)
        return 0.0

    fit(y=np.arange(50.0)[:, None], validation_fraction=0.2, epochs=1, score=score)
    held = seen[0][:, 0].astype(int)
    y[held] = 1e6
    result = fit(y=y, validation_fraction=0.2, epochs=3)
    assert len(held) == 10
    assert all(row["loss"] < 10 for row in result.history)


# Ends


def test_a_callback_ends_it():
    reports = []

    def callback(report):
        reports.append(report)
        return report.epoch == 3

    result = fit(epochs=10, callbacks=[callback])
    assert result.stop_reason == "callback"
    assert [r.epoch for r in reports] == [1, 2, 3]
    assert all(r.samples_per_second > 0 and r.epochs == 10 for r in reports)
    assert [r.numbers for r in reports] == result.history


def test_ctrl_c_keeps_the_best_weights_and_says_so(capsys):
    def press(report):
        if report.epoch == 3:
            raise KeyboardInterrupt

    result = fit(epochs=10, callbacks=[press])
    assert (result.stop_reason, result.best_epoch) == ("interrupted", 3)
    assert "weights of epoch 3, the best so far, are kept" in capsys.readouterr().err
    for a, b in zip(leaves(result.model), leaves(fit(epochs=3).model), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loss_that_explodes_is_named():
    with pytest.raises(
        TrainingError, match=r"epoch \d+: the (loss|weights).*learning rate"
    ) as caught:
        fit(optimizer=optim.sgd(1e6), epochs=50)
    result = caught.value.result
    assert result.stop_reason == "diverged"
    assert all(np.isfinite(leaf).all() for leaf in leaves(result.model))
    assert "augment" not in str(caught.value)  # where nothing was augmented


@pytest.mark.filterwarnings("ignore:overflow encountered")
def test_a_validation_loss_that_explodes_is_named():
    """Squares of 1e200 are infinite: in the first epoch, whose weights are not kept."""
    with pytest.raises(TrainingError, match="epoch 1: the validation loss became inf") as caught:
        fit(epochs=3, validation_data=(X, 1e200 * np.ones_like(Y)))
    assert [] == caught.value.result.history


# Wrong input


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"y": Y[:49]}, DataError, "50 rows and y 49"),
        ({"x": X[:0], "y": Y[:0]}, DataError, "no row"),
        ({"x": np.where(X == X[3, 1], np.nan, X)}, DataError, r"x\[3, 1\] is nan, one of 1"),
        ({"y": np.where(Y == Y[2], np.inf, Y)}, DataError, r"y\[2, 0\] is inf"),
        ({"x": X.astype(str)}, DataError, "encode text"),
        ({"batch_size": 0}, ValueError, "batch_size=0"),
        ({"batch_size": 2.5}, TypeError, "batch_size=2.5"),
        ({"epochs": -1}, ValueError, "epochs=-1"),
        ({"patience": 3}, ValueError, "needs validation rows"),
        ({"validation_fraction": 1.0}, DataError, "leaves 0 for training"),
        ({"validation_fraction": 0.001}, DataError, "0 for validation"),
        ({"validation_fraction": 0.1, "validation_data": (X, Y)}, ValueError, "not both"),
        ({"m": {"a": np.arange(3)}}, TypeError, "nothing to train"),
    ],
)
def test_wrong_input(options, error, words):
    with pytest.raises(error, match=words):
        fit(**options)


def test_a_shape_error_names_both_shapes():
    with pytest.raises(ValueError, match=r"\(50, 1\).*\(50,\)"):
        fit(y=Y[:, 0])


@pytest.mark.parametrize(("first", "words"), [(-1, "from -1 to 1"), (1, "from 1 to 3")])
@pytest.mark.parametrize("held", [False, True])
def test_labels_out_of_range_are_refused_before_training(first, words, held):
    """-1 would index the last class, without a word."""
    wrong, right = np.arange(50) % 3 + first, np.arange(50) % 3
    m = nn.MLP(3, (4,), 3, key=random.key(0))
    given = {"validation_data": (X, wrong)} if held else {}
    with pytest.raises(ValueError, match=words):
        fit(m, y=right if held else wrong, loss=losses.softmax_cross_entropy, **given)


# Progress


class Terminal(io.StringIO):
    def isatty(self):
        return True


def shown(monkeypatch, seconds, columns="120", **options):
    """What a terminal shows of a training whose epochs take so long by the bar's clock."""
    terminal, now = Terminal(), [0.0]
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setattr(progress, "perf_counter", lambda: now[0])

    def tick(report):
        now[0] += seconds

    fit(callbacks=[tick], **options)
    return terminal.getvalue()


def test_the_bar_shows_what_matters(monkeypatch):
    options = {"epochs": 3, "validation_fraction": 0.2, "score": lambda outputs, y: 0.25}
    bar = shown(monkeypatch, 3.0, **options)
    for word in ("epoch", "/3", "loss", "validation", "score 0.2500", "rows/s"):
        assert word in bar
    assert "epoch" in shown(monkeypatch, 1.0, epochs=3)  # two seconds are enough


@pytest.mark.parametrize("columns", [80, 60, 40, 20])
def test_the_bar_has_space_for_the_time(monkeypatch, columns):
    """What is left of the time is there in a narrow terminal; the last numbers go first."""
    options = {"epochs": 3, "validation_fraction": 0.2, "score": lambda outputs, y: 0.25}
    bar = shown(monkeypatch, 3.0, str(columns), **options)
    lines = [re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", line) for line in re.split(r"[\r\n]", bar)]
    drawn = [line.rstrip() for line in lines if "epoch" in line]
    assert max(len(line) for line in drawn) <= columns
    assert columns < 40 or all(re.search(r" [-0]:[-0-9:]{5}$", line) for line in drawn), drawn
    assert ("score 0.2500" in drawn[-1], "loss" in drawn[-1]) == (columns >= 80, columns >= 40)
    assert "rows/s" not in drawn[-1]


@pytest.mark.parametrize(
    ("seconds", "options"),
    [(0.0, {"progress": False}), (9.0, {"progress": False}), (0.0, {}), (0.4, {})],
)
def test_no_bar_where_nobody_waits(monkeypatch, seconds, options):
    """Not if it is not wanted, nor before two seconds have passed."""
    assert "" == shown(monkeypatch, seconds, epochs=4, **options)


# predict


TRACED = []


class Watched(nn.Module):
    """Says what it is compiled for."""

    weight: np.ndarray

    def __call__(self, x):
        TRACED.append(x.shape)
        return x @ self.weight


def test_few_programs_predict_any_number_of_rows():
    """Rows are padded to a power of two; chunks that somebody asks for are as long as asked for."""
    TRACED.clear()
    m, x = Watched(np.ones((3, 1))), np.arange(60.0).reshape(20, 3)
    for rows, options, compiled in (
        (5, {}, [(8, 3)]), (8, {}, []), (6, {}, []), (9, {}, [(16, 3)]), (1, {}, [(1, 3)]),
        (20, {"batch_size": 7}, [(7, 3)]), (5, {"batch_size": 50}, [(5, 3)]),
    ):  # fmt: skip
        TRACED.clear()
        np.testing.assert_array_equal(train.predict(m, x[:rows], **options), x[:rows] @ m.weight)
        assert compiled == TRACED


def test_a_single_row_can_be_learned():
    """y = x w + b of a weight and a bias that begin with 0: of the loss 1 a step leaves 0.6**2."""
    m = nn.Dense(1, 1, key=random.key(0), weight_init=nn.zeros, dtype=float)
    result = fit(m, x=np.ones((1, 1)), y=np.ones((1, 1)), epochs=2, optimizer=optim.sgd(0.1))
    assert [1.0, 0.6**2] == pytest.approx([row["loss"] for row in result.history], rel=1e-14)


def test_one_row_is_tried_before_training():
    """On plain numbers, whatever the number of rows: all else is compiled."""
    tried = []

    class Plain(nn.Module):
        weight: np.ndarray

        def __call__(self, x):
            if type(x) is np.ndarray:
                tried.append(x.shape)
            return x @ self.weight

    fit(Plain(np.ones((3, 1))), epochs=2)
    assert [(1, 3)] == tried


def test_predict_in_chunks():
    m = model()
    for size in (7, 50, 1000):
        np.testing.assert_allclose(train.predict(m, X, batch_size=size), m(X), rtol=1e-13)
    with pytest.raises(DataError, match=r"an array of shape \(0, 3\): there is no row"):
        train.predict(m, X[:0])
