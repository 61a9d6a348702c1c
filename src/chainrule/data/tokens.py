"""From sentences to the numbers of their words, and the vocabulary for doing it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .words import NEWEST, words

START, END = "<", ">"  # around a word whose pieces are taken
PIECES = (3, 4)  # characters of a piece, of a word between START and END
MOST_PIECES = 16  # of one word: a key that was leaned on is not a sentence
SHARE = 98  # per cent of the sentences that are kept whole
LONGEST = 512  # entries of a sentence, whatever is said of their share, where order counts
FEW = 2**17  # entries of all rows: so many cost nothing, and no text is thinned
MANY = 2**27  # the most: 1 GiB
THINNEST = 8  # of the longest text an eighth of the entries, at least


class Read(NamedTuple):
    """What some texts are read as: their numbers one after another, and how many each text has."""

    codes: NDArray[np.int32]
    shares: NDArray[np.float32]
    counts: NDArray[np.int64]


class Entry(NamedTuple):
    """A number that a sentence is read as, how much it counts, and its first and last word."""

    code: int
    share: float
    first: int
    last: int


def pieces(word: str) -> list[str]:
    """Runs of `PIECES` characters of a word with its ends marked, the first `MOST_PIECES` of them.

    Examples
    --------
    >>> pieces("good")
    ['<go', 'goo', 'ood', 'od>', '<goo', 'good', 'ood>']
    """
    marked = f"{START}{word}{END}"
    found = [
        marked[start : start + size]
        for size in range(PIECES[0], PIECES[1] + 1)
        for start in range(len(marked) - size + 1)
    ]
    return found[:MOST_PIECES]


@dataclass(frozen=True)
class Tokens:
    """A vocabulary: which words, pairs of words, and pieces of words have a number.

    Number 0 is padding; then come `words`, `pairs`, `pieces`, in their order. A word that has no
    number is read as those of its pieces that have one, which count as one word together; one of
    which no piece is known is left out.

    Attributes
    ----------
    words, pairs, pieces : tuple of str
        Pairs as ``"first second"``; pieces as `pieces` makes them.
    length : int
        Numbers a sentence: shorter ones are padded with 0, of longer ones the end is cut off.
    whole : bool
        Whether longer ones are read to their end: in a row of `length` as a part of their entries,
        evenly taken.
    rule : int
        By which texts are cut into words; see `chainrule.data.words`.

    References
    ----------
    A. Joulin, E. Grave, P. Bojanowski, T. Mikolov: "Bag of tricks for efficient text
    classification", arXiv:1607.01759 (2016), for pairs; P. Bojanowski, E. Grave, A. Joulin,
    T. Mikolov: "Enriching word vectors with subword information", arXiv:1607.04606 (2017), for
    pieces.

    Examples
    --------
    >>> vocabulary = Tokens.learn(["a good film", "a bad film", "not a film"])
    >>> vocabulary.words
    ('a', 'film')
    >>> vocabulary.pairs
    ('a bad', 'a film', 'a good', 'bad film', 'good film', 'not a')
    >>> codes, shares = vocabulary(["A good film!", ""])
    >>> codes.tolist(), shares.tolist()
    ([[1, 5, 2, 7], [0, 0, 0, 0]], [[1.0, 1.0, 1.0, 1.0], [0.0, 0.0, 0.0, 0.0]])
    """

    words: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    pieces: tuple[str, ...] = ()
    length: int = 1
    whole: bool = False
    rule: int = NEWEST
    _codes: dict[str, int] = field(init=False, repr=False, compare=False)
    _pieces: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        start = 1 + len(self.words) + len(self.pairs)
        codes = {entry: k for k, entry in enumerate(self.words + self.pairs, 1)}
        object.__setattr__(self, "_codes", codes)
        object.__setattr__(self, "_pieces", {p: k for k, p in enumerate(self.pieces, start)})

    @classmethod
    def learn(
        cls,
        texts: Sequence[str],
        *,
        pairs: bool = True,
        fewest: int = 2,
        most: int = 100_000,
        length: int | None = None,
        whole: bool = False,
    ) -> Tokens:
        """The vocabulary of some texts.

        Parameters
        ----------
        texts : sequence of str
            The training rows.
        pairs : bool
            Whether pairs of neighbouring words have numbers as well. Default True.
        fewest : int
            Texts that a word is in, at least, to have a number; rarer ones teach what their pieces
            mean. Default 2.
        most : int
            Words that have numbers, at most: the commonest. Pairs, and pieces, likewise. Default
            100,000.
        length : int, optional
            Numbers a sentence. Default: so many that 98 % of the texts are kept whole, 512 at most.
        whole : bool
            Read all of a text; the default of `length` then has no such limit, and is that of the
            longest text where that takes little memory. Default False.

        Raises
        ------
        DataError
            If no text has a word, or nothing is frequent enough to have a number.
        """
        split = [words(text) for text in texts]
        single = Counter(word for each in split for word in set(each))
        if not single:
            raise DataError(f"none of the {len(split)} texts has a word: there is nothing to learn")
        double: Counter[str] = Counter()
        if pairs:
            for each in split:
                double.update({f"{a} {b}" for a, b in pairwise(each)})
        parts: Counter[str] = Counter()
        for word, count in single.items():
            if count < fewest:
                for piece in set(pieces(word)):
                    parts[piece] += count
        made = cls(
            _commonest(single, fewest, most), _commonest(double, 1, most),
            _commonest(parts, 2, most), whole=whole,
        )  # fmt: skip
        if made.size == 1:
            raise DataError(
                f"none of the {len(single)} words of the {len(split)} texts is in {fewest} of "
                "them, and no piece of a word in two: there is nothing to learn; give more texts, "
                "or min_df=1 to learn such words by heart"
            )
        return replace(made, length=length or made._usual_length(split))

    @property
    def size(self) -> int:
        """Of the table of vectors: one more than the largest number."""
        return 1 + len(self.words) + len(self.pairs) + len(self.pieces)

    def __call__(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The numbers of each text, and how much each counts, both of shape (texts, length).

        A word and a pair count 1, pieces share their word's 1, and padding counts 0.
        """
        return self.rows(self.read(texts))

    def read(self, texts: Iterable[str]) -> Read:
        """The numbers of all that texts hold."""
        rows = [list(self.entries(self.cut(text))) for text in texts]
        return Read(
            np.array([entry.code for row in rows for entry in row], np.int32),
            np.array([entry.share for row in rows for entry in row], np.float32),
            np.array([len(row) for row in rows], np.int64),
        )

    def rows(
        self, read: Read, length: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """What texts are read as, in rows of `length` numbers (default: that of the vocabulary)."""
        length = length or self.length
        kept = np.minimum(read.counts, length)
        row = np.repeat(np.arange(len(kept)), kept)
        place = np.arange(len(row)) - np.repeat(np.cumsum(kept) - kept, kept)
        source = place
        if self.whole:  # of longer ones, evenly from the first to the last
            source = place * read.counts[row] // np.maximum(kept[row], 1)
        source = source + (np.cumsum(read.counts) - read.counts)[row]
        codes = np.zeros((len(kept), length), np.int32)
        shares = np.zeros((len(kept), length), np.float32)
        codes[row, place], shares[row, place] = read.codes[source], read.shares[source]
        return codes, shares

    def cut_off(self, read: Read) -> Read:
        """Without what is past `length`."""
        place = np.arange(len(read.codes)) - np.repeat(
            np.cumsum(read.counts) - read.counts, read.counts
        )
        kept = place < self.length
        return Read(read.codes[kept], read.shares[kept], np.minimum(read.counts, self.length))

    def unread(self, read: Read) -> float:
        """The share of the numbers of texts that are cut off."""
        if self.whole or not read.counts.sum():
            return 0.0
        return float(1.0 - np.minimum(read.counts, self.length).sum() / read.counts.sum())

    def cut(self, text: str) -> list[str]:
        """The words of a text, by the rule of the vocabulary."""
        return words(text, self.rule)

    def entries(self, found: Sequence[str]) -> Iterator[Entry]:
        """What a text's words are read as: each word, and then the pair that ends with it."""
        codes, before = self._codes, None
        for k, word in enumerate(found):
            code = codes.get(word)
            if code is not None:
                yield Entry(code, 1.0, k, k)
            else:
                known = [code for piece in pieces(word) if (code := self._pieces.get(piece))]
                for code in known:
                    yield Entry(code, 1.0 / len(known), k, k)
            if before is not None and (pair := codes.get(f"{before} {word}")) is not None:
                yield Entry(pair, 1.0, k - 1, k)
            before = word

    def _usual_length(self, split: Sequence[Sequence[str]]) -> int:
        lengths = [sum(1 for _ in self.entries(each)) for each in split]
        usual = int(max(np.percentile(lengths, SHARE, method="inverted_cdf"), 1))
        if not self.whole:
            return min(usual, LONGEST)
        longest = max(lengths)
        if longest * len(lengths) <= FEW:
            return max(longest, 1)
        return min(max(usual, -(-longest // THINNEST)), max(LONGEST, MANY // len(lengths)))


def _commonest(counts: Counter[str], fewest: int, most: int) -> tuple[str, ...]:
    """The most frequent ones first, and of equal ones the first by the alphabet."""
    kept = sorted((-count, entry) for entry, count in counts.items() if count >= fewest)
    return tuple(entry for _, entry in kept[:most])
