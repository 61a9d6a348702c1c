"""What columns hold, said by the user: in words, and in files."""

import pytest

from chainrule.data.columns.overrides import parse_overrides, read_overrides
from chainrule.errors import DataError


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        ([], {}), ("zip=text", {"zip": "text"}),
        (["when=date,zip=text", "id=ignore"], {"when": "date", "zip": "text", "id": "ignore"}),
        ("last, first=text, a=b = number", {"last, first": "text", "a=b": "number"}),
        (["x=text", "x=number"], {"x": "number"}),
    ],
)  # fmt: skip
def test_words(words, kinds):
    assert kinds == parse_overrides(words)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("zip", "cannot read 'zip' as COLUMN=KIND: it has no kind; give one of number"),
        ("zip=texts", "'texts' is no kind of column"), ("", "it has no kind"),
        ("=text", "names no column"), ("a=text,b", "cannot read 'b'"), (["a=text", "b="], "'b='"),
    ],
)  # fmt: skip
def test_words_that_say_nothing(words, told):
    with pytest.raises(DataError, match=told):
        parse_overrides(words)


def test_files(tmp_path):
    (tmp_path / "a.json").write_text('{"zip": "text", "a b": "date"}')
    (tmp_path / "a.toml").write_text('# kinds\nzip = "text"\n"a b" = "date"\n')
    for name in ("a.json", "a.toml"):
        assert {"zip": "text", "a b": "date"} == read_overrides(tmp_path / name)


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"[]", "give an object of columns and kinds"), ("a.json", b"{", "is no JSON"),
        ("a.json", b'{"a": 3}', "3 is no kind of column 'a'"),
        ("a.json", b"[" * 100_000, "is no JSON"), ("a.toml", b"a = ", "is no TOML"),
        ("a.toml", b'a = "texts"', "'texts' is no kind of column 'a': give one of number"),
        ("a.toml", b"[a]\nb = 1", "is no kind of column 'a'"),
        ("a.toml", b"\xff", "no text in UTF-8"),
        ("a.txt", b"", "ends in .json or .toml"), ("b.json", None, "cannot read .*b.json: No such"),
    ],
)  # fmt: skip
def test_files_that_say_nothing(name, content, told, tmp_path):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=told) as caught:
        read_overrides(tmp_path / name)
    assert "\n" not in str(caught.value)
