"""Messy files against their clean twins: read rightly, or refused with the line and the mend."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from column_cases import COLUMN_CASES
from file_cases import FILE_CASES
from messy_case import MessyCase
from office_cases import OFFICE_CASES

from chainrule.data import Table, read_table
from chainrule.data.columns import typed_frame
from chainrule.errors import DataError
from chainrule.estimators import TrainOptions, fit_table

TRAINED = [
    "semicolons and decimal commas", "cp1252", "a row of units", "a total",
    "a sheet with a title, an offset and a total",
]  # fmt: skip
CASES = [*FILE_CASES, *COLUMN_CASES, *OFFICE_CASES]


def check_column(name: str, expected: list, column: Any) -> None:
    """Assert that a column holds exactly these cells."""
    assert len(expected) == len(column), name
    for row, (right, cell) in enumerate(zip(expected, column.tolist(), strict=True), 1):
        where = f"{name}, row {row}"
        if right is None:
            assert pd.isna(cell), where
        elif isinstance(right, datetime):
            time = pd.Timestamp(cell)
            naive = time.tz_convert(None) if time.tzinfo is not None else time
            assert pd.Timestamp(right) == naive, where
        elif isinstance(right, str):
            assert right == cell, where
        else:
            assert right == cell and not isinstance(cell, str), where


def read(case: MessyCase, folder: Path) -> Any:
    path = folder / case.file
    path.write_bytes(case.content)
    return read_table(path)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_messy_file(case: MessyCase, tmp_path: Path) -> None:
    """The values of the clean twin, and a note of each guess; or an error of one line."""
    if case.clean is None:
        with pytest.raises(DataError) as caught:
            read(case, tmp_path)
        assert re.search(case.refusal, str(caught.value)), str(caught.value)
        assert "\n" not in str(caught.value)
        return
    table = read(case, tmp_path)
    assert list(case.clean) == list(table.frame.columns)
    for name, expected in case.clean.items():
        check_column(name, expected, table.frame[name])
    for note in case.notes:
        assert any(re.search(note, each) for each in table.notes), table.notes
    assert all("\n" not in note for note in table.notes)


def test_the_cases_are_many() -> None:
    """Each has a name of its own."""
    assert len({case.name for case in CASES}) == len(CASES) >= 260


@pytest.mark.slow
@pytest.mark.usefixtures("_unoptimised")
@pytest.mark.parametrize("name", TRAINED)
def test_a_model_learns_as_from_the_clean_twin(name: str, tmp_path: Path) -> None:
    """The same rows, columns and seeds: the same score."""
    case = next(case for case in CASES if case.name == name)
    clean = typed_frame(pd.DataFrame(case.clean))[0]
    options = TrainOptions(
        hidden_layer_sizes=(8,), max_iter=3, n_members=1, progress=False, random_state=0
    )
    scores = [
        fit_table(Table("t", frame), case.target, options=options).score
        for frame in (read(case, tmp_path).frame, clean)
    ]
    assert scores[0] == scores[1] > 0.0
