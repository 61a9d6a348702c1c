"""Columns, dates in usual forms, messages in the command's words, and drawings of forecasts."""

from __future__ import annotations

import copy
import sys
import threading
import warnings
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest

from chainrule.cli import forecast_run
from chainrule.cli.console import PlainConsole
from chainrule.cli.forecast_columns import Columns, choose_columns, split_names, with_times
from chainrule.cli.forecast_dates import looks_like_times, read_times
from chainrule.cli.forecast_drawing import HEIGHT, drawing_of, legend
from chainrule.cli.forecast_messages import as_options, in_words_of_the_command
from chainrule.cli.forecast_run import Interrupts
from chainrule.cli.forecast_series import worth_drawing
from chainrule.data import Table
from chainrule.errors import DataError, UnsupportedError
from chainrule.estimators.forecast.reading.data_warning import SeriesDataWarning
from chainrule.report import ForecastSeries


@pytest.mark.parametrize(
    "texts",
    [
        ["31.01.2026", "1.2.2026"], ["31/1/2026", "01/02/2026"], ["1/31/2026", "2/1/2026"],
        ["31-01-2026", "01-02-2026"], ["2026/01/31", "2026/2/1"], ["2026.01.31", "2026.02.01"],
        [20260131, 20260201], ["20260131", "20260201"], ["31 Jan 2026", "1 Feb 2026"],
        ["January 31, 2026", "February 1, 2026"], ["Jan 31 2026", "Feb 1 2026"],
        [" 31.01.2026", "01.02.2026 "],
    ],
)  # fmt: skip
def test_usual_forms_of_dates(texts):
    """All are the last day of January and the first of February."""
    column = pd.Series(texts, name="day")
    assert looks_like_times(column)
    days = read_times(column)
    assert ["2026-01-31", "2026-02-01"] == [str(day.date()) for day in days]
    assert "day" == days.name


def test_hours_months_and_quarters():
    """The clock is read with the day; a month or a quarter begins at its first day."""
    hours = read_times(pd.Series(["31.01.2026 23:30", "1.2.2026 0:15"]))
    assert [pd.Timestamp("2026-01-31 23:30"), pd.Timestamp("2026-02-01 00:15")] == list(hours)
    quarters = read_times(pd.Series(["2025-Q4", "2026Q1"]))
    assert [pd.Timestamp("2025-10-01"), pd.Timestamp("2026-01-01")] == list(quarters)
    assert [pd.Timestamp("2026-02-01")] == list(read_times(pd.Series(["Feb 2026"])))


@pytest.mark.parametrize(
    "values", [[1, 2, 3], [1.5, 2.5], ["a", "b"], [True, False], [20261301, 20260101], [None]]
)
def test_what_is_no_date(values):
    """Numbers, texts, and a thirteenth month are as they were."""
    column = pd.Series(values)
    assert not looks_like_times(column)
    assert read_times(column) is column


@pytest.mark.parametrize("values", [["2026-01-31"], ["2026-01-31T10:00+01:00"], ["2026-01"]])
def test_what_the_forecaster_reads_by_itself(values):
    """ISO 8601 stays as it is."""
    column = pd.Series(values)
    assert looks_like_times(column) and read_times(column) is column


def test_a_day_that_may_be_a_month_is_not_guessed():
    """1/2/2026 alone is of January or of February; one cell above 12 tells for all."""
    with pytest.raises(DataError, match="day and month of '1/2/2026' cannot be told apart"):
        read_times(pd.Series(["1/2/2026", "3/2/2026"], name="day"))
    days = read_times(pd.Series(["1/2/2026", "13/2/2026"]))
    assert [2, 2] == [day.month for day in days]
    with pytest.raises(DataError, match="cannot be told apart"):
        read_times(pd.Series(["13/1/2026", "1/13/2026"]))


def test_a_cell_that_is_no_date_is_named():
    """Its row counts from 1; an empty cell is left to the forecaster."""
    texts = [*["01.02.2026"] * 300, "31.02.2026", None]
    with pytest.raises(DataError, match=r"column 'day', row 301: '31.02.2026' is no date"):
        read_times(pd.Series(texts, name="day"))
    assert pd.isna(read_times(pd.Series(["01.02.2026", None])).iloc[1])


def table(**columns):
    return Table("t.csv", pd.DataFrame(columns))


def test_columns_are_chosen():
    """Nixtla's names are known; the one column of numbers is the target; commas part names."""
    found = choose_columns(
        table(unique_id=["a"], ds=["2026-01-01"], y=[1.0], z=[2]), None, None, None
    )
    assert Columns("ds", "y", "unique_id") == found
    rows = table(v=[1.0, 2.0], kind=["a", "b"])
    assert Columns(None, "v", None, static=("kind",)) == choose_columns(
        rows, None, None, None, static=["kind"]
    )
    odd = Table("t.csv", pd.DataFrame([[1, 2, 3]], columns=["a,b", "a", "c"]))
    assert ("a,b", "a", "c") == split_names("known", ["a,b", "a, c"], odd)
    with pytest.raises(DataError, match=r"no column of numbers is left: give --target"):
        choose_columns(table(kind=["a"]), None, None, None)


def test_times_are_brought_to_dates():
    """Only of the column that is named; another is as it was."""
    frame = pd.DataFrame({"a": ["31.01.2026"], "b": ["31.01.2026"]})
    assert pd.Timestamp("2026-01-31") == with_times(frame, "a")["a"][0]
    assert "31.01.2026" == with_times(frame, "a")["b"][0] == frame["a"][0]
    assert with_times(frame, None) is frame


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("say fill_gaps='zero'", "say --fill-gaps zero"),
        ("freq='W' is not", "--freq W is not"),
        ("name it in past= instead of known=", "name it in --past instead of --known"),
        ("n_windows=10 of 7", "--windows 10 of 7"),
        ("target='my column': no", "--target 'my column': no"),
        ("levels=[80, 95]: no", "--levels '80, 95': no"),
        ("column 'time=' and x_time=3 stay", "column 'time=' and x_time=3 stay"),
        ("leave levels= out", "give --levels none"),
    ],
)
def test_messages_name_options(message, expected):
    assert expected == as_options(message)


def test_warnings_are_notes_and_errors_keep_their_kind(capsys):
    """Each note once; another warning stays one."""
    with pytest.warns(DeprecationWarning, match="other"), in_words_of_the_command():
        for _ in range(2):
            warnings.warn("say duplicates='sum'", SeriesDataWarning, stacklevel=1)
        warnings.warn("other", DeprecationWarning, stacklevel=1)
    assert "note: say --duplicates sum\n" == capsys.readouterr().err
    for kind in (DataError, UnsupportedError):
        with pytest.raises(kind, match="^--time x$"), in_words_of_the_command():
            raise kind("time='x'")


def line(rows, horizon=4, name="units", slope=1.0):
    """A series that rises by `slope`, with an interval of 1 and one of 2 to both sides."""
    ahead = slope * np.arange(rows, rows + horizon)
    return ForecastSeries(
        name, slope * np.arange(rows), ahead, [f"t{k}" for k in range(rows + horizon)],
        {95: (ahead - 2, ahead + 2), 80: (ahead - 1, ahead + 1)},
    )  # fmt: skip


def cells(text):
    """The signs between the axis and the end of each line of a drawing."""
    lines = text.plain.split("\n")[:HEIGHT]
    return [line[max(line.find("│"), line.find("|")) + 1 :] for line in lines]


@pytest.mark.parametrize("width", [30, 60, 100, 400])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_drawing_fits(width, unicode):
    """Its lines are as wide as the terminal, at most 110; a rising line goes from corner to
    corner.
    """
    text = drawing_of(line(30), width, unicode)
    lines = text.plain.split("\n")
    assert HEIGHT + 2 == len(lines)
    assert max(map(len, lines)) <= min(max(width, 30), 110)
    rows = cells(text)
    drawn = [[k for k, sign in enumerate(row) if sign not in " ┊:▒░=-"] for row in rows]
    assert drawn[0] == [] or min(drawn[0]) > max(drawn[-2])
    for above, below in pairwise(drawn):
        assert not above or not below or max(below) <= max(above)
    assert "t0" in lines[-1] and lines[-1].endswith("t33")
    assert unicode or text.plain.isascii()


def test_bands_are_only_ahead_and_the_narrow_one_is_inside():
    """Beside the forecast, the 80 % interval lies between the ends of the 95 % one."""
    rows = cells(drawing_of(line(30, 10, slope=0.0), 90))
    origin = rows[0].index("┊")
    assert all(set(row[:origin]) <= {" ", *row.replace("▒", "").replace("░", "")} for row in rows)
    last = "".join(row[-1] for row in rows).strip()
    inner = last.strip("░")
    assert 0 < len(inner) < len(last) and set(inner) - {"▒"} != {"░"}
    assert "░" not in inner


def test_gaps_are_not_drawn_over():
    """Where nothing is known there is no dot."""
    series = line(40)
    series.observed[10:30] = np.nan
    rows = cells(drawing_of(series, 100))
    width = len(rows[0])
    middle = [row[width * 14 // 44 : width * 26 // 44] for row in rows]
    assert {" "} == set("".join(middle))


def test_one_step_and_one_row():
    """The smallest forecasts are drawn as well."""
    for rows, horizon in ((1, 1), (2, 1), (1, 3)):
        text = drawing_of(line(rows, horizon), 60)
        assert any(sign > "⠀" for row in cells(text) for sign in row)
    assert legend(line(2, 1)).endswith("forecast from t2; intervals: ▒ 80 %  ░ 95 %")
    assert "= 80 %  - 95 %" in legend(line(2, 1), False)


def test_a_drawing_without_colour_and_with_hostile_times():
    """Nothing but its own signs reaches the terminal."""
    series = line(5)
    hostile = ForecastSeries(
        "a", series.observed, series.forecast, ["\x1b[2J"] * 9, series.intervals
    )
    console = PlainConsole(width=60, color_system=None, record=True, file=None, stderr=True)
    with console.capture() as capture:
        console.print(drawing_of(hostile, 60))
        console.print(legend(hostile))
    assert "\x1b" not in capture.get() and "\\x1b[2J" in capture.get()


def test_which_series_a_report_draws():
    """All of a few; of many the first, the worst and the best by MASE."""

    class Result:
        name, ids = "forecaster", [f"s{k:02d}" for k in range(40)]

        def scores(self, by):
            index = pd.MultiIndex.from_product([self.ids, ["forecaster", "naive"]],
                                               names=["id", "model"])  # fmt: skip
            errors = [x for k in range(40) for x in (abs(k - 20.25), 1.0)]
            return pd.DataFrame({"MASE": errors}, index=index)

    assert (list(range(12)), "") == worth_drawing(12, None)
    assert list(range(12)) == worth_drawing(13, None)[0]
    chosen, sentence = worth_drawing(40, Result())
    assert {0, 1, 2, 3} < set(chosen) and {20, 21, 19, 22} < set(chosen)
    assert {0, 1, 39, 2} < set(chosen) and "Of 40 series the first 4" in sentence


def test_what_takes_long_is_announced(monkeypatch, capsys):
    """On a terminal, after the first seconds; never elsewhere."""
    monkeypatch.setattr(forecast_run, "PATIENCE", 0.01)
    for is_terminal, progress, expected in ((True, True, 1), (False, True, 0), (True, False, 0)):
        monkeypatch.setattr(sys.stderr, "isatty", lambda is_terminal=is_terminal: is_terminal,
                            raising=False)  # fmt: skip
        said = threading.Event()
        monkeypatch.setattr(forecast_run, "complain", lambda line, said=said: said.set())
        with forecast_run.announced("fitting", progress):
            assert bool(expected) == said.wait(5.0 if expected else 0.1)


def test_copies_of_a_forecaster_share_an_interrupt():
    """A backtest copies the callbacks of its forecaster: Ctrl-C must end them all."""
    interrupts = Interrupts()
    assert copy.deepcopy([interrupts])[0] is interrupts
