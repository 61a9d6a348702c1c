"""Detectors in model files: the same bits, and nothing but a `ModelFileError` for spoiled ones."""

import json
import tempfile
import warnings
from functools import cache
from pathlib import Path
from random import Random

import hostile_files
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chainrule import AnomalyDetector, load
from chainrule.container import dumps, loads
from chainrule.errors import DataError, ModelFileError
from chainrule.estimators.anomaly.settings import METHODS

pytestmark = [
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.anomaly.thresholds.calibration.FewRowsWarning"
    ),
    pytest.mark.usefixtures("_unoptimised"),
]

KINDS = [*METHODS, "table", "known"]


def table(rows=60):
    """Numbers with gaps, categories, dates, truth values, a constant, heavy tails."""
    rng = np.random.default_rng(0)
    return pd.DataFrame({
        "size": rng.normal(size=rows),
        "amount": np.exp(3 * rng.normal(size=rows)),
        "weight": np.where(rng.random(rows) < 0.2, np.nan, rng.normal(size=rows)),
        "version": np.full(rows, 3.0),
        "open": rng.random(rows) < 0.5,
        "colour": pd.Series(["red", "green", None, "blue"] * (rows // 4), dtype=object),
        "when": pd.date_range("2024-01-01", periods=rows, freq="7h"),
    })  # fmt: skip


def rows(kind, count=60):
    if kind == "table":
        return table(count)
    return np.random.default_rng(1).normal(size=(60, 3))[:count]


@cache
def fitted(kind):
    """One of each kind, trained once in a process."""
    method = {"table": "auto", "known": "neighbors"}.get(kind, kind)
    known = np.arange(60) % 20 == 0 if kind == "known" else None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return AnomalyDetector(
            method=method, max_iter=1, n_members=2, hidden_layer_sizes=(4, 2), random_state=0,
            progress=False,
        ).fit(rows(kind), anomalies=known)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("detectors")


@cache
def valid(folder, kind):
    path = folder / kind
    fitted(kind).save(path, card={"kind": kind})
    return path.read_bytes()


def accepts(path, data, kind):
    """Whether a file loads; then it must answer, and be saved again. Nothing else may come out."""
    path.write_bytes(data)
    try:
        model = load(path)
    except ModelFileError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return False
    if not isinstance(model, AnomalyDetector):
        return True
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            assert (4,) == model.predict(rows(kind, 4)).shape
            assert (4,) == model.p_values(rows(kind, 4)).shape
            assert 4 == len(model.explain(rows(kind, 4)))
        except (DataError, ValueError) as error:  # columns have other names or kinds
            assert kind == "table" or "features" in str(error) or "x0" in str(error), error
    model.save(path)
    return True


# Valid files


@pytest.mark.parametrize(
    "kind",
    [pytest.param(k, marks=[pytest.mark.slow] * (k not in ("neighbors", "table"))) for k in KINDS],
)
def test_the_same_bits(folder, kind):
    """Scores, p-values, thresholds, reasons, history; and the same file again."""
    made, data = fitted(kind), valid(folder, kind)
    again = load(folder / kind)
    new = rows(kind).iloc[::-1] if kind == "table" else rows(kind)[::-1]
    np.testing.assert_array_equal(made.score_samples(new), again.score_samples(new))
    np.testing.assert_array_equal(made.score_samples(new[:1]), again.score_samples(new[:1]))
    np.testing.assert_array_equal(made.p_values(new), again.p_values(new))
    np.testing.assert_array_equal(made.predict(new), again.predict(new))
    np.testing.assert_array_equal(made.calibration_scores_, again.calibration_scores_)
    assert made.threshold(1e-3) == again.threshold(1e-3)
    assert made.explain(new[:5]) == again.explain(new[:5])
    pd.testing.assert_frame_equal(made.attributions(new[:5]), again.attributions(new[:5]))
    assert (made.offset_, made.history_, made.summary_) == (
        again.offset_, again.history_, again.summary_
    )  # fmt: skip
    assert {"kind": kind} == again.card_
    assert repr(made.get_params()) == repr(again.get_params() | {"callbacks": None})
    again.save(folder / "again")
    assert data == (folder / "again").read_bytes()


def test_not_before_fit(folder):
    with pytest.raises(ValueError, match="not fitted"):
        AnomalyDetector().save(folder / "none")


# Spoiled ones


@pytest.mark.parametrize("kind", ["auto", "table", "masked"])
def test_each_field_is_needed(folder, kind):
    """Without a field of what was fitted, or with another type in its place, there is no model."""
    told, arrays = loads(valid(folder, kind))
    for key in told["fitted"]:
        rest = {other: value for other, value in told["fitted"].items() if other != key}
        assert not accepts(folder / "x", dumps({**told, "fitted": rest}, arrays), kind), key
        for value in ("x", [None], {"x": None}):
            spoiled = {**told, "fitted": {**told["fitted"], key: value}}
            assert not accepts(folder / "x", dumps(spoiled, arrays), kind), (key, value)


@pytest.mark.parametrize("kind", ["auto", "variational", "masked", "known"])
def test_each_array_is_checked(folder, kind):
    """Absent, of another shape or type, with NaN, or one too many."""
    told, arrays = loads(valid(folder, kind))
    for name, value in arrays.items():
        rest = {other: array for other, array in arrays.items() if other != name}
        for changed in (
            rest, {**rest, f"{name}.x": value}, {**arrays, "more": value},
            {**rest, name: value[..., None]}, {**rest, name: value.astype("f2")},
            {**rest, name: np.full_like(value, np.nan)},
        ):  # fmt: skip
            with np.errstate(all="ignore"):
                assert not accepts(folder / "x", dumps(told, changed), kind), name


CHANGES = {
    "no columns": lambda told, arrays: told["fitted"].update(columns=[]),
    "columns in disorder": lambda told, arrays: told["fitted"]["columns"].reverse(),
    "a column less": lambda told, arrays: told["fitted"]["columns"].pop(0),
    "another name": lambda told, arrays: told["fitted"]["columns"][0].update(name="other"),
    "names in disorder": lambda told, arrays: told["feature_names_in_"].reverse(),
    "another kind": lambda told, arrays: told["fitted"]["columns"][0].update(kind="category"),
    "no scale": lambda told, arrays: told["fitted"]["columns"][0].update(scale=0.0),
    "no member": lambda told, arrays: told["fitted"].update(members=[]),
    "a member twice": lambda told, arrays: told["fitted"]["members"].append("denoising"),
    "members in disorder": lambda told, arrays: told["fitted"]["members"].reverse(),
    "another member": lambda told, arrays: told["fitted"]["members"].append("masked"),
    "huge networks": lambda told, arrays: told["fitted"]["networks"]["autoencoder"].update(
        members=2**12, sizes=[2**20] * 60
    ),
    "other sizes": lambda told, arrays: told["fitted"]["networks"]["denoising"].update(sizes=[4]),
    "another network": lambda told, arrays: told["fitted"]["networks"].update(
        masked={"members": 1, "sizes": [1]}
    ),
    "no neighbours": lambda told, arrays: told["fitted"].update(neighbors=0),
    "known ones": lambda told, arrays: told["fitted"].update(known=3),
    "scores in disorder": lambda told, arrays: arrays.update(
        calibration=arrays["calibration"][::-1].copy()
    ),
    "no scores": lambda told, arrays: arrays.update(calibration=arrays["calibration"][:0]),
    "no points": lambda told, arrays: arrays.update(
        {"points.neighbors": arrays["points.neighbors"][:0]}
    ),
    "a falling distribution": lambda told, arrays: arrays.update(
        {"survival.neighbors": arrays["survival.neighbors"][::-1].copy()}
    ),
    "a flat tail": lambda told, arrays: arrays["survival.neighbors"].__setitem__((-1, 0), 0.0),
    "no variance": lambda told, arrays: arrays["denoising.variances"].fill(0.0),
    "an infinite offset": lambda told, arrays: told["fitted"].update(offset=1e308 * 10),
    "many columns": lambda told, arrays: told.update(n_features_in_=2**62),
    "contamination of 0.9": lambda told, arrays: told["parameters"].update(contamination=0.9),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_belong_together(folder, change):
    """Each with a digest that is right."""
    told, arrays = loads(valid(folder, "table"))
    CHANGES[change](told, arrays)
    try:
        data = dumps(told, arrays)
    except (ModelFileError, ValueError):
        return  # not even written
    assert not accepts(folder / "x", data, "table")


@pytest.mark.parametrize(
    "kind", ["neighbors", pytest.param("denoising", marks=pytest.mark.slow), "table"]
)
def test_each_number_of_the_plan(folder, kind):
    """Any value of `hostile_files` in any place of the columns: refused, or sound answers."""
    told, arrays = loads(valid(folder, kind))
    columns = told["fitted"]["columns"]
    loaded = 0
    for k, column in enumerate(columns):
        for key in column:
            for value in (None, -1.0, 0.0, 1e308, ["a"], True, "number"):
                changed = json.loads(json.dumps(columns))
                changed[k][key] = value
                data = dumps({**told, "fitted": {**told["fitted"], "columns": changed}}, arrays)
                path = folder / "x"
                path.write_bytes(data)
                try:
                    model = load(path)
                except ModelFileError:
                    continue
                loaded += 1
                with np.errstate(all="ignore"):
                    features, surprises = model.fitted_.columns.encode(
                        model.fitted_.columns.raw(model._frame(rows(kind, 4), reset=False))
                    )
                assert np.isfinite(features).all() and np.isfinite(surprises).all(), (key, value)
                assert column["name"] == model.fitted_.columns.columns[k].name
    assert loaded > 0


@settings(max_examples=40)
@given(seed=st.integers(0, 2**62), kind=st.sampled_from(["neighbors", "denoising", "table"]))
def test_spoiled_files_load_or_are_refused(seed, kind):
    """As the other estimators' tests spoil them; see `hostile_files`."""
    spoil(seed, kind)


@pytest.mark.slow
@settings(max_examples=200)
@given(seed=st.integers(0, 2**62), kind=st.sampled_from(KINDS))
def test_many_spoiled_files(seed, kind):
    spoil(seed, kind)


@cache
def place():
    return Path(tempfile.mkdtemp())


def spoil(seed, kind):
    accepts(place() / "spoiled", hostile_files.spoiled(Random(seed), valid(place(), kind)), kind)
