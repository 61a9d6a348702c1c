"""Columns that tell little: the same in nearly every row, or a text of its own in each."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from ..typed_columns import TypedColumn
from .advice import Advice, listed, option
from .column_names import suggests_identifier
from .evidence import Evidence

MIN_ROWS = 20
MOSTLY_DIFFERENT = 0.5  # of the known cells of a column of text
MANY_LEVELS = 30
WORDS = 3.0  # on average: then it is prose


@dataclass(frozen=True)
class FreeText:
    """A column of text that is no category."""

    name: str
    share: float
    words: float


def uninformative_advice(evidence: Evidence, leave_out: Collection[str]) -> list[Advice]:
    """What is said of constant columns and of free texts."""
    return [*_constants(evidence), *_free_texts(evidence, leave_out)]


def _constants(evidence: Evidence) -> list[Advice]:
    """Columns that hold one value, and no empty cell."""
    if len(evidence.rows) < MIN_ROWS:
        return []
    names = [
        column.name for column in evidence.columns
        if len(column.known) == len(column.values) and column.known.min() == column.known.max()
    ]  # fmt: skip
    if not evidence.is_whole:
        inputs = evidence.source.inputs
        names = [name for name in names if inputs[name].nunique(dropna=False) == 1]
    if not names:
        return []
    verb = "is" if len(names) == 1 else "are"
    return [Advice(
        "constant", tuple(names),
        f"{listed(names)} {verb} the same in every row, and left out.",
    )]  # fmt: skip


def _free_texts(evidence: Evidence, leave_out: Collection[str]) -> list[Advice]:
    """Columns of text of which most are different."""
    texts = [
        text for column in evidence.columns if column.is_text and column.name not in leave_out
        if (text := _free_text(column)) is not None
    ]  # fmt: skip
    if not texts:
        return []
    names = [text.name for text in texts]
    shares = ", ".join(f"{text.share:.0%}" for text in texts[:5])
    verb = "holds" if len(names) == 1 else "hold"
    prose = [text.name for text in texts if text.words >= WORDS]
    advice = ""
    if prose:
        several = "their" if len(prose) > 1 else "its"
        advice = f" {listed(prose)}: chainrule train text learns from {several} words."
    return [Advice(
        "free_text", tuple(names),
        f"{listed(names)} {verb} texts of which most are different ({shares}): as categories they "
        f"say next to nothing.{advice}",
        option("drop", *names[:5]),
    )]  # fmt: skip


def _free_text(column: TypedColumn) -> FreeText | None:
    """A column of text as one of free text, if it is."""
    known, levels = len(column.known), column.levels
    if known < MIN_ROWS or len(levels) < MANY_LEVELS or suggests_identifier(column.name):
        return None
    share = column.distinct / known
    if share < MOSTLY_DIFFERENT:
        return None
    some = levels[:: -(-len(levels) // 500)]
    return FreeText(column.name, share, float(np.mean([len(text.split()) for text in some])))
