"""From a text to its words, by a rule that has a number: model files keep it with their vocabulary.

Rule 1 is that of chainrule 0.1: runs of letters and digits with apostrophes inside, which end at
combining marks. Rule 2 is Unicode's: the default word boundaries of UAX 29, without what is only
space. Of scripts without spaces it cuts ideographs, kana and Thai letters (with their marks) one by
one.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from functools import cache
from unicodedata import normalize

from .word_break import CLASSES

RULES = (1, 2)
NEWEST = RULES[-1]

# Rule 1
IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
LETTERS = rf"[^\W_{IDEOGRAPH}]"
FIRST = re.compile(rf"[{IDEOGRAPH}]|{LETTERS}+(?:['\u2019]{LETTERS}+)*|[^\w\s]|_")

# Rule 2, as an expression for the letters of classes: see `word_break`; h, j are E, J after H
ANY = "[EJhj]*"  # WB4: belongs to what is before
LETTER, DIGIT, KANA, JOINT = f"[AHp]{ANY}", f"N{ANY}", f"K{ANY}", f"X{ANY}"
WORD = rf"{LETTER}(?:(?:[MBQ]{ANY})?{LETTER}|(?<=[Hhj])W{ANY}(?=H))*"  # WB5-7, 7b, 7c
NUMBER = rf"{DIGIT}(?:(?:[DBQ]{ANY})?{DIGIT})*"  # WB8, 11, 12
RUN = rf"(?:(?:{WORD}|{NUMBER})+|(?:{KANA})+)"  # WB9, 10, 13
JOINED = rf"(?:{JOINT})*{RUN}(?:(?:{JOINT})+{RUN})*(?:{JOINT})*|(?:{JOINT})+"  # WB13a, 13b
PIECE = rf"(?:{JOINED})(?:(?<=[Hhj])Q{ANY})?"  # WB7a
SEGMENT = re.compile(
    rf"(?:{PIECE}"
    rf"|R{ANY}(?:R{ANY})?"  # WB15, 16: flags
    rf"|S+{ANY}|cl?|[lL]|[^clLS]{ANY})"  # WB3d; WB3, 3a, 3b; WB999
    rf"(?:(?<=[Jj])(?:P{ANY}|(?=p){PIECE}))*"  # WB3c: pictures that are joined
)
MARKED_HEBREW = re.compile("H[EJ]+")
AFTER_HEBREW = str.maketrans("EJ", "hj")
ASCII = re.compile(
    r"_*(?:[a-z](?:[.:']?[a-z])*|[0-9](?:[.,;']?[0-9])*)+"
    r"(?:_+(?:[a-z](?:[.:']?[a-z])*|[0-9](?:[.,;']?[0-9])*)+)*_*|_+|[^\s\w]"
)


def words(text: str, rule: int = NEWEST) -> list[str]:
    """The words of a text: normalised (NFKC), in lower case, cut by a rule.

    Parameters
    ----------
    text : str
    rule : int
        One of `RULES`. Default: the newest.

    Returns
    -------
    list of str
        Each sign that is part of no word is one, too, such as "!" or an emoji; space is none.

    References
    ----------
    Unicode Standard Annex 29: "Unicode text segmentation", revision 47 (2025), section 4.

    Examples
    --------
    >>> words("It's GREAT,  isn't it?!")
    ["it's", 'great', ',', "isn't", 'it', '?', '!']
    >>> words("हिन्दी में"), words("हिन्दी में", rule=1)
    (['हिन्दी', 'में'], ['ह', 'ि', 'न', '्', 'द', 'ी', 'म', 'े', 'ं'])
    """
    whole = text.encode(errors="replace").decode()  # halves of characters become "?"
    plain = normalize("NFKC", whole).lower()
    if rule == 1:
        return FIRST.findall(plain)
    if plain.isascii():
        return ASCII.findall(plain)
    return [word for segment in segments(plain) if (word := segment.strip())]


def segments(text: str) -> list[str]:
    """All that a text consists of, cut at Unicode's default word boundaries.

    Examples
    --------
    >>> segments("3.5 m")
    ['3.5', ' ', 'm']
    """
    kinds = text.translate(_kinds())
    if "H" in kinds:
        kinds = MARKED_HEBREW.sub(lambda match: match[0].translate(AFTER_HEBREW), kinds)
    return [text[slice(*match.span())] for match in SEGMENT.finditer(kinds)]


class _Kinds(dict[int, str]):
    """The class of a character by its number, found when it is first asked for."""

    def __init__(self) -> None:
        super().__init__()
        self._ends: list[tuple[int, int, str]] = []
        for letter, ranges in CLASSES.items():
            for part in ranges.split():
                first, _, last = part.partition("-")
                self._ends.append((int(first, 16), int(last or first, 16), letter))
        self._ends.sort()
        self._starts = [first for first, _, _ in self._ends]

    def __missing__(self, code: int) -> str:
        first, last, letter = self._ends[bisect_right(self._starts, code) - 1]
        kind = self[code] = letter if first <= code <= last else "O"
        return kind


@cache
def _kinds() -> _Kinds:
    return _Kinds()
