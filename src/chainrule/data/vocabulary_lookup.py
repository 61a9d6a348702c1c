"""Which words, pairs and pieces of words have a code: asked of all words of many texts at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import chain, repeat
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .words import CutTexts

START, END = "<", ">"  # around a word that is cut into pieces
SUBWORD_LENGTHS = (3, 4)  # characters of a piece, of a word between START and END
MAX_SUBWORDS = 16  # of one word: a key that was leaned on is not a sentence


def pieces(word: str) -> list[str]:
    """Return the first `MAX_SUBWORDS` runs of `SUBWORD_LENGTHS` characters of a marked word.

    Examples
    --------
    >>> pieces("good")
    ['<go', 'goo', 'ood', 'od>', '<goo', 'good', 'ood>']
    """
    marked = f"{START}{word}{END}"
    ngrams: list[str] = []
    for size in SUBWORD_LENGTHS:
        count = min(len(marked) - size + 1, MAX_SUBWORDS - len(ngrams))
        ngrams += [marked[start : start + size] for start in range(count)]
    return ngrams


class Neighbours(NamedTuple):
    """The pairs of neighbouring words in texts.

    Attributes
    ----------
    positions : int64 array of shape (neighbours,)
        Where their second words are among the words of all texts.
    first, second : int64 array of shape (pairs,)
        The different pairs' words, as positions in the names of the words.
    pair : int64 array of shape (neighbours,)
        Which of these each is.
    """

    positions: NDArray[np.int64]
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    pair: NDArray[np.int64]


def neighbours(cut: CutTexts) -> Neighbours:
    """The pairs of neighbouring words in texts.

    Examples
    --------
    >>> from chainrule.data.words import cut_texts
    >>> beside = neighbours(cut_texts(["b a b a", "a b"]))
    >>> beside.positions.tolist(), beside.pair.tolist()
    ([1, 2, 3, 5], [0, 1, 0, 1])
    >>> beside.first.tolist(), beside.second.tolist()
    ([0, 1], [1, 0])
    """
    is_second = np.ones(len(cut.numbers), bool)
    is_second[(np.cumsum(cut.counts) - cut.counts)[cut.counts > 0]] = False
    positions, size = np.flatnonzero(is_second), len(cut.names)
    keys = cut.numbers[positions - 1].astype(np.int64) * size + cut.numbers[positions]
    different, pair = np.unique(keys, return_inverse=True)
    first, second = np.divmod(different, max(size, 1))
    return Neighbours(positions, first, second, pair)


class Lookup:
    """The codes of words, pairs and pieces: 1, 2, ... in this order; 0 stands for none."""

    def __init__(
        self, words: Sequence[str], pairs: Sequence[str], word_pieces: Sequence[str]
    ) -> None:
        self._words = dict(zip(words, range(1, len(words) + 1), strict=True))
        start = 1 + len(words) + len(pairs)
        self._pieces = dict(zip(word_pieces, range(start, start + len(word_pieces)), strict=True))
        # A pair is asked for by the numbers of its two words, of which not all have a code
        parts = [pair.partition(" ") for pair in pairs]
        names = dict.fromkeys([first for first, _, _ in parts])
        names.update(dict.fromkeys([second for _, _, second in parts]))
        self._numbers = dict(zip(names, range(len(names)), strict=True))
        first = self._of(self._numbers, [first for first, _, _ in parts], -1)
        second = self._of(self._numbers, [second for _, _, second in parts], -1)
        keys = first * len(names) + second
        self._pair_order = np.argsort(keys)
        self._pair_keys = keys[self._pair_order]
        self._first_pair = 1 + len(words)

    @staticmethod
    def _of(table: dict[str, int], names: Sequence[str], default: int) -> NDArray[np.int64]:
        return np.fromiter(map(table.get, names, repeat(default)), np.int64, len(names))

    def word_codes(self, names: Sequence[str]) -> NDArray[np.int64]:
        """The codes of words."""
        return self._of(self._words, names, 0)

    def piece_codes(self, word: str) -> list[int]:
        """The codes of a word's pieces that have one."""
        return list(filter(None, map(self._pieces.get, pieces(word))))

    def pieces_of(
        self, names: Sequence[str], spelled: bool
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The codes of words' pieces: how many each word has, where its begin, and all there are.

        A word that has a code has none, unless words are spelled.
        """
        code = self.word_codes(names)
        counts, starts, codes = (
            self._spelling if spelled else (np.zeros(len(self._words) + 1, np.int64),) * 3
        )
        unknown = np.flatnonzero(code == 0)
        more_counts, more_starts, more = _laid_out(
            [self.piece_codes(names[k]) for k in unknown.tolist()]
        )
        counts, starts = counts[code], starts[code]
        counts[unknown], starts[unknown] = more_counts, len(codes) + more_starts
        return counts, starts, np.concatenate([codes, more])

    @cached_property
    def _spelling(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The pieces of the words by their codes, which are looked up once."""
        return _laid_out([[], *[self.piece_codes(word) for word in self._words]])

    def pair_codes(self, cut: CutTexts) -> NDArray[np.int64]:
        """For each word of all texts the code of the pair that ends with it."""
        codes = np.zeros(len(cut.numbers), np.int64)
        if not len(self._pair_keys) or len(codes) < 2:
            return codes
        numbers = self._of(self._numbers, cut.names, -1)[cut.numbers]
        is_known = (numbers[1:] >= 0) & (numbers[:-1] >= 0)
        begins = (np.cumsum(cut.counts) - cut.counts)[cut.counts > 0]
        is_known[begins[1:] - 1] = False  # of two texts
        positions = np.flatnonzero(is_known) + 1
        keys = numbers[positions - 1] * len(self._numbers) + numbers[positions]
        at = np.minimum(np.searchsorted(self._pair_keys, keys), len(self._pair_keys) - 1)
        hits = self._pair_keys[at] == keys
        codes[positions[hits]] = self._first_pair + self._pair_order[at[hits]]
        return codes


def _laid_out(
    lists: Sequence[Sequence[int]],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How long each list is, where it begins in all of them one after another, and these."""
    counts = np.fromiter(map(len, lists), np.int64, len(lists))
    joined = np.fromiter(chain.from_iterable(lists), np.int64, int(counts.sum()))
    return counts, np.cumsum(counts) - counts, joined
