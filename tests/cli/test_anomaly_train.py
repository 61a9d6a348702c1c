"""`chainrule anomaly train` and `score`: numbers, files, exit codes, wrong words."""

from __future__ import annotations

import csv
import json
import os
import shlex
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from anomaly_data import PLANTED, QUICK, labelled, logs, trained_folder, wave
from hostile_names import names, steers
from sklearn.metrics import average_precision_score, roc_auc_score

import chainrule
from chainrule import escape
from chainrule.cli import anomaly_labels

pytestmark = pytest.mark.usefixtures("_unoptimised")

ROWS = {row + 1 for row in PLANTED}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return trained_folder(tmp_path_factory.mktemp("anomaly"))


def test_train_says_what_it_chose(run, folder):
    """Rows, the summary, the threshold and its rate, the alarms; the model has them in its card."""
    code, out, err = run("anomaly", "train", folder / "logs.csv", *QUICK)
    assert (0, "") == (code, err)
    model = chainrule.load("logs.safetensors")
    frame = pd.read_csv(folder / "logs.csv")
    flagged = int((model.predict(frame) == -1).sum())
    assert "logs.csv: 500 rows of 4 columns in" in out
    assert model.summary_ in out
    said = f"threshold {model.offset_:.6g} (false-alarm rate 0.01): {flagged} of the 500 rows"
    assert said in out
    card = model.card_
    expected = {"target": None, "task": "anomaly detection", "train_rows": 500,
                "threshold": model.offset_, "false_alarm_rate": 0.01,
                "flagged_train_rows": flagged,
                "columns": ["host", "load", "requests", "errors"]}  # fmt: skip
    assert expected == {name: card[name] for name in expected}


def test_the_command_of_the_card_trains_the_same_bytes(run, folder):
    words = ("--drop", "errors", "--categorical", "load", "--false-alarm-rate", "0.05", "--seed", 7)
    run("anomaly", "train", folder / "logs.csv", *QUICK, *words, "-o", "first.safetensors")
    first = Path("first.safetensors").read_bytes()
    command = chainrule.load("first.safetensors").card_["command"]
    assert command.startswith("chainrule anomaly train ") and "--drop errors" in command
    code, *_ = run(*command.split()[1:], "-o", "second.safetensors")
    assert (0, first) == (code, Path("second.safetensors").read_bytes())


def test_labels_are_for_the_test_and_no_feature(run, folder):
    """AUROC and average precision are scikit-learn's of the test rows, beside neighbours'."""
    words = ("anomaly", "train", folder / "labelled.csv", *QUICK, "--label", "kind")
    code, out, _ = run(*words, "-o", "m.safetensors")
    assert 0 == code
    model = chainrule.load("m.safetensors")
    assert "kind" not in model.feature_names_in_
    frame = labelled()
    labels = anomaly_labels.read_labels(frame["kind"], ())
    split = anomaly_labels.split_rows(labels, 0.2, 0, False)
    assert [137 + 3, 700 - 137 - 3] == [len(split.test), len(split.learn)]
    assert set(PLANTED) == {row - 500 for row in np.flatnonzero(split.anomalies)}
    assert not split.known.any()
    scores = -model.score_samples(frame.iloc[split.test].drop(columns="kind"))
    truth = split.anomalies[split.test]
    metrics = model.card_["metrics"]["detector"]
    assert metrics["AUROC"] == pytest.approx(roc_auc_score(truth, scores), abs=1e-12)
    precision = average_precision_score(truth, scores)
    assert metrics["average precision"] == pytest.approx(precision, abs=1e-12)
    assert "it flags 3 of 3 anomalies" in out and "nearest neighbours" in out
    code, out, _ = run(*words, "--quiet")
    assert f"{metrics['AUROC']:.4f}\n" == out


def test_labelled_anomalies_can_be_learned(run, folder):
    """With the switch a part of them is known to the detector, and the test has the others."""
    frame = pd.concat([labelled()] + [labelled().query("kind == 'attack'")] * 9)
    frame.to_csv("many.csv", index=False)
    code, *_ = run("anomaly", "train", "many.csv", *QUICK, "--label", "kind", "--learn-anomalies")
    assert 0 == code
    model = chainrule.load("many.safetensors")
    assert "nearness to 24 known anomalies" in model.summary_
    assert 137 + 6 == model.card_["test_rows"]


def test_the_baseline_is_the_mean_distance_to_five_neighbours():
    frame = pd.DataFrame({"x": np.arange(100.0)})
    distances = anomaly_labels.neighbor_distances(frame, pd.DataFrame({"x": [0.0, 200.0]}), (), 0)
    deviation = np.arange(100.0).std()
    assert distances is not None
    np.testing.assert_allclose(distances[0] * deviation, np.mean([0, 1, 2, 3, 4]), rtol=1e-5)
    np.testing.assert_allclose(distances[1] * deviation, 200 - 97, rtol=1e-5)
    same = pd.DataFrame({"x": [1.0] * 9})
    assert anomaly_labels.neighbor_distances(same, same, (), 0) is None


def test_the_end_of_each_series_is_for_its_test():
    labels = np.array([0, 1, 0, 0, 0, 0, 0, 1.0])
    split = anomaly_labels.split_in_time(labels, 0.5, ["a", "a", "b", "b", "a", "a", "b", "b"])
    assert [4, 5, 6, 7] == split.test.tolist()
    assert [False, True, False, False] == split.known.tolist()


def test_a_time_series_is_judged_in_time(run, folder):
    """The spike is found, named by its time and hour; labels test its later part."""
    code, out, err = run("anomaly", "score", folder / "wave.safetensors", folder / "spike.csv")
    assert 0 == code and "2026-01-13 12:00:00" in out and "value = " in out
    assert "note: 24 of 600 rows have no score and count as normal: too few rows come before" in err
    frame = wave(spike=550).assign(bad=[int(k == 550) for k in range(600)])
    frame.to_csv("labelled.csv", index=False)
    code, out, _ = run("anomaly", "train", "labelled.csv", "--window", 24, "--time", "when",
                       "--label", "bad", "--report")  # fmt: skip
    assert 0 == code
    assert "of 120 rows not seen in training, it flags 1 of 1 anomalies" in out
    model = chainrule.load("labelled.safetensors")
    scores = model.score_samples(frame[["when", "value"]])[480:]
    expected = np.mean(scores[70] < np.delete(scores, 70))  # of one anomaly
    assert expected == pytest.approx(model.card_["metrics"]["detector"]["AUROC"])
    assert expected > 0.95
    assert "Time series</h2>" in Path("labelled.html").read_text()


def test_scores_are_written_for_all_rows(run, folder):
    """As CSV and as JSON the numbers of the API; reasons of alarms; a formula has an apostrophe."""
    model = chainrule.load(folder / "logs.safetensors")
    frame = pd.read_csv(folder / "today.csv")
    scores = model.score_samples(frame)
    code, _, err = run("anomaly", "score", folder / "logs.safetensors", folder / "today.csv",
                       "-o", "s.csv")  # fmt: skip
    assert 0 == code and "wrote 200 rows to s.csv" in err
    with open("s.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [str(k) for k in range(1, 201)] == [row["row"] for row in rows]
    np.testing.assert_allclose([float(row["score"]) for row in rows], scores, rtol=1e-9)
    np.testing.assert_allclose([float(row["p_value"]) for row in rows], model.p_values(frame))
    alarms = {int(row["row"]) for row in rows if row["alarm"] == "1"}
    assert {int(k) + 1 for k in np.flatnonzero(model.predict(frame) == -1)} == alarms
    assert alarms >= ROWS
    assert all(bool(row["reasons"]) == (row["alarm"] == "1") for row in rows)
    assert rows[50]["reasons"].startswith("requests = 900, expected ")
    run("anomaly", "score", folder / "logs.safetensors", folder / "today.csv", "-o", "s.json")
    records = json.loads(Path("s.json").read_text())
    np.testing.assert_allclose([record["score"] for record in records], scores, rtol=1e-9)
    assert alarms == {record["row"] for record in records if record["alarm"]}
    first = records[120]["reasons"][0]
    assert ("host", "=cmd()") == (first["column"], first["observed"])
    run("anomaly", "score", folder / "logs.safetensors", folder / "today.csv", "-o", "s.jsonl")
    assert records == [json.loads(line) for line in Path("s.jsonl").read_text().splitlines()]


def test_rates_and_exit_codes(run, folder):
    """A larger rate has more alarms; --fail-on-alarm is for scripts; fdr chooses together."""
    words = ("anomaly", "score", folder / "logs.safetensors")
    count = {}
    for rate in (0.01, 0.2):
        code, out, _ = run(*words, folder / "today.csv", "--false-alarm-rate", rate)
        model = chainrule.load(folder / "logs.safetensors")
        frame = pd.read_csv(folder / "today.csv")
        count[rate] = int((model.predict(frame, false_alarm_rate=rate) == -1).sum())
        assert 0 == code and f"{count[rate]} alarms in 200 rows" in out
    assert count[0.2] > count[0.01] >= 3
    assert 1 == run(*words, folder / "today.csv", "--fail-on-alarm")[0]
    logs(5, 3).to_csv("few.csv", index=False)
    code, out, _ = run(*words, "few.csv", "--false-alarm-rate", "0.01", "--fail-on-alarm")
    assert (0, "no alarms in 5 rows\n") == (code, out)
    code, out, err = run(*words, folder / "today.csv", "--fdr", "0.1")
    assert 0 == code and "alarms in 200 rows" in out and "note: 100 held-out rows" in err
    code, out, _ = run(*words, folder / "today.csv", "--top", 1, "--reasons", 1)
    assert "the strangest 1" in out.replace("\n", " ")


def test_too_few_rows_for_a_rate_are_told(run, folder):
    """In one line, not as a warning of Python."""
    code, _, err = run("anomaly", "train", folder / "logs.csv", *QUICK, "--false-alarm-rate", 1e-4)
    assert 0 == code
    assert 1 == err.count("note: a false-alarm rate of 0.0001 needs 9999 held-out normal rows")


def test_contamination_is_a_share_or_auto(run, folder):
    """A share sets how many rows of the training are alarms."""
    code, out, _ = run("anomaly", "train", folder / "logs.csv", *QUICK, "--contamination", 0.04)
    assert 0 == code and "(contamination 0.04 of the training): 20 of the 500 rows" in out
    code, out, _ = run("anomaly", "train", folder / "logs.csv", *QUICK, "--contamination", "auto")
    assert 0 == code and "(false-alarm rate 0.01)" in out
    assert "auto" == chainrule.load("logs.safetensors").contamination


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "magic"], "--method magic: give auto, neighbors"),
        (["--contamination", "0.9"], "--contamination 0.9: give auto, or the share"),
        (["--contamination", "much"], "--contamination much: give auto"),
        (["--false-alarm-rate", "2"], "--false-alarm-rate 2: give a share between 0 and 1"),
        (["--contamination", ".1", "--false-alarm-rate", ".1"], "both set the threshold"),
        (["--time", "when"], "--time when names a column of a time series: give its window"),
        (["--window", "9", "--contamination", ".1"], "give --contamination auto"),
        (["--window", "9", "--categorical", "host"], "a time series consists of numbers"),
        (["--drop", "nope"], "--drop nope: logs.csv has no such column; it has 'host', 'load'"),
        (["--label", "nope"], "--label nope: logs.csv has no such column"),
        (["--anomalous", "x"], "--anomalous needs the column of labels"),
        (["--learn-anomalies"], "--learn-anomalies needs the column of labels"),
        (["--label", "host"], "column 'host' holds 'db', 'mail', 'web': say which values"),
        (["--label", "host", "--anomalous", "x"], "--anomalous x: column 'host' has no such value"),
        (["--label", "host", "--test-fraction", "2"], "--test-fraction 2: give a part between"),
        ([*(w for c in ("host", "load", "requests", "errors") for w in ("--drop", c))],
         "logs.csv has no column left to learn from"),
        (["-o", "no/m.safetensors"], "cannot write no/m.safetensors"),
    ],
)  # fmt: skip
def test_wrong_words_of_train(run, folder, words, message):
    """One line, exit code 2, nothing written."""
    code, _, err = run("anomaly", "train", folder / "logs.csv", *words)
    assert (2, 1) == (code, err.count("\n")), err
    assert message in err
    assert [] == list(Path().iterdir())


def test_wrong_words_of_score(run, folder, trained):
    model = folder / "logs.safetensors"
    for words, message in (
        ([model, folder / "today.csv", "--fdr", "3"], "--fdr 3: give a share"),
        ([model, folder / "today.csv", "--fdr", ".1", "--false-alarm-rate", ".1"], "give one"),
        ([model, folder / "wave.csv"], "column 'host' is missing (and 3 more)"),
        ([trained / "iris.safetensors", "iris"], "holds a TabularClassifier, which finds no"),
        ([model, folder / "today.csv", "-o", model], "would replace what is read from"),
    ):
        code, _, err = run("anomaly", "score", *words)
        assert (2, 1) == (code, err.count("\n")), err
        assert message in err


def test_other_commands_know_detectors(run, folder):
    """`inspect` describes them; `predict` and `evaluate` name the command that is meant."""
    code, out, _ = run("inspect", folder / "logs.safetensors", "--json")
    described = json.loads(out)
    assert "anomaly detection" == described["task"]
    columns = {column["name"]: column["read_as"] for column in described["columns"]}
    assert columns["host"] == "category, 3 values: web, db, mail"
    assert columns["load"].startswith("number, mean 36.6")
    assert (0, []) == (code, described["layers"])
    _, out, _ = run("inspect", folder / "wave.safetensors", "--json")
    expected = ["times", "number of a time series"]
    assert expected == [column["read_as"] for column in json.loads(out)["columns"]]
    for command in ("predict", "evaluate"):
        code, _, err = run(command, folder / "logs.safetensors", folder / "today.csv")
        assert (2, 1) == (code, err.count("\n"))
        assert "see chainrule anomaly score" in err


def test_networks_of_a_detector_are_listed(run, folder):
    """Their parameters are those of their arrays: 2 members of 6-8-6, and variances."""
    words = ("--method", "denoising", "--epochs", "2", "--members", "2")
    run("anomaly", "train", folder / "logs.csv", *words, "-o", "n.safetensors")
    _, out, _ = run("inspect", "n.safetensors", "--json")
    layers = {layer["name"]: layer["parameters"] for layer in json.loads(out)["layers"]}
    expected = [2 * (6 * 128 + 128), 2 * (128 * 128 + 128), 2 * (128 * 6 + 6), 2 * 6]
    assert expected == list(layers.values())
    assert 2 == json.loads(out)["training"]["denoising: epochs"]


def test_hostile_names(run, monkeypatch):
    """Of columns, labels and cells: whole in the card and the output, and they steer nothing."""
    monkeypatch.setenv("COLUMNS", "100000")
    *columns, label = list(dict.fromkeys(name.strip() for name in names(4, 30, empty=False)))[:15]
    draw = np.random.default_rng(0)
    frame = pd.DataFrame(draw.normal(size=(1200, len(columns))), columns=columns)
    levels = [level.strip() for level in names(5, 4, empty=False)]
    frame[label] = [levels[k % 4] for k in range(1200)]
    frame.loc[frame[label] == levels[1], columns[2]] = 40.0
    frame.to_parquet("t.parquet")
    code, out, err = run("anomaly", "train", "t.parquet", *QUICK, f"--label={label}",
                         f"--anomalous={levels[1]}", "--report")  # fmt: skip
    assert (0, "") == (code, err)
    assert [] == steers(out) and "it flags 300 of 300 anomalies" in out
    card = chainrule.load("t.safetensors").card_
    assert (label, columns) == (card["label"], card["columns"])
    words = shlex.split(card["command"])
    assert [label, levels[1]] == [words[words.index(w) + 1] for w in ("--label", "--anomalous")]
    frame.iloc[:8].to_parquet("u.parquet")
    code, out, err = run("anomaly", "score", "t.safetensors", "u.parquet", "-o", "s.csv")
    assert 0 == code and [] == steers(out) == steers(err)
    assert f"{escape.terminal(columns[2])} = 40, expected" in out
    with open("s.csv", newline="") as file:
        reasons = [row["reasons"] for row in csv.DictReader(file) if row["alarm"] == "1"]
    assert len(reasons) == 2
    for text in reasons:
        assert text.removeprefix("'").startswith(f"{columns[2]} = 40, expected ")
        assert text == escape.spreadsheet(text)
    assert [] == steers(Path("t.html").read_text().replace("\t", ""))


@pytest.mark.slow
def test_ctrl_c_keeps_what_was_learned(program, tmp_path, folder):
    """One Ctrl-C ends all networks; the model is saved, and the exit code is 130."""
    words = ["anomaly", "train", folder / "logs.csv", "--epochs", "1000000", "-o", "m.safetensors"]
    done = subprocess.Popen(
        [*program, *map(str, words)], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True,
    )  # fmt: skip
    time.sleep(8)
    done.send_signal(signal.SIGINT)
    _, err = done.communicate(timeout=120)
    assert 130 == done.returncode, err
    assert {"autoencoder", "denoising"} == set(chainrule.load(tmp_path / "m.safetensors").history_)
