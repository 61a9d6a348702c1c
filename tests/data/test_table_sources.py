"""Where tables come from: several files, folders, pipes, archives, databases, the web."""

from __future__ import annotations

import gzip
import io
import os
import sqlite3
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from chainrule.config import configured
from chainrule.data import read_cells, read_table
from chainrule.data.tables import databases
from chainrule.errors import DataError
from chainrule.lazy import LazyModule

MAY = "day,sales\n1,10\n2,12\n"
JUNE = "sales,day,note\n9,1,rain\n8,2,\n"


def test_several_files(tmp_path: Path) -> None:
    """Rows one after the other, columns by their names; what a file lacks is missing, and said."""
    (tmp_path / "may.csv").write_text(MAY)
    (tmp_path / "june.csv").write_text(JUNE)
    table = read_cells([tmp_path / "may.csv", tmp_path / "june.csv"])
    assert "may.csv and 1 more" == table.name
    assert {"day": [1, 2, 1, 2], "sales": [10, 12, 9, 8]} == table.frame[["day", "sales"]].to_dict(
        "list"
    )
    assert ["rain"] == table.frame["note"].dropna().tolist()
    assert any("'note' is absent in 1 of 2 files" in note for note in table.notes)


def test_a_folder_and_a_pattern(tmp_path: Path) -> None:
    """Tables in a folder and below it; what is no table is named, and texts beside tables are."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a.csv").write_text(MAY)
    (tmp_path / "sub" / "b.csv.gz").write_bytes(gzip.compress(MAY.encode()))
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden.csv").write_text("x\n1\n")
    (tmp_path / "README.txt").write_text("Sales of 2020.\n")
    (tmp_path / "plot.png").touch()
    table = read_cells(tmp_path)
    assert [10, 12, 10, 12] == table.frame["sales"].tolist()
    assert f"2 files in {tmp_path} are read" in table.notes
    assert f"2 other files in {tmp_path} are left out: README.txt, plot.png" in table.notes
    assert (2, 2) == read_cells(str(tmp_path / "*.csv")).frame.shape
    with pytest.raises(DataError, match=r"no file matches '.*x\*\.csv'"):
        read_cells(str(tmp_path / "x*.csv"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="is a folder without tables"):
        read_cells(tmp_path / "empty")
    (tmp_path / "gone.csv").symlink_to(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"gone\.csv is a link that leads nowhere"):
        read_cells(tmp_path)


def test_other_tables_are_not_joined(tmp_path: Path) -> None:
    """Files without a column in common are no parts of one table."""
    (tmp_path / "a.csv").write_text(MAY)
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    with pytest.raises(DataError, match=r"b\.csv has no column in common with .*a\.csv: 'x', 'y'"):
        read_cells(tmp_path)


def parquet_folder(folder: Path, **columns: list) -> Path:
    """A Parquet file for each position of the columns' lists."""
    folder.mkdir()
    for k, parts in enumerate(zip(*columns.values(), strict=True)):
        names = zip(columns, parts, strict=True)
        frame = pd.DataFrame({name: part for name, part in names if part is not None})
        frame.to_parquet(folder / f"part-{k}.parquet")
    return folder


def test_schemas_are_unified(tmp_path: Path) -> None:
    """Where the first file would decide, 1e300 would be inf, "7" 7 and True 1, and z gone."""
    folder = parquet_folder(
        tmp_path / "p",
        x=[np.array([1.5], np.float32), np.array([1e300])],
        y=[np.array([7]), ["7b"]],
        t=[np.array([1]), [True]],
        w=[np.array([2**40]), np.array([0.5])],
        z=[None, ["new"]],
    )  # fmt: skip
    table = read_cells(folder)
    assert [1.5, 1e300] == table.frame["x"].tolist()
    assert ["7", "7b"] == table.frame["y"].tolist()
    assert ["1", "True"] == table.frame["t"].tolist()
    assert [2.0**40, 0.5] == table.frame["w"].tolist()
    assert ["new"] == table.frame["z"].dropna().tolist()
    notes = "\n".join(table.notes)
    assert "column 'y' holds whole numbers in" in notes
    assert "texts in" in notes
    assert "column 'w' holds whole numbers" in notes
    assert "'z' is absent in 1 of 2 files" in notes


def test_whole_numbers_beyond_floats_stay_exact(tmp_path: Path) -> None:
    """Beside fractions they become texts; beside missing ones they stay whole."""
    large = 2**53 + 1
    table = read_cells(parquet_folder(tmp_path / "p", x=[np.array([large]), np.array([0.5])]))
    assert [str(large), "0.5"] == table.frame["x"].tolist()
    other = parquet_folder(tmp_path / "q", k=[np.array([1]), np.array([2])],
                           x=[np.array([large]), None])  # fmt: skip
    column = read_cells(other).frame["x"]
    assert large == column.iloc[0]
    assert pd.isna(column.iloc[1])


def test_texts_of_several_files_are_those_of_the_files(tmp_path: Path) -> None:
    """A column of codes in one file keeps 1.50 and 2 of another as they are written there."""
    (tmp_path / "a.csv").write_text("code,n\n1.50,1\n2,2\n")
    (tmp_path / "b.csv").write_text("code,n\nx7,3\n")
    assert ["1.50", "2", "x7"] == read_cells(tmp_path).frame["code"].tolist()


def test_categories_differ_from_file_to_file(tmp_path: Path) -> None:
    """Codes of dictionaries belong to one file; the values are joined."""
    folder = parquet_folder(
        tmp_path / "p", c=[pd.Categorical(["b", "a"]), pd.Categorical(["c", "b"])]
    )
    assert ["b", "a", "c", "b"] == read_cells(folder).frame["c"].tolist()


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_keys_of_partitions(tmp_path: Path, ending: str) -> None:
    """Whole numbers as such, also large ones; texts and codes as texts."""
    for year, zone in ((2020, "n"), (2021, "s")):
        folder = tmp_path / f"year={year}" / f"zone={zone}" / f"code=0{year}"
        folder.mkdir(parents=True)
        frame = pd.DataFrame({"x": [year % 7]})
        path = folder / f"part.{ending}"
        frame.to_csv(path, index=False) if ending == "csv" else frame.to_parquet(path)
    table = read_cells(tmp_path)
    expected = {"x": [4, 5], "year": [2020, 2021], "zone": ["n", "s"], "code": ["02020", "02021"]}
    assert expected == table.frame.to_dict("list")
    assert "the folders' names give 'year', 'zone', 'code'" in table.notes


def test_a_key_that_contradicts_its_folder(tmp_path: Path) -> None:
    (tmp_path / "year=2020").mkdir()
    (tmp_path / "year=2020" / "a.csv").write_text("year,x\n2019,1\n")
    with pytest.raises(DataError, match="column 'year' holds '2019' in the folder year=2020"):
        read_cells(tmp_path)


def test_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Text, packed text or a workbook: its bytes tell; a terminal is none."""

    class Input:
        def __init__(self, content: bytes) -> None:
            self.buffer, self.closed = io.BytesIO(content), False

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stdin", Input(MAY.encode()))
    table = read_cells("-")
    assert ("-", (2, 2)) == (table.name, table.frame.shape)
    monkeypatch.setattr(sys, "stdin", Input(gzip.compress(b'{"x": 1}\n{"x": 2}\n')))
    assert [1, 2] == read_cells("/dev/stdin").frame["x"].tolist()
    with pytest.raises(DataError, match="standard input is empty"):
        read_cells("-")
    monkeypatch.setattr(sys, "stdin", Input(b"x\n" + b"1\n" * 2**20))
    with configured(unpack=1), pytest.raises(DataError, match="standard input holds more than 1"):
        read_cells("-")
    with pytest.raises(DataError, match="standard input can be read once"):
        read_cells(["-", "/dev/stdin"])


def test_a_named_pipe(tmp_path: Path) -> None:
    """Read until its writer closes it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(MAY,))
    writer.start()
    assert [10, 12] == read_cells(pipe).frame["sales"].tolist()
    writer.join()


def test_a_file_of_an_archive(tmp_path: Path) -> None:
    """Named behind the archive's path; a packed file in it is unpacked, too."""
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("may.csv", MAY)
        archive.writestr("sub/june.csv.gz", gzip.compress(JUNE.encode()))
    assert [10, 12] == read_cells(path / "may.csv").frame["sales"].tolist()
    table = read_cells(f"{path}/sub/june.csv.gz")
    assert [9, 8] == table.frame["sales"].tolist()
    with pytest.raises(DataError, match=r"holds no 'july\.csv': it holds may\.csv, sub/june"):
        read_cells(path / "july.csv")


def test_archives_that_unpack_to_too_much(tmp_path: Path) -> None:
    """By what they say, and by what they hold if they lie."""
    path = tmp_path / "t.zip"
    content = b"x\n" + b"1\n" * 2**20
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("t.csv", content)
    with configured(unpack=1), pytest.raises(DataError, match="unpacks to more than 1 MiB"):
        read_cells(path)
    size = len(content).to_bytes(4, "little")
    path.write_bytes(path.read_bytes().replace(size, (200).to_bytes(4, "little")))
    with pytest.raises(DataError, match=r"t\.csv"):
        read_cells(path)


def test_a_workbook_that_unpacks_to_too_much(tmp_path: Path) -> None:
    """Before a cell of it is read."""
    path = tmp_path / "t.xlsx"
    pd.DataFrame({"x": range(5)}).to_excel(path, index=False)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/zeros.bin", bytes(2**21))
    with configured(unpack=1), pytest.raises(DataError, match=r"t\.xlsx unpacks to more than 1"):
        read_cells(path)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    path = tmp_path / "shop.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE sales (day INTEGER, city TEXT, mix)")
    rows = [(1, "a", 1), (2, None, "x"), (3, "c", None)]
    connection.executemany("INSERT INTO sales VALUES (?, ?, ?)", rows)
    connection.execute("CREATE VIEW late AS SELECT * FROM sales WHERE day > 1")
    connection.commit()
    connection.close()
    return path


def test_tables_of_a_database(shop: Path) -> None:
    """By name, by SQL, by address; a column of several types is read as texts, and said."""
    table = read_cells(shop, query="sales")
    assert [1, 2, 3] == table.frame["day"].tolist()
    assert ["1", "x"] == table.frame["mix"].dropna().tolist()
    assert ("column 'mix' holds cells of several types and is read as their texts",) == table.notes
    counted = read_cells(shop, query="SELECT count(*) AS n, max(day) AS last FROM late")
    assert {"n": [2], "last": [3]} == counted.frame.to_dict("list")
    assert [2, 3] == read_cells(f"sqlite:///{shop}", query="late").frame["day"].tolist()


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (None, "has 2 tables, 'late', 'sales': name one with --query"),
        ("nothing", "has no table 'nothing': it has 'late', 'sales'"),
        ("SELECT * FROM absent", "the query on .* fails: no such table"),
        ("DELETE FROM sales", "the query on .* fails: not authorized"),
        ("ATTACH 'other.db' AS o", "the query on .* fails: not authorized"),
        ("SELECT day, day FROM sales", "two columns are named 'day'; rename one with AS"),
        ("SELECT * FROM sales WHERE day > 9", "the query has no rows"),
    ],
)
def test_queries_that_fail(shop: Path, query: str | None, words: str) -> None:
    """One line; nothing is written."""
    before = shop.read_bytes()
    with pytest.raises(DataError, match=words):
        read_cells(shop, query=query)
    assert before == shop.read_bytes()


def test_a_query_that_never_ends(shop: Path) -> None:
    """Its rows are counted while they come."""
    endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
    with configured(unpack=1), pytest.raises(DataError, match="take more than 1 MiB: ask for few"):
        read_cells(shop, query=endless)


def test_other_databases(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through SQLAlchemy; without it or a driver the error says what to install, no password."""
    pytest.importorskip("sqlalchemy")
    table = read_cells(f"sqlite+pysqlite:///{shop}", query="SELECT day FROM sales")
    assert [1, 2, 3] == table.frame["day"].tolist()
    for address in ("mysql://ann:secret@127.0.0.1:1/d", "nothing://ann:secret@127.0.0.1/d"):
        with pytest.raises(DataError, match="ann@127") as caught:
            read_cells(address)
        assert "secret" not in str(caught.value)
    monkeypatch.setattr(databases, "sqlalchemy", LazyModule("sqlalchemy"))
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    with pytest.raises(DataError, match="needs sqlalchemy: pip install sqlalchemy"):
        read_cells("postgresql://ann:secret@127.0.0.1:1/d")


def test_duckdb(tmp_path: Path) -> None:
    """Opened to be read, and closed to all other files."""
    duckdb = pytest.importorskip("duckdb")
    path = tmp_path / "t.duckdb"
    connection = duckdb.connect(str(path))
    connection.execute("CREATE TABLE t AS SELECT range AS k, 'x' || range AS s FROM range(70000)")
    connection.close()
    frame = read_cells(path).frame
    assert (70_000, 69_999, "x69999") == (len(frame), frame["k"].iloc[-1], frame["s"].iloc[-1])
    assert [3] == read_cells(path, query="SELECT k FROM t WHERE k = 3").frame["k"].tolist()
    (tmp_path / "other.csv").write_text(MAY)
    with pytest.raises(DataError, match="fails: Permission Error"):
        read_cells(path, query=f"SELECT * FROM '{tmp_path / 'other.csv'}'")


def test_duckdb_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.duckdb").write_bytes(bytes(8) + b"DUCK" + bytes(100))
    monkeypatch.setattr(databases, "duckdb", LazyModule("duckdb"))
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(DataError, match=r"needs duckdb: pip install 'chainrule\[duckdb\]'"):
        read_cells(tmp_path / "t.duckdb")


@pytest.mark.parametrize(
    ("name", "options", "words"),
    [
        ("t.csv", {"query": "x"}, "is no database"),
        ("t.csv", {"sheet": "x"}, "is no workbook"),
        ("t.json", {"header": True}, "names its columns itself"),
        ("iris", {"query": "x"}, "is no database"),
    ],
)
def test_options_of_other_formats(tmp_path: Path, name: str, options: dict, words: str) -> None:
    """No option is passed over."""
    content = {"t.csv": MAY, "t.json": '[{"x": 1}]'}
    if name in content:
        (tmp_path / name).write_text(content[name])
    with pytest.raises(DataError, match=words):
        read_cells(tmp_path / name if name in content else name, **options)


def test_sheets(tmp_path: Path) -> None:
    """By name or number; an unknown one is named with those that are there."""
    path = tmp_path / "t.xlsx"
    with pd.ExcelWriter(path) as writer:
        for k, name in enumerate(("first", "second")):
            pd.DataFrame({"x": [k, k + 1]}).to_excel(writer, sheet_name=name, index=False)
    table = read_cells(path)
    assert [0, 1] == table.frame["x"].tolist()
    assert ("sheet 'first' is read; the workbook has 'second', too (--sheet)",) == table.notes
    assert [1, 2] == read_cells(path, sheet="second").frame["x"].tolist()
    assert [1, 2] == read_cells(path, sheet="2").frame["x"].tolist()
    with pytest.raises(DataError, match=r"has no sheet 'third': it has 'first', 'second'"):
        read_cells(path, sheet="third")


class Web(BaseHTTPRequestHandler):
    """A small site."""

    def do_GET(self) -> None:
        leads = {
            "/moved.csv": "/t.csv",
            "/file.csv": "file:///etc/hostname",
            "/ftp.csv": "ftp://127.0.0.1/t.csv",
            "/ring.csv": "/ring.csv",
        }
        if self.path in leads:
            self.send_response(302)
            self.send_header("Location", leads[self.path])
            self.end_headers()
        elif self.path.split("?")[0] in ("/t.csv", "/table"):
            self.answer(MAY.encode())
        elif self.path == "/large.csv":
            self.answer(b"x\n" + b"1\n" * 2**20)
        elif self.path == "/endless.csv":
            self.answer(b"x\n" + b"1\n" * 2**20, length=False)
        elif self.path == "/short.csv":
            self.answer(MAY.encode(), more=100)
        elif self.path == "/page.csv":
            self.answer(b"<!doctype html><p>Please log in")
        else:
            self.send_error(404)

    def answer(self, content: bytes, length: bool = True, more: int = 0) -> None:
        self.send_response(200)
        if length:
            self.send_header("Content-Length", str(len(content) + more))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Web)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("page", ["t.csv", "t.csv?key=1#top", "table", "moved.csv"])
def test_addresses_on_the_web(site: str, page: str) -> None:
    """By ending or by content, and where a redirect leads."""
    table = read_table(f"{site}/{page}")
    assert [10, 12] == table.frame["sales"].tolist()
    assert f"{site}/{page}" == table.name


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("nothing.csv", "answers 404"),
        ("file.csv", "file:///etc/hostname' is not allowed"),
        ("ftp.csv", "leads to 'ftp://127.0.0.1/t.csv', which is not on the web"),
        ("ring.csv", "answers 302"),
        ("large.csv", "is larger than 1 MiB: .*CHAINRULE_DOWNLOAD"),
        ("endless.csv", "is larger than 1 MiB"),
        ("short.csv", "short.csv"),
        ("page.csv", "holds a web page, not a table: '<!doctype html>"),
    ],
)
def test_addresses_that_are_no_tables(site: str, page: str, words: str) -> None:
    """One line with the address; no more is read than the setting allows."""
    with configured(download=1), pytest.raises(DataError, match=words):
        read_cells(f"{site}/{page}")


def test_passwords_in_addresses_are_not_printed() -> None:
    with pytest.raises(DataError, match="has a user's name in it") as caught:
        read_cells("http://ann:secret@127.0.0.1:1/t.csv")
    assert "secret" not in str(caught.value)
