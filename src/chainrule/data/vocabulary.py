"""Vocabularies: which words, pairs and pieces of words have a code, and texts as codes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..lazy import LazyModule
from .vocabulary_lookup import Lookup, Neighbours, neighbours, pieces
from .words import NEWEST, CutTexts, cut_texts, words

sparse = LazyModule("scipy.sparse")

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


@dataclass(frozen=True)
class Vocabulary:
    """A vocabulary: which words, pairs of words, and pieces of words have a number.

    Number 0 is padding; then come `words`, `pairs`, `pieces`, in their order. A word that has no
    number is read as those of its pieces that have one, which count as one word together; one of
    which no piece is known is left out. Where all words are spelled, those that have a number are
    read as their pieces as well, and each piece counts 1.

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
    spelled : bool
        Whether all words are read as their pieces, too.

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
    spelled: bool = False
    _lookup: Lookup | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self._lookup is None:
            lookup = Lookup(self.words, self.pairs, self.pieces)
            object.__setattr__(self, "_lookup", lookup)

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
        return cls.learn_encoded(
            cut_texts(texts), pairs=pairs, min_count=min_count, max_size=max_size, length=length,
            whole=whole,
        )[0]  # fmt: skip

    @classmethod
    def learn_encoded(
        cls,
        cut: CutTexts,
        *,
        pairs: bool,
        min_count: int,
        max_size: int,
        length: int | None,
        whole: bool,
    ) -> tuple[Vocabulary, EncodedTexts]:
        """The vocabulary of texts that are cut into words, and these texts by it; see `learn`."""
        vocabulary = cls.learn_cut(cut, pairs=pairs, min_count=min_count, max_size=max_size)
        vocabulary = replace(vocabulary, whole=whole)
        read = vocabulary.encode(cut)
        return replace(vocabulary, length=length or vocabulary._usual_length(read.counts)), read

    @classmethod
    def learn_cut(
        cls, cut: CutTexts, *, pairs: bool, min_count: int, max_size: int, spelled: bool = False
    ) -> Vocabulary:
        """The vocabulary of texts that are cut into words, of length 1.

        Of one whose words are spelled, all words have pieces, those in `min_count` texts or more a
        code, and pairs one if they are in two: most of the others are in no other text, either.
        """
        if not cut.names:
            raise DataError(
                f"none of the {len(cut.counts)} texts has a word: there is nothing to learn"
            )
        names, rank = cut.names, _ranks(cut.names)
        texts = np.repeat(np.arange(len(cut.counts)), cut.counts)
        counts = _texts_with(cut.numbers, texts, len(names))
        order = np.lexsort((rank, -counts))[:max_size]
        frequent = [names[k] for k in order[counts[order] >= min_count].tolist()]
        parts: Counter[str] = Counter()
        cut_up = np.arange(len(names)) if spelled else np.flatnonzero(counts < min_count)
        for number, count in zip(cut_up.tolist(), counts[cut_up].tolist(), strict=True):
            for piece in set(pieces(names[number])):
                parts[piece] += count
        vocabulary = cls(
            tuple(frequent),
            _commonest_pairs(cut, texts, rank, 2 if spelled else 1, max_size) if pairs else (),
            _commonest(parts, min_count if spelled else 2, max_size), spelled=spelled,
        )  # fmt: skip
        if vocabulary.size == 1:
            raise DataError(
                f"none of the {len(names)} words of the {len(cut.counts)} texts is in "
                f"{min_count} of them, and no piece of a word in two: there is nothing to learn; "
                "give more texts, or min_df=1 to learn such words by heart"
            )
        return vocabulary

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
        return self.encode(cut_texts(texts, self.rule))

    def encode(self, cut: CutTexts) -> EncodedTexts:
        """Encode texts that are cut into words by the rule of the vocabulary."""
        codes, shares, sizes, _ = self._entries(cut)
        ends = np.concatenate([[0], np.cumsum(sizes)])[np.cumsum(cut.counts)]
        return EncodedTexts(codes, shares, np.diff(ends, prepend=0))

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

    def entries(self, text: str) -> Iterator[Entry]:
        """Yield what a text's words are read as: each word, and then the pair that ends with it."""
        codes, shares, sizes, in_pair = self._entries(cut_texts([text], self.rule))
        last = np.repeat(np.arange(len(sizes)), sizes)
        columns = codes, shares, last - in_pair, last
        for entry in zip(*(column.tolist() for column in columns), strict=True):
            yield Entry(*entry)

    def counts(self, cut: CutTexts) -> Any:
        """How often each code is in each text: a sparse float32 matrix (texts, size).

        It is what `encode` reads of a vocabulary whose words are spelled, added up.
        """
        _, firsts, table, _ = self._entries_of_names(cut.names)
        starts = np.concatenate([[0], np.cumsum(cut.counts)])
        ones = np.ones(len(cut.numbers), np.float32)
        shape = len(cut.counts), len(cut.names)
        names = sparse.csr_matrix((ones, cut.numbers, starts), shape, copy=True)
        names.sum_duplicates()
        ends = np.concatenate([firsts, [len(table)]])
        shape = len(cut.names), self.size
        total = names @ sparse.csr_matrix((np.ones(len(table), np.float32), table, ends), shape)
        if self.pairs:
            pair = self._codes.pair_codes(cut)
            ends = np.concatenate([[0], np.cumsum(pair > 0)])[starts]
            pair = pair[pair > 0]
            ones = np.ones(len(pair), np.float32)
            total = total + sparse.csr_matrix((ones, pair, ends), total.shape)
        return total

    @property
    def _codes(self) -> Lookup:
        assert self._lookup is not None
        return self._lookup

    def _entries_of_names(self, names: Sequence[str]) -> tuple[Any, Any, Any, Any]:
        """How many entries each of the words has, and where they begin; all codes, and shares.

        Those of a word are its code, or its pieces', or both where words are spelled.
        """
        code = self._codes.word_codes(names)
        sizes, source, of_pieces = self._codes.pieces_of(names, self.spelled)
        counts = sizes + (code > 0)
        firsts = np.cumsum(counts) - counts
        table, shares = np.zeros(int(counts.sum()), np.int64), np.ones(counts.sum(), np.float32)
        table[firsts[code > 0]] = code[code > 0]
        within = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        into = within + np.repeat(firsts + (code > 0), sizes)
        table[into] = of_pieces[within + np.repeat(source, sizes)]
        if not self.spelled:
            shares[into] = np.repeat(1.0 / np.maximum(sizes, 1), sizes)
        return counts, firsts, table, shares

    def _entries(
        self, cut: CutTexts
    ) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.int64], NDArray[np.bool_]]:
        """Codes and shares of all words; how many each word has; and which are of pairs.

        A word's are one after another: that of the word, those of its pieces, and then that of the
        pair that ends with it.
        """
        counts, firsts, table, table_shares = self._entries_of_names(cut.names)
        pair = self._codes.pair_codes(cut)
        of_word, begins = counts[cut.numbers], firsts[cut.numbers]
        sizes = of_word + (pair > 0)
        starts = np.cumsum(sizes) - sizes
        codes = np.zeros(int(sizes.sum()), np.int32)
        shares, in_pair = np.ones(len(codes), np.float32), np.zeros(len(codes), bool)
        within = np.arange(int(of_word.sum())) - np.repeat(np.cumsum(of_word) - of_word, of_word)
        into, source = within + np.repeat(starts, of_word), within + np.repeat(begins, of_word)
        codes[into], shares[into] = table[source], table_shares[source]
        ends = (starts + of_word)[pair > 0]
        codes[ends], in_pair[ends] = pair[pair > 0], True
        return codes, shares, sizes, in_pair

    def _usual_length(self, counts: NDArray[np.int64]) -> int:
        """Return the default of `length` for training texts with so many codes."""
        usual = int(max(np.percentile(counts, COVERED_PERCENT, method="inverted_cdf"), 1))
        if not self.whole:
            return min(usual, MAX_LENGTH)
        longest = int(counts.max())
        if longest * len(counts) <= UNTHINNED_ENTRIES:
            return max(longest, 1)
        return min(
            max(usual, -(-longest // MAX_THINNING)), max(MAX_LENGTH, MAX_ENTRIES // len(counts))
        )


def _texts_with(numbers: NDArray[Any], texts: NDArray[Any], size: int) -> NDArray[np.int64]:
    """In how many texts each number below `size` is."""
    return np.bincount(np.unique(texts * size + numbers) % size, minlength=size)


def _ranks(names: Sequence[str]) -> NDArray[np.int64]:
    """The positions of names by the alphabet."""
    ranks = np.empty(len(names), np.int64)
    ranks[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return ranks


def _commonest(counts: Counter[str], min_count: int, max_size: int) -> tuple[str, ...]:
    """Return the most frequent entries first, and of equal ones the first by the alphabet."""
    ordered = sorted((-count, entry) for entry, count in counts.items() if count >= min_count)
    return tuple(entry for _, entry in ordered[:max_size])


def _commonest_pairs(
    cut: CutTexts, texts: NDArray[Any], rank: NDArray[Any], min_count: int, max_size: int
) -> tuple[str, ...]:
    """The pairs that are in the most texts first, and of equal ones the first by the alphabet.

    That is by the first word and then the second: no sign inside a word is below " ".
    """
    beside: Neighbours = neighbours(cut)
    if not len(beside.first):
        return ()
    counts = _texts_with(beside.pair, texts[beside.positions], len(beside.first))
    frequent = np.flatnonzero(counts >= min_count)
    first, second = beside.first[frequent], beside.second[frequent]
    order = np.lexsort((rank[second], rank[first], -counts[frequent]))[:max_size]
    names = np.array(cut.names, object)
    return tuple(f"{a} {b}" for a, b in zip(names[first[order]], names[second[order]], strict=True))
