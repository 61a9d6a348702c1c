"""What the checks of a table say: planted faults are seen, and nothing where nothing is wrong."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from planted_tables import (
    clean,
    clean_tables,
    duplicate_tables,
    group_tables,
    identifier_tables,
    leak_tables,
    time_tables,
)

from chainrule.data import Table
from chainrule.estimators import TrainOptions
from chainrule.estimators.tabular.checks.evidence import collect_evidence
from chainrule.estimators.tabular.checks.running import advise
from chainrule.estimators.tabular.metrics import Answers
from chainrule.estimators.tabular.preparation import training_table

OPTIONS = TrainOptions(progress=False)


def checked(frame, options=OPTIONS, target="y", task=None):
    """The advice for a table and the honest scores, without a network."""
    prepared = training_table(Table("t", frame), target, task, options)
    y = prepared.y[prepared.test_rows]
    known = prepared.y[prepared.train_rows]
    if prepared.source.task == "classification":
        classes, counts = np.unique(known, return_counts=True)
        shares = np.tile(counts / counts.sum(), (len(y), 1))
        answers, metric = Answers(np.full(len(y), classes[0]), shares, classes), "accuracy"
    else:
        answers, metric = Answers(np.full(len(y), known.mean())), "R2"
    evidence = collect_evidence(
        prepared.source, prepared.y, prepared.train_rows, prepared.test_rows, options
    )
    found = advise(evidence, prepared.identifiers, metric, answers)
    return prepared.advice + found.advice, found.honest


def said(frame, *kinds):
    """The columns of each advice, by kind; only of some kinds if any are named."""
    advice, _ = checked(frame)
    return {(one.kind, one.columns) for one in advice if not kinds or one.kind in kinds}


def seeds(tables):
    return [(kind, seed) for seed, kind in enumerate(tables(0))]


@pytest.mark.parametrize(("kind", "seed"), seeds(identifier_tables))
def test_identifiers(kind, seed):
    frame, name = identifier_tables(seed)[kind]
    assert {("identifier", (name,))} == said(frame)


@pytest.mark.parametrize(("kind", "seed"), seeds(leak_tables))
def test_leaks(kind, seed):
    frame, names = leak_tables(seed)[kind]
    leaks = said(frame, "leak", "time_order", "groups", "identifier")
    assert [("leak", names)] == [(what, {*columns}) for what, columns in leaks]


@pytest.mark.parametrize(("kind", "seed"), seeds(duplicate_tables))
def test_duplicates(kind, seed):
    frame, count = duplicate_tables(seed)[kind]
    advice = [one for one in checked(frame)[0] if one.kind == "duplicates"]
    assert [one.message.startswith(f"{count:,} of {len(frame):,} rows repeat") for one in advice] == [True]
    assert advice[0].option == "--deduplicate"
    assert not said(frame, "leak", "time_order", "groups")


@pytest.mark.parametrize(("kind", "seed"), seeds(time_tables))
def test_order_of_time(kind, seed):
    frame, by = time_tables(seed)[kind]
    advice, honest = checked(frame)
    assert [("time_order", (by,) if by else ())] == [
        (one.kind, one.columns) for one in advice if one.kind != "few_rows"
    ]
    assert advice[0].option == f"--split time --by {by}".removesuffix(" --by ")
    assert [("time", by)] == [(score.kind, score.column) for score in honest]


@pytest.mark.parametrize(("kind", "seed"), seeds(group_tables))
def test_groups(kind, seed):
    frame, column = group_tables(seed)[kind]
    advice, honest = checked(frame)
    assert [("groups", (column,))] == [(one.kind, one.columns) for one in advice]
    assert advice[0].option == f"--group {column}"
    assert honest[0].random > honest[0].honest + 0.05


@pytest.mark.parametrize(("kind", "seed"), seeds(clean_tables))
def test_nothing_is_said_of_clean_tables(kind, seed):
    assert set() == said(clean_tables(seed)[kind])
