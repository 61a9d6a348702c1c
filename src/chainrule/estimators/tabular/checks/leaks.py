"""Columns that give the target away: copies of it, what is known only later, parts of a sum."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from ..typed_columns import Floats
from .advice import Advice, listed, option
from .combinations import exact_combination
from .evidence import Evidence
from .single_column import ColumnsAlone

NEARLY_ALL = 0.985  # of classes, the share of the errors that a column alone avoids
OF_RANKS = 0.99  # R2 of the target's ranks by a column alone
STATUS = 0.88  # the same for few values, if nothing else comes near
OTHERS = 0.25  # by so much less
MAX_STATUS = 50  # values of a status
MAX_ADVICE = 10


def leaks(evidence: Evidence, leave_out: Collection[str]) -> list[Advice]:
    """Columns that tell the target alone, and two or three that it is made of."""
    if len(evidence.columns) < 2:
        return []  # what is predicted from one column was chosen to be
    alone = ColumnsAlone(evidence)
    eligible = [k for k, c in enumerate(evidence.columns) if c.name not in leave_out]
    suspects = sorted(
        {*_suspects(evidence, alone.skill)} & {*eligible}, key=lambda k: -alone.skill[k]
    )
    rest = [k for k in eligible if k not in suspects]
    best = max(rest, key=lambda k: alone.skill[k], default=None)
    advice = []
    for k in suspects[:MAX_ADVICE]:
        name, score = evidence.columns[k].name, _rounded(alone.score(k))
        other = (
            ""
            if best is None
            else (
                f"; the best of the others, {evidence.columns[best].name!r}, gets "
                f"{_rounded(alone.score(best))}"
            )
        )
        advice.append(
            Advice(
                "leak",
                (name,),
                f"{name!r} alone tells {evidence.source.target!r}: {alone.metric} {score} from it "
                f"by itself{other}. Is it known when a prediction is needed?",
                option("drop", name),
            )
        )
    return advice + _sums(evidence, {*leave_out, *(evidence.columns[k].name for k in suspects)})


def _suspects(evidence: Evidence, skill: Floats) -> list[int]:
    """The columns that tell the target nearly perfectly alone."""
    limit = NEARLY_ALL if evidence.is_classification else OF_RANKS
    alone = set(np.flatnonzero(skill >= limit).tolist())
    if not evidence.is_classification:
        return sorted(alone)
    for k in np.flatnonzero((skill >= STATUS) & (skill < limit)).tolist():
        others = [skill[j] for j in range(len(skill)) if j != k and j not in alone]
        ahead = skill[k] - max(others, default=0.0) >= OTHERS
        if ahead and evidence.columns[k].distinct <= MAX_STATUS:
            alone.add(k)
    return sorted(alone)


def _sums(evidence: Evidence, leave_out: Collection[str]) -> list[Advice]:
    """Columns that add up, or multiply, to the target."""
    if evidence.is_classification:
        return []
    columns = [column for column in evidence.columns if column.name not in leave_out]
    match = exact_combination(columns, evidence.y, evidence.seed)
    if match is None:
        return []
    return [
        Advice(
            "leak",
            match.names,
            f"{evidence.source.target!r} is {match.formula} in every row (R2 1.0000 from "
            f"{listed(match.names)}). Are they known when a prediction is needed?",
            option("drop", *match.names),
        )
    ]


def _rounded(score: float) -> str:
    """A score whose distance from 1 can be seen."""
    return f"{score:.4f}" if score > 0.99 else f"{score:.2f}"
