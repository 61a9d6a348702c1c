"""Columns that give the target away: copies of it, what is known only later, parts of a sum."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np

from ..typed_columns import Floats, TypedColumn
from .advice import Advice, listed, option
from .column_names import names_somebody
from .combinations import exact_combination
from .evidence import Evidence
from .pairs import telling_pair
from .shifted_target import Shifted, shifted_targets
from .single_column import ColumnsAlone
from .time_order import is_year, tells_time, time_option

NEARLY_ALL = 0.985  # of classes, the share of the errors that a column alone avoids
OF_RANKS = 0.99  # R2 of the target's ranks by a column alone
STATUS = 0.88  # the same for few values, if nothing else comes near
OTHERS = 0.25  # by so much less
MAX_STATUS = 50  # values of a status
MAX_ADVICE = 10
MAX_SIGNS = 300  # columns
MAX_IN_ORDER = 6_000  # rows one after the other
KNOWN_THEN = "Is it known when a prediction is needed?"


def leaks(evidence: Evidence, leave_out: Collection[str], group: str = "") -> list[Advice]:
    """Columns that tell the target alone, and two or three that it is made of.

    Parameters
    ----------
    evidence : Evidence
    leave_out : collection of str
        Columns that are looked at no more.
    group : str
        The column by which rows belong together: that the targets of a patient are the same is no
        leak, unless it is but a status that a few groups share.
    """
    if len(evidence.columns) < 2:
        return []  # what is predicted from one column was chosen to be
    alone = ColumnsAlone(evidence)
    eligible = [
        k for k, c in enumerate(evidence.columns)
        if c.name not in leave_out and not tells_time(c) and not is_year(c)
        and (c.name != group or (c.distinct <= MAX_STATUS and not names_somebody(c.name)))
    ]  # fmt: skip
    suspects = sorted(
        {*_suspects(evidence, alone.skill)} & {*eligible}, key=lambda k: -alone.skill[k]
    )
    advice = [_alone(evidence, alone, k, eligible, suspects) for k in suspects[:MAX_ADVICE]]
    for check in (_bands, _signs):
        rest = [k for k in eligible if k not in suspects]
        further = check(evidence, alone, rest)
        suspects += [k for k, _ in further]
        advice += [one for _, one in further]
    names = {evidence.columns[k].name for k in suspects}
    rest = [k for k in eligible if k not in suspects]
    return [
        *advice[:MAX_ADVICE],
        *_sums(evidence, {*leave_out, *names}),
        *_shifted(evidence, {*leave_out, *names}),
        *_pairs(evidence, [evidence.columns[k] for k in rest], alone.skill[rest]),
    ]


def _alone(
    evidence: Evidence, alone: ColumnsAlone, k: int, eligible: list[int], suspects: list[int]
) -> Advice:
    """What is said of one that tells the target alone."""
    name, score = evidence.columns[k].name, _rounded(alone.score(k))
    rest = [j for j in eligible if j not in suspects]
    best = max(rest, key=lambda j: alone.skill[j], default=None)
    other = ""
    if best is not None:
        theirs = _rounded(alone.score(best))
        other = f"; the best of the others, {evidence.columns[best].name!r}, gets {theirs}"
    return Advice(
        "leak", (name,),
        f"{name!r} alone tells {evidence.source.target!r}: {alone.metric} {score} from it "
        f"by itself{other}. {KNOWN_THEN}",
        option("drop", name),
    )  # fmt: skip


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


def _bands(
    evidence: Evidence, alone: ColumnsAlone, rest: list[int]
) -> list[tuple[int, Advice]]:  # fmt: skip
    """Columns that are the target in steps."""
    if evidence.is_classification:
        return []
    target = evidence.source.target
    return [
        (k, Advice(
            "leak", (name,),
            f"{name!r} is {target!r} in {evidence.columns[k].distinct} steps: each of its values "
            f"stands for one range of {target!r}, in every row. {KNOWN_THEN}",
            option("drop", name),
        ))
        for k in rest if alone.in_bands(k, evidence.y) and (name := evidence.columns[k].name)
    ]  # fmt: skip


def _signs(
    evidence: Evidence, alone: ColumnsAlone, rest: list[int]
) -> list[tuple[int, Advice]]:  # fmt: skip
    """Columns that tell one of several classes by yes or no."""
    if not evidence.is_classification:
        return []
    names = alone.classes
    if len(names) < 3 or len(rest) > MAX_SIGNS:
        return []
    advice = []
    for k in rest:
        match = alone.sign_of_class(k, NEARLY_ALL)
        if match is None or match[1] >= len(names):
            continue
        words, code, accuracy = match
        name = evidence.columns[k].name
        advice.append((k, Advice(
            "leak", (name,),
            f"That {name!r} {words} tells whether {evidence.source.target!r} is {names[code]!r}, "
            f"in {accuracy:.1%} of the rows. {KNOWN_THEN}",
            option("drop", name),
        )))  # fmt: skip
    return advice


def _sums(evidence: Evidence, leave_out: Collection[str]) -> list[Advice]:
    """Columns that add up, or multiply, to the target."""
    if evidence.is_classification:
        return []
    columns = [column for column in evidence.columns if column.name not in leave_out]
    match = exact_combination(columns, evidence.y, evidence.seed)
    if match is None:
        return []
    return [Advice(
        "leak", match.names,
        f"{evidence.source.target!r} is {match.formula} in every row (R2 1.0000 from "
        f"{listed(match.names)}). Are they known when a prediction is needed?",
        option("drop", *match.names),
    )]  # fmt: skip


def _shifted(evidence: Evidence, leave_out: Collection[str]) -> list[Advice]:
    """Columns that hold the target of another row."""
    if evidence.is_classification:
        return []
    near = _rows_in_order(evidence)
    columns = [c for c in near.columns if c.name not in leave_out and c.kind == "number"]
    clocks = [c for c in near.columns if tells_time(c)]
    return [_next(evidence, one) for one in shifted_targets(columns, near.y, clocks)]


def _rows_in_order(evidence: Evidence) -> Evidence:
    """Rows of the table one after the other, those of the test among them."""
    count = len(evidence.source.frame)
    start = max(0, (count - MAX_IN_ORDER) // 2)
    return evidence.of_rows(np.arange(start, min(count, start + MAX_IN_ORDER)))


def _next(evidence: Evidence, match: Shifted) -> Advice:
    by = time_option(match.order)
    before = match.lag > 0
    advice = (
        f"With a random split the test rows are then known to the training ({by})." if before
        else KNOWN_THEN
    )  # fmt: skip
    return Advice(
        "leak", (match.name,),
        f"{match.name!r} is {evidence.source.target!r} of {match.row}, in {match.share:.1%} of the "
        f"rows. {advice}",
        option("drop", match.name),
    )  # fmt: skip


def _pairs(evidence: Evidence, columns: Sequence[TypedColumn], skill: Floats) -> list[Advice]:
    """Two columns that tell the class together, though neither does alone."""
    if not evidence.is_classification:
        return []
    match = telling_pair(columns, skill, evidence.codes)
    if match is None:
        return []
    return [Advice(
        "leak", match.names,
        f"{listed(match.names)} tell {evidence.source.target!r} {match.words}, in "
        f"{match.accuracy:.1%} of the rows, and neither does alone. Are they known when a "
        "prediction is needed?",
        option("drop", *match.names),
    )]  # fmt: skip


def _rounded(score: float) -> str:
    """A score whose distance from 1 can be seen."""
    return f"{score:.4f}" if score > 0.99 else f"{score:.2f}"
