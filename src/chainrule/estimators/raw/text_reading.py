"""What `TextClassifier` reads of texts: in which rows, and how much each of their codes tells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ...data.vocabulary import EncodedTexts

AT_ONCE = 2**22  # numbers of the long texts that are answered together
SMOOTHING = 0.5  # added to each count of texts


def lengths(counts: Any, length: int, whole: bool) -> Iterator[tuple[int, Any]]:
    """Yield row lengths, with the texts that are read in rows of that length.

    Those that are read to their end and do not fit into `length` get rows of two, four, ... times
    that, so that few programs are compiled.

    Examples
    --------
    >>> [(width, places.tolist()) for width, places in lengths(np.array([1, 9, 3, 4]), 4, True)]
    [(4, [0, 2, 3]), (16, [1])]
    """
    times = np.ones(len(counts), np.int64)
    if whole:
        times = 2 ** np.ceil(np.log2(np.maximum(counts / length, 1.0))).astype(np.int64)
    for factor in np.unique(times):
        texts, width = np.flatnonzero(times == factor), int(length * factor)
        size = len(texts) if factor == 1 else max(1, AT_ONCE // width)
        for start in range(0, len(texts), size):
            yield width, texts[start : start + size]


def picked_texts(read: EncodedTexts, texts: Any) -> EncodedTexts:
    """What some of the texts are read as."""
    if len(texts) == len(read.counts):
        return read
    is_picked = np.zeros(len(read.counts), bool)
    is_picked[texts] = True
    entries = np.repeat(is_picked, read.counts)
    return EncodedTexts(read.codes[entries], read.shares[entries], read.counts[is_picked])


def log_ratios(read: EncodedTexts, labels: Any, size: int) -> Any:
    """How unevenly the classes use each code: the largest of the classes' ``|log-ratios|``.

    Of a class it is ``log(a / b)``, where a is the code's share of all that is read in the class's
    texts, and b that in the others', each counted once a text with `SMOOTHING` added.

    S. Wang, C. D. Manning: "Baselines and bigrams", ACL (2012).

    Parameters
    ----------
    read : EncodedTexts
        The codes of the texts, which are 1 or more.
    labels : integer array of shape (rows,)
    size : int

    Returns
    -------
    float32 array of shape (size,)

    Examples
    --------
    >>> read = EncodedTexts(np.array([1, 2, 1, 3]), np.ones(4), np.array([2, 2]))
    >>> log_ratios(read, np.array([0, 1]), 4).astype(float).round(3).tolist()
    [0.0, 0.0, 1.099, 1.099]
    """
    rows = np.repeat(np.arange(len(read.counts)), read.counts)
    rows, codes = np.divmod(np.unique(rows * size + read.codes), size)  # each once a text
    return ratios_of_classes(codes, labels[rows], size)


def ratios_of_classes(codes: Any, labels: Any, size: int) -> Any:
    """`log_ratios` of codes, each once a text, and the class of the text that each is in."""
    everywhere = np.bincount(codes, minlength=size).astype(float)
    order = np.argsort(labels, kind="stable")
    counts = np.bincount(labels)
    ratios = np.zeros(size)
    for part in np.split(codes[order], np.cumsum(counts)[:-1]):
        counts_in_class = np.bincount(part, minlength=size)
        inside, outside = counts_in_class + SMOOTHING, everywhere - counts_in_class + SMOOTHING
        ratio = np.log(inside / inside[1:].sum()) - np.log(outside / outside[1:].sum())
        ratios = np.maximum(ratios, np.abs(ratio))
    ratios[0] = 0.0
    return ratios.astype(np.float32)
