"""Files as offices, instruments and statistical agencies send them, each with its twin: small ones.

Where a kind of mess is only a way to write one column, `column` makes the file.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import openpyxl
from messy_case import MessyCase

ROWS = 24
DRAW = random.Random(7)
CITY = [DRAW.choice(["Gent", "Liège", "Köln", "São Paulo"]) for _ in range(ROWS)]
AREA = [round(DRAW.uniform(20, 180), 2) for _ in range(ROWS)]
ROOMS = [DRAW.randint(1, 6) for _ in range(ROWS)]
Y = [DRAW.choice(["yes", "no"]) for _ in range(ROWS)]
DAY = [datetime(2021, 1, 1) + timedelta(days=DRAW.randrange(900)) for _ in range(ROWS)]
DAY[0], DAY[1] = datetime(2021, 12, 31), datetime(2022, 2, 3)
TWIN = {"city": CITY, "area": AREA, "rooms": ROOMS, "y": Y}
HEADER = list(TWIN)
BODY = [list(row) for row in zip(*TWIN.values(), strict=True)]
SUMS = [sum(AREA), sum(ROOMS)]


def lines(rows: Sequence[Sequence[Any]], delimiter: str = ",", end: str = "\n") -> bytes:
    return "".join(delimiter.join(map(str, row)) + end for row in rows).encode()


PLAIN = lines([HEADER, *BODY])


def column(
    name: str, cells: Sequence[Any], clean: Sequence[Any] | None, *notes: str,
    called: str = "x", refusal: str = "",
) -> MessyCase:  # fmt: skip
    """A file with one messy column."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(
        [["city", called, "y"], *zip(CITY, cells, Y, strict=True)]
    )
    twin = None if clean is None else {"city": CITY, called: list(clean), "y": Y}
    return MessyCase(name, "t.csv", out.getvalue().encode(), twin, refusal, "y", notes)


def every(step: int, cell: Callable[[Any], str], values: Sequence[Any]) -> list[str]:
    """Numbers as texts, each so many of them written otherwise."""
    return [cell(value) if k % step == 2 else str(value) for k, value in enumerate(values)]


def holed(step: int, values: Sequence[Any]) -> list[Any]:
    return [None if k % step == 2 else value for k, value in enumerate(values)]


def dated(name: str, pattern: str, hours: int = 0, **options: Any) -> MessyCase:
    """A column of dates, which are so many hours before UTC."""
    days = [day.replace(hour=5, minute=6, second=7) if "%H" in pattern or "%I" in pattern else day
            for day in DAY]  # fmt: skip
    clean = [day + timedelta(hours=hours) for day in days]
    return column(name, [f"{day:{pattern}}" for day in days], clean, **options)


DIGITS = {
    name: ["".join(chr(zero + int(digit)) for digit in str(room)) for room in ROOMS]
    for name, zero in (("wide digits", 0xFF10), ("Arabic digits", 0x660), ("Hindi digits", 0x966))
}
MONTHS = ["января", "февраля", "марта", "апреля", "мая", "июня", "июля", "августа", "сентября",
          "октября", "ноября", "декабря"]  # fmt: skip
PHONES = [f"+4930{room}12345" for room in ROOMS]
COLUMNS = [
    *(column(name, cells, ROOMS) for name, cells in DIGITS.items()),
    column("a dash of accounting", every(4, lambda _: "$ -", [f"${a}" for a in AREA]),
           [0.0 if k % 4 == 2 else a for k, a in enumerate(AREA)]),
    column("exponents of Fortran", [f"{a:.6E}".replace("E", "D") for a in AREA], AREA),
    column("a word again and again", every(4, lambda _: "pending", AREA), holed(4, AREA),
           "6 cells with 'pending' count as missing, first 'pending' in row 3"),
    column("a word among dates", every(4, lambda _: "ongoing", [f"{d:%d.%m.%Y}" for d in DAY]),
           holed(4, DAY), "'ongoing' count as missing"),
    column("flags of Eurostat", every(4, "{} b".format, AREA), AREA,
           "marks behind its numbers are left out: 'b'"),
    column("marks of footnotes", every(4, "{}[1]".format, AREA), AREA, "left out: '\\[1\\]'"),
    column("truth values with NA", every(4, lambda _: "NA", [str(r > 3).upper() for r in ROOMS]),
           holed(4, [float(r > 3) for r in ROOMS])),
    column("censored numbers", every(4, lambda _: "<0.5", AREA), None,
           refusal=r"'x': about 75 % of its cells are numbers, and '<0\.5' in row 3 is none.*--as"),
    column("two decimal marks in a column",
           [str(a).replace(".", "," * (k % 2) or ".") for k, a in enumerate(AREA)], None,
           refusal="'x': the decimal mark of .* is not that of .* in row .: write all alike"),
    column("two orders of dates", [f"{d:%d/%m/%Y}" if k % 2 else f"{d:%m/%d/%Y}"
                                   for k, d in enumerate(DAY)], None,
           refusal="'x': the order of day and month of .* write all alike"),
    column("kilograms beside grams without a unit",
           [f"{a} kg" if k % 2 else f"{a * 1000:.0f}" for k, a in enumerate(AREA)], None,
           refusal="numbers in kg and bare ones such as .* times as large: write the unit"),
    column("versions of two parts", ["1.10" if r > 3 else "1.9" for r in ROOMS],
           ["1.10" if r > 3 else "1.9" for r in ROOMS], "are codes, read as texts",
           called="version"),
    column("telephones with a plus", PHONES, PHONES,
           "are codes, read as texts", called="phone"),
    column("codes with an E", [f"{r}E{r}" for r in ROOMS], [f"{r}E{r}" for r in ROOMS],
           "are codes, read as texts"),
    column("years of birth", [f"01.02.{40 + r}" for r in ROOMS],
           [datetime(1940 + r, 2, 1) for r in ROOMS], called="born"),
    column("the end of a day", every(4, lambda _: "24:00", ["9:30"] * ROWS),
           [24.0 if k % 4 == 2 else 9.5 for k in range(ROWS)]),
    column("months in Russian",
           [f"{d.day} {MONTHS[d.month - 1]} {d.year} \u0433." for d in DAY], DAY),
    column("quarters of short years", [f"Q{(d.month + 2) // 3}/{d:%y}" for d in DAY],
           [d.replace(day=1, month=(d.month - 1) // 3 * 3 + 1) for d in DAY]),
    column("weeks of the calendar", ["KW {1}/{0}".format(*d.isocalendar()) for d in DAY],
           [d - timedelta(days=d.weekday()) for d in DAY]),
    dated("dates of Japan", "%Y年%m月%d日"), dated("dates of cameras", "%Y:%m:%d %H:%M:%S"),
    dated("days of the year", "%Y-%j"), dated("dates in brackets", "[%d/%b/%Y:%H:%M:%S +0000]"),
    dated("the name of a zone", "%Y-%m-%dT%H:%M:%S+01:00[Europe/Berlin]", -1),
    dated("times of Google Forms", "%Y/%m/%d %I:%M:%S %p GMT+2", -2),
    dated("14 digits", "%Y%m%d%H%M%S", called="timestamp"),
    dated("7 digits", "%Y%j", called="date"),
]  # fmt: skip


def total(label: str, rows: Sequence[Sequence[Any]] = BODY) -> list[Any]:
    return [label, round(sum(row[1] for row in rows), 2), sum(row[2] for row in rows), ""]


def drawn(between: str, line: str) -> bytes:
    """A table as programs print it, with a line below the names."""
    widths = [max(len(str(row[k])) for row in [HEADER, *BODY]) for k in range(4)]
    rows = [between.join(f"{c!s:<{w}}" for c, w in zip(row, widths, strict=True))
            for row in [HEADER, *BODY]]  # fmt: skip
    rule = between.join(line * width for width in widths)
    return "\n".join([rows[0], rule, *rows[1:], "", f"{ROWS} rows selected."]).encode()


def files() -> list[MessyCase]:
    """Whole files of text."""
    german = [[row[0], f"{1000 + row[1]:,.0f}".replace(",", ".") if k % 2 else "987", *row[2:]]
              for k, row in enumerate(BODY)]  # fmt: skip
    thousands = [1000 + round(a) if k % 2 else 987 for k, a in enumerate(AREA)]
    words = {"q1": AREA, "q2": ROOMS, "y": Y}
    survey = [["q1", "q2", "y"], ["How big is it?", "How many rooms?", "Good?"],
              ['"{""ImportId"":""1""}"'] * 3, *(row[1:] for row in BODY)]  # fmt: skip
    three = [["place", "size", "", ""], ["city", "area", "rooms", "y"], ["", "m2", "n", ""], *BODY]
    levels = [["", "area", "rooms", "y"], ["", "mean", "max", "last"], ["city", "", "", ""], *BODY]
    mixed = b"".join(
        (",".join(map(str, row)) + "\n").encode("utf-8" if k % 2 else "cp1252")
        for k, row in enumerate([HEADER, *BODY])
    )
    box = "\n".join(["┌──┐", *(f"│ {' │ '.join(map(str, r))} │" for r in [HEADER, *BODY]), "└──┘"])
    cyrillic = {"город": ["Москва", "Тула", "Омск"] * 8, "area": AREA, "y": Y}
    first, last = BODY[:9], BODY[9:]
    groups = [HEADER, ["Region North", "", "", ""], *first, [""] * 4, ["Region South", "", "", ""],
              *last]  # fmt: skip
    parts = [HEADER, *first, total("Subtotal", first), *last, total("Gent Total", last),
             total("Grand Total")]  # fmt: skip
    return [
        MessyCase("semicolons and thousands", "t.csv", lines([HEADER, *german], ";"),
                  {**TWIN, "area": thousands}, notes=("marks thousands, as some numbers have",)),
        MessyCase("tildes", "t.txt", lines([HEADER, *BODY], "~"), TWIN,
                  notes=("'~' divides the cells",)),
        MessyCase("two colons", "t.dat", lines([HEADER, *BODY], "::"), TWIN,
                  notes=("'::' divides",)),
        MessyCase("commas in and between cells", "t.csv",
                  lines([HEADER, *([r[0], str(r[1]).replace(".", ","), *r[2:]] for r in BODY)]),
                  None, "4 columns are named and line 2 has 5 cells.*quote cells"),
        MessyCase("one column of decimal commas", "t.csv",
                  lines([["x"], *([str(a).replace(".", ",")] for a in AREA)]), {"x": AREA},
                  notes=("commas are decimal marks",)),
        MessyCase("two encodings", "t.csv", mixed, None, "line 3: it is not UTF-8 as the other"),
        MessyCase("short Cyrillic words", "t.csv",
                  lines([list(cyrillic), *zip(*cyrillic.values(), strict=True)]).decode()
                  .encode("cp1251"), cyrillic, notes=("read as cp1251",)),
        MessyCase("marks of order amid files", "t.csv", b"\xef\xbb\xbf" * 2 + PLAIN +
                  b"\xef\xbb\xbf\f" + lines(BODY), {k: v * 2 for k, v in TWIN.items()}),
        MessyCase("a table of Oracle", "t.txt", drawn(" ", "-"), TWIN,
                  notes=("a drawn line shows", "rows selected")),
        MessyCase("a table of bars and rules", "t.txt", drawn("|", "="), TWIN),
        MessyCase("a table in a box", "t.txt", box.encode(), TWIN),
        MessyCase("names, questions and codes", "t.csv", lines(survey), words,
                  notes=("has the names; the questions and codes in the two lines below",)),
        MessyCase("names in three lines", "t.csv", lines(three),
                  {"place city": CITY, "size area m2": AREA, "size rooms n": ROOMS, "size y": Y},
                  notes=("line 1 and the 2 below it are joined",)),
        MessyCase("names and the name of the index", "t.csv", lines(levels),
                  {"city": CITY, "area mean": AREA, "rooms max": ROOMS, "y last": Y},
                  notes=("the first column is called 'city'",)),
        MessyCase("names of groups", "t.csv", lines(groups), TWIN,
                  notes=("2 rows with a label alone, such as 'Region North',", "an empty row")),
        MessyCase("sums of groups", "t.csv", lines(parts), TWIN,
                  notes=("2 rows of sums left out: row 10: 'Subtotal",)),
        MessyCase("a sum without a name", "t.csv", lines([HEADER, *BODY, total("")]), TWIN,
                  notes=("whose numbers are sums",)),
        MessyCase("a total in Russian", "t.csv", lines([HEADER, *BODY, total("Итого")]), TWIN),
        MessyCase("many empty rows", "t.csv", PLAIN + b",,,\n" * 80, TWIN,
                  notes=("80 empty rows at the end",)),
        MessyCase("texts without names", "t.csv", lines([r[::3] for r in BODY[:1] * 3 + BODY]),
                  {"column_1": CITY[:1] * 3 + CITY, "column_2": Y[:1] * 3 + Y}),
        MessyCase("cells that Excel keeps as texts", "t.csv",
                  lines([["id", "y"], *([f'="{k:03}"', y] for k, y in enumerate(Y))]),
                  {"id": [f"{k:03}" for k in range(ROWS)], "y": Y}),
    ]  # fmt: skip


def workbook(fill: Callable[[Any, Any], object]) -> bytes:
    book = openpyxl.Workbook()
    fill(book, book.active)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def write(sheet: Any, rows: Sequence[Sequence[Any]], left: int = 1) -> None:
    for k, row in enumerate(rows, 1):
        for j, cell in enumerate(row, left):
            if cell is not None:
                sheet.cell(k, j, cell)


def merged(_: Any, sheet: Any) -> None:
    regions = [["region"], *([("North", "South")[k // 12] if k % 12 == 0 else None]
                             for k in range(ROWS))]  # fmt: skip
    write(sheet, [a + b for a, b in zip(regions, [HEADER, *BODY], strict=True)])
    sheet.merge_cells("A2:A13")
    sheet.merge_cells("A14:A25")


def formatted(code: str, step: int = 1) -> Callable[[Any, Any], None]:
    def fill(_: Any, sheet: Any) -> None:
        write(sheet, [["x", "y"], *([room, y] for room, y in zip(ROOMS, Y, strict=True))])
        for row in range(2, ROWS + 2, step):
            sheet.cell(row, 1).number_format = code

    return fill


def hidden(book: Any, sheet: Any) -> None:
    write(sheet, [["a", "b"], [1, 2], [3, 4]])
    sheet.sheet_state = "hidden"
    write(book.create_sheet("Data"), [HEADER, *BODY])
    book.active = 1


def explained(book: Any, sheet: Any) -> None:
    write(sheet, [["This workbook holds"], ["the flats of the town"]])
    write(book.create_sheet("Data"), [HEADER, *BODY])


def paired(_: Any, sheet: Any) -> None:
    write(sheet, [HEADER, *BODY])
    write(sheet, [["k", "v"], ["a", 1], ["b", 2]], 6)


def of_column(cells: Sequence[Any]) -> Callable[[Any, Any], None]:
    return lambda _, sheet: write(sheet, [["x", "y"], *zip(cells, Y, strict=True)])


COMMAS = [str(a).replace(".", ",") if k % 3 else a for k, a in enumerate(AREA)]
SWAPPED = [d.replace(day=d.month, month=d.day) if d.day <= 12 else f"{d:%d/%m/%Y}" for d in DAY]
SERIALS = [(d - datetime(1899, 12, 30)).days if k % 2 else d for k, d in enumerate(DAY)]
SHEETS = [
    ("merged cells over rows", merged, {"region": ["North"] * 12 + ["South"] * 12, **TWIN},
     "2 merged cells span several rows: each of these has the value"),
    ("numbers shown in percent", formatted("0.0%"), {"x": [100 * r for r in ROOMS], "y": Y},
     "are read in percent, as shown"),
    ("numbers shown with zeros", formatted("00000"), {"x": [f"{r:05}" for r in ROOMS], "y": Y},
     "begin with 0"),
    ("some numbers in percent", formatted("0%", 2), None,
     "row 2 is shown in percent, row 3 is not .*: give all one format"),
    ("a hidden sheet", hidden, TWIN, "sheet 'Data' is read"),
    ("a sheet that explains", explained, TWIN, "sheet 'Data' is read"),
    ("tables side by side", paired, None, "another table, with the columns 'k', 'v', stands"),
    ("decimal commas beside numbers", of_column(COMMAS), {"x": AREA, "y": Y},
     "texts with a decimal comma"),
    ("days taken for months", of_column(SWAPPED), None, "it took days for months; import"),
    ("days of Excel beside dates", of_column(SERIALS), None, "row 3: column 'x' has dates, and"),
]  # fmt: skip
OFFICE_CASES = [
    *COLUMNS, *files(),
    *(MessyCase(name, "t.xlsx", workbook(fill), twin, said if twin is None else "",
                notes=() if twin is None else (said,)) for name, fill, twin, said in SHEETS),
]  # fmt: skip
