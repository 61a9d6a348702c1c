"""One step of a forecaster in ONNX: the forecasts of `predict`, for windows of raw values."""

from __future__ import annotations

import copy
import json
import warnings
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest
from exported import onnx, runtime
from saved_forecasters import COVARIATES, HORIZON, ahead, fitted, noise, sales, shops, shops_ahead

from chainrule import Forecaster
from chainrule.errors import UnsupportedError
from chainrule.estimators.forecast.fitted import Fitted
from chainrule.estimators.forecast.members.naive import Drift
from chainrule.estimators.forecast.saving.step_function import StepFunction

pytestmark = [
    pytest.mark.usefixtures("_unoptimised"),
    pytest.mark.filterwarnings(
        "ignore::chainrule.estimators.forecast.forecast_warning.FewOriginsWarning"
    ),
]


def run(model: Any, inputs: dict[str, Any]) -> Any:
    options = runtime.SessionOptions()
    options.intra_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    [answer] = session.run(["forecast"], inputs)
    return answer


def forecasts(forecaster: Forecaster, future: Any = None) -> Any:
    table = forecaster.predict(future=future)
    return table["forecast"].to_numpy().reshape(-1, forecaster.horizon)


def with_chosen(forecaster: Forecaster, chosen: list[int], is_naive: Any = None) -> Forecaster:
    """The forecaster with other members in its median."""
    result = copy.copy(forecaster)
    result.fitted_ = replace(forecaster.fitted_)  # a copy without what was computed
    track = replace(forecaster.fitted_.raw_track, chosen=chosen)
    result.fitted_.__dict__["raw_track"] = (
        track if is_naive is None else replace(track, is_naive=np.asarray(is_naive))
    )
    return result


@cache
def networks(kind: str) -> Forecaster:
    """Of a kind, with covariates of all roles."""
    return Forecaster(
        horizon=HORIZON, members=["ridge", kind], max_steps=2, input_size=8, random_state=0,
        progress=False,
    ).fit(shops(), **COVARIATES)  # fmt: skip


# At the ends of the series


@pytest.mark.parametrize("kind", ["single", "covariates", "networks", "price"])
def test_the_forecasts_of_predict(kind: str) -> None:
    """Of the committee as it is, from the inputs that the forecaster says."""
    made = fitted(kind)
    inputs = made.onnx_inputs(ahead(kind))
    model = made.to_onnx()
    assert list(inputs) == [declared.name for declared in model.graph.input]
    np.testing.assert_allclose(
        run(model, inputs), forecasts(made, ahead(kind)), rtol=1e-6, atol=1e-9
    )


@pytest.mark.parametrize("transform", ["none", "sqrt", "log"])
def test_each_transform(transform: str) -> None:
    """Of a single series, with zeros among its values."""
    values = sales().to_numpy().copy()
    values[[5, 40]] = 0.0
    made = Forecaster(
        horizon=4, transform=transform, members="ridge", season_length=7, random_state=0
    ).fit(values)
    made = with_chosen(made, [0])
    assert transform in made.members_[0]
    np.testing.assert_allclose(run(made.to_onnx(), made.onnx_inputs()), forecasts(made), rtol=1e-9)


@pytest.mark.parametrize(
    "kind",
    ["nbeats", *[pytest.param(k, marks=pytest.mark.slow)
                 for k in ("dlinear", "gru", "nhits", "nlinear", "tide")]],
)  # fmt: skip
def test_each_network(kind: str) -> None:
    """With known, past and static covariates; one has quantiles, whose median it is."""
    made = networks(kind)
    names = [member.name for member in made.fitted_.committee.members]
    numbers = [k for k, name in enumerate(names) if name.startswith(kind)]
    assert numbers
    for k in numbers:
        alone = with_chosen(made, [k])
        future = shops_ahead(shops())
        np.testing.assert_allclose(
            run(alone.to_onnx(), alone.onnx_inputs(future)), forecasts(alone, future), rtol=2e-6
        )


def test_every_member_of_a_panel() -> None:
    """In NumPy the traced function is that of each member: local ridges, effects, rules, drift."""
    made = fitted("covariates")
    future = shops_ahead(shops())
    members = made.fitted_.committee.members
    scopes = {member.model.spec.is_local for member in members if not member.is_rule}
    assert {False, True} == scopes
    assert any(member.view is not None and member.view.with_extras for member in members)
    assert any(isinstance(member.model, Drift) for member in members)
    for k in range(len(members)):
        alone = with_chosen(made, [k], [False] * 3)
        step = StepFunction.of(alone.fitted_)
        expected = forecasts(alone, future)
        found = step(alone.onnx_inputs(future))
        np.testing.assert_allclose(found, expected, rtol=1e-9, err_msg=members[k].name)


def test_local_ridges_and_networks_and_rules_at_once() -> None:
    """The median of three, and of two and four; where a series is forecast naively, that."""
    made, future = fitted("networks"), shops_ahead(shops())
    members = made.fitted_.committee.members
    network = next(k for k, m in enumerate(members) if m.name.startswith("nlinear"))
    local = next(k for k, m in enumerate(members) if not m.is_rule and "each" in m.name)
    drift = next(k for k, m in enumerate(members) if isinstance(m.model, Drift))
    for chosen in ([network, local, 0], [network, local], [local, drift, 0, network]):
        some = with_chosen(made, chosen, [False, True, False])
        inputs, expected = some.onnx_inputs(future), forecasts(some, future)
        assert ("steps" in inputs) == (drift in chosen)
        np.testing.assert_allclose(run(some.to_onnx(), inputs), expected, rtol=1e-6)
        naive = members[-1].forecast(
            some.fitted_.histories, some.fitted_.histories.ends, HORIZON, np.empty(0)
        )
        np.testing.assert_array_equal(expected[1], naive[1])


# At other times


def test_windows_of_other_times() -> None:
    """Rows in any order and number: the forecasts of a forecaster that was told so many rows."""
    values = np.c_[sales(100), 3.0 * sales(100).to_numpy()[::-1] + noise(3, 100)]
    made = Forecaster(horizon=2, members="ridge", season_length=7, random_state=0)
    made.fit(values[:80])
    later = copy.copy(made).update(values[80:97])
    later = with_chosen(later, made.fitted_.raw_track.chosen, made.fitted_.raw_track.is_naive)
    model, inputs = made.to_onnx(), later.onnx_inputs()
    length = inputs["window"].shape[1]
    np.testing.assert_array_equal(values[97 - length : 97].T, inputs["window"])
    order = np.array([1, 0, 1])
    answer = run(model, {"window": inputs["window"][order], "series": order})
    np.testing.assert_allclose(answer, forecasts(later)[order], rtol=1e-9)
    assert 0 == len(run(model, {"window": np.empty((0, length)), "series": np.empty(0, int)}))


def test_the_random_walk_with_drift_by_hand() -> None:
    """Its steps are those of logarithms, from the first value on: the input "steps" counts them."""
    prices = np.array([100.0, 104.0, 103.0, 109.0, 115.0] * 8) * 1.02 ** np.arange(40)
    made = Forecaster(horizon=2, kind="price", random_state=0).fit(prices)
    members = made.fitted_.committee.members
    drift = next(k for k, member in enumerate(members) if isinstance(member.model, Drift))
    model = with_chosen(made, [drift]).to_onnx()
    answer = run(model, {"window": [[200.0]], "series": [0], "steps": [11]})
    growth = np.log(200.0 / 100.0) / 10
    np.testing.assert_allclose(answer, 200.0 * np.exp(growth * np.array([[1.0, 2.0]])), rtol=1e-12)


def test_short_series_are_continued_to_the_front() -> None:
    """By their first season, where they are shorter than the lags; as `predict` does."""
    frame = pd.DataFrame({f"s{k}": (k + 1) * sales(60).to_numpy() + noise(k, 60) for k in range(4)})
    made = Forecaster(horizon=2, members="ridge", input_size=21, season_length=7, random_state=0)
    made.fit(frame)
    long = frame.stack().reset_index().set_axis(["t", "id", "y"], axis=1)
    short = long[(long["id"] != "s3") | (long["t"] > 50)]
    other = Forecaster(horizon=2, members="ridge", input_size=21, season_length=7, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other.fit(short, id="id", time="t", target="y")
    inputs = other.onnx_inputs()
    assert 21 == inputs["window"].shape[1]
    last = short[short["id"] == "s3"]["y"].to_numpy()
    np.testing.assert_array_equal(np.r_[np.tile(last[:7], 2)[2:], last], inputs["window"][3])
    np.testing.assert_allclose(run(other.to_onnx(), inputs), forecasts(other), rtol=1e-9)


# What it says of itself


def test_float32_values() -> None:
    """They are read as they are, and computed in float64."""
    made = fitted("single")
    inputs = made.onnx_inputs(dtype="float32")
    assert np.float32 == inputs["window"].dtype
    answer = run(made.to_onnx(dtype="float32"), inputs)
    assert np.float64 == answer.dtype
    np.testing.assert_allclose(answer, forecasts(made), rtol=1e-5)
    with pytest.raises(UnsupportedError, match="float16"):
        made.to_onnx(dtype="float16")
    with pytest.raises(UnsupportedError, match="rows"):
        made.to_onnx("rows")


def test_the_file_tells_what_it_is(tmp_path: Any) -> None:
    """Inputs with their meanings and sizes, members, series and frequency."""
    made = fitted("covariates")
    made.save_onnx(tmp_path / "step.onnx")
    model = onnx.load(tmp_path / "step.onnx")
    told = {entry.key: entry.value for entry in model.metadata_props}
    assert ("Forecaster", "3", "D") == (told["class"], told["horizon"], told["freq"])
    assert made.members_ == json.loads(told["members"])
    assert ["east", "north", "west"] == json.loads(told["series"])
    for declared in model.graph.input:
        assert declared.doc_string
        sizes = declared.type.tensor_type.shape.dim
        assert "rows" == sizes[0].dim_param
        if declared.name == "known":
            assert [3, 2] == [size.dim_value for size in sizes[1:]]


@pytest.mark.parametrize(
    ("kind", "words"), [("counts", "intermittent"), ("hierarchy", "hierarchy")]
)
def test_what_cannot_be_exported(kind: str, words: str) -> None:
    """Says so, and what to do."""
    for export in (fitted(kind).to_onnx, fitted(kind).onnx_inputs):
        with pytest.raises(UnsupportedError, match=rf"{words}.*save\(\)"):
            export()


def test_not_before_fit() -> None:
    with pytest.raises(ValueError, match="not fitted"):
        Forecaster().to_onnx()


def test_covariates_ahead_are_needed() -> None:
    """As `predict` needs them."""
    with pytest.raises(ValueError, match="known covariate"):
        fitted("covariates").onnx_inputs()
    assert isinstance(fitted("covariates").fitted_, Fitted)
