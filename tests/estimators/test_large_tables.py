"""Tables whose features are kept compact: the same models, in little memory."""

import tracemalloc
import weakref

import numpy as np
import pandas as pd
import pytest

from chainrule import TabularRegressor
from chainrule.data import Features, Table, features
from chainrule.data.compact_features import CompactFeatures
from chainrule.estimators import TrainOptions, fit_table
from chainrule.estimators.inputs import rows
from chainrule.estimators.mlp import embedding
from chainrule.estimators.tabular.defaults import epochs_for, validation_fraction_for
from chainrule.estimators.tabular.training_summary import TrainingSummary

pytestmark = pytest.mark.usefixtures("_unoptimised")

SMALL = {
    "hidden_layer_sizes": (8,), "n_members": 2, "max_iter": 2, "random_state": 0,
    "numeric_embedding": None, "progress": False,
}  # fmt: skip


def table(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(count, 5)), columns=[f"x{k}" for k in range(5)])
    frame.loc[::9, "x1"] = np.nan
    for k, levels in enumerate((4, 60, 60)):
        frame[f"text{k}"] = np.array([f"level {j}" for j in range(levels)])[
            rng.integers(0, levels, count)
        ]
    frame["y"] = frame["x0"] + (frame["text0"] == "level 1") + 0.1 * rng.normal(size=count)
    return frame


@pytest.fixture
def compact_from_100_rows(monkeypatch):
    """Tables above 100 rows are kept compact, and made dense 160 rows at a time."""
    monkeypatch.setattr(features, "COMPACT_ROWS", 100)
    monkeypatch.setattr(features, "COMPACT_ENTRIES", 100)
    monkeypatch.setattr(rows, "DENSE", 160 * 130)


def test_the_same_model_but_for_rounding(request):
    frame = table(1_500)
    x, y = frame.drop(columns="y"), frame["y"]
    usual = TabularRegressor(**SMALL, gaussian_process_rows=0).fit(x, y)
    predicted, attributed = usual.predict(x), usual.attributions(x[:200], steps=2)
    ends = usual.predict_interval(x)
    request.getfixturevalue("compact_from_100_rows")
    assert isinstance(usual.features_.of_rows(x), CompactFeatures)
    np.testing.assert_allclose(usual.predict(x), predicted, atol=1e-5)
    np.testing.assert_allclose(usual.predict_interval(x), ends, atol=1e-5)
    np.testing.assert_allclose(usual.attributions(x[:200], steps=2), attributed, atol=1e-5)
    compact = TabularRegressor(**SMALL, gaussian_process_rows=0).fit(x, y)
    for name in ("loss", "score"):
        expected, others = ([row[name] for row in m.history_] for m in (usual, compact))
        np.testing.assert_allclose(others, expected, rtol=0.01)


@pytest.mark.usefixtures("compact_from_100_rows")
def test_no_rows_are_dense_but_a_few(monkeypatch):
    """Of training, baselines and judgement: a dense matrix of all rows is the memory that counts.

    Those that importances, intervals and the linear model look at are bounded by their own numbers.
    """
    largest = []
    dense = CompactFeatures.__getitem__

    def watched(self, some):
        made = dense(self, some)
        largest.append(len(made))
        return made

    def refused(self, frame):
        assert len(frame) <= 100, f"{len(frame)} rows at once"
        return self.compact(frame)[:]

    monkeypatch.setattr(CompactFeatures, "__getitem__", watched)
    monkeypatch.setattr(Features, "__call__", refused)
    for name in ("MAX_IMPORTANCE_ROWS", "intervals.MAX_ROWS", "baselines.MAX_LINEAR_ROWS",
                 "explanations.SAMPLED"):  # fmt: skip
        module = name if "." in name else f"base.{name}"
        monkeypatch.setattr(f"chainrule.estimators.tabular.{module}", 150)
    frame = table(1_500)
    frame["y"] = np.where(frame["y"] > 0, "high", "low")
    options = TrainOptions(**SMALL, advise=False)
    result = fit_table(Table("t", frame), "y", options=options)
    assert len(result.train_rows) == 1_200
    assert max(largest) <= 160
    assert len(largest) > 2 * 1_200 / 160  # it did look at them all, twice


def test_blocks_hold_the_rows_in_their_order(monkeypatch):
    """All but the last have as many rows as whole batches, so that no step has fewer."""
    frame = table(700)
    plan = Features.learn(frame)
    monkeypatch.setattr(rows, "DENSE", 200 * plan.width)
    order = np.random.default_rng(3).permutation(700)
    blocks = list(rows.pieces_in_order(plan.compact(frame), order, 64))
    assert [192, 192, 192, 124] == [len(block) for _, block in blocks]
    np.testing.assert_array_equal(plan(frame)[order], np.concatenate([b for _, b in blocks]))


def test_columns_are_typed_one_after_the_other():
    """To summarise 40 columns takes no more memory than some of them do."""
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(20_000, 40)).round(3))
    frame = frame.astype(np.float32).set_axis([f"x{k}" for k in range(40)], axis=1)
    tracemalloc.start()
    try:
        summary = TrainingSummary.learn(frame, rows=np.arange(15_000))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert (summary.rows, len(summary.columns)) == (15_000, 40)
    assert peak < 8 * 15_000 * 8 < frame.memory_usage().sum()


def test_rules_of_large_tables():
    """A validation set of 20,000 rows says enough, and so do 12,000 steps."""
    assert [0.1, 0.1, 0.02] == [validation_fraction_for(n) for n in (5_000, 200_000, 1_000_000)]
    assert [15, 3, 2] == [epochs_for(n, 256, 15, 300) for n in (100_000, 1_000_000, 10_000_000)]


def test_bins_of_many_rows_are_those_of_a_part(monkeypatch):
    """Quantiles of evenly taken rows, so that a table in any order has the same bins, nearly."""
    values = np.sort(np.random.default_rng(0).normal(size=(4_000, 1)).astype(np.float32), axis=0)
    whole = embedding.bin_edges(values[:, 0], 16)
    monkeypatch.setattr(embedding, "MAX_ROWS", 1_000)
    (some,) = embedding._some_rows(values, [0])
    assert len(some) == 1_000
    np.testing.assert_allclose(embedding.bin_edges(some, 16)[1:-1], whole[1:-1], atol=0.02)


def test_the_rows_to_train_on_are_free_before_the_training(monkeypatch):
    """Of a large table they are most of the memory; the network has the features."""
    seen, there = [], []
    usual = TabularRegressor._frame

    def watched(self, X, reset):
        frame = usual(self, X, reset)
        seen.extend([weakref.ref(X), weakref.ref(frame)] if reset else [])
        return frame

    monkeypatch.setattr(TabularRegressor, "_frame", watched)
    options = TrainOptions(
        **SMALL, gaussian_process_rows=0, advise=False,
        callbacks=(lambda _: there.extend(one() for one in seen),),
    )  # fmt: skip
    fit_table(Table("t", table(300)), "y", options=options)
    assert there == [None] * 4
