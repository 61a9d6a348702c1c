"""Dates, clock times and spans of time, in every usual order, read back as what was written."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from chainrule.data.columns import Reading, learn_reading
from chainrule.data.columns.clock_forms import SpanForm, fit_spans, hours_of_day
from chainrule.data.columns.date_forms import FAMILIES, dates_of_numbers, to_iso
from chainrule.data.columns.date_names import DAYS_OF_WEEK, MONTHS
from chainrule.data.columns.typed_columns import date_unit
from chainrule.errors import DataError

DAY_FORMS = [
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%d.%m.%y",
    "%m/%d/%y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%B %d, %Y", "%b %d, %Y",
    "%A, %d %B %Y", "%a, %d %b %Y", "%Y %b %d", "%d. %B %Y",
]  # fmt: skip
CLOCKS = ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p", "%H:%M:%S.%f", "%H:%M:%S Z"]


def moments(seed, count=60):
    rng = np.random.default_rng(seed)
    days = [datetime(1972, 1, 1) + timedelta(days=int(k)) for k in rng.integers(0, 30_000, count)]
    days[:2] = datetime(2026, 12, 31), datetime(1999, 1, 2)
    return days


def read(cells, kind=None, **more):
    column = pd.Series(cells, name="when", dtype=object)
    reading = learn_reading(column, kind, **more)
    assert reading == Reading.from_json(reading.to_json())
    return reading, reading.values(column)


@pytest.mark.parametrize("form", DAY_FORMS)
def test_days_come_back(form):
    days = [day for day in moments(1) if day.year < 2050]
    reading, times = read([day.strftime(form) for day in days])
    assert ("date", days) == (reading.kind, times.dt.tz_localize(None).tolist())


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize("form", ["%d/%m/%Y", "%m/%d/%Y", "%d %b %Y", "%Y/%m/%d", "%Y-%m-%d"])
def test_moments_come_back(form, clock):
    rng = np.random.default_rng(3)
    step = timedelta(microseconds=1) if "%f" in clock else timedelta(seconds=1)
    unit = step if "%S" in clock else timedelta(minutes=1)
    days = [
        day + int(k) * unit for day, k in zip(moments(2), rng.integers(0, 1440, 60), strict=True)
    ]
    reading, times = read([day.strftime(f"{form} {clock}") for day in days])
    assert ("date", days) == (reading.kind, times.dt.tz_localize(None).tolist())


@pytest.mark.parametrize("seed", range(12))
def test_random_columns(seed):
    """Any form, with words for missing cells; a single cell is read as with all others."""
    rng = np.random.default_rng(seed)
    form = str(rng.choice(DAY_FORMS))
    days = [day for day in moments(seed) if day.year < 2050]
    cells = [day.strftime(form) for day in days]
    gone = [k > 1 and rng.random() < 0.3 for k in range(len(days))]
    cells = ["unknown" if empty else cell for cell, empty in zip(cells, gone, strict=True)]
    reading, times = read(cells)
    assert gone == times.isna().tolist()
    for k in (0, 1, 5, 9):
        alone = reading.values(pd.Series(cells[k : k + 1], dtype=object)).dt.tz_localize(None)
        assert alone.isna()[0] if gone[k] else days[k] == alone[0]


@pytest.mark.parametrize(
    ("cell", "iso"),
    [
        ("31. Dezember 2026", "2026-12-31"), ("1er mars 2026", "2026-03-01"),
        ("31 de diciembre de 2026", "2026-12-31"), ("12 août 2026", "2026-08-12"),
        ("5 maggio 2026", "2026-05-05"), ("3rd March 2026", "2026-03-03"),
        ("Dec. 31st, 2026", "2026-12-31"), ("Mi, 30.12.2026", "2026-12-30"),
        ("Thu Dec 31 14:05:06 2026", "2026-12-31T14:05:06"), ("Thu Dec 31 14:05 UTC 2026",
        "2026-12-31T14:05"), ("Jan 2026", "2026-01-01"), ("January '26", "2026-01-01"),
        ("Jan-26", "2026-01-01"), ("2026-Q3", "2026-07-01"), ("Q3 2026", "2026-07-01"),
        ("2026-W05", "2026-01-26"), ("2026W05-3", "2026-01-28"), ("05/2026", "2026-05-01"),
        ("2026-05", "2026-05-01"), ("20261231T140506", "2026-12-31T14:05:06"),
        ("31.12.2026, 14:05 Uhr", "2026-12-31T14:05"), ("31/12/2026 2 PM", "2026-12-31T14:00"),
        ("31/12/2026 12:05 am", "2026-12-31T00:05"), ("31/12/2026 14h05", "2026-12-31T14:05"),
        ("Thu, 31 Dec 2026 12:00:00 +0100", "2026-12-31T11:00"),
        ("Thu, 31 Dec 2026 12:00:00 +0000 (UTC)", "2026-12-31T12:00"),
        ("2026-12-31T12:00:00.25-05:00", "2026-12-31T17:00:00.25"),
        ("31/Dec/2026:12:00:00 +0100", "2026-12-31T11:00"), ("31-DEC-2026", "2026-12-31"),
        ("31.12.2026 12:00 CET", "2026-12-31T11:00"), ("Thu Dec 31 12:00:00 EST 2026",
        "2026-12-31T17:00"), ("31/12/2026 23:59:59,5", "2026-12-31T23:59:59.5"),
    ],
)  # fmt: skip
def test_a_date_in_every_usual_way(cell, iso):
    reading, times = read([cell] * 3)
    assert "date" == reading.kind
    assert pd.Timestamp(iso) == times.dt.tz_localize(None)[0]


NO_DATES = ["32/01/2026", "13/13/2026", "31 Foo 2026", "2026-13", "Q5 2026", "2026-W54", "1/2",
            "10-20", "2026/1/2/3", "25:00", "31/12/2026 25", "31/12/2026 13:05 PM", "tomorrow",
            "12.05", "1-2-3", "Foo 31 12:00:00 2026"]  # fmt: skip


@pytest.mark.parametrize("cell", NO_DATES)
def test_what_is_no_date(cell):
    column = pd.Series([cell] * 4, name="when", dtype=object)
    assert "date" != learn_reading(column).kind
    with pytest.raises(DataError, match="'when', row 1: .* is no date"):
        learn_reading(column, "date")


def test_the_order_of_day_and_month():
    """Decided by all cells; a cell of the other order is refused, then as at training."""
    reading, times = read(["01/02/2026", "13/02/2026"])
    assert [2, 2] == times.dt.month.tolist()
    assert reading.why.endswith("the day first: 13/02/2026 cannot be otherwise")
    with pytest.raises(
        DataError, match="row 1: '02/13/2026' is no date .* written like 01/02/2026"
    ):
        reading.values(pd.Series(["02/13/2026"]))
    assert 2 == reading.values(pd.Series(["01/02/2026"])).dt.month[0]
    assert [1, 2] == read(["01/02/2026", "02/13/2026"])[1].dt.month.tolist()
    open_order, times = read(["01/02/2026", "03/04/2026"])
    assert [2, 4] == times.dt.month.tolist()
    assert "the day is taken to come first, as in '01/02/2026' in row 1" in open_order.notes[0]
    points, times = read(["01.02.2026", "03.04.2026"])
    assert ((), [2, 4]) == (points.notes, times.dt.month.tolist())


def test_years_of_two_digits():
    reading, times = read(["31.12.68", "31.12.69", "01.01.00"])
    assert [2068, 1969, 2000] == times.dt.year.tolist()
    assert (
        "years of two digits: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068" in reading.notes
    )


def test_iso_dates_are_always_read():
    """By a model of dates of any form, and nothing else that was not in the training."""
    reading = read(["31/12/2026", "13/01/2026"])[0]
    days = reading.values(pd.Series(["2026-12-31", "2026-12-31T01:00+01:00"]))
    assert [pd.Timestamp("2026-12-31", tz="UTC")] * 2 == days.tolist()
    for other in ("Dec 31, 2026", "20261231", "2026-Q4"):
        with pytest.raises(DataError, match="row 1"):
            reading.values(pd.Series([other]))


NAMED = {
    "s": "timestamp",
    "ms": "created_at",
    "us": "event_time",
    "excel": "Order Date",
    "ymd": "x",
}


@pytest.mark.parametrize("unit", NAMED)
def test_dates_as_numbers(unit):
    """By their size, and by the column's name where other numbers have that size."""
    days = pd.to_datetime([day for day in moments(5) if 1985 < day.year < 2050])
    since = (days - pd.Timestamp(0)) / pd.Timedelta(days=1)
    numbers = {
        "s": since * 86400, "ms": since * 86400e3, "us": since * 86400e6, "excel": since + 25569,
        "ymd": days.year * 10_000 + days.month * 100 + days.day,
    }[unit]  # fmt: skip
    column = pd.Series(np.array(numbers, float), name=NAMED[unit])
    for cells in (column, column.astype("int64"), column.astype("int64").astype(str)):
        reading = learn_reading(cells)
        assert "date" == reading.kind
        assert days.tolist() == reading.values(cells).dt.tz_localize(None).tolist()
        assert any(note.startswith("its numbers are read as") for note in reading.notes)
        assert "number" == learn_reading(cells, "number").kind
    if unit != "ymd":
        assert "number" == learn_reading(column.rename("size")).kind


def test_numbers_that_are_no_dates():
    for name, values in {
        "date": [1.5, 2.5],
        "timestamp": [0.1, 1e9],
        "year": [2019.0, 2020.0],
        "date_code": [20261301.0, 20260101.0],
        "update": [45000.5, 1.0],
    }.items():
        assert "" == date_unit(name, np.array(values))
    assert np.isnat(dates_of_numbers(np.array([np.nan, 1e300, -1e300]), "s")).all()
    assert np.isnat(dates_of_numbers(np.array([2026.5, 20260230.0, np.inf]), "ymd")).all()


def test_names_of_months_and_days():
    """Each month has its twelve in six languages, and no name is of two."""
    assert set(range(1, 13)) == set(MONTHS.values())
    for name, month in {"märz": 3, "août": 8, "dic": 12, "okt": 10, "mei": 5, "giu": 6}.items():
        assert month == MONTHS[name]
    assert {"mon", "dienstag", "mer", "sábado"} <= DAYS_OF_WEEK
    assert all(to_iso("nothing", family) is None for family in FAMILIES)


# Clock times and spans


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("form", ["%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S%p", "%Hh%M"])
def test_clock_times_come_back(form, seed):
    rng = np.random.default_rng(seed)
    seconds = rng.integers(0, 86_400, 50) if "%S" in form else rng.integers(0, 1440, 50) * 60
    seconds[:2] = 82_800, 43_200
    cells = [datetime.fromtimestamp(int(s), UTC).strftime(form) for s in seconds]
    reading, hours = read(cells)
    assert "time" == reading.kind
    np.testing.assert_allclose(seconds / 3600, hours, rtol=1e-14)


def test_hours_of_the_day():
    cells = ["9 am", "12 AM", "12:30 p.m.", "14 Uhr", "24:00", "9:60", "13 pm", "7", None]
    np.testing.assert_array_equal([9.0, 0.0, 12.5, 14.0, 24.0, *[np.nan] * 4], hours_of_day(cells))


SPAN_WRITERS = {
    "colons": lambda s: f"{s // 3600}:{s // 60 % 60:02}:{s % 60:02}",
    "pandas": lambda s: str(pd.Timedelta(int(s), "s")),
    "iso": lambda s: pd.Timedelta(int(s), "s").isoformat(),
    "words": lambda s: f"{s // 3600} h {s // 60 % 60} min {s % 60} s",
    "short": lambda s: f"{s // 86400}d {s // 3600 % 24}h {s // 60 % 60}m {s % 60}s",
    "seconds": lambda s: f"{s} s",
    "long": lambda s: f"{s // 3600} hours, {s // 60 % 60} minutes and {s % 60} seconds",
}  # fmt: skip


@pytest.mark.parametrize("writer", SPAN_WRITERS)
def test_spans_come_back(writer):
    seconds = np.random.default_rng(4).integers(60, 500_000, 60)
    seconds[0] = 3600 * 5
    reading, values = read([SPAN_WRITERS[writer](s) for s in seconds])
    assert "duration" == reading.kind
    np.testing.assert_array_equal(seconds.astype(float), values)


def test_years_and_months_are_spans():
    """Those of an average length, as a note says; seasons are none, and no months either."""
    reading, values = read(["2 years", "3 weeks", "1 month", "5 days"])
    assert "duration" == reading.kind
    np.testing.assert_allclose([730.5, 21, 365.25 / 12, 5], values / 86_400, rtol=1e-15)
    assert "a year counts 365.25 days, a month a twelfth of it" == reading.notes[0]
    assert "text" == read(["2009/10", "2010/11", "2011/12"])[0].kind
    assert "date" == read(["2009/10", "2010/11", "2011/01"])[0].kind


def test_spans_of_time():
    cells = ["-0:30:10", "P1W", "-PT1H", "2h", "1:75:00", "2 m", "5 apples", "1 min 2 h", "PT", 3]
    np.testing.assert_array_equal(
        [-1810.0, 604_800.0, -3600.0, 7200.0, *[np.nan] * 6], SpanForm().seconds(cells)
    )
    assert 60.0 == fit_spans(["12:30", "1:15"]).two_parts
    assert 1.0 == fit_spans(["12:30", "1:02:30"]).two_parts == fit_spans(["45:10"]).two_parts
    named = pd.Series(["0:45:10", "11:02:30"], name="duration")
    assert "duration" == learn_reading(named).kind
    assert "time" == learn_reading(pd.Series(["09:45", "11:02"], name="start")).kind


BEYOND = {
    "{year}/{month:02}": "year and month", "{month:02}/{year}": "month and year",
    "{year}-{month:02}-{day:02}": "ISO", "{day:02}.{month:02}.{year}": "a day",
    "{year}Q{quarter}": "quarter", "{year}-{ordinal:03}": "day of the year",
}  # fmt: skip


@pytest.mark.parametrize("form", BEYOND)
def test_numbers_of_files_are_no_dates_of_years_to_come(form):
    """Where most years are none; a date or two beyond all others are mistakes, and refused."""
    rng = np.random.default_rng(5)

    def cells(first, last):
        return [
            form.format(
                year=rng.integers(first, last), month=rng.integers(1, 13), day=rng.integers(1, 29),
                quarter=rng.integers(1, 5), ordinal=rng.integers(1, 366),
            ) for _ in range(50)
        ]  # fmt: skip

    codes = cells(1000, 10_000)
    reading, values = read(codes)
    assert ("text", codes) == (reading.kind, values.tolist())
    assert any(f"{codes[0]!r} in row 1 look like dates of years beyond 1678 to 2261" in note
               for note in reading.notes)  # fmt: skip
    dates = cells(1990, 2030)
    assert "date" == read(dates)[0].kind
    with pytest.raises(DataError, match=r"row 51: .* is no date of 1678 to 2261"):
        read([*dates, cells(9000, 9999)[0]])
    with pytest.raises(DataError, match=r"is no date of 1678 to 2261"):
        read(codes, "date")
    assert "date" == read([*dates[:9], "unknown"])[0].kind
