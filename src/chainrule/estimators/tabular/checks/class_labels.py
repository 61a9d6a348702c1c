"""The classes of the target: one that is rare, too few rows of some, and names spelt two ways."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..metrics import RARE
from .advice import Advice, listed
from .evidence import Evidence

MAX_ADVICE = 5
JOINTS = re.compile(r"[\s_-]+")
FEW_ROWS = 5  # of a class: fewer than one in each of five folds


def class_advice(evidence: Evidence) -> list[Advice]:
    """What is said of the classes of all rows."""
    if not evidence.is_classification:
        return []
    classes, counts = np.unique(evidence.targets, return_counts=True)
    return [
        *_imbalance(evidence, classes, counts),
        *_rare(evidence, classes, counts),
        *_spelt_alike(classes, counts),
    ]


def _imbalance(evidence: Evidence, classes: Any, counts: Any) -> list[Advice]:
    """Two classes of which one is rare."""
    share = float(np.min(counts) / np.sum(counts))
    if len(classes) != 2 or share >= RARE:
        return []
    rarer = str(classes[int(np.argmin(counts))])
    cost = "" if evidence.options.cost else "--cost 1,10"
    return [Advice(
        "imbalance", (),
        f"{rarer!r} is {share:.1%} of the rows: to guess the other class always is right in "
        f"{1 - share:.1%}, so the score is ROC AUC, and a threshold is chosen for {rarer!r}"
        + (" by what errors cost." if evidence.options.cost
           else "; say what a false alarm and a miss cost, and it is chosen by that."),
        cost,
    )]  # fmt: skip


def _rare(evidence: Evidence, classes: Any, counts: Any) -> list[Advice]:
    """Classes of so few rows that nothing can be said about them."""
    few = [str(c) for c, n in zip(classes, counts, strict=True) if n < FEW_ROWS]
    if not few:
        return []
    rows = int(np.sum(counts[np.asarray(counts) < FEW_ROWS]))
    verb, noun = ("has", "class") if len(few) == 1 else ("have", "classes")
    return [Advice(
        "rare_classes", (),
        f"{len(few)} {noun} of {evidence.source.target!r} ({listed(few)}) {verb} fewer than "
        f"{FEW_ROWS} rows each ({rows} in all): they can be neither learned nor tested. Merge them "
        "with others, or leave them out.",
    )]  # fmt: skip


def _spelt_alike(classes: Any, counts: Any) -> list[Advice]:
    """Classes whose names differ by case, spaces, hyphens or underscores alone."""
    spellings: dict[str, list[str]] = {}
    for name in map(str, classes):
        spellings.setdefault(JOINTS.sub("", name.casefold()), []).append(name)
    number = dict(zip(map(str, classes), counts, strict=True))
    return [
        Advice(
            "similar_labels",
            (),
            f"The classes {' and '.join(f'{name!r} ({number[name]} rows)' for name in names)} "
            "differ by case or spaces alone, and count as different: write them alike.",
        )
        for plain, names in spellings.items()
        if len(names) > 1 and any(letter.isalpha() for letter in plain)
    ][:MAX_ADVICE]
