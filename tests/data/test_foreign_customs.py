"""Rows to predict that are written by another custom than those of the training."""

from __future__ import annotations

import json

import pandas as pd
import pytest

from chainrule.data import Table
from chainrule.data.columns import Reading, learn_readings, readings_of_table
from chainrule.data.tables.sums import without_sums
from chainrule.errors import DataError
from chainrule.estimators.tabular.targets import choose_target

GERMAN = pd.DataFrame({
    "area": ["63,5", "1.104,25", "88,0", "71,5"],
    "price": ["1.200", "980", "12.345", "7.000"],
    "sold": ["31.12.2021", "05.06.2021", "01.02.2022", "03.04.2022"],
    "open": ["TRUE", "NA", "FALSE", "TRUE"],
    "rate": ["1,5 b", "2,5", "3,5", "4,5"],
})  # fmt: skip
LEARNED = {one.name: one for one in learn_readings(GERMAN, {"rate": "text"})}


def read(**cells: list) -> dict[str, list]:
    """The values of other rows, as a model reads them that has learned from the German ones."""
    frame = pd.DataFrame(cells)
    readings = readings_of_table(LEARNED, frame)
    return {name: readings[name].values(column).tolist() for name, column in frame.items()}


def test_an_american_file_after_a_german_one():
    """A number that can only have a decimal point decides for all of its table."""
    values = read(area=["63.5", "1,104.25"], price=["1,200", "12,345"], open=[True, False])
    assert values == {"area": [63.5, 1104.25], "price": [1200.0, 12345.0], "open": [1.0, 0.0]}
    assert read(price=["1.200", "7"]) == {"price": [1200.0, 7.0]}  # nothing tells: as learned


def test_dates_in_another_order():
    """Where a date leaves no doubt all are read so; 05/06/2021 alone may be in May or June."""
    times = [pd.Timestamp("2021-12-31", tz="UTC"), pd.Timestamp("2021-05-06", tz="UTC")]
    assert read(sold=["12/31/2021", "05/06/2021"]) == {"sold": times}
    assert read(sold=["06.05.2021"]) == {"sold": times[1:]}
    with pytest.raises(DataError, match="row 1: '05/06/2021' is no date .* written like 31"):
        read(sold=["05/06/2021"])


def test_forms_in_model_files():
    """Marks, truth values and what stands between day and month; older files lack them."""
    for reading in LEARNED.values():
        stored = json.loads(json.dumps(reading.to_json()))
        assert Reading.from_json(stored) == reading
        if stored["form"] is not None:
            for field in ("flags", "truths", "marks"):
                stored["form"].pop(field, None)
            assert Reading.from_json(stored).kind == reading.kind


def test_many_rows_that_only_sound_like_sums():
    """They stay, and looking at them takes no time that grows with its square."""
    frame = pd.DataFrame({"city": ["Total war", "Gent"] * 20_000, "n": range(40_000)})
    rest, notes = without_sums(frame)
    assert (len(rest), notes) == (40_000, ())


def test_the_target_of_a_table():
    """Without a name it is the likely one, in Python as in the command."""
    table = Table("t", pd.DataFrame({"label": [0, 1], "age": [40, 50]}))
    assert choose_target(table, None) == "label"
