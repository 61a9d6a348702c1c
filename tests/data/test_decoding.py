"""Files of text in other encodings, with other ends of lines, and folders with what is no file."""

import os

import pytest

from chainrule.data import read_table, read_texts
from chainrule.data.audio_datasets import audio_files
from chainrule.data.images import class_files
from chainrule.errors import DataError

TABLE = "name,count\na,1\nb,2\n"
LINES = '{"name": "a"}\n{"name": "b"}\n'
ENCODINGS = {
    "utf-16": "UTF-16", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "utf-32": "UTF-32",
}  # fmt: skip


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_wide_letters_are_named(tmp_path, name, encoding):
    """With the command that makes UTF-8 of them."""
    (tmp_path / name).write_bytes((TABLE if name == "a.csv" else LINES).encode(encoding))
    told = ENCODINGS[encoding]
    with pytest.raises(DataError, match=f"is {told} text.*iconv -f {told} -t UTF-8"):
        read_texts(tmp_path / name)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_ends_of_lines(tmp_path, end, mark):
    """Of Unix, Windows and old Macs: the same table, and the same texts."""
    for name, text in (("a.csv", TABLE), ("a.jsonl", LINES)):
        (tmp_path / name).write_bytes(mark + text.replace("\n", end).encode())
    assert {"name": ["a", "b"], "count": [1, 2]} == read_table(tmp_path / "a.csv").frame.to_dict(
        "list"
    )
    assert ["a", "b"] == read_texts(tmp_path / "a.jsonl").frame["name"].tolist()


@pytest.mark.parametrize("rows", [3, 100_000])
def test_zeros_wherever_they_are(tmp_path, rows):
    """A file with a zero byte is no text, also where it comes late; its line is named."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"name,count\n" + b"a,1\n" * rows + b"b\0,2\n")
    with pytest.raises(DataError, match=rf"binary data, not text \(a zero byte in line {rows + 2}"):
        read_table(path)


def test_a_first_line_that_cannot_be_cut(tmp_path):
    """A return amid a line is named, as is a cell without end."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"name,co\runt\na,1\n")
    with pytest.raises(DataError, match="its first line cannot be read"):
        read_table(path)


READERS = {".png": class_files, ".wav": audio_files, ".txt": read_texts}


@pytest.mark.parametrize("ending", READERS)
@pytest.mark.parametrize("kind", ["link", "pipe", "link of a class"])
def test_what_is_no_file_is_named(tmp_path, ending, kind):
    """In a folder of classes nothing that looks like a sample is left out."""
    for name in ("no", "yes"):
        (tmp_path / name).mkdir()
        (tmp_path / name / f"1{ending}").touch()
    place = tmp_path / "yes" / f"2{ending}"
    READERS[ending](tmp_path)
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "link":
        place.symlink_to(tmp_path / "gone")
    else:
        place = tmp_path / "maybe"
        place.symlink_to(tmp_path / "gone")
    told = "a pipe or device" if kind == "pipe" else "a link that leads nowhere"
    with pytest.raises(DataError, match=f"{place} is {told}.*mend it, or remove it"):
        READERS[ending](tmp_path)
    place.unlink()
    (tmp_path / "yes" / f"2{ending}").symlink_to(tmp_path / "yes" / f"1{ending}")
    READERS[ending](tmp_path)
