"""The networks of `TextClassifier`: from the numbers of a text's words to logits.

Each is given rows as `TextClassifier` makes them, ``{"codes": (rows, length), "shares": (rows,
length)}``, where a share of 0 says that nothing stands there. It works in two steps, of which
attribution puts itself in between: `vectors` looks up a vector for each code, and `logits` reads
them.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from ... import nn
from ...random import split

SMALL = 0.1  # vectors begin near 0, so that what is rare begins as nothing
MOST_INSIDE = 0.1  # dropout within a transformer, which more of it keeps from learning order


class _Reader(nn.Module):
    """What all three share: vectors, then logits; with some words and features left out."""

    word_dropout: float
    dropout: float
    table: nn.Embedding
    head: nn.Dense

    def vectors(self, rows: Any) -> Any:
        """A vector for each code, shape (rows, length, width)."""
        return self.table(rows["codes"])

    def logits(self, vectors: Any, shares: Any, key: Any = None) -> Any:
        """Shape (rows, classes); with a key, as in training."""
        raise NotImplementedError

    def __call__(self, rows: Any) -> Any:
        return self.logits(self.vectors(rows), rows["shares"])

    def train(self, rows: Any, key: Any) -> tuple[Any, Self]:
        """Leave out words and features at random."""
        words, head_key = split(key)
        shares = rows["shares"]
        if self.word_dropout:
            shares = nn.dropout(shares, self.word_dropout, words)
        return self.logits(self.vectors(rows), shares, head_key), self

    def _dropped(self, x: Any, key: Any) -> Any:
        return x if key is None else nn.dropout(x, self.dropout, key)


class BagNetwork(_Reader):
    """The sum of all vectors, each times its share, and a linear map of it.

    A. Joulin et al.: "Bag of tricks for efficient text classification", arXiv:1607.01759 (2016).
    """

    def __init__(
        self, size: int, width: int, classes: int, *, word_dropout: float, dropout: float, key: Any
    ) -> None:
        table_key, head_key = split(key)
        self.word_dropout, self.dropout = word_dropout, dropout
        self.table = _table(size, width, table_key)
        self.head = nn.Dense(width, classes, key=head_key)

    def logits(self, vectors: Any, shares: Any, key: Any = None) -> Any:
        summed = np.sum(vectors * shares[:, :, None], axis=1)
        return self.head(self._dropped(summed, key))


class ConvNetwork(_Reader):
    """Windows of 3, 4 and 5 words, and of each of their features the largest in the text.

    Y. Kim: "Convolutional neural networks for sentence classification", arXiv:1408.5882 (2014).
    """

    windows: tuple[nn.Conv1d, ...]

    def __init__(
        self, size: int, width: int, classes: int, *, word_dropout: float, dropout: float, key: Any
    ) -> None:
        table_key, head_key, *keys = split(key, 5)
        self.word_dropout, self.dropout = word_dropout, dropout
        self.table = _table(size, width, table_key)
        self.windows = tuple(
            nn.Conv1d(width, width, steps, key=each)
            for steps, each in zip((3, 4, 5), keys, strict=True)
        )
        self.head = nn.Dense(3 * width, classes, key=head_key)

    def logits(self, vectors: Any, shares: Any, key: Any = None) -> Any:
        here = (shares > 0)[:, :, None]
        vectors = np.where(here, vectors, 0)
        most = [self._largest(window, vectors, here) for window in self.windows]
        return self.head(self._dropped(np.concatenate(most, axis=-1), key))

    def _largest(self, window: nn.Conv1d, vectors: Any, here: Any) -> Any:
        """The largest value over all windows, shape (rows, width); 0 if there is none."""
        after = window.weight.shape[0] - 1
        features = nn.relu(window(np.pad(vectors, ((0, 0), (0, after), (0, 0)))))
        return np.max(np.where(here, features, 0), axis=1)


class TransformerNetwork(_Reader):
    """Two encoder layers over the words and their places, and the mean of what they make.

    A. Vaswani et al.: "Attention is all you need", arXiv:1706.03762 (2017).
    """

    places: nn.PositionalEmbedding
    encoder: nn.TransformerEncoder

    def __init__(
        self, size: int, width: int, classes: int, *, word_dropout: float, dropout: float,
        key: Any, length: int,
    ) -> None:  # fmt: skip
        table_key, head_key, positions_key, encoder_key = split(key, 4)
        self.word_dropout, self.dropout = word_dropout, dropout
        self.table = _table(size, width, table_key)
        self.places = nn.PositionalEmbedding(length, width, key=positions_key)
        self.encoder = nn.TransformerEncoder(
            width, _heads(width), 2, 2 * width, key=encoder_key, dropout=min(dropout, MOST_INSIDE)
        )
        self.head = nn.Dense(width, classes, key=head_key)

    def logits(self, vectors: Any, shares: Any, key: Any = None) -> Any:
        here = shares > 0
        x = self.places(vectors)
        if key is None:
            x = self.encoder(x, mask=here)
        else:
            key, inner = split(key)
            x, _ = self.encoder.train(x, inner, mask=here)
        count = np.maximum(np.sum(here, axis=1, keepdims=True), 1)
        mean = np.sum(np.where(here[:, :, None], x, 0), axis=1) / count.astype(x.dtype)
        return self.head(self._dropped(mean, key))


def _table(size: int, width: int, key: Any) -> nn.Embedding:
    table = nn.Embedding(size, width, key=key)
    return table.replace(weight=table.weight * np.float32(SMALL))


def _heads(width: int) -> int:
    """Four heads, or fewer where the width does not allow it."""
    return next(heads for heads in (4, 2, 1) if width % heads == 0)
