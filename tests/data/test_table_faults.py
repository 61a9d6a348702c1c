"""Tables made and damaged at random: read as they were written, or refused with one line."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from chainrule.data import read_cells
from chainrule.data.tables import layout as layouts
from chainrule.data.tables.delimited import read_delimited
from chainrule.data.tables.layout import Dialect, _read_layout, _Scan
from chainrule.errors import DataError

PIECES = [
    "red", "blue", "a b", "Straße", "it's", '5"', "a,b", "c;d", "t\tu", "p|q", "line\nbreak",
    "12 kg", "1,200", "NA", "None", "?", "-", "007", "#tag", "(x)", "2020-01-31", "1.5e", "0x1",
    "a'b", "'q'", "a\\b", "//x", "100%", "=1+1", "True", "3",
]  # fmt: skip
PARTS = ["a", "0", "07", ",", "\n", '"x"', '"p,q"', '"u\nv"', " ", "1.5", '""']


def random_columns(draw: random.Random) -> dict[str, list[str]]:
    """Columns of cells as texts; the last row has one in each."""
    rows, columns = draw.randrange(6, 40), {}
    for k in range(draw.randrange(1, 6)):
        kind = draw.choice(["whole", "fraction", "text", "text", "gaps", "truth"])
        pool = draw.sample(PIECES, draw.randrange(2, 6)) + [""] * draw.randrange(2)
        make = {
            "whole": lambda: str(draw.randrange(-50, 5000)),
            "fraction": lambda: repr(draw.uniform(-5, 5)),
            "text": lambda pool=pool: draw.choice(pool),
            "gaps": lambda: draw.choice(["", str(draw.randrange(99))]),
            "truth": lambda: draw.choice(["True", "False"]),
        }[kind]
        columns[f"name{k}"] = [make() for _ in range(rows)] + ["1" if kind == "gaps" else "red"]
    return columns


def is_same(text: str, cell: Any) -> bool:
    """Whether a cell is what was written."""
    if not text.strip():
        return bool(pd.isna(cell))
    if isinstance(cell, (str, bool)):
        return text.strip() == str(cell)
    return float(text) == cell


@pytest.mark.parametrize("seed", range(60))
def test_what_is_written_is_read(seed: int) -> None:
    """With any delimiter and quotes: names, rows and cells are those of the writer."""
    draw = random.Random(seed)
    columns = random_columns(draw)
    stream = io.StringIO(newline="")
    writer = csv.writer(
        stream, delimiter=draw.choice([",", ";", "\t", "|"]), lineterminator="\n",
        quoting=draw.choice([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    )  # fmt: skip
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    frame, notes = read_delimited("t.csv", stream.getvalue().encode())
    assert list(columns) == list(frame.columns), notes
    for name, cells in columns.items():
        assert len(cells) == len(frame), notes
        wrong = [(a, b) for a, b in zip(cells, frame[name], strict=True) if not is_same(a, b)]
        assert [] == wrong


def test_records_are_counted_as_the_csv_module_counts_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Starts, cells, lines, codes and spaces, wherever the chunks of the scan end."""
    draw, compared = random.Random(0), 0
    for _ in range(600):
        text = "".join(draw.choice(PARTS) for _ in range(draw.randrange(1, 25)))
        monkeypatch.setattr(layouts, "CHUNK", draw.choice([3, 5, 7, 1000]))
        scan = _Scan(text.encode(), Dialect(","))
        scan.read()
        if not scan.is_regular():
            continue
        ours = scan.layout()
        try:
            theirs = _read_layout("t.csv", text.encode(), Dialect(","))
        except DataError:  # a quote that is never closed
            continue
        compared += 1
        assert theirs.starts.tolist() == ours.starts.tolist()
        assert theirs.fields.tolist() == ours.fields.tolist()
        assert theirs.lines.tolist() == ours.lines.tolist()
        assert set(theirs.coded) <= set(ours.coded)
    assert compared > 60


def whole_files(folder: Path) -> dict[str, bytes]:
    """The same table in many formats."""
    frame = pd.DataFrame({"x": [k / 4 for k in range(40)], "s": ["a", "ü"] * 20})
    streams = {name: io.BytesIO() for name in ("t.xlsx", "t.ods", "t.parquet", "t.feather")}
    frame.to_excel(streams["t.xlsx"], index=False)
    frame.to_excel(streams["t.ods"], engine="odf", index=False)
    frame.to_parquet(streams["t.parquet"])
    frame.to_feather(streams["t.feather"])
    connection = sqlite3.connect(folder / "made.db")
    frame.to_sql("t", connection, index=False)
    connection.close()
    text = frame.to_csv(index=False, sep=";").encode()
    return {
        **{name: stream.getvalue() for name, stream in streams.items()},
        "t.db": (folder / "made.db").read_bytes(), "t.csv": text,
        "t.csv.gz": gzip.compress(text), "t.txt": text.decode().encode("utf-16"),
        "t.json": json.dumps(frame.to_dict("records")).encode(),
        "t.jsonl": frame.to_json(orient="records", lines=True).encode(),
    }  # fmt: skip


def damaged(content: bytes, draw: random.Random) -> bytes:
    """Content cut off, with bits turned over, bytes lost or put in."""
    data, at = bytearray(content), draw.randrange(len(content))
    kind = draw.randrange(4)
    if kind == 0:
        return bytes(data[:at])
    if kind == 1:
        for _ in range(draw.randrange(1, 4)):
            data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == 2:
        del data[at : at + draw.randrange(1, 30)]
    else:
        data[at:at] = bytes(draw.randrange(256) for _ in range(draw.randrange(1, 6)))
    return bytes(data)


def test_damaged_files(tmp_path: Path) -> None:
    """Whatever happened to a file, it is a table or an error of one line that names it."""
    outcomes = {"read": 0, "refused": 0}
    for name, content in whole_files(tmp_path).items():
        for seed in range(16):
            path = tmp_path / name
            path.write_bytes(damaged(content, random.Random(seed)))
            try:
                assert len(read_cells(path).frame) > 0
                outcomes["read"] += 1
            except DataError as error:
                assert name in str(error)
                assert "\n" not in str(error)
                outcomes["refused"] += 1
    assert outcomes["refused"] > 80
    assert outcomes["read"] > 10
