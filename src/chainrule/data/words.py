"""From a text to its words, by a rule that has a number: model files keep it with their vocabulary.

Rule 1 is that of chainrule 0.1: runs of letters and digits with apostrophes inside, which end at
combining marks. Rule 2 is Unicode's: the default word boundaries of UAX 29, without what is only
space. Of scripts without spaces it cuts ideographs, kana and Thai letters (with their marks) one by
one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import chain
from typing import NamedTuple
from unicodedata import normalize

import numpy as np
from numpy.typing import NDArray

from .word_break import CLASSES

RULES = (1, 2)
NEWEST = RULES[-1]

# Rule 1
IDEOGRAPH = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
LETTERS = rf"[^\W_{IDEOGRAPH}]"
FIRST = re.compile(rf"[{IDEOGRAPH}]|{LETTERS}+(?:['\u2019]{LETTERS}+)*|[^\w\s]|_")

# Rule 2, as an expression for the letters of classes: see `word_break`; h, j are E, J after H
ANY = "[EJhj]*"  # WB4: belongs to what is before
LETTER, DIGIT, KANA, JOINT = f"[AHp]+{ANY}", f"N+{ANY}", f"K+{ANY}", f"X{ANY}"
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
PLAIN_WORD, PLAIN_NUMBER = r"[a-z]+(?:[.:'][a-z]+)*", r"[0-9]+(?:[.,;'][0-9]+)*"
PLAIN_RUN = rf"(?:{PLAIN_WORD}|{PLAIN_NUMBER})+"
ASCII = re.compile(
    r"[a-z]++(?![a-z0-9_.:'])"  # what most words are, in half the time
    rf"|_*{PLAIN_RUN}(?:_+{PLAIN_RUN})*_*|_+|[^\s\w]"
)
LINE = "\x0b"  # a line break, between texts that are cut together: no word reaches across
AT_ONCE = 2**20  # characters of the texts that are cut together
CHARACTERS = 0x110000


class CutTexts(NamedTuple):
    """Texts as the numbers of their words, one after another.

    Attributes
    ----------
    names : list of str
        The different words, in the order in which they first appear.
    numbers : int32 array
        The words of all texts, as positions in `names`.
    counts : int64 array of shape (texts,)
        How many words each text has.
    """

    names: list[str]
    numbers: NDArray[np.int32]
    counts: NDArray[np.int64]


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
    return _words_of_each([text], rule)[0]


def cut_texts(texts: Iterable[str], rule: int = NEWEST) -> CutTexts:
    """The words of many texts, cut as by `words`, together and in little memory.

    Examples
    --------
    >>> cut = cut_texts(["a good film", "", "good, good!"])
    >>> cut.names, cut.numbers.tolist(), cut.counts.tolist()
    (['a', 'good', 'film', ',', '!'], [0, 1, 2, 1, 3, 1, 4], [3, 0, 4])
    """
    index = _Index()
    numbers: list[NDArray[np.int32]] = [np.zeros(0, np.int32)]
    counts: list[int] = []
    for batch in _batches(texts):
        split = _words_of_each(batch, rule)
        sizes = [len(text_words) for text_words in split]
        numbers.append(np.fromiter(map(index.__getitem__, chain(*split)), np.int32, sum(sizes)))
        counts += sizes
    return CutTexts(list(index), np.concatenate(numbers), np.array(counts, np.int64))


class _Index(dict[str, int]):
    """Numbers of words: 0, 1, ... as they are first asked for."""

    def __missing__(self, word: str) -> int:
        number = self[word] = len(self)
        return number


def _batches(texts: Iterable[str]) -> Iterator[list[str]]:
    """Texts of about `AT_ONCE` characters together."""
    batch: list[str] = []
    size = 0
    for text in texts:
        batch.append(text)
        size += len(text)
        if size >= AT_ONCE:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _words_of_each(texts: Sequence[str], rule: int) -> list[list[str]]:
    """The words of each text."""
    plain = [text.lower() if text.isascii() else _normalised(text) for text in texts]
    if rule == 1:
        return [FIRST.findall(text) for text in plain]
    split = [ASCII.findall(text) if text.isascii() else [] for text in plain]
    others = [k for k, text in enumerate(plain) if not text.isascii()]
    if others:
        by_segments = _words_between_breaks([plain[k] for k in others])
        for k, text_words in zip(others, by_segments, strict=True):
            split[k] = text_words
    return split


def _normalised(text: str) -> str:
    whole = text.encode(errors="replace").decode()  # halves of characters become "?"
    return normalize("NFKC", whole).lower()


def _words_between_breaks(texts: Sequence[str]) -> Iterator[list[str]]:
    """The words of each text, by Unicode's boundaries; all are cut together."""
    parts = segments("".join(f"{text}{LINE}" for text in texts))
    ends = np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts)))
    last = np.searchsorted(ends, np.cumsum([len(text) + 1 for text in texts])) + 1
    start = 0
    for end in last.tolist():
        yield [word for part in parts[start:end] if (word := part.strip())]
        start = end


def segments(text: str) -> list[str]:
    """All that a text consists of, cut at Unicode's default word boundaries.

    Examples
    --------
    >>> segments("3.5 m")
    ['3.5', ' ', 'm']
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    kinds = _kinds()[codes].tobytes().decode("ascii")
    if "H" in kinds:
        kinds = MARKED_HEBREW.sub(lambda match: match[0].translate(AFTER_HEBREW), kinds)
    return [text[slice(*match.span())] for match in SEGMENT.finditer(kinds)]


@cache
def _kinds() -> NDArray[np.uint8]:
    """The letter of its class for each character; "O" for one of none."""
    kinds = np.full(CHARACTERS, ord("O"), np.uint8)
    for letter, ranges in CLASSES.items():
        for part in ranges.split():
            first, _, last = part.partition("-")
            kinds[int(first, 16) : int(last or first, 16) + 1] = ord(letter)
    return kinds
