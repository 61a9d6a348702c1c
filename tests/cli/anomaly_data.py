"""Tables to find anomalies in: what is planted is known, and models of them are quick to train."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path

import numpy as np
import pandas as pd

from chainrule.cli import main
from chainrule.config import configured

QUICK = ("--epochs", "3", "--members", "1", "--method", "neighbors")
PLANTED = {50: ("requests", 900.0), 120: ("host", "=cmd()"), 150: ("errors", 60)}


def logs(count: int, seed: int = 0) -> pd.DataFrame:
    """Requests follow from the load; hosts of three kinds; few errors."""
    draw = np.random.default_rng(seed)
    load = draw.gamma(2.0, 20.0, count).round(2)
    return pd.DataFrame({
        "host": draw.choice(["web", "db", "mail"], count, p=[0.6, 0.3, 0.1]), "load": load,
        "requests": (load * 3 + draw.normal(0, 5, count)).round(1),
        "errors": draw.poisson(1.0, count),
    })  # fmt: skip


def planted(count: int = 200, seed: int = 1) -> pd.DataFrame:
    """Rows with three anomalies, in the rows (from 0) of `PLANTED`."""
    frame = logs(count, seed)
    for row, (name, value) in PLANTED.items():
        frame.loc[row, name] = value
    return frame


def labelled() -> pd.DataFrame:
    """The same with a column that says which rows are anomalies, and some that it leaves open."""
    frame = pd.concat([logs(500), planted()], ignore_index=True)
    frame["kind"] = "normal"
    frame.loc[[500 + row for row in PLANTED], "kind"] = "attack"
    frame.loc[:9, "kind"] = None
    return frame


def wave(count: int = 600, spike: int | None = None) -> pd.DataFrame:
    """Hourly values with a period of a day; a spike."""
    hours = np.arange(count)
    value = np.sin(hours * 2 * np.pi / 24) + np.random.default_rng(0).normal(0, 0.05, count)
    if spike is not None:
        value[spike] += 3.0
    times = pd.date_range("2026-01-01", periods=count, freq="h").strftime("%Y-%m-%d %H:%M:%S")
    return pd.DataFrame({"when": times, "value": value.round(4)})


def trained_folder(folder: Path) -> Path:
    """Write the tables, and a detector of each kind."""
    logs(500).to_csv(folder / "logs.csv", index=False)
    planted().to_csv(folder / "today.csv", index=False)
    labelled().to_csv(folder / "labelled.csv", index=False)
    wave().to_csv(folder / "wave.csv", index=False)
    wave(spike=300).to_csv(folder / "spike.csv", index=False)
    with contextlib.chdir(folder), configured(check=0), contextlib.redirect_stdout(io.StringIO()):
        for words in (["logs.csv", *QUICK], ["wave.csv", "--window", "24", "--time", "when"]):
            with contextlib.suppress(SystemExit):
                main(["anomaly", "train", *words, "-q"])
    return folder
