"""Vocabularies: which words, pairs and pieces of words have a code, and texts as codes."""

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

START, END = "<", ">"  # around a word that is cut into pieces
SUBWORD_LENGTHS = (3, 4)  # characters of a piece, of a word between START and END
MAX_SUBWORDS = 16  # of one word: a key that was leaned on is not a sentence
COVERED_PERCENT = 98  # of the sentences fit in a row
MAX_LENGTH = 512  # entries of a sentence, whatever is said of their share, where order counts
UNTHINNED_ENTRIES = 2**17  # of all rows: so many cost nothing, and no text is thinned
MAX_ENTRIES = 2**27  # of all rows: 1 GiB
MAX_THINNING = 8  # of the longest text an eighth of the entries is read, at least


class EncodedTexts(NamedTuple):
    """Encoded texts: the codes of all, one after another, and how many each text has."""

    codes: NDArray[np.int32]
    shares: NDArray[np.float32]
    counts: NDArray[np.int64]


class Entry(NamedTuple):
    """A code of a text, how much it counts, and the first and last word that it stands for."""

    code: int
    share: float
    first: int
    last: int


def pieces(word: str) -> list[str]:
    """Return the first `MAX_SUBWORDS` runs of `SUBWORD_LENGTHS` characters of a marked word.

    Examples
    --------
    >>> pieces("good")
    ['<go', 'goo', 'ood', 'od>', '<goo', 'good', 'ood>']
    """
    marked = f"{START}{word}{END}"
    ngrams = [
        marked[start : start + size]
        for size in range(SUBWORD_LENGTHS[0], SUBWORD_LENGTHS[1] + 1)
        for start in range(len(marked) - size + 1)
    ]
    return ngrams[:MAX_SUBWORDS]


@dataclass(frozen=True)
class Vocabulary:
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
    >>> vocabulary = Vocabulary.learn(["a good film", "a bad film", "not a film"])
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
        min_count: int = 2,
        max_size: int = 100_000,
        length: int | None = None,
        whole: bool = False,
    ) -> Vocabulary:
        """The vocabulary of some texts.

        Parameters
        ----------
        texts : sequence of str
            The training rows.
        pairs : bool
            Whether pairs of neighbouring words have numbers as well. Default True.
        min_count : int
            Texts that a word is in, at least, to have a number; rarer ones teach what their pieces
            mean. Default 2.
        max_size : int
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
        single = Counter(word for sentence in split for word in set(sentence))
        if not single:
            raise DataError(f"none of the {len(split)} texts has a word: there is nothing to learn")
        double: Counter[str] = Counter()
        if pairs:
            for sentence in split:
                double.update({f"{a} {b}" for a, b in pairwise(sentence)})
        parts: Counter[str] = Counter()
        for word, count in single.items():
            if count < min_count:
                for piece in set(pieces(word)):
                    parts[piece] += count
        vocabulary = cls(
            _commonest(single, min_count, max_size), _commonest(double, 1, max_size),
            _commonest(parts, 2, max_size), whole=whole,
        )  # fmt: skip
        if vocabulary.size == 1:
            raise DataError(
                f"none of the {len(single)} words of the {len(split)} texts is in {min_count} of "
                "them, and no piece of a word in two: there is nothing to learn; give more texts, "
                "or min_df=1 to learn such words by heart"
            )
        return replace(vocabulary, length=length or vocabulary._usual_length(split))

    @property
    def size(self) -> int:
        """The rows of a table of vectors: one more than the largest code."""
        return 1 + len(self.words) + len(self.pairs) + len(self.pieces)

    def __call__(self, texts: Iterable[str]) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """The numbers of each text, and how much each counts, both of shape (texts, length).

        A word and a pair count 1, pieces share their word's 1, and padding counts 0.
        """
        return self.rows(self.read(texts))

    def read(self, texts: Iterable[str]) -> EncodedTexts:
        """Encode texts, each to its end."""
        rows = [list(self.entries(self.cut(text))) for text in texts]
        return EncodedTexts(
            np.array([entry.code for row in rows for entry in row], np.int32),
            np.array([entry.share for row in rows for entry in row], np.float32),
            np.array([len(row) for row in rows], np.int64),
        )

    def rows(
        self, read: EncodedTexts, length: int | None = None
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Return encoded texts in rows of `length` numbers (default: that of the vocabulary)."""
        length = length or self.length
        counts = np.minimum(read.counts, length)
        row = np.repeat(np.arange(len(counts)), counts)
        column = np.arange(len(row)) - np.repeat(np.cumsum(counts) - counts, counts)
        source = column
        if self.whole:  # of longer ones, evenly from the first to the last
            source = column * read.counts[row] // np.maximum(counts[row], 1)
        source = source + (np.cumsum(read.counts) - read.counts)[row]
        codes = np.zeros((len(counts), length), np.int32)
        shares = np.zeros((len(counts), length), np.float32)
        codes[row, column], shares[row, column] = read.codes[source], read.shares[source]
        return codes, shares

    def cut_off(self, read: EncodedTexts) -> EncodedTexts:
        """Return the texts without what is past `length`."""
        position = np.arange(len(read.codes)) - np.repeat(
            np.cumsum(read.counts) - read.counts, read.counts
        )
        read_first = position < self.length
        return EncodedTexts(
            read.codes[read_first], read.shares[read_first], np.minimum(read.counts, self.length)
        )

    def unread(self, read: EncodedTexts) -> float:
        """Return the share of the codes that rows of `length` cut off."""
        if self.whole or not read.counts.sum():
            return 0.0
        return float(1.0 - np.minimum(read.counts, self.length).sum() / read.counts.sum())

    def cut(self, text: str) -> list[str]:
        """Return the words of a text, by the rule of the vocabulary."""
        return words(text, self.rule)

    def entries(self, text_words: Sequence[str]) -> Iterator[Entry]:
        """Yield what a text's words are read as: each word, and then the pair that ends with it."""
        codes, before = self._codes, None
        for k, word in enumerate(text_words):
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
        """Return the default of `length` for some training texts."""
        lengths = [sum(1 for _ in self.entries(sentence)) for sentence in split]
        usual = int(max(np.percentile(lengths, COVERED_PERCENT, method="inverted_cdf"), 1))
        if not self.whole:
            return min(usual, MAX_LENGTH)
        longest = max(lengths)
        if longest * len(lengths) <= UNTHINNED_ENTRIES:
            return max(longest, 1)
        return min(
            max(usual, -(-longest // MAX_THINNING)), max(MAX_LENGTH, MAX_ENTRIES // len(lengths))
        )


def _commonest(counts: Counter[str], min_count: int, max_size: int) -> tuple[str, ...]:
    """Return the most frequent entries first, and of equal ones the first by the alphabet."""
    ordered = sorted((-count, entry) for entry, count in counts.items() if count >= min_count)
    return tuple(entry for _, entry in ordered[:max_size])
