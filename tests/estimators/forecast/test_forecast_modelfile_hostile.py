"""Files of forecasters from elsewhere: a forecaster that answers, or a `ModelFileError`."""

from __future__ import annotations

import json
import tempfile
import warnings
from functools import cache
from pathlib import Path
from random import Random

import hostile_files
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from saved_forecasters import KINDS, ahead, valid

from chainrule import Forecaster, load
from chainrule.container import dumps, loads
from chainrule.errors import DataError, ModelFileError

pytestmark = [
    pytest.mark.usefixtures("_unoptimised"),
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.forecast.forecast_warning.FewOriginsWarning"
    ),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("forecasters")


def accepts(path, data, kind):
    """Whether a file loads; then it must forecast numbers and be saved again, and nothing else."""
    path.write_bytes(data)
    try:
        model = load(path)
    except ModelFileError as error:
        assert str(path) in str(error) and "\n" not in str(error)
        return False
    if not isinstance(model, Forecaster):
        return True
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            answer = model.predict(future=ahead(kind))
            assert np.isfinite(answer["forecast"]).all()
            assert len(model.ids_) * model.horizon == len(answer)
            model.predict([80], future=ahead(kind))
            model.sample_paths(2, future=ahead(kind))
        except DataError as error:  # columns have other names, or numbers overflow
            assert str(error)
    model.save(path)
    return True


@pytest.mark.parametrize("kind", ["networks", "counts", "hierarchy"])
def test_each_field_is_needed(folder, kind):
    """Without a field of what was fitted, or with another type in its place, there is no model."""
    told, arrays = loads(valid(folder, kind))
    for key in told["fitted"]:
        rest = {other: value for other, value in told["fitted"].items() if other != key}
        assert not accepts(folder / "x", dumps({**told, "fitted": rest}, arrays), kind), key
        for value in ("x", [None], {"x": None}, 0.5, -1):
            spoiled = {**told, "fitted": {**told["fitted"], key: value}}
            assert not accepts(folder / "x", dumps(spoiled, arrays), kind), (key, value)


@pytest.mark.parametrize("kind", ["networks", "counts", "hierarchy"])
def test_each_array_is_checked(folder, kind):
    """Absent, of another shape or type, with NaN, or one too many."""
    told, arrays = loads(valid(folder, kind))
    for k, (name, value) in enumerate(arrays.items()):
        rest = {other: array for other, array in arrays.items() if other != name}
        with np.errstate(all="ignore"):
            ways = (
                {}, {f"{name}.x": value}, {name: value[..., None]}, {name: value.astype("f2")},
                {name: np.r_[value, value[-1:]]}, {name: np.full(value.shape, np.nan)},
            )  # fmt: skip
            for way in ways if kind != "networks" else (ways[0], ways[2 + k % 4]):
                assert not accepts(folder / "x", dumps(told, {**rest, **way}), kind), name
    assert not accepts(folder / "x", dumps(told, {**arrays, "more": arrays["scales"]}), kind)


CHANGES = {
    "another horizon": lambda told, arrays: told["fitted"].update(horizon=2),
    "a huge horizon": lambda told, arrays: (
        told["fitted"].update(horizon=2**60), told["parameters"].update(horizon=2**60)
    ),
    "seasons in disorder": lambda told, arrays: told["fitted"].update(seasons=[9, 7]),
    "another method": lambda told, arrays: told["fitted"].update(method="least"),
    "no size": lambda told, arrays: told["fitted"].update(size=0),
    "no stride": lambda told, arrays: told["fitted"].update(stride=0),
    "no member": lambda told, arrays: told["fitted"].update(members=[]),
    "no naive forecast": lambda told, arrays: told["fitted"]["members"].pop(),
    "a member twice": lambda told, arrays: told["fitted"]["members"].append(
        told["fitted"]["members"][-1]
    ),
    "members in disorder": lambda told, arrays: told["fitted"]["members"].reverse(),
    "another view": lambda told, arrays: told["fitted"]["members"][0].update(view=50),
    "a view too many": lambda told, arrays: told["fitted"]["views"].append(
        told["fitted"]["views"][0]
    ),
    "other lags": lambda told, arrays: told["fitted"]["members"][0]["spec"].update(lags=9),
    "huge lags": lambda told, arrays: told["fitted"]["members"][0]["spec"].update(lags=2**39),
    "another transform": lambda told, arrays: told["fitted"]["members"][0]["spec"].update(
        transform="sqrt" if told["fitted"]["views"][0]["transform"] == "log" else "log"
    ),
    "no penalty": lambda told, arrays: told["fitted"]["members"][0]["spec"].update(penalty=0.0),
    "a long season": lambda told, arrays: told["fitted"]["members"][-1].update(season=2**39),
    "huge networks": lambda told, arrays: next(
        one for one in told["fitted"]["members"] if one["kind"] == "network"
    )["spec"].update(lags=2**39),
    "another network": lambda told, arrays: next(
        one for one in told["fitted"]["members"] if one["kind"] == "network"
    )["spec"].update(kind="gru"),
    "quantiles": lambda told, arrays: next(
        one for one in told["fitted"]["members"] if one["kind"] == "network"
    )["spec"].update(quantiles=[0.9, 0.1]),
    "no quantiles": lambda told, arrays: next(
        one for one in told["fitted"]["members"] if one["kind"] == "network"
    )["spec"].update(quantiles=[0.2]),
    "heads of no network": lambda told, arrays: told["fitted"].update(
        has_heads=not told["fitted"]["has_heads"]
    ),
    "no effects": lambda told, arrays: next(
        one for one in told["fitted"]["views"] if one["known"] != "none"
    ).update(known="none"),
    "other inputs": lambda told, arrays: told["fitted"]["views"][0].update(
        with_extras=not told["fitted"]["views"][0]["with_extras"]
    ),
    "no level": lambda told, arrays: arrays["view0.level"].fill(0.0),
    "a negative spread": lambda told, arrays: arrays["view0.spread"].fill(-1.0),
    "a negative offset": lambda told, arrays: arrays["view0.offset"].fill(-1.0),
    "no scale": lambda told, arrays: arrays["scales"].fill(0.0),
    "an origin of no series": lambda told, arrays: arrays["record.series"].fill(3),
    "an origin before the begin": lambda told, arrays: arrays["record.steps"].fill(0),
    "an origin after the end": lambda told, arrays: arrays["record.steps"].fill(61),
    "a name twice": lambda told, arrays: told["fitted"]["panel"]["names"].__setitem__(0, "north"),
    "a name that is a list": lambda told, arrays: told["fitted"]["panel"]["names"].__setitem__(
        1, ["north"]
    ),
    "a series too many": lambda told, arrays: told["fitted"]["panel"]["names"].append("south"),
    "two columns of one name": lambda told, arrays: told["fitted"]["panel"]["roles"].update(
        id="sold"
    ),
    "times before all times": lambda told, arrays: arrays["panel.starts"].fill(-(2**39)),
    "a grid of no name": lambda told, arrays: told["fitted"]["panel"]["calendar"]["grid"].update(
        name=["fixed"]
    ),
    "a tiny spread": lambda told, arrays: arrays["view0.spread"].fill(1e-300),
    "a far begin": lambda told, arrays: arrays["panel.starts"].fill(2**62),
    "lengths that do not fit": lambda told, arrays: arrays["panel.lengths"].__setitem__(0, 59),
    "no length": lambda told, arrays: arrays["panel.lengths"].__setitem__(0, 0),
    "known ahead without end": lambda told, arrays: arrays["panel.ahead"].fill(2**50),
    "many columns": lambda told, arrays: told.update(n_features_in_=2**62),
    "other members": lambda told, arrays: told["parameters"].update(members=["oracle"]),
    "a season of texts": lambda told, arrays: told["parameters"].update(season_length=["x"]),
    "a window of none": lambda told, arrays: told["parameters"].update(input_size=[]),
    "another likelihood": lambda told, arrays: told["parameters"].update(likelihood="normal"),
}  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_what_does_not_belong_together(folder, change):
    """Each with a digest that is right."""
    told, arrays = loads(valid(folder, "networks"))
    CHANGES[change](told, arrays)
    assert not accepts(folder / "x", dumps(told, arrays), "networks")


PARTS = {
    "counts of other series": (
        "counts", lambda told, arrays: arrays["rows"].__setitem__(slice(None), [0, 3])
    ),
    "counts twice": ("counts", lambda told, arrays: arrays["rows"].fill(1)),
    "counts that are none": (
        "counts", lambda told, arrays: arrays["rows"].__setitem__(slice(None), [0, 2])
    ),
    "negative counts": ("counts", lambda told, arrays: arrays["panel.values"].__imul__(-1.0)),
    "counts of another horizon": (
        "counts", lambda told, arrays: told["fitted"]["counts"]["model"].update(horizon=2)
    ),
    "counts far apart": (
        "counts", lambda told, arrays: arrays["panel.starts"].__setitem__(0, -(2**39))
    ),
    "counts with an end far away": (
        "counts", lambda told, arrays: told["fitted"]["counts"].update(end=2**62)
    ),
    "heads of no network": ("counts", lambda told, arrays: told["fitted"].update(has_heads=True)),
    "no counts": ("counts", lambda told, arrays: told["fitted"].update(counts=None)),
    "no hierarchy with more": (
        "hierarchy", lambda told, arrays: told["fitted"]["children"].append(["c", ["a"]])
    ),
    "a sum below itself": (
        "hierarchy", lambda told, arrays: told["fitted"].update(children=[["total", ["total"]]])
    ),
    "a sum of nothing": (
        "hierarchy", lambda told, arrays: told["fitted"].update(children=[["total", []]])
    ),
    "a sum of a list": (
        "hierarchy", lambda told, arrays: told["fitted"].update(children=[[["total"], ["a", "b"]]])
    ),
    "parts in disorder": (
        "hierarchy", lambda told, arrays: told["fitted"].update(children=[["total", ["b", "a"]]])
    ),
    "a season of prices": ("price", lambda told, arrays: told["fitted"].update(seasons=[5])),
}  # fmt: skip


@pytest.mark.parametrize("change", PARTS)
def test_parts_that_do_not_belong_together(folder, change):
    """Of intermittent demand, of hierarchies and of prices."""
    kind, spoil = PARTS[change]
    told, arrays = loads(valid(folder, kind))
    spoil(told, arrays)
    assert not accepts(folder / "x", dumps(told, arrays), kind)


def test_a_network_costs_no_memory_before_it_is_checked(folder):
    """Sizes that fit the number of its weights, but not their shapes, are refused."""
    told, arrays = loads(valid(folder, "networks"))
    for member in told["fitted"]["members"]:
        if member["kind"] == "network":
            for lags in (1, 7, 9, 200):
                changed = json.loads(json.dumps(told))
                at = told["fitted"]["members"].index(member)
                changed["fitted"]["members"][at]["spec"]["lags"] = lags
                assert not accepts(folder / "x", dumps(changed, arrays), "networks")


def test_numbers_too_large_to_forecast_are_said(folder):
    """A file may hold any finite number; a forecast that is none is an error, not an answer."""
    told, arrays = loads(valid(folder, "single"))
    for name, value in arrays.items():
        if name.startswith("view") and name.endswith("level"):
            value.fill(1e300)
    for name in [name for name in arrays if name.startswith("member")]:
        arrays[name] = np.full_like(arrays[name], 1e300)
    path = folder / "x"
    path.write_bytes(dumps(told, arrays))
    with np.errstate(all="ignore"), pytest.raises(DataError, match="is not finite"):
        load(path).predict()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**62), kind=st.sampled_from([*KINDS]))
def test_spoiled_files_load_or_are_refused(seed, kind):
    """As the other estimators' tests spoil them; see `hostile_files`."""
    spoil(seed, kind)


@pytest.mark.slow
@settings(max_examples=400)
@given(seed=st.integers(0, 2**62), kind=st.sampled_from([*KINDS]))
def test_many_spoiled_files_load_or_are_refused(seed, kind):
    spoil(seed, kind)


def spoil(seed, kind):
    with tempfile.TemporaryDirectory() as name:
        data = _bytes(kind)
        accepts(Path(name) / "x", hostile_files.spoiled(Random(seed), data), kind)


@cache
def _bytes(kind):
    with tempfile.TemporaryDirectory() as name:
        return valid(Path(name), kind)
