"""Columns as offices write them: missing values, numbers, dates, times and codes, with their twins.

Each file has the column in question, a plain one, and a class that both decide.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from messy_case import MessyCase

ROWS = 72
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
GERMAN = ["Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
          "Oktober", "November", "Dezember"]  # fmt: skip
FRENCH = ["janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
          "octobre", "novembre", "décembre"]  # fmt: skip
WEEKDAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]


def classes(values: Sequence[Any], seed: int) -> list[str]:
    """A class for each row, which the values decide but for one row in ten."""
    draw = random.Random(seed)
    known = sorted(value for value in values if value is not None)
    middle = known[len(known) // 2] if known else None
    return [
        draw.choice(["high", "low"]) if value is None or draw.random() < 0.1
        else "high" if value >= middle else "low"
        for value in values
    ]  # fmt: skip


def written(table: dict[str, Sequence[str]], delimiter: str = ",") -> bytes:
    """A file of delimited text."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    return out.getvalue().encode()


def case(
    name: str,
    cells: Sequence[str],
    clean: Sequence[Any] | None,
    *notes: str,
    column: str = "x",
    refusal: str = "",
    delimiter: str = ",",
    beside: tuple[str, Sequence[str], Sequence[Any]] | None = None,
) -> MessyCase:
    """A file with one messy column, perhaps with another one beside it."""
    seed = sum(map(ord, name))
    draw = random.Random(seed)
    size = [draw.randrange(1, 60) for _ in cells]
    y = classes(clean if clean is not None else size, seed)
    table: dict[str, Sequence[str]] = {column: cells}
    twin: dict[str, list] = {column: list(clean or ())}
    if beside is not None:
        table[beside[0]], twin[beside[0]] = beside[1], list(beside[2])
    table |= {"size": [str(value) for value in size], "y": y}
    twin |= {"size": size, "y": y}
    content = written(table, delimiter)
    twins = None if clean is None else twin
    return MessyCase(name, f"{name}.csv", content, twins, refusal, "y", notes)


def numbers(seed: int, digits: int = 2, most: float = 9_000.0) -> list[float]:
    """Numbers of several sizes, some of them negative."""
    draw = random.Random(seed)
    drawn = [round(draw.uniform(-0.2, 1.0) ** 3 * most, digits) for _ in range(ROWS)]
    drawn[5], drawn[9] = round(most - 0.56, digits), 7.0
    return drawn


def whole(seed: int, least: int = 0, most: int = 90) -> list[int]:
    draw = random.Random(seed)
    return [draw.randrange(least, most) for _ in range(ROWS)]


def holed(
    values: Sequence[Any], words: Sequence[str], share: float, write: Callable[[Any], str] = str
) -> tuple[list[str], list[Any]]:
    """Cells of which a share are words for a missing one, and the values that they hold."""
    draw = random.Random(3)
    gone = [draw.random() < share for _ in values]
    gone[:4] = [True, False, False, False]
    cells = [draw.choice(words) if g else write(v) for v, g in zip(values, gone, strict=True)]
    return cells, [None if g else v for v, g in zip(values, gone, strict=True)]


def moments(seed: int, clock: bool = False) -> list[datetime]:
    """Days, of which some can only be written in one order; perhaps with a clock time."""
    draw = random.Random(seed)
    days = [datetime(2019, 1, 1) + timedelta(days=draw.randrange(2000)) for _ in range(ROWS)]
    days[0], days[1] = datetime(2021, 12, 31), datetime(2020, 2, 3)
    if clock:
        days = [day + timedelta(minutes=draw.randrange(1440)) for day in days]
    return days


def grouped(value: float, thousands: str, decimal: str = ".", digits: int = 2) -> str:
    """A number with its thousands apart."""
    text = f"{value:,.{digits}f}"
    return text.replace(",", "\0").replace(".", decimal).replace("\0", thousands)


def indian(value: int) -> str:
    """A whole number in lakhs and crores: 12,34,567."""
    head, tail = str(value)[:-3], str(value)[-3:]
    parts = []
    while head:
        parts.insert(0, head[-2:])
        head = head[:-2]
    return ",".join([*parts, tail])


# Missing values

GONE = "count as missing"
MISSING = [
    case("question_marks", *holed(whole(1), ["?"], 0.15), rf"with '\?' {GONE}"),
    case("hyphens_in_a_third", *holed(whole(2), ["-"], 0.35), GONE),
    case("na_in_half", *holed(numbers(3), ["n/a", "N/A"], 0.5), GONE),
    case("many_words", *holed(
        numbers(4), ["?", "none", "NULL", "unknown", "missing", "nil", "not available", "--"], 0.3
    ), GONE),
    case("errors_of_excel", *holed(numbers(5), ["#N/A", "#VALUE!", "#DIV/0!"], 0.2), GONE),
    case("points_of_sas", *holed(whole(6), ["."], 0.2), GONE),
    case("backslash_n", *holed(whole(7), ["\\N"], 0.2), GONE),
    case("keine_angabe", *holed(
        numbers(8, most=800.0), ["k.A."], 0.2, lambda v: f"{v:.2f}".replace(".", ",")
    ), GONE, delimiter=";"),
    case("blanks_and_spaces", *holed(whole(9), ["", "  "], 0.2)),
    case("null_among_dates", *holed(
        moments(10), ["null", "unknown"], 0.2, lambda v: v.strftime("%Y-%m-%d")
    ), GONE),
    case("tbd_among_office_dates", *holed(
        moments(11), ["tbd", "n.a."], 0.2, lambda v: v.strftime("%d.%m.%Y")
    ), GONE),
    case("nan_among_percents", *holed(whole(12), ["nan", "NaN"], 0.15, lambda v: f"{v} %"), GONE),
]  # fmt: skip


def levels(words: Sequence[str], seed: int) -> list[str]:
    draw = random.Random(seed)
    return [draw.choice(words) for _ in range(ROWS)]


ALLEYS = levels(["None", "gravel", "paved"], 13)
REGIONS = levels(["NA", "EU", "n/a", "APAC"], 14)


def target_case(name: str, words: Sequence[str], seed: int) -> MessyCase:
    """Classes of which some read like missing values."""
    values = numbers(seed)
    bounds = sorted(values)
    y = [words[min(sum(v > bounds[24 * k] for k in (1, 2)), 2)] for v in values]
    content = written({"x": [repr(v) for v in values], "y": y})
    return MessyCase(name, f"{name}.csv", content, {"x": values, "y": y})


VALUES_NOT_MISSING = [
    case("none_is_an_alley", ALLEYS, ALLEYS),
    case("na_is_a_region", REGIONS, REGIONS),
    target_case("class_none", ["None", "mild", "severe"], 15),
    target_case("class_na", ["NA", "n/a", "known"], 16),
]


def with_sentinel(values: list[Any], sentinel: Any) -> tuple[list[str], list[Any]]:
    rows = range(4, ROWS, 9)
    cells = [str(sentinel) if k in rows else str(v) for k, v in enumerate(values)]
    return cells, [None if k in rows else v for k, v in enumerate(values)]


COUNTS = [value if k % 9 else -1 for k, value in enumerate(whole(19, 0, 12))]
ENDS = [value if k % 9 else 99_999 for k, value in enumerate(whole(20, 0, 42_000))]
SENTINELS = [
    case("minus_999", *with_sentinel(numbers(17, 1, 40.0)[:5] + whole(17, 1, 400)[5:], -999),
         "-999 stands in 8 cells, first in row 5, far from .*--as x=number keeps it"),
    case("age_of_9999", *with_sentinel(whole(18, 18, 80), 9999), "9999 stands in 8 cells"),
    case("age_of_minus_1", *with_sentinel(whole(21, 18, 80), -1), "-1 stands in 8 cells"),
    case("minus_1_is_a_number", list(map(str, COUNTS)), COUNTS),
    case("the_end_of_a_scale", list(map(str, ENDS)), ENDS),
]  # fmt: skip

# Numbers


def money(seed: int) -> list[float]:
    return [abs(value) for value in numbers(seed, 2, 90_000.0)]


AMOUNTS, WEIGHTS = money(22), [abs(value) for value in numbers(23, 1, 900.0)]
SIGNED, PARTS = numbers(24, 2, 20_000.0), numbers(25, 3, 9.0)
LARGE = whole(26, 100_000, 90_000_000)
THOUSANDS = whole(27, 1, 99_000)
SIZES = [round(abs(value) + 1, 1) for value in numbers(28, 1, 500.0)]
GRAMS = [(k % 3 == 0, value) for k, value in enumerate(SIZES)]
SEEN = [950, 1_200, 35_000, 2_500_000, 1_700_000]
FOLLOWERS = [random.Random(k).choice(SEEN) for k in range(ROWS)]


def short(value: int) -> str:
    """A count as sites show it."""
    if value >= 1_000_000:
        return f"{value / 1e6:g}M"
    return f"{value / 1e3:g}K" if value >= 1_000 else str(value)


NUMBERS = [
    case("thousands_with_commas", [grouped(v, ",") for v in AMOUNTS], AMOUNTS),
    case("thousands_with_points", [grouped(v, ".", ",") for v in AMOUNTS], AMOUNTS, delimiter=";"),
    case("thousands_with_spaces", [grouped(v, "\u00a0", ",") for v in AMOUNTS], AMOUNTS,
         delimiter=";"),
    case("thousands_with_thin_spaces", [grouped(v, "\u202f", ",") for v in AMOUNTS], AMOUNTS),
    case("thousands_with_apostrophes", [grouped(v, "'") for v in AMOUNTS], AMOUNTS),
    case("lakhs_and_crores", list(map(indian, LARGE)), LARGE),
    case("dollars", [f"${grouped(v, ',')}" for v in AMOUNTS], AMOUNTS, r"in \$"),
    case("euros_behind", [f"{grouped(v, ',')} EUR" for v in AMOUNTS], AMOUNTS, "in EUR"),
    case("euros_before", [f"€ {grouped(v, '.', ',')}" for v in AMOUNTS], AMOUNTS, "in EUR",
         delimiter=";"),
    case("percent", [f"{v:.1f} %" for v in WEIGHTS], WEIGHTS, "45 % is 45"),
    case("percent_without_space", [f"{v}%" for v in THOUSANDS], THOUSANDS, "45 % is 45"),
    case("kilograms", [f"{v} kg" for v in WEIGHTS], WEIGHTS, "in kg"),
    case("kilograms_and_grams", [f"{v * 1000:.0f} g" if g else f"{v:.1f} kg" for g, v in GRAMS],
         [float(f"{v * 1000:.0f}") * 1e-3 if g else v for g, v in GRAMS], "several units.*kg x 1"),
    case("degrees", [f"{v:.1f} °C" for v in SIGNED], [round(v, 1) for v in SIGNED], "in °C"),
    case("parentheses", [f"({-v:,.2f})" if v < 0 else f"{v:,.2f}" for v in SIGNED], SIGNED,
         "in parentheses, such as .* are negative"),
    case("minus_behind", [f"{-v:,.2f}-" if v < 0 else f"{v:,.2f}" for v in SIGNED], SIGNED),
    case("unicode_minus", [f"{v:.2f}".replace("-", "\u2212") for v in SIGNED], SIGNED),
    case("plus_signs", [f"{v:+.2f}" for v in SIGNED], SIGNED),
    case("powers", [f"{v:.3e}" for v in AMOUNTS], [float(f"{v:.3e}") for v in AMOUNTS]),
    case("decimal_commas", [f"{v:.3f}".replace(".", ",") for v in PARTS], PARTS, delimiter=";"),
    case("decimal_commas_in_quotes", [f"{v:.2f}".replace(".", ",") for v in SIGNED], SIGNED),
    case("commas_alone", [f"{v:,}" for v in THOUSANDS], THOUSANDS,
         "may be thousands or a fraction: read as"),
    case("commas_as_beside_points", [f"{v:,}" for v in THOUSANDS], THOUSANDS,
         beside=("cost", [grouped(v, ",") for v in AMOUNTS], AMOUNTS)),
    case("points_beside_decimal_commas", [grouped(v, ".", ",", 0) for v in THOUSANDS], THOUSANDS,
         beside=("cost", [grouped(v, ".", ",") for v in AMOUNTS], AMOUNTS), delimiter=";"),
    case("counts_in_k_and_m", list(map(short, FOLLOWERS)), FOLLOWERS, "K x 1000"),
]  # fmt: skip

# Codes and texts

ZIPS = [f"{value:05}" for value in whole(29, 210, 99_000)]
CARDS = [f"4{value:07}{value * 7 % 10**8:08}" for value in whole(30, 0, 9_999_999)]
PHONES = [f"+49 {random.Random(k).randrange(100, 999)} {k * 7919 % 10**7:07}" for k in range(ROWS)]
SEASONS = levels(["2019/20", "2020/21", "2021/22"], 31)
RANGES = levels(["18-25", "26-35", "36-50", "51+"], 32)
VERSIONS = levels(["1.2.3", "1.10.0", "2.0.1"], 33)
ORDINALS = levels(["1st", "2nd", "3rd", "4th"], 34)
ANSWERS = levels(["yes", "no"], 35)
JA = levels(["ja", "nein", "k.A."], 36)
STREETS = [f"{k % 40 + 1} {levels(['Main Street', 'Elm', 'Oak'], 37)[k]}" for k in range(ROWS)]
GRADES = [random.Random(k).choice(["A", "B", "C", "7", "12"]) for k in range(ROWS)]
MIXED = [str(k) if k % 10 < 6 else f"lot {k}" for k in range(ROWS)]
TEXTS = [
    case("leading_zeros", ZIPS, ZIPS, "begin.? with 0, .*--as x=number"),
    case("long_numbers", CARDS, CARDS, "more than 15 digits, .*identifiers"),
    case("telephones", PHONES, PHONES),
    *(case(name, cells, cells) for name, cells in [
        ("seasons", SEASONS), ("ranges", RANGES), ("versions", VERSIONS), ("ordinals", ORDINALS),
        ("yes_and_no", ANSWERS), ("ja_und_nein", JA), ("streets", STREETS), ("grades", GRADES),
    ]),
    case("numbers_and_lots", MIXED, MIXED, "61 % of its cells look like a number, .*'lot 6'"),
    case("an_empty_column", [""] * ROWS, [None] * ROWS, "all of its cells are missing"),
]  # fmt: skip

# Dates


def dates(name: str, form: str, *notes: str, clock: bool = False, **more: Any) -> MessyCase:
    days = moments(sum(map(ord, name)), clock)
    return case(name, [day.strftime(form) for day in days], days, *notes, **more)


def named(day: datetime, names: Sequence[str]) -> str:
    return names[day.month - 1]


DAYS, TIMES = moments(40), moments(41, clock=True)
EARLY = [day.replace(day=1 + day.day % 12) for day in DAYS]
FIRSTS = [day.replace(day=1) for day in DAYS]
QUARTERS = [day.replace(day=1, month=1 + 3 * ((day.month - 1) // 3)) for day in DAYS]
WEEKS = [day - timedelta(days=day.weekday()) for day in DAYS]
EPOCH = datetime(1970, 1, 1)
SECONDS = [int((day - EPOCH).total_seconds()) for day in TIMES]
SERIALS = [(day - datetime(1899, 12, 30)).days for day in DAYS]

DATES = [
    dates("day_first", "%d/%m/%Y"),
    dates("month_first", "%m/%d/%Y"),
    dates("points_and_short_years", "%d.%m.%y", "years of two digits: 69 to 99 are"),
    dates("year_with_slashes", "%Y/%m/%d"),
    dates("compact_days", "%Y%m%d", "dates written like 20261231", column="date"),
    dates("english_months", "%d %b %Y"),
    dates("months_first", "%B %d, %Y"),
    dates("months_with_hyphens", "%d-%b-%y"),
    dates("day_first_with_time", "%d/%m/%Y %H:%M", clock=True),
    dates("month_first_am_pm", "%m/%d/%Y %I:%M %p", clock=True),
    case("mail_dates", [f"{WEEKDAYS[t.weekday()]}, {t:%d} {named(t, MONTHS)} {t:%Y %H:%M}:00 +0100"
                        for t in TIMES], [t - timedelta(hours=1) for t in TIMES], "read in UTC"),
    case("offsets", [f"{t:%Y-%m-%dT%H:%M:00}-05:00" for t in TIMES],
         [t + timedelta(hours=5) for t in TIMES], "read in UTC"),
    case("german_months", [f"{d.day}. {named(d, GERMAN)} {d.year}" for d in DAYS], DAYS),
    case("french_months", [f"{d.day} {named(d, FRENCH)} {d.year}" for d in DAYS], DAYS),
    case("month_and_year", [f"{named(d, MONTHS)} {d.year}" for d in DAYS], FIRSTS),
    case("year_and_month", [f"{d:%Y-%m}" for d in DAYS], FIRSTS),
    case("quarters", [f"{d.year}-Q{(d.month + 2) // 3}" for d in DAYS], QUARTERS),
    case("weeks", [f"{d.isocalendar().year}-W{d.isocalendar().week:02}" for d in DAYS], WEEKS),
    case("open_order", [f"{d:%d/%m/%Y}" for d in EARLY], EARLY,
         "the day is taken to come first.*nothing tells which comes first"),
    case("open_order_beside_month_first", [f"{d:%m/%d/%Y}" for d in EARLY], EARLY,
         "the month is taken to come first.*as in other columns",
         beside=("paid", [f"{d:%m/%d/%Y}" for d in DAYS], DAYS)),
    case("two_ways", [f"{d:%Y-%m-%d}" if k % 2 else f"{d:%d/%m/%Y}" for k, d in enumerate(DAYS)],
         DAYS, "written in 2 ways"),
    case("unix_seconds", list(map(str, SECONDS)), TIMES, "seconds since 1970", column="timestamp"),
    case("unix_milliseconds", [f"{s}000" for s in SECONDS], TIMES, "milliseconds since 1970",
         column="created_at"),
    case("excel_serials", list(map(str, SERIALS)), DAYS, "as Excel counts them",
         column="order_date"),
]  # fmt: skip

# Clock times and durations

HOURS = [time.hour + time.minute / 60 for time in TIMES]
SPANS = whole(42, 60, 40_000)


def clock(seconds: int) -> str:
    return f"{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}"


def words(seconds: int) -> str:
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}h {minutes}m" if hours else f"{minutes} min"


MINUTES = [seconds // 60 * 60 for seconds in SPANS]
CLOCKS = [
    case("clock_times", [f"{t:%H:%M}" for t in TIMES], HOURS),
    case("clock_times_pm", [f"{t:%I:%M %p}".lstrip("0") for t in TIMES], HOURS),
    case("clock_times_h", [f"{t.hour}h{t.minute:02}" for t in TIMES], HOURS),
    case("spans_with_colons", list(map(clock, SPANS)), SPANS, "read as seconds"),
    case("spans_in_words", list(map(words, SPANS)), MINUTES, "read as seconds"),
    case("spans_of_iso", [f"PT{s // 60}M{s % 60}S" for s in SPANS], SPANS, "read as seconds"),
    case("spans_of_pandas", [f"{s // 86400 + 1} days {clock(s % 86400).zfill(8)}" for s in SPANS],
         [s + 86400 for s in SPANS], "read as seconds"),
]  # fmt: skip

# Refused


def spoiled(cells: Sequence[str], cell: str, row: int = 40) -> list[str]:
    return [cell if k == row - 1 else one for k, one in enumerate(cells)]


PLAIN = [f"{v:.2f}" for v in SIGNED]
REFUSED = [
    case("a_letter_in_a_number", spoiled(PLAIN, "4o.5"), None,
         refusal=r"'x', row 40: '4o.5' is not a finite number.*--as x=text"),
    case("a_remark_among_numbers", spoiled(PLAIN, "see file"), None,
         refusal=r"'x', row 40: 'see file' is not a finite number"),
    case("infinity", spoiled(PLAIN, "inf"), None, refusal=r"'x', row 40: 'inf' is not a finite"),
    case("no_such_day", spoiled([f"{d:%d/%m/%Y}" for d in DAYS], "31/02/2020"), None,
         refusal="'x', row 40: '31/02/2020' is no date of 1678 to 2261 written like 31/12/2021"),
    case("month_first_among_day_first", spoiled([f"{d:%d/%m/%Y}" for d in DAYS], "12/31/2020"),
         None, refusal="'x', row 40: '12/31/2020' is no date"),
    case("percent_beside_shares", [f"{v} %" if v % 3 else str(v / 100) for v in whole(43)], None,
         refusal=r"'x' mixes numbers with % and no unit, such as '0\.\d+' in row \d+: write all"),
    case("two_currencies", [f"${v}" if v % 3 else f"€{v}" for v in THOUSANDS], None,
         refusal="'x' mixes numbers with .* and .*, such as"),
    case("a_clock_of_25_hours", spoiled([f"{t:%H:%M}" for t in TIMES], "25:10"), None,
         refusal="'x', row 40: '25:10' is no clock time"),
]  # fmt: skip

COLUMN_CASES = [
    *MISSING, *VALUES_NOT_MISSING, *SENTINELS, *NUMBERS, *TEXTS, *DATES, *CLOCKS, *REFUSED,
]  # fmt: skip
