"""Words by Unicode's rules, and by the rule of older model files."""
# ruff: noqa: RUF001 - apostrophes and letters of many scripts

import random
from itertools import pairwise

import numpy as np
import pytest

from chainrule.data import Vocabulary
from chainrule.data import words as words_module
from chainrule.data.word_break import CLASSES
from chainrule.data.words import NEWEST, RULES, cut_texts, segments, words

MARKED = {
    "Hindi": ("हिन्दी में बोलो", ["हिन्दी", "में", "बोलो"]),
    "Tamil": ("தமிழ் மொழி", ["தமிழ்", "மொழி"]),
    "Bengali": ("বাংলা ভাষা", ["বাংলা", "ভাষা"]),
    "vowelled Arabic": ("السَّلَامُ عَلَيْكُمْ", ["السَّلَامُ", "عَلَيْكُمْ"]),
    "pointed Hebrew": ("שָׁלוֹם עֲלֵיכֶם", None),
    "Hebrew's abbreviations": ("ב״ה צה״ל ג׳", ["ב״ה", "צה״ל", "ג׳"]),
    "Turkish": ("İstanbul'da", ["i̇stanbul'da"]),
    "Vietnamese, decomposed": ("Tie\u0302\u0301ng Vie\u0323\u0302t", ["tiếng", "việt"]),
    "Yoruba": ("ẹ̀kọ́ gẹ̀ẹ́sì", ["ẹ̀kọ́", "gẹ̀ẹ́sì"]),
    "Korean": ("한국어 문장", ["한국어", "문장"]),
    "Thai": ("น้ำดี", ["น้ํ", "า", "ดี"]),
    "Japanese": ("映画は良い カタカナ", ["映", "画", "は", "良", "い", "カタカナ"]),
    "families": ("👨‍👩‍👧!", ["👨‍👩‍👧", "!"]),
    "flags": ("🇩🇪🇫🇷", ["🇩🇪", "🇫🇷"]),
    "skin": ("👍🏽👍", ["👍🏽", "👍"]),
    "Catalan": ("col·legi", ["col·legi"]),
    "French": ("l’ami", ["l’ami"]),
    "numbers": ("3.14 1,000 3,a", ["3.14", "1,000", "3", ",", "a"]),
}


@pytest.mark.parametrize("name", MARKED)
def test_words_of_scripts_with_marks(name):
    """A mark stays with its letter; rule 1 cut there."""
    text, expected = MARKED[name]
    found = words(text)
    if expected is None:
        assert len(found) == len(text.split())
    else:
        assert expected == found


def test_older_files_keep_their_rule():
    """What was cut at marks is, in models that were trained so."""
    assert words("हिन्दी", rule=1) == ["ह", "ि", "न", "्", "द", "ी"]
    assert words("snake_case 3.5 don't", rule=1) == ["snake", "_", "case", "3", ".", "5", "don't"]
    assert (RULES, NEWEST) == ((1, 2), 2)
    one, two = (Vocabulary(("ह", "हिन्दी"), length=8, rule=rule) for rule in RULES)
    assert one(["हिन्दी"])[0].tolist() == [[1, 0, 0, 0, 0, 0, 0, 0]]
    assert two(["हिन्दी"])[0].tolist() == [[2, 0, 0, 0, 0, 0, 0, 0]]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("at_once", [1, 40, 10**6])
def test_many_texts_are_cut_as_each_alone(rule, at_once, monkeypatch):
    """Neighbours do not matter, whatever a text begins or ends with."""
    monkeypatch.setattr(words_module, "AT_ONCE", at_once)
    draw, known = random.Random(at_once), kinds()
    texts = [
        "",
        "a\r",
        "\nb",
        "\u0301c",
        "\ud83d",
        "\x0b",
        " ",
        *[text for text, _ in MARKED.values()],
    ]
    for _ in range(500):
        classes = [draw.choice([*known, "A", "A"]) for _ in range(draw.randint(0, 9))]
        texts.append("".join(chr(draw.choice(draw.choice(known[kind]))) for kind in classes))
    cut = cut_texts(texts, rule)
    each = [words(text, rule) for text in texts]
    assert cut.counts.tolist() == [len(text_words) for text_words in each]
    assert [cut.names[k] for k in cut.numbers] == [
        word for text_words in each for word in text_words
    ]
    assert len(set(cut.names)) == len(cut.names)


def kinds():
    """The classes of UAX 29 with some characters of each."""
    made = {}
    for letter, ranges in CLASSES.items():
        ends = [part.split("-") * 2 for part in ranges.split()]
        made[letter] = [range(int(a, 16), int(b, 16) + 1) for a, b, *_ in ends]
    made["O"] = [range(0x21, 0x22), range(0x4E00, 0x9FFF), range(0x3041, 0x3097),
                 range(0xE01, 0xE31), range(0x200B, 0x200C)]  # fmt: skip
    return made


def breaks(codes, kind_of):
    """Where UAX 29 breaks, rule by rule in its own words; slow, and of nothing in `words`."""

    def kind(k):
        return kind_of(codes[k]) if 0 <= k < len(codes) else ""

    extend, newline = {"E", "J"}, {"c", "l", "L"}

    def before(k):  # WB4: the last character that is no extension, and its place
        while k >= 0 and kind(k) in extend:
            k -= 1
        if k < 0 or kind(k) in newline:
            return "", -1  # extensions at the start of a text or line stand by themselves
        return kind(k), k

    def after(k):
        while k < len(codes) and kind(k) in extend:
            k += 1
        return kind(k)

    letter, made = {"A", "H", "p"}, [0]
    for k in range(1, len(codes)):
        a, b = kind(k - 1), kind(k)
        if a == "c" and b == "l":
            continue
        if a in newline or b in newline:
            made.append(k)
            continue
        if (a == "J" and b in {"P", "p"}) or (a == b == "S") or b in extend:
            continue
        a, place = before(k - 1)
        earlier, _ = before(place - 1) if place > 0 else ("", -1)
        later = after(k + 1)
        flags = 0
        if a == b == "R":
            where = place
            while where >= 0 and kind(where) == "R":
                flags += 1
                _, where = before(where - 1) if where > 0 else ("", -1)
        if (
            (a in letter and b in letter)
            or (a in letter and b in {"M", "B", "Q"} and later in letter)
            or (earlier in letter and a in {"M", "B", "Q"} and b in letter)
            or (a == "H" and b == "Q")
            or (a == "H" and b == "W" and later == "H")
            or (earlier == "H" and a == "W" and b == "H")
            or (a in letter | {"N"} and b in letter | {"N"})
            or (earlier == "N" and a in {"D", "B", "Q"} and b == "N")
            or (a == "N" and b in {"D", "B", "Q"} and later == "N")
            or (a == b == "K")
            or (a in letter | {"N", "K", "X"} and b == "X")
            or (a == "X" and b in letter | {"N", "K"})
            or flags % 2
        ):
            continue
        made.append(k)
    return made if codes else []


@pytest.mark.parametrize("count", [4000, pytest.param(60_000, marks=pytest.mark.slow)])
def test_boundaries_are_unicodes(count):
    """Random texts of all classes: the boundaries of the expression are those of the rules."""
    draw = random.Random(count)
    known = kinds()
    classes = list(known)
    for _ in range(count):
        chosen = [draw.choice(classes) for _ in range(draw.randint(1, 12))]
        codes = [draw.choice(draw.choice(known[letter])) for letter in chosen]
        of = dict(zip(codes, chosen, strict=True))
        text = "".join(map(chr, codes))
        found = segments(text)
        assert "".join(found) == text
        cuts = np.cumsum([0, *[len(each) for each in found[:-1]]]).tolist()
        assert breaks(codes, of.__getitem__) == cuts, [f"{code:X}" for code in codes]


def test_plain_text_is_cut_alike():
    """ASCII, which has an expression of its own."""
    draw = random.Random(0)
    for _ in range(5000):
        text = "".join(chr(draw.choice([*range(128), *b"..::__''abc012,;;"])) for _ in range(12))
        text = text.lower()
        assert [each.strip() for each in segments(text) if each.strip()] == words(text)


def test_classes_do_not_overlap():
    """Each character has one class."""
    own = sorted(
        (int(part.split("-")[0], 16), int(part.split("-")[-1], 16))
        for ranges in CLASSES.values() for part in ranges.split()
    )  # fmt: skip
    assert all(last < first for (_, last), (first, _) in pairwise(own))
    assert len(own) > 1200
