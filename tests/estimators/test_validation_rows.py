"""Rows that members leave out: whole groups, or periods, as the model will be asked."""

import numpy as np
import pandas as pd
import pytest

from chainrule import TabularRegressor
from chainrule.data import Table
from chainrule.errors import DataError
from chainrule.estimators import TrainOptions
from chainrule.estimators.tabular.preparation import training_table
from chainrule.estimators.tabular.process import fit_process
from chainrule.estimators.tabular.validation_rows import (
    Bonds,
    bonds_of,
    draw_validation_rows,
    drawn_to_leave_out,
)

pytestmark = pytest.mark.usefixtures("_unoptimised")

RNG = np.random.RandomState


@pytest.mark.parametrize("seed", range(8))
def test_groups_stay_together(seed):
    """No member sees a row of a group of which it leaves one out; about a tenth is left out."""
    rng = np.random.default_rng(seed)
    groups = rng.integers(0, rng.integers(2, 40), 300)
    bonds = bonds_of(groups, None, 300)
    held_out = draw_validation_rows(300, 4, 30, RNG(seed), bonds=bonds)
    for member in held_out.T:
        assert member.any() and not member.all()
        assert not set(groups[member]) & set(groups[~member])
        share = len(set(groups[member])) / len(set(groups))
        assert share <= max(0.1 + 1 / len(set(groups)), 1 / len(set(groups)))


@pytest.mark.parametrize(("count", "times", "size"), [
    (300, 300, 30), (300, 7, 60), (90, 2, 9), (1000, 400, 100), (64, 64, 13),
])  # fmt: skip
def test_latest_first(count, times, size):
    """The first member leaves out the latest rows, the next those before; a time is never split."""
    rng = np.random.default_rng(count + times)
    moments = np.concatenate([np.arange(times), rng.integers(0, times, count - times)]) * 1.0
    rng.shuffle(moments)
    bonds = bonds_of(None, moments, count)
    held_out = draw_validation_rows(count, 3, size, RNG(0), bonds=bonds)
    assert moments[held_out[:, 0]].min() > moments[~held_out[:, 0]].max()
    if times >= 50:
        before = moments < moments[held_out[:, 0]].min()
        assert moments[held_out[:, 1]].min() > moments[before & ~held_out[:, 1]].max()
        np.testing.assert_allclose(held_out.sum(axis=0), size, rtol=0.35)
    for member in held_out.T:
        assert not set(moments[member]) & set(moments[~member])


def test_process_without_groups():
    """What a process says without a group is what one says that was never given it."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(120, 2))
    y = np.sin(2 * x[:, 0]) + x[:, 1] + 0.1 * rng.normal(size=120)
    bonds = Bonds(np.arange(120) // 6)
    process = fit_process(x, y, np.ones(120), [[0], [1]], np.arange(120), RNG(0), bonds)
    rows = process.left_out
    assert len(rows) == 120
    alone = process.unseen(x[rows])
    kernel = process.kernel
    shares, linear = kernel["shares"], None
    for code in (0, 7):
        stays = bonds.codes != code
        scaled = x * kernel["scales"]

        def near(a, b):
            r = np.sqrt(np.maximum(((a[:, None] - b) ** 2).sum(-1), 1e-12))
            s = np.sqrt(5.0) * r
            return shares[0] * np.exp(-shares[2] * r) + shares[1] * (1 + s + s * s / 3) * np.exp(-s)

        if linear is None:  # slopes = linear * (coefs @ x)
            linear = kernel["slopes"][0] / (kernel["coefs"] @ x)[0]
            whole = near(scaled, scaled) + linear * x @ x.T
            fitted = whole @ kernel["coefs"]
            noise = np.median((y - fitted) / kernel["coefs"])
        k = near(scaled[stays], scaled[stays]) + linear * x[stays] @ x[stays].T
        coefs = np.linalg.solve(k + noise * np.eye(stays.sum()), y[stays])
        cross = near(scaled[~stays], scaled[stays]) + linear * x[~stays] @ x[stays].T
        np.testing.assert_allclose(alone[~stays], cross @ coefs, rtol=1e-3, atol=1e-3)


def test_left_out_by_process():
    """Whole groups, of at most so many rows; large ones are left aside, if need be all."""
    bonds = Bonds(np.array([0] * 5 + [1] * 2 + [2] * 3))
    rows = drawn_to_leave_out(np.arange(10), 4, RNG(0), bonds)
    assert set(rows) in ({5, 6}, {7, 8, 9})
    assert len(drawn_to_leave_out(np.arange(10), 1, RNG(0), bonds)) == 0


def test_unseen_groups_are_strange():
    """Intervals that members of the same groups made narrow are wide where groups are new."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 12, 160)
    level, name = 3 * rng.normal(size=12), rng.normal(size=12)
    frame = pd.DataFrame({"a": rng.normal(size=160), "b": name[group]})
    y = frame["a"].to_numpy() + level[group]
    small = {"hidden_layer_sizes": (8,), "max_iter": 3, "n_members": 2, "numeric_embedding": None}
    widths = []
    for groups in (None, group):
        model = TabularRegressor(random_state=0, progress=False, **small)
        model.fit(frame, y, groups=groups)
        lower, upper = model.predict_interval(frame[:20])
        widths.append(np.median(upper - lower))
    assert widths[1] > 3 * widths[0]


def test_as_the_split(tmp_path):
    """`fit_table` leaves rows out as the split does; where one group is left, at random."""
    count = 60
    frame = pd.DataFrame({
        "who": np.arange(count) // 6, "day": np.arange(count)[::-1] * 1.0,
        "x": np.sin(np.arange(count)), "y": np.cos(np.arange(count)),
    })  # fmt: skip
    table = Table("visits", frame)
    by_group = training_table(table, "y", None, TrainOptions(group="who"))
    groups = by_group.validation_by["groups"]
    assert list(by_group.validation_by) == ["groups"] and len(set(groups)) == 8
    np.testing.assert_array_equal(groups, frame["who"].to_numpy()[by_group.train_rows])
    by_time = training_table(table, "y", None, TrainOptions(by="day"))
    np.testing.assert_array_equal(by_time.validation_by["times"], np.arange(48)[::-1])
    assert training_table(table, "y", None, TrainOptions()).validation_by == {}
    halves = Table("visits", frame.assign(who=frame["who"] % 2))
    assert training_table(halves, "y", None, TrainOptions(group="who")).validation_by == {}


@pytest.mark.parametrize(("groups", "times", "message"), [
    ([1, 1, 1], None, "groups: all rows are of the same"),
    (None, [2.0, 2.0, 2.0], "times: all rows are of the same"),
    ([1, 2], None, "groups has 2 entries and X 3 rows"),
    (None, ["a", "b", "c"], "times of .*: give numbers or datetime64"),
    ([1, 2, 2], [1, 2, 3], "leave out the other"),
])  # fmt: skip
def test_refused_bonds(groups, times, message):
    """What divides no rows is refused in words."""
    with pytest.raises(DataError, match=message):
        bonds_of(groups, times, 3)


def test_dates_and_gaps():
    """Dates are times; a missing one is early, and a missing group one of its own."""
    days = pd.Series(pd.to_datetime(["2026-01-02", None, "2026-01-01"]))
    assert bonds_of(None, days, 3).codes.tolist() == [2, 0, 1]
    assert bonds_of(["b", np.nan, "b", None], None, 4).codes.tolist() == [0, 1, 0, 2]
    assert bonds_of(["b", "a", "c"], None, 3).part(
        np.array([True, False, True])
    ).codes.tolist() == [0, 1]
