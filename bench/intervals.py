"""How often intervals of regressors hold the truth: 20 splits of 6 sets; and planted effects."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import process_time
from typing import Any

import numpy as np
import pandas as pd
from sklearn.datasets import load_diabetes

from chainrule import TabularRegressor

from .results import Kind
from .tabular_sets import DATA, SETS

KIND = Kind(
    "Intervals and explanations",
    (
        "Intervals of 90 %: the share of test rows inside, as the mean over 20 splits and from the",
        "lowest to the highest of them, and their mean width in standard deviations of the target.",
        "Small networks (64, 64), 25 epochs, up to 1,500 rows to train and to test on. Effects: of",
        "rows in which one column truly does half as much again as all others, how many name it",
        "first.",
    ),
    ("task", "of", "measured", "CPU"),
)
NAMES = ("wine_quality", "diamonds", "california", "ames", "bike_hour", "bike_day", "diabetes")
SPLITS, MOST_ROWS, COVERAGE = 20, 1_500, 0.9
QUICK = {"hidden_layer_sizes": (64, 64), "max_iter": 25, "progress": False}
TOWNS = {"Rome": 0.0, "Oslo": 3.0, "Kiel": -3.0}


def rows() -> Iterator[tuple[str, ...]]:
    if not DATA.exists():
        print(f"there is no {DATA}: nothing to predict", file=sys.stderr)
        return
    for name in NAMES:
        start = process_time()
        splits = [_split(*_set(name), seed) for seed in range(SPLITS)]
        shares, widths = np.array(splits).T
        measured = (
            f"{100 * shares.mean():.1f} % ({100 * shares.min():.0f} to {100 * shares.max():.0f}), "
            f"width {widths.mean():.2f}"
        )
        yield "interval of 90 %", name, measured, f"{process_time() - start:.0f} s"
    for kind in ("sum", "product"):
        start = process_time()
        right, count = _named_first(kind)
        yield "planted effects", kind, f"{right} of {count}", f"{process_time() - start:.0f} s"


def _set(name: str) -> tuple[Any, Any]:
    if name == "diabetes":
        bunch = load_diabetes(as_frame=True)
        return bunch.data, bunch.target.to_numpy()
    return SETS[name].read()


def _split(x: Any, y: Any, seed: int) -> tuple[float, float]:
    """The share of test rows inside their intervals, and the mean width."""
    order = np.random.default_rng(seed).permutation(len(x))
    count = min(int(0.7 * len(x)), MOST_ROWS)
    train, test = order[:count], order[count : count + MOST_ROWS]
    model = TabularRegressor(**QUICK, random_state=seed).fit(x.iloc[train], y[train])
    lower, upper = model.predict_interval(x.iloc[test], COVERAGE)
    inside = (lower <= y[test]) & (y[test] <= upper)
    return float(inside.mean()), float((upper - lower).mean() / y.std())


# Planted effects


def _table(count: int, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "a": rng.normal(size=count), "b": rng.uniform(-2, 2, count),
        "town": rng.choice(list(TOWNS), count, p=[0.5, 0.3, 0.2]),
        "d": rng.exponential(1, count), "e": rng.normal(size=count), "f": rng.normal(size=count),
    })  # fmt: skip
    frame.loc[rng.random(count) < 0.2, "d"] = np.nan
    return frame


def _planted(kind: str, frame: Any) -> Any:
    a, b, d = (frame[name].to_numpy() for name in "abd")
    town = frame["town"].map(TOWNS).to_numpy()
    missing = np.isnan(d)
    if kind == "sum":
        return 2 * a + 3 * np.sin(b) + town + 4 * missing
    return 2 * a * b + town + 3 * missing


def _true_effects(kind: str, some: Any, frame: Any, repeats: int = 400) -> Any:
    """Shapley values of what was planted, shape (rows, columns)."""
    rng = np.random.default_rng(0)
    effects = {name: np.zeros(len(some)) for name in some.columns}
    for _ in range(repeats):
        current = frame.iloc[rng.integers(len(frame), size=len(some))].set_axis(some.index)
        last = _planted(kind, current)
        for name in rng.permutation(list(some.columns[:4])):
            current[name] = some[name]
            now = _planted(kind, current)
            effects[name] += (now - last) / repeats
            last = now
    return np.stack(list(effects.values()), axis=1)


def _named_first(kind: str) -> tuple[int, int]:
    """How many rows name the column first that does most, and of how many."""
    frame, some = _table(2_000, 0), _table(500, 1)
    y = _planted(kind, frame) + np.random.default_rng(2).normal(0, 0.3, len(frame))
    model = TabularRegressor(**{**QUICK, "max_iter": 60}, random_state=0).fit(frame, y)
    size = np.abs(_true_effects(kind, some, frame))
    order = np.sort(size, axis=1)
    clear = order[:, -1] > 1.5 * order[:, -2]
    named = np.array([effects[0][0] for effects in model.explain_rows(some).strongest(1)])
    right = named == np.array(some.columns)[size.argmax(axis=1)]
    return int(right[clear].sum()), int(clear.sum())
