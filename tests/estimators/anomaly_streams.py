"""Detectors whose streams are tested, each trained once in a process, and rows for them."""

from functools import cache

import numpy as np
import pandas as pd

from chainrule.estimators.anomaly.detector import AnomalyDetector

QUICK = {"max_iter": 3, "n_members": 2, "progress": False, "random_state": 0}
MIXING = np.random.default_rng(1).normal(size=(4, 4))


def rows_of(seed, count):
    """Normal rows: four columns that depend on each other."""
    return np.random.default_rng(seed).normal(size=(count, 4)) @ MIXING


def table_of(seed, count):
    """Rows of a table of two columns of numbers, one of categories and one of dates."""
    draw = np.random.default_rng(seed)
    size = draw.normal(size=count)
    return pd.DataFrame(
        {
            "when": pd.Timestamp("2026-01-05")
            + pd.to_timedelta(draw.integers(0, 9999, count), "h"),
            "size": size,
            "colour": np.where(draw.random(count) < 0.7, "red", "blue"),
            "weight": np.where(
                draw.random(count) < 0.1, np.nan, 2 * size + draw.normal(size=count)
            ),
        }
    )


@cache
def fitted(kind):
    """A detector of arrays ("network", "joined": with known anomalies) or of a table.

    Tables are "mixed", of numbers, categories and dates, or a "frame" of numbers.
    """
    if kind == "network":
        return AnomalyDetector(method="autoencoder", **QUICK).fit(rows_of(0, 2_000))
    if kind == "joined":
        known = np.arange(600) < 20
        rows = rows_of(0, 600)
        rows[known] += 9.0
        return AnomalyDetector(**QUICK).fit(rows, anomalies=known)
    if kind == "mixed":
        return AnomalyDetector(method="denoising", **QUICK).fit(table_of(0, 800))
    frame = pd.DataFrame(rows_of(0, 500), columns=list("abcd"))
    return AnomalyDetector(method="autoencoder", **QUICK).fit(frame)


def bits(results):
    """All numbers of the results of rows as bytes."""
    return [np.asarray(part).tobytes() for part in list(results)[:6]], results[6]


def one_by_one(stream, rows):
    """The results of `update`, put together as those of `update_many`."""
    results = [stream.update(row) for row in rows]
    kinds = (int, float, float, bool, float, bool, object)
    columns = zip(*results, strict=True)
    return [
        np.array(its, kind) if kind is not object else tuple(its)
        for its, kind in zip(columns, kinds, strict=True)
    ]


def saved(stream, path):
    """The bytes of a stream's file."""
    stream.save(path)
    return path.read_bytes()
