"""The parts of an N-BEATS' forecast add up to it, and are what its skip and blocks compute."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule import random, tree
from chainrule.errors import UnsupportedError
from chainrule.estimators.forecast.decomposition import decompose, nbeats_member
from chainrule.estimators.forecast.networks import NBeats

pytestmark = pytest.mark.usefixtures("_unoptimised")


def sales(n: int = 120, series: int = 2) -> Any:
    """Positive values with a week and noise."""
    rng = np.random.default_rng(0)
    week = np.array([0.8, 0.9, 1.0, 1.1, 1.3, 1.6, 0.4])[np.arange(n) % 7]
    return 10.0 * np.arange(1, series + 1) * week[:, None] * np.exp(rng.normal(0, 0.1, (n, series)))


@pytest.fixture(scope="module")
def forecaster() -> Any:
    """An N-BEATS of logarithms beside ridges."""
    return cr.Forecaster(
        horizon=3, season_length=7, members=["ridge", "nbeats"], transform="log", max_steps=30,
        random_state=0, progress=False,
    ).fit(sales())  # fmt: skip


def with_network(forecaster: Any, number: int, network: Any) -> Any:
    """The fitted forecaster with another network in a member."""
    fitted = forecaster.fitted_
    members = list(fitted.committee.members)
    model = replace(members[number].model, network=network)
    members[number] = replace(members[number], model=model)
    return replace(fitted, committee=replace(fitted.committee, members=tuple(members)))


def number_of(forecaster: Any) -> int:
    """Of the member that is taken apart."""
    member = nbeats_member(forecaster.fitted_)
    return next(k for k, m in enumerate(forecaster.fitted_.committee.members) if m is member)


def test_parts_add_up_to_the_members_forecast(forecaster: Any) -> None:
    """All parts are of the target's unit; their sum is what the member answers."""
    table = forecaster.decomposition()
    assert ["unique_id", "ds", "forecast", "level", "linear skip", "block 1", "block 2"] == list(
        table
    )
    parts = table.iloc[:, 3:].sum(axis=1)
    assert np.allclose(table["forecast"], parts, rtol=1e-12)
    known = np.empty((2, 3, 0))
    member = forecaster.fitted_.member_forecasts(known)[number_of(forecaster)]
    assert np.allclose(member.ravel(), table["forecast"], rtol=1e-5)
    assert nbeats_member(forecaster.fitted_).name == table.attrs["member"]
    assert np.abs(table[["linear skip", "block 1", "block 2"]].to_numpy()).min(axis=0).all()


def test_parts_are_successive_differences_of_exponentials(forecaster: Any) -> None:
    """With logarithms: exp of each partial sum minus exp of the one before, written out."""
    fitted, member = forecaster.fitted_, nbeats_member(forecaster.fitted_)
    model, scaling = member.model, member.view.scaling
    assert "log" == scaling.transform and not scaling.offset.any()
    table = forecaster.decomposition()
    for k, values in enumerate(fitted.histories.values):
        mean, spread, level = scaling.mean[k], scaling.spread[k], scaling.level[k]
        z = (np.log(values[-model.spec.lags :] / level) - mean) / spread / model.units[k]
        centre = z[-1] if model.spec.centre == "last" else z.mean()
        parts = model.network.parts((z - centre).astype(np.float32)[None])
        rows = table[table["unique_id"] == k]

        def value(z: Any, k: int = k) -> Any:
            unit = model.units[k] * scaling.spread[k]
            return scaling.level[k] * np.exp(z * unit + scaling.mean[k])

        total, before = np.full(3, centre), 0.0
        names = {"linear skip": "skip", "block 1": "block1", "block 2": "block2"}
        for name in ("level", *names):
            total = total + (parts[names[name]][0] if name in names else 0.0)
            assert np.allclose(value(total) - before, rows[name], rtol=1e-4, atol=1e-5 * level)
            before = value(total)


def test_interpretable_blocks_say_so(forecaster: Any) -> None:
    """A trend and a season have their names; a network without a skip has none."""
    number, model = number_of(forecaster), nbeats_member(forecaster.fitted_).model
    network = NBeats(
        model.spec.lags, 3, key=random.key(0), blocks=("trend", "season"), width=8, skip=False
    )
    rng = np.random.default_rng(0)
    network = tree.map(lambda a: rng.normal(0, 0.1, np.shape(a)).astype(np.float32), network)
    fitted = with_network(forecaster, number, network)
    known = np.empty((2, 3, 0))
    parts = decompose(fitted, fitted.committee.members[number], known)
    assert ["forecast", "level", "trend (block 1)", "seasonality (block 2)"] == list(parts)
    assert np.allclose(parts["forecast"], fitted.member_forecasts(known)[number], rtol=1e-5)
    assert all(np.abs(part).max() > 0 for part in parts.values())


def test_covariates_that_are_known_ahead_are_a_part() -> None:
    """Their effect is taken off before the network sees the values, and is the last part."""
    rng = np.random.default_rng(1)
    n, ahead = 150, 2
    promo = (rng.random(n + ahead) < 0.2).astype(float)
    promo[n:] = [1.0, 0.0]
    y = 50 + 10.0 * (np.arange(n + ahead) % 7 == 5) + 20 * promo + rng.normal(0, 0.5, n + ahead)
    y[n:] = np.nan
    days = pd.date_range("2024-01-01", periods=n + ahead)
    table = pd.DataFrame({"day": days, "y": y, "promo": promo})
    forecaster = cr.Forecaster(
        horizon=2, members="nbeats", transform="none", season_length=7, max_steps=5,
        random_state=0, progress=False,
    ).fit(table, time="day", target="y", known=["promo"])  # fmt: skip
    parts = forecaster.decomposition()
    assert "known covariates" == list(parts)[-1]
    effect = parts["known covariates"]
    assert 20.0 == pytest.approx(effect[0] - effect[1], rel=0.05)
    assert np.allclose(parts["forecast"], parts.iloc[:, 2:].sum(axis=1), rtol=1e-12)
    future = table[n:].assign(promo=[0.0, 0.0])[["day", "promo"]]
    without = forecaster.decomposition(future=future)["known covariates"]
    assert effect[0] - without[0] == pytest.approx(effect[0] - effect[1], rel=1e-9)


def test_without_an_nbeats() -> None:
    """The error says how to get one."""
    forecaster = cr.Forecaster(horizon=2, season_length=7, random_state=0).fit(sales())
    with pytest.raises(UnsupportedError, match=r"members=\['ridge', 'nbeats'\]"):
        forecaster.decomposition()
