"""Vocabularies: what is a word, what gets a number, and what becomes of the rest."""

import numpy as np
import pandas as pd
import pytest

from chainrule.data import Vocabulary, check_texts, read_texts
from chainrule.data import vocabulary as vocabulary_module
from chainrule.data.vocabulary import MAX_LENGTH
from chainrule.data.vocabulary_lookup import MAX_SUBWORDS, pieces
from chainrule.data.words import cut_texts, words
from chainrule.errors import DataError


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It's GREAT!", ["it's", "great", "!"]),
        ("it’s", ["it’s"]),  # noqa: RUF001 - the apostrophe of typographers
        ("Cafe\u0301 CAFÉ", ["café", "café"]),
        ("ﬁne Ｗｉｄｅ", ["fine", "wide"]),  # noqa: RUF001 - a ligature, and full width
        ("snake_case 3.5", ["snake_case", "3.5"]),
        ("映画は良い", ["映", "画", "は", "良", "い"]),
        ("so 🙂🙂", ["so", "🙂", "🙂"]),
        ("tab\tnew\nline\x00", ["tab", "new", "line", "\x00"]),
        ("half \ud83d", ["half", "?"]),
        ("", []),
        (" \u00a0\u2003", []),
    ],
)
def test_words(text, found):
    """Normalised, in lower case, signs by themselves, ideographs one by one."""
    assert found == words(text)


def test_pieces():
    """Three and four characters of the marked word, and not many."""
    assert pieces("ab") == ["<ab", "ab>", "<ab>"]
    assert len(pieces("x" * 5000)) == MAX_SUBWORDS


def test_numbers_by_hand():
    """Words by frequency, then pairs, then the pieces that two rare words share."""
    vocabulary = Vocabulary.learn(["red sun", "red son", "sunny"])
    assert vocabulary.words == ("red",)
    assert vocabulary.pairs == ("red son", "red sun")
    assert vocabulary.pieces == ("<su", "<sun", "sun")
    assert vocabulary.size == 7
    assert vocabulary.length == 5
    codes, shares = vocabulary(["Red sun", "", "sundown", "quux", "red red son"])
    assert codes.dtype == np.int32 and shares.dtype == np.float32
    third = np.float32(1 / 3)
    assert codes[0].tolist() == [1, 4, 6, 5, 3]
    assert shares[0].tolist() == pytest.approx([1.0, third, third, third, 1.0])
    assert codes[2].tolist() == [4, 6, 5, 0, 0]
    assert codes[1].tolist() == [0] * 5 == codes[3].tolist()
    assert shares[1].tolist() == [0.0] * 5
    assert codes[4].tolist() == [1, 1, 2, 0, 0]


def test_pieces_share_a_words_weight():
    """Whatever a word is read as, it counts 1; pairs count 1 more."""
    vocabulary = Vocabulary.learn(["walking talking", "walked talked", "walks"], pairs=False)
    codes, shares = vocabulary(["walking walker talk"])
    assert (codes > 0).sum() > 3
    entries = list(vocabulary.entries("walking walker talk"))
    for word in range(3):
        assert sum(e.share for e in entries if e.first == word) == pytest.approx(1.0)
    assert shares.sum() <= 3.0 + 1e-6


def test_words_that_are_spelled():
    """Each word's code, then its pieces', then the pair's; added up they are the counts."""
    cut = cut_texts(["aaa ab", "ab aaa ab", "x"])
    vocabulary = Vocabulary.learn_cut(cut, pairs=True, min_count=1, max_size=50, spelled=True)
    assert vocabulary.words == ("aaa", "ab", "x") and vocabulary.pairs == ("aaa ab",)
    assert set(vocabulary.pieces) == {*pieces("aaa"), *pieces("ab"), *pieces("x")}
    names = ("", *vocabulary.words, *vocabulary.pairs, *vocabulary.pieces)
    entries = list(vocabulary.entries("aaa ab"))
    expected = ["aaa", *pieces("aaa"), "ab", *pieces("ab"), "aaa ab"]
    assert [names[entry.code] for entry in entries] == expected
    assert [(entry.first, entry.last) for entry in entries[-2:]] == [(1, 1), (0, 1)]
    asked = cut_texts(["ab abc ab", "", "x y aaa ab aaa", "zzz"])
    read = vocabulary.encode(asked)
    added = np.zeros((4, vocabulary.size))
    np.add.at(added, (np.repeat(np.arange(4), read.counts), read.codes), 1)
    np.testing.assert_array_equal(vocabulary.counts(asked).toarray(), added)
    assert read.counts[1] == 0 == read.counts[3]


def test_what_is_learned_can_be_said_again():
    """Order, repetition and the hash seed of Python do not matter."""
    texts = ["b a", "a c b", "c d e f"]
    one, other = Vocabulary.learn(texts), Vocabulary.learn(texts[::-1])
    assert one == other
    assert one == Vocabulary(one.words, one.pairs, one.pieces, one.length)


def test_limits():
    """At most so many entries of each kind; sentences cut; 98 % of them kept whole."""
    texts = [f"w{k} w{k} x" for k in range(100)]
    small = Vocabulary.learn(texts, max_size=5, min_count=1)
    assert (len(small.words), len(small.pairs)) == (5, 5)
    lengths = ["a"] * 98 + ["a " * 50] * 2
    assert Vocabulary.learn(lengths, pairs=False).length == 1
    assert Vocabulary.learn(lengths[1:], pairs=False).length == 50
    assert Vocabulary.learn(["a " * 9000] * 3).length == MAX_LENGTH
    assert Vocabulary.learn(texts, length=2)(["x x x x"])[0].shape == (1, 2)


@pytest.mark.parametrize("count", [1, 2, 40])
def test_all_is_read(count):
    """Whole texts have rows as long as the longest, or else an even part of their entries."""
    texts = ["a " * 5] * (count - 1) + ["a " * 3000 + "end"]
    vocabulary = Vocabulary.learn(texts, pairs=False, min_count=1, whole=True)
    assert vocabulary.length == 3001
    read = vocabulary.read(texts)
    assert read.counts.tolist() == [5] * (count - 1) + [3001]
    assert vocabulary.unread(read) == 0.0
    codes, shares = vocabulary.rows(read, 100)
    assert (codes[-1] > 0).sum() == 100 == shares[-1].sum()
    np.testing.assert_array_equal(read.codes[-3001:][np.arange(100) * 3001 // 100], codes[-1])
    cut = Vocabulary.learn(texts, pairs=False, min_count=1, length=1000)
    assert cut.rows(read)[0].shape == (count, 1000)
    assert cut.unread(read) == pytest.approx(2001 / (5 * (count - 1) + 3001))
    assert cut.cut_off(read).counts.tolist() == [5] * (count - 1) + [1000]


def test_long_texts_take_no_endless_memory(monkeypatch):
    """Of many rows, the longest are read as a part: an eighth, and 512 entries at least."""
    monkeypatch.setattr(vocabulary_module, "UNTHINNED_ENTRIES", 1000)
    texts = ["a"] * 990 + ["a " * 4096] * 10
    assert Vocabulary.learn(texts, pairs=False, whole=True).length == 512
    monkeypatch.setattr(vocabulary_module, "MAX_ENTRIES", 600_000)
    texts = ["a " * 2000] * 1000
    assert Vocabulary.learn(texts, pairs=False, whole=True).length == 600


def test_nothing_to_learn():
    """Texts without a word are refused in words."""
    with pytest.raises(DataError, match="none of the 2 texts has a word"):
        Vocabulary.learn(["", "  "])


@pytest.mark.parametrize(
    "given",
    [["a", "b"], ("a", "b"), np.array(["a", "b"]), np.array(["a", "b"], object),
     pd.Series(["a", "b"], index=[7, 9]), pd.DataFrame({"t": ["a", "b"]}),
     np.array([["a"], ["b"]])],
)  # fmt: skip
def test_texts_as_they_come(given):
    """Lists, arrays, a Series, one column: all are lists of str."""
    assert check_texts(given) == ["a", "b"]
    assert all(type(text) is str for text in check_texts(given))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["a", None], "row 1 of X is missing"),
        (["a", float("nan")], "row 1 of X is missing"),
        (pd.Series(["a", pd.NA], dtype="string"), "row 1 of X is missing"),
        (["a", "b", 3], "row 2 of X is 3, a int"),
        ([b"a"], "row 0 of X is b'a', a bytes"),
        (pd.DataFrame({"a": ["x"], "b": ["y"]}), "X has 2 columns"),
        (np.zeros((1, 1, 1)), "X has shape"),
        (5, "X is a int"),
        ({"a": "b"}, "X is a dict"),
        ({"a", "b"}, "X is a set"),
        (b"text", "X is a bytes"),
    ],
)
def test_what_is_no_text(given, told):
    """The row is named, and what to do."""
    with pytest.raises(DataError, match=told):
        check_texts(given)


def test_files(tmp_path):
    """A folder of folders, JSONL, CSV; and errors that name file and line."""
    for label, text in (("good", "fine"), ("good", "süß"), ("bad", "")):
        folder = tmp_path / "mails" / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{len(text)}.txt").write_text(text, encoding="utf-8")
    table = read_texts(tmp_path / "mails")
    assert table.target == "class"
    assert table.frame.to_numpy().tolist() == [["", "bad"], ["süß", "good"], ["fine", "good"]]
    lines = tmp_path / "a.jsonl"
    lines.write_text('{"t": "x", "y": 1}\n\n{"t": "z", "y": 0}\n')
    assert read_texts(lines).frame["t"].tolist() == ["x", "z"]
    (tmp_path / "a.csv").write_text('t,y\n"a, b",1\nc,0\n')
    assert read_texts(tmp_path / "a.csv").frame["t"].tolist() == ["a, b", "c"]


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.jsonl", b'{"t": 1}\n{"t": \n', "a.jsonl, line 2: no JSON"),
        ("a.jsonl", b"[1]\n", "a.jsonl, line 1: give an object"),
        ("a.jsonl", b"\n", "a.jsonl is empty"),
        ("a.jsonl", '{"t": "ä"}\n'.encode() * 2 + b'{"t": "\xff"}', "line 3: .* not UTF-8"),
        ("m/x/a.txt", "ä\n".encode() * 2 + b"\xff", "a.txt, line 3: it is not UTF-8"),
        ("m/a.txt", b"x", "has no .txt files in folders"),
    ],
)
def test_files_that_cannot_be_read(tmp_path, name, content, told):
    """One line that names the file and the place."""
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    with pytest.raises(DataError, match=told):
        read_texts(tmp_path / name.split("/")[0])


def test_absent_file(tmp_path):
    """As a table that is absent."""
    for name in ("a.jsonl", "a.csv"):
        with pytest.raises(DataError, match=name):
            read_texts(tmp_path / name)
