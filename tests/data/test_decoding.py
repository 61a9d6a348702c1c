"""Files of text in other encodings, with other ends of lines, and folders with what is no file."""

import os
import re

import pytest

from chainrule.data import read_cells, read_table, read_texts
from chainrule.data.audio_datasets import audio_files
from chainrule.data.decoding import to_utf8
from chainrule.data.images import class_files
from chainrule.errors import DataError

TABLE = "name,count\na,1\nb,2\n"
LINES = '{"name": "a"}\n{"name": "b"}\n'
WIDE = {"utf-16": "UTF-16", "utf-16-le": "UTF-16LE", "utf-16-be": "UTF-16BE", "utf-32": "UTF-32"}
# Words of a table in each language, as systems without UTF-8 write them
LETTERS = {
    "cp1252": ["größe", "Müller", "Straße", "Málaga", "Orléans", "São Paulo", "Västerås"],
    "cp1250": ["Łódź", "Kraków", "Gdańsk", "Wrocław", "Częstochowa", "Białystok"],
    "iso8859_2": ["Łódź", "Kraków", "Gdańsk", "Częstochowa", "Świnoujście", "Białystok"],
    "cp1254": ["İstanbul", "Eskişehir", "Muğla", "Şanliurfa", "Muğlaköy"],
    "mac_roman": ["Orléans", "Besançon", "Nîmes", "Béziers"],
    "cp850": ["Müller", "Köln", "Düsseldorf", "Göttingen"],
    "cp1251": ["Москва", "Санкт-Петербург", "Казань", "население"],
    "koi8_r": ["Москва", "Санкт-Петербург", "Казань", "население"],
    "cp1253": ["Αθήνα", "Θεσσαλονίκη", "Πάτρα", "πληθυσμός"],
    "cp1255": ["ירושלים", "תל אביב", "חיפה", "אוכלוסיה"],
    "cp1256": ["القاهرة", "الرياض", "بغداد", "مدينة"],
    "cp932": ["東京", "大阪", "横浜", "ナゴヤ", "人口"],
    "euc_jp": ["東京", "大阪", "横浜", "ナゴヤ", "人口"],
    "gb2312": ["北京", "上海", "广州", "深圳", "人口"],
    "big5": ["臺北", "高雄", "臺中", "城市", "人口"],
    "euc_kr": ["서울", "부산", "대구", "도시", "인구"],
}


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
@pytest.mark.parametrize("encoding", WIDE)
def test_wide_letters_are_read_and_said(tmp_path, name, encoding):
    """With a mark at the start or without one: the same table."""
    (tmp_path / name).write_bytes((TABLE if name == "a.csv" else LINES).encode(encoding))
    table = read_texts(tmp_path / name)
    assert ["a", "b"] == table.frame["name"].tolist()
    assert (f"the file is {WIDE[encoding]} text",) == table.notes


@pytest.mark.parametrize("encoding", LETTERS)
def test_letters_of_old_systems(encoding):
    """The text as it was written, and a note that names the encoding and shows a word."""
    words = LETTERS[encoding]
    text = "name,n\n" + "".join(f"{words[k % len(words)]},{k}\n" for k in range(80))
    utf8, notes = to_utf8("a.csv", text.encode(encoding))
    assert text == utf8.decode()
    (note,) = notes
    assert f"the file is no UTF-8 and is read as {encoding}: " in note
    assert any(part in note for word in words for part in re.split("[ -]", word))


@pytest.mark.parametrize("encoding", [*LETTERS, "utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
def test_a_named_encoding_is_used(encoding):
    """However few letters there are, the text is as it was written, and a word is shown."""
    word = max(LETTERS.get(encoding, LETTERS["cp1251"]), key=len)
    text = f"name,n\n{word},1\n"
    utf8, notes = to_utf8("a.csv", text.encode(encoding), encoding)
    assert text == utf8.decode()
    assert (f"the file is read as {encoding}, as asked: ",) == tuple(n.split("'")[0] for n in notes)
    assert (b"a\n1\n", ()) == to_utf8("a.csv", "a\r\n1\r\n".encode(encoding), encoding)


WRONG_ENCODINGS = {
    "no name": ("latin-17", b"a,b", "'latin-17' is no encoding that is known"),
    "no encoding of text": ("base64", b"a,b", "'base64' is no encoding that is known"),
    "no encoding of files": ("idna", b"a,b", "'idna' is no encoding that is known"),
    "a zero in it": ("cp\0", b"a,b", "is no encoding that is known"),
    "other bytes": ("utf-8", b"a,b\r\n1,2\r\n3,caf\xe9\r\n", "a.csv, line 3: bytes there are not "
                    r"utf-8 \('3,caf\\\\xe9'"),
    "a hole in it": ("cp1252", b"a,b\r1,\x81\r", r"line 2: bytes there are not cp1252"),
    "half a letter": ("utf-16-le", "a\nbc".encode("utf-16-le")[:-1], "line 2: bytes"),
    "another mark": ("cp1252", "é".encode("utf-8-sig"), "begins with the mark of UTF-8"),
    "a wider mark": ("cp1252", "é".encode("utf-16"), "begins with the mark of UTF-16"),
    "zeros": ("cp1252", "a,b".encode("utf-16-le"), "holds binary data"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG_ENCODINGS)
def test_a_named_encoding_that_is_wrong_is_refused(case):
    """Nothing is replaced or skipped: the line is shown."""
    encoding, content, reason = WRONG_ENCODINGS[case]
    with pytest.raises(DataError, match=reason):
        to_utf8("a.csv", content, encoding)


def test_an_encoding_is_for_text_files(tmp_path):
    """It reaches each format of text, and is refused for the others; messages name the option."""
    text = "name,n\nŁódź,1\n"
    (tmp_path / "a.csv").write_bytes(text.encode("cp1250"))
    (tmp_path / "a.jsonl").write_bytes('{"name": "Łódź"}\n'.encode("cp1250"))
    (tmp_path / "a.json").write_bytes('[{"name": "Łódź"}]'.encode("cp1250"))
    for name in ("a.csv", "a.jsonl", "a.json"):
        assert ["Łódź"] == read_cells(tmp_path / name, encoding="cp1250").frame["name"].tolist()
        assert ["Łódź"] == read_texts(tmp_path / name, "cp1250").frame["name"].tolist()
    assert ["£ód\x9f"] == read_table(tmp_path / "a.csv", encoding="iso8859_15").frame[
        "name"
    ].tolist()
    (tmp_path / "a.db").write_bytes(b"SQLite format 3\0")
    for source in ("iris", tmp_path / "a.db"):
        with pytest.raises(DataError, match="leave the encoding out"):
            read_cells(source, encoding="utf-8")
    mixed = "name,n\nŁódź,1\nKraków,1\n".encode() + "Łódź,2\n".encode("cp1250")
    with pytest.raises(DataError, match=r"line 4: it is not UTF-8 .* --encoding"):
        to_utf8("a.csv", mixed)


@pytest.mark.parametrize(
    "letters", ["€", "°C", "café", "\u201cbest\u201d it\u2019s", "5 µm", "naïve \u2013 yes"]
)
def test_few_letters_are_of_the_usual_encoding(letters):
    """Where a file says little, it is one of Windows in the west."""
    text = "name,n\n" + "".join(f"item {k},{letters if k == 7 else 'plain'}\n" for k in range(60))
    utf8, (note,) = to_utf8("a.csv", text.encode("cp1252"))
    assert text == utf8.decode()
    assert "read as cp1252" in note


def test_damaged_utf8_is_no_other_encoding():
    """Where other lines are UTF-8, the one that is not is named."""
    content = "name\nMüller\nKöln\n".encode() + b"Stra\xdfe\n"
    with pytest.raises(DataError, match=r"a\.csv, line 4: it is not UTF-8.*xdfe.*mend that line"):
        to_utf8("a.csv", content)


def test_a_wide_text_that_breaks_off():
    """Half a letter at the end is said, with the byte."""
    with pytest.raises(DataError, match="UTF-16 text that breaks off or is damaged at byte 6"):
        to_utf8("a.csv", "ab".encode("utf-16") + b"x")


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


def test_a_return_amid_a_line_ends_it(tmp_path):
    """And the line that is too short for it is named."""
    path = tmp_path / "a.csv"
    path.write_bytes(b"name,co\runt\na,1\n")
    with pytest.raises(DataError, match="line 2: it has 1 cell and the other rows 2"):
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
