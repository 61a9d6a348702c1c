"""Tables with a fault that is known, and tables without any: what the checks are tested on."""

from __future__ import annotations

from uuid import UUID

import numpy as np
import pandas as pd

ROWS = 300


def clean(seed: int, rows: int = ROWS, classes: bool = False) -> pd.DataFrame:
    """Unique floats, whole numbers, a category and noise; the target follows from some of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    frame = pd.DataFrame({
        "x": x, "width": rng.gamma(3.0, 10.0, rows), "rooms": rng.integers(1, 9, rows),
        "colour": rng.choice(["red", "green", "blue"], rows),
    })  # fmt: skip
    y = 2.0 * x + 0.05 * frame["width"] + rng.normal(size=rows)
    frame["y"] = np.where(y > y.median(), "yes", "no") if classes else y
    return frame


def identifier_tables(seed: int) -> dict[str, tuple[pd.DataFrame, str]]:
    """By kind: a table, and the column that only names the row."""
    rng = np.random.default_rng(seed)
    base = clean(seed, classes=bool(seed % 2))
    n = len(base)
    hexes = [f"{value:016x}" for value in rng.integers(2**60, 2**63, n)]
    columns = {
        "running": ("PassengerId", np.arange(1, n + 1)),
        "running without a name": ("v1", np.arange(n)),
        "with gaps": ("order_no", np.cumsum(rng.integers(1, 4, n))),
        "prefixed": ("invoice", [f"INV-{k:05d}" for k in rng.permutation(n)]),
        "uuid": ("key", [str(UUID(int=int(k), version=4)) for k in rng.integers(0, 2**62, n)]),
        "hash": ("h", hexes),
        "random and named": ("customer_id", rng.choice(10**9, n, replace=False)),
        "codes": ("part", [f"{a}{b:02d}-{c:04d}" for a, b, c in zip(
            rng.choice(list("ABCDEF"), n), rng.integers(0, 99, n), rng.permutation(9999)[:n],
            strict=True)]),
        "with empty cells": ("id", np.where(np.arange(n) % 50 == 7, np.nan, np.arange(n))),
        "long numbers": ("pc", rng.choice(np.arange(10**9, 10**10, 7919), n, replace=False)),
        "letters": ("tag", ["".join(rng.choice(list("abcdefghij"), 9)) for _ in range(n)]),
        "telephone numbers": ("v3", [f"+49 {a} {b}" for a, b in zip(
            rng.integers(150, 180, n), rng.integers(10**6, 10**7, n), strict=True)]),
        "in another language": ("Kundennummer", rng.choice(10**6, n, replace=False)),
        "addresses": ("contact", [f"user{k}.x{k % 7}@example.org" for k in rng.permutation(n)]),
    }  # fmt: skip
    return {kind: (base.assign(**{name: values})[[*base.columns[:-1], name, "y"]], name)
            for kind, (name, values) in columns.items()}  # fmt: skip


def leak_tables(seed: int) -> dict[str, tuple[pd.DataFrame, set[str]]]:
    """By kind: a table, and the columns that give the target away."""
    rng = np.random.default_rng(seed)
    numbers, classes = clean(seed), clean(seed, classes=True)
    n, y, labels = len(numbers), numbers["y"].to_numpy(), classes["y"].to_numpy()
    yes = labels == "yes"
    flipped = yes ^ (rng.random(n) < 0.02)
    part, other = rng.gamma(2.0, 5.0, n), rng.gamma(2.0, 7.0, n)
    third = rng.normal(size=n)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 300, n), unit="D")
    single = {
        "affine": (numbers, 3.0 - 0.5 * y),
        "monotone": (numbers, np.exp(y / 2.0)),
        "nearly a copy": (numbers, y + rng.normal(scale=0.01 * y.std(), size=n)),
        "a copy with gaps": (numbers, np.where(rng.random(n) < 0.3, np.nan, y + 1.0)),
        "a date only then": (classes, np.where(yes, days, np.datetime64("NaT"))),
        "status": (classes, np.where(flipped, "closed", "open")),
        "only then known": (classes, np.where(yes, rng.gamma(2.0, 50.0, n), np.nan)),
        "only then not zero": (classes, np.where(yes, rng.gamma(2.0, 50.0, n).round(2), 0.0)),
        "in steps": (numbers, pd.qcut(y, 5, labels=[*"vwxyz"]).astype(str)),
        "in a text": (numbers, [f"paid {value:.3f} in cash" for value in y]),
        "of the row after": (numbers, np.append(y[1:], np.nan)),
        "on one side": (classes, np.where(yes, 1.0, -1.0) * rng.gamma(4.0, 1.0, n)),
    }  # fmt: skip
    tables = {
        kind: (frame.assign(later=values)[[*frame.columns[:-1], "later", "y"]], {"later"})
        for kind, (frame, values) in single.items()
    }
    bit, third_of = rng.integers(0, 2, n), pd.qcut(y, 3, labels=[*"abc"]).astype(str)
    both = classes.assign(bit=bit, parity=bit ^ yes)[["x", "bit", "rooms", "parity", "y"]]
    tables["two together"] = (both, {"bit", "parity"})
    parts = rng.dirichlet(np.ones(5), n) * (10.0 + y[:, None])
    sold = {f"q{k}": parts[:, k].round(2) for k in range(5)}
    one_of_three = numbers.assign(is_a=(third_of == "a").astype(int), y=third_of)
    tables["one class"] = (one_of_three[[*numbers.columns[:-1], "is_a", "y"]], {"is_a"})
    several = {
        "sum of five": (sold, np.sum([*sold.values()], axis=0).round(2)),
        "sum of two": ({"part": part, "other": other}, part + other),
        "sum of three": ({"part": part, "other": other, "third": third},
                         0.5 * part + 2.0 * other - third + 4.0),
        "rounded sum": ({"part": part.round(2), "other": other.round(2)},
                        (part.round(2) * 1.19 + other.round(2)).round(2)),
        "product": ({"part": part + 1.0, "other": other + 1.0}, (part + 1.0) * (other + 1.0)),
    }  # fmt: skip
    for kind, (columns, target) in several.items():
        frame = numbers.drop(columns="y").assign(day=days, **columns)
        tables[kind] = (frame.assign(y=target), set(columns))
    return tables


def duplicate_tables(seed: int) -> dict[str, tuple[pd.DataFrame, int]]:
    """By kind: a table, and how many of its rows repeat another one."""
    rng = np.random.default_rng(seed)
    base, labels = clean(seed), clean(seed, classes=True)
    some = rng.choice(len(base), 12, replace=False)
    shuffled = rng.permutation(len(base) + 12)
    repeated = pd.concat([base, base.iloc[some]], ignore_index=True)
    mixed = repeated.iloc[shuffled].reset_index(drop=True)
    words = np.array(["good", "bad", "long", "short", "film", "meal", "very", "not", "a", "the"])
    texts = pd.DataFrame(
        {"t": [" ".join(rng.choice(words, 12)) for _ in base.index], "y": labels["y"]}
    )
    return {
        "at the end": (repeated, 12),
        "anywhere": (mixed, 12),
        "beside an identifier": (mixed.assign(id=np.arange(len(mixed))), 12),
        "of classes": (pd.concat([labels, labels.iloc[some]], ignore_index=True), 12),
        "with empty cells": (mixed.assign(
            x=mixed["x"].where(mixed["x"] > -1.0), colour=mixed["colour"].where(mixed["x"] > 0.0)
        ), 12),
        "the whole table twice": (pd.concat([base, base], ignore_index=True), len(base)),
        "the whole table twice, with ids": (
            pd.concat([base.assign(id=np.arange(len(base)))] * 2, ignore_index=True), len(base)),
        "of texts": (pd.concat([texts, texts.iloc[some]], ignore_index=True), 12),
        "but for rounding": (pd.concat([base, base.iloc[some].round(3)], ignore_index=True), 12),
        "but for capitals": (pd.concat(
            [base, base.iloc[some].assign(colour=base["colour"].str.upper() + " ")],
            ignore_index=True), 12),
        "but for one cell": (pd.concat(
            [base, base.iloc[some].assign(rooms=base["rooms"] + 1)], ignore_index=True), 12),
        "of one column": (pd.concat([base[["x", "y"]], base[["x", "y"]].iloc[some]],
                                    ignore_index=True), 12),
    }  # fmt: skip


def _walk(rng: np.random.Generator, count: int, memory: float) -> np.ndarray:
    """An autoregressive series of standard deviation 1."""
    values = np.zeros(count)
    for k in range(1, count):
        values[k] = memory * values[k - 1] + rng.normal()
    return values / values.std()


def time_tables(seed: int) -> dict[str, tuple[pd.DataFrame, str]]:
    """By kind: a table in the order of time, and the column that says when ("": the rows do)."""
    rng = np.random.default_rng(seed)
    base = clean(seed, 400).drop(columns="y")
    n = len(base)
    days = pd.date_range("2022-03-01", periods=n, freq="D")
    hours = pd.date_range("2022-03-01", periods=n, freq="h")
    known = base["x"] + 0.05 * base["width"]
    walk, slow = _walk(rng, n, 0.9), _walk(rng, n, 0.995)
    trend = np.arange(n) / n * 4.0
    season = 2.0 * np.sin(2 * np.pi * np.arange(n) / 365.25)
    noise = rng.normal(size=n)
    order = rng.permutation(n)
    rising = walk + known / 2.0
    tables = {
        "days and a walk": (base.assign(date=days, y=known + 2.0 * walk), "date"),
        "hours as texts": (base.assign(when=hours.strftime("%Y-%m-%d %H:%M"), y=known + 2 * walk),
                           "when"),
        "a trend": (base.assign(day=days, y=known + trend + noise), "day"),
        "seasons": (base.assign(date=days, y=known + season + noise), "date"),
        "not sorted": (base.assign(date=days, y=known + 2.0 * slow).iloc[order], "date"),
        "classes": (base.assign(date=days, y=np.where(rising > 0.5, "up", "down")), "date"),
        "years and months": (base.assign(
            year=2000 + order // 48, month=order % 48 // 4 + 1, y=known + 2 * slow[order // 4]),
            "year"),
        "the order of the rows": (base.assign(y=known + 2.0 * walk), ""),
        "the order of classes": (base.assign(y=np.where(2 * walk + known > 1, "a", "b")), ""),
        "a number of seconds": (base.assign(time=np.cumsum(rng.integers(1, 90, n)) * 7,
                                            y=known + 2.0 * _walk(rng, n, 0.9)), "time"),
    }  # fmt: skip
    return {kind: (frame.reset_index(drop=True), by) for kind, (frame, by) in tables.items()}


def group_tables(seed: int) -> dict[str, tuple[pd.DataFrame, str]]:
    """By kind: a table with several rows of a patient, a machine, ..., and their column."""
    rng = np.random.default_rng(seed)
    groups, each = 50, 8
    n = groups * each
    of = rng.permutation(np.repeat(np.arange(groups), each))
    uneven = rng.integers(0, groups, n)
    effect, age = rng.normal(size=groups), rng.integers(20, 80, groups)
    base = clean(seed, n).drop(columns="y")
    noise = rng.normal(size=n)
    y = base["x"] + 2.0 * effect[of] + noise
    sick = np.where(effect > 0, "sick", "well")
    names = np.array([f"Person {chr(65 + k % 26)}{chr(65 + k // 26)}" for k in range(groups)])
    frames = {
        "patients of one age": (base.assign(patient=of, age=age[of], y=y), "patient"),
        "patients with a diagnosis": (base.assign(patient_id=of + 1000, y=sick[of]), "patient_id"),
        "codes": (base.assign(subject=[f"P{k:03d}" for k in of], y=y), "subject"),
        "codes under any name": (base.assign(w=[f"M-{k:02d}" for k in of], y=y), "w"),
        "machines": (base.assign(machine=of, pressure=effect[of], y=y), "machine"),
        "customers": (base.assign(customer=names[of], income=(age * 997.0)[of], y=y), "customer"),
        "uneven": (base.assign(user_id=uneven, y=base["x"] + 2 * effect[uneven] + noise),
                   "user_id"),
        "sorted": (base.assign(user=np.repeat(np.arange(groups), each),
                               y=base["x"] + np.repeat(effect, each) * 2 + noise), "user"),
        "a number under any name": (base.assign(q=of, age=age[of], height=effect[of], y=y), "q"),
        "hashes": (base.assign(device=[f"{hash_of:08x}" for hash_of in
                                       rng.integers(2**28, 2**31, groups)[of]], y=sick[of]),
                   "device"),
    }  # fmt: skip
    return {kind: (frame[[*(c for c in frame.columns if c != "y"), "y"]], column)
            for kind, (frame, column) in frames.items()}  # fmt: skip


def clean_tables(seed: int) -> dict[str, pd.DataFrame]:
    """Tables that nothing is wrong with, though they look a little as if."""
    rng = np.random.default_rng(seed)
    base, labels = clean(seed), clean(seed, classes=True)
    n, y = len(base), base["y"].to_numpy()
    days = pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 20_000, n), unit="D")
    zips = rng.integers(10_000, 99_999, 25)
    frames = {
        "unique floats": base.assign(z=rng.random(n), w=np.linspace(0.0, 1.0, n)),
        "dates": base.assign(bought=days),
        "dates as texts": labels.assign(bought=days.strftime("%d.%m.%Y")),
        "dates of birth": base.assign(birth_date=days, y=y + (days.year - 1977).to_numpy() / 8.0),
        "monotone but noisy": base.assign(a=y + rng.normal(scale=0.4 * y.std(), size=n),
                                          b=np.exp(y / 2) * rng.gamma(3.0, 1.0, n)),
        "classes that overlap": labels.assign(a=np.where(y > np.median(y), 1.0, 0.0)
                                              + rng.normal(scale=0.4, size=n)),
        "a salary": base.assign(salary=rng.lognormal(11.0, 0.6, n).round().astype(int),
                                population=rng.lognormal(9.0, 1.5, n).astype(int)),
        "sorted by a measurement": base.assign(
            size=np.sort(rng.lognormal(9.0, 1.0, n)).astype(int)),
        "sorted by the target": base.sort_values("y"),
        "sorted by the class": labels.sort_values("y"),
        "places": base.assign(zip=zips[rng.integers(0, 25, n)],
                              city=rng.choice([f"Town{chr(65 + k)}" for k in range(20)], n)),
        "regular seconds": base.assign(when=1_700_000_000 + 60 * np.arange(n)),
        "years": base.assign(year=rng.integers(1960, 2020, n)),
        "few values": pd.DataFrame({"a": rng.integers(0, 3, n), "b": rng.choice(list("uvw"), n),
                                    "y": rng.choice(["yes", "no"], n)}),
        "nothing to learn": base.assign(y=rng.normal(size=n)),
    }  # fmt: skip
    return {kind: frame[[*(c for c in frame.columns if c != "y"), "y"]].reset_index(drop=True)
            for kind, frame in frames.items()}  # fmt: skip
