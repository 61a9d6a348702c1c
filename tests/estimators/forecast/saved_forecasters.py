"""Small fitted forecasters of every kind, for the tests of files and of ONNX."""

from __future__ import annotations

import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from chainrule import Forecaster

HORIZON = 3


def noise(seed: int, size: int) -> Any:
    return np.random.default_rng(seed).normal(size=size)


def sales(days: int = 70) -> pd.Series:
    """One series with a week, far from zero, as logarithms like it."""
    season = np.tile([5.0, 6.0, 7.0, 6.0, 8.0, 12.0, 3.0], days // 7 + 1)[:days]
    return pd.Series(
        season * np.exp(0.01 * np.arange(days) + 0.1 * noise(0, days)),
        pd.date_range("2024-01-01", periods=days),
    )


def shops(days: int = 60) -> pd.DataFrame:
    """Three shops of different lengths, with covariates of all roles, texts among them."""
    parts = []
    for k, shop in enumerate(["north", "east", "west"]):
        n = days - 9 * k
        promo, heat = (noise(3 * k, n) > 1.0).astype(float), noise(3 * k + 1, n)
        values = (k + 1) * (10.0 + 3.0 * np.sin(np.arange(n) * 2 * np.pi / 7) + 5.0 * promo)
        values[1:] += 2.0 * heat[:-1]
        parts.append(
            pd.DataFrame({
                "shop": shop, "day": pd.date_range("2024-03-04", periods=n), "sold": values
                + 0.5 * noise(3 * k + 2, n), "promo": promo, "price": noise(k + 50, n),
                "sky": np.where(heat > 0, "sun", "rain"), "heat": heat, "size": 10.0 * (k + 1),
            })
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def shops_ahead(frame: pd.DataFrame) -> pd.DataFrame:
    """The covariates that are known ahead, of the next steps."""
    parts = []
    for k, (shop, part) in enumerate(frame.groupby("shop")):
        days = pd.date_range(part["day"].max() + pd.Timedelta(days=1), periods=HORIZON)
        parts.append(
            pd.DataFrame({"shop": shop, "day": days, "promo": [1.0, 0.0, 1.0],
                          "price": noise(k + 90, HORIZON)})
        )  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def parts_of_total(months: int = 48) -> pd.DataFrame:
    base = np.arange(months) + np.tile([1.0, 5.0, 2.0], months // 3)
    return pd.DataFrame(
        {"a": base + noise(1, months), "b": 2.0 * base + noise(2, months)},
        pd.date_range("2020-01-01", periods=months, freq="MS"),
    )


def demand(steps: int = 80) -> Any:
    """Two series of intermittent demand beside one that is none."""
    rng = np.random.default_rng(4)
    rare = rng.poisson(2.0, (steps, 2)) * (rng.random((steps, 2)) < 0.3)
    return np.c_[rare, 50.0 + noise(5, steps)].astype(float)


COVARIATES: dict[str, Any] = {
    "id": "shop", "time": "day", "target": "sold", "known": ["promo", "price"],
    "past": ["heat", "sky"], "static": ["size"],
}  # fmt: skip
KINDS: dict[str, tuple[dict[str, Any], Any, dict[str, Any]]] = {
    "single": ({}, sales, {}),
    "covariates": ({}, shops, COVARIATES),
    "networks": (
        {"members": ["ridge", "nlinear"], "max_steps": 50, "input_size": 8},
        shops, COVARIATES,
    ),
    "price": (
        {"kind": "price"}, lambda: np.exp(0.05 * np.arange(60.0) + 0.05 * noise(7, 60)), {}
    ),
    "counts": ({}, demand, {}),
    "hierarchy": ({"season_length": 3}, parts_of_total, {"hierarchy": {"total": ["a", "b"]}}),
}  # fmt: skip


@cache
def fitted(kind: str) -> Forecaster:
    """One of each kind, trained once in a process."""
    settings, data, roles = KINDS[kind]
    forecaster = Forecaster(horizon=HORIZON, random_state=0, progress=False, **settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return forecaster.fit(data(), **roles)


def ahead(kind: str) -> Any:
    """What `predict` of that kind is told of the future."""
    return shops_ahead(shops()) if KINDS[kind][1] is shops else None


@cache
def valid(folder: Path, kind: str) -> bytes:
    """The bytes of a model file."""
    path = folder / kind
    fitted(kind).save(path, card={"kind": kind})
    return path.read_bytes()
