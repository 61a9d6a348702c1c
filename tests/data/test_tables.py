"""Tables from files: formats, separators, and files that are no tables."""

import gzip
import sys

import numpy as np
import pandas as pd
import pytest

from chainrule.data import BUILT_IN, read_cells, read_table, unpacking
from chainrule.data.tables.naming import distinct_names
from chainrule.errors import DataError
from chainrule.lazy import LazyModule

SHAPES = {
    "digits": (1797, 65), "iris": (150, 5), "wine": (178, 14), "breast_cancer": (569, 31),
    "diabetes": (442, 11),
}  # fmt: skip


@pytest.mark.parametrize("name", BUILT_IN)
def test_built_in_sets(name):
    table = read_table(name)
    assert table.frame.shape == SHAPES[name]
    assert table.target in table.frame.columns
    assert table.task == ("regression" if name == "diabetes" else "classification")


def test_formats_hold_the_same(tmp_path):
    frame = pd.DataFrame({"a": [1.5, 2.0], "b": ["x, y", "z"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_csv(tmp_path / "semicolon.csv", index=False, sep=";")
    frame.to_parquet(tmp_path / "t.parquet")
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress((tmp_path / "t.csv").read_bytes()))
    for name in ("t.csv", "t.tsv", "semicolon.csv", "t.parquet", "t.csv.gz"):
        pd.testing.assert_frame_equal(read_table(tmp_path / name).frame, frame, check_dtype=False)


def test_parquet_says_what_to_install(tmp_path, monkeypatch):
    """Where pyarrow is absent, the error is one line that holds the command."""
    (tmp_path / "t.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(unpacking, "parquet", LazyModule("pyarrow.parquet", extra="parquet"))
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(DataError) as caught:
        read_table(tmp_path / "t.parquet")
    assert f"reading {tmp_path / 't.parquet'} needs pyarrow: pip install 'chainrule[parquet]'" == (
        str(caught.value)
    )


def test_a_file_wins_over_a_built_in_set(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "iris").mkdir()
    with pytest.raises(DataError, match="folder"):
        read_table("iris")


def test_a_first_line_of_numbers_is_data(tmp_path):
    (tmp_path / "t.csv").write_text("1.5,2\n2.5,3\n")
    table = read_table(tmp_path / "t.csv")
    assert table.frame.shape == (2, 2)
    assert list(table.frame.columns) == ["column_1", "column_2"]
    assert ("line 1 holds data, so the columns are named column_1, ...",) == table.notes


def test_decimal_commas(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n1,5;x\n2,5;y\n")
    np.testing.assert_array_equal(read_table(tmp_path / "t.csv").frame["a"], [1.5, 2.5])


def test_points_beside_decimal_commas_mark_thousands(tmp_path):
    """Also where no number has another digit behind it, or each line has as many commas."""
    path = tmp_path / "t.csv"
    path.write_text("area;price;n\n5,1;2.550,00;1.000\n6,1;3.550,00;\n7,2;980,50;3.000\n")
    table = read_table(path)
    assert ["area", "price", "n"] == list(table.frame.columns)
    assert [2550.0, 3550.0, 980.5] == table.frame["price"].tolist()
    np.testing.assert_array_equal([1000.0, np.nan, 3000.0], table.frame["n"])
    path.write_text("area;price\n5,1;2.550,00\n6,1;3.550,00\n7,2;1.980,50\n")
    assert [5.1, 6.1, 7.2] == read_table(path).frame["area"].tolist()
    path.write_text("area;n\n5,1;1\n6,1;\n7,2;3\n")
    assert "float64" == read_cells(path).frame["n"].dtype
    path.write_text("n\n2.000\n")
    assert [2.0] == read_cells(path).frame["n"].tolist()
    assert ["2.000"] == read_cells(path, as_text=["n", "absent"]).frame["n"].tolist()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("e.csv", b"", "is empty"),
        ("blank.csv", b"\n \n", "is empty"),
        ("head.csv", b"a,b\n", "no rows"),
        ("binary.csv", b"a,b\0\n1,2\n", "binary"),
        (
            "ragged.csv",
            b"a,b\n1,2\n1,2,3\n",
            "line 3: it has 3 cells and the other rows 2.*'1,2,3'",
        ),
        ("short.csv", b"a,b\n1,2\n1\n3,4\n", "line 3: it has 1 cell and the other rows 2"),
        ("t.parquet", b"PAR1 no", "Parquet"),
        ("t.csv.gz", b"\x1f\x8bno", "gzip"),
        ("t.xyz", b"a,b\n1,2\n", r"end it in \.csv"),
    ],
)
def test_files_that_are_no_tables(tmp_path, name, content, words):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=words) as caught:
        read_table(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_missing_file():
    with pytest.raises(DataError, match=r"no file 'nothing\.csv'.*digits"):
        read_table("nothing.csv")


class Counted(str):
    """A name that counts how often it is compared with another."""

    compared = 0

    def strip(self, *_):
        return self

    def __eq__(self, other):
        Counted.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_headers_are_read_once():
    """Comparisons of names grow as the columns do, not as their square."""
    names = [Counted(f"column {k}") for k in range(3000)]
    Counted.compared = 0
    assert names == distinct_names(names)[0]
    assert Counted.compared < 9000
    assert "column 7.2" == distinct_names([*names, "column 7"])[0][-1]


def test_many_columns(tmp_path):
    """3,000 of them, of which two have one name, or none."""
    path = tmp_path / "wide.csv"
    names = [f"c{k}" for k in range(3_000)]
    row = ",".join(["1.5"] * len(names))
    path.write_text(f"{','.join(names)}\n{row}\n{row}\n")
    assert read_cells(path).frame.shape == (2, 3_000)
    path.write_text(f"{','.join([*names[:-1], 'c0'])}\n{row}\n{row}\n")
    table = read_cells(path)
    assert table.frame.shape == (2, 2_999)
    assert "'c0.2' is a copy of 'c0' and is left out" in table.notes


def test_zones_of_dates(tmp_path):
    """Dates have a zone, UTC, if one is written; else none."""
    rows = [f"2020-01-{day:02d}T10:00,2020-01-{day:02d}T10:00+01:00" for day in range(1, 29)]
    (tmp_path / "t.csv").write_text("\n".join(["here,there", *rows]) + "\n")
    frame = read_table(tmp_path / "t.csv").frame
    assert pd.Timestamp("2020-01-01 10:00") == frame["here"].iloc[0]
    assert pd.Timestamp("2020-01-01 09:00", tz="UTC") == frame["there"].iloc[0]


def test_a_number_among_texts_of_json_is_no_text(tmp_path):
    """Of a table it is read as one, and said; objects beside texts are not taken apart."""
    (tmp_path / "t.jsonl").write_text('{"t": "a"}\n{"t": 7}\n')
    table = read_cells(tmp_path / "t.jsonl")
    assert ["a", "7"] == table.frame["t"].tolist()
    assert ("column 't' holds cells of several types and is read as their texts",) == table.notes
    (tmp_path / "t.jsonl").write_text('{"t": "a"}\n{"t": {"b": 1}}\n')
    with pytest.raises(DataError, match="column 't', row 2: .* is a dict: give one number or one"):
        read_table(tmp_path / "t.jsonl")
