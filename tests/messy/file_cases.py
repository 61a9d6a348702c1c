"""Messy files: dialects, encodings, headers, footers, formats and packings, each with its twin."""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import random
import sqlite3
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from messy_case import MessyCase

NAMES = ["area", "rooms", "city", "sold", "y"]
CITIES = ["Ghent", "Lisbon", "Turku", "Graz"]
ROWS = 80


def flats(cities: Sequence[str] = CITIES, seed: int = 0) -> dict[str, list]:
    """Flats: their area and price class, with a few cells missing."""
    draw = random.Random(seed)
    area = [round(draw.uniform(30, 150), 1) + 0.05 for _ in range(ROWS)]
    area = [round(value, 2) for value in area]
    rooms = [max(1, round(value / 28 + draw.uniform(-1, 1))) for value in area]
    city = [draw.choice(list(cities)) for _ in range(ROWS)]
    sold = [datetime(2020, 1, 1) + timedelta(days=draw.randrange(900)) for _ in range(ROWS)]
    y = ["dear" if value + 10 * draw.gauss(0, 1) > 90 else "cheap" for value in area]
    return {"area": area, "rooms": rooms, "city": city, "sold": sold, "y": y}


FLATS = flats()


def text(cell: Any) -> str:
    """A cell as a plain CSV file has it."""
    if cell is None:
        return ""
    return cell.strftime("%Y-%m-%d") if isinstance(cell, datetime) else str(cell)


def lines(
    table: dict[str, list] = FLATS,
    delimiter: str = ",",
    cell: Callable[[Any], str] = text,
    header: bool = True,
) -> list[str]:
    """The lines of a file."""
    rows = [delimiter.join(map(cell, row)) for row in zip(*table.values(), strict=True)]
    return [delimiter.join(table), *rows] if header else rows


def joined(parts: Sequence[str], end: str = "\n") -> bytes:
    return (end.join(parts) + end).encode()


PLAIN = joined(lines())


def numbered(table: dict[str, list]) -> dict[str, list]:
    """A table under the names that columns without names get."""
    return {f"column_{k + 1}": column for k, column in enumerate(table.values())}


def dialects() -> list[MessyCase]:
    """Delimiters, quotes and ends of lines."""
    comma = joined(lines(delimiter=";", cell=lambda c: text(c).replace(".", ",")))
    tabs, bars = joined(lines(delimiter="\t")), joined(lines(delimiter="|"))
    wide = {**FLATS, "city": [f"San {city}" for city in FLATS["city"]]}
    fixed = joined(["".join(f"{c:<12}" for c in row.split("|")) for row in lines(wide, "|")])
    runs = joined(["  ".join(f"{c:>8}" for c in row.split(",")) for row in lines()])
    runs_comma = runs.replace(b".", b",")

    def quoted(mark: str) -> Callable[[Any], str]:
        return lambda c: f"{mark}{c}{mark}" if isinstance(c, str) else text(c)

    r_rows = [f'"flat {k}" {row}' for k, row in enumerate(lines(FLATS, " ", quoted('"'))[1:], 1)]
    r_file = joined([" ".join(f'"{name}"' for name in NAMES), *r_rows])
    r_clean = {"row_names": [f"flat {k}" for k in range(1, ROWS + 1)], **FLATS}
    inner = {**FLATS, "city": [f'{city}, "old" town' for city in FLATS["city"]]}
    doubled = joined(lines(inner, cell=lambda c: '"{}"'.format(text(c).replace('"', '""'))))
    escaped = joined(lines(inner, cell=lambda c: '"{}"'.format(text(c).replace('"', '\\"'))))
    single = {**FLATS, "city": [f"{city}, centre" for city in FLATS["city"]]}
    broken = {**FLATS, "city": [f"{city}\n{k} floor" for k, city in enumerate(FLATS["city"])]}
    inches = {**FLATS, "city": [f'{city} 5"' for city in FLATS["city"]]}
    spaced = joined([row.replace(",", " ,  ") + " " for row in lines()])
    return [
        MessyCase("semicolons and decimal commas", "t.csv", comma, FLATS,
                  notes=("semicolons divide the cells",)),
        MessyCase("tabs in a .csv", "t.csv", tabs, FLATS, notes=("tabs divide the cells",)),
        MessyCase("tabs in a .tsv", "t.tsv", tabs, FLATS),
        MessyCase("bars", "t.txt", bars, FLATS, notes=("bars divide the cells",)),
        MessyCase("runs of spaces", "t.dat", runs, FLATS, notes=("runs of spaces",)),
        MessyCase("runs of spaces and decimal commas", "t.txt", runs_comma, FLATS,
                  notes=("runs of spaces",)),
        MessyCase("columns of fixed width", "t.txt", fixed, wide, notes=("5 columns of fixed",)),
        MessyCase("row names as R writes them", "t.txt", r_file, r_clean,
                  notes=("one name short",)),
        MessyCase("single quotes", "t.csv", joined(lines(single, cell=quoted("'"))), single,
                  notes=("cells are quoted with '",)),
        MessyCase("doubled quotes", "t.csv", doubled, inner),
        MessyCase("escaped quotes", "t.csv", escaped, inner, notes=(r"\\ stands before quotes",)),
        MessyCase("line breaks in cells", "t.csv", joined(lines(broken, cell=quoted('"'))), broken),
        MessyCase("a quotation mark amid cells", "t.csv", joined(lines(inches)), inches),
        MessyCase("spaces around cells", "t.csv", spaced, FLATS),
        MessyCase("a sep= line", "t.csv", joined(["sep=;", *lines(delimiter=";")]), FLATS,
                  notes=("line 1 says that semicolons",)),
        MessyCase("a quoted sep= line", "t.csv", joined(['"sep=|"', *lines(delimiter="|")]), FLATS,
                  notes=("line 1 says that bars",)),
        MessyCase("returns at the ends of lines", "t.csv", joined(lines(), "\r"), FLATS),
        MessyCase("returns and line feeds", "t.csv", joined(lines(), "\r\n"), FLATS),
        MessyCase("no last line feed", "t.csv", PLAIN.rstrip(), FLATS),
        MessyCase("one column", "t.csv", joined(["y", *FLATS["y"]]), {"y": FLATS["y"]}),
        MessyCase("texts with commas in one column", "t.csv",
                  joined(["y", *("so, so" if k % 7 == 0 else "well" for k in range(ROWS))]),
                  {"y": ["so, so" if k % 7 == 0 else "well" for k in range(ROWS)]}),
    ]  # fmt: skip


def encodings() -> list[MessyCase]:
    german = flats(["Köln", "Zürich", "Göttingen", "Fürth"])
    polish = flats(["Łódź", "Kraków", "Częstochowa", "Wrocław"])
    japanese = flats(["東京", "大阪", "横浜", "札幌"])
    german_text, polish_text = joined(lines(german)).decode(), joined(lines(polish)).decode()
    japanese_text = joined(lines(japanese)).decode()
    tabbed = joined(lines(german, "\t"), "\r\n").decode()
    mixed = german_text.encode() + "55,2,Köln,2020-05-05,dear\n".encode("cp1252")
    return [
        MessyCase("a mark of UTF-8", "t.csv", german_text.encode("utf-8-sig"), german),
        MessyCase("Unicode text of Excel", "t.txt", tabbed.encode("utf-16"), german,
                  notes=("the file is UTF-16 text",)),
        MessyCase("UTF-16 without a mark", "t.csv", german_text.encode("utf-16-be"), german,
                  notes=("the file is UTF-16BE text",)),
        MessyCase("UTF-32", "t.csv", german_text.encode("utf-32"), german, notes=("UTF-32",)),
        MessyCase("cp1252", "t.csv", german_text.encode("cp1252"), german,
                  notes=("no UTF-8 and is read as cp1252",)),
        MessyCase("cp1250", "t.csv", polish_text.encode("cp1250"), polish,
                  notes=("no UTF-8 and is read as cp1250",)),
        MessyCase("Shift-JIS", "t.csv", japanese_text.encode("cp932"), japanese,
                  notes=("no UTF-8 and is read as cp932",)),
        MessyCase("two encodings in one file", "t.csv", mixed, None,
                  r"t\.csv, line 82: it is not UTF-8 as the other lines are.*mend that line"),
        MessyCase("a zero byte", "t.csv", PLAIN[:400] + b"\0" + PLAIN[400:], None,
                  r"t\.csv holds binary data, not text \(a zero byte in line 1\d\)"),
    ]  # fmt: skip


def headers() -> list[MessyCase]:
    """What stands above the data, and columns that are none."""
    body, rows = lines(header=False), list(zip(*FLATS.values(), strict=True))
    header = ",".join(NAMES)
    shuffled = list(zip(random.Random(3).sample(range(ROWS), ROWS), body, strict=True))
    units = {"area m2": FLATS["area"], "rooms n": FLATS["rooms"], "city": FLATS["city"],
             "sold date": FLATS["sold"], "y": FLATS["y"]}  # fmt: skip
    groups = dict(zip(["flat area", "flat rooms", "flat city", "sale sold", "sale y"],
                      FLATS.values(), strict=True))  # fmt: skip
    twice = {"area": FLATS["area"], "rooms": FLATS["rooms"], "rooms.2": FLATS["rooms"][::-1],
             "y": FLATS["y"]}  # fmt: skip
    twice_rows = list(zip(*twice.values(), strict=True))
    years = {"city": FLATS["city"], "2019": FLATS["area"], "2020": FLATS["rooms"], "y": FLATS["y"]}
    year_rows = [",".join(map(text, row)) for row in zip(*years.values(), strict=True)]
    nameless = {"area": FLATS["area"], "column_2": FLATS["rooms"], "y": FLATS["y"]}
    nameless_rows = [",".join(map(text, row)) for row in zip(*nameless.values(), strict=True)]
    counted = [f"{k},{row}" for k, row in enumerate(body)]
    return [
        MessyCase("no header", "t.csv", joined(body), numbered(FLATS), target="column_5",
                  notes=("line 1 holds data",)),
        MessyCase("a title", "t.csv", joined(["Flats sold in 2020", "", *lines()]), FLATS,
                  notes=("above the table: line 1: 'Flats sold in 2020'",)),
        MessyCase("titles of a spreadsheet", "t.csv",
                  joined(["Flats,,,,", "as of May,,,,", ",,,,", *lines()]), FLATS,
                  notes=("line 1: 'Flats'; line 2: 'as of May'",)),
        MessyCase("comments with #", "t.csv", joined(["# flats, sold", "# by us", *lines()]),
                  FLATS, notes=("line 1: '# flats,sold'; line 2: '# by us'",)),
        MessyCase("comments with //", "t.csv", joined(["// flats", *lines()]), FLATS,
                  notes=("line 1: '// flats'",)),
        MessyCase("comments with %", "t.csv", joined(["% flats", "%", *lines()]), FLATS,
                  notes=("line 1: '% flats'",)),
        MessyCase("a header behind #", "t.csv", joined([f"# {header}", *body]), FLATS,
                  notes=("line 1 names the columns",)),
        MessyCase("a row of units", "t.csv", joined([header, "m2,n,,date,", *body]), units,
                  notes=("line 1 and the one below it are joined to names such as 'area m2'",)),
        MessyCase("a header of groups", "t.csv", joined(["flat,,,sale,", header, *body]), groups,
                  target="sale y", notes=("joined to names such as 'flat area'",)),
        MessyCase("two columns of one name", "t.csv",
                  joined(["area,rooms,rooms,y", *(",".join(map(text, r)) for r in twice_rows)]),
                  twice, notes=("several columns are named 'rooms'",)),
        MessyCase("a column twice", "t.csv",
                  joined(["area,area,y", *(f"{r[0]},{r[0]},{r[4]}" for r in rows)]),
                  {"area": FLATS["area"], "y": FLATS["y"]},
                  notes=("'area.2' is a copy of 'area' and is left out",)),
        MessyCase("a name is missing", "t.csv", joined(["area,,y", *nameless_rows]), nameless,
                  notes=("column 2 has no name and is called column_2",)),
        MessyCase("years as names", "t.csv", joined(["city,2019,2020,y", *year_rows]), years),
        MessyCase("delimiters at the ends of lines", "t.csv",
                  joined([f"{row}," for row in lines()]), FLATS,
                  notes=("the last column has neither a name nor a cell",)),
        MessyCase("delimiters at the ends of rows", "t.csv",
                  joined([header, *(f"{row}," for row in body)]), FLATS,
                  notes=("the last column has neither a name nor a cell",)),
        MessyCase("an index as pandas calls it", "t.csv",
                  joined([f"Unnamed: 0,{header}", *counted]), FLATS,
                  notes=("nameless first column numbers the rows and is left out",)),
        MessyCase("a column called #", "t.csv",
                  joined(["#,area,y", *(f"{k % 7},{r[0]},{r[4]}" for k, r in enumerate(rows))]),
                  {"#": [k % 7 for k in range(ROWS)], "area": FLATS["area"], "y": FLATS["y"]}),
        MessyCase("an index", "t.csv", joined([f",{header}", *counted]), FLATS,
                  notes=("nameless first column numbers the rows and is left out",)),
        MessyCase("an index in disorder", "t.csv",
                  joined([f",{header}", *(f"{k},{row}" for k, row in shuffled)]), FLATS,
                  notes=("nameless first column numbers the rows and is left out",)),
        MessyCase("numbered rows of R", "t.csv",
                  joined([header, *(f"{k},{row}" for k, row in enumerate(body, 1))]), FLATS,
                  notes=("nameless first column numbers the rows and is left out",)),
        MessyCase("too few names", "t.csv", joined(["area,rooms,y", *body]), None,
                  r"t\.csv, line 1 names 3 columns and the rows have 5 cells: 'area,rooms,y'"),
    ]  # fmt: skip


def footers() -> list[MessyCase]:
    """What stands below the data, and amid it."""
    body = lines(header=False)
    total = f"Total,{sum(FLATS['rooms'])},,,"
    first = ",".join(NAMES)
    amid = [first, *body[:30], "", *body[30:50], "# by Ann", *body[50:]]
    again = [first, *body[:40], first, *body[40:]]
    ends = [*lines(), ",,,,", ",,,,"]
    rule = "+------+----+------+------------+---+"
    sums = {"shop": ["north", "south", "east"] * 20, "sales": list(range(60)), "y": [0.5] * 60}
    summed = [
        *(",".join(map(text, r)) for r in zip(*sums.values(), strict=True)),
        "Total,1770,30.0",
    ]
    return [
        MessyCase("a total", "t.csv", joined([*lines(), total]), FLATS,
                  notes=("below the data: line 82: 'Total,",)),
        MessyCase("a total of all columns", "t.csv", joined(["shop,sales,y", *summed]), sums,
                  notes=("'Total,1770,30.0', whose numbers are sums",)),
        MessyCase("a source", "t.csv", joined([*lines(), "", "Source: the registry of flats"]),
                  FLATS, notes=("line 83: 'Source: the registry of flats'",)),
        MessyCase("remarks below a blank line", "t.csv",
                  joined([*lines(), "", "Notes:", "1) preliminary", "2) rounded, by us"]), FLATS,
                  notes=("line 83: 'Notes:'; line 84: '1[)] prelim.*; line 85: '2[)] rounded",)),
        MessyCase("lines that psql draws", "t.txt",
                  joined([" | ".join(NAMES), "-----+------+---",
                          *(row.replace(",", " | ") for row in body), f"({ROWS} rows)"]), FLATS,
                  notes=("a ruled line amid the rows left out",)),
        MessyCase("lines that MySQL draws", "t.txt",
                  joined([rule, *(f"| {row.replace(',', ' | ')} |" for row in lines()[:1]), rule,
                          *(f"| {row.replace(',', ' | ')} |" for row in body), rule,
                          f"{ROWS} rows in set (0.00 sec)"]), FLATS,
                  notes=("2 ruled lines amid the rows", "have neither a name nor a cell")),
        MessyCase("a table of Markdown", "t.txt",
                  joined([f"| {row.replace(',', ' | ')} |" for row in
                          (lines()[0], "---,---,:-:,---,---", *body)]), FLATS,
                  notes=("a ruled line amid the rows left out",)),
        MessyCase("two ends a line", "t.csv", joined(lines(), "\r\r\n"), FLATS,
                  notes=("blank lines amid the rows left out",)),
        MessyCase("a mark of the end of DOS", "t.csv", joined(lines(), "\r\n") + b"\x1a", FLATS),
        MessyCase("a count of rows", "t.csv", joined([*lines(), "", f"({ROWS} rows affected)"]),
                  FLATS, notes=(r"line 83: '\(80 rows affected\)'",)),
        MessyCase("empty rows at the end", "t.csv", joined(ends), FLATS,
                  notes=("line 82: an empty row; line 83: an empty row",)),
        MessyCase("a blank line and a comment amid the rows", "t.csv", joined(amid), FLATS,
                  notes=(r"a blank line amid the rows left out \(line 32\)",
                         r"a comment amid the rows left out \(line 53\)")),
        MessyCase("the header again", "t.csv", joined(again), FLATS,
                  notes=(r"a repeated header amid the rows left out \(line 42\)",)),
        MessyCase("a row too long", "t.csv", joined([*lines()[:20], "1,2,3,4,5,6", *body[19:]]),
                  None, r"t\.csv, line 21: it has 6 cells and the other rows 5.*'1,2,3,4,5,6'"),
        MessyCase("a row too short", "t.csv", joined([*lines()[:20], "61.5,2,Graz", *body[19:]]),
                  None, r"t\.csv, line 21: it has 3 cells and the other rows 5.*'61.5,2,Graz'"),
        MessyCase("a file cut off", "t.csv", PLAIN[:-18], None,
                  r"t\.csv, line 81: it has [1-4] cells? and the other rows 5"),
        MessyCase("a quote without end", "t.csv",
                  joined([*lines()[:20], '61.5,2,"Graz,2020-01-01,dear', *body[19:]]), None,
                  r"t\.csv, line 21: a quote is opened and never closed: .*close it"),
        MessyCase("only a header", "t.csv", joined([first]), None, "has a header but no rows"),
        MessyCase("nothing", "t.csv", b"\n\n", None, "is empty"),
    ]  # fmt: skip


def workbook(write: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    write(book)
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def rows_of(table: dict[str, list]) -> list[tuple]:
    return [tuple(table), *zip(*table.values(), strict=True)]


def workbooks() -> list[MessyCase]:
    coded = {**FLATS, "code": [f"{k:05d}" for k in range(ROWS)]}
    gaps = {**FLATS, "area": [None if k % 9 == 0 else a for k, a in enumerate(FLATS["area"])]}

    def offset(book: Any) -> None:
        book.active.title = "Read me"
        book.active["A1"] = "Flats are in the next sheet"
        sheet = book.create_sheet("Flats")
        sheet["B2"] = "Flats sold"
        for k, row in enumerate(rows_of(gaps)):
            for j, cell in enumerate(row):
                sheet.cell(row=4 + k, column=2 + j, value=cell)
        sheet.cell(row=4 + ROWS + 1, column=2, value="Total")
        sheet.cell(row=4 + ROWS + 1, column=3, value=sum(FLATS["rooms"]))

    def codes(book: Any) -> None:
        for row in rows_of(coded):
            book.active.append(row)

    def formulas(book: Any) -> None:
        codes(book)
        for k in range(2, 20):
            book.active[f"A{k}"] = f"=B{k}*28"

    frame, stream = pd.DataFrame(FLATS), io.BytesIO()
    frame.to_excel(stream, engine="odf", index=False)
    whole = workbook(codes)
    return [
        MessyCase("a sheet with a title, an offset and a total", "t.xlsx", workbook(offset), gaps,
                  notes=("sheet 'Flats' is read", "row 2: 'Flats sold'", "row 85: 'Total,")),
        MessyCase("codes in a workbook", "t.xlsx", whole, coded),
        MessyCase("a workbook called .csv", "t.csv", whole, coded, notes=("holds excel",)),
        MessyCase("an OpenDocument sheet", "t.ods", stream.getvalue(), FLATS),
        MessyCase("formulas without results", "t.xlsx", workbook(formulas), None,
                  r"t\.xlsx, sheet 'Sheet': 18 formulas have no stored result: open the file"),
        MessyCase("half a workbook", "t.xlsx", whole[: len(whole) // 2], None,
                  r"t\.xlsx is not a whole workbook.*save it again"),
        MessyCase("a text called .xls", "t.xls", joined(lines(delimiter="\t")), FLATS,
                  notes=("the file is called .xls and holds text", "tabs divide the cells")),
        MessyCase("an old workbook", "t.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
                  None, r"old \.xls format, or one with a password: save it as \.xlsx"),
    ]  # fmt: skip


def plain(cell: Any) -> Any:
    return text(cell) if isinstance(cell, datetime) else cell


def documents() -> list[MessyCase]:
    """JSON in its forms."""
    records = [dict(zip(NAMES, map(plain, row), strict=True)) for row in rows_of(FLATS)[1:]]
    gaps = {**FLATS, "rooms": [None if k % 5 == 4 else n for k, n in enumerate(FLATS["rooms"])]}
    some = [{key: value for key, value in row.items() if key != "rooms" or k % 5 != 4}
            for k, row in enumerate(records)]  # fmt: skip
    nested = [{"flat": {"area": r["area"], "rooms": r["rooms"]}, "city": r["city"], "y": r["y"]}
              for r in records]  # fmt: skip
    flat = {"flat.area": FLATS["area"], "flat.rooms": FLATS["rooms"], "city": FLATS["city"],
            "y": FLATS["y"]}  # fmt: skip
    columns = {name: {str(k): r[name] for k, r in enumerate(records)} for name in NAMES}
    split = {
        "columns": NAMES,
        "index": list(range(ROWS)),
        "data": [list(r.values()) for r in records],
    }
    object_lines = "\n".join(map(json.dumps, some)).encode()
    broken = object_lines.replace(b'"city"', b"city", 1)

    def dumped(value: Any) -> bytes:
        return json.dumps(value).encode()

    return [
        MessyCase("a list of objects", "t.json", dumped(records), FLATS),
        MessyCase("objects under a key", "t.json", dumped({"n": ROWS, "data": records}), FLATS,
                  notes=("the rows are those of 'data'",)),
        MessyCase("objects in objects", "t.json", dumped(nested), flat,
                  notes=("inner objects are columns of their own",)),
        MessyCase("pandas' columns", "t.json", dumped(columns), FLATS),
        MessyCase("pandas' split", "t.json", dumped(split), FLATS),
        MessyCase("lists of columns", "t.json",
                  dumped({name: list(map(plain, FLATS[name])) for name in NAMES}), FLATS),
        MessyCase("an object a line, keys absent", "t.jsonl", object_lines, gaps,
                  notes=("'rooms' is absent in 16 of 80 objects",)),
        MessyCase("objects in a .txt", "t.txt", dumped(records), FLATS),
        MessyCase("lines of objects called .json", "t.json", object_lines, gaps,
                  notes=("is called .json and holds json lines",)),
        MessyCase("objects called .csv", "t.csv", dumped(records), FLATS,
                  notes=("is called .csv and holds json",)),
        MessyCase("a broken line of JSON", "t.jsonl", broken, None,
                  r"t\.jsonl, line 1: no JSON.*mend that line"),
        MessyCase("a key twice", "t.json", b'[{"y": 1, "y": 2}]', None, "has the key 'y' twice"),
        MessyCase("a web page", "t.csv", b"<!DOCTYPE html>\n<html><body>404</body></html>", None,
                  r"t\.csv holds a web page, not a table.*save the data"),
    ]  # fmt: skip


def database(tables: dict[str, dict[str, list]]) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.db")
        connection = sqlite3.connect(path)
        for name, table in tables.items():
            values = [tuple(map(plain, row)) for row in rows_of(table)[1:]]
            connection.execute(f"CREATE TABLE {name} ({', '.join(table)})")
            marks = ", ".join("?" * len(table))
            connection.executemany(f"INSERT INTO {name} VALUES ({marks})", values)
        connection.commit()
        connection.close()
        return path.read_bytes()


def archive(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return stream.getvalue()


def tarred(content: bytes) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as out:
        entry = tarfile.TarInfo("t.csv")
        entry.size = len(content)
        out.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def containers() -> list[MessyCase]:
    """Packings, columnar files and databases."""
    frame = pd.DataFrame(FLATS)
    parquet, feather = io.BytesIO(), io.BytesIO()
    frame.to_parquet(parquet)
    frame.to_feather(feather)
    packed, indexed = gzip.compress(PLAIN), io.BytesIO()
    frame.set_index("area").to_parquet(indexed)
    return [
        MessyCase("gzip", "t.csv.gz", packed, FLATS),
        MessyCase("gzip called .csv", "t.csv", packed, FLATS),
        MessyCase("bzip2", "t.csv.bz2", bz2.compress(PLAIN), FLATS),
        MessyCase("xz", "t.csv.xz", lzma.compress(PLAIN), FLATS),
        MessyCase("half a gzip file", "t.csv.gz", packed[: len(packed) // 2], None,
                  r"t\.csv\.gz is not a whole gzip file.*make it anew"),
        MessyCase("a ZIP archive", "t.zip",
                  archive({"flats.csv": PLAIN, "README.md": b"x", "__MACOSX/._flats.csv": b"x"}),
                  FLATS, notes=("'flats.csv' of the archive, and 1 other files are left out",)),
        MessyCase("two tables in an archive", "t.zip", archive({"a.csv": PLAIN, "b.csv": PLAIN}),
                  None, r"t\.zip holds 2 tables, a\.csv, b\.csv: name one of them, as in .*zip/a"),
        MessyCase("a tar archive", "t.tar.gz", gzip.compress(tarred(PLAIN)), None,
                  "is a tar archive: unpack it"),
        MessyCase("an index in Parquet", "t.parquet", indexed.getvalue(), FLATS,
                  notes=("the index is read as columns: 'area'",)),
        MessyCase("Parquet", "t.parquet", parquet.getvalue(), FLATS),
        MessyCase("Feather", "t.feather", feather.getvalue(), FLATS),
        MessyCase("Parquet called .csv", "t.csv", parquet.getvalue(), FLATS,
                  notes=("holds parquet",)),
        MessyCase("SQLite", "t.db", database({"flats": FLATS}), FLATS,
                  notes=("the table is 'flats' of the database",)),
        MessyCase("two tables in a database", "t.db", database({"a": FLATS, "b": FLATS}), None,
                  r"t\.db has 2 tables, 'a', 'b': name one with --query"),
    ]  # fmt: skip


def cells() -> list[MessyCase]:
    """Cells that a reader may change without a word."""
    coded = {**FLATS, "city": [f"{k * 37 % 1000:05d}" for k in range(ROWS)]}
    named = {**FLATS, "y": ["None" if y == "dear" else "NA" for y in FLATS["y"]]}
    large = {"id": [str(12345678901234567 + k) for k in range(ROWS)], "y": FLATS["y"]}
    return [
        MessyCase("codes with zeros", "t.csv", joined(lines(coded)), coded),
        MessyCase("None and NA as classes", "t.csv", joined(lines(named)), named),
        MessyCase("numbers of 17 digits", "t.csv", joined(lines(large)), large),
    ]


FILE_CASES = [
    *dialects(), *encodings(), *headers(), *footers(), *workbooks(), *documents(), *containers(),
    *cells(),
]  # fmt: skip
