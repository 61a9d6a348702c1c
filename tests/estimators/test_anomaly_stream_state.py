"""Streams over time: files that they are restored from, and drift."""

import errno
import os

import numpy as np
import pytest
from anomaly_streams import QUICK, bits, fitted, rows_of, saved, table_of

import chainrule as cr
from chainrule import container
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.anomaly.detector import AnomalyDetector
from chainrule.estimators.anomaly.streams.stream_drift import PATIENCE

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


# Files


@pytest.mark.parametrize("kind", ["network", "joined", "mixed"])
@pytest.mark.parametrize("count", [0, 32, 75])
def test_a_restored_stream_goes_on_with_the_same_bits(kind, count, request, tmp_path):
    """Also of a model that was loaded from a file; and it saves the same bytes."""
    detector = request.getfixturevalue(kind)
    rows = table_of(10, count + 60) if kind == "mixed" else rows_of(10, count + 60)
    stream = detector.stream(false_alarm_rate=0.05, memory=50, reasons=True)
    stream.update_many(rows[:count])
    data = saved(stream, tmp_path / "stream")
    detector.save(tmp_path / "model")
    again = cr.load(tmp_path / "model").stream(restore=tmp_path / "stream", reasons=True)
    assert (count, stream.n_alarms, stream.threshold) == (
        again.n_seen, again.n_alarms, again.threshold,
    )  # fmt: skip
    assert data == saved(again, tmp_path / "again")
    assert 0.05 == again.false_alarm_rate
    assert bits(stream.update_many(rows[count:])) == bits(again.update_many(rows[count:]))
    assert saved(stream, tmp_path / "stream") == saved(again, tmp_path / "again")


def test_a_long_stream_is_restored_in_the_middle(network, tmp_path):
    """Over estimates of the threshold, a full memory, a drift that is reported and accepted."""
    rows = rows_of(11, 4_200)
    rows[1_500:] += 2.5
    straight = network.stream(memory=900)
    expected = straight.update_many(rows)
    results, stream = [], network.stream(memory=900)
    for start in range(0, 4_200, 700):
        results.append(stream.update_many(rows[start : start + 700]))
        stream.save(tmp_path / "stream")
        stream = network.stream(restore=tmp_path / "stream")
    parts = [np.concatenate(part) for part in list(zip(*results, strict=True))[:6]]
    assert bits(expected)[0] == bits([*parts, ()])[0]
    assert straight.drift == stream.drift
    assert 1_500 < stream.drift.row < 1_800
    for one in (straight, stream):
        one.accept_drift()
    assert saved(straight, tmp_path / "a") == saved(stream, tmp_path / "b")


def test_files_that_are_no_stream_of_this_detector(network, joined, tmp_path):
    """Another detector's, a model, nothing there; a rate beside the file."""
    path = tmp_path / "stream"
    network.stream().save(path)
    with pytest.raises(ModelFileError, match="cannot restore .*stream of another detector"):
        joined.stream(restore=path)
    other = AnomalyDetector(method="autoencoder", **{**QUICK, "random_state": 1})
    with pytest.raises(ModelFileError, match="another detector"):
        other.fit(rows_of(0, 2_000)).stream(restore=path)
    network.save(path)
    with pytest.raises(ModelFileError, match="holds a 'AnomalyDetector': give what `Stream.save`"):
        network.stream(restore=path)
    with pytest.raises(ModelFileError, match="there is no model file"):
        network.stream(restore=tmp_path / "absent")
    with pytest.raises(ValueError, match="restore brings its false_alarm_rate"):
        network.stream(restore=path, false_alarm_rate=0.1)
    with pytest.raises(TypeError, match="give the path"):
        network.stream(restore=7)


def test_truncated_and_changed_files_are_noticed(network, tmp_path):
    """At each of many lengths, and with each of many bytes changed."""
    path = tmp_path / "stream"
    stream = network.stream()
    stream.update_many(rows_of(12, 50))
    data = saved(stream, path)
    for length in [*range(0, len(data), max(len(data) // 60, 1)), len(data) - 1]:
        path.write_bytes(data[:length])
        with pytest.raises(ModelFileError, match="cannot restore"):
            network.stream(restore=path)
    for place in range(0, len(data), max(len(data) // 150, 1)):
        changed = bytearray(data)
        changed[place] ^= 0x11
        path.write_bytes(changed)
        with pytest.raises(ModelFileError, match="cannot restore"):
            network.stream(restore=path)
    path.write_bytes(data)
    assert 50 == network.stream(restore=path).n_seen


def hostile(description, arrays):
    """Changes of a file's contents that its digest cannot tell: each must be refused."""
    empty = description["empty"]
    yield lambda: description.update(n_alarms=51)
    yield lambda: description.update(n_seen=-1)
    yield lambda: description.update(more=1)
    yield lambda: description.pop("drift")
    yield lambda: description["drift"].update(row=3)
    yield lambda: description["drift"].update(rejected=PATIENCE + 1.0)
    yield lambda: description["drift"]["monitor"].update(features=None)
    yield lambda: description["drift"]["monitor"]["features"].update(columns=3)
    yield lambda: description["threshold"].update(due=0)
    yield lambda: description.update(scorer={"a": 1})
    yield lambda: empty.update({"drift.recent": [0]})
    yield lambda: empty.update({"drift.other": [0, 2**60]})
    yield lambda: empty.update({"drift.other": [4]})
    yield lambda: arrays.update({"scorer.a": np.zeros(2)})
    yield lambda: arrays.update(more=np.zeros(2))
    yield lambda: arrays.update(reference=arrays["reference"][::-1])
    yield lambda: arrays.update(reference=np.zeros(1))
    yield lambda: arrays.update(reference=np.zeros(4, np.float32))
    yield lambda: arrays.pop("reference")
    yield lambda: arrays.pop("drift.recent")
    yield lambda: arrays.update({"drift.recent": np.zeros(1_001)})
    yield lambda: arrays.update({"drift.rows": np.zeros((50, 3))})
    yield lambda: arrays.update({"drift.rows": np.zeros((50, 4), np.float32)})
    yield lambda: arrays.pop("drift.rows")
    yield lambda: arrays.pop("drift.pending")
    yield lambda: arrays.pop("threshold.scores")


def test_contents_that_no_stream_has_are_refused(network, tmp_path):
    """With a right digest, but counts, shapes and parts that do not fit."""
    path = tmp_path / "stream"
    stream = network.stream()
    stream.update_many(rows_of(12, 50))
    data = saved(stream, path)
    n_changes = len(list(hostile(*container.loads(data))))
    for k in range(n_changes):
        description, arrays = container.loads(data)
        list(hostile(description, arrays))[k]()
        path.write_bytes(container.dumps(description, arrays))
        with pytest.raises(ModelFileError, match="cannot restore"):
            network.stream(restore=path)


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(network, tmp_path, monkeypatch, step):
    """The error says so, no part is left, the stream goes on, and the next attempt succeeds."""
    path = tmp_path / "stream"
    stream = network.stream()
    old = saved(stream, path)
    stream.update_many(rows_of(13, 40))

    def fails(*_given, **_more):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, step, fails)
        with pytest.raises(ModelFileError, match="cannot write .*No space left on device"):
            stream.save(path)
    assert ([path.name], old) == (os.listdir(tmp_path), path.read_bytes())
    assert 40 == stream.update(np.zeros(4)).row
    stream.save(path)
    assert 41 == network.stream(restore=path).n_seen
    with pytest.raises(ModelFileError, match="cannot write"):
        stream.save(tmp_path / "absent" / "stream")
    with pytest.raises(TypeError, match="give the path"):
        stream.save(None)


# Drift


def test_a_drift_is_reported_once_with_its_column(numeric_frame):
    """A column that moves by one deviation is named; before that, nothing is reported."""
    stream = numeric_frame.stream()
    rows = rows_of(14, 3_000)
    assert not stream.update_many(rows[:1_000]).drifted.any()
    rows[1_000:, 2] += 1.5 * rows[:, 2].std()
    results = stream.update_many(rows[1_000:])
    assert 1 == results.drifted.sum()
    assert 1_000 + int(np.argmax(results.drifted)) == stream.drift.row < 1_400
    first = stream.drift.columns[0]
    assert "c" == first.column
    assert abs(first.shift - 1.5) < 0.3
    assert str(stream.drift).startswith(f"drift since row {stream.drift.row}; c: mean +1.")


def test_a_drift_of_categories_names_their_column(mixed):
    """If all rows are blue, the colour drifts, once, and is named by its column."""
    stream = mixed.stream()
    table = table_of(14, 700)
    stream.update_many(table.assign(colour="blue"))
    assert ["colour"] == [one.column for one in stream.drift.columns]


def test_anomalies_are_no_drift(network):
    """Neither a burst of 60 on end, nor 3 % over a long time; they are alarms."""
    stream = network.stream()
    rows = rows_of(15, 6_000)
    strange = np.zeros(6_000, bool)
    strange[500:560] = strange[1_000::33] = True
    rows[strange] = 30.0
    results = stream.update_many(rows)
    assert results.is_alarm[strange].all()
    assert results.is_alarm[~strange].mean() < 0.02
    assert not stream.drift.has_drifted
    assert () == stream.drift.columns


def test_a_change_of_all_rows_is_a_drift_that_can_be_accepted(network):
    """It is reported though all rows are rejected; then the threshold begins anew with them."""
    stream = network.stream()
    rows = rows_of(16, 9_000)
    rows[1_000:] += 12.0
    results = stream.update_many(rows[:2_000])
    assert results.is_alarm[1_000:].all()
    assert 1_000 + PATIENCE < stream.drift.row < 1_000 + PATIENCE + 60
    stream.accept_drift()
    results = stream.update_many(rows[2_000:])
    assert abs(results.is_alarm.mean() - 0.01) < 0.006
    assert not stream.drift.has_drifted
    assert abs(np.median(results.p_value) - 0.5) < 0.1
    assert 9_000 == stream.n_seen


def test_scores_that_depend_on_each_other_are_no_drift(tmp_path):
    """Averages in a time series: no report without a change, one within 2,000 rows after it."""
    draw = np.random.default_rng(0)
    rows = np.sin(np.arange(5_400) / 8) + draw.normal(0.0, 0.05, 5_400)
    detector = AnomalyDetector(window=24, random_state=0, progress=False).fit(rows[:1_200, None])
    stream = detector.stream()
    stream.update_many(rows[1_200:3_400, None])
    assert not stream.drift.has_drifted
    stream.save(tmp_path / "stream")
    again = detector.stream(restore=tmp_path / "stream")
    rows[3_400:] += draw.normal(0.0, 0.1, 2_000)
    for one in (stream, again):
        one.update_many(rows[3_400:, None])
    assert 2_200 < stream.drift.row == again.drift.row
    assert ["value"] == [one.column for one in stream.drift.columns]


def test_a_drift_is_accepted_only_with_enough_rows(network):
    """Without a report there is nothing to accept; with few rows since, nothing to begin with."""
    stream = network.stream()
    with pytest.raises(DataError, match="no drift has been reported"):
        stream.accept_drift()
    far = rows_of(17, 500) + 12.0
    while not stream.drift.has_drifted:
        stream.update(far[stream.n_seen])
    with pytest.raises(DataError, match=r"there are 1 rows since .* wait for 100"):
        stream.accept_drift()
    stream.update_many(far[:99])
    stream.accept_drift()
    assert not stream.drift.has_drifted
