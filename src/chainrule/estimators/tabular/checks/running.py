"""All checks of a table, one after the other."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..honest import HonestScore, honest_score
from ..metrics import Answers, measure
from ..splits import Rows, group_codes, split_by_group, split_by_time, time_values
from .advice import Advice, option
from .class_labels import class_advice
from .close_copies import CloseCopies
from .duplicates import (
    Duplicates,
    copies_advice,
    copies_of_rows,
    duplicate_advice,
    duplicates,
    near_advice,
    nearly_repeated,
)
from .evidence import Evidence
from .groups import Groups, group_advice, groups
from .leaks import leaks
from .near_duplicates import NearDuplicates
from .skewed_target import skew_advice
from .time_order import TimeOrder, time_advice, time_option, time_order
from .uninformative import uninformative_advice

FEW_TEST_ROWS = 30
MAX_HONEST_ROWS = 12_000
REPEATED = 0.02  # of the rows


@dataclass(frozen=True)
class Checked:
    """What the checks say.

    Attributes
    ----------
    advice : tuple of Advice
        The gravest first.
    honest : tuple of HonestScore
    """

    advice: tuple[Advice, ...] = ()
    honest: tuple[HonestScore, ...] = ()


NOTHING = Checked()


def advise(
    evidence: Evidence, identifiers: Collection[str], metric: str, answers: Answers
) -> Checked:
    """Check a table.

    Parameters
    ----------
    evidence : Evidence
    identifiers : collection of str
        Columns that name the row: they are looked at by none of the checks.
    metric : str
    answers : Answers
        Those of the model for the test rows: how much of its score is of rows that it knows.
    """
    source, split = evidence.source, evidence.options.chosen_split
    repeated = duplicates(evidence, identifiers)
    together = groups(evidence, identifiers, repeated.count < REPEATED * len(source.frame))
    order = time_order(evidence, identifiers, "" if together is None else together.column)
    if together is not None and order is not None and order.of_residuals:
        order = None  # rows of one group follow each other
    leaking = leaks(evidence, identifiers, "" if together is None else together.column)
    if together is not None and any(together.column in one.columns for one in leaking):
        together = None  # a status that comes after the target, and no group
    alone = not (together or order or repeated.count)
    nearly = copies_advice(_copies(evidence, identifiers), evidence) if alone else []
    nearly = nearly or near_advice(_near(evidence, identifiers), evidence)
    advice = [
        *leaking,
        *duplicate_advice(
            repeated, len(source.frame), _without(repeated, evidence, metric, answers)
        ),
        *nearly,
        *([] if order is None else time_advice(order, split)),
        *([] if together is None else group_advice(together, split)),
        *class_advice(evidence),
        *skew_advice(evidence),
        *uninformative_advice(evidence, identifiers),
        *_left_out(evidence),
        *_few_rows(evidence),
    ]
    if split != "random":
        return Checked(tuple(advice))
    leave_out = {*identifiers, *(name for one in leaking for name in one.columns)}
    return Checked(tuple(advice), _honest(evidence, order, together, leave_out))


def _without(
    repeated: Duplicates, evidence: Evidence, metric: str, answers: Answers
) -> tuple[str, float, float] | None:
    """The score of the test rows that the training has not, beside that of all."""
    new = ~repeated.straddling
    if new.all() or np.sum(new) < 2:
        return None
    y = evidence.targets[evidence.test_rows]
    scores = measure(metric, y, answers), measure(metric, y[new], answers.part(new))
    return (metric, *scores) if np.isfinite(scores).all() else None


def _near(evidence: Evidence, identifiers: Collection[str]) -> NearDuplicates | None:
    """Rows that nearly repeat another one."""
    kinds = evidence.options.column_kinds
    return nearly_repeated(evidence.source, identifiers, kinds, evidence.readings)


def _copies(evidence: Evidence, identifiers: Collection[str]) -> CloseCopies | None:
    """Rows that are noisy copies of others."""
    kinds = evidence.options.column_kinds
    return copies_of_rows(evidence.source, identifiers, kinds, evidence.readings)


def _left_out(evidence: Evidence) -> list[Advice]:
    """Rows that nothing is learned from."""
    source, advice = evidence.source, []
    if source.missing_targets:
        noun = "row has" if source.missing_targets == 1 else "rows have"
        advice.append(Advice(
            "missing_target", (),
            f"{source.missing_targets:,} {noun} no {source.target!r} and were left out, of "
            f"{len(source.frame) + source.missing_targets + source.duplicates:,}.",
        ))  # fmt: skip
    if source.duplicates:
        advice.append(Advice(
            "duplicates", (),
            f"{source.duplicates:,} rows that repeat another one were left out; "
            f"{len(source.frame):,} are left.",
        ))  # fmt: skip
    return advice


def _few_rows(evidence: Evidence) -> list[Advice]:
    """A test of so few rows that its score may be far from the truth."""
    count = len(evidence.test_rows)
    if count >= FEW_TEST_ROWS:
        return []
    message = f"The score is that of {count} test rows"
    if evidence.is_classification:
        message += f": each is {1 / count:.0%} of it, and chance moves it by about "
        message += f"{0.4 / count**0.5:.0%}"
    return [Advice("few_rows", (), f"{message}. More rows would say more.",
                   "--test-fraction 0.4")]  # fmt: skip


def _honest(
    evidence: Evidence, order: TimeOrder | None, together: Groups | None,
    leave_out: Collection[str],
) -> tuple[HonestScore, ...]:  # fmt: skip
    """A simple model's score on the random split and on the one that is advised."""
    source, options = evidence.source, evidence.options
    rng = np.random.default_rng(evidence.seed)
    everything = np.arange(len(source.frame))
    scores = []
    if order is not None:
        rows = np.sort(rng.permutation(everything)[:MAX_HONEST_ROWS])
        times = time_values(source.frame.iloc[rows], order.column, options.column_kinds)
        honest = split_by_time(times, options.test_fraction)
        command = time_option(order.column)
        scores.append(_score(evidence, leave_out, rows, honest, "time", order.column, command))
    if together is not None:
        names = group_codes(source.frame[together.column])
        share = min(1.0, MAX_HONEST_ROWS / len(names))
        rows = np.flatnonzero((rng.random(names.max() + 1) < share)[names])
        cells = source.frame[together.column].iloc[rows]
        honest = split_by_group(cells, options.test_fraction, evidence.seed)
        command = option("group", together.column)
        scores.append(_score(evidence, leave_out, rows, honest, "group", together.column, command))
    return tuple(score for score in scores if score is not None)


def _score(
    evidence: Evidence, leave_out: Collection[str], rows: Any, honest: Rows,
    kind: str, column: str, command: str,
) -> HonestScore | None:  # fmt: skip
    """The two scores, where both are defined."""
    view = evidence.of_rows(rows)
    columns = [c for c in view.columns if c.name not in leave_out]
    in_test = np.isin(rows, evidence.test_rows)
    random = np.flatnonzero(~in_test), np.flatnonzero(in_test)
    if not columns or min(map(len, (*random, *honest))) < 2:
        return None
    score = honest_score(
        evidence.source.task, columns, view.y, (random, honest), evidence.seed, kind, column,
        command,
    )  # fmt: skip
    return score if np.isfinite([score.random, score.honest]).all() else None
