"""Streams: forms of rows, batches, wrong rows, reasons, settings, scorers with a memory."""

import copy
import json
import pickle
import threading

import numpy as np
import pandas as pd
import pytest
from anomaly_streams import QUICK, bits, fitted, one_by_one, rows_of, saved, table_of

from chainrule.errors import DataError
from chainrule.estimators.anomaly.detector import AnomalyDetector
from chainrule.estimators.anomaly.members.survival import Survival
from chainrule.estimators.anomaly.streams.stream import Stream
from chainrule.estimators.anomaly.streams.stream_drift import DriftWatch
from chainrule.estimators.anomaly.streams.stream_scorer import RowScorer
from chainrule.estimators.anomaly.thresholds.calibration import FewRowsWarning
from chainrule.estimators.anomaly.thresholds.online_threshold import OnlineThreshold

pytestmark = pytest.mark.usefixtures("_unoptimised")


@pytest.fixture
def network():
    return fitted("network")


@pytest.fixture
def joined():
    return fitted("joined")


@pytest.fixture
def mixed():
    return fitted("mixed")


@pytest.fixture
def numeric_frame():
    return fitted("frame")


# One row


def test_the_survival_of_one_score_is_that_of_the_array_bit_for_bit():
    """Below, at, between and above the knots, for one knot too."""
    draw = np.random.default_rng(0)
    for count in (1, 2, 7, 3_000):
        survival = Survival.learn(draw.exponential(size=count))
        scores = np.concatenate([draw.exponential(2.0, 500), survival.knots, [-1.0, 0.0, 1e9]])
        expected = survival(scores).tolist()
        assert expected == [survival.of_one(score) for score in scores.tolist()]


@pytest.mark.parametrize("kind", ["network", "joined", "mixed"])
def test_one_row_has_the_score_that_it_has_in_a_batch(kind, request):
    """Up to the rounding of float32 sums; the same bits whenever it is asked for."""
    detector = request.getfixturevalue(kind)
    rows = table_of(3, 50) if kind == "mixed" else rows_of(3, 50)
    batch = detector.score_samples(rows)
    singly = np.concatenate([detector.score_samples(rows[k : k + 1]) for k in range(50)])
    np.testing.assert_allclose(singly, batch, rtol=2e-5)
    assert singly[7] == detector.score_samples(rows[7:8])[0]


def test_a_copied_detector_scores_one_row_with_the_same_bits(joined):
    """Compiled code is made anew, after pickling too."""
    row = rows_of(3, 1)
    expected = joined.score_samples(row)
    for again in (copy.deepcopy(joined), pickle.loads(pickle.dumps(joined))):
        assert expected == again.score_samples(row)


def test_one_row_is_checked_as_a_batch_is(network):
    """Infinite numbers are refused, of an array too; empty cells are not; other widths are."""
    row = rows_of(3, 1)
    empty = row.copy()
    empty[0, 1] = np.nan
    two = network.score_samples(np.concatenate([empty, row]))
    np.testing.assert_allclose(two[:1], network.score_samples(empty), rtol=2e-5)
    assert two[0] < two[1] - 5.0  # no cell was empty in the training
    with pytest.raises(ValueError, match="3 features"):
        network.score_samples(row[:, :3])
    row[0, 2] = -np.inf
    with pytest.raises(ValueError, match="infinity"):
        network.score_samples(row)


# Rows and batches


@pytest.mark.parametrize("kind", ["network", "joined", "mixed"])
def test_a_batch_has_the_bits_of_its_rows_one_at_a_time(kind, request):
    """Scores, p-values, thresholds and alarms; over several estimates of the threshold."""
    detector = request.getfixturevalue(kind)
    count = 2_500 if kind == "network" else 60
    rows = table_of(4, count) if kind == "mixed" else rows_of(4, count)
    singly, batch = detector.stream(), detector.stream()
    each = [rows.iloc[k] for k in range(count)] if kind == "mixed" else rows
    expected = one_by_one(singly, each)
    first, second = batch.update_many(rows[: count // 3]), batch.update_many(rows[count // 3 :])
    results = [np.concatenate([a, b]) for a, b in list(zip(first, second, strict=True))[:6]]
    assert bits(expected) == bits([*results, first.reasons + second.reasons])
    assert (count, int(results[3].sum())) == (batch.n_seen, batch.n_alarms)
    assert (singly.threshold, singly.n_alarms) == (batch.threshold, batch.n_alarms)
    np.testing.assert_allclose(detector.score_samples(rows), results[1], rtol=2e-5)
    p_values = detector.p_values(rows)
    assert np.abs(p_values - results[2]).max() < 2 / len(detector.calibration_scores_)
    assert np.array_equal(results[1] < results[4], results[3])
    assert np.array_equal(np.arange(count), results[0])
    assert kind != "network" or len(set(results[4])) > 1


def test_no_rows_are_a_batch_too(network, mixed):
    """Arrays of length 0, and nothing counted."""
    for stream, rows in (
        (network.stream(), np.empty((0, 4))),
        (network.stream(), []),
        (mixed.stream(), table_of(0, 5).iloc[:0]),
    ):
        results = stream.update_many(rows)
        assert [0] * 7 == [len(part) for part in results]
        assert (0, 0) == (stream.n_seen, stream.n_alarms)


def test_false_alarms_are_as_rare_as_asked_for(network):
    """2 % of 20,000 ordinary rows within 0.4 percentage points; no drift."""
    stream = network.stream(false_alarm_rate=0.02)
    results = stream.update_many(rows_of(5, 20_000))
    assert abs(results.is_alarm.mean() - 0.02) < 0.004
    assert not stream.drift.has_drifted
    assert () == stream.drift.columns
    assert stream.update(np.full(4, 40.0)).is_alarm
    assert "" == stream.short


def test_the_forms_of_a_row_are_one_row(network, numeric_frame, mixed):
    """Arrays of other dtypes and orders, lists, dicts in any order, Series, tables of one row."""
    row = np.round(rows_of(6, 1)[0] * 8)
    forms = [
        row, row[None], row.tolist(), tuple(row.astype(int).tolist()), row.astype(np.int32),
        row.astype(np.float32), np.repeat(row, 2)[::2], np.ma.array(row), pd.Series(row),
        {"x3": row[3], "x1": row[1], "x2": row[2], "x0": row[0]}, pd.DataFrame(row[None]),
        row.astype(object), [np.float32(cell) for cell in row],
    ]  # fmt: skip
    stream = network.stream()
    assert 1 == len({stream.update(form).score for form in forms})
    by_name = dict(zip("abcd", row, strict=True))
    frame = pd.DataFrame([by_name])
    forms = [row, row.tolist(), by_name, pd.Series(by_name), frame, frame[list("dbca")]]
    stream = numeric_frame.stream()
    assert {numeric_frame.score_samples(frame)[0]} == {stream.update(form).score for form in forms}
    table = table_of(6, 40)
    stream = mixed.stream()
    for k in range(40):
        cells = table.iloc[k].to_dict()
        text = {**cells, "when": str(cells["when"]), "colour": f" {cells['colour']} "}
        forms = [table.iloc[k], table.iloc[k : k + 1], cells, list(cells.values()), text]
        scores = {stream.update(form).score for form in forms}
        assert {mixed.score_samples(table.iloc[k : k + 1])[0]} == scores


def test_empty_cells_and_unseen_categories(mixed, network):
    """None, NaN, pd.NA and a mask are one empty cell; a new colour is stranger than a known one."""
    stream = mixed.stream()
    cells = table_of(7, 1).iloc[0].to_dict()
    empty = [{**cells, "colour": value} for value in (None, np.nan, pd.NA)]
    assert 1 == len({stream.update(row).score for row in empty})
    empty = [{**cells, "weight": value} for value in (None, np.nan, pd.NA)]
    assert 1 == len({stream.update(row).score for row in empty})
    usual, green = stream.update(cells), stream.update({**cells, "colour": "green"})
    assert green.score < usual.score - 4
    row = rows_of(7, 1)[0]
    masked = np.ma.array(row, mask=[0, 1, 0, 0])
    stream = network.stream()
    assert stream.update(masked).score == stream.update([row[0], None, *row[2:]]).score


# Wrong rows


WRONG_NUMBERS = [
    ([1.0, 2.0, 3.0], "3 cells came, and there are 4 columns: 'x0', 'x1'"),
    (np.zeros((2, 4)), "2 cells came, and there are 4 columns"),
    (np.array([0.0, np.inf, 0.0, 0.0]), "column 'x1': inf is not a finite number"),
    ([0.0, 0.0, 0.0, -np.inf], "column 'x3': -inf is not a finite number"),
    ([0.0, 10**400, 0.0, 0.0], "column 'x1': .* is not a finite number"),
    ([0.0, "much", 0.0, 0.0], "column 'x1': 'much' is not a finite number"),
    ([0.0, [1.0], 0.0, 0.0], r"column 'x1': \[1.0\] is a list"),
    ({"x0": 0.0, "x1": 0.0, "x3": 0.0}, "there is no column 'x2'"),
    ({"x0": 0.0, "x1": 0.0, "x2": 0.0, "x3": 0.0, "y": 0.0}, "column 'y' was not in the training"),
    ("0,0,0,0", "'0,0,0,0' came: give the cells as an array"),
    (None, "None came: give the cells"),
    (3.0, "3.0 came: give the cells"),
    (pd.DataFrame(np.zeros((2, 4))), "a table of 2 rows came"),
]


@pytest.mark.parametrize(("row", "message"), WRONG_NUMBERS)
def test_a_wrong_row_is_named_and_does_not_count(network, tmp_path, row, message):
    """Its number in the stream and its column; nothing of the stream has changed."""
    stream = network.stream()
    stream.update_many(rows_of(8, 40))
    before = saved(stream, tmp_path / "before")
    with pytest.raises(DataError, match=f"^row 40 of the stream: {message}"):
        stream.update(row)
    assert before == saved(stream, tmp_path / "after")
    assert 40 == stream.update(np.zeros(4)).row


def test_a_wrong_row_of_a_mixed_table(mixed):
    """Text for a number, a number for a date, a column too few or too many."""
    stream = mixed.stream()
    cells = table_of(8, 1).iloc[0].to_dict()
    for change, message in (
        ({"size": "large"}, "row 0 of the stream: column 'size': 'large' is not a finite number"),
        ({"when": 17}, "row 0 of the stream: column 'when': '17' is no date"),
        ({"colour": ["red"]}, r"row 0 of the stream: column 'colour': \['red'\] is a list"),
        ({"shape": "round"}, "column 'shape' was not in the training"),
    ):
        with pytest.raises(DataError, match=message):
            stream.update({**cells, **change})
    del cells["weight"]
    with pytest.raises(DataError, match="there is no column 'weight': give 'when', 'size'"):
        stream.update(cells)
    assert (0, 0) == (stream.n_seen, stream.n_alarms)


def test_a_wrong_row_refuses_its_batch(network, mixed, tmp_path):
    """The row is named by its number in the stream, and no row of the batch counts."""
    stream = network.stream()
    stream.update_many(rows_of(8, 10))
    before = saved(stream, tmp_path / "before")
    rows = rows_of(9, 7)
    rows[5, 2] = np.inf
    for batch in (rows, rows.tolist(), pd.DataFrame(rows), iter(rows)):
        with pytest.raises(DataError, match=r"^row 15 of the stream: column 'x2': inf"):
            stream.update_many(batch)
    with pytest.raises(DataError, match="^row 12 of the stream: 1 cells came"):
        stream.update_many([rows[0], rows[1], [0.0]])
    for batch in ("abcd", 7.0, {"x0": 1.0}):
        with pytest.raises(DataError, match="came: give rows"):
            stream.update_many(batch)
    assert before == saved(stream, tmp_path / "after")
    table = table_of(9, 6).astype({"size": object})
    table.loc[4, "size"] = "large"
    stream = mixed.stream()
    with pytest.raises(DataError, match="^row 4 of the stream: column 'size': 'large' is not a"):
        stream.update_many(table)
    with pytest.raises(DataError, match="^row 0 of the stream: there is no column 'colour'"):
        stream.update_many(table.drop(columns="colour"))
    assert 0 == stream.n_seen


# Reasons and settings


def test_alarms_come_with_their_reasons_if_asked_for(mixed):
    """The column that was changed is named first, one at a time and in a batch alike."""
    table = table_of(18, 12)
    table.loc[3, "size"] = 60.0
    table.loc[7, "colour"] = "green"
    singly, batch = (mixed.stream(reasons=True, false_alarm_rate=0.05) for _ in range(2))
    expected = one_by_one(singly, [table.iloc[k] for k in range(12)])
    results = batch.update_many(table)
    assert expected[6] == results.reasons
    assert ("size", 60.0) == (results.reasons[3][0].column, results.reasons[3][0].observed)
    assert ("colour", "green") == (results.reasons[7][0].column, results.reasons[7][0].observed)
    assert [len(its) > 0 for its in results.reasons] == results.is_alarm.tolist()
    assert () == mixed.stream().update(table.iloc[3]).reasons


def test_settings_of_a_stream(network):
    """The detector's rate is the default; a rate too small for the history is said; bounds."""
    alarms = {rate: network.stream(false_alarm_rate=rate).threshold for rate in (0.01, 0.1)}
    assert alarms[0.01] == network.stream().threshold < alarms[0.1]
    short = network.stream(false_alarm_rate=1e-4).short
    assert short.startswith("400 scores are too few for a rate of 0.0001: until there are 9,999")
    for rate in (0.0, 0.2, -1.0, np.nan):
        with pytest.raises(ValueError, match="give a share between 0 and 0.2"):
            network.stream(false_alarm_rate=rate)
    with pytest.raises(ValueError, match="memory is 1"):
        network.stream(memory=1)
    contaminated = AnomalyDetector(method="neighbors", contamination=0.3, random_state=0)
    contaminated.fit(rows_of(0, 300))
    expected = contaminated.stream(false_alarm_rate=0.01).threshold
    assert expected == contaminated.stream().threshold < contaminated.offset_
    with pytest.warns(FewRowsWarning):
        few = AnomalyDetector(method="neighbors").fit(rows_of(0, 4))
    with pytest.raises(DataError, match="1 held-out row, and a stream begins with 2 or more"):
        few.stream()
    with pytest.raises(ValueError, match="not fitted"):
        AnomalyDetector().stream()


def test_the_number_of_threads_changes_nothing(network):
    """A detector with `n_threads` gives the same bits in a stream."""
    rows = rows_of(19, 30)
    expected = bits(network.stream().update_many(rows))
    network.n_threads = 1
    try:
        stream = network.stream()
        assert expected == bits(one_by_one(stream, rows))
    finally:
        network.n_threads = None


def test_threads_take_turns(network):
    """Each row of four threads is counted, and has a number of its own."""
    stream = network.stream()
    numbers = [[] for _ in range(4)]

    def work(its):
        its += [stream.update(row).row for row in rows_of(20, 300)]

    threads = [threading.Thread(target=work, args=(its,)) for its in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(range(1_200)) == sorted(number for its in numbers for number in its)
    assert 1_200 == stream.n_seen


def test_constant_columns_and_ties_make_a_stream(tmp_path):
    """Rows that are all equal are no alarms, another one is; the stream can be restored."""
    rows = np.ones((600, 3))
    detector = AnomalyDetector(method="autoencoder", **QUICK).fit(rows)
    stream = detector.stream()
    assert not stream.update_many(rows).is_alarm.any()
    assert stream.update([1.0, 5.0, 1.0]).is_alarm
    stream.save(tmp_path / "stream")
    again = detector.stream(restore=tmp_path / "stream")
    assert stream.update(rows[0]) == again.update(rows[0])


# Scorers with a memory


class Differences(RowScorer):
    """Scores a number by its distance from the one before; the first one is not ready."""

    def __init__(self):
        self.before = None

    def score(self, row):
        if not np.isfinite(row):
            raise DataError(f"{row} is no number")
        before, self.before = self.before, float(row)
        if before is None:
            return None, None
        return abs(row - before), np.array([row])

    def reasons(self, row, most):
        return (f"{row} after {self.before}", most)

    def state(self):
        return {"before": self.before}, {}

    def restore(self, description, arrays):
        self.before = description["before"]


def stream_of(scorer, reasons=False):
    """A stream of numbers that begins with standard normal differences."""

    class Columns:
        labels = ("number",)

        def owners(self):
            return [0]

    draw = np.random.default_rng(0)
    scores = np.abs(draw.normal(size=500))
    watch = DriftWatch(scores, draw.normal(size=(500, 1)))
    return Stream(scorer, OnlineThreshold(scores, 0.01), watch, scores, Columns(), "d", reasons)


def test_a_scorer_that_is_not_ready_makes_no_alarm():
    """The row counts, its score is NaN, and nothing is learned from it."""
    stream = stream_of(Differences())
    first, second = stream.update(1.0), stream.update(1.5)
    assert (0, False, False, ()) == (first.row, first.is_alarm, first.drifted, first.reasons)
    assert np.isnan([first.score, first.p_value]).all()
    assert (1, -0.5, False) == (second.row, second.score, second.is_alarm)
    assert stream.update(20.0).is_alarm
    assert (3, 1) == (stream.n_seen, stream.n_alarms)


def test_a_batch_of_a_scorer_with_a_memory():
    """A refused batch leaves the memory as it was; reasons follow the row that they are of."""
    stream = stream_of(Differences(), reasons=True)
    stream.update(1.0)
    with pytest.raises(DataError, match="row 3 of the stream: inf is no number"):
        stream.update_many([2.0, 3.0, np.inf])
    results = stream.update_many([2.0, 30.0, 31.0, 90.0])
    assert [-1.0, -28.0, -1.0, -59.0] == results.score.tolist()
    assert [False, True, False, True] == results.is_alarm.tolist()
    expected = ((), ("30.0 after 30.0", 3), (), ("90.0 after 90.0", 3))
    assert expected == results.reasons
    assert (1, 5) == (results.row[0], stream.n_seen)
    assert {"before": 90.0} == json.loads(json.dumps(stream._scorer.state()[0]))
