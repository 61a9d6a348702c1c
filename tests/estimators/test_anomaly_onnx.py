"""The networks' part of a detector in ONNX, and the adapter for users of PyOD."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from exported import run
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.errors import UnsupportedError
from chainrule.estimators.anomaly.pyod_adapter import PyODAdapter

pytestmark = pytest.mark.usefixtures("_unoptimised")

QUICK: dict[str, Any] = {"random_state": 0, "max_iter": 4, "n_members": 2, "progress": False}


def mixed_table(rows: int = 400) -> pd.DataFrame:
    """Numbers with heavy tails, gaps and a constant, and text with rare values and gaps."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({
        "amount": rng.lognormal(2.0, 1.5, rows), "age": rng.normal(40.0, 9.0, rows), "one": 1.0,
        "country": rng.choice(["DE", "FR", "US"], rows, p=[0.6, 0.38, 0.02]),
        "shop": rng.choice(["a", "b"], rows),
    })  # fmt: skip
    frame.loc[::9, "age"] = np.nan
    frame.loc[::11, "shop"] = None
    return frame


@pytest.mark.parametrize(
    "method",
    ["autoencoder", "masked", *(pytest.param(m, marks=pytest.mark.slow)
                                for m in ("denoising", "variational"))],
)  # fmt: skip
def test_a_network_alone_gives_the_scores_of_the_detector(method: str) -> None:
    """Also of empty cells, unseen categories and a constant that changed."""
    frame = mixed_table()
    detector = cr.AnomalyDetector(method=method, false_alarm_rate=0.1, **QUICK).fit(frame)
    new = frame.iloc[:40].copy()
    new.loc[0, "amount"], new.loc[1, "country"], new.loc[2, "one"] = 1e6, "XX", 3.0
    new.loc[3, "amount"] = np.nan
    inputs = [
        new[name].fillna("").to_numpy(object)[:, None]
        if name in ("country", "shop") else new[name].to_numpy(np.float64)[:, None]
        for name in ("amount", "age", "one", "country", "shop")
    ]  # fmt: skip
    model = detector.to_onnx()
    names = [output.name for output in model.graph.output]
    assert names == [f"{method}_error", method, "surprises", "score"]
    error, rarity, surprises, score = run(model, *inputs)
    np.testing.assert_allclose(score, detector.score_samples(new), rtol=2e-4, atol=2e-4)
    np.testing.assert_allclose(-score, rarity + 0.5 * surprises, rtol=1e-5)
    assert (surprises[[1, 2, 3]] > 5.0).all()
    assert (surprises[4:] == 0.0).all()
    assert error[0] > 10 * np.median(error)


def test_without_a_network_there_is_nothing_to_export() -> None:
    """Nearest neighbours have no counterpart in ONNX, and dates are refused by name."""
    frame = mixed_table()
    neighbours = cr.AnomalyDetector(method="neighbors", false_alarm_rate=0.1, **QUICK).fit(frame)
    with pytest.raises(UnsupportedError, match="no network"):
        neighbours.to_onnx()
    dated = frame.assign(when=pd.date_range("2026-01-01", periods=len(frame), freq="h"))
    detector = cr.AnomalyDetector(method="denoising", false_alarm_rate=0.1, **QUICK).fit(dated)
    with pytest.raises(UnsupportedError, match="'when' holds dates"):
        detector.to_onnx()
    with pytest.raises(UnsupportedError, match="float32"):
        detector.to_onnx(dtype="float32")


def test_beside_neighbours_the_networks_are_exported_without_a_score() -> None:
    """The joined score needs the neighbours: only the parts are there."""
    x = np.random.default_rng(0).normal(size=(300, 4))
    detector = cr.AnomalyDetector(false_alarm_rate=0.1, **QUICK).fit(x)
    model = detector.to_onnx()
    names = [output.name for output in model.graph.output]
    assert names == ["autoencoder_error", "autoencoder", "denoising_error", "denoising",
                     "surprises"]  # fmt: skip


def test_the_adapter_speaks_the_language_of_pyod() -> None:
    """Higher is stranger, anomalies are 1, and training scores are those of the function."""
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.normal(size=(190, 3)), rng.normal(8.0, 1.0, size=(10, 3))])
    model = PyODAdapter(contamination=0.05, **QUICK).fit(x)
    assert model.decision_scores_.tolist() == model.decision_function(x).tolist()
    assert model.labels_.sum() == 10
    assert model.labels_[190:].sum() == 10
    assert model.predict(x).tolist() == model.labels_.tolist()
    probabilities = model.predict_proba(np.array([[0.0, 0.0, 0.0], [20.0, 20.0, 20.0]]))
    assert probabilities.sum(axis=1).tolist() == [1.0, 1.0]
    assert probabilities[0, 1] < 0.9 < probabilities[1, 1]
    labels, confidence = model.predict(x, return_confidence=True)
    assert labels.tolist() == model.labels_.tolist()
    assert ((confidence >= 0.0) & (confidence <= 1.0)).all()
    assert confidence[int(np.argmax(model.decision_scores_))] > 0.95
    assert confidence[int(np.argmin(model.decision_scores_))] > 0.95
    assert confidence[int(np.argsort(model.decision_scores_)[189])] < 0.7  # near the threshold


def test_the_adapter_says_what_is_wrong() -> None:
    """Settings that it cannot take, and use before `fit`."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    with pytest.raises(TypeError, match="contamination='auto'"):
        PyODAdapter(contamination="auto", **QUICK).fit(x)
    with pytest.raises(TypeError, match="'metod' is no setting"):
        PyODAdapter(metod="neighbors").fit(x)
    with pytest.raises(TypeError, match="without false_alarm_rate"):
        PyODAdapter(false_alarm_rate=0.1).fit(x)
    for use in ("decision_function", "predict", "predict_proba"):
        with pytest.raises(NotFittedError, match="call fit first"):
            getattr(PyODAdapter(), use)(x)
    assert repr(PyODAdapter(0.2, n_neighbors=3)) == "PyODAdapter(contamination=0.2, n_neighbors=3)"
